"""Parquet files column by column, counted before they are unpacked: a kilobyte may say one value a billion times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from throughtime.data.parquet_pages import unpacked_bytes
from throughtime.errors import UserError, needed
from throughtime.storage.folder import check_file, on_disk, opened_file
from throughtime.storage.memory import allowance, check_memory, readable

_ROWS = 8192
"""Rows that are read at once."""

_NUMBER, _TEXT = 8, 60
"""Bytes of memory that a number and a text take, the text without its characters."""

_COPIES = 3
"""How often what a page holds is in memory at once: as the page, as a column, and as the values that are kept."""


class ParquetTable:
    """A Parquet file whose columns are read when they are asked for. names: of the columns. count: rows.

    extra: what to install where pyarrow is missing. Raises UserError for a file that cannot be read, or that would take
    more memory than allowed.
    """

    def __init__(self, path: Path, extra: str) -> None:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise UserError(f"{path}: Parquet needs pyarrow: {needed(extra)}") from None
        self._path, self._size, self._taken = path, 0, dict[str | None, int]()
        with self._opened() as file, opened_file(path) as raw:
            about = file.metadata
            self._size = on_disk(check_file(path))
            groups = [about.row_group(i) for i in range(about.num_row_groups)]
            columns = [group.column(i) for group in groups for i in range(group.num_columns)]
            pages = [unpacked_bytes(raw, one) for one in columns]
            unpacked = max((one.total_uncompressed_size for one in columns), default=0)
            together = sum(sorted(largest for _, largest in pages)[-about.num_columns :])
            unpacked = max([unpacked, together, *(max(total, _COPIES * largest) for total, largest in pages)])
            check_memory(str(path), max(unpacked, _NUMBER * sum(one.num_values for one in columns)), self._size)
            kinds = [about.schema.column(i) for i in range(about.num_columns)]
            self._texts = sorted({o.path for o in kinds if o.physical_type == "BYTE_ARRAY" and "." not in o.path})
            self.names: list[str] = list(file.schema_arrow.names)
            self.count: int = about.num_rows

    @property
    def apart(self) -> bool:
        """Whether each column can be read by its name."""
        return len(set(self.names)) == len(self.names) and not any("." in name for name in self.names)

    def read(self, name: str | None = None) -> Any:
        """A pyarrow.Table of one column; of all of them without a name. UserError as above."""
        import pyarrow

        with self._opened(self._texts) as file:
            chosen, parts, taken = None if name is None else [name], [], 0
            for batch in file.iter_batches(_ROWS, columns=chosen, use_threads=False):
                taken += sum(_bytes(column) for column in batch.columns)
                self._taken[name] = taken
                check_memory(str(self._path), sum(self._taken.values()), self._size)
                parts.append(pyarrow.record_batch(list(map(_decoded, batch.columns)), names=batch.schema.names))
            if parts:
                return pyarrow.Table.from_batches(parts)
            return file.schema_arrow.empty_table().select(chosen or self.names)

    @contextmanager
    def _opened(self, texts: list[str] | None = None) -> Iterator[Any]:
        import pyarrow
        from pyarrow import parquet

        usual = pyarrow.default_memory_pool()
        try:
            pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # the usual one keeps what it has no more use for
            check_file(self._path)
            with opened_file(self._path) as raw:
                yield parquet.ParquetFile(raw, read_dictionary=texts)
        except UserError:
            raise
        except pyarrow.ArrowMemoryError:
            taken, most = readable(sum(self._taken.values())), readable(allowance(self._size))
            raise UserError(
                f"{self._path}: memory ran out after {taken} of the {most} it may take; give this process more"
            ) from None
        except (ValueError, OSError, pyarrow.ArrowException) as error:
            line = next(iter(str(error).splitlines()), type(error).__name__)
            raise UserError(f"{self._path}: cannot be read as Parquet ({line})") from None
        finally:
            pyarrow.set_memory_pool(usual)


def _bytes(column: Any) -> int:
    """What a part of a column takes once its values stand for themselves."""
    import pyarrow
    from pyarrow import compute

    kind = column.type.value_type if pyarrow.types.is_dictionary(column.type) else None
    if kind is None:
        return int(column.nbytes)
    if not any(f(kind) for f in (pyarrow.types.is_string, pyarrow.types.is_large_string, pyarrow.types.is_binary)):
        return len(column) * _TEXT
    lengths = compute.take(compute.binary_length(column.dictionary), column.indices)
    return len(column) * _TEXT + int(compute.sum(lengths).as_py() or 0)


def _decoded(column: Any) -> Any:
    """A part of a column whose values stand for themselves."""
    import pyarrow

    return column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
