"""Labelled texts: every way in gives the same, and what is wrong in them is said."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.data.label_notes import check_split, unseen
from throughtime.data.label_sets import LabelRule
from throughtime.data.labelled import Texts, read_texts
from throughtime.data.series import read_series
from throughtime.data.table import read_table
from throughtime.errors import UserError, needed

DATA = Path(os.environ.get("THROUGHTIME_DATA", Path(__file__).parents[3] / "shared" / "data"))

ONE = LabelRule(several=False)
TEXTS = ["so good", "so bad", 'a "fine"\nfilm, truly', "no", "yes", "dull, dull"]
LABELS = ["1", "0", "1", "0", "1", "0"]
QUOTED = ["so good", "so bad", '"a ""fine""\nfilm, truly"', "no", "yes", '"dull, dull"']


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def table(separator: str = ",", head: str = "review,sentiment") -> str:
    rows = [f"{text}{separator}{label}" for text, label in zip(QUOTED, LABELS, strict=True)]
    return "\n".join([head.replace(",", separator), *rows]) + "\n"


def of(texts: list[str], labels: list[str] | None = None) -> Texts:
    return Texts(texts, labels or [], "x", list(range(len(texts))))


@pytest.mark.parametrize(
    "kind", ["csv", "semicolons", "tsv", "jsonl", "parquet", "pandas", "polars", "mapping", "pair"]
)
def test_every_source_gives_the_same(tmp_path: Path, kind: str) -> None:
    columns = {"id": list(range(6)), "review": TEXTS, "sentiment": [int(label) for label in LABELS]}
    source: Any = columns
    if kind == "csv":
        source = write(tmp_path / "a.csv", "\ufeff" + table().replace("\n", "\r\n"))
    elif kind == "semicolons":
        source = write(tmp_path / "a.csv", table(";"))
    elif kind == "tsv":
        source = write(tmp_path / "a.tsv", table("\t"))
    elif kind == "jsonl":
        rows = [json.dumps({"review": t, "sentiment": float(y)}) for t, y in zip(TEXTS, LABELS, strict=True)]
        source = write(tmp_path / "a.jsonl", "\n".join(rows) + "\n\n")
    elif kind in ("pandas", "polars"):
        source = pytest.importorskip(kind).DataFrame(columns)
    elif kind == "parquet":
        library = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        source = tmp_path / "a.parquet"
        parquet.write_table(library.table(columns), source)
    elif kind == "pair":
        source = (TEXTS, np.array([1.0, 0, 1, 0, 1, 0]))
    found = read_texts(source)
    assert found.texts == TEXTS
    assert found.labels == LABELS
    assert found.classes == ["0", "1"]
    assert len(found) == 6
    lines = {"csv": [2, 3, 4, 6], "semicolons": [2, 3, 4, 6], "tsv": [2, 3, 4, 6], "jsonl": [1, 2, 3, 4]}
    assert found.rows[:4] == lines.get(kind, [0, 1, 2, 3])
    expected = [] if kind == "pair" else ["texts: column review; labels: column sentiment"]
    assert [note for note in found.notes if "fewer" not in note] == expected
    assert found.sha256 == of(TEXTS, LABELS).sha256 != of(TEXTS, LABELS[::-1]).sha256


def test_some_of_the_texts() -> None:
    found = read_texts((TEXTS, LABELS)).take(np.array([4, 1]))
    assert (found.texts, found.labels, found.rows, found.notes) == (["yes", "so bad"], ["1", "0"], [4, 1], [])
    assert of(["a", "b"]).take([1]).labels == []


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table().encode())))
    found = read_texts("-")
    assert (found.texts, found.where) == (TEXTS, "standard input")


def test_columns_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,was,kind,label\nx,so good,pos,1\ny,so bad,neg,2\n")
    found = read_texts(path, "was", "kind")
    assert (found.texts, found.labels) == (["so good", "so bad"], ["pos", "neg"])
    assert read_texts(path).labels == ["1", "2"]
    assert read_texts(path, "was", "3").labels == ["1", "2"]


def test_files_without_a_header(tmp_path: Path) -> None:
    rows = "so good\tpos\nso bad\tneg\nso fine\tpos\n"
    found = read_texts(write(tmp_path / "a.tsv", rows))
    assert (found.texts, found.labels, found.rows) == (
        ["so good", "so bad", "so fine"],
        ["pos", "neg", "pos"],
        [1, 2, 3],
    )
    assert found.notes[0] == "no header line: texts in column 0, labels in column 1, from 0"
    assert read_texts(write(tmp_path / "f.txt", rows)).texts == found.texts
    for name in ("SMSSpamCollection", "b.tsv"):  # the label first, as there
        turned = read_texts(write(tmp_path / name, "pos\tso good\nneg\tso bad\npos\tso fine\n"))
        assert (turned.texts, turned.labels) == (found.texts, found.labels)
    ones = write(tmp_path / "d.csv", "so good,1\nso bad,0\n")  # "1" is a place, not the column whose first value it is
    assert read_texts(ones, "0", "1").labels == ["1", "0"]
    assert read_texts(write(tmp_path / "e.csv", "0,1\nso good,a\nso bad,b\n"), "0", "1").labels == ["a", "b"]
    three = write(tmp_path / "c.csv", "1,so good,pos\n2,so bad,neg\n")
    assert read_texts(three, "1", "2").labels == ["pos", "neg"]
    assert read_texts(three, "1", labelled=False).texts == ["so good", "so bad"]
    assert read_texts(tmp_path / "a.tsv", text="0").labels == ["pos", "neg", "pos"]
    assert read_texts(tmp_path / "a.tsv", label="0", text="1").texts == ["pos", "neg", "pos"]
    assert read_texts(tmp_path / "a.tsv", labelled=False).texts == ["so good", "so bad", "so fine"]


def test_quotes_between_tabs_may_be_text(tmp_path: Path) -> None:
    rows = '"so" good\tpos\n"so bad\tneg\n"a ""fine"" film"\tpos\nno\tneg\n'
    assert read_texts(write(tmp_path / "a.tsv", rows)).texts == ['"so" good', '"so bad', 'a "fine" film', "no"]


def test_long_fields_in_quotes(tmp_path: Path) -> None:
    long = "word " * 40_000 + "end"
    found = read_texts(write(tmp_path / "a.csv", f'text,label\nx,0\n"{long}",1\n'))
    assert found.texts[1] == long
    assert "1 text of over 10,000 characters, the longest, of 200,003, in row 3" in found.notes


def test_lines_with_the_label_first(tmp_path: Path) -> None:
    rows = "1 so good \n0  so\x85bad\n\n1 d\xe9j\xe0 vu\n"  # a NEL ends no line
    path = write(tmp_path / "a.train", rows, "latin-1")
    found = read_texts(path, encoding="latin-1")
    assert (found.texts, found.labels) == (["so good", "so\x85bad", "déjà vu"], ["1", "0", "1"])
    assert found.rows == [1, 2, 4]
    assert found.notes[0] == "each line: the label, then the text"
    csv = write(tmp_path / "a.csv", rows, "latin-1")
    assert read_texts(csv, encoding="latin-1", format="lines").texts == found.texts
    with pytest.raises(UserError, match=r"a.train: expected utf-8 text, got byte 0x85 at offset 16 .*--encoding"):
        read_texts(path)
    assert read_texts(write(tmp_path / "b.txt", "so good\n\nso bad\n"), labelled=False).texts == [
        "so good",
        "",
        "so bad",
    ]
    comma = write(tmp_path / "a.data", table())
    assert read_texts(comma, format="table").texts == TEXTS


def test_lines_of_fasttext(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "__label__pos so good\n__label__neg so bad\n")
    found = read_texts(path)
    assert (found.texts, found.labels) == (["so good", "so bad"], ["pos", "neg"])
    assert read_texts(path, labelled=False).texts == ["so good", "so bad"]


def test_a_text_is_not_taken_for_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "".join(f"word{i} and more\n" for i in range(30)))
    with pytest.raises(UserError, match=r"a.txt: the first word of each line, taken for its label, gives 30 classes"):
        read_texts(path)
    assert len(read_texts(path, format="lines").classes) == 30


def test_numbers_and_space_around() -> None:
    found = read_texts({"text": ["  a b \n", 3.0, 2.5, True], "label": [1.0, "2.0", 2.5, " x "]})
    assert found.texts == ["a b", "3", "2.5", "1"]
    assert found.labels == ["1", "2", "2.5", "x"]


def test_texts_alone() -> None:
    found = read_texts(["so good", "", "no"], labelled=False)
    assert (found.texts, found.labels) == (["so good", "", "no"], [])
    assert found.notes == ["1 text without a word, the first in row 1: kept"]
    assert read_texts({"text": ["a", "b"], "label": [1, None]}, labelled=False).labels == []
    assert read_texts({"text": ["a", "b"], "label": [1, 1]}, label="label", labelled=False).labels == ["1", "1"]


def test_empty_texts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nso good,1\n  ,0\nso bad,0\n,1\n")
    found = read_texts(path)
    assert found.rows == [2, 4]
    assert "2 texts without a word, the first in row 3: left out" in found.notes
    kept = read_texts(path, keep_empty=True)
    assert (kept.texts, kept.labels) == (["so good", "", "so bad", ""], ["1", "0", "0", "1"])
    assert "2 texts without a word, the first in row 3: kept" in kept.notes


@pytest.mark.parametrize("missing", [None, "", " ", float("nan")])
def test_missing_labels(missing: Any) -> None:
    with pytest.raises(UserError, match="data: row 1: the label is missing; give one or leave the row out"):
        read_texts((["a", "b"], ["x", missing]))
    assert read_texts((["a", missing, "c"], ["x", None, "y"])).texts == ["a", "c"]


def test_missing_values_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", None, "c"], "label": pandas.array(["x", "y", None], dtype="string")})
    with pytest.raises(UserError, match="data: row 2: the label is missing"):
        read_texts(frame)
    with pytest.raises(UserError, match="data: row 1: the label is missing"):
        read_texts((pandas.Series(["a", "b"]), pandas.array([1, None], dtype="Int64")))


GOOD = "text,label\nso good,1\nso bad,0\n"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "a.csv: expected text, got an empty file"),
        ("\n", {}, "a.csv: the file is empty"),
        ("text,label\n", {}, "a.csv: there are no rows below the header"),
        ("text,text\na,b\n", {}, "a.csv: two columns are named 'text'"),
        ("id,was,kind\n1,a,b\n", {}, r"which column holds the texts\? there are id, was, kind; name it with text"),
        ("id,text,kind\n1,a,b\n", {}, r"which column holds the labels\? there are id, text, kind; name it with label"),
        ("was,art\na,x\nb,y\nc,x\nd,y\n", {}, r"the first row reads was, art; name them with text and label, or \"0\""),
        (GOOD, {"text": "was"}, "a.csv: no column 'was' for the texts; there are text, label"),
        (GOOD, {"label": "7"}, "a.csv: no column '7' for the labels; there are text, label"),
        (GOOD, {"label": "text"}, "column 'text' cannot be the texts and the labels; name both"),
        ("a,b\nc,d\n", {"text": "1", "label": "1"}, "column 1 cannot be the texts and the labels; name both"),
        ("a,b,c\nd,e,f\n", {"text": "1"}, "there are 3 columns and no header; give the places of text and label"),
        ("so good\nso bad\n", {}, "expected a text and a label in each row, got one value"),
        (GOOD + "a, b,1\n", {}, "row 4 has 3 values, the first row 2; put texts that hold a comma in quotes"),
        (GOOD + '"so "so" so",1\n', {}, "a.csv: row 4: a quote opens a field and is not closed before a separator"),
        (GOOD + '"a\nb",1\n"so,1\nno,0\n', {}, "a.csv: row 6: a quote opens a field"),
        (GOOD + "a,\n", {}, "a.csv: row 4: the label is missing"),
        ("text,label\na,1\nb,1\n", {}, "every text has the label '1'; there is nothing to tell apart"),
        ("text,label\n,1\n ,1\n", {}, "a.csv: there are no texts"),
        (GOOD + "a\0,1\n", {}, "a.csv: expected text, got a NUL at character 32"),
        (GOOD, {"format": "xml"}, "format 'xml': choose from auto, table, lines"),
        (GOOD, {"encoding": "klingon"}, "cannot decode as 'klingon'"),
        ("__label__a b\nc d\n", {"format": "lines"}, "row 2: expected __label__ first, got 'c'"),
        (
            "__label__a __label__b c\n",
            {"format": "lines", "rule": ONE},
            "row 1: two labels; a text can have one",
        ),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, text: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_texts(write(tmp_path / "a.csv", text), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (["a", "b", "c"], r"expected texts and their labels as a pair \(texts, labels\), got texts alone"),
        ((["a", "b"], ["x"]), "data: 2 texts and 1 labels; each text needs one"),
        ((["a", ["b"]], ["x", "y"]), "data: row 1: expected a text, got list"),
        ((["a", "b"], ["x", ["y"]]), "data: row 1: expected one label, a text or a number, got list"),
        ((["a", "b\0"], ["x", "y"]), "data: row 1: the text holds a NUL"),
        ((["a", "b\ud800"], ["x", "y"]), "data: row 1: the text holds half of a surrogate pair"),
        ((["a", "b"], ["x", "\udc00"]), "data: row 1: the text holds half of a surrogate pair"),
        (3, "expected a file, a frame"),
        ("none.csv", "none.csv: no such file"),
        ("none.jsonl", "none.jsonl: no such file"),
    ],
)
def test_sources_that_cannot_be(source: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_texts(source)


def test_json_lines_are_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ndjson", '{"y": 1, "tags": ["a", "b"]}\n{"y": null, "tags": ["c", "d"]}\n{"x": "\u2028"}\n'
    )
    found = read_table(path)
    assert {name: column.tolist() for name, column in found.columns.items()} == {
        "y": [1, None, None],
        "tags": [["a", "b"], ["c", "d"], None],
        "x": [None, None, "\u2028"],
    }
    assert found.first_row == 1
    assert read_series(path, "y").values[0][0] == 1
    equal = read_table(write(tmp_path / "b.jsonl", '{"tags": ["a", "b"]}\n{"tags": ["c", "d"]}\n'))
    assert equal.columns["tags"].tolist() == [["a", "b"], ["c", "d"]]
    assert equal.columns["tags"].shape == (2,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}\n{"a": \n', r"a.jsonl: row 2: expected one JSON object a line \("),
        ('{"a": 1}\n\n{"a": 1}\n', "a.jsonl: row 2: expected one JSON object a line"),
        ('{"a": 1}\n[1, 2]\n', r"a.jsonl: row 2: expected a JSON object, got '\[1, 2\]'"),
        ("{}\n", "a.jsonl: the objects have no keys"),
        ("\n", "a.jsonl: the file is empty"),
        ('{"text": "a"}\n{"text": "\\ud800"}\n', "a.jsonl: row 2: the text holds half of a surrogate pair"),
    ],
)
def test_json_lines_that_cannot_be(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_texts(write(tmp_path / "a.jsonl", text), labelled=False)


def test_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "narwhals"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write(tmp_path / "a.parquet", "PAR1")
    with pytest.raises(UserError, match=rf"Parquet needs pyarrow: {re.escape(needed('labels'))}"):
        read_texts(path)
    with pytest.raises(UserError, match=rf"frames need narwhals: {re.escape(needed('labels'))}"):
        read_texts(object())
    with pytest.raises(UserError, match=re.escape(needed("forecast"))):
        read_table(path)


@pytest.mark.skipif(not (DATA / "ChnSentiCorp-split").is_dir(), reason="no ChnSentiCorp-split in THROUGHTIME_DATA")
def test_chnsenticorp() -> None:
    train, dev = (read_texts(DATA / "ChnSentiCorp-split" / f"{part}.tsv") for part in ("train", "dev"))
    assert (len(train), len(dev), train.classes) == (9600, 1200, ["negative", "positive"])
    assert any(note.startswith("1,351 texts repeat an earlier one") for note in train.notes)
    assert unseen(train, dev).sum() == 862
    assert "338 of 1,200 test texts stand in training as well, 8 of them" in check_split(train, dev)[0]


@pytest.mark.skipif(not (DATA / "sst-mr-cr-subj-trec").is_dir(), reason="no sst-mr-cr-subj-trec in THROUGHTIME_DATA")
def test_lines_of_real_files() -> None:
    folder = DATA / "sst-mr-cr-subj-trec"
    assert len(read_texts(folder / "stsa.binary.test")) == 1821
    assert len(read_texts(folder / "rt-polarity.all", encoding="latin-1")) == 10_662
    assert len(read_texts(folder / "TREC.train.all", encoding="latin-1")) == 5452
