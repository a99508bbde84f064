"""Columns of a file of rows, whatever separates them."""

from __future__ import annotations

from pathlib import Path

import pytest

from throughtime.data.table import read_table
from throughtime.errors import UserError


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
