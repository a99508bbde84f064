"""Whether series, or columns beside them, tell of one another: linear maps that see them and maps that do not.

What is learned on the beginning of the series is tried on what follows, on three parts, as in rehearsal.py. Which of
the others a series sees is chosen by what they explain of the errors that its own map leaves, on the beginning alone
too, so that others which merely look alike win nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.data.neighbours import Neighbours, clock, one_clock
from throughtime.data.panel import Panel
from throughtime.tasks.forecast.rehearsal import PARTS, filled, fit_map, map_windows
from throughtime.tasks.forecast.statistics import level_and_scale

COUNTS = (1, 3, 8)
"""How many neighbours are tried."""

LEAST, LONG = 0.02, 5_000
"""The share of the error that others have to save; half of it in series of so many steps, where chance does less."""

_MOST, _TRIED = 400, 32
"""Series among which neighbours are looked for; of how many of them the maps are tried."""

_FEWEST = 200
"""Steps that series must have for such a choice."""

_BEFORE, _AFTER, _AHEAD = 1_000, 600, 3
"""Windows of each series that are learned and tried, and steps ahead, at most."""

_LATEST = 20_000
"""The last steps that are looked at."""


@dataclass(frozen=True)
class Company:
    """Others that help. chosen: of each series which, (N, M). weights: how much each tells, see Neighbours. gain: the
    share of the error that they save."""

    chosen: np.ndarray
    weights: np.ndarray
    gain: float


def find_neighbours(
    panel: Panel, horizon: int, season: int, count: int | None = None
) -> tuple[Neighbours, float] | None:
    """Which series of a panel help which others, and by how much; None where none do.

    panel: what is learned from, without what is held for validation. count: so many, helpful or not, where they are
    asked for; None tries COUNTS.
    """
    if count == 0 or not 2 <= len(panel) <= (_MOST if count is None else 100_000) or not one_clock(panel):
        return None
    starts = clock(panel)
    values = np.full((int((starts + [len(one) for one in panel.values]).max()), len(panel)), np.nan)
    for n, one in enumerate(panel.values):
        values[starts[n] : starts[n] + len(one), n] = one
    counts = tuple(sorted({min(one, len(panel) - 1) for one in (COUNTS if count is None else (count,))}))
    found = _Search(values, values, horizon, season, own=True).best(counts, None if count is None else -np.inf)
    if found is None:
        return None
    measures = [level_and_scale(one) for one in panel.values]
    means, deviations = zip(*measures, strict=True)
    places, weights = (tuple(map(tuple, rows.tolist())) for rows in (found.chosen, found.weights))
    return Neighbours(tuple(panel.ids), means, deviations, places, weights), found.gain


def find_columns(panel: Panel, columns: Sequence[str], horizon: int, season: int) -> tuple[tuple[str, ...], float]:
    """Which columns of panel.past tell of the series, and by how much; none where none do.

    Of several series the longest one is looked at.
    """
    if not columns:
        return (), 0.0
    n = max(range(len(panel)), key=lambda i: len(panel.values[i]))
    beside = np.stack([panel.past[name][n] for name in columns], 1)
    counts = tuple(sorted({min(one, len(columns)) for one in (1, 2, 4, 8, 16)}))
    found = _Search(panel.values[n][:, None], beside, horizon, season, own=False).best(counts)
    return ((), 0.0) if found is None else (tuple(columns[i] for i in sorted(found.chosen[0])), found.gain)


class _Search:
    """values: (T, N) series of one clock; others: (T, C) what may help them. own: whether these are the same."""

    def __init__(self, values: np.ndarray, others: np.ndarray, horizon: int, season: int, own: bool) -> None:
        self.horizon, self.season, self.own = horizon, season, own
        last = slice(max(0, len(values) - _LATEST), None)
        self.values, self.others = ([filled(one) for one in part[last].T] for part in (values, others))
        self._kept: tuple[Any, np.ndarray] = (None, np.zeros(0))
        self.length, self.reach = len(self.values[0]), max(2 * season, 16)

    def best(self, counts: Sequence[int], least: float | None = None) -> Company | None:
        """As many of the others as help most; None where they do not save the least share of the error."""
        need = (LEAST if self.length < LONG else LEAST / 2) if least is None else least
        if self.length < (_FEWEST if least is None else 2 * self.horizon + self.reach + 8):
            return None
        if not all(np.isfinite(one).all() for one in (*self.values, *self.others)):
            return None
        errors = np.array([one for share in PARTS if (one := self._part(share, counts)) is not None])
        gains = 1 - errors[:, 1:].mean(0) / max(1e-12, errors[:, 0].mean()) if len(errors) else np.zeros(len(counts))
        place = int(gains.argmax())
        if gains[place] < need or (least is None and not (errors[:, 0] > errors[:, 1 + place]).all()):
            return None
        end = self.length - self.horizon
        if end <= self.reach:
            return None
        chosen, weights = self._choose(self._origins(self.reach, end, _BEFORE), self.length, counts[place])
        return Company(chosen, weights, float(gains[place]))

    def _origins(self, first: int, last: int, most: int) -> np.ndarray:
        count = min(last - first, most)
        return np.sort(first + np.random.default_rng(0).choice(last - first, count, replace=False))

    def _part(self, share: float, counts: Sequence[int]) -> list[float] | None:
        """Errors of the map without others and of those with so many, learned on a share and tried on what follows."""
        middle, end = int(share * self.length), int((share + 0.2) * self.length)
        bounds = (self.reach, middle - self.horizon), (max(self.reach, middle), end - self.horizon)
        if any(last - first < 30 for first, last in bounds):
            return None
        before, after = (self._origins(*one, most) for one, most in zip(bounds, (_BEFORE, _AFTER), strict=True))
        chosen, weights = self._choose(before, middle, max(counts))
        tried = np.linspace(0, len(self.values) - 1, min(len(self.values), _TRIED)).round().astype(int)
        errors = np.zeros(1 + len(counts))
        parts = [[self._rows(n, origins, middle) for n in tried] for origins in (before, after)]
        beside = [[self._told(n, origins, middle, chosen, weights) for n in tried] for origins in (before, after)]
        (x, y), (coming, actual) = ([np.concatenate(rows) for rows in zip(*part, strict=True)] for part in parts)
        z, later = (np.concatenate(part) for part in beside)
        for k in range(y.shape[1]):
            for i, count in enumerate((0, *counts)):
                seen, new = (
                    np.concatenate([a[:, k], b[:, : count * _SIGNALS]], 1) for a, b in ((x, z), (coming, later))
                )
                errors[i] += float(np.abs(actual[:, k] - new @ fit_map(seen, y[:, k])).mean())
        return errors.tolist()

    def _rows(self, n: int, origins: np.ndarray, known: int) -> tuple[np.ndarray, np.ndarray]:
        """What a series' own map sees, (B, k, F), and (B, k) what came."""
        one = self.values[n]
        x, y = map_windows(one, origins, self.horizon, self.season, *level_and_scale(one[:known]))
        few = np.linspace(0, x.shape[1] - 1, min(x.shape[1], _AHEAD)).round().astype(int)
        return x[:, few], y[:, few]

    def _signals(self, origins: np.ndarray, known: int) -> np.ndarray:
        """(B, C, signals) what others say at origins: their level, their last changes."""
        signals = []
        for one in self.others:
            level, scale = level_and_scale(one[:known])
            standard = (one - level) / scale
            last = standard[origins - 1]
            signals.append(np.stack([last, last - standard[origins - 2], last - standard[origins - 5]], 1))
        return np.stack(signals, 1)

    def _told(self, n: int, origins: np.ndarray, known: int, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(B, count * signals) what the others that a series sees say at origins."""
        both = self._cached(origins, known)[:, chosen[n]] * weights[n][None, :, None]
        told: np.ndarray = both.reshape(len(origins), -1)
        return told

    def _cached(self, origins: np.ndarray, known: int) -> np.ndarray:
        key = (len(origins), int(origins[0]), known)
        if self._kept[0] != key:
            self._kept = key, self._signals(origins, known)
        signals: np.ndarray = self._kept[1]
        return signals

    def _choose(self, origins: np.ndarray, known: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(N, count) of each series the others that explain most of what its own map leaves, and how much they tell,
        below zero where they move against it."""
        signals = self._cached(origins, known)
        theirs = _standard(signals.transpose(0, 2, 1).reshape(len(origins), -1))
        chosen, weights = [], []
        for n in range(len(self.values)):
            x, y = self._rows(n, origins, known)
            left = np.stack([y[:, k] - x[:, k] @ fit_map(x[:, k], y[:, k]) for k in range(y.shape[1])], 1)
            alike = (_standard(left).T @ theirs / len(origins)).mean(0).reshape(_SIGNALS, -1)
            told = np.square(alike).sum(0)
            if self.own:
                told[n] = -1.0
            order = np.argsort(-told, kind="stable")[:count]
            chosen.append(order)
            leading = alike[np.abs(alike[:, order]).argmax(0), order]
            least = np.where(leading < 0, -_LITTLE, _LITTLE)
            weights.append(np.where(np.abs(leading) < _LITTLE, least, leading) if self.own else np.ones(count))
        return np.array(chosen), np.array(weights) / max(1e-12, float(np.abs(weights).max()))


_SIGNALS = 3
"""What is looked at of others: see `_signals`."""

_LITTLE = 0.01
"""The least correlation that a weight is made of."""


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and deviation 1."""
    centred = values - values.mean(0)
    deviation = centred.std(0)
    standard: np.ndarray = centred / np.where(deviation > 0, deviation, 1.0)
    return standard
