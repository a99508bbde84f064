"""Learn the series of a table into a folder, and say how good that folder's forecasts are: what the commands call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.compare import compare, control
from throughtime.data.features import Features
from throughtime.data.panel import Panel
from throughtime.data.series import read_series
from throughtime.errors import UserError
from throughtime.tasks.forecast.estimator import Forecaster
from throughtime.tasks.forecast.tables import Forecasting, describe, middle
from throughtime.training.run import add_evaluation, stored, summary

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that are forecast where nothing is said: intervals of 50, 80 and 90 %."""

WINDOWS = 2000
"""Windows that an evaluation scores where nothing is said."""

_READING = ("target", "time", "id", "past", "future", "static", "frequency", "dayfirst", "timezone")


def train(
    data: Any,
    out: str | Path,
    *,
    horizon: int = 24,
    season: int | None = None,
    calendar: bool = True,
    holdout: float = 0.1,
    quantiles: Sequence[float] | None = None,
    evaluate: bool = True,
    seconds: float = 30.0,
    resume: bool = False,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Train on a table into a folder, then backtest on its last part; what `throughtime train forecast` does.

    data: what read_series takes, and its options target, time, id, past, future, static, frequency, dayfirst, timezone.
    season: in steps; None takes it from the frequency. calendar: let the model see it. holdout: the share of each
    series' end that is not learned from, at least a horizon, for the score. quantiles: (0.05 ... 0.95) where not given.
    seconds: for each of the slow baselines. Further options: those of Forecaster and of its fit. Returns a summary with
    the directory, how training ended, notes on the data, and the evaluation.
    """
    folder = Path(out)
    reading = {name: options.pop(name) for name in _READING if name in options}
    reading = {name: list(v) if isinstance(v, tuple) else v for name, v in reading.items()}
    fit = {name: options.pop(name) for name in list(options) if name in _FIT or name in _SETTINGS}
    if resume:
        run = stored(folder)
        own = _about(folder)
        reading, horizon = own["reading"], run.config["model"]["horizon"]
        holdout, calendar = own["holdout"], own["features"]["calendar"]
    _check_seconds(seconds)
    if not 0 <= holdout < 1:
        raise UserError(f"forecast: holdout must be a share from 0 to below 1, got {holdout!r}")
    panel = read_series(data, **reading)
    if season is None:
        season = panel.frequency.seasons[0] if panel.frequency.seasons else 1
    if options.get("distribution") == "negative_binomial":
        panel.check_counts()
    panel.check_length(2 * horizon + 1)
    learned = [_learned(len(one), horizon, holdout) for one in panel.values]
    part = panel.head(learned)
    features = Features.of(part, calendar)
    if options.get("scaling") is None:
        options["scaling"] = "series"
    if resume:
        model = Forecaster(horizon)
    else:
        levels = LEVELS if quantiles is None else tuple(quantiles)
        model = Forecaster(horizon, season, quantiles=levels, **options)
    phases = [panel.phase(n, model.profile or 1) for n in range(len(panel))]
    about = describe(panel, features, reading, learned, holdout)
    model.fit(
        part.values,
        folder,
        features=features.apply(part, horizon),
        known=features.known(part),
        phases=phases,
        ids=panel.ids,
        about=about,
        resume=resume,
        quiet=quiet,
        **fit,
    )
    assert model.outcome is not None
    found = {**summary(folder, model.outcome, model.config, "windows"), "notes": panel.notes}
    _keep_ends(folder, panel, features, horizon)
    if evaluate and model.outcome.ended != "interrupted" and holdout > 0:
        found["evaluation"] = _evaluate(Forecasting.load(folder), panel, seconds, None, None, quiet)
        add_evaluation(folder, model.outcome, found["evaluation"])
    return found


_FIT = ("minutes", "epochs", "steps", "batch", "validation", "force")
_SETTINGS = ("learning_rate", "average", "clip", "patience", "weight_decay")


def _about(folder: Path) -> dict[str, Any]:
    """What a run's series.json says beside the series."""
    from throughtime.tasks.forecast.series_model import Known

    about = Known.read(folder).about
    if not {"reading", "holdout", "features"} <= about.keys():
        raise UserError(f"{folder}: expected a run of throughtime train forecast; this one learned arrays")
    return about


def evaluate(
    directory: str | Path,
    data: Any,
    stride: int | None = None,
    seconds: float = 60.0,
    metric: str | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Backtest the model in a folder from rolling origins; what `throughtime evaluate` does. Needs no torch.

    Of the series it was trained on, the steps it did not learn from are forecast; of others, all that have a past.
    stride: steps between two origins; None takes as many as make 2,000 windows, at most a horizon apart. seconds: for
    each of the slow baselines. metric: "mae" or "mase", which the verdict is about; None takes mase where there are
    several.
    """
    _check_seconds(seconds)
    model = Forecasting.load(directory)
    return {"data": str(data), **_evaluate(model, model.read(data), seconds, stride, metric, quiet)}


def _check_seconds(seconds: float) -> None:
    if not 0 <= seconds < _FOREVER:
        raise UserError(f"forecast: seconds must be from 0 to below {_FOREVER:,}, got {seconds!r}")


_FOREVER = 1_000_000


def _evaluate(
    model: Forecasting, panel: Panel, seconds: float, stride: int | None, metric: str | None, quiet: bool
) -> dict[str, Any]:
    horizon = model.model.config.horizon
    if stride is not None and (type(stride) is not int or stride < 1):
        raise UserError(f"evaluate: stride must be a positive number of steps, got {stride!r}")
    if metric not in (None, "mae", "mase"):
        raise UserError(f"evaluate: metric must be mae or mase, got {metric!r}")
    origins = _origins(model, panel, horizon, stride)
    season = int(model.config["forecast"]["season"])
    found = model.model.predict_at(model.series(panel), origins, panel.ids)
    levels = model.model.levels
    say: Callable[[str], None] = _quiet if quiet else _say
    chosen = metric or ("mase" if len(panel) > 1 else "mae")
    result = compare(
        panel.values,
        origins,
        horizon,
        season,
        found[..., middle(levels)],
        found if levels else None,
        levels,
        seconds=seconds,
        metric=chosen,
        say=say,
    )
    if not model.model.config.every:
        mixed = model.model.predict_at(model.series(panel), origins, panel.ids, shuffle=0)[..., middle(levels)]
        result["shuffled"] = control(panel.values, origins, mixed, result["mae"])
    return result


def _origins(model: Forecasting, panel: Panel, horizon: int, stride: int | None) -> np.ndarray:
    """(M, 2): each series' number and how many of its values are seen, with something to compare after it."""
    known = model.model.known
    assert known is not None
    places = {name: n for n, name in enumerate(known.ids)}
    firsts = []
    for n, (name, values) in enumerate(zip(panel.ids, panel.values, strict=True)):
        first = min(model.model.config.lookback, max(1, len(values) - horizon))
        if (i := places.get(name)) is not None:
            learned = int(known.about["learned"][i]) + _shift(known.about["starts"][i], panel, n)
            first = max(1, learned)
        firsts.append(first)
    rooms = [len(v) - horizon - f + 1 for f, v in zip(firsts, panel.values, strict=True)]
    total = sum(max(0, room) for room in rooms)
    if not total:
        raise UserError(
            f"{panel.where}: no series has {horizon} steps beyond what the model learned from; give later data, or "
            "train with a larger --holdout"
        )
    step = stride or max(1, min(horizon, -(-total // WINDOWS)))
    pairs = [(n, o) for n, (f, room) in enumerate(zip(firsts, rooms, strict=True)) for o in range(f, f + room, step)]
    seen = [np.isfinite(panel.values[n][max(0, o - model.model.config.lookback) : o]).any() for n, o in pairs]
    come = [np.isfinite(panel.values[n][o : o + horizon]).any() for n, o in pairs]
    found = [p for p, a, b in zip(pairs, seen, come, strict=True) if a and b]
    if not found:
        raise UserError(f"{panel.where}: beyond what the model learned from no value was observed; give later data")
    return np.array(found)


def _shift(start: Any, panel: Panel, n: int) -> int:
    """By how many steps a series began earlier in training than now, negative where it begins earlier now."""
    own = panel.starts[n]
    if isinstance(own, np.datetime64) and isinstance(start, str) and panel.dated:
        both = panel.frequency.index(np.array([np.datetime64(start, "us"), own]))
        return round(float(both[0] - both[1]))
    return int(start) - int(own) if isinstance(start, int) and isinstance(own, int) else 0


def _keep_ends(folder: Path, panel: Panel, features: Features, horizon: int) -> None:
    """The ends of all series, held out ones too: forecasts go on from there."""
    from throughtime.storage.folder import write_json, write_weights
    from throughtime.tasks.forecast.histories import Series
    from throughtime.tasks.forecast.series_model import SCALES, SERIES, Known

    known = Known.read(folder)
    config = Forecasting.load(folder).model.config
    reach = max(len(one) for one in panel.values) if config.every else config.warm + config.lookback
    reach = max(reach, 4 * horizon, 48)
    cut = [max(0, len(one) - reach) for one in panel.values]
    made = features.apply(panel, horizon)
    period = Forecasting.load(folder).model.period or 1
    phases = np.array([panel.phase(n, period) + k for n, k in enumerate(cut)])
    parts = None if made is None else [one[k:] for one, k in zip(made, cut, strict=True)]
    ends = Series([one[k:] for one, k in zip(panel.values, cut, strict=True)], parts, phases)
    about = {**known.about, "offsets": cut}
    write_json(folder / SERIES, about)
    write_weights(folder / SCALES, Known(known.ids, about, ends, known.learned).arrays())


def _learned(length: int, horizon: int, holdout: float) -> int:
    """How many values of a series are learned from."""
    kept = max(horizon, round(holdout * length)) if holdout > 0 else 0
    return length - kept if length - kept > horizon else length


def _say(line: str) -> None:
    import sys

    print(line, file=sys.stderr, flush=True)


def _quiet(line: str) -> None:
    """Say nothing."""
