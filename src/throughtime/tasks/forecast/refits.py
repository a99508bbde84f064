"""A backtest of models that are trained anew: for short series, of which too little is held out to tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.forecast import backtest
from throughtime.tasks.forecast.estimator import Forecaster
from throughtime.tasks.forecast.score import check_options, judge
from throughtime.tasks.forecast.tables import TableForecaster

MOST = 1000
"""Models that are trained anew at most."""


def evaluate_refitted(
    directory: str | Path,
    data: Any,
    refits: int,
    stride: int | None = None,
    seconds: float = 60.0,
    metric: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Json]:
    """The figures of score.evaluate, of models with the options of the one in a folder, each trained on what lies
    before its origin: `refits` of them, `stride` steps apart (a horizon where None), the last a horizon before the
    end. Needs torch."""
    check_options(stride, seconds, metric)
    if type(refits) is not int or not 1 <= refits <= MOST:
        raise UserError(f"evaluate: refits must be from 1 to {MOST}, got {refits!r}")
    model = TableForecaster.load(directory)
    panel = model.read(data)
    own, horizon = Forecaster.of(model.record.options), model.model.config.horizon
    own.model, own.record = model.model, model.record
    origins = backtest.cutoffs(panel, horizon, horizon + 1, refits, stride)
    say(f"trains {len(origins)} models anew, each on what lies before its origin")
    tests = backtest.refitted(own, panel, origins)
    season, width = model.record.options.season or 1, min(stride or horizon, horizon)
    return {"data": str(data), "refits": len(origins), **judge(tests, season, seconds, metric, say, width)}
