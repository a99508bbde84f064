"""Files of a sentence a line, with the tags within the text; and what a file of a token a line writes otherwise."""

from __future__ import annotations

import ast
import re
from typing import Any

from throughtime.data.spans import Spanned
from throughtime.errors import UserError
from throughtime.tasks.tag.found import Found

_MARKED = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)|<([A-Za-z][\w.-]*)>([^<>]+)</\3>")
_LEFT = re.compile(r"</?[A-Za-z][^<>]*>")
_ASSIGNED = re.compile(r"""\s*(?:\w+\s*=\s*)?(?=\[\s*\(\s*["'])""")
_PREFIX = re.compile(r"([a-z]{2,3}(?:-[a-z]+)?:).+", re.DOTALL)


def python_lists(content: str, where: str) -> list[Any] | None:
    """What a list of pairs says as Python writes it, TRAIN_DATA = [("...", {...})]; None for anything else."""
    begin = _ASSIGNED.match(content)
    if begin is None:
        return None
    try:
        found = ast.literal_eval(content[begin.end() :].strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise UserError(f"{where}: expected a list of texts and spans as Python writes it ({error})") from None
    return found if isinstance(found, list) else None


def inline(content: str, where: str) -> list[Spanned] | None:
    """Texts of a line each with [a text](kind) or <kind>a text</kind> in most of them; None for other files."""
    lines = [(row, line.strip()) for row, line in enumerate(content.split("\n"), 1) if line.strip()]
    if not lines or 2 * sum(bool(_MARKED.search(line)) for _, line in lines) < len(lines):
        return None
    found = []
    for row, line in lines:
        plain, spans, at = "", [], 0
        for match in _MARKED.finditer(line):
            text, kind = match.group(1) or match.group(4), match.group(2) or match.group(3)
            plain += line[at : match.start()]
            spans.append((len(plain), len(plain) + len(text), kind))
            plain, at = plain + text, match.end()
        plain += line[at:]
        if left := _LEFT.search(plain):
            raise UserError(
                f"{where}: row {row}: expected <kind>a text</kind>, none within another, got {left.group()}"
            )
        found.append(Spanned(plain, spans, row, None, [None] * len(spans)))
    return found


def joined(content: str, where: str) -> Found | None:
    """Sentences of a line each whose tokens carry their tags, as The/DT dog/NN; None for other files."""
    lines = [(row, line.split()) for row, line in enumerate(content.split("\n"), 1) if line.strip()]
    cells = [cell for _, line in lines for cell in line]
    signs = [sign for sign in "/_|" if all(0 < cell.rfind(sign) < len(cell) - 1 for cell in cells)]
    if len(cells) < 2 or len(signs) != 1 or all(len(line) < 2 for _, line in lines):
        return None
    sign = signs[0]
    found = Found(where, rows=[row for row, _ in lines], texts=[None] * len(lines))
    for _, line in lines:
        parts = [cell.split(sign) if sign == "|" else cell.rsplit(sign, 1) for cell in line]
        found.tokens.append([part[0] for part in parts])
        found.tags.append([part[-1] for part in parts])
    found.notes.append(f"a sentence in each line, {sign!r} between each token and its tag")
    return found


def checked_tags(found: Found) -> None:
    """UserError for tags that say nothing; tokens that all begin with their language, as in WikiAnn, lose that."""
    tags = {tag for own in found.tags for tag in own}
    if tags == {"_"}:
        raise UserError(f"{found.where}: the tags are all '_', which says nothing; name another column, --tag-column")
    begins = {match.group(1) if (match := _PREFIX.match(one)) else "" for own in found.tokens for one in own}
    if len(begins) == 1 and (begin := begins.pop()) and sum(map(len, found.tokens)) > 1:
        found.tokens = [[token[len(begin) :] for token in own] for own in found.tokens]
        found.notes.append(f"every token begins with {begin!r}, its language: left out")
