"""Texts whose spans are given by places of characters: as spaCy, Prodigy, doccano, Rasa and Label Studio write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from throughtime.data.label_notes import counted
from throughtime.data.span_tools import rewritten
from throughtime.errors import UserError
from throughtime.options import Json

_LISTS = ("entities", "spans", "label", "labels")
_RASA = re.compile(r"\[([^\]]+)\](?:\(([^)]+)\)|\{([^}]*)\})")
_RASA_KIND = re.compile(r"""["']?entity["']?\s*:\s*["']?([^"',}]+)""")
_INTENT = re.compile(r"""\s*(?:-\s*intent:|##\s*intent:)\s*["']?([^"'#]+?)["']?\s*""")
_EXAMPLES = re.compile(r"\s*examples:\s*(.?).*")
_OWN_TEXT = re.compile(r"""text:\s*([|>]-?|["']?(.*?)["']?)""")
_ITEM = re.compile(r"\s*[-*+]\s+(.*\S)\s*")


@dataclass
class Spanned:
    """A text and its spans, (first character, the one behind the last, kind); row: for errors."""

    text: str
    spans: list[tuple[int, int, str]]
    row: int
    intent: str | None = None
    values: list[str | None] = field(default_factory=list)


class Marked(NamedTuple):
    """Texts with spans, and what is to be said of them."""

    rows: list[Spanned]
    notes: list[str]


def spanned(values: Sequence[Any], first: int, where: str) -> Marked | None:
    """What rows of JSON, or of Python lists, say in one of the forms known here; None where they are in none."""
    rows = list(values)
    if len(rows) == 1 and isinstance(rows[0], dict):
        whole = rows[0]
        if isinstance(inner := whole.get("rasa_nlu_data"), dict):
            rows, first = list(inner.get("common_examples", [])), 0
        elif isinstance(inner := whole.get("annotations"), list) and "classes" in whole:
            rows, first = [one for one in inner if one is not None], 0
    if (others := rewritten(rows)) is not None:
        rows, first = list(others), 0 if len(rows) == 1 and len(others) > 1 else first
    if not rows or not all(_is_spanned(one) for one in rows):
        return None
    found = [_spanned(one, row, f"{where}: row {row}") for row, one in enumerate(rows, first)]
    kept = [one for one in found if one is not None]
    if not kept:
        raise UserError(f"{where}: nobody annotated or accepted any of its texts; give some that somebody did")
    left = len(found) - len(kept)
    return Marked(kept, [f"{counted(left, 'text')} that nobody annotated or accepted: left out"] if left else [])


def _is_spanned(one: Any) -> bool:
    if isinstance(one, list | tuple):
        return len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], dict) and "entities" in one[1]
    if not isinstance(one, dict):
        return False
    if isinstance(one.get("data"), dict) and ("annotations" in one or "completions" in one):
        return True
    lists = [one[name] for name in _LISTS if isinstance(one.get(name), list)]
    if not isinstance(one.get("text"), str) or ("tokens" in one and not any(map(_is_object, one.get("spans", [])))):
        return False
    return (bool(lists) and all(_is_span(span) for own in lists for span in own)) or (
        "intent" in one and "entities" not in one and one.keys() <= {"text", "intent", "id", "metadata"}
    ) or ("answer" in one and "label" not in one and "accept" not in one)  # fmt: skip


def _is_object(span: Any) -> bool:
    return isinstance(span, dict) and "start" in span


def _is_span(span: Any) -> bool:
    if isinstance(span, list | tuple):
        return len(span) == 3 and type(span[0]) is int and type(span[1]) is int and isinstance(span[2], str)
    return isinstance(span, dict) and ("start" in span or "start_offset" in span)


def _spanned(one: Any, row: int, place: str) -> Spanned | None:
    """A text with its spans; None for one that nobody annotated, or that was not accepted."""
    if isinstance(one, list | tuple):
        return _filled(Spanned(one[0], [], row), one[1]["entities"], place)
    if isinstance(one.get("data"), dict):
        return _label_studio(one, row, place)
    if one.get("answer") in ("reject", "ignore"):
        return None
    intent = one.get("intent")
    given: list[Any] = next((one[name] for name in _LISTS if isinstance(one.get(name), list)), [])
    return _filled(Spanned(one["text"], [], row, str(intent) if intent else None), given, place)


def _filled(found: Spanned, spans: Sequence[Any], place: str) -> Spanned:
    for span in spans:
        if isinstance(span, list | tuple):
            (start, end, kind), value = span, None
        else:
            start, end = span.get("start", span.get("start_offset")), span.get("end", span.get("end_offset"))
            kind = span.get("label", span.get("entity", span.get("labels")))
            value = span.get("text")
            if isinstance(kind, list):
                kind = kind[0] if len(kind) == 1 else None
        if type(start) is not int or type(end) is not int or not isinstance(kind, str) or not kind:
            raise UserError(f"{place}: expected a span with start, end and one label, got {str(span)[:60]}")
        found.spans.append((start, end, kind))
        found.values.append(value if isinstance(value, str) else None)
    return found


def annotations_of(one: dict[str, Json], place: str) -> dict[str, Json] | None:
    """What somebody said of a task of Label Studio; None where nobody did."""
    notes = [own for own in one.get("annotations", one.get("completions")) or [] if not own.get("was_cancelled")]
    if len(notes) > 1:
        raise UserError(f"{place}: {len(notes)} people annotated it; keep one annotation for each text")
    return notes[0] if notes else None


def text_of(one: dict[str, Json], place: str) -> str:
    """The text of a task of Label Studio."""
    texts: dict[str, str] = {name: value for name, value in one["data"].items() if isinstance(value, str)}
    name = "text" if "text" in texts else next(iter(texts)) if len(texts) == 1 else None
    if name is None:
        raise UserError(f"{place}: expected one text in data, there are {', '.join(texts) or 'none'}")
    return texts[name]


def _label_studio(one: dict[str, Json], row: int, place: str) -> Spanned | None:
    entry = annotations_of(one, place)
    if entry is None:
        return None
    found = Spanned(text_of(one, place), [], row)
    for part in entry.get("result", []):
        value = part.get("value", {})
        if "choices" in value:
            found.intent = str(value["choices"][0])
        elif "start" in value:
            kinds = value.get("labels") or next((value[k] for k in ("hypertextlabels", "label") if k in value), None)
            _filled(found, [{**value, "labels": kinds, "label": kinds}], place)
    return found


def rasa(content: str) -> list[Spanned] | None:
    """The examples of Rasa's YAML or Markdown, [a text](kind); None where there are no intents of that form."""
    found: list[Spanned] = []
    intent: str | None = None
    listed = wanted = False  # whether examples are a list with a text each; whether the next line is such a text
    for row, line in enumerate(content.split("\n"), 1):
        if match := _INTENT.fullmatch(line):
            intent = match.group(1).strip()
        elif re.match(r"\s*(?:-\s*(?:synonym|regex|lookup|story|rule):|##\s)", line):
            intent = None
        elif match := _EXAMPLES.fullmatch(line):
            listed = not match.group(1)
        elif wanted and intent is not None and line.strip():
            found.append(_marked(line.strip(), intent, row))
            wanted = False
        elif intent is not None and (match := _ITEM.fullmatch(line)):
            own = _OWN_TEXT.fullmatch(match.group(1)) if listed else None
            wanted = own is not None and own.group(2) is None
            if not wanted:
                found.append(_marked(match.group(1) if own is None else own.group(2), intent, row))
    return found or None


def _marked(text: str, intent: str, row: int) -> Spanned:
    plain, spans, at = "", [], 0
    for match in _RASA.finditer(text):
        own = _RASA_KIND.search(match.group(3)) if match.group(3) else None
        kind = own.group(1).strip() if own else (match.group(2) or "").split(":")[0].strip()
        if not kind:
            continue
        plain += text[at : match.start()]
        spans.append((len(plain), len(plain) + len(match.group(1)), kind))
        plain += match.group(1)
        at = match.end()
    return Spanned(plain + text[at:], spans, row, intent, [None] * len(spans))


def sound(one: Spanned, place: str) -> list[tuple[int, int, str]]:
    """The spans in order, without white space at their ends; UserError for what cannot be."""
    found: list[tuple[int, int, str]] = []
    pairs = sorted(zip(one.spans, one.values, strict=True), key=lambda pair: pair[0][:2])
    for (start, end, kind), value in pairs:
        part = one.text[max(0, start) : end]
        if not 0 <= start < end <= len(one.text):
            raise UserError(
                f"{place}: the span {kind} from {start} to {end} is none of a text of {len(one.text)} characters; "
                "count from 0, the end behind the last"
            )
        if value is not None and value.strip() != part.strip():
            raise UserError(f"{place}: the span {kind} is {value[:30]!r}, at {start} to {end} stands {part[:30]!r}")
        if not part.strip():
            raise UserError(f"{place}: the span {kind} from {start} to {end} holds white space alone")
        start += len(part) - len(part.lstrip())
        end = start + len(part.strip())
        if found and start < found[-1][1]:
            raise UserError(
                f"{place}: the spans {found[-1][2]} and {kind} overlap; a token can have one tag, keep one of them"
            )
        found.append((start, end, kind))
    return found
