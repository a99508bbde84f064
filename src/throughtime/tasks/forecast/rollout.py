"""Forecasts further ahead than a model's horizon: it goes on from its own forecasts.

One block of K steps after the other is forecast, and taken as observed for the next. A point forecast feeds itself
back. With quantiles, PATHS continuations of each series are drawn, and the quantiles further ahead are theirs: each
path draws one share u for a block and takes the value that the block's quantiles have there, in between and beyond them
linear in log(u / (1 - u)).

Source: ancestral sampling as in Salinas et al. 2017, arXiv:1704.04110 (DeepAR), section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.errors import UserError
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.histories import Histories, Learned, Series
from throughtime.tasks.forecast.scaling import scaled

if TYPE_CHECKING:
    from throughtime.tasks.forecast.series_model import SeriesModel

PATHS = 200
"""Continuations of each series that are drawn."""

_ROWS = 4096
"""Paths that go on at once."""


def rollout(
    model: SeriesModel, series: Series, steps: int, ids: Sequence[str] | None = None, seed: int = 0
) -> np.ndarray:
    """Forecasts (N, steps, Q) after the ends of N series. seed: of the paths that are drawn.

    Known features must reach `steps` beyond the ends. UserError where the model reads features that are known of the
    past alone.
    """
    config = model.config
    if config.features > config.known:
        raise UserError(
            f"forecast: {steps} steps ahead go beyond the horizon, {config.horizon}, and what the model reads of the "
            "past alone is not known there; train with a longer horizon"
        )
    learned = model.learned(series, ids)
    paths = PATHS if model.levels else 1
    rng = np.random.default_rng(seed)
    most = max(1, _ROWS // paths)
    found = np.empty((len(series), steps, max(1, len(model.levels))))
    for first in range(0, len(series), most):
        part = slice(first, min(first + most, len(series)))
        numbers = np.arange(part.start, part.stop)
        found[part] = _some(model, series, learned, numbers, steps, paths, rng)
    return found


def _some(
    model: SeriesModel,
    series: Series,
    learned: Learned,
    numbers: np.ndarray,
    steps: int,
    paths: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n, steps, Q) of the series with these numbers."""
    config, levels = model.config, np.array(model.levels)
    every = config.every
    reach = config.warm + config.lookback
    cut = [0 if every else max(0, len(series.values[n]) - reach) for n in numbers]
    values = [series.values[n][k:] for n, k in zip(numbers, cut, strict=True)]
    features = None if series.features is None else [series.features[n][k:] for n, k in zip(numbers, cut, strict=True)]
    phases = np.zeros(len(numbers), int) if series.phases is None else np.asarray(series.phases)[numbers]
    own = Learned(learned.measures[numbers], None if learned.profiles is None else learned.profiles[numbers])
    copies = np.repeat(np.arange(len(numbers)), paths)
    state: Any = None
    ahead: list[np.ndarray] = []
    drawn = np.empty((len(copies), 0))
    blocks = -(-steps // config.horizon)
    for block in range(blocks):
        which = np.arange(len(numbers)) if block == 0 else copies
        given = Series(
            [np.concatenate([values[n], drawn[i]]) if block else values[n] for i, n in enumerate(which)],
            None if features is None else [features[n] for n in which],
            (phases + np.array(cut))[which],
        )
        known = Learned(own.measures[which], None if own.profiles is None else own.profiles[which])
        if every:
            quantiles, state = _every(model, given, known, state, None if block == 0 else config.horizon)
            if block == 0:
                state = [[[np.repeat(s, paths, 0) for s in layer] for layer in member] for member in state]
        else:
            histories = Histories(config, given, known)
            ends = histories.window(np.arange(len(which)), np.array([len(one) for one in given.values]))
            seen = scaled(config, ends)
            quantiles = model.finished(model.forward(seen), seen)
        if block == 0:
            ahead.append(quantiles)
            quantiles = quantiles[copies]
        if len(levels):
            step = draw(quantiles, levels, rng.random(len(copies)))
        else:
            step = quantiles[..., 0]
        drawn = np.concatenate([drawn, step], 1)
    if blocks > 1:
        rest = drawn[:, config.horizon :].reshape(len(numbers), paths, -1)
        ahead.append(np.moveaxis(np.quantile(rest, levels, 1), 0, -1) if len(levels) else rest[:, 0, :, None])
    found: np.ndarray = np.concatenate(ahead, 1)[:, :steps]
    return found


def _every(
    model: SeriesModel, given: Series, known: Learned, state: Any, steps: int | None
) -> tuple[np.ndarray, list[Any]]:
    """With an output at every step: forecasts (n, K, Q) after the ends, and every member's states there.

    steps: how many of the last steps are new to the state; None: all, of each series for itself.
    """
    if steps is None:
        parts = [
            _every(
                model,
                Series([one], None if given.features is None else [given.features[n]], _one(given.phases, n)),
                Learned(known.measures[n : n + 1], None if known.profiles is None else known.profiles[n : n + 1]),
                None,
                len(one),
            )
            for n, one in enumerate(given.values)
        ]
        members = range(len(model.members))
        layers = range(len(model.config.layers))
        states = [
            [[np.concatenate(s) for s in zip(*(p[1][m][i] for p in parts), strict=True)] for i in layers]
            for m in members
        ]
        return np.concatenate([p[0] for p in parts]), states
    config = replace(model.config, segments=steps)
    histories = Histories(config, given, known)
    seen = scaled(config, histories.window(np.arange(len(given)), np.array([len(one) for one in given.values])))
    outputs, states = [], []
    for m, own in enumerate(model.members):
        before = None if state is None else state[m]
        found, after = forecaster.every(model.ops, config, own, seen.past, seen.references, before)
        outputs.append(found[-1])
        states.append(after)
    return model.finished(np.mean(outputs, 0), seen), states


def _one(phases: np.ndarray | None, n: int) -> np.ndarray | None:
    return None if phases is None else np.asarray(phases)[n : n + 1]


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
    found: np.ndarray = low + share * (high - low)
    return found
