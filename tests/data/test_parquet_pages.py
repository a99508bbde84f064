"""What pages unpack to is read from their own headers, whatever the footer of the file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from throughtime.data.parquet import ParquetTable
from throughtime.data.parquet_pages import unpacked_bytes
from throughtime.errors import UserError
from throughtime.storage.memory import VARIABLE

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

FORMS = [
    {"compression": "none"},
    {"use_dictionary": False},
    {"data_page_version": "2.0", "data_page_size": 100},
    {"write_page_checksum": True, "compression": "zstd", "row_group_size": 10},
]


@pytest.mark.parametrize("form", FORMS)
def test_the_pages_of_a_sound_file_are_what_its_footer_says(tmp_path: Path, form: dict[str, object]) -> None:
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"a": [str(i % 7) for i in range(99)], "b": [*range(98), None], "c": [[1.5, None]] * 99})
    parquet.write_table(table, path, **form)
    about = parquet.ParquetFile(path).metadata
    with path.open("rb") as file:
        for group in map(about.row_group, range(about.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                said = chunk.total_uncompressed_size
                assert 0 <= said - unpacked_bytes(file, chunk)[0] <= 99 * 30  # which the headers take


def number(value: int, width: int = 0) -> bytes:
    """A number as thrift writes it, in so many bytes at least."""
    parts, value = [], 2 * value
    while value or len(parts) < max(width, 1):
        parts.append(value & 127)
        value >>= 7
    return bytes([part | 128 for part in parts[:-1]] + parts[-1:])


def lying(path: Path) -> None:
    """A file of one long text, whose footer says that there is nearly nothing in it."""
    table = pyarrow.table({"text": ["x" * 3_000_000, "y"], "label": ["a", "b"]})
    parquet.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False)
    group = parquet.ParquetFile(path).metadata.row_group(0)
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[start:]
    for said in {number(group.column(0).total_uncompressed_size), number(group.total_byte_size)}:
        footer = footer.replace(said, number(100, len(said)))
    path.write_bytes(content[:start] + footer)
    assert parquet.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 100


def test_a_footer_that_lies_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lying(path := tmp_path / "a.parquet")
    assert ParquetTable(path, "forecast").names == ["text", "label"]
    monkeypatch.setenv(VARIABLE, "0.001")
    with pytest.raises(UserError, match=r"would take 9\.0 MB of memory or more"):
        ParquetTable(path, "forecast")


def test_what_is_no_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"a": [1, 2]}), path)
    content = path.read_bytes()
    for byte in (b"\x00", b"\xff", b"\x1c", b"\x19"):
        path.write_bytes(content[:4] + 40 * byte + content[44:])
        with pytest.raises(UserError, match="cannot be read as Parquet"):
            ParquetTable(path, "forecast")
