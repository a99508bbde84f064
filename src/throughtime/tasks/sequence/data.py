"""Pairs of texts in parts and in pieces, and what a folder keeps of them and of what they decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ragged_ids import RaggedIds
from throughtime.options import Checked
from throughtime.tasks.reading.data import Parts, TextsData, parts_of
from throughtime.tasks.sequence.cutting import ALL, END
from throughtime.tasks.sequence.options import MOST_PIECES, SequenceOptions

if TYPE_CHECKING:
    from throughtime.data.pairs import Pairs
    from throughtime.data.shared_bpe import SharedBPE

_SPARE = 10
"""Pieces that an answer may have beyond what training shows."""

_SEEN = 0.999
"""Of the pairs, the share whose targets bound an answer's length."""


@dataclass(frozen=True)
class Coded:
    """Pairs in pieces."""

    sources: RaggedIds
    targets: RaggedIds

    @classmethod
    def of(cls, pairs: Pairs, pieces: SharedBPE) -> Coded:
        """Both sides of pairs."""
        return cls(*(RaggedIds.of([pieces.encode(text) for text in side]) for side in (pairs.sources, pairs.targets)))

    def __len__(self) -> int:
        return len(self.sources)

    def take(self, rows: np.ndarray) -> Coded:
        """Some of the pairs."""
        return Coded(self.sources.take(rows), self.targets.take(rows))

    def within(self, longest: int, reads: str = ALL) -> Within:
        """The pairs whose sides both have pieces, and no more than so many. reads: what of a source that has more; of
        ALL that would have to be the whole target, too, and the pair is left out."""
        shortened = self if reads == ALL else replace(self, sources=self.sources.cut(longest, reads == END))
        lengths = np.stack([shortened.sources.lengths, self.targets.lengths])
        rows = np.flatnonzero((lengths.min(0) > 0) & (lengths.max(0) <= longest))
        cut = int((self.sources.lengths[rows] > longest).sum())
        return Within(shortened.take(rows), cut, len(self) - len(rows))


class Within(NamedTuple):
    """Pairs that can be learned. cut: of how many a part of the source is read; left: how many there are beside."""

    pairs: Coded
    cut: int
    left: int


@dataclass(frozen=True)
class SequenceData(TextsData):
    """What config.json keeps of pairs. source, target: the columns they were read from, None where there are none.
    slope: pieces of a target for each of its source, at most; longest: pieces of a source at most, and
    of nearly all targets. read: pieces of a source that are read at once, where longer ones were cut to so many; None
    where none was. grounded: whether an answer has no names and numbers but those that stand in its source."""

    source: str | None = None
    target: str | None = None
    slope: float = 1.0
    longest: tuple[int, ...] = (200, 200)
    read: int | None = None
    grounded: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.slope < 1000 or len(self.longest) != 2 or not all(0 < n <= MOST_PIECES for n in self.longest):
            raise UserError(f"{self.who}: slope and longest must be lengths; config.json is damaged")
        if self.read is not None and not self.longest[0] <= self.read <= MOST_PIECES:
            raise UserError(f"{self.who}: read must be a length, longest or more; config.json is damaged")

    def check(self, options: SequenceOptions) -> None:
        """UserError where texts are longer than any that could be learned from: a search would take as long."""
        most = max(*self.longest, self.read or 0)
        if most > options.longest:
            raise UserError(
                f"{self.who}: longest must be at most {options.longest:,}, the pieces of a text that was learned from, "
                f"got {most:,}; config.json is damaged"
            )

    def most(self, source: int) -> int:
        """Pieces that an answer to a source of so many may have."""
        return min(int(self.slope * source), self.longest[1] + self.longest[1] // 2) + _SPARE


@dataclass(frozen=True)
class SequenceDecided(Checked):
    """What the validation part decided. length, coverage: penalties of the search. sure: of the confidence, the weights
    of each feature, none where nothing was decided."""

    who = "decided"

    length: float = 1.0
    coverage: float = 0.0
    sure: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.length <= 10 and 0 <= self.coverage <= 10 and all(abs(w) < 1e6 for w in self.sure)):
            raise UserError(f"{self.who}: penalties and weights are out of range; config.json is damaged")


def pairs_of(data: Any, targets: Any, options: SequenceOptions) -> Pairs:
    """Pairs from what `fit` is given: lists, or what read_pairs takes, without targets."""
    from throughtime.data.pairs import Pairs, read_pairs

    if isinstance(data, Pairs):
        return data
    return read_pairs(data if targets is None else (data, targets), options.source, options.target, options.encoding)


def parts(
    source: Any,
    given: Pairs,
    beside: Pairs | None,
    options: SequenceOptions,
    read: Callable[[str], Pairs] | None = None,
) -> Parts[Pairs]:
    """Pairs in parts, by the options. read: makes pairs of a file that they name; read_pairs where not given."""

    from throughtime.data.pairs import read_pairs

    def usual(file: str) -> Pairs:
        return read_pairs(file, options.source, options.target, options.encoding, known=given.columns)

    found = parts_of(source, given, beside, options, read or usual, _compared)
    if len(found.learned) < 2:
        raise UserError(f"{given.where}: expected at least two pairs to learn from, got {len(found.learned)}")
    return found


def _compared(one: Pairs, other: Pairs) -> list[str]:
    """Notes on texts that stand in two parts."""
    found = []
    for what, first, second in (("sources", one.sources, other.sources), ("targets", one.targets, other.targets)):
        known = {*first}
        same = sum(text in known for text in second)
        if same:
            found.append(f"{same:,} of {len(second):,} {what} of {other.where} stand in what is learned, too")
    return found


def bounds(coded: Coded) -> tuple[float, tuple[int, int]]:
    """How long answers may be: pieces for each of the source, and the longest source and target, of which a few that
    are far longer do not count."""
    lengths = coded.sources.lengths, coded.targets.lengths
    ratios = (lengths[1] + 1) / lengths[0]
    longest = int(np.ceil(np.quantile(lengths[1], _SEEN)))
    return max(1.0, float(np.quantile(ratios, _SEEN))), (int(lengths[0].max()), longest)


def joined(turns: Sequence[str]) -> str:
    """Several texts as one source."""
    return "\n".join(turns)
