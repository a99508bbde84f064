"""Misuse of the commands, one row each: a wrong file, folder, prompt, cell or command line."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.misuse import (
    TEXT,
    TINY,
    Outcome,
    as_nobody,
    check_refusal,
    make_model,
    snapshot,
)
from throughtime import cli
from throughtime.cli import VERBS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("made"))


@pytest.fixture
def tree(made: Path, tmp_path: Path) -> Path:
    """A folder with text.txt and a model of it in m."""
    shutil.copytree(made.parent, tmp_path / "tree")
    return tmp_path / "tree"


@pytest.fixture
def refuse(tree: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in the tree; it must be refused with the words, and leave the tree as it was."""

    def run(arguments: list[str], *words: str) -> None:
        monkeypatch.chdir(tree)
        before = snapshot(tree)
        capfd.readouterr()
        check_refusal(Outcome(cli.invoke(arguments), *capfd.readouterr()), words)
        assert snapshot(tree) == before

    return run


TRAIN, EVALUATE = ["train", "text", "FILE", "--out", "new", "--steps", "2", *TINY], ["evaluate", "m", "FILE"]
ONE_BYTE = "\N{LATIN SMALL LETTER E WITH ACUTE}"
FILES: dict[str, tuple[bytes | None, list[str], list[str]]] = {
    # name: content (None: a folder), further options, words
    "empty": (b"", [], ["bad.txt", "empty file"]),
    "folder": (None, [], ["bad.txt: expected a text file, got a folder without one"]),
    "not utf-8": (b"caf" + ONE_BYTE.encode("latin-1"), [], ["byte 0xe9 at offset 3", "--encoding"]),
    "wrong encoding": (b"caf\x81", ["--encoding", "ascii"], ["expected ascii", "byte 0x81 at offset 3"]),
    "no such encoding": (b"abc", ["--encoding", "utf-88"], ["'utf-88'", "utf-8"]),
    "empty encoding": (b"abc", ["--encoding", ""], ["''", "utf-8"]),
    "encoding of no text": (b"abc", ["--encoding", "base64"], ["'base64'"]),
    "gzip": (gzip.compress(b"text"), [], ["gzip archive"]),
    "zip": (b"PK\x03\x04abc", [], ["zip archive"]),
    "gzip read as latin-1": (gzip.compress(b"text"), ["--encoding", "latin-1"], ["gzip archive"]),
    "binary": (b"\x00\x01\x02abc", [], ["NUL at character 1"]),
    "machine code": (b"\x7fELF\x02\x01\x01" + bytes(9), [], ["NUL at character 8"]),
    "half of utf-16": (TEXT.encode("utf-16")[:-1], [], ["it begins like UTF-16, and does not go on so"]),
    "utf-16 without a mark": (TEXT.encode("utf-16-le"), [], ["NUL at character 2", "--encoding utf-16-le"]),
    "a mark alone": (b"\xef\xbb\xbf", [], ["only a byte order mark"]),
    "half a pair": (b"the \\ud800 cat", ["--encoding", "raw_unicode_escape"], ["surrogate"]),
}


@pytest.mark.parametrize("verb", [TRAIN, EVALUATE], ids=["train", "evaluate"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_text(tree: Path, refuse: Any, verb: list[str], name: str) -> None:
    content, options, words = FILES[name]
    if content is None:
        (tree / "bad.txt").mkdir()
    else:
        (tree / "bad.txt").write_bytes(content)
    refuse([*("bad.txt" if a == "FILE" else a for a in verb), *options], *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (TRAIN, ["FILE: no such file"]),
        (EVALUATE, ["FILE: no such file"]),
        (["train", "text", "x" * 5000, "--out", "new"], ["too long"]),
        (["evaluate", "m", "a\0b"], ["null"]),
        (["run", "gone"], ["gone", "expected a model folder"]),
        (["evaluate", "gone", "text.txt"], ["gone", "expected a model folder"]),
        (["report", "gone"], ["gone", "expected a model folder"]),
        (["run", "text.txt"], ["text.txt", "expected a model folder"]),
        (["report", "."], ["expected a model folder"]),
        (["run", "m", "the \u6708 \U0001f600!"], ["'\u6708'", "U+6708", "U+1F600", "at character 5", "--tokens bytes"]),
        (["run", "m", "the", "--prompt", "cat"], ["prompt", "given twice"]),
        (["run", "m", "the", "--stop", ""], ["stop"]),
        (["run", "m", "the", "cat"], ["unexpected extra argument", "cat"]),
        (["evaluate", "m", "text.txt", "--part", "tset"], ["'tset'", "validation"]),
        (["train"], ["expected a task", "text or forecast"]),
        (["train", "text"], ["Missing argument", "DATA"]),
        (["train", "text", "text.txt"], ["--out"]),
        (["train", "text", "text", "text.txt", "--out", "new"], ["text: no such file"]),
        (["train", "txet", "text.txt"], ["txet"]),
        (["rnu", "m"], ["unknown verb 'rnu'", ", ".join(VERBS)]),
        (["run", "m", "--tempreature", "1"], ["--tempreature"]),
        (["run", "m", "--length"], ["--length"]),
        (["cells", "gru", "lstm"], ["unexpected extra argument"]),
        (["cells", "elman"], ["'elman'", "lstm"]),
        ([*TRAIN, "--epochs", "2"], ["one budget", "epochs and steps"]),
        ([*TRAIN, "--tokens", "letters"], ["'letters'", "characters, bytes, words, bpe"]),
        ([*TRAIN, "--tokens", "bytes", "--vocabulary", "9"], ["always 256", "--vocabulary"]),
        ([*TRAIN, "--size", "M"], ["--size M", "M=32"]),
        ([*TRAIN, "--size", "M=x"], ["--size M=x", "M=32"]),
        ([*TRAIN, "--size", "M=3"], ["size M", "no such size"]),
        ([*TRAIN, "--size", "H=3"], ["size H", "--hidden"]),
        ([*TRAIN, "--cell", "lstm,,gru"], ["unknown cell ''"]),
        ([*TRAIN, "--cell", "rnn:sine"], ["tanh, relu"]),
        ([*TRAIN, "--cell", "gone.py:Mine"], ["there is no file gone.py"]),
        ([*TRAIN, "--validation", "1"], ["validation", "below 1"]),
        ([*TRAIN, "--holdout", "0.9999"], ["none is left to learn from", "longer text"]),
        ([*TRAIN, "--hidden", "1000000"], ["need about", "TB", "this machine has", "--hidden"]),
        ([*TRAIN, "--hidden", str(10**12)], ["hidden must be an integer from 1 to 1,048,576", str(10**12)]),
        ([*TRAIN, "--out", "m"], ["m: there is a model already", "--force"]),
        ([*TRAIN, "--out", "text.txt"], ["text.txt"]),
        ([*TRAIN, "--out", "text.txt/new"], ["text.txt"]),
        ([*TRAIN, "--out", "a\0b"], ["null"]),
    ],
)
def test_a_wrong_command_line(refuse: Any, arguments: list[str], words: list[str]) -> None:
    found = "text.txt" if arguments[:2] == ["train", "text"] and arguments != TRAIN else "FILE"
    refuse([found if a == "FILE" else a for a in arguments], *words)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("a", [], ["of 1 character none is left", "longer text"]),
        ("abc", [], ["at least 20 characters", "got 2", "longer text"]),
        ("a cat sat on the mat.", [], ["at least 20 characters", "got 18", "longer text"]),
        ("ab", ["--validation", "0"], ["at least 2 tokens", "longer text"]),
        (
            "abc def",
            ["--tokens", "words", "--holdout", "0.5", "--validation", "0"],
            ["at least 2 tokens", "longer text"],
        ),
    ],
)
def test_a_text_too_short_to_learn_from(
    tree: Path, refuse: Any, text: str, options: list[str], words: list[str]
) -> None:
    (tree / "bad.txt").write_text(text, "utf-8")
    refuse([*("bad.txt" if a == "FILE" else a for a in TRAIN), *options], *words)


def test_a_text_too_short_to_score(tree: Path, refuse: Any) -> None:
    (tree / "bad.txt").write_text("t", "utf-8")
    refuse(["evaluate", "m", "bad.txt"], "'all' has 1 token,", "at least 2", "longer text")
    (tree / "bad.txt").write_text("the other cat", "utf-8")
    refuse(["evaluate", "m", "bad.txt", "--part", "test"], "'test'", "leave the part out")


def test_a_text_whose_validation_and_test_part_are_empty_still_trains(tree: Path) -> None:
    (tree / "bad.txt").write_text("the cat", "utf-8")
    options = ["--out", str(tree / "new"), "--steps", "2", "--holdout", "0", "--validation", "0", *TINY]
    assert cli.invoke(["train", "text", str(tree / "bad.txt"), *options]) == 0


@pytest.mark.parametrize(
    ("piped", "words"),
    [(b"", ["standard input", "empty"]), (b"a\xff", ["standard input", "0xff at offset 1"]), (b"x\0", ["NUL"])],
)
def test_a_piped_prompt(refuse: Any, monkeypatch: pytest.MonkeyPatch, piped: bytes, words: list[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped)))
    refuse(["run", "m", "-"], *words)


START = "from throughtime.recurrence import Cell, Matrix, tanh\n\n\nclass Mine(Cell):\n    state = {'h': 'H'}\n"
BODY = START + "    W, U = Matrix('H', 'I'), Matrix('H', 'H')\n\n    def step(self, x, h):\n        "
CELLS: dict[str, tuple[str, list[str]]] = {
    "not python": ("class Mine(:\n", ["SyntaxError", "line 1"]),
    "binary": ("\0\1\2", ["mine.py:Mine"]),
    "raises": ("x = 1\ny = x / 0\n", ["ZeroDivisionError", "line 2"]),
    "leaves": ("import sys\nsys.exit(0)\n", ["SystemExit"]),
    "no class": ("x = 1\n", ["no such class", "none"]),
    "no cell": ("class Mine:\n    pass\n", ["no such class", "none"]),
    "no state": ("from throughtime.recurrence import Cell\n\nclass Mine(Cell):\n    pass\n", ["declare the states"]),
    "no step": (START, ["needs a step method"]),
    "asks for something": (START + "    def __init__(self, size):\n        pass\n", ["size", "cannot be traced"]),
    "returns nothing": (BODY + "pass\n", ["must be a symbol, got NoneType"]),
    "too many states": (BODY + "return h, h\n", ["must return 1 states", "got 2"]),
    "wrong shapes": (BODY + "return tanh(self.U @ x)\n", ["U is H x H", "line 9"]),
    "an if": (BODY + "return x if h else h\n", ["no truth value", "line 9"]),
    "not a number": (BODY + "return tanh(self.U @ h) * float('nan')\n", ["finite number", "line 9"]),
    "recursion": (BODY + "return self.step(x, h)\n", ["mine.py:Mine"]),
    "divides by zero": (BODY + "1 / 0\n", ["ZeroDivisionError", "line 9"]),
    "ten thousand nodes": (
        BODY + "\n        for _ in range(10**4):\n            h = tanh(h)\n        return h\n",
        ["512"],
    ),
    "unknown size": (BODY.replace("'I')", "'M')") + "return tanh(self.W @ h)\n", ["W"]),
}


@pytest.mark.parametrize("verb", ["train", "cells"])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_of_the_users_own(tree: Path, refuse: Any, name: str, verb: str) -> None:
    code, words = CELLS[name]
    (tree / "mine.py").write_text(code, "utf-8")
    (tree / "__pycache__").mkdir()  # where Python keeps what it compiled: the one thing that may change
    refuse(["cells", "mine.py:Mine"] if verb == "cells" else [*TRAIN, "--cell", "mine.py:Mine"], *words)


RIGHTS: list[tuple[str, int, list[str], list[str]]] = [
    # what is closed, its rights, a command, words
    ("text.txt", 0, TRAIN, ["text.txt", "no permission"]),
    ("text.txt", 0, EVALUATE, ["text.txt", "no permission"]),
    ("m/config.json", 0, ["run", "m"], ["config.json", "Permission denied"]),
    ("m/model.safetensors", 0, ["run", "m"], ["model.safetensors", "Permission denied"]),
    ("m/tokenizer.json", 0, EVALUATE, ["tokenizer.json", "Permission denied"]),
    ("m/history.jsonl", 0, ["report", "m"], ["history.jsonl", "Permission denied"]),
    ("m", 0, ["run", "m"], ["m"]),
    ("m", 0o555, ["report", "m"], ["report.html", "cannot be written (Permission denied)"]),
    (".", 0o555, TRAIN, ["new", "Permission denied"]),
]


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's")
def test_missing_rights(made: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="throughtime-"))  # where any user may come, unlike pytest's own folders
    folder.chmod(0o777)
    try:
        commands = []
        for number, (closed, rights, arguments, _) in enumerate(RIGHTS):
            tree = Path(shutil.copytree(made.parent, folder / str(number)))
            tree.chmod(0o777)
            place = {"FILE": tree / "text.txt", "m": tree / "m", "new": tree / "new"}
            commands.append([str(place.get(a, a)) for a in arguments])
            (tree / closed).chmod(rights)
        before = snapshot(folder)
        for outcome, (closed, _, arguments, words) in zip(as_nobody(made, commands), RIGHTS, strict=True):
            assert outcome.status == 2, (closed, arguments, outcome.err)
            check_refusal(outcome, words)
        assert snapshot(folder) == before
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=False)
        shutil.rmtree(folder)


def test_a_full_disk(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    disk = tree / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        capfd.readouterr()
        options = ["--out", str(disk / "new"), "--steps", "2", *TINY, "--hidden", "64"]
        status = cli.invoke(["train", "text", str(tree / "text.txt"), *options])
        error = capfd.readouterr().err
        assert status == 2, error
        assert "No space left on device" in error.splitlines()[-1]
        assert "Traceback" not in error
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_process_of_its_own_says_the_same(tree: Path) -> None:
    call = [sys.executable, "-m", "throughtime", "train", "text", "gone", "--out", "new"]
    done = subprocess.run(call, cwd=tree, capture_output=True, text=True, check=False)
    check_refusal(Outcome(done.returncode, done.stdout, done.stderr), ["gone: no such file; check the path"])
