"""Series of one clock that see one another: which others stand beside each, and their values on its own steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.options import Checked, option


@dataclass(frozen=True)
class Links:
    """Where the neighbours of N series stand among them. places: (N, M), -1 for one that is not there. means,
    deviations: (N, M), what their values are shifted and divided by; below zero where a neighbour moves against, the
    larger the less it says."""

    places: np.ndarray
    means: np.ndarray
    deviations: np.ndarray

    def standard(self, values: np.ndarray) -> np.ndarray:
        """Values (N, L) of all series as each one's neighbours (N, L, M), NaN where one is not there."""
        taken = np.moveaxis(values[self.places], 1, 2)
        found: np.ndarray = (taken - self.means[:, None]) / self.deviations[:, None]
        return np.where((self.places >= 0)[:, None], found, np.nan)


@dataclass(frozen=True)
class Neighbours(Checked):
    """Which others each series sees, the most telling one first.

    ids: of all series. means, deviations: of their values. places: of each, which others, all as many. weights: of each
    of these, how much it tells, 1 for the most telling one of all, below zero where it moves against the series: its
    values count so much, so that one model of all series need not know which of them learns nothing from the others.
    """

    who = "neighbours"

    ids: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...] = option(above=0)
    places: tuple[tuple[int, ...], ...] = option(at_least=0)
    weights: tuple[tuple[float, ...], ...] = option(at_least=-1, at_most=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        count, size = len(self.ids), self.size
        sizes = {len(self.means), len(self.deviations), len(self.places), len(self.weights)}
        wrong = any(len(one) != size for one in (*self.places, *self.weights))
        wrong = wrong or any(weight == 0 for one in self.weights for weight in one)
        if sizes != {count} or wrong or any(place >= count for one in self.places for place in one):
            raise UserError(
                "neighbours: expected as many means, deviations, places and weights as ids, and places in them"
            )

    @property
    def size(self) -> int:
        """M, others that each series sees."""
        return len(self.places[0]) if self.places else 0

    def of(self, name: str) -> tuple[str, ...]:
        """The names of those that a series sees, none for a series it does not know."""
        if name not in self.ids:
            return ()
        return tuple(self.ids[place] for place in self.places[self.ids.index(name)])

    def links(self, ids: Sequence[str]) -> Links:
        """Where they stand among series of these names."""
        own, given = ({name: n for n, name in enumerate(names)} for names in (self.ids, ids))
        places = np.full((len(ids), self.size), -1)
        means, deviations = np.zeros(places.shape), np.ones(places.shape)
        for n, name in enumerate(ids):
            if (i := own.get(name)) is None:
                continue
            for m, (place, weight) in enumerate(zip(self.places[i], self.weights[i], strict=True)):
                places[n, m] = given.get(self.ids[place], -1)
                means[n, m], deviations[n, m] = self.means[place], self.deviations[place] / weight
        return Links(places, means, deviations)

    def apply(self, panel: Panel) -> list[np.ndarray]:
        """(L_n, M) of each series: its neighbours' values at its own steps, standardised, NaN where there is none."""
        links, starts, others = self.links(panel.ids), clock(panel), []
        for n, values in enumerate(panel.values):
            seen = np.full((len(values), self.size), np.nan)
            for m, place in enumerate(links.places[n]):
                if place < 0:
                    continue
                theirs, shift = panel.values[place], int(starts[n] - starts[place])
                first, last = max(0, -shift), min(len(values), len(theirs) - shift)
                if last > first:
                    part = theirs[first + shift : last + shift]
                    seen[first:last, m] = (part - links.means[n, m]) / links.deviations[n, m]
            others.append(seen)
        return others

    def missing(self, ids: Sequence[str]) -> list[str]:
        """The names among these of series of which a neighbour is not among them, or which it does not know."""
        lacking = [bool((places < 0).any()) for places in self.links(ids).places]
        return [name for name, one in zip(ids, lacking, strict=True) if one]


def one_clock(panel: Panel) -> bool:
    """Whether series run side by side: they have dates, or as many rows."""
    return panel.dated or len({len(one) for one in panel.values}) == 1


def clock(panel: Panel) -> np.ndarray:
    """(N,) the place of each series' first value on their common clock, in steps, from 0."""
    if not panel.dated:
        return np.array([0 if isinstance(start, np.datetime64) else int(start) for start in panel.starts])
    places = panel.frequency.index(np.array(panel.starts))
    found: np.ndarray = np.round(places - places.min()).astype(np.int64)
    return found
