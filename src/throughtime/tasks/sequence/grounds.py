"""What an answer may not say that has to keep to its source: names, numbers and addresses that do not stand there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from throughtime.baselines.kept_words import copied, marks, standing, stands
from throughtime.data.shared_bpe import SharedBPE
from throughtime.runtime.beam import Asked

if TYPE_CHECKING:
    from throughtime.data.pairs import Pairs

_ODD = re.compile(r"[0-9_+:.@]|(?<=\S)[A-Z]|^[A-Z]")
"""What makes a word with this piece in it worth a closer look."""

_FEWEST, _MOST, _KEEP = 20, 5000, 0.5
"""Names in targets that tell something, pairs that are looked at, and the share of the names that stand in sources."""


def keeps(pairs: Pairs) -> tuple[bool, str]:
    """Whether the targets of pairs keep to the names, numbers and addresses of their sources, and what to tell."""
    step = max(1, len(pairs) // _MOST)
    found = copied(pairs.targets[::step], pairs.sources[::step])
    if found.total < _FEWEST or found.right < _KEEP * found.total:
        return False, ""
    told = (
        f"{found.right / found.total:.0%} of the names and numbers in targets stand in their sources: answers have no "
    )
    return True, told + "others"


class Looks:
    """What pieces look like, the edge as a space. texts: of each. begins: whether a word begins with it. odd: whether a
    word with it is worth a closer look."""

    def __init__(self, pieces: SharedBPE) -> None:
        self.texts = [*(piece.decode("utf-8", "replace") for piece in pieces.pieces), " "]
        self.begins = [text[:1].isspace() for text in self.texts]
        self.odd = [bool(_ODD.search(text)) for text in self.texts]


class Grounds:
    """asked: sources, and what of their answers is forced, which may be said as well. pieces: of both sides. looks: of
    these."""

    def __init__(self, asked: Sequence[Asked], pieces: SharedBPE, looks: Looks | None = None) -> None:
        self._asked, self._pieces = asked, pieces
        looks = looks or Looks(pieces)
        self._texts, self._begins, self._odd = looks.texts, looks.begins, looks.odd
        self._there: dict[int, tuple[set[str], str]] = {}
        self._known: dict[tuple[int, bool, tuple[int, ...]], bool] = {}

    def refused(self, number: int, ids: Sequence[int], token: int) -> bool:
        """Whether a piece may not come behind others in the answer to a source, because it ends a name that does not
        stand there, or leads to none that does."""
        place = len(ids)
        while place and not self._begins[ids[place - 1]]:
            place -= 1
        word = tuple(ids[max(0, place - 1) :])
        if not self._begins[token]:
            return self._strange(number, (*word, token), False)
        return self._strange(number, word, True) or self._strange(number, (token,), False)

    def _strange(self, number: int, word: tuple[int, ...], whole: bool) -> bool:
        if not any(self._odd[piece] for piece in word):
            return False
        key = number, whole, word
        if key not in self._known:
            self._known[key] = self._looked_at(number, "".join(self._texts[piece] for piece in word).strip(), whole)
        return self._known[key]

    def _looked_at(self, number: int, text: str, whole: bool) -> bool:
        there, joined = self._of(number)
        names = marks(text)
        for name in names:
            more = not whole and name is names[-1] and "\0" + text[name.start() :] in joined
            if not more and not stands(name.group(), there):
                return True
        return False

    def _of(self, number: int) -> tuple[set[str], str]:
        """What stands in a source, and the same one after the other."""
        if number not in self._there:
            asked = self._asked[number]
            said = [asked.source.tolist(), list(asked.prefix), *(list(way) for ways in asked.terms for way in ways)]
            found = standing(" ".join(self._pieces.decode(ids) for ids in said))
            self._there[number] = found, "\0" + "\0".join(found)
        return self._there[number]
