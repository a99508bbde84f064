"""Tokens as a person would write them, and how a text is cut so that the tokens of a corpus come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import regex

from throughtime.data.words import ALONE
from throughtime.errors import UserError

Piece = tuple[str, int, int]
"""The piece, its first character's place in the text, and the place after its last."""

_CLOSING = frozenset(".,;:!?%)]}…’”»")
_OPENING = frozenset("([{$£€#“‘«¿¡")
_TAIL = regex.compile(r"['’]\p{L}{1,3}|n['’]t", regex.IGNORECASE)
_HEAD = regex.compile(r"\p{L}{1,6}['’]")
_UNSPACED = regex.compile(rf"[{ALONE}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}。，、！？：；（）《》“”]+")
_CHUNK = regex.compile(r"\S+")
_SIGN = regex.compile(r"[^\w\s]")
_HAN = regex.compile(rf"[{ALONE}]")
_INNER = regex.compile(rf"[{ALONE}]|[^\w\s]|[^\W{ALONE}]+")

_MOST = 20_000
"""Tokens that are kept whole against the rules at most."""


def written(tokens: Sequence[str]) -> str:
    """Tokens with white space where a person would leave it: none before what closes, none behind what opens, none
    between characters of scripts that have none."""
    parts: list[str] = []
    quoted = False
    joined = True  # nothing stands before the first
    for before, token in zip(["", *tokens], tokens, strict=False):
        quote = token in ('"', "''", "``")
        closing = token in _CLOSING or _TAIL.fullmatch(token) is not None or (quote and quoted)
        unspaced = bool(before) and _unspaced(before[-1]) and _unspaced(token[:1])
        if not (joined or closing or unspaced):
            parts.append(" ")
        parts.append(token)
        joined = token in _OPENING or (quote and not quoted) or (_HEAD.fullmatch(token) is not None)
        quoted ^= quote
    return "".join(parts)


def _unspaced(sign: str) -> bool:
    return _UNSPACED.fullmatch(sign) is not None


def places(text: str, tokens: Sequence[str]) -> list[tuple[int, int]] | None:
    """Where tokens stand in their text, first character and the one behind the last; None where they are others."""
    found, at = [], 0
    for token in tokens:
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            return None
        at = start + len(token)
        found.append((start, at))
    return None if text[at:].strip() else found


class Cuts:
    """How signs are cut off words, as the tokens of a corpus have it.

    before, inside, behind: signs that stay with the word they begin, stand in or end; all others are tokens. whole:
    tokens that stay whole against that. heads, tails: beginnings and ends with an apostrophe that are tokens. alone:
    whether each Han and kana character is a token.
    """

    FIELDS = ("before", "inside", "behind", "whole", "heads", "tails")

    def __init__(self, alone: bool = True, **lists: Any) -> None:
        self.alone = alone
        self.lists = {name: frozenset(lists.get(name, ())) for name in self.FIELDS}
        self._tails = sorted(self.lists["tails"], key=len, reverse=True)
        self._heads = sorted(self.lists["heads"], key=len, reverse=True)

    @classmethod
    def fit(cls, sentences: Sequence[Sequence[str]]) -> Cuts:
        """Signs stay with their word where more different words have them than there are such signs by themselves."""
        counts = Counter(token for tokens in sentences for token in tokens)
        found = {name: Counter[str]() for name in ("before", "inside", "behind")}
        for token in counts:
            if len(token) > 1 and any(sign.isalnum() for sign in token):
                found["before"].update(_SIGN.findall(token[:1]))
                found["behind"].update(_SIGN.findall(token[-1:]))
                found["inside"].update(set(_SIGN.findall(token[1:-1])))
        lists = {
            name: sorted(sign for sign, words in each.items() if words > counts[sign]) for name, each in found.items()
        }
        lists["tails"] = sorted({t.lower() for t, n in counts.items() if n > 1 and _TAIL.fullmatch(t)})
        lists["heads"] = sorted({t.lower() for t, n in counts.items() if n > 1 and _HEAD.fullmatch(t)})
        signs = Counter({kind: sum(n for t, n in counts.items() if _HAN.search(t) and (len(t) == 1) == kind)
                         for kind in (True, False)})  # fmt: skip
        blank = cls(signs[True] >= signs[False], **lists)
        lists["whole"] = [token for token, _ in counts.most_common() if len(blank.pieces(token)) > 1][:_MOST]
        return cls(blank.alone, **lists)

    def pieces(self, text: str) -> list[Piece]:
        """The tokens of a text with their places."""
        found: list[Piece] = []
        for match in _CHUNK.finditer(text):
            found += self._cut(text, match.start(), match.end())
        return found

    def _cut(self, text: str, start: int, end: int) -> list[Piece]:
        """The pieces of a part without white space."""
        whole, first, last = self.lists["whole"], [], []
        while start < end and text[start:end] not in whole:
            behind, before = self._from_behind(text, start, end), self._from_before(text, start, end)
            if behind < end:
                last.append((text[behind:end], behind, end))
                end = behind
            elif before > start:
                first.append((text[start:before], start, before))
                start = before
            else:
                return [*first, *self._inner(text, start, end), *last[::-1]]
        middle = [(text[start:end], start, end)] if start < end else []
        return [*first, *middle, *last[::-1]]

    def _from_behind(self, text: str, start: int, end: int) -> int:
        """Where what is to be cut off the end begins."""
        part = text[start:end].lower()
        for tail in self._tails:
            if part.endswith(tail) and len(part) > len(tail):
                return end - len(tail)
        return self._run(text, start, end, -1, "behind")

    def _from_before(self, text: str, start: int, end: int) -> int:
        """Where what is to be cut off the beginning ends."""
        part = text[start:end].lower()
        for head in self._heads:
            if part.startswith(head) and len(part) > len(head):
                return start + len(head)
        return self._run(text, start, end, 1, "before")

    def _run(self, text: str, start: int, end: int, turn: int, name: str) -> int:
        """The other end of a sign, or of a run of one sign that is known whole, at an end of a part."""
        at = start if turn > 0 else end - 1
        sign = text[at]
        edge = start if turn > 0 else end
        if not _SIGN.fullmatch(sign) or sign in self.lists[name] or end - start == 1:
            return edge
        other = at
        while start <= other < end and text[other] == sign:
            other += turn
        low, high = (start, other) if turn > 0 else (other + 1, end)
        if high - low < 2 or sign * (high - low) not in self.lists["whole"]:
            return start + 1 if turn > 0 else end - 1
        return high if turn > 0 else low

    def _inner(self, text: str, start: int, end: int) -> list[Piece]:
        """A word, cut at the signs that are tokens inside of words too."""
        if start == end:
            return []
        found: list[Piece] = []
        begun = start
        for match in _INNER.finditer(text, start, end):
            sign = match.group()
            alone = bool(_HAN.fullmatch(sign)) and self.alone
            edge = match.start() == start or match.end() == end
            cut = bool(_SIGN.fullmatch(sign)) and sign not in self.lists["inside"] and not edge
            if alone or cut:
                if begun < match.start():
                    found.append((text[begun : match.start()], begun, match.start()))
                found.append((sign, match.start(), match.end()))
                begun = match.end()
        if begun < end:
            found.append((text[begun:end], begun, end))
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain lists."""
        return {"alone": self.alone, **{name: sorted(values) for name, values in self.lists.items()}}

    @classmethod
    def from_json(cls, data: Any) -> Cuts:
        """Rebuild from `to_json`; UserError where it is malformed."""
        lists = {name: data.get(name) for name in cls.FIELDS} if isinstance(data, dict) else {}
        sound = all(isinstance(each, list) and all(isinstance(one, str) and one for one in each)
                    for each in lists.values())  # fmt: skip
        if not lists or not sound or not isinstance(data.get("alone"), bool):
            raise UserError("units: expected lists of signs and tokens; tokenizer.json is damaged")
        return cls(data["alone"], **lists)
