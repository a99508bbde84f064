"""The report of a forecaster, from what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.report.diagnosis import of_folder
from throughtime.report.page import Figure, Item, Page, Prose, Section, Table, render
from throughtime.storage.folder import HISTORY, read_config, write_atomically
from throughtime.tasks.forecast.tables import Forecasting
from throughtime.tasks.text.report import REPORT, duration, failures, is_line, is_number, layers_of, settings_of
from throughtime.training.history import read

METRICS = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE, %", "mase": "MASE", "owa": "OWA"}


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no forecaster's, or incomplete."""
    folder = Path(directory)
    config = read_config(folder)
    if not (folder / HISTORY).is_file():
        raise UserError(f"{folder / HISTORY}: no such file; a report needs the history that training writes")
    path = folder / REPORT
    if path.is_dir():
        raise UserError(f"{path}: cannot be written, it is a folder; rename it")
    history = [line for line in read(folder / HISTORY) if is_line(line)]
    evaluations = [line["evaluation"] for line in history if isinstance(line.get("evaluation"), dict)]
    evaluation = evaluations[-1] if evaluations else {}
    about = Forecasting.load(folder).model.known
    notes = list(about.about.get("notes", [])) if about is not None else []
    sections = [
        Section("Result", _result(evaluation)) if evaluation else None,
        Section("What comes next", _next(folder)),
        Section("Learning", _learning(config, history)),
        Section("Data", [Prose("; ".join(map(str, notes)) + ".")]) if notes else None,
        *of_folder(folder, history),
        Section("Model", _model(config)),
        Section("Settings and environment", settings_of({k: v for k, v in config.items() if k != "forecast"})),
    ]
    content = render(
        Page(
            title=folder.resolve().name,
            verdict=str(evaluation.get("verdict", {}).get("sentence", "Not scored yet on steps it never saw.")),
            sections=[section for section in sections if section],
            merits=_merits(config, evaluation, history),
            warnings=failures(history),
            footer="Written by throughtime. Everything on this page is in this file.",
        )
    )
    write_atomically(path, content.encode("utf-8", "replace"))
    return path


def _merits(
    config: Mapping[str, Any], evaluation: Mapping[str, Any], history: list[dict[str, Any]]
) -> list[tuple[str, str]]:
    merits = []
    for name in ("mae", "mase"):
        if is_number(evaluation.get(name)):
            merits.append((f"{evaluation[name]:.4g}", f"{METRICS[name]}, {evaluation['windows']:,} windows"))
    for name, share in (evaluation.get("coverage") or {}).items():
        if name == "80":
            merits.append((f"{share:.1f} %", f"inside the {name} % interval"))
    if is_number(count := config.get("parameters")):
        merits.append((f"{count:,}", "parameters"))
    steps = [line for line in history if is_number(line.get("elapsed"))]
    if steps:
        merits.append((duration(steps[-1]["elapsed"]), "of training"))
    return merits


def _result(evaluation: Mapping[str, Any]) -> list[Item]:
    from throughtime.tasks.forecast.plots import errors
    from throughtime.tasks.forecast.plots import residuals as residual_plots

    names = [name for name in METRICS if is_number(evaluation.get(name))]
    rows, skipped = [], []
    entries = evaluation.get("baselines") or {}
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
    ours = evaluation["by_horizon"]["mae"]
    theirs = {name: entry["by_horizon"]["mae"] for name, entry in entries.items() if "by_horizon" in entry}
    caption = (
        "Left: the mean absolute error by how many steps ahead, of this model and of the best baselines. Right: how "
        "many observations lie inside each interval, against how many should."
    )
    items.append(Figure(errors(ours, theirs, evaluation.get("coverage") or {}), caption))
    if isinstance(mixed := evaluation.get("shuffled"), Mapping):
        items.append(Prose(str(mixed["sentence"])))
    residuals = evaluation.get("residuals") or {}
    if residuals.get("counts"):
        told = (
            "What the forecasts leave, observed less forecast. Left: how often, in units of the series' usual change "
        )
        told += "over a season. Middle: their mean by how many steps ahead, 0 for no bias."
        if residuals.get("autocorrelation"):
            told += " Right: how the errors one step ahead resemble those of later origins; what lies outside the "
            told += "dashed lines is something the model could still learn."
        items.append(Figure(residual_plots(residuals, evaluation["windows"]), told))
    return items


def _next(folder: Path) -> list[Item]:
    from throughtime.tasks.forecast.plots import MOST, forecasts

    try:
        found = Forecasting.load(folder).forecast()
    except UserError as error:
        return [Prose(f"No forecast from the end of the data: {error}.")]
    more = f" The first {MOST} of {len(found.ids):,} series." if len(found.ids) > MOST else ""
    return [Figure(forecasts(found), "The end of the data, the forecast from there, and its intervals." + more)]


def _learning(config: Mapping[str, Any], history: list[dict[str, Any]]) -> list[Item]:
    from throughtime.report import curves

    def curve(name: str) -> tuple[list[float], list[float]]:
        found = [(line["step"], line[name]) for line in history if is_number(line.get(name))]
        return [s for s, _ in found], [v for _, v in found]

    if not curve("loss")[0]:
        return [Prose("The history holds no steps.")]
    clip = config.get("training", {}).get("clip")
    picture = curves.losses(curve("loss"), curve("validation_loss"), {}, "in the series' own scale")
    measures = curves.measures(
        curve("gradient_norm"),
        float(clip) if is_number(clip) else None,
        curve("tokens_per_second"),
        curve("learning_rate"),
        "windows",
    )
    return [
        Figure(picture, "The loss over steps: the whole run, and magnified from a tenth of it on."),
        Figure(measures, "Gradient norm before clipping, speed and learning rate over steps."),
    ]


def _model(config: Mapping[str, Any]) -> list[Item]:
    model = config.get("model", {})
    lags = ", ".join(map(str, model.get("lags", [])))
    before = [
        [
            "past",
            "segments",
            f"{model.get('segments')} times {model.get('segment')} steps, {model.get('scaling')} scale",
        ],
        ["features", "known ahead / of the past", f"{model.get('known', 0)} / {model.get('features', 0)}"],
        ["embedding", "linear, relu", str(model.get("embedding"))],
    ]
    after = [
        ["output", "linear", f"{model.get('horizon')} steps x {model.get('outputs')}"],
        ["references", "learned mixture", f"values {lags} steps back" + (", profile" if model.get("profile") else "")],
    ]
    return layers_of(config, before, after)
