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
    SMALL_READER,
    TEXT,
    TINY,
    Outcome,
    as_nobody,
    check_refusal,
    make_classifier,
    make_model,
    make_tagger,
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
    "utf-16": (TEXT.encode("utf-16"), [], ["UTF-16", "--encoding utf-16"]),
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
        ("a", [], ["1 characters", "none is left", "longer text"]),
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
    refuse(["evaluate", "m", "bad.txt"], "'all' has 1 tokens", "at least 2", "longer text")
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


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier in c and its texts.csv, and with a tagger in t."""
    folder = tmp_path_factory.mktemp("readers")
    make_classifier(folder)
    make_tagger(folder)
    return folder


@pytest.fixture
def refuse_there(readers: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write files beside the classifier and the tagger; the command must be refused, and leave all as it was."""

    def run(files: dict[str, bytes], arguments: list[str], words: list[str]) -> None:
        for name, content in files.items():
            (readers / name).parent.mkdir(exist_ok=True)
            (readers / name).write_bytes(content)
        monkeypatch.chdir(readers)
        before = snapshot(readers)
        capfd.readouterr()
        try:
            check_refusal(Outcome(cli.invoke(arguments), *capfd.readouterr()), words)
            assert snapshot(readers) == before
        finally:
            for name in files:
                (readers / name).unlink()

    return run


HEAD = b"review,stars\n"
CLASSIFY = ["train", "classify", "bad.csv", "--out", "new", "--steps", "2", *SMALL_READER]
SCORE, LABEL = ["evaluate", "c", "bad.csv"], ["run", "c", "--file", "bad.csv"]
TABLES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["bad.csv", "empty file"]),
    "head alone": (HEAD, ["bad.csv", "no rows below the header"]),
    "one class": (HEAD + b"a b,1\nc d,1\n", ["bad.csv", "every text has the label '1'"]),
    "no texts": (HEAD + b",1\n ,2\n", ["bad.csv", "no texts"]),
    "no such column": (b"name,kind,more\na,1,2\nb,2,1\n", ["bad.csv", "name, kind, more"]),
    "a label is missing": (HEAD + b"a b,1\nc d,\n", ["bad.csv: row 3", "the label is missing"]),
    "a comma too many": (HEAD + b"a b,1\nc, d,2\n", ["bad.csv: row 3", "3 values", "in quotes"]),
    "an open quote": (HEAD + b'a b,1\n"c d,2\n', ["bad.csv: row 3", "quote"]),
    "NUL": (HEAD + b"a\0b,1\nc d,2\n", ["bad.csv", "NUL"]),
    "not utf-8": (HEAD + b"caf\xe9,1\nc d,2\n", ["bad.csv", "byte 0xe9 at offset 16", "--encoding"]),
    "gzip": (gzip.compress(HEAD), ["bad.csv", "gzip archive"]),
}


UNLABELLED = {"one class", "no texts", "a label is missing"}
"""Where labels are not looked at these are texts, and to score those of one class is no mistake."""


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        *(("train", name) for name in TABLES),
        *(("evaluate", name) for name in TABLES if name not in ("one class", "no texts")),
        *(("run", name) for name in TABLES if name not in UNLABELLED),
    ],
)
def test_a_table_that_holds_no_labelled_texts(refuse_there: Any, verb: str, name: str) -> None:
    content, words = TABLES[name]
    refuse_there({"bad.csv": content}, {"train": CLASSIFY, "evaluate": SCORE, "run": LABEL}[verb], words)


OPEN, TAG = ["train", "classify", "texts.csv", "--out", "new", "--steps", "2", *SMALL_READER], ["train", "tag"]
TAGGED = ["--out", "new", "--steps", "2", "--seconds", "0", *SMALL_READER]


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({}, [*OPEN, "--text", "body"], ["texts.csv", "no column 'body'", "review, stars"]),
        ({}, [*OPEN, "--label", "review", "--text", "review"], ["cannot be the texts and the labels"]),
        ({}, [*OPEN, "--test", "gone.csv"], ["gone.csv: no such file"]),
        ({}, [*OPEN, "--validation", "gone.csv"], ["gone.csv: no such file"]),
        ({}, [*OPEN, "--validation", "1"], ["validation must be a share"]),
        ({}, [*OPEN, "--validation", "nan"], ["validation must be a share"]),
        ({}, [*OPEN, "--units", "letters"], ["units must be some of words"]),
        ({}, [*OPEN, "--units", ""], ["units must be some of words"]),
        ({}, [*OPEN, "--pooling", "sum"], ["pooling must be some of max"]),
        ({}, [*OPEN, "--naive-bayes", "maybe"], ["naive_bayes must be one of on, off, both"]),
        ({}, [*OPEN, "--cell", "elman"], ["'elman'"]),
        ({}, [*OPEN, "--from", "gone"], ["gone", "expected a model folder"]),
        ({}, [*OPEN, "--from", "texts.csv"], ["texts.csv", "expected a model folder"]),
        ({}, [*OPEN, "--from", "t"], ["t: expected a model of the task classify or text", "its task is tag"]),
        ({}, [*OPEN, "--from", "c", "--sentences"], ["has sentences False", "leave --sentences out"]),
        ({}, [*OPEN, "--hidden", "1000000"], ["need about", "this machine has", "--hidden"]),
        ({}, [*OPEN, "--epochs", "2"], ["one budget"]),
        ({}, ["run", "c"], ["give one text", "--file"]),
        ({}, ["run", "c", "a", "--file", "texts.csv"], ["not both"]),
        ({}, ["run", "c", "--file", "texts.csv", "--json", "--probabilities"], ["--json has all"]),
        ({}, ["run", "c", "a", "--follow"], ["--no-bidirectional"]),
        ({}, ["run", "c", "--file", "texts.csv", "--column", "body"], ["texts.csv", "no column 'body'"]),
        ({"bad.txt": b"a\nb\0c\n"}, ["run", "c", "--file", "bad.txt"], ["bad.txt: row 2", "NUL"]),
        ({"bad.txt": b"a\n\xff\n"}, ["run", "c", "--file", "bad.txt"], ["bad.txt", "byte 0xff", "--encoding"]),
        ({}, ["evaluate", "c", "texts.csv", "--text", "body"], ["no column 'body'"]),
        ({"bad.conll": b""}, [*TAG, "bad.conll", *TAGGED], ["bad.conll", "empty file"]),
        ({"bad.conll": b"\n\n"}, [*TAG, "bad.conll", *TAGGED], ["bad.conll", "no sentences"]),
        ({"bad.conll": b"go O\nhome\n"}, [*TAG, "bad.conll", *TAGGED], ["bad.conll: row 2", "a token and its tag"]),
        ({"bad.conll": b"go O\nho\0me O\n"}, [*TAG, "bad.conll", *TAGGED], ["bad.conll", "NUL"]),
        ({"bad.conll": b"caf\xe9 O\n"}, [*TAG, "bad.conll", *TAGGED], ["bad.conll", "byte 0xe9 at offset 3"]),
        ({"bad.conll": b"# intent = a\ngo O\n\nso O\n"}, [*TAG, "bad.conll", *TAGGED], ["row 4", "has no intent"]),
        (
            {"bad.conll": b"# intent = a\ngo O\n\n# intent = a\nso O\n\n# intent = a\nto O\n"},
            [*TAG, "bad.conll", *TAGGED],
            ["bad.conll", "one intent, 'a'", "leave it out"],
        ),
        ({"bad.conll": b"go B-x\nso B-x\nto O\na noun\n"}, [*TAG, "bad.conll", *TAGGED], ["row 4", "got 'noun'"]),
        (
            {"bad/seq.in": b"go home\nfly\n", "bad/seq.out": b"O O\nO O\n"},
            [*TAG, "bad", *TAGGED],
            ["bad/seq.in: row 2", "1 token and 2 tags"],
        ),
        (
            {"bad/seq.in": b"go home\nfly\n", "bad/seq.out": b"O O\n"},
            [*TAG, "bad", *TAGGED],
            ["bad/seq.out: 1 lines of tags", "2 sentences"],
        ),
        ({"bad/seq.in": b"go\n"}, [*TAG, "bad", *TAGGED], ["bad: expected the files seq.in, seq.out"]),
        (
            {"bad.jsonl": b'{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a", "b"], "tags": ["O"]}\n'},
            [*TAG, "bad.jsonl", *TAGGED],
            ["bad.jsonl: row 2", "2 tokens and 1 tag"],
        ),
        ({"bad.jsonl": b'{"tokens": ["a"]}\n'}, [*TAG, "bad.jsonl", *TAGGED], ["no tags", "tokens"]),
        ({"bad.jsonl": b"[1, 2]\n"}, [*TAG, "bad.jsonl", *TAGGED], ["bad.jsonl: row 1", "JSON object"]),
        ({}, [*TAG, "slots.conll", *TAGGED, "--columns", "letters"], ["columns must be some of word"]),
        ({}, [*TAG, "slots.conll", *TAGGED, "--test", "gone"], ["gone: no such file"]),
        ({}, ["evaluate", "t", "gone.conll"], ["gone.conll: no such file"]),
        ({}, ["evaluate", "t", "slots.conll", "--seconds", "-1"], ["seconds must be a number from 0"]),
        ({}, ["run", "t"], ["Missing argument", "text"]),
    ],
)
def test_texts_that_cannot_be_understood(
    refuse_there: Any, files: dict[str, bytes], arguments: list[str], words: list[str]
) -> None:
    refuse_there(files, arguments, words)


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
