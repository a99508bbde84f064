"""The report of a forecaster, from what its folder holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Section, Table
from throughtime.report.run import Run, is_number, layers_of
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.stream import SCHEMA
from throughtime.tasks.forecast.tables import TableForecaster

if TYPE_CHECKING:
    from throughtime.tasks.forecast.plots import Example

METRICS = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE, %", "mase": "MASE", "owa": "OWA"}


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no forecaster's, or incomplete."""
    run = Run.of(directory, SCHEMA)
    notes = run.record.data.notes
    sections = [
        Section("Result", _result(run.evaluation)) if run.evaluation else None,
        Section("Forecasts and what came", _examples(run.evaluation)) if run.evaluation.get("examples") else None,
        Section("What the covariates are worth", shown) if (shown := _importance(run.evaluation)) else None,
        Section("What comes next", _next(run.folder)),
        Section("Learning", _learning(run)),
        Section("Data", [Prose("; ".join(notes) + ".")]) if notes else None,
    ]
    verdict = run.evaluation.get("verdict")
    sentence = str(verdict.get("sentence")) if isinstance(verdict, dict) else run.unscored(" in the series' own scale")
    return run.write(sentence, _merits(run.evaluation), sections, _model(run.record.model, run.record.parameters))


def _merits(evaluation: Mapping[str, Json]) -> list[tuple[str, str]]:
    merits = []
    windows = evaluation.get("windows")
    for name in ("mae", "mase"):
        if is_number(evaluation.get(name)):
            of = f", {windows:,} window{'' if windows == 1 else 's'}" if is_number(windows) else ""
            merits.append((f"{evaluation[name]:.4g}", f"{METRICS[name]}{of}"))
    share = _object(evaluation, "coverage").get("80")
    if is_number(share):
        merits.append((f"{share:.1f} %", "inside the 80 % interval"))
    return merits


def _result(evaluation: Mapping[str, Json]) -> list[Item]:
    names = [name for name in METRICS if is_number(evaluation.get(name))]
    rows, skipped = [], []
    entries = {name: one for name, one in _object(evaluation, "baselines").items() if isinstance(one, dict)}
    for name, entry in entries.items():
        if "skipped" in entry:
            skipped.append(f"{name}: {entry['skipped']}")
        else:
            rows.append([name, *(f"{entry[m]:.4g}" if is_number(entry.get(m)) else "-" for m in names)])
    rows.append(["this model", *(f"{evaluation[m]:.4g}" for m in names)])
    head = ["", *(METRICS[m] for m in names)]
    items: list[Item] = [Table(head, rows, numeric=tuple(range(1, len(head))), strong=len(rows) - 1)]
    if skipped:
        items.append(Prose("Left out for time: " + "; ".join(skipped) + "."))
    notes = [f"{name}: {entry['note']}." for name, entry in entries.items() if isinstance(entry.get("note"), str)]
    if notes:
        items.append(Prose(" ".join(notes)))
    intervals = _object(evaluation, "intervals").get("sentence")
    if isinstance(intervals, str):
        items.append(Prose(intervals))
    items += _errors(evaluation, entries)
    shuffled = evaluation.get("shuffled")
    if isinstance(shuffled, dict) and "sentence" in shuffled:
        items.append(Prose(str(shuffled["sentence"])))
    return items + _residuals(evaluation)


def _errors(evaluation: Mapping[str, Json], entries: Mapping[str, Mapping[str, Json]]) -> list[Item]:
    from throughtime.tasks.forecast.plots import errors

    ours = _numbers(_object(evaluation, "by_horizon").get("mae"))
    if not ours:
        return []
    each = {name: _numbers(_object(entry, "by_horizon").get("mae")) for name, entry in entries.items()}
    theirs = {name: values for name, values in each.items() if len(values) == len(ours)}
    coverage = {
        k: v for k, v in _object(evaluation, "coverage").items() if is_number(v) and k.replace(".", "").isdigit()
    }
    caption = (
        "Left: the mean absolute error by how many steps ahead, of this model and of the best baselines. Right: how "
        "many observations lie inside each interval, against how many should."
    )
    target = evaluation.get("target")
    return [Figure(errors(ours, theirs, coverage, target if isinstance(target, str) else ""), caption)]


def _examples(evaluation: Mapping[str, Json]) -> list[Item]:
    """Windows that nothing was learned from, against what came."""
    from throughtime.tasks.forecast.plots import examples

    given, target = evaluation.get("examples"), evaluation.get("target")
    some = [example for one in given if (example := _example(one))] if isinstance(given, list) else []
    if not some:
        return [Prose("No window of the score is kept to be shown.")]
    caption = "Windows that were held out: what the model saw, left of the dashed line, what it forecast and what came."
    return [Figure(examples(some, target if isinstance(target, str) else ""), caption)]


def _importance(evaluation: Mapping[str, Json]) -> list[Item]:
    """By how much the error rises without each thing that is read beside the values."""
    given = evaluation.get("importance")
    entries = [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    rows = []
    for entry in entries:
        name, rise, low, high = (entry.get(key) for key in ("name", "rise", "low", "high"))
        if isinstance(name, str) and is_number(rise):
            known = is_number(low) and is_number(high)
            rows.append([name, f"{rise:+.4g}", f"{low:+.3g} to {high:+.3g}" if known else "too few windows to tell"])
    if not rows:
        return []
    target = evaluation.get("target")
    unit = f" of {target}" if isinstance(target, str) else ""
    told = (
        f"By how much the mean absolute error{unit} rises where held-out windows get each of these from other windows"
    )
    told += "; an interval that includes 0 shows no worth. What covariates have in common each can stand in for."
    return [Prose(told), Table(["", "MAE rises by", "95 % interval"], rows, numeric=(1, 2))]


def _example(given: Json) -> Example | None:
    """A window as score.judge keeps it; None where it is damaged."""
    from throughtime.tasks.forecast.plots import Example

    if not isinstance(given, dict):
        return None
    values, forecast = np.array(_numbers(given.get("y"))), np.array(_numbers(given.get("forecast")))
    stamps, seen, name = given.get("ds"), given.get("seen"), given.get("unique_id")
    if not isinstance(stamps, list) or type(seen) is not int or not isinstance(name, str):
        return None
    try:
        numbers = all(str(one).lstrip("-").isdecimal() for one in stamps)
        times = np.array([int(one) if numbers else np.datetime64(_clock(str(one)), "us") for one in stamps])
    except (ValueError, OverflowError):
        return None
    if not 0 <= seen < len(values) or len(times) != len(values) or len(forecast) != len(values) - seen:
        return None
    band, levels, share = None, _numbers(given.get("levels")), ""
    ends = [_numbers(given.get(end)) for end in ("low", "high")]
    if len(levels) == 2 and all(len(end) == len(forecast) for end in ends):
        band, share = np.array(ends), f"{100 * (levels[1] - levels[0]):g} % interval"
    return Example(name, times, values, seen, forecast, band, share)


def _clock(stamp: str) -> str:
    """What a clock shows, of a text with an offset."""
    return re.sub(r"[+-]\d{2}:\d{2}$", "", stamp) if ":" in stamp else stamp


def _residuals(evaluation: Mapping[str, Json]) -> list[Item]:
    from throughtime.tasks.forecast.plots import residuals

    left, windows = _object(evaluation, "residuals"), evaluation.get("windows")
    counts, edges = _numbers(left.get("counts")), _numbers(left.get("edges"))
    if not counts or len(edges) != len(counts) + 1 or type(windows) is not int:
        return []
    caption = "What the forecasts leave, observed less forecast. Left: how often, in units of the series' usual change "
    correlation = _numbers(left.get("autocorrelation"))
    place = "Middle" if correlation else "Right"
    caption += f"over a season. {place}: their mean by how many steps ahead, 0 for no bias."
    if correlation:
        caption += " Right: how the errors one step ahead resemble those of later origins; what lies outside the "
        caption += "dashed lines is something the model could still learn."
    stride = left.get("stride")
    apart = stride if type(stride) is int else 1
    picture = residuals(edges, counts, _numbers(left.get("bias")), correlation, apart, windows)
    return [Figure(picture, caption)]


def _next(folder: Path) -> list[Item]:
    from throughtime.tasks.forecast.plots import MOST, drawn

    try:
        forecasts = TableForecaster.load(folder).forecast()
    except UserError as error:
        return [Prose(f"No forecast from the end of the data: {error}.")]
    notes = [Prose(f"{note}.") for note in forecasts.notes]
    more = f" The first {MOST} of {len(forecasts.ids):,} series." if len(forecasts.ids) > MOST else ""
    return [Figure(drawn(forecasts), "The end of the data, the forecast from there, and its intervals." + more), *notes]


def _learning(run: Run) -> list[Item]:
    from throughtime.report import curves

    if not run.curve("loss")[0]:
        return [Prose("The history holds no steps.")]
    picture = curves.losses(run.curve("loss"), run.curve("validation_loss"), {}, "in the series' own scale")
    caption = "The loss over steps: the whole run, and magnified from a tenth of it on."
    return [Figure(picture, caption), *run.measures("windows")]


def _model(model: ForecastConfig, parameters: int) -> list[Item]:
    lags = ", ".join(map(str, model.lags))
    before = [
        ["past", "segments", f"{model.segments} times {model.segment} steps, {model.scaling} scale"],
        ["features", "known ahead / of the past", f"{model.known} / {model.features}"],
        ["embedding", "linear, relu", str(model.embedding)],
    ]
    profile = ", profile" if model.profile else ""
    linear = f", a linear map of the last {model.linear} values" if model.linear else ""
    after = [
        ["output", "linear", f"{model.horizon} steps x {model.outputs}"],
        ["references", "learned mixture", f"values {lags} steps back" + profile + linear],
    ]
    return layers_of([(f"layer {i}", layer) for i, layer in enumerate(model.layers)], parameters, before, after)


def _object(values: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """An object of a history, which may hold anything."""
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def _numbers(values: Json) -> list[float]:
    """A list of numbers, NaN where one is missing; empty where it is none."""
    if not isinstance(values, list):
        return []
    return [float(value) if is_number(value) else float("nan") for value in values]
