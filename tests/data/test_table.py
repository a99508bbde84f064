"""Columns of a file of rows, whatever separates them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from throughtime.data import table
from throughtime.data.json_rows import line_columns
from throughtime.data.labelled import read_texts
from throughtime.data.table import read_table
from throughtime.errors import UserError
from throughtime.storage import memory


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x\n2,y\n",
        "a;b\r\n1;x\r\n2;y\r\n",
        "a\tb\n1\tx\n2\ty\n\n",
        '\ufeffa,b\n"1",x\n2,"y"',
        "\n\na,b\n1,x\n2,y\n,\n\n",
    ],
)
def test_rows_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    table = read_table(tmp_path / "a.csv")
    assert {name: column.tolist() for name, column in table.columns.items()} == {"a": ["1", "2"], "b": ["x", "y"]}


def test_a_field_in_quotes_holds_what_separates(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n"1,\n""2""",x\n')
    assert read_table(tmp_path / "a.csv").columns["a"].tolist() == ['1,\n"2"']


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,x\n\n2,y\n", "row 3 is empty"),
        ("a,b\n1,x\n2\n", "row 3 has 1 values, the header 2"),
        ('a,b\n"1\n1",x\n2\n', "row 4 has 1 values, the header 2"),
        ('a,b\n"1"2,x\n', "row 2: a quote opens a field and is not closed before a separator"),
        ('a,b\n1,x\n"2,y\n', "row 3: a quote opens a field"),
        ("a,b\n", "there are no rows below the header"),
        ("\n", "the file is empty"),
        ("1,2\n3,4\n", "the first row must name the columns"),
        ("a,a\n3,4\n", "two columns are named 'a'"),
    ],
)
def test_rows_that_are_none_are_told_with_their_number(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=says) as caught:
        read_table(tmp_path / "a.csv")
    assert str(caught.value).startswith(str(tmp_path / "a.csv"))


def test_numbers_are_told_with_the_row_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\na,b\n1,5\n2,inf\n")
    with pytest.raises(UserError, match="row 4, column b: infinite"):
        read_table(tmp_path / "a.csv").numbers("b", "numbers")


def test_what_a_small_file_stands_for_is_counted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 30_000))
    assert len(read_table(packed).columns["a"]) == 30_000
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(f'{{"k{n}": {n}}}\n' for n in range(2000)))
    table = read_table(lines)
    assert len(table.columns) == 2000
    assert table.columns["k1"].tolist() == [None, 1, *[None] * 1998]
    names = tmp_path / "b.csv"
    names.write_text(",".join(f"c{n}" for n in range(9000)) + "\n" + ",".join("1" * 9000))
    monkeypatch.setenv("THROUGHTIME_MEMORY", "0.0001")
    monkeypatch.setattr(memory, "_TIMES", 10)
    for path, words in ((packed, "set THROUGHTIME_MEMORY"), (lines, "different keys"), (names, "9,000 columns")):
        with pytest.raises(UserError, match=words):
            read_table(path)


def test_parquet_is_counted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"n": [1.5, None] * 6000, "s": ["x" * 500, None] * 6000, "l": [["a", "b"], None] * 6000}
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    table = read_table(path)
    assert table.columns["s"].tolist() == columns["s"]
    assert table.columns["l"].tolist() == columns["l"]
    np.testing.assert_array_equal(table.columns["n"], np.array(columns["n"], float))
    monkeypatch.setenv("THROUGHTIME_MEMORY", "0.001")
    monkeypatch.setattr(memory, "_TIMES", 1)
    with pytest.raises(UserError, match="THROUGHTIME_MEMORY"):
        read_table(path)


@pytest.mark.parametrize(
    "raw",
    [gzip.compress(b"a,b\n1,2\n" * 50, mtime=0)[:-9], b"\x1f\x8b\x08\0" + b"\xff" * 50, b"\x1f\x8b"],
    ids=["cut off", "no gzip behind its head", "its mark alone"],
)
def test_a_damaged_archive(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(raw)
    with pytest.raises(UserError, match="cannot be read"):
        read_table(tmp_path / "a.csv")


LINES = (
    '{"a": 1, "b": "x"}\n{"b": "x", "c": [1]}\n{"a": null}\n',
    '{"a": 1}\n{"a": 2}',
    '{"a": 1}\n{"a": 2}\n\n \n',
    '{"a": 1}\n',
    '{"a": 1}\n\n{"a": 2}\n',
    '{"a": 1}\n[2]\n',
    '{"a": 1}\n{"a": }\n',
    '{"a": 1, "a": 2}\n{"\\u0041": 1}\n',
    '[{"a": 1}, {"a": 2}]',
    "{}\n{}\n",
    "\n",
)


@pytest.mark.parametrize("content", LINES)
def test_lines_of_json_become_the_columns_that_all_their_objects_make(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> Any:
        try:
            found = table.json_table(content, "a.jsonl")
        except UserError as error:
            return str(error)
        return [(name, values.tolist()) for name, values in found.columns.items()], found.first_row

    line_by_line = read()
    monkeypatch.setattr(table, "line_columns", lambda *_: None)
    assert line_by_line == read()


def test_texts_of_json_that_are_the_same_are_one() -> None:
    columns = line_columns('{"a": "label", "b": 1}\n{"a": "label", "b": 2}\n', lambda *_: None)
    assert columns is not None
    assert columns["a"][0] is columns["a"][1]


def test_a_column_of_a_frame_that_nobody_asks_for_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = polars.DataFrame({"text": ["a", "b"], "label": ["x", "y"], "other": [1, 2]})
    frame.write_parquet(tmp_path / "a.parquet")
    asked = []

    def made(column: Any) -> np.ndarray:
        asked.append(column.name)
        return np.array(column.to_list(), object)

    monkeypatch.setattr(table, "_typed", made)
    found = read_texts(tmp_path / "a.parquet")
    assert (found.texts, found.labels) == (["a", "b"], ["x", "y"])
    assert asked == ["text", "label"]
