"""Exponential smoothing, Theta and ARIMA that choose themselves, by statsforecast, within a budget of time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from throughtime.baselines.simple import SeasonalNaive, filled

_LONGEST = 1000
"""Values at the end of a history that are fitted to: more change little and cost much."""


class TooSlow(Exception):
    """A baseline that would take longer than it may; the message says how long."""


class Statistical:
    """A model of statsforecast, fitted anew at every origin. kind: a name of KINDS. seconds: how long all may take."""

    def __init__(self, kind: str, seconds: float) -> None:
        self.name, self._kind, self._seconds = kind, kind, seconds
        self.season, self.horizon, self.failed = 1, 1, 0

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Nothing is learned beforehand. ImportError where statsforecast is missing."""
        import statsforecast  # noqa: F401

        self.season, self.horizon = season, horizon

    def predict(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H) after the ends of histories; seasonal naive where a fit fails (`failed` counts them).

        Raises TooSlow as soon as it is clear that the budget does not hold.
        """
        naive = SeasonalNaive()
        naive.fit(histories, self.season, self.horizon)
        found = np.empty((len(histories), self.horizon))
        self._one(filled(histories[0])[-4 * self.season - 8 :])  # what is compiled at the first use does not count
        began = time.perf_counter()
        for n, history in enumerate(histories):
            values = filled(history)[-_LONGEST:]
            found[n] = self._one(values)
            if not np.isfinite(found[n]).all():
                found[n], self.failed = naive.one(values), self.failed + 1
            spent = time.perf_counter() - began
            needed = spent / (n + 1) * len(histories)
            if needed > self._seconds and (spent > 0.1 * self._seconds or n >= 10):
                raise TooSlow(f"would take {needed:,.0f} s, {self._seconds:g} s are allowed")
        return found

    def _one(self, values: np.ndarray) -> np.ndarray:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                model = KINDS[self._kind](self.season)
                found: np.ndarray = np.asarray(model.forecast(values, self.horizon)["mean"], np.float64)
        except Exception:  # its numerical failures come as exceptions of any kind
            return np.full(self.horizon, np.nan)
        return found


def _ets(season: int) -> Any:
    from statsforecast.models import AutoETS

    return AutoETS(season_length=season if season <= 24 else 1)


def _theta(season: int) -> Any:
    from statsforecast.models import AutoTheta

    return AutoTheta(season_length=season)


def _arima(season: int) -> Any:
    from statsforecast.models import AutoARIMA

    return AutoARIMA(season_length=season)


KINDS = {"AutoETS": _ets, "AutoTheta": _theta, "AutoARIMA": _arima}
"""Name -> the model for a season's length."""
