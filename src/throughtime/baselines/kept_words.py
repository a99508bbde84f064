"""What outputs keep: rare words of the references, numbers, names and addresses of the sources; and how many differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from throughtime.options import Json

RARE = 5
"""How often a word may stand in the targets of training to be rare."""

_URL = r"(?:https?|ftp)://[^\s<>\"'，。）)]+[^\s<>\"'，。）).,;:!?]|[\w.+-]+@[\w-]+\.[\w.-]*\w"
_NUMBER = r"\d+(?:[.,:/]\d+)*"
_WORD = r"[^\W_](?:[\w.+:/-]*[\w+])?"
_FOUND = re.compile(rf"(?P<url>{_URL})|(?P<word>{_WORD})", re.ASCII)
_ONLY_NUMBER = re.compile(_NUMBER)


@dataclass(frozen=True)
class Share:
    """How many of some things are right. each: (N, 2) of each output, right ones and all of them."""

    each: np.ndarray = field(repr=False)

    @property
    def right(self) -> int:
        return int(self.each[:, 0].sum())

    @property
    def total(self) -> int:
        return int(self.each[:, 1].sum())

    @property
    def value(self) -> float | None:
        """The share, None where there are none."""
        return self.right / self.total if self.total else None

    @property
    def losses(self) -> np.ndarray:
        """(N, 2) what is wrong and what there is, as baselines.verdict compares them."""
        found: np.ndarray = np.stack([self.each[:, 1] - self.each[:, 0], self.each[:, 1]], 1).astype(np.float64)
        return found

    def to_json(self) -> dict[str, Json]:
        return {"share": self.value, "right": self.right, "total": self.total}


def word_counts(texts: Iterable[str]) -> Counter[str]:
    """How often each word stands in texts; case counts, Chinese characters are words of their own."""
    return Counter(word for text in texts for word in _words(text))


def _words(text: str) -> list[str]:
    from throughtime.data.pieces import split_words

    return [piece for piece, _, _ in split_words(text) if any(sign.isalnum() for sign in piece)]


def rare_words(outputs: Sequence[str], references: Sequence[str], known: Counter[str], most: int = RARE) -> Share:
    """Of the words of references that stand at most `most` times in training, how many the output has too."""
    rows = []
    for output, reference in zip(outputs, references, strict=True):
        wanted = Counter(word for word in _words(reference) if known[word] <= most)
        rows.append([sum((wanted & Counter(_words(output))).values()) if wanted else 0, sum(wanted.values())])
    return Share(np.array(rows, np.int64).reshape(-1, 2))


def marked(text: str, names: frozenset[str] = frozenset()) -> list[str]:
    """Numbers, addresses and names in a text, as they stand: what has a digit, an inner capital, or a sign within it
    that no word of a language has (libfoo_bar, a/b, C++); and whatever is in `names`."""
    return [match.group() for match in marks(text, names)]


def marks(text: str, names: frozenset[str] = frozenset()) -> list[re.Match[str]]:
    """The same with where they stand."""
    return [
        match for match in _FOUND.finditer(text) if match["url"] or match.group() in names or _is_name(match.group())
    ]


def _is_name(piece: str) -> bool:
    if any(sign.isdigit() for sign in piece):
        return True
    if any(sign in "_+:" for sign in piece) or ("." in piece and max(map(len, piece.split("."))) > 1):
        return True
    inner = piece[1:]
    return any(sign.isupper() for sign in inner) and any(sign.islower() for sign in piece) and "-" not in piece


def copied(outputs: Sequence[str], sources: Sequence[str], names: frozenset[str] = frozenset()) -> Share:
    """Of the numbers, names and addresses in outputs, how many stand in the source."""
    rows = []
    for output, source in zip(outputs, sources, strict=True):
        own, there = marked(output, names), standing(source)
        rows.append([sum(stands(one, there) for one in own), len(own)])
    return Share(np.array(rows, np.int64).reshape(-1, 2))


def carried_over(
    outputs: Sequence[str], sources: Sequence[str], references: Sequence[str], names: frozenset[str] = frozenset()
) -> Share:
    """Of the numbers, names and addresses that source and reference have, how many the output has too."""
    rows = []
    for output, source, reference in zip(outputs, sources, references, strict=True):
        there, made = standing(source), standing(output)
        wanted = [one for one in dict.fromkeys(marked(reference, names)) if stands(one, there)]
        rows.append([sum(stands(one, made) for one in wanted), len(wanted)])
    return Share(np.array(rows, np.int64).reshape(-1, 2))


def standing(text: str) -> set[str]:
    """The pieces of a text, and those that a hyphen, a slash or a colon joins."""
    whole = [match.group() for match in _FOUND.finditer(text)]
    return {part for one in whole for part in (one, *re.split(r"[-/:]", one))}


def stands(piece: str, there: set[str]) -> bool:
    """Whether a number, an address or a name is among the pieces of a text, or within one of them, of a number."""
    return piece in there or (bool(_ONLY_NUMBER.fullmatch(piece)) and any(piece in _numbers(one) for one in there))


def _numbers(text: str) -> list[str]:
    return _ONLY_NUMBER.findall(text)


def distinct(outputs: Sequence[str], sources: Sequence[str]) -> Share:
    """Of the outputs of different sources, how many differ from every one before."""
    seen: set[str] = set()
    known: set[str] = set()
    rows = []
    for output, source in zip(outputs, sources, strict=True):
        rows.append([int(source not in known and output not in seen), int(source not in known)])
        known.add(source)
        seen.add(output)
    return Share(np.array(rows, np.int64).reshape(-1, 2))
