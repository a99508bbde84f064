"""Which files hold pairs of texts: two with a side each, or a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from throughtime.data.json_rows import looks_like_json
from throughtime.data.lines import Lines, decoded, each_odd, lines_of, read_lines
from throughtime.data.pair_columns import CODES, Meant, RawPairs, of_columns, of_rows
from throughtime.data.pair_notes import place_of_break
from throughtime.data.table import JSON, PARQUET, Row, each_row, json_table
from throughtime.data.text import read_bytes
from throughtime.errors import UserError

_TABLES = (".tsv", ".tab", ".csv", *JSON, *PARQUET)
_PARTS = ("train", "training")


def sides_of(data: Any, meant: Meant) -> tuple[Path, Path] | None:
    """The two files that hold a side each; None where the data are something else."""
    if isinstance(data, list | tuple) and len(data) == 2 and all(isinstance(one, Path) for one in data):
        return data[0], data[1]
    if not isinstance(data, str | Path) or str(data) == "-" or "\n" in str(data) or meant.target is None:
        return None
    path, names = Path(data), (meant.source, meant.target)
    if path.is_dir():
        return _in_folder(path, meant)
    if path.is_file():
        if _table(path):
            return None
        for other in (Path(meant.target), path.parent / meant.target, _beside(path, meant.target)):
            if other.is_file() and other != path:
                return path, other
        return None
    for end in ("", ".gz", ".txt"):
        found = [Path(f"{path}.{name}{end}") for name in names]
        if None not in names and all(one.is_file() for one in found):
            return found[0], found[1]
    return None


def _table(path: Path) -> bool:
    return Path(str(path).removesuffix(".gz")).suffix.lower() in _TABLES


def _beside(path: Path, ending: str) -> Path:
    """train.en of train.de, also packed."""
    packed = path.suffix == ".gz"
    inner = path.with_suffix("") if packed else path
    return (
        inner.with_suffix(f".{ending.lstrip('.')}{'.gz' if packed else ''}") if ending and "/" not in ending else path
    )


def _in_folder(folder: Path, meant: Meant) -> tuple[Path, Path] | None:
    """The files of a folder that end in both names: the only ones, or those to learn from."""
    stems: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        plain = file.name.removesuffix(".gz").removesuffix(".txt")
        for name in (meant.source, meant.target):
            if name and file.is_file() and plain.endswith(f".{name}"):
                stems.setdefault(plain.removesuffix(f".{name}"), {})[name] = file
    both = {stem: found for stem, found in stems.items() if len(found) == 2}
    chosen = [stem for stem in both if stem in _PARTS] if len(both) > 1 else list(both)
    if not chosen and len(both) == 0:
        raise UserError(
            f"{folder}: expected files that end in .{meant.source} and .{meant.target} with one beginning, such as "
            f"train.{meant.source} and train.{meant.target}; name a file, or both endings with --source and --target"
        )
    if len(chosen) != 1:
        names = ", ".join(sorted(both)[:6])
        raise UserError(
            f"{folder}: which files are to be learned? there are {names}; name one, such as {folder}/{names}"
        )
    files = both[chosen[0]]
    return files[str(meant.source)], files[str(meant.target)]


def of_two(files: tuple[Path, Path], encoding: str) -> RawPairs:
    """Two files of which each line of one belongs to that line of the other; UserError where their counts differ."""
    one, other = (_without_empty_end(read_lines(file, encoding)) for file in files)
    odd = [*one.odd, *other.odd]
    where = f"{one.where} and {other.where}"
    if len(one.lines) != len(other.lines):
        raise UserError(_unequal(one, other))
    rows = list(range(1, len(one.lines) + 1))
    return RawPairs(one.lines, other.lines, rows, where, [], odd, (_ending(files[0]), _ending(files[1])))


def _ending(file: Path) -> str | None:
    """The name of a side by its file's, where it is one of a language."""
    name = file.name.removesuffix(".gz").removesuffix(".txt").rpartition(".")[2].lower()
    return name if name in CODES else None


def _without_empty_end(lines: Lines) -> Lines:
    kept = list(lines.lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return Lines(kept, lines.where, lines.odd)


def _unequal(one: Lines, other: Lines) -> str:
    said = (
        f"{one.where} has {len(one.lines):,} lines, {other.where} {len(other.lines):,}: each line needs the same line "
        "of the other"
    )
    odd = min(one, other, key=lambda each: len(each.lines)).odd  # only these make the other side longer
    said += place_of_break(one.lines, other.lines)
    if odd:
        said += f"; {odd[0]} may have been taken for the end of a line by what wrote the other"
    return said


def of_file(data: str | Path, meant: Meant, encoding: str) -> RawPairs:
    """A table by its suffix and content, or lines."""
    where = "standard input" if str(data) == "-" else str(data)
    suffix = Path(str(data).removesuffix(".gz")).suffix.lower()
    if suffix in PARQUET:
        return of_columns(data, meant, encoding)
    text = decoded(read_bytes(data, where), where, encoding)
    if suffix in JSON or looks_like_json(text):
        return of_columns(json_table(text, where), meant, encoding)
    if suffix == ".csv":
        text = text.replace("\r\n", "\n")
        return of_rows(each_row(text, _separator(text), where), where, meant, list(each_odd(text, where)))
    lines = lines_of(text, where)
    del text
    if suffix not in (".tsv", ".tab") and not any("\t" in line for line in lines.lines):
        if meant.paired:
            raise UserError(
                f"{where}: expected pairs, found lines without a tab; give two files (--source de --target en finds "
                "train.de and train.en of train), or a table with the suffix .tsv, .csv or .jsonl"
            )
        return RawPairs(lines.lines, [], range(1, len(lines.lines) + 1), where, [], lines.odd)
    return of_rows(_cells(lines.lines), where, meant, lines.odd)


def _separator(text: str) -> str:
    first = text.lstrip("\n").split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _cells(lines: list[str]) -> Iterator[Row]:
    """What stands between the tabs of lines, each of which is let go as it comes, without the quotes of a program that
    doubles those inside. A cell that a writer put in quotes keeps them: only where some cell has doubled ones, or all
    are in quotes, did a program write them."""
    quoted = doubled = every = 0
    for line in lines:
        cells = line.split("\t") if line.strip() else []
        every += len(cells)
        for cell in cells:
            if len(cell) > 1 and cell[0] == cell[-1] == '"':
                quoted += 1
                doubled += '""' in cell[1:-1] and '"' not in cell[1:-1].replace('""', "")
    plain = not quoted or (not doubled and quoted < every)
    for place, line in enumerate(lines):
        lines[place] = ""
        if line.strip():
            cells = line.split("\t")
            yield place + 1, cells if plain else [_inner(cell) for cell in cells]


def _inner(cell: str) -> str:
    inner = cell[1:-1].replace('""', '"')
    return inner if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "") else cell
