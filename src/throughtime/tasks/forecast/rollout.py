"""Forecasts further ahead than a model's horizon: it goes on from its own forecasts.

One block of K steps after the other is forecast, and taken as observed for the next. A point forecast feeds itself
back. With quantiles, PATHS continuations of each series are drawn, and the quantiles further ahead are theirs: each
path draws one share u for a block and takes the value that the block's quantiles have there, in between and beyond them
linear in log(u / (1 - u)). The shares are the same for every series, so that no forecast depends on its company. Where
series see others, these go on along their medians, all series block by block.

Source: ancestral sampling as in Salinas et al. 2017, arXiv:1704.04110 (DeepAR), section 3.1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from throughtime.errors import UserError
from throughtime.tasks.forecast.answers import medians
from throughtime.tasks.forecast.ensemble import Ensemble, States
from throughtime.tasks.forecast.scaling import scaled
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics
from throughtime.tasks.forecast.windows import Histories

PATHS = 200
"""Continuations of each series that are drawn."""

_ROWS = 4096
"""Paths that go on at once."""


def rollout(ensemble: Ensemble, series: Series, statistics: Statistics, steps: int, seed: int = 0) -> np.ndarray:
    """Forecasts (N, steps, Q) after the ends of N series. seed: of the paths that are drawn.

    Known features must reach beyond the ends by `steps`, in whole horizons. UserError where the model reads features
    that are known of the past alone, and never learned to go without.
    """
    config = ensemble.config
    if config.features > config.known and not config.absent:
        raise UserError(
            f"forecast: {steps} steps ahead go beyond the horizon, {config.horizon}, and what the model reads of the "
            "past alone is not known there; train with a longer horizon"
        )
    paths = PATHS if ensemble.levels else 1
    if config.neighbours:
        series = replace(series, others=_others_to_come(ensemble, series, statistics, config.reach(steps)))
    most = max(1, _ROWS // paths)
    forecasts = np.empty((len(series), steps, max(1, len(ensemble.levels))))
    for first in range(0, len(series), most):
        numbers = np.arange(first, min(first + most, len(series)))
        some = series.some(numbers), statistics.of_some(numbers)
        rng = np.random.default_rng([seed, first] if first else seed)  # whatever was drawn for those before
        forecasts[numbers] = _continued(ensemble, *some, steps, paths, rng)
    return forecasts


def _continued(
    ensemble: Ensemble, series: Series, statistics: Statistics, steps: int, paths: int, rng: np.random.Generator
) -> np.ndarray:
    """(N, steps, Q), all series at once."""
    config, levels = ensemble.config, np.array(ensemble.levels)
    reach = config.warm + config.lookback
    series = series.ends([0 if config.every else max(0, length - reach) for length in series.lengths])
    copies = np.repeat(np.arange(len(series)), paths)
    quantiles, states = _first_block(ensemble, series, statistics)
    if states is not None:
        states = [[tuple(np.repeat(s, paths, 0) for s in layer) for layer in member] for member in states]
    direct, quantiles = quantiles, quantiles[copies]
    drawn = np.empty((len(copies), 0))
    statistics = statistics.of_some(copies)
    blocks = config.reach(steps) // config.horizon
    for block in range(blocks):
        if block:
            quantiles, states = _next_block(ensemble, _with(series, copies, drawn), statistics, states)
        step = draw(quantiles, levels, rng.random(len(copies))) if len(levels) else quantiles[..., 0]
        drawn = np.concatenate([drawn, step], 1)
    if blocks == 1:
        return direct[:, :steps]
    rest = drawn[:, config.horizon :].reshape(len(series), paths, -1)
    further = np.moveaxis(np.quantile(rest, levels, 1), 0, -1) if len(levels) else rest[:, 0, :, None]
    return np.concatenate([direct, further], 1)[:, :steps]


def _others_to_come(ensemble: Ensemble, series: Series, statistics: Statistics, steps: int) -> list[np.ndarray]:
    """(L + steps, M) of each series: what its neighbours were, then the medians of what they will be, NaN where one is
    not among the series."""
    assert series.others is not None
    longer = series
    for _ in range(steps // ensemble.config.horizon):
        quantiles, _ = _next_block(ensemble, longer, statistics, None)
        block = medians(quantiles, ensemble.levels)
        if series.links is None:
            told = np.full((*block.shape, ensemble.config.neighbours), np.nan)
        else:
            told = series.links.standard(block)
        assert longer.others is not None
        values = [np.concatenate(pair) for pair in zip(longer.values, block, strict=True)]
        others = [np.concatenate(pair) for pair in zip(longer.others, told, strict=True)]
        longer = replace(longer, values=values, others=others)
    assert longer.others is not None
    return list(longer.others)


def _with(series: Series, copies: np.ndarray, drawn: np.ndarray) -> Series:
    """Copies of series, each with what was drawn after its end."""
    some = series.some(copies)
    return replace(some, values=[np.concatenate(pair) for pair in zip(some.values, drawn, strict=True)])


def _first_block(ensemble: Ensemble, series: Series, statistics: Statistics) -> tuple[np.ndarray, States | None]:
    """Forecasts (N, K, Q) after the ends of series, and with an output at every step the states there."""
    if not ensemble.config.every:
        return _next_block(ensemble, series, statistics, None)
    parts = []
    for n, length in enumerate(series.lengths):  # each from its own first value
        one = series.some([n]), statistics.of_some(np.array([n]))
        seen = ensemble.last_steps(*one, int(length))
        outputs, states = ensemble.advance(seen, None)
        parts.append((ensemble.forecasts(outputs[-1], seen), states))
    members, layers = range(len(ensemble.members)), range(len(ensemble.config.layers))
    joined = [
        [tuple(np.concatenate(s) for s in zip(*(states[m][i] for _, states in parts), strict=True)) for i in layers]
        for m in members
    ]
    return np.concatenate([forecast for forecast, _ in parts]), joined


def _next_block(
    ensemble: Ensemble, series: Series, statistics: Statistics, states: States | None
) -> tuple[np.ndarray, States | None]:
    """The same where the last K steps are new to the states."""
    config = ensemble.config
    if config.every:
        seen = ensemble.last_steps(series, statistics, config.horizon)
        outputs, states = ensemble.advance(seen, states)
        return ensemble.forecasts(outputs[-1], seen), states
    seen = scaled(config, Histories(config, series, statistics).ends())
    return ensemble.forecasts(ensemble.outputs(seen), seen), None


def draw(quantiles: np.ndarray, levels: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The values (M, K) at shares (M,) of distributions given by their quantiles (M, K, Q) at levels (Q,)."""
    if len(levels) == 1:
        only: np.ndarray = quantiles[..., 0]
        return only
    at = np.log(shares / (1 - shares)).clip(-7.0, 7.0)
    places = np.log(levels / (1 - levels))
    right = np.clip(np.searchsorted(places, at), 1, len(levels) - 1)
    share = ((at - places[right - 1]) / (places[right] - places[right - 1]))[:, None]
    rows = np.arange(len(shares))
    low, high = quantiles[rows, :, right - 1], quantiles[rows, :, right]
    values: np.ndarray = low + share * (high - low)
    return values
