"""A generated model held against the runtime: compiled with the machine's C compiler, and run over the same steps."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.c.build import Built, build
from throughtime.interop.c.files import code, header
from throughtime.interop.c.language import comment, identifier
from throughtime.interop.c.source import narrow, widened
from throughtime.interop.model import ImportedModel
from throughtime.interop.parity import SINGLE
from throughtime.interop.trained import graph_of
from throughtime.options import Json
from throughtime.storage.folder import passing_folder, write_atomically

FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-pedantic")
STEPS = (400, 100, *[20] * 10)
"""Steps of the streams that are compared, one after the other, each from the beginning."""

SURE = 1e-6
"""How far the runtime's own float32 may be from its float64 where a step is compared: a model that magnifies every
rounding from step to step has no one right answer after that."""

FEWEST = 100
"""Steps that a proof must have."""

_PATIENCE = 600
"""Seconds that the compiler may take."""

_MAIN = r"""
#include "%(header)s"
#include <stdio.h>

int main(void)
{
    static %(name)s_state s;
    static float x[%(width)d], y[%(total)d];
    float kind[1];
    while (fread(kind, sizeof(float), 1, stdin) == 1) {
        if (kind[0] > 0.0f) {
            %(name)s_reset(&s);
        }
        if (fread(x, sizeof(float), %(width)d, stdin) != %(width)d || %(name)s_step(&s, %(given)s) != 0) {
            return 1;
        }
        if (fwrite(y, sizeof(float), %(total)d, stdout) != %(total)d) {
            return 1;
        }
    }
    return 0;
}
"""


def write(loaded: Any, file: Path, who: str, int8: bool = False) -> dict[str, Json]:
    """Write a loaded model as FILE.c and FILE.h where the compiled code gives the runtime's numbers; what was found.

    int8: matrices are kept in eight bits with a scale for each row; the code is held against the runtime with the very
    weights that they stand for, and the difference from the float32 model is told. UserError otherwise.
    """
    file = named(file)
    model = graph_of(loaded, who).as_type("float32")
    name = identifier(file.stem, "model")
    built = build(model, who, int8)
    sheet = file.with_suffix(".h")
    compiler = find_compiler()
    notes = _notes(model, built, int8)
    found: dict[str, Json] = {"weights": built.source.weight_bytes}
    found |= {"state": 4 * sum(built.source.states.values()), "work": 4 * sum(built.source.work.values())}
    if getattr(loaded, "ngram", None) is not None:
        found["left out"] = "the n-gram model, which C does not hold: this is the recurrence alone"
        notes.append("The n-gram model beside the recurrence is not in this file.")
    if compiler is None:
        found["proof"] = "none: no C compiler was found here (set CC), it was not proved"
        notes.append("NOT PROVED: no C compiler was found where this was written.")
    else:
        steps = trials(built, model)
        theirs, warnings = run(compiler, built, name, sheet.name, steps)
        error, count = compare(quantized(model) if int8 else loaded, built, steps, theirs, who)
        if count < FEWEST:
            raise UserError(
                f"{file}: it magnifies roundings so much that its own float32 and float64 agree for {count} of "
                f"{sum(STEPS)} steps only, C cannot be proved; nothing was written, train it with smaller weights"
            )
        if not error <= SINGLE:
            raise UserError(f"{file}: the compiled C differs by {error:.2g}; nothing was written, please report this")
        found |= {"error": error, "steps": count, "compiler": compiler[0], "warnings": warnings}
        notes.append(f"Largest error against the runtime over {count} steps: {error:.2g}.")
        if int8:
            lost = difference(theirs, runtime(loaded, built, steps))
            found["int8 difference"] = lost
            notes.append(f"Largest difference from the float32 model over these steps: {lost:.2g} (measured;")
            notes.append("relative to the largest value where that is above 1).")
    write_atomically(sheet, header(built, name, notes).encode())
    write_atomically(file, code(built, name, sheet.name).encode())
    return found


def named(file: Path) -> Path:
    """A file's name with .c at its end; UserError where C could not include the .h beside it."""
    if file.suffix not in ("", ".c"):
        raise UserError(f"{file}: expected a name that ends with .c, its header is written beside it")
    if any(one in '"\\' or not one.isprintable() for one in file.name):
        raise UserError(f"{file}: a name with such characters cannot be included; give another one with --out")
    return file.with_suffix(".c")


def _notes(model: ImportedModel, built: Built, int8: bool) -> list[str]:
    """What the header says of a model."""
    found = ["Written by throughtime; C99 without malloc.", "Layers:"]
    for name, layer in zip(model.graph.names, model.graph.layers, strict=True):
        cells = ", ".join(f"{one.name} {one.output_size}" for one in getattr(layer, "cells", ()))
        found.append(f"  {comment(name)}: {comment(layer.kind)}{comment(' ' + cells) if cells else ''}")
    if int8:
        bound = max((narrow(model.parameters[key])[1].max() / 2 for key in matrices(model)), default=0.0)
        found.append(f"Matrices: int8, a float scale for each row; each weight is off by at most {bound:.3g}, so that")
        found.append("a row's sum is off by at most that times the sum of the magnitudes of what it reads.")
    return found


def find_compiler() -> list[str] | None:
    """The command of a C compiler: $CC, cc, gcc or clang; None where there is none."""
    given = shlex.split(os.environ.get("CC", ""))
    for command in ([given] if given else []) + [["cc"], ["gcc"], ["clang"]]:
        place = shutil.which(command[0])
        if place:
            return [place, *command[1:]]
    return None


def matrices(model: ImportedModel) -> list[str]:
    """The parameters that eight bits are for."""
    found = []
    for key, value in model.parameters.items():
        layer = model.graph.layers[int(key.partition(".")[0])]
        if value.ndim == 2 and not isinstance(layer, kinds.Activation):
            found.append(key)
    return found


def quantized(model: ImportedModel) -> ImportedModel:
    """The float32 model whose matrices are what eight bits stand for."""
    short = {key: widened(model.parameters[key]) for key in matrices(model)}
    return ImportedModel(model.graph, {**model.parameters, **short}, model.origin)


def trials(built: Built, model: ImportedModel, seed: int = 1) -> list[np.ndarray]:
    """Streams: tokens (T,) or steps (T, I)."""
    rng, found = np.random.default_rng(seed), list[np.ndarray]()
    left = [one.value for one in model.graph.layers if isinstance(one, kinds.Masking)]
    for steps in STEPS:
        if built.rows:
            found.append(rng.integers(0, built.rows, steps))
            continue
        x = rng.standard_normal((steps, built.input)).astype(np.float32)
        x[:: max(1, steps // 7)] *= 3
        if left:
            x[rng.random(steps) < 0.2] = np.float32(left[0])
        found.append(x)
    return found


def run(
    compiler: list[str], built: Built, name: str, sheet: str, streams: list[np.ndarray]
) -> tuple[list[np.ndarray], int]:
    """The answers (steps, all outputs side by side) of each stream by the compiled code; the compiler's warnings."""
    total = sum(built.outputs)
    places = np.concatenate([[0], np.cumsum(built.outputs)])[:-1].tolist()
    given = ", ".join(["(long)x[0]" if built.rows else "x", *(f"y + {place}" for place in places)])
    values = {"header": sheet, "name": name, "width": built.input or 1, "total": total, "given": given}
    fed = []
    for one in streams:
        begins = np.zeros((len(one), 1), np.float32)
        begins[0] = 1.0
        fed.append(np.hstack([begins, one.reshape(len(one), -1).astype(np.float32)]).tobytes())
    with passing_folder() as place:
        (place / sheet).write_text(header(built, name, ["On trial."]), encoding="utf-8")
        (place / "model.c").write_text(code(built, name, sheet), encoding="utf-8")
        (place / "main.c").write_text(_MAIN % values, encoding="utf-8")
        made = _call([*compiler, *FLAGS, "-c", "model.c", "-o", "model.o"], place)
        _call([*compiler, "-std=c99", "main.c", "model.o", "-o", "./trial", "-lm"], place)
        output = _call([str(place / "trial")], place, b"".join(fed)).stdout
    answers = np.frombuffer(output, np.float32).reshape(-1, total)
    found = np.split(answers, np.cumsum([len(one) for one in streams])[:-1])
    return found, len(re.findall(rb"warning:", made.stderr))


def _call(command: list[str], place: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command in a folder; UserError where it fails."""
    try:
        found = subprocess.run(command, cwd=place, input=given, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"export: {command[0]} did not run ({error}); set CC to a C compiler") from None
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip().splitlines() or [f"status {found.returncode}"]
        raise UserError(f"export: {command[0]} failed ({said[0][:200]}); set CC to a C compiler that knows C99")
    return found


def runtime(loaded: Any, built: Built, streams: list[np.ndarray], dtype: str = "float32") -> list[np.ndarray]:
    """The same answers by the runtime."""
    step = stepper(loaded, dtype)
    found = []
    for one in streams:
        begin, feed = step()
        begin()
        found.append(np.stack([np.concatenate(feed(x)) for x in one]))
    return found


def stepper(loaded: Any, dtype: str) -> Callable[[], tuple[Callable[[], None], Callable[[Any], list[np.ndarray]]]]:
    """What begins a stream of the runtime, and what takes a step; without the n-gram model of a language model."""
    if not isinstance(loaded, ImportedModel):
        alone = type(loaded)(loaded.config, dict(loaded.parameters), loaded.tokenizer, form=loaded.form)
        return lambda: (alone.reset, lambda token: [alone.step(int(token))])
    model = loaded.as_type(dtype)

    def begin() -> tuple[Callable[[], None], Callable[[Any], list[np.ndarray]]]:
        stream = model.stream()

        def feed(x: Any) -> list[np.ndarray]:
            answer = stream.feed(np.asarray(x)[None])
            return [np.ravel(one) for one in (answer if isinstance(answer, list) else [answer])]

        return stream.reset, feed

    return begin


def compare(
    reference: Any, built: Built, streams: list[np.ndarray], mine: list[np.ndarray], who: str
) -> tuple[float, int]:
    """The largest error of answers to streams against a loaded model, and how many steps it is of."""
    theirs = runtime(reference, built, streams)
    error = difference(mine, theirs)
    if not error <= SINGLE:
        mine, theirs = sure(graph_of(reference, who), built, streams, mine, theirs)
        error = difference(mine, theirs)
    return error, sum(map(len, theirs))


def sure(
    model: ImportedModel, built: Built, streams: list[np.ndarray], mine: list[np.ndarray], theirs: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of two answers the steps up to which float32 and float64 of the runtime agree."""
    kept: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for one, other, best in zip(mine, theirs, runtime(model, built, streams, "float64"), strict=True):
        scale = max(1.0, float(np.abs(best).max(initial=0.0)))
        right = np.maximum.accumulate(np.abs(other - best).max(1)) <= SURE * scale
        kept[0].append(one[right])
        kept[1].append(other[right])
    return kept


def difference(mine: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """The largest, relative to the largest value where that is above 1; infinite where anything is no number."""
    worst = 0.0
    for one, other in zip(mine, theirs, strict=True):
        if one.shape != other.shape or not np.isfinite(one).all():
            return float("inf")
        scale = max(1.0, float(np.abs(other).max(initial=0.0)))
        worst = max(worst, float(np.abs(one.astype(np.float64) - other).max(initial=0.0)) / scale)
    return worst
