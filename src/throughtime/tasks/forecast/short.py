"""A verdict for short series, of which too little is held out: models trained anew from earlier origins tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from throughtime.baselines.verdict import FEWEST
from throughtime.options import Json
from throughtime.tasks.estimator import Say
from throughtime.tasks.forecast import backtest
from throughtime.tasks.forecast.score import judge

if TYPE_CHECKING:
    from throughtime.tasks.forecast.answering import Answering

REFITS = 8
"""Models that are trained anew, where the series are long enough."""

_SHARE = 4
"""All of them together take about two such parts of the training's time as there are of them."""


def told_by_refits(model: Answering, result: dict[str, Json], say: Say) -> dict[str, Json]:
    """An evaluation of what was held out; where that is too little for an interval, with the figures and the verdict of
    models that were trained anew, under `refitted`, and their verdict in place of its own.

    model: fitted on a table that it still has.
    """
    verdict, examples, record = result.get("verdict"), model.examples, model.record
    if not isinstance(verdict, dict) or verdict["skill"] is not None or verdict["groups"] >= FEWEST:
        return result
    if examples is None or record is None or not examples.table or model.outcome is None:
        return result
    if record.start is not None:  # models that are trained anew tell nothing of one that went on from another
        return result
    horizon, options = record.model.horizon, record.options
    length = max(len(one) for one in examples.panel.values)
    count = min(REFITS, (length - 2 * horizon - 2) // horizon)
    if count < FEWEST:
        return result
    changes: dict[str, Any] = (
        {} if options.minutes is None else {"minutes": max(0.01, model.outcome.seconds / 60 / _SHARE)}
    )
    say(f"too little is held out for a verdict: trains {count} models anew, each on what lies before its origin")
    origins = backtest.cutoffs(examples.panel, horizon, 2 * horizon + 2, count, None)
    tests = backtest.refitted(model, examples.panel, origins, **changes)
    found = judge(tests, options.season or 1, 0, None, say, horizon)
    told = found["verdict"]
    assert isinstance(told, dict)
    sentence = f"Of {count} models trained anew, each from an earlier origin: {told['sentence']}"
    kept = {name: found[name] for name in ("mae", "mase", "windows", "baselines") if name in found}
    return {**result, "refitted": {"refits": count, **kept}, "verdict": {**told, "sentence": sentence}}
