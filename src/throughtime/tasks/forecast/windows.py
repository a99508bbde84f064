"""Windows of many series: cut at any origin, those there are to learn from, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.scaling import Exchange, Scaled, Window, scaled
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics

ALONE = 8
"""Of so many windows one is learned without neighbours."""


class Histories:
    """Windows of many series.

    All values stand in one array, each series with room for a window before it and a horizon after it, so that a window
    may begin before the series does.
    """

    def __init__(
        self, config: ForecastConfig, series: Sequence[np.ndarray] | Series, statistics: Statistics | None = None
    ):
        if not isinstance(series, Series):
            series = Series(series)
        self.config, self.lengths = config, series.lengths
        before, after = config.warm + config.lookback, config.horizon
        self._offsets = before + np.concatenate([[0], (self.lengths + before + after).cumsum()])[:-1]
        self._values = np.full(int((self.lengths + before + after).sum()), np.nan)
        for offset, one in zip(self._offsets, series.values, strict=True):
            self._values[offset : offset + len(one)] = one
        self._features = None
        if config.features:
            assert series.features is not None
            self._features = np.zeros((len(self._values), config.features), np.float32)
            for offset, length, rows in zip(self._offsets, self.lengths, series.features, strict=True):
                part = rows[: length + after]
                self._features[offset : offset + len(part)] = part
        self._others = None
        if config.neighbours and series.others is not None:
            self._others = np.full((len(self._values), config.neighbours), np.nan)
            for number, (offset, rows) in enumerate(zip(self._offsets, series.others, strict=True)):
                part = rows[: self.lengths[number]]
                self._others[offset : offset + len(part)] = part
        self._phases, self._statistics = series.places, statistics

    def present(self, series: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many values each origin sees before it, in the look-back, and how many come after it, in the horizon."""
        count = np.concatenate([[0], np.isfinite(self._values).cumsum()])
        at = self._offsets[series] + origins
        seen: np.ndarray = count[at] - count[at - self.config.lookback]
        coming: np.ndarray = count[at + self.config.horizon] - count[at]
        return seen, coming

    def window(self, series: np.ndarray, origins: np.ndarray) -> Window:
        """What is seen at origins (B,), steps in series (B,): everything before them."""
        config = self.config
        at = (self._offsets[series] + origins)[:, None]
        values = self._values[at + np.arange(-config.warm - config.lookback, 0)]
        steps = np.arange(-config.lookback, config.horizon)
        features = None if self._features is None else self._features[at + steps]
        profile = measure = None
        if self._statistics is not None:
            measure = self._statistics.measures[series]
            if config.profile and self._statistics.profiles is not None:
                place = (self._phases[series] + origins)[:, None] + steps
                profile = self._statistics.profiles[series[:, None], place % self._statistics.profiles.shape[1]]
        others = None if self._others is None else self._others[at + steps[: config.lookback]]
        return Window(values, features, profile, measure, others=others)

    def exchanged(self, origins: np.ndarray, exchange: Exchange | None, first: int) -> Window:
        """What is seen at origins (B, 2), series and steps, with something of what is seen at as many others, from the
        `first` of an exchange on; None: nothing."""
        window = self.window(origins[:, 0], origins[:, 1])
        if exchange is None:
            return window
        others = exchange[0][first : first + len(origins)]
        return exchange[1](window, self.window(others[:, 0], others[:, 1]))

    def ends(self) -> Window:
        """What is seen at the end of every series."""
        return self.window(np.arange(len(self.lengths)), self.lengths)

    def actual(self, series: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """What came, NaN where missing: (B, K), or (S, B, K) after every segment."""
        config = self.config
        at = (self._offsets[series] + origins)[:, None]
        if not config.every:
            coming: np.ndarray = self._values[at + np.arange(config.horizon)]
            return coming
        values = self._values[at + np.arange(config.segment - config.lookback, config.horizon)]
        after: np.ndarray = sliding_window_view(values, config.horizon, 1)[:, :: config.segment].swapaxes(0, 1)
        return after


def blind(series: Series, origins: np.ndarray, lookback: int) -> np.ndarray:
    """(M,) whether no value was observed in the look-back before origins (M, 2)."""
    counts = [np.concatenate([[0], np.isfinite(one).cumsum()]) for one in series.values]
    seen = [counts[n][o] - counts[n][max(0, o - lookback)] for n, o in origins]
    nothing: np.ndarray = np.array(seen) == 0
    return nothing


@dataclass(frozen=True)
class Batch:
    """Some windows: what the model sees, what came, NaN where missing (see Histories.actual), and each one's series."""

    seen: Scaled
    actual: np.ndarray
    series: np.ndarray


class Windows:
    """Every window that has something to see and something to predict, or those of one part of each series.

    A window is an origin: the steps before it are seen, the horizon from it on is predicted. held_out: (N,) steps at
    the end of each series that no window reaches; last: only windows whose horizon lies in these steps instead. most:
    so many at most, evenly spread over all.
    """

    def __init__(
        self,
        histories: Histories,
        held_out: Sequence[int] | np.ndarray = (),
        last: bool = False,
        most: int | None = None,
    ) -> None:
        self.histories = histories
        config, lengths = histories.config, histories.lengths
        ends = np.asarray(held_out) if len(held_out) else np.zeros(len(lengths), int)
        if last:
            final = np.where(ends > 0, lengths - config.horizon, -1)
            first = np.maximum(lengths - np.maximum(ends, config.horizon), 1)
        else:
            final = lengths - ends - config.horizon
            first = np.minimum(config.lookback, np.maximum(1, final))  # a short series begins inside its window
        count = np.maximum(0, final - first + 1)
        series = np.repeat(np.arange(len(lengths)), count)
        origins = np.arange(len(series)) - np.repeat(count.cumsum() - count, count) + first[series]
        seen, coming = histories.present(series, origins)
        self.origins = np.stack([series, origins], 1)[(seen > 0) & (coming > 0)]
        if most is not None and len(self.origins) > most:
            self.origins = self.origins[np.linspace(0, len(self.origins) - 1, most).round().astype(int)]

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, numbers: np.ndarray, alone: bool = False) -> Batch:
        """The windows with these numbers. alone: in one of ALONE of them no neighbour is seen, always the same ones, so
        that a model learns to go without; and likewise what is known of the past alone, where it may be missing."""
        series, origin = self.origins[numbers].T
        window = self.histories.window(series, origin)
        if alone:
            _leave_out(self.histories.config, window, (7 * series + origin) % ALONE)
        seen = scaled(self.histories.config, window)
        return Batch(seen, self.histories.actual(series, origin), series)


def _leave_out(config: ForecastConfig, window: Window, turns: np.ndarray) -> None:
    """Take from windows (B,) whose turn it is their neighbours, the covariates of the past, or the last horizon of
    these, as they are where forecasts go on beyond it."""
    if window.others is not None:
        window.others[turns == 0] = np.nan
    if window.features is not None and config.absent:
        window.features[turns == 1, :, config.known :] = 0.0
        late = slice(max(0, config.lookback - config.horizon), config.lookback)
        for row in np.flatnonzero(turns == 2):
            window.features[row, late, config.known :] = 0.0


class Epoch:
    """The numbers of windows in a random order, cut into batches; the last one, if it is not full, is left out.

    windows: how many there are. count: how many models learn, each from an order of its own; an item holds the numbers
    for each.
    """

    def __init__(self, windows: int, batch: int, seed: Sequence[int], count: int = 1) -> None:
        self._batch = min(batch, windows)
        self._orders = [np.random.default_rng([*seed, m]).permutation(windows) for m in range(count)]

    def __len__(self) -> int:
        return len(self._orders[0]) // self._batch

    def __getitem__(self, position: int) -> list[np.ndarray]:
        if not 0 <= position < len(self):
            raise IndexError(position)
        part = slice(position * self._batch, (position + 1) * self._batch)
        return [order[part] for order in self._orders]
