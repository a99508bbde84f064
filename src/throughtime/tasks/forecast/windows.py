"""Windows of many series to learn from: which there are, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.tasks.forecast.histories import Histories
from throughtime.tasks.forecast.scaling import Scaled, scaled


@dataclass(frozen=True)
class Batch:
    """Some windows: what the model sees, what came, NaN where missing (see Histories.actual), and each one's series."""

    seen: Scaled
    actual: np.ndarray
    series: np.ndarray


class Windows:
    """Every window that has something to see and something to predict, or those of one part of each series.

    A window is an origin: the steps before it are seen, the horizon from it on is predicted. kept: (N,) steps at the
    end of each series that no window reaches; last: only windows whose horizon lies in these steps instead. most: so
    many at most, evenly spread over all.
    """

    def __init__(
        self, histories: Histories, kept: Sequence[int] | np.ndarray = (), last: bool = False, most: int | None = None
    ) -> None:
        self.histories = histories
        config, lengths = histories.config, histories.lengths
        kept = np.zeros(len(lengths), int) if not len(kept) else np.asarray(kept)
        if last:
            final = np.where(kept > 0, lengths - config.horizon, -1)
            first = np.maximum(lengths - np.maximum(kept, config.horizon), 1)
        else:
            final = lengths - kept - config.horizon
            first = np.minimum(config.lookback, np.maximum(1, final))  # a short series begins inside its window
        count = np.maximum(0, final - first + 1)
        series = np.repeat(np.arange(len(lengths)), count)
        origins = np.arange(len(series)) - np.repeat(count.cumsum() - count, count) + first[series]
        seen, come = histories.present(series, origins)
        self.origins = np.stack([series, origins], 1)[(seen > 0) & (come > 0)]
        if most is not None and len(self.origins) > most:
            self.origins = self.origins[np.linspace(0, len(self.origins) - 1, most).round().astype(int)]

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, numbers: np.ndarray) -> Batch:
        """The windows with these numbers."""
        series, origin = self.origins[numbers].T
        seen = scaled(self.histories.config, self.histories.window(series, origin))
        return Batch(seen, self.histories.actual(series, origin), series)


class Epoch:
    """The windows in a random order, cut into batches; the last one, if it is not full, is left out.

    members: how many models learn, each from an order of its own; an item holds a batch for each.
    """

    def __init__(self, windows: Windows, batch: int, seed: Sequence[int], members: int = 1) -> None:
        self._windows, self._batch = windows, min(batch, len(windows))
        self._orders = [np.random.default_rng([*seed, m]).permutation(len(windows)) for m in range(members)]

    def __len__(self) -> int:
        return len(self._orders[0]) // self._batch

    def __getitem__(self, position: int) -> list[Batch]:
        if not 0 <= position < len(self):
            raise IndexError(position)
        part = slice(position * self._batch, (position + 1) * self._batch)
        return [self._windows.batch(order[part]) for order in self._orders]
