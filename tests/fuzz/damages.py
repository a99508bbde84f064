"""One file of a folder, damaged: each damage is drawn from a seed, and says what it did."""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.entrances import mutated
from throughtime.storage.folder import read_weights, write_weights

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 3, 10**6, 2**31, 2**63, 10**400, 1e308, -1e308, 0.5, -0.0, "", "\x1b[2J\x1b]0;x\x07",
    "a\nb", "\u202e\u0085\ud800", "x" * 5000, [], {}, [[]], [None], [0] * 1000, {"": 0},
)  # fmt: skip
"""What stands in the place of a value."""

TYPES = ("float16", "float64", "int8", "int32", "int64", "uint8", "uint16", "bool")


def damage(folder: Path, number: int, names: list[str] | None = None) -> str:
    """Damage one file of a folder, by a number; in words, what was done."""
    rng = random.Random(number)
    name = rng.choice(names or sorted(path.name for path in folder.iterdir() if path.is_file()))
    path = folder / name
    if rng.random() < 0.08:
        return f"{name}: {_replaced(path, rng)}"
    if rng.random() < 0.1:
        return f"{name}: {_bytes(path, rng)}"
    if name.endswith(".json"):
        return f"{name}: {_json(path, rng)}"
    if name.endswith(".safetensors"):
        return f"{name}: {_arrays(path, rng)}"
    return f"{name}: {_bytes(path, rng)}"


def _replaced(path: Path, rng: random.Random) -> str:
    """Something that is no such file in its place."""
    how = rng.choice(("none", "empty", "pipe", "zero", "loop", "folder", "sparse", "deep", "lines"))
    path.unlink()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "pipe":
        os.mkfifo(path)
    elif how in ("zero", "loop"):
        path.symlink_to("/dev/zero" if how == "zero" else path.name)
    elif how == "folder":
        path.mkdir()
    elif how == "sparse":
        path.write_bytes((5 * 10**9 - 8).to_bytes(8, "little") + b"{}")
        os.truncate(path, 5 * 10**9)
    elif how == "deep":
        path.write_text("[" * 100_000)
    elif how == "lines":
        path.write_text("{}\n[]\n1\nnull\n")
    return how


def _bytes(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    how = rng.choice(("cut", "flips", "patch", "doubled"))
    if how == "cut":
        content = content[: rng.randrange(len(content) + 1)]
    elif how == "doubled":
        content = content * 2
    for _ in range(rng.randint(1, 4)) if content and how in ("flips", "patch") else ():
        at = rng.randrange(min(len(content), 3000) if rng.random() < 0.7 else len(content))
        content[at : at + 1] = bytes(rng.randrange(256) for _ in range(1 if how == "flips" else rng.randint(0, 9)))
    path.write_bytes(content)
    return f"bytes {how}"


def places(value: Any, found: list[tuple[Any, Any]] | None = None) -> list[tuple[Any, Any]]:
    """Every place in a JSON value, as what holds it and its key; of long lists some."""
    found = [] if found is None else found
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)[:60]
    elif isinstance(value, list):
        keys = [*range(min(6, len(value)))]
    for key in keys:
        found.append((value, key))
        places(value[key], found)
    return found


def _json(path: Path, rng: random.Random) -> str:
    value = json.loads(path.read_text("utf-8"))
    if rng.random() < 0.3:
        value, done = mutated(value, rng.randrange), "mutated"
    else:
        done = ""
        for _ in range(rng.choice((1, 1, 1, 2))):
            there = places(value)
            if not there:
                break
            holder, key = rng.choice(there)
            done += f" {key!r}: {_change(holder, key, rng)}"
    path.write_text(json.dumps(value), "utf-8")
    return done[:200]


def _change(holder: Any, key: Any, rng: random.Random) -> str:
    old = holder[key]
    how = rng.choice(("drop", "odd", "odd", "near", "deep", "wrap", "other", "repeat"))
    if how == "drop":
        del holder[key]
    elif how == "near" and type(old) in (int, float):
        holder[key] = rng.choice((old + 1, old - 1, -old, 2 * old, old * 1000, old + 0.5, str(old)))
    elif how == "near" and isinstance(old, str):
        holder[key] = rng.choice((old + "x", old[:-1], old.upper(), old[::-1], [old]))
    elif how == "near" and isinstance(old, list):
        holder[key] = rng.choice((old[:-1], old + old, old[::-1], old[1:], {str(i): v for i, v in enumerate(old)}))
    elif how == "deep":
        holder[key] = json.loads("[" * 200 + "]" * 200)
    elif how == "wrap":
        holder[key] = [old]
    elif how == "other":
        _, of = rng.choice(places(holder))
        inside = of in (holder if isinstance(holder, dict) else range(len(holder)))
        holder[key] = copy.deepcopy(holder[of]) if inside else of
    elif how == "repeat" and isinstance(holder, list):
        holder.insert(key, old)
    else:
        how = "odd"
        holder[key] = copy.deepcopy(rng.choice(ODD))
    return f"{how} {repr(holder[key])[:40]}" if how in ("odd", "near") else how


def _arrays(path: Path, rng: random.Random) -> str:
    """Names, types, shapes and values of arrays."""
    arrays = read_weights(path)
    name = rng.choice(sorted(arrays))
    old, how = arrays[name], rng.choice(("drop", "rename", "more", "type", "shape", "value", "value", "order"))
    if how in ("drop", "rename"):
        del arrays[name]
        if how == "rename":
            arrays[rng.choice((name + "x", "", "../x", "\x1b[2J", name.upper()))] = old
    elif how == "more":
        arrays[rng.choice(("more", "0.0.W_xi", "9.tokens", "\x1b[2J"))] = old
    elif how == "type":
        how = rng.choice(TYPES)
        with np.errstate(all="ignore"):
            arrays[name] = old.astype(how)
    elif how == "shape":
        shapes: list[Any] = [old[:-1], old[None], old.reshape(-1), old.T, np.concatenate([old, old]), old[:0], old[:1]]
        arrays[name] = rng.choice([*shapes, old[..., None]]) if old.ndim else old[None]
    elif how == "order":
        arrays[name] = old[::-1] if old.ndim else old
    else:
        arrays[name], how = _values(old, rng)
    write_weights(path, arrays)
    return f"{name!r} {how}"


def _values(old: np.ndarray, rng: random.Random) -> tuple[np.ndarray, str]:
    new, kind = old.copy(), old.dtype.kind
    if kind == "f":
        most = float(np.finfo(old.dtype).max)
        value: Any = rng.choice((np.nan, np.inf, -np.inf, most, -most, 0.0, -1.0, 2.0, 1e-40))
    elif kind in "iu":
        info = np.iinfo(old.dtype)
        value = rng.choice((info.min, info.max, 0, 1, info.max // 2))
    else:
        value = not new.reshape(-1)[0] if new.size else True
    if rng.random() < 0.5 or not new.size:
        new[...] = value
    else:
        new.reshape(-1)[rng.randrange(new.size)] = value
    return new, f"value {value}"
