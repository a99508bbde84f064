"""Sheets that hold no rows, and books that break while they are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from throughtime.data.excel import excel_rows
from throughtime.errors import UserError

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("openpyxl.chart")


def book(path: Path) -> Path:
    """A table, and a sheet that is a chart."""
    made = openpyxl.Workbook()
    for row in (["ds", "y"], ["2024-01-01", 1.5]):
        made.active.append(row)
    made.create_chartsheet("picture").add_chart(openpyxl.chart.BarChart())
    made.save(path)
    return path


def test_a_sheet_that_is_a_chart_has_no_rows(tmp_path: Path) -> None:
    path = str(book(tmp_path / "a.xlsx"))
    assert excel_rows(path, None) == [(1, ["ds", "y"]), (2, ["2024-01-01", "1.5"])]
    with pytest.raises(UserError, match="no sheet 'picture'; there are Sheet"):
        excel_rows(path, "picture")


@pytest.mark.parametrize(
    "row",
    [
        b'<row r="1"><c r="A1"><v>1</v></c></row',
        b'<row r="1"><c r="ZZZZZZ1"><v>1</v></c></row>',
        b'<row r="none"/>',
        b'<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
    ],
)
def test_a_sheet_that_breaks_while_it_is_read_is_refused(tmp_path: Path, row: bytes) -> None:
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(book(tmp_path / "a.xlsx")) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content[: content.index(b"<row")] + row + b"</sheetData></worksheet>"
            new.writestr(name, content)
    with pytest.raises(UserError, match="cannot be read as an Excel file") as error:
        excel_rows(str(path), None)
    assert "\n" not in str(error.value)
