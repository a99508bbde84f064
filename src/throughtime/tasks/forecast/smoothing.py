"""Exponential smoothing, plain and with a season, as linear maps of a window's last values.

    l_t = a (x_t - s_(t-m)) + (1 - a) l_(t-1)    s_t = g (x_t - l_t) + (1 - g) s_(t-m)    y_(t+k) = l_t + s_(t+k-m')

With a and g given, what they forecast is linear in what they read; so are the last value, the value one season ago and
the mean. Each map's weights add up to 1, so that a window may be shifted by whatever.

Sources: Holt 1957, reprinted as doi:10.1016/j.ijforecast.2003.09.015; Winters 1960, doi:10.1287/mnsc.6.3.324, the
additive form without a trend.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

LEVELS = (0.1, 0.2, 0.4, 0.7, 0.95)
"""a of smoothing without a season."""

SEASONAL_LEVELS, SEASONAL = (0.05, 0.2, 0.5, 0.9), (0.05, 0.2, 0.5)
"""a and g of smoothing with a season."""


def smoothings(width: int, horizon: int, season: int) -> Iterator[np.ndarray]:
    """Maps (W, K) of the last `width` values to the next `horizon`, one after the other. season: 1 for none; it counts
    where the values hold two of it."""
    last, mean = np.zeros((width, 1)), np.full((width, 1), 1 / width)
    last[-1] = 1
    for flat in (last, mean, *(_smoothed(width, level) for level in LEVELS)):
        yield flat.repeat(horizon, 1)
    if season > 1 and width >= 2 * season:
        ago = np.zeros((width, horizon))
        steps = np.arange(horizon)
        ago[width - season + steps % season, steps] = 1
        yield ago
        for level in SEASONAL_LEVELS:
            for seasonal in SEASONAL:
                yield _with_season(width, horizon, season, level, seasonal)


def _smoothed(width: int, level: float) -> np.ndarray:
    """(W, 1) smoothing without a season, from the first value on."""
    weights = level * (1 - level) ** np.arange(width - 1, -1, -1.0)
    weights[0] = (1 - level) ** (width - 1)
    return weights[:, None]


def _with_season(width: int, horizon: int, season: int, a: float, g: float) -> np.ndarray:
    """(W, K) smoothing with a season; the first season gives the first level and the first course."""
    values = np.eye(width)
    level = values[:season].mean(0)
    course = values[:season] - level
    for t in range(season, width):
        place = t % season
        level = a * (values[t] - course[place]) + (1 - a) * level
        course[place] = g * (values[t] - level) + (1 - g) * course[place]
    coming = (width + np.arange(horizon)) % season
    forecast: np.ndarray = (level + course[coming]).T
    return forecast
