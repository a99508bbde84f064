"""Tagged sentences: every way in gives the same, and what is wrong in them is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from throughtime.data.tagged import Tagged
from throughtime.errors import UserError
from throughtime.tasks.tag.data import check_tagged_split, read_tagged

DATA = Path(os.environ.get("THROUGHTIME_DATA", Path(__file__).parents[4] / "shared" / "data"))

TOKENS = [["play", "abba", "live"], ["go", "home"]]
TAGS = [["O", "B-artist", "I-artist"], ["O", "O"]]
INTENTS = ["Play", "Go"]
COMMENTED = "# intent = Play\nplay O\nabba B-artist\nlive I-artist\n\n# intent: Go\ngo O\nhome O\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def folder(path: Path, words: str, tags: str, intents: str | None = None) -> Path:
    path.mkdir()
    write(path / "seq.in", words)
    write(path / "seq.out", tags)
    if intents is not None:
        write(path / "label", intents)
    return path


def test_hundreds_of_sentences_have_their_tags(tmp_path: Path) -> None:
    found = read_tagged(folder(tmp_path / "a", "go home\n" * 300, "O O\n" * 300, "Go\n" * 300))
    assert len(found.tokens) == len(found.tags) == len(found.intents or ()) == 300


@pytest.mark.parametrize(
    "kind", ["comments", "columns", "tabs", "beside", "folder", "jsonl", "slots", "parquet", "mapping", "tuple"]
)
def test_every_source_gives_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.conll"
    source: Any = path
    if kind == "comments":
        write(path, COMMENTED.replace("\n", "\r\n"))
    elif kind == "columns":
        words = COMMENTED.replace(" O", " NN _ O ").replace(" B-", "  NN _   B-").replace(" I-", " NN _ I-")
        write(path, "-DOCSTART- -X- O O\n\n# id = 7\n" + words + "\n \n")
    elif kind == "tabs":
        write(path, COMMENTED.replace(" O", "\tNN\tO").replace(" B-", "\tNN\tB-").replace(" I-", "\tNN\tI-"))
    elif kind == "beside":
        write(path, "\n".join(line for line in COMMENTED.split("\n") if not line.startswith("#")))
        write(tmp_path / "a.conll.intent", "Play\nGo \n\n")
    elif kind == "folder":
        source = folder(tmp_path / "a", "play  abba live \ngo home\n", "O B-artist I-artist \nO O\n", "Play\nGo\n")
    elif kind in ("jsonl", "slots"):
        rows = [
            {"tokens": t, "tags": y, "intent": i} if kind == "jsonl" else
            {"tokens": " ".join(t), "slots": " ".join(y), "intent": i}
            for t, y, i in zip(TOKENS, TAGS, INTENTS, strict=True)
        ]  # fmt: skip
        source = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    elif kind == "parquet":
        library = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        source = tmp_path / "a.parquet"
        parquet.write_table(library.table({"tokens": TOKENS, "ner_tags": TAGS, "intent": INTENTS}), source)
    else:
        source = (TOKENS, TAGS, INTENTS) if kind == "tuple" else {"tokens": TOKENS, "tags": TAGS, "intents": INTENTS}
    found = read_tagged(source)
    assert (found.tokens, found.tags, found.intents, found.scheme) == (TOKENS, TAGS, INTENTS, "BIO")
    assert found.notes == ["fewer than 5 examples of intent Go (1), Play (1)"]
    assert len(found) == 2
    assert found.sha256 == Tagged(TOKENS, TAGS, INTENTS).sha256 != Tagged(TOKENS, TAGS, []).sha256


def test_some_of_the_sentences() -> None:
    found = read_tagged((TOKENS, TAGS, INTENTS)).take([1])
    assert (found.tokens, found.tags, found.intents, found.notes) == ([["go", "home"]], [["O", "O"]], ["Go"], [])
    assert read_tagged((TOKENS, TAGS)).take([1]).intents == []


def test_a_space_is_a_token(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "我 O\n  O\n\u3000 B-x\n歌 E-x\n\n# O\n \tO\n")
    found = read_tagged(path)
    assert found.tokens == [["我", " ", "\u3000", "歌"], ["#", " "]]
    assert found.tags == [["O", "O", "B-x", "E-x"], ["O", "O"]]
    assert found.scheme == "BIOES"


def test_schemes() -> None:
    assert read_tagged(([["a", "b"]], [["B-x", "I-x"]])).scheme == "BIO"
    assert read_tagged(([["a", "b"]], [["O", "O"]])).scheme == "BIO"
    assert read_tagged(([["a", "b"]], [["S-x", "O"]])).scheme == "BIOES"
    assert read_tagged(([["a", "b"]], [["DET", "NOUN"]])).scheme == "none"
    assert read_tagged(([["a", "b", "c"]], [["NOUN", "B-SIDE", "NOUN"]])).scheme == "none"
    assert read_tagged(([["a", "b"]], [[3, 0]])).tags == [["3", "0"]]


def test_comments_are_no_tokens(tmp_path: Path) -> None:
    text = "# id 12 domain=en\n# text = a b\n# text: a b O\n#\na _ _ O\nb _ _ B-x\n\n# _ _ O\nb _ _ B-x\n"
    assert read_tagged(write(tmp_path / "a", text)).tokens == [["a", "b"], ["#", "b"]]


def test_a_folder_without_intents_and_chinese(tmp_path: Path) -> None:
    words, tags = "播放音乐\n听 歌\n", "O O B-x I-x\nO B-x\n"
    path = folder(tmp_path / "a", words, tags)
    found = read_tagged(path)
    assert found.tokens == [["播", "放", "音", "乐"], ["听", "歌"]]
    assert found.intents == []
    assert read_tagged(path, language="zh").tokens == found.tokens
    with pytest.raises(UserError, match=r"seq.in: row 1: 1 token and 4 tags; each token needs one"):
        read_tagged(path, language="en")
    with pytest.raises(UserError, match="language 'xx': choose from auto, en, zh"):
        read_tagged(path, language="xx")


def test_an_encoding(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "caf\xe9 B-x\n", "latin-1")
    assert read_tagged(path, "latin-1").tokens == [["café"]]
    with pytest.raises(UserError, match="--encoding"):
        read_tagged(path)


def test_spans_that_were_not_begun(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "a I-x\nb I-x\n\nc B-y\nd I-x\ne O\nf I-z\n")
    assert read_tagged(path).notes[0] == (
        "3 tags inside a span that was not begun, the first I-x in row 1: counted as a start, as seqeval does"
    )
    assert read_tagged(([["a", "b", "c"]], [["B-x", "I-x", "E-x"]])).notes == []
    assert read_tagged(([["a", "b"]], [["S-x", "E-x"]])).notes[0].startswith("1 tag inside a span that was not begun")


def test_sentences_without_a_token(tmp_path: Path) -> None:
    found = read_tagged(folder(tmp_path / "a", "a b\n\nc\nc\n", "O O\n\nB-x\nB-x\n", "X\nY\nZ\nZ\n"))
    assert (found.tokens, found.intents) == ([["a", "b"], ["c"], ["c"]], ["X", "Z", "Z"])
    assert found.notes[0] == "1 sentence without a token, the first in row 2: left out"
    assert found.notes[-1] == "1 sentence repeats an earlier one, the first: row 4 is row 3"


def test_uneven_intents_and_identical_sentences() -> None:
    tokens = [[str(i)] for i in range(60)] + [["7"], ["58"]]
    found = read_tagged((tokens, [["O"]] * 61 + [["B-x"]], ["A"] * 57 + ["B"] * 5))
    assert found.notes == [
        "uneven: intent A has 57 examples, B 5; accuracy alone says little, see F1",
        "2 sentences repeat an earlier one, the first: row 60 is row 7",
        "2 of them with other tags or another intent than at first: rows 7 and 60",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a.txt: expected text, got an empty file"),
        ("\n\n", "a.txt: there are no sentences"),
        ("a O\nb\n", "a.txt: row 2: expected a token and its tag, got 'b'"),
        ("a O\n\nb B-x\nc NOUN\n", "a.txt: row 4: expected O or a tag such as B-place .*, got 'NOUN'"),
        ("a O\n\nb B-x\nc U-x\n", "a.txt: row 4: expected O or a tag"),
        ("a\t\n", "a.txt: row 1: the tag of 'a' is missing"),
        ("\tO\n", "a.txt: row 1: expected a token, got ''"),
        ("# intent = X\na O\n\nb O\n", "a.txt: row 4: this sentence has no intent, others have"),
        ("b O\n\n# intent = X\na O\n", "a.txt: row 1: this sentence has no intent, others have"),
        ("# intent =\na O\n", "a.txt: row 1: the intent is missing"),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_tagged(write(tmp_path / "a.txt", text))


def test_intents_beside_that_differ(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "a O\n\nb O\n")
    write(tmp_path / "a.intent", "X\nY\nZ\n")
    with pytest.raises(UserError, match=r"a.intent: 3 intents, .*a has 2 sentences; each needs one"):
        read_tagged(path)
    write(tmp_path / "a.intent", "\nX\n")
    with pytest.raises(UserError, match=r"a: row 1: the intent is missing"):
        read_tagged(path)


@pytest.mark.parametrize(
    ("words", "tags", "intents", "said"),
    [
        ("a b\nc\n", "O O\n", None, r"seq.out: 1 lines of tags, .*seq.in has 2 sentences; each needs one"),
        ("a b\nc\n", "O O\nO\n", "X\n", r"label: 1 intents, .*seq.in has 2 sentences; each needs one"),
        ("a b\nc\n", "O O\nO O\n", None, r"seq.in: row 2: 1 token and 2 tags; each token needs one"),
    ],
)
def test_folders_whose_files_differ(tmp_path: Path, words: str, tags: str, intents: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_tagged(folder(tmp_path / "a", words, tags, intents))


def test_folders_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected the files seq.in, seq.out and perhaps label, there are none"):
        read_tagged(tmp_path)
    write(tmp_path / "seq.in", "a")
    with pytest.raises(UserError, match=r"perhaps label, there are seq.in"):
        read_tagged(tmp_path)
    for part in ("test", "train"):
        (tmp_path / part).mkdir()
    with pytest.raises(UserError, match=r"holds the parts train, test; give one of them, such as .*train"):
        read_tagged(tmp_path)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (([["a"]], []), "1 sentences of tokens and 0 of tags; each needs both"),
        (([["a"]], [["O"]], []), "1 sentences and 0 intents; each needs one"),
        (([["a"]], [["O"]], [None]), "data: row 0: the intent is missing"),
        (([["a"], ["b", "c"]], [["O"], ["O"]]), "data: row 1: 2 tokens and 1 tag; each token needs one"),
        (([["a"], [3]], [["O"], ["O"]]), "data: row 1: expected a token, got 3"),
        (([["a", "b"]], [["O", None]]), "data: row 0: the tag of 'b' is missing"),
        (([["a", "b\0"]], [["O", "O"]]), "data: row 0: the text holds a NUL"),
        (([3], [["O"]]), "data: row 0: expected a list of tokens, got int"),
        ({"words": [["a"]], "pos": [["O"]]}, "data: no tags, expected tags or .*; there are words, pos"),
        (3, "expected a file, a folder, a mapping or .* got int"),
        ("none.conll", "none.conll: no such file"),
    ],
)
def test_sources_that_cannot_be(source: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_tagged(source)


def test_rows_of_json_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"], "tags": []}\n')
    with pytest.raises(UserError, match=r"a.jsonl: row 2: 1 token and 0 tags"):
        read_tagged(path)


def test_sentences_of_test_that_stand_in_training() -> None:
    train = Tagged([["a", "b"], ["c"], ["c"]], [["O", "B-x"], ["O"], ["B-x"]], ["X", "Y", "Y"])
    test = Tagged([["a", "b"], ["c"], ["d"]], [["O", "B-x"], ["B-x"], ["S-z"]], ["Y", "Y", "Z"])
    assert check_tagged_split(train, test) == [
        "2 of 3 test sentences stand in training as well, 1 of them with other tags or another intent; "
        "look at the score on the other 1 too",
        "never seen in training: tag S-z (1); 1 of test, which count as errors",
        "never seen in training: intent Z (1); 1 of test, which count as errors",
    ]
    assert check_tagged_split(train, Tagged([["d"]], [["O"]], [])) == []


@pytest.mark.skipif(not (DATA / "cais-zh").is_dir(), reason="no cais-zh in THROUGHTIME_DATA")
def test_cais() -> None:
    train, test = (read_tagged(DATA / "cais-zh" / "CAIS" / part / f"ch.{part}") for part in ("train", "test"))
    assert (len(train), len(test), train.scheme) == (7995, 1012, "BIOES")
    assert sum(token == " " for tokens in train.tokens for token in tokens) == 97
    assert check_tagged_split(train, test) == [
        "never seen in training: intent GetDate (1); 1 of test, which count as errors"
    ]


@pytest.mark.skipif(not (DATA / "snips").is_dir(), reason="no snips in THROUGHTIME_DATA")
def test_snips() -> None:
    train, test = (read_tagged(DATA / "snips" / part) for part in ("train", "test"))
    assert (len(train), len(test), train.scheme, len(set(train.intents))) == (13_084, 700, "BIO", 7)
    assert check_tagged_split(train, test)[0].startswith("26 of 700 test sentences stand in training as well")


def test_spans_that_do_not_begin_with_a_b_are_given_one(tmp_path: Path) -> None:
    file = tmp_path / "iob1.conll"
    file.write_text("Ann I-PER\nLee I-PER\nmet O\nBo I-PER\nParis I-LOC\n\n", encoding="utf-8")
    read = read_tagged(file)
    assert read.tags == [["B-PER", "I-PER", "O", "B-PER", "B-LOC"]]
    assert "counted as a start" in " ".join(read.notes)
    ends = read_tagged(([["a", "b", "c"]], [["E-x", "I-x", "E-x"]]))
    assert ends.tags == [["S-x", "B-x", "E-x"]]
