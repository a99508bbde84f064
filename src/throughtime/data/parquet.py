"""Parquet files as pyarrow's tables, counted before they are unpacked: a kilobyte may say one value a billion times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from throughtime.errors import UserError, needed
from throughtime.storage.folder import check_file, on_disk, opened_file
from throughtime.storage.memory import check_memory

_ROWS = 8192
"""Rows that are read at once."""

_NUMBER, _TEXT = 8, 60
"""Bytes of memory that a number and a text take, the text without its characters."""


def read_parquet(path: Path, extra: str) -> Any:
    """A pyarrow.Table. extra: what to install where pyarrow is missing. UserError for a file that cannot be read, or
    that would take more memory than allowed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UserError(f"{path}: Parquet needs pyarrow: {needed(extra)}") from None
    try:
        size = on_disk(check_file(path))
        with opened_file(path) as raw:
            about = parquet.ParquetFile(raw).metadata
            groups = [about.row_group(i) for i in range(about.num_row_groups)]
            columns = [group.column(i) for group in groups for i in range(group.num_columns)]
            unpacked = max((one.total_uncompressed_size for one in columns), default=0)
            check_memory(str(path), max(unpacked, _NUMBER * sum(one.num_values for one in columns)), size)
            kinds = [about.schema.column(i) for i in range(about.num_columns)]
            texts = {one.path for one in kinds if one.physical_type == "BYTE_ARRAY" and "." not in one.path}
            raw.seek(0)
            file, batches, taken = parquet.ParquetFile(raw, read_dictionary=sorted(texts)), [], 0
            for batch in file.iter_batches(_ROWS, use_threads=False):
                taken += sum(_bytes(column) for column in batch.columns)
                check_memory(str(path), taken, size)
                batches.append(batch)
            schema = batches[0].schema if batches else file.schema_arrow
            table = pyarrow.Table.from_batches(batches, schema)
            return pyarrow.Table.from_arrays(list(_decoded(table)), names=table.column_names)
    except UserError:
        raise
    except (ValueError, OSError, pyarrow.ArrowException) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{path}: cannot be read as Parquet ({line})") from None


def _bytes(column: Any) -> int:
    """What a part of a column takes once its values stand for themselves."""
    import pyarrow
    from pyarrow import compute

    if not pyarrow.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = compute.take(compute.binary_length(column.dictionary), column.indices)
    return len(column) * _TEXT + int(compute.sum(lengths).as_py() or 0)


def _decoded(table: Any) -> Iterator[Any]:
    """Columns whose values stand for themselves."""
    import pyarrow

    for column in table.columns:
        if pyarrow.types.is_dictionary(column.type):
            parts = [chunk.dictionary_decode() for chunk in column.chunks]
            yield pyarrow.chunked_array(parts, column.type.value_type)
        else:
            yield column
