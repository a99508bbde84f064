"""The pictures of a diagnosis, and its part of a report; from what its `to_json` gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.curves import BLUE, GREEN, GREY, VERMILION, new_figure, svg
from throughtime.report.page import Figure, Item, Page, Prose, Section, Table, render
from throughtime.storage.folder import read_json, write_atomically

DIAGNOSIS = "diagnosis.json"
"""Its file in a model's folder."""

COLOURS = (BLUE, VERMILION, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000", GREY)
"""Okabe and Ito 2008, so that people with any kind of colour vision tell the lines apart."""

STYLES = ("-", "--", "-.", ":")


def curves_by_lag(lags: Mapping[str, Sequence[float | None]], ylabel: str = "gradient, relative to the end") -> str:
    """The norm of the gradient by how many steps back, relative to the last step, one line for each name."""
    figure = new_figure(1, 8.5, 4.2)
    (axes,) = figure.axes
    lowest = 1.0
    for i, (name, values) in enumerate(lags.items()):
        norms = np.array([np.nan if v is None else v for v in values], float)
        first = next((v for v in norms if v > 0), 1.0)
        shown = np.where(norms > 0, norms / first, np.nan)
        lowest = min(lowest, float(np.nanmin(shown))) if np.isfinite(shown).any() else lowest
        axes.plot(
            np.arange(len(norms)), shown, color=COLOURS[i % 8], linestyle=STYLES[i // 4 % 4], linewidth=1.7, label=name
        )
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(lowest, 1e-20) / 2)
    axes.set_xlabel("steps back from the end")
    axes.set_ylabel(ylabel)
    _outside(axes)
    return svg(figure)


def curves_by_step(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], unit: str, line: tuple[str, float]
) -> str:
    """Losses over training steps on a logarithmic scale, with a line for who remembers nothing."""
    figure = new_figure(1, 8.5, 4.2)
    (axes,) = figure.axes
    for i, (name, (steps, values)) in enumerate(curves.items()):
        axes.plot(steps, values, color=COLOURS[i % 8], linestyle=STYLES[i // 4 % 4], linewidth=1.7, label=name)
    axes.axhline(line[1], color=GREY, linewidth=1.1, linestyle=":")
    axes.annotate(
        f"{line[0]} {line[1]:.3g}", (0.0, line[1]), xycoords=("axes fraction", "data"), xytext=(4, 3),
        textcoords="offset points", color="#454C53", fontsize=9,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlabel("training step")
    axes.set_ylabel(f"loss, {unit}")
    _outside(axes)
    return svg(figure)


def learning_curve(found: Any) -> str:
    """A LearningCurve: the trainings, the law, and what twice the data would bring with its interval."""
    figure = new_figure(1, 8.5, 4.2)
    (axes,) = figure.axes
    axes.plot(found.amounts, found.losses, "o", color=BLUE, markersize=5, label="trainings")
    most = float(found.amounts.max())
    grid = np.geomspace(float(found.amounts.min()), 2 * most, 200)
    axes.plot(grid, found.predict(grid), color=GREY, linewidth=1.6, label="fitted law")
    value, low, high = found.doubled
    axes.errorbar(
        [2 * most], [value], [[max(0.0, value - low)], [max(0.0, high - value)]], fmt="D", color=VERMILION, capsize=4,
        label="twice the data, 90 % interval",
    )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda number, _: f"{number:,.0f}")
    axes.set_xlabel(f"{found.unit} learned from")
    axes.set_ylabel(found.metric)
    axes.legend(frameon=False, fontsize=9)
    return svg(figure)


def _outside(axes: Any) -> None:
    """The legend beside the picture, so that it hides no line."""
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)


def pictures(diagnosis: Mapping[str, Json]) -> list[Item]:
    """Figures with captions: the gradient by lag and its share; singular values; time scales and gates."""
    layers = diagnosis["layers"]
    items: list[Item] = [
        Figure(
            _flow(layers),
            "Left: the gradient of the last step's loss with respect to the states so many steps before it, relative "
            "to the last state. Right: the part of the gradient of the layer's matrices that has come by that many "
            "steps back; the dotted line is 95 %.",
        )
    ]
    if any(layer["singular_values"] for layer in layers):
        items.append(
            Figure(
                _singular(layers),
                "How much a change of the state can grow at most (upper line) and at least (lower line) over so many "
                "steps: the singular values of products of the step's Jacobian. Above 1 it grows, below 1 it fades.",
            )
        )
    caption = (
        "Left: how long the units of each layer remember, 1 / (1 - what a unit keeps of itself at a step). "
        "Right: the mean of each gate, one dot a unit."
    )
    return [*items, Figure(_units(layers), caption)]


def _label(layer: Mapping[str, Json]) -> str:
    return f"{layer['layer']} ({layer['cell']})"


def _flow(layers: Sequence[Mapping[str, Json]]) -> str:
    figure = new_figure(2, 11.0, 3.8)
    left, right = figure.axes
    for i, layer in enumerate(layers):
        for j, (state, values) in enumerate(layer["gradient_by_lag"].items()):
            norms = np.array([np.nan if v is None else v for v in values], float)
            first = next((v for v in norms if v > 0), 1.0)
            left.plot(
                np.arange(len(norms)), np.where(norms > 1e-25 * first, norms / first, np.nan), color=COLOURS[i % 8],
                linestyle=STYLES[j % 4], linewidth=1.6, label=f"{_label(layer)} d/d{state}",
            )  # fmt: skip
        share = np.cumsum([v or 0.0 for v in layer["share_by_lag"]])
        right.plot(1 + np.arange(len(share)), share, color=COLOURS[i % 8], linewidth=1.7, label=_label(layer))
    left.set_yscale("log")
    left.set_title("gradient with respect to the state", loc="left", fontsize=10)
    left.set_xlabel("steps back from the end")
    left.legend(frameon=False, fontsize=8.5)
    right.axhline(0.95, color=GREY, linestyle=":", linewidth=1.1)
    right.set_ylim(0, 1.03)
    right.set_title("part of the gradient that has come", loc="left", fontsize=10)
    right.set_xlabel("within so many steps from the end")
    right.legend(frameon=False, fontsize=8.5, loc="lower right")
    return svg(figure)


def _singular(layers: Sequence[Mapping[str, Json]]) -> str:
    figure = new_figure(len(layers), 11.0, 3.2)
    for i, (axes, layer) in enumerate(zip(figure.axes, layers, strict=True)):
        found = layer["singular_values"]
        steps = [one["steps"] for one in found]
        high = [np.nan if one["largest"] is None else max(one["largest"], 1e-20) for one in found]
        low = [np.nan if one["smallest"] is None else max(one["smallest"], 1e-20) for one in found]
        axes.fill_between(steps, low, high, color=COLOURS[i % 8], alpha=0.12, linewidth=0)
        axes.plot(steps, high, color=COLOURS[i % 8], marker="o", markersize=4, label="largest")
        axes.plot(steps, low, color=COLOURS[i % 8], marker="v", markersize=4, linestyle="--", label="smallest")
        axes.axhline(1.0, color=GREY, linestyle=":", linewidth=1.1)
        axes.set_yscale("log")
        axes.set_xlabel("steps")
        axes.set_title(f"{_label(layer)}: singular values of d state / d earlier state", loc="left", fontsize=9.5)
        axes.legend(frameon=False, fontsize=8.5)
    return svg(figure)


def _units(layers: Sequence[Mapping[str, Json]]) -> str:
    figure = new_figure(2, 11.0, 3.6)
    left, right = figure.axes
    for i, layer in enumerate(layers):
        most = max(layer["kept"].values(), key=lambda values: float(np.mean([v or 0.0 for v in values])))
        kept = np.clip(np.array([v or 0.0 for v in most]), 0.0, 1.0)
        scales = np.sort(1.0 / np.maximum(1.0 - kept, 1e-6))
        left.plot(np.linspace(0, 100, len(scales)), scales, color=COLOURS[i % 8], linewidth=1.7, label=_label(layer))
    left.set_yscale("log")
    left.set_xlabel("units, from the shortest memory to the longest, %")
    left.set_title("time scale, steps", loc="left", fontsize=10)
    left.legend(frameon=False, fontsize=8.5)
    names: list[str] = []
    rng = np.random.default_rng(0)
    for i, layer in enumerate(layers):
        for gate, found in layer["gates"].items():
            values = np.array([np.nan if v is None else v for v in found["mean"]], float)
            place = len(names) + rng.uniform(-0.25, 0.25, len(values))
            right.plot(values, place, ".", color=COLOURS[i % 8], markersize=3, alpha=0.6)
            names.append(f"{layer['layer']} {gate}")
    right.set_yticks(range(len(names)), names)
    right.xaxis.set_major_locator(_fifths())
    right.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    right.set_xlim(-0.03, 1.03)
    right.invert_yaxis()
    right.set_title("mean of each gate over the batch" if names else "this cell has no gates", loc="left", fontsize=10)
    return svg(figure)


def _fifths() -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator([0, 0.25, 0.5, 0.75, 1])


def section(diagnosis: Mapping[str, Json]) -> Section:
    """A diagnosis as a part of a report."""
    items: list[Item] = [Prose(str(diagnosis["verdict"]))]
    if diagnosis["trials"]:
        rows = [
            [t["symptom"], t["what"], _figure(t["before"]), _figure(t["after"]), "yes" if t["helps"] else "no"]
            for t in diagnosis["trials"]
        ]
        header = ["against", "remedy, tried in a short run", "loss without", "loss with", "helps"]
        items.append(Table(header, rows, numeric=(2, 3)))
    if diagnosis["advice"]:
        items.append(Prose("What to do: " + "; ".join(diagnosis["advice"]) + "."))
    return Section("Gradients through time", [*items, *pictures(diagnosis)])


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else "diverged"


def course(history: Sequence[Mapping[str, Json]]) -> list[Item]:
    """How the gradient flowed while the model learned, from the lines of its history; nothing for fewer than two."""
    lines = [line for line in history if isinstance(line.get("flow"), list) and line["flow"]]
    if len(lines) < 2:
        return []
    figure = new_figure(2, 11.0, 3.2)
    left, right = figure.axes
    for i, first in enumerate(lines[-1]["flow"]):
        name = str(first.get("layer"))
        own = [(line["step"], line["flow"][i]) for line in lines if len(line["flow"]) > i]
        steps = [step for step, _ in own]
        factors = [np.nan if one.get("factor") is None else one["factor"] for _, one in own]
        left.plot(steps, factors, color=COLOURS[i % 8], marker="o", markersize=3, linewidth=1.5, label=name)
        horizons = [one.get("horizon", np.nan) for _, one in own]
        right.plot(steps, horizons, color=COLOURS[i % 8], marker="o", markersize=3, linewidth=1.5, label=name)
    left.axhline(1.0, color=GREY, linestyle=":", linewidth=1.1)
    left.set_title("gradient, times a step back (1: neither fades nor grows)", loc="left", fontsize=10)
    right.set_title("memory: steps within which 95 % of the gradient comes", loc="left", fontsize=10)
    right.set_ylim(bottom=0)
    for axes in figure.axes:
        axes.set_xlabel("training step")
        axes.legend(frameon=False, fontsize=8.5)
    return [Figure(svg(figure), "How the gradient flowed back through each layer while the model learned.")]


def of_folder(folder: Path, history: Sequence[Mapping[str, Json]] = ()) -> list[Section]:
    """The section of the diagnosis that was last made in a folder, and of the training's own looks, as far as there
    are any."""
    try:
        own = course(history)
        if not (folder / DIAGNOSIS).is_file():
            return [Section("Gradients through time", own)] if own else []
        found = section(read_json(folder / DIAGNOSIS))
        return [Section(found.title, [*found.items, *own])]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise UserError(f"{folder}: {DIAGNOSIS} or the history is damaged; run throughtime diagnose again") from None


def write_page(path: Path, name: str, diagnosis: Mapping[str, Json]) -> None:
    """A page of its own."""
    page = Page(title=f"{name}: gradients through time", verdict="", sections=[section(diagnosis)], merits=[])
    write_atomically(path, render(page).encode("utf-8", "replace"))
