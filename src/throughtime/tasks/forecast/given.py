"""What a forecaster is given when it runs: series, their neighbours, features that reach far enough, sound states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from throughtime.data.neighbours import Neighbours
from throughtime.errors import UserError
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.series import Series


def beside(neighbours: Neighbours | None, series: Series, ids: Sequence[str] | None) -> Series:
    """Series with their neighbours: where nothing was said of these, as many series of one length as the model was
    fitted on are taken for the same ones, and ids name them otherwise."""
    if neighbours is None or (series.others is not None and series.links is not None):
        return series
    if ids is None and len(series) == len(neighbours.ids):
        ids = neighbours.ids
    if ids is None:
        return series
    links = neighbours.links(ids)
    if series.others is not None or len(set(series.lengths.tolist())) > 1:
        return replace(series, links=links)
    return replace(series, others=list(links.standard(np.stack(list(series.values)))), links=links)


def check_series(config: ForecastConfig, series: Series, steps: int) -> None:
    """UserError where series do not say what the model reads for so many steps ahead."""
    reach = config.reach(steps)
    for n, one in enumerate(series.values):
        if not np.isfinite(one[-config.lookback :]).any():
            raise UserError(f"forecaster: series {n} has no value in its last {config.lookback} steps")
    if not config.features:
        return
    if series.features is None:
        raise UserError(
            f"forecaster: the model reads {config.features} features beside the values (the calendar, covariates); "
            "give the table they are made of, as in training"
        )
    for n, (one, rows) in enumerate(zip(series.values, series.features, strict=True)):
        if rows.ndim != 2 or rows.shape[1] != config.features:
            raise UserError(f"forecaster: features of series {n} must be (., {config.features}), got {rows.shape}")
        known = max(0, len(rows) - len(one))
        if config.known and known < reach:
            raise UserError(
                f"forecaster: features of series {n} are known {known} steps beyond its end, {reach} are needed"
            )


def checked_state(arrays: Any, rest: Any) -> tuple[int, float, list[bool]]:
    """Step, latest value and misses of a state; UserError where it is damaged."""
    step, phase, latest, alert, misses = (rest[name] for name in ("step", "phase", "latest", "alert", "misses"))
    whole = all(type(number) is int and 0 <= number < 1 << 62 for number in (step, phase, rest.get("since", 0)))
    number = latest is None or (isinstance(latest, int | float) and math.isfinite(latest))
    told = (alert is None or isinstance(alert, str)) and isinstance(misses, list)
    if not (whole and number and told and all(isinstance(miss, bool) for miss in misses)):
        raise UserError("stream: expected step, phase, latest, alert and misses; the state is damaged")
    gaps = ("values", "forecast", "profiles", "others")  # where NaN says that something is missing
    finite = all(np.isfinite(one).all() or (name in gaps and not np.isinf(one).any()) for name, one in arrays.items())
    if not finite or arrays["measures"][0, 1] <= 0:
        raise UserError("stream: expected finite numbers and a scale above 0; the state is damaged")
    return step, math.nan if latest is None else float(latest), misses
