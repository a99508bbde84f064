"""Columns of cells that are taken in block by block, and sheets that are laid out so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from throughtime.data import cells, number_cells, sheets
from throughtime.data.cells import ColumnOfCells
from throughtime.data.sheets import read_sheet
from throughtime.data.written import Text
from throughtime.errors import UserError


@pytest.mark.parametrize("most", [1, 7, 10_000])
@pytest.mark.parametrize("different", [3, 900])
def test_a_column_in_blocks_is_the_column(most: int, different: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_FEW", 100)
    rng = np.random.default_rng(0)
    values = [f" é{n}" if n % 2 else f"{n} " for n in rng.integers(0, different, 2000).tolist()]
    column = ColumnOfCells(most)
    for first in range(0, 2000, 150):
        column.take(values[first : first + 150])
    found, whole = column.text(), Text.of(values)
    assert list(found.kinds) == whole.kinds
    np.testing.assert_array_equal(found.codes, whole.codes)
    assert found.kinds[-1] == whole.kinds[-1]
    assert found.kinds[1:3] == whole.kinds[1:3]
    with pytest.raises(IndexError):
        found.kinds[different + 1]


def test_texts_of_one_hash_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "hash", lambda text: len(text), raising=False)
    column = ColumnOfCells(1)
    for cell in ("aa", "b", "aa", "cc", "b", "cc"):
        column.take([cell])
    found = column.text()
    assert found.values().tolist() == ["aa", "b", "aa", "cc", "b", "cc"]


def test_numbers_in_blocks_are_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Text.of([f"{n}.5" if n % 7 else "NA" for n in range(100)])
    whole = number_cells.read_numbers(text, number_cells.NumberStyle()).values
    monkeypatch.setattr(number_cells, "_BLOCK", 9)
    np.testing.assert_array_equal(number_cells.read_numbers(text, number_cells.NumberStyle()).values, whole)
    slip = Text([*text.kinds[:50], "3.x", *text.kinds[50:]], np.arange(len(text.kinds) + 1))
    assert number_cells.read_numbers(slip, number_cells.NumberStyle()).bad == 50


@pytest.mark.parametrize("size", [1, 2, 5, 4096])
def test_a_sheet_in_blocks(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_BLOCK", size)
    lines = [f"2024-01-{day:02},{day}.5" for day in range(1, 29)]
    lines[3:3] = ["", "note:,", ""]  # rows like those of an end, among rows of data
    path = tmp_path / "a.csv"
    path.write_text("day,sold\n" + "\n".join(lines) + "\n# said\n\nTotal,400\nsource: us,\n ,\n,,\n")
    where, sheet = read_sheet(path)
    assert (where, sheet.names, sheet.blank) == (str(path), ["day", "sold"], [5, 7])
    assert sheet.rows.tolist() == [2, 3, 4, 6, *range(8, 33)]
    assert sheet.columns[0].text().kinds[3] == "note:"
    assert sheet.notes == [
        "left out: 1 row of comments",
        "left out below the table: row 35 ('Total'), row 36 ('source: us')",
    ]


@pytest.mark.parametrize("size", [1, 4096])
def test_a_row_of_another_width_is_named(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_BLOCK", size)
    path = tmp_path / "a.csv"
    path.write_text(
        "day,sold\n" + "".join(f"2024-01-{day:02},{day}\n" for day in range(1, 9)) + "2024-01-09,1,5\n2024-01-10,3\n"
    )
    with pytest.raises(UserError, match="row 10 has 3 values, the header 2; a decimal comma needs quotes"):
        read_sheet(path)
