"""From what people have to sentences with tags as they stand there: files, folders, columns."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.brat import BRAT, brat
from throughtime.data.folders import of_folder
from throughtime.data.json_rows import json_objects, json_values, looks_like_json
from throughtime.data.spans import rasa, spanned
from throughtime.data.table import JSON, PARQUET, delimited, read_table
from throughtime.data.text import read_text
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.tag import conll, lines, spans
from throughtime.tasks.tag.found import INTENTS, TAGS, TOKENS, Choices, Found, column_of, listed, tokens_of, words

PARTS = ("train", "valid", "validation", "dev", "test")


def named_of(choices: Choices, features: Any) -> Choices:
    """With the names of tags that a Dataset or a Parquet file of Hugging Face has."""
    if choices.tag_names is not None:
        return choices
    for name in TAGS:
        feature = features.get(name) if hasattr(features, "get") else None
        for part in (feature, getattr(feature, "feature", None)):
            if isinstance(part, Mapping):
                part = part.get("feature", part)
            names = part.get("names") if isinstance(part, Mapping) else getattr(part, "names", None)
            if isinstance(names, Mapping):
                names = names.get("class_label", names)
                names = [names[key] for key in sorted(names, key=int)] if isinstance(names, Mapping) else names
            if isinstance(names, list | tuple) and names and all(isinstance(one, str) for one in names):
                return replace(choices, tag_names=tuple(names))
    return choices


def file_of(path: Path, encoding: str, choices: Choices) -> Found:
    """Of a file, by its suffix and its content."""
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        table = read_table(path, encoding, "labels")
        return columns_of(table.columns, table.where, table.first_row, named_of(choices, _parquet_features(path)))
    where = "standard input" if str(path) == "-" else str(path)
    nothing = suffix == BRAT and path.is_file() and not path.stat().st_size  # of a text without a span
    content = "" if nothing else read_text(path, encoding)
    if suffix in JSON or looks_like_json(content):
        return _json(content, where, choices)
    if suffix in (".yml", ".yaml", ".md") and (examples := rasa(content)):
        return spans.tokens_of(examples, where)
    if suffix == BRAT:
        marked = brat(content, path, encoding)
        return spans.tokens_of(marked.rows, where, marked.notes)
    if (listed_there := lines.python_lists(content, where)) is not None:
        marked_there = spanned(listed_there, 0, where)
        if marked_there is None:
            raise UserError(
                f'{where}: expected ("a text", {{"entities": [(0, 1, "KIND")]}}) in a list; give such pairs'
            )
        return spans.tokens_of(marked_there.rows, where, marked_there.notes)
    if content.lstrip().startswith("#begin document"):
        raise UserError(f"{where}: its tags, as of OntoNotes, are brackets over several lines; write them as BIO")
    if (within := lines.inline(content, where)) is not None:
        return spans.tokens_of(within, where)
    header = conll.header_of(content, suffix)
    if header is not None:
        separator, _ = header
        return conll.word_rows(content, where, separator, choices) or _sentence_rows(content, where, separator, choices)
    found = lines.joined(content, where) or _named(conll.conll(content, where, choices), choices)
    lines.checked_tags(found)
    beside = conll.intents_beside(path)
    if found.intents is None and beside.is_file():
        found.intents = [line.strip() for line in _rows(beside, encoding)]
        _same(found.intents, beside, "intents", found.tokens, path)
    return found


def _named(found: Found, choices: Choices) -> Found:
    """With the names of tags that are numbers; UserError where nobody gave them."""
    if not all(tag.isdecimal() for own in found.tags for tag in own) or not found.tags:
        return found
    if choices.tag_names is None:
        raise UserError(f"{found.where}: the tags are numbers; {_NAMES}")
    found.tags = [[_mark(tag, choices.tag_names, found.place(i)) for tag in own] for i, own in enumerate(found.tags)]
    return found


_NAMES = "give their names in order with --tag-names O,B-place,I-place,... (tag_names in Python)"


def _json(content: str, where: str, choices: Choices) -> Found:
    values, first = json_values(content, where)
    found = spanned(values, first, where)
    if found is not None:
        return spans.tokens_of(found.rows, where, found.notes)
    objects, first = json_objects(content, where)
    names = dict.fromkeys(name for row in objects for name in row)
    return columns_of({name: [row.get(name) for row in objects] for name in names}, where, first, choices)


def _sentence_rows(content: str, where: str, separator: str, choices: Choices) -> Found:
    """A table with a sentence in each row: tokens between spaces, or lists as Python or JSON writes them."""
    (_, names), *body = delimited(content, separator, where)
    for number, cells in body:
        if len(cells) != len(names):
            raise UserError(f"{where}: row {number} has {len(cells)} values, the header {len(names)}")
    columns = {
        name.strip(): [_literal(cells[i], f"{where}: row {number}") for number, cells in body]
        for i, name in enumerate(names)
    }
    found = columns_of(columns, where, 0, choices)
    found.rows = [number for number, _ in body]
    return found


def _literal(cell: str, place: str) -> Any:
    if not cell.lstrip().startswith("["):
        return cell
    try:
        return ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pass
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise UserError(f"{place}: expected a list such as ['a', 'b'], got {cell.strip()[:40]!r}") from None


def _parquet_features(path: Path) -> Any:
    """What Hugging Face says of the columns of a Parquet file that it wrote; nothing of others."""
    from pyarrow import parquet

    raw = (parquet.read_schema(path).metadata or {}).get(b"huggingface")
    try:
        return {} if raw is None else json.loads(raw)["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}


def _rows(path: Path, encoding: str) -> list[str]:
    """The lines of a file without the empty ones at its end."""
    lines = read_text(path, encoding).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _same(found: list[Any], path: Path, what: str, expected: list[Any], other: Path) -> None:
    if len(found) != len(expected):
        raise UserError(f"{path}: {len(found):,} {what}, {other} has {len(expected):,} sentences; each needs one")


def files_of(source: Any) -> list[Path] | None:
    """Several files, or those of a folder; None of one file, of the parallel files seq.in and seq.out, and of what is
    no file."""
    if isinstance(source, list | tuple) and source and all(isinstance(one, Path) for one in source):
        return list(source)
    path = Path(source) if isinstance(source, str | Path) else None
    if path is None or not path.is_dir() or any((path / name).exists() for name in ("seq.in", "seq.out", *PARTS)):
        return None
    if not any(child.is_file() for child in path.iterdir()):
        return None
    files = of_folder(path)
    return [one for one in files if one.suffix == BRAT] or [one for one in files if one.suffix != ".intent"]


def folder_of(path: Path, encoding: str, language: str) -> Found:
    """Of the parallel files seq.in, seq.out and perhaps label."""
    lines_of, tags, intents = path / "seq.in", path / "seq.out", path / "label"
    if not lines_of.is_file() or not tags.is_file():
        names = sorted(child.name for child in path.iterdir())
        parts = [part for part in PARTS if (path / part).is_dir()]
        if parts:
            raise UserError(f"{path}: holds the parts {', '.join(parts)}; give one of them, such as {path / parts[0]}")
        there = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise UserError(f"{path}: expected the files seq.in, seq.out and perhaps label, there are {there or 'none'}")
    lines, marks = _rows(lines_of, encoding), _rows(tags, encoding)
    _same(marks, tags, "lines of tags", lines, lines_of)
    found = Found(str(lines_of), tags=[words(mark) for mark in marks], rows=list(range(1, len(lines) + 1)))
    found.tokens = [tokens_of(line, len(own), language) for line, own in zip(lines, found.tags, strict=True)]
    found.texts = list(lines)
    if intents.is_file():
        found.intents = [line.strip() for line in _rows(intents, encoding)]
        _same(found.intents, intents, "intents", lines, lines_of)
    return found


def columns_of(columns: Mapping[str, Json], where: str, first: int, choices: Choices) -> Found:
    """Of columns of tokens and tags, lists or texts."""
    names = [str(name) for name in columns]
    each = list(columns.values())
    tokens = list(each[column_of(names, choices.token_column, TOKENS, where, "tokens")])
    place = column_of(names, choices.tag_column, TAGS, where, "tags")
    tags = list(each[place])
    lower = [name.lower() for name in names]
    known = next((lower.index(name) for name in INTENTS if name in lower and lower.index(name) != place), None)
    intents = None if known is None else list(each[known])
    if len(tokens) != len(tags):
        raise UserError(f"{where}: {len(tokens):,} sentences of tokens and {len(tags):,} of tags; each needs both")
    if intents is not None and len(intents) != len(tokens):
        raise UserError(f"{where}: {len(tokens):,} sentences and {len(intents):,} intents; each needs one")
    found = Found(where, rows=list(range(first, first + len(tokens))))
    numbers, decimal = False, len(tags) > 0
    for i, (one, own) in enumerate(zip(tokens, tags, strict=True)):
        at = found.place(i)
        given = words(own) if isinstance(own, str) else listed(own, at, "tags")
        numbers |= any(isinstance(mark, int | np.integer) and not isinstance(mark, bool) for mark in given)
        decimal &= all(isinstance(mark, str) and mark.isdecimal() for mark in given)
        marks = [_mark(mark, choices.tag_names, at) for mark in given]
        cut = tokens_of(one, len(marks), choices.language) if isinstance(one, str) else listed(one, at, "tokens")
        found.tokens.append(cut)
        found.tags.append(marks)
        found.texts.append(one if isinstance(one, str) else None)
    if (numbers or (decimal and where != "data")) and choices.tag_names is None:
        if where != "data":
            raise UserError(f"{where}: the tags in column {names[place]} are numbers; {_NAMES}")
        found.notes.append("the tags are numbers and read as they are; tag_names gives them names")
    if intents is not None:
        found.intents = ["" if intent is None or intent != intent else str(intent).strip() for intent in intents]
    return found


def _mark(mark: Any, names: Sequence[str] | None, place: str) -> str:
    """A tag as text. names: of numbers."""
    number = isinstance(mark, int | np.integer) and not isinstance(mark, bool)
    if names is None or not (number or (isinstance(mark, str) and mark.isdecimal())):
        return "" if mark is None else str(mark)
    if not 0 <= int(mark) < len(names):
        raise UserError(f"{place}: tag {mark} of {len(names)} names, counted from 0; give all of them in tag_names")
    return names[int(mark)]
