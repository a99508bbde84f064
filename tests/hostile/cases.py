"""Folders and files of a stranger who means harm: each case plants something and says what is then called.

A case gets the folder it may fill, in which `outside` is what nothing may touch and `evil.py` what nothing may run, and
returns the arguments of the command and the words that its one line must hold.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.mutate import sound
from throughtime.storage.folder import CHECKPOINT, read_weights, write_weights

GOLDEN = Path(__file__).parent.parent / "golden" / "format_1"
MODELS = {
    "text": "text_characters",
    "classify": "classify_words",
    "tag": "tag_intents",
    "forecast": "forecast_student_t",
}
CALLS = {
    "text": ["run", "m", "the"],
    "classify": ["run", "m", "a good film"],
    "tag": ["run", "m", "book a table"],
    "forecast": ["run", "m"],
    "chat": ["run", "m", "eins"],
    "imported": ["export", "m", "--to", "onnx"],
}
TRAIN = {
    "text": ["--steps", "2", "--hidden", "8", "--threads", "1"],
    "classify": ["--steps", "2", "--hidden", "8", "--threads", "1"],
    "tag": ["--steps", "2", "--hidden", "8", "--threads", "1"],
    "forecast": ["--steps", "2", "--horizon", "2", "--threads", "1", "--seconds", "0"],
}

Case = Callable[[Path], tuple[list[str], tuple[str, ...]]]
CASES: dict[str, Case] = {}
QUICK: set[str] = set()
"""Names of the cases that need no process of their own."""

BEGUN: set[str] = set()
"""Names of the cases in which training says what it is before it looks at what is hostile."""


def model(tree: Path, task: str) -> Path:
    """A sound model's folder, m."""
    golden = GOLDEN / MODELS[task] if task in MODELS else sound(task, _place()) / "m"
    shutil.copytree(golden, tree / "m")
    return tree / "m"


@cache
def _place() -> Path:
    """Where sound folders lie of the tasks that have none among the golden ones."""
    _KEPT.append(tempfile.TemporaryDirectory())
    return Path(_KEPT[0].name)


_KEPT: list[Any] = []
"""Folders that live as long as the process."""


def plant(path: Path, how: str) -> None:
    """Something in a file's place that would be read for ever, or into more memory than there is."""
    path.unlink(missing_ok=True)
    if how == "pipe":
        os.mkfifo(path)
    elif how == "zero":
        path.symlink_to("/dev/zero")
    elif how == "loop":
        path.symlink_to(path.name)
    else:
        path.write_bytes((5 * 10**9 - 8).to_bytes(8, "little") + b"{}")
        os.truncate(path, 5 * 10**9)


def _instead(task: str, name: str, how: str, call: list[str]) -> Case:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        plant(model(tree, task) / name, how)
        return call, ("m: expected a model folder",) if name == "config.json" and how != "sparse" else (name,)

    return case


_FILES = {
    "text": ("config.json", "model.safetensors", "tokenizer.json"),
    "classify": ("model.safetensors", "evidence.safetensors", "linear.json", "linear.safetensors"),
    "tag": ("tokenizer.json",),
    "forecast": ("series.json", "series.safetensors"),
    "chat": ("tokenizer.json", "model.safetensors"),
    "imported": ("config.json", "model.safetensors"),
}
for _task, _names in _FILES.items():
    for _name in _names:
        for _how in ("pipe", "zero", "sparse"):
            if (_name, _how) in (("linear.json", "pipe"), ("linear.json", "zero"), ("series.json", "pipe")):
                continue  # where no regular file is, there is none
            if (_name, _how) == ("series.json", "zero"):
                continue
            CASES[f"{_how} as {_name} of {_task}"] = _instead(_task, _name, _how, CALLS[_task])
for _how in ("sparse", "loop"):
    CASES[f"{_how} as history"] = _instead("text", "history.jsonl", _how, ["report", "m"])
for _name in _FILES["imported"]:
    for _how in ("pipe", "zero", "sparse"):
        CASES[f"{_how} as {_name}, run with numbers"] = _instead("imported", _name, _how, ["run", "m", "x.csv"])
QUICK |= {name for name in CASES if "linear" not in name}


def _changed(tree: Path, task: str, change: Callable[[dict[str, Any]], None], name: str = "config.json") -> Path:
    folder = model(tree, task)
    raw = json.loads((folder / name).read_text("utf-8"))
    change(raw)
    (folder / name).write_text(json.dumps(raw), "utf-8")
    return folder


def _config(name: str, task: str, change: Callable[[dict[str, Any]], None], words: tuple[str, ...]) -> None:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        _changed(tree, task, change)
        return CALLS[task], words

    CASES[name] = case
    QUICK.add(name)


_config("a task that is a path", "text", lambda raw: raw.update(task="../evil"), ("unknown task",))
_config("a task that is a module", "text", lambda raw: raw.update(task="os"), ("unknown task",))
_config("a layer that is code", "text", lambda raw: raw["model"]["layers"].__setitem__(0, "evil.py:X"), ("m",))
_config("a layer of Python's", "imported", lambda raw: raw["model"]["layers"][0].update(kind="lambda"), ("m",))
_config(
    "a name that is a list", "imported", lambda raw: raw["model"]["layers"][0].update(name=[]), ("a name of its own",)
)
_config(
    "a layer that reads itself", "imported", lambda raw: raw["model"]["nodes"].__setitem__(1, [1, [[1, 0]]]), ("m",)
)
_config("a cell that is code", "chat", lambda raw: raw["model"].update(encoder=["evil.py:X"]), ("m",))
_config("answers without an end", "chat", lambda raw: raw["data"].update(longest=[9, 1 << 40]), ("longest",))
_config("answers of many pieces", "chat", lambda raw: raw["data"].update(longest=[9, 90_000]), ("longest", "at most"))
_config("a beam of a billion", "chat", lambda raw: raw["options"].update(beam=10**9), ("beam",))
_config("a model that is code", "forecast", lambda raw: raw.update(model="evil.py:X"), ("m",))


def _series(name: str, key: str, value: Any) -> None:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        _changed(tree, "forecast", lambda raw: raw.__setitem__(key, [value] * len(raw[key])), "series.json")
        return CALLS["forecast"], ("m",)

    CASES[name] = case


def _calendar(tree: Path) -> tuple[list[str], tuple[str, ...]]:
    def change(raw: dict[str, Any]) -> None:
        count = len(raw["ids"])
        raw.update(offsets=[1 << 60] * count, starts=["2024-01-01T00:00:00"] * count, frequency="1D")

    _changed(tree, "forecast", change, "series.json")
    return CALLS["forecast"], ("calendar",)


CASES["offsets beyond the calendar"] = _calendar
_series("offsets that are negative", "offsets", -3)
_series("names that are lists", "ids", [["x"] * 10])


def _arrays(name: str, key: str, value: float) -> None:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        folder = model(tree, "forecast")
        arrays = read_weights(folder / "series.safetensors")
        write_weights(folder / "series.safetensors", {**arrays, key: np.full_like(arrays[key], value)})
        return CALLS["forecast"], ("series",)

    CASES[name] = case


_arrays("measures that are no numbers", "measures", float("nan"))
_arrays("values that are infinite", "values", float("inf"))


def _checkpoint(name: str, content: Callable[[Path], None]) -> None:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        text = "the cat sat on the mat\n" * 200
        sha = hashlib.sha256(text.encode()).hexdigest()
        folder = _changed(tree, "text", lambda raw: raw["data"].update(sha256=sha))
        (folder / CHECKPOINT.parent).mkdir()
        content(folder / CHECKPOINT)
        (tree / "text.txt").write_text(text)
        return ["train", "text", "text.txt", "--out", "m", "--resume"], (CHECKPOINT.name,)

    CASES[name] = case
    BEGUN.add(name)


def _numbers(text: str) -> Callable[[Path], None]:
    return lambda path: write_weights(path, {"parameters.x": np.zeros(3, np.float32)}, {"throughtime": text})


_checkpoint("a checkpoint whose numbers are a list", _numbers("[1]"))
_checkpoint("a checkpoint whose numbers are null", _numbers("null"))
_checkpoint("a checkpoint whose numbers are deep", _numbers("[" * 100_000))
_checkpoint("a sparse checkpoint", lambda path: plant(path, "sparse"))
_checkpoint("a pipe as a checkpoint", lambda path: plant(path, "pipe"))


def _data(name: str, task: str, file: str, write: Callable[[Path], object], *words: str) -> None:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        write(tree / file)
        return ["train", task, file, "--out", "new", *TRAIN[task]], words

    CASES[name] = case


def packed(path: Path, head: bytes, block: bytes, times: int) -> None:
    """A gzip file of a block many times over, made in a moment."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    whole = squeeze.compress(head)
    with open(path, "wb") as file:
        file.write(whole)
        for _ in range(times):
            file.write(squeeze.compress(block))
        file.write(squeeze.flush())


_data("gzip of many rows", "forecast", "a.csv", lambda p: packed(p, b"ds,y\n", b"1,1\n" * 250_000, 200), "GB it may")
_data("gzip of many columns", "forecast", "a.csv", lambda p: packed(p, b"", b"," * 1_000_000, 60), "columns")
_data("gzip of one cell", "forecast", "a.csv", lambda p: packed(p, b'a\n"', b"x" * 1_000_000, 200), "GB it may")
_data("gzip cut off", "forecast", "a.csv", lambda p: p.write_bytes(gzip.compress(b"a,b\n1,2\n" * 99)[:-20]), "a.csv")
_data("gzip damaged", "forecast", "a.csv", lambda p: p.write_bytes(b"\x1f\x8b\x08\0" + b"\xff" * 90), "a.csv")
_data("a pipe as a table", "forecast", "a.csv", os.mkfifo, "a pipe")
_data("a device as a table", "forecast", "a.csv", lambda p: p.symlink_to("/dev/zero"), "a device")
_data("a pipe as a text", "text", "a.txt", os.mkfifo, "a pipe")
_data("a device as a text", "text", "a.txt", lambda p: p.symlink_to("/dev/zero"), "a device")
_data("a sparse text", "text", "a.txt", lambda p: plant(p, "sparse"), "a.txt")
_data("a pipe as texts", "classify", "a.csv", os.mkfifo, "a pipe")
_data("a pipe as tagged texts", "tag", "a.conll", os.mkfifo, "a pipe")
for _task in ("translate", "summarize", "chat"):
    TRAIN[_task] = ["--steps", "2", "--hidden", "8", "--threads", "1"]
    _data(f"a pipe as pairs to {_task}", _task, "a.tsv", os.mkfifo, "a pipe")
    _data(f"a device as pairs to {_task}", _task, "a.tsv", lambda p: p.symlink_to("/dev/zero"), "a device")
    _data(f"sparse pairs to {_task}", _task, "a.tsv", lambda p: plant(p, "sparse"), "a.tsv")
    _data(
        f"a NUL in pairs to {_task}", _task, "a.tsv", lambda p: p.write_bytes(b"a\tb\n\0\td\n" * 9), "a.tsv", "line 2"
    )
    QUICK |= {
        f"{what} to {_task}" for what in ("a pipe as pairs", "a device as pairs", "sparse pairs", "a NUL in pairs")
    }
QUICK |= {"gzip cut off", "gzip damaged", "a pipe as a table", "a device as a table", "a pipe as a text"}
QUICK |= {"a device as a text", "a sparse text", "a pipe as texts", "a pipe as tagged texts"}


def _given(name: str, file: str, write: Callable[[Path], object], *words: str) -> None:
    """Numbers to run an imported model on."""

    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        model(tree, "imported")
        write(tree / file)
        return ["run", "m", file], (file, *words)

    CASES[name] = case
    QUICK.add(name)


for _how in ("pipe", "zero", "sparse"):
    for _file in ("x.csv", "x.jsonl", "x.npy"):
        _given(f"{_how} as {_file}", _file, partial(plant, how=_how))
_given("deep numbers", "x.jsonl", lambda p: p.write_text("[" * 200_000), "x.jsonl:1")
_given("code instead of numbers", "x.npy", lambda p: np.save(p, np.array([{}]), allow_pickle=True))


def _sides(name: str, one: str, other: str, *words: str) -> None:
    """Two files of one text a line, which do not go together."""

    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        for file, text in (("a.de", one), ("a.en", other)):
            (tree / file).write_bytes(text.encode())
        call = ["train", "translate", "a", "--source", "de", "--target", "en", "--out", "new", *TRAIN["translate"]]
        return call, words

    CASES[name] = case
    QUICK.add(name)


_GERMAN, _ENGLISH = (
    "".join(f"{word} {n}\n" for n in range(40))
    for word in (
        "der Hund und die Katze sind nicht mit mir im Garten",
        "the dog and the cat are not with me in the garden",
    )
)
for _sign, _told in (
    ("\u2028", "U+2028"),
    ("\x85", "U+0085"),
    ("\r", "a carriage return"),
    ("\x0c", "a form feed"),
):
    _odd = _GERMAN.replace("Hund", f"Hund{_sign}", 1)
    _more = _ENGLISH.replace("dog", "dog\n", 1)
    _sides(f"a line cut at {_told}", _odd, _more, "40 lines", "41", f"a.de: line 1, character 9: {_told}")
    _sides(f"a line cut at {_told} of targets", _more, _odd, "41 lines", f"a.en: line 1, character 9: {_told}")
_sides("a cut line and signs in both", _GERMAN + "x\x0cy\n", _ENGLISH.replace("dog", "dog\u2028", 1), "a.en: line 1,")
_sides("a NUL in targets", _GERMAN, _ENGLISH.replace("cat", "c\0t", 1), "a.en", "line 1, character 18", "a NUL")
_sides("lines that end at carriage returns", _GERMAN.replace("\n", "\r"), _ENGLISH, "a.de", "carriage return")
_sides("sides of other languages", _ENGLISH, _GERMAN, "languages are swapped")
_sides("sides that are equal", _GERMAN, _GERMAN, "both sides are the same text in 40 of 40 pairs")
_sides("a side that is empty", " \n\t\n" * 20 + "\u3000\n", _ENGLISH, "a.de has 0 lines")
_sides("a file that is empty", "", _ENGLISH, "a.de", "empty file")


def _keys(path: Path) -> None:
    path.write_text("".join(f'{{"text": "a", "label": "b", "k{n}": 1}}\n' for n in range(15_000)))


def _equal(path: Path, rows: int, text: str) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"text": pyarrow.array([text] * 10_000), "label": pyarrow.array([1.0] * 10_000)})
    with parquet.ParquetWriter(path, table.schema, compression="zstd") as file:
        for _ in range(rows // 10_000):
            file.write_table(table)


_data("a key of its own in each row", "classify", "a.jsonl", _keys, "different keys")
_data("deep JSON", "classify", "a.jsonl", lambda p: p.write_text("[" * 200_000), "row 1")
_data("Parquet of equal texts", "classify", "a.parquet", lambda p: _equal(p, 500_000, "x" * 9000), "GB it may")
_data("Parquet that is none", "classify", "a.parquet", lambda p: p.write_bytes(b"PAR1" * 99), "Parquet")
QUICK.add("Parquet that is none")


def _rows(*dates: str) -> Callable[[Path], None]:
    return lambda path: path.write_text("ds,y\n" + "".join(f"{date},1\n" for date in dates)) and None


_data("years before there were any", "forecast", "a.csv", _rows("0001-01-01 00:00+05:00"), "row 2")
_data("years after all", "forecast", "a.csv", _rows("9999-12-31 23:00-05:00"), "row 2")
QUICK |= {"years before there were any", "years after all"}


def _linked_checkpoints(flag: str) -> Case:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        folder = model(tree, "text")
        (tree / "outside" / CHECKPOINT.name).write_bytes(b"mine")
        (folder / CHECKPOINT.parent).symlink_to(tree / "outside")
        (tree / "text.txt").write_text("the cat sat on the mat\n" * 200)
        options = [] if flag == "--resume" else TRAIN["text"]
        return ["train", "text", "text.txt", "--out", "m", flag, *options], ("m",)

    return case


CASES["checkpoints that lie elsewhere, trained anew"] = _linked_checkpoints("--force")
CASES["checkpoints that lie elsewhere, gone on with"] = _linked_checkpoints("--resume")


def _linked_lock(tree: Path) -> tuple[list[str], tuple[str, ...]]:
    folder = model(tree, "text")
    (folder / CHECKPOINT.parent).mkdir()
    (folder / CHECKPOINT).with_name(".lock").symlink_to(tree / "outside" / "new")
    (tree / "text.txt").write_text("the cat sat on the mat\n" * 200)
    return ["train", "text", "text.txt", "--out", "m", "--force", *TRAIN["text"]], ("it is a link",)


CASES["a lock that lies elsewhere"] = _linked_lock


def _remembered(how: str) -> Case:
    def case(tree: Path) -> tuple[list[str], tuple[str, ...]]:
        plant(tree / "data", how)
        _changed(tree, "text", lambda raw: raw["data"].update(file=str(tree / "data")))
        return ["diagnose", "m"], ("data",)

    return case


for _how in ("pipe", "zero", "sparse"):
    CASES[f"a remembered file that is {_how}"] = _remembered(_how)
