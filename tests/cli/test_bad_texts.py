"""Misuse of the commands with labelled and tagged texts, one row each: a wrong table, column, token or option."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.cli.misuse import (
    SMALL_READER,
    Outcome,
    check_refusal,
    make_classifier,
    make_tagger,
    snapshot,
)
from throughtime import cli


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
