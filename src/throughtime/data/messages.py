"""Messages of people as programs export them: lines with a speaker, and texts in parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from throughtime.errors import UserError

_DATE, _CLOCK = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[ap]\.?\s?m\.?)?"
_STAMPED = re.compile(rf"[\u200e\u200f]?\[?{_DATE},?\s+{_CLOCK}\]?(?:\s+[-\u2013])?\s+(?P<rest>.*)", re.IGNORECASE)
_SAID = re.compile(r"(?P<who>[^:\n]{1,40}?):\s+(?P<text>.*)")
_NAME = re.compile(r"[^\W\d_][\w.'() -]{0,24}")
_NO_TEXT = re.compile(r"[\u200e<(\[]*(?:media|image|video|audio|sticker|gif|document)\s+omitted[>)\]]*", re.IGNORECASE)

_SHARE = 0.95
"""Of the lines, so many have a speaker where lines have speakers."""

_OFTEN = 2
"""How often a speaker speaks on average, at least."""

Said = tuple[str, str]
"""Who said something, and what."""


def spoken(lines: Sequence[str], where: str) -> list[list[Said]] | None:
    """Conversations of lines that say who speaks: "Name: text", between empty lines; or the export of a messenger, a
    date and a time before the name. None for other lines; UserError for the marks of a chat template."""
    if any("<|im_start|>" in line for line in lines):
        raise UserError(
            f"{where}: expected conversations, got a chat template's marks (<|im_start|>); give JSON lines with "
            "messages, roles and contents"
        )
    shown = [line for line in lines if line.strip()]
    if len(shown) > 1 and all(map(_STAMPED.match, shown[:2])):
        return [_exported(lines)]
    matches = [_SAID.fullmatch(line.strip()) for line in shown]
    names = [match["who"] for match in matches if match is not None and _NAME.fullmatch(match["who"])]
    if len(names) < max(3, _SHARE * len(shown)) or _OFTEN * len({*names}) > len(names) + 1:
        return None
    found: list[list[Said]] = [[]]
    for line in lines:
        match = _SAID.fullmatch(line.strip())
        if match is not None:
            found[-1].append((match["who"], match["text"]))
        elif line.strip() and found[-1]:
            found[-1].append((found[-1][-1][0], line.strip()))
        elif found[-1]:
            found.append([])
    return [one for one in found if one]


def _exported(lines: Sequence[str]) -> list[Said]:
    """One conversation, a message each with a date before it; lines without are more of the message above."""
    found: list[Said] = []
    for line in lines:
        stamped = _STAMPED.fullmatch(line.strip())
        match = None if stamped is None else _SAID.fullmatch(stamped["rest"])
        if match is not None:
            found.append((match["who"], "" if _NO_TEXT.fullmatch(match["text"].strip()) else match["text"]))
        elif stamped is None and found and line.strip():
            found[-1] = found[-1][0], f"{found[-1][1]} {line.strip()}"
    return found


def text_of(value: Any) -> str | None:
    """What a message says: a text, or the texts of its parts, [{"type": "text", "text": "..."}]; "" where it says
    nothing. None for what is no message."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if not isinstance(value, list):
        return None
    parts = [one.get("text", "") if isinstance(one, Mapping) else one for one in value]
    return "".join(parts) if all(isinstance(part, str) for part in parts) else None
