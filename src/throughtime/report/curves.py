"""The pictures of a training run, as SVG text."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np

BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B747D"
"""Colours that people with any kind of colour vision tell apart (Okabe and Ito 2008)."""

POINTS = 1500
"""The most points drawn of one curve; longer ones are averaged down."""

Curve = tuple[Sequence[float], Sequence[float]]


def losses(train: Curve, validation: Curve, lines: Mapping[str, float], unit: str) -> str:
    """Training and validation loss over steps, with a horizontal line for each baseline.

    lines: label -> loss, drawn over the whole width. unit: what the loss is measured in. The left picture shows the
    whole run, the right one the last nine tenths of it, magnified.
    """
    figure = new_figure(2, 11.0, 4.6, widths=(1.0, 1.25))
    whole, late = figure.axes
    steps, loss = _thin(train)
    for axes in (whole, late):
        if len(steps):
            axes.plot(steps, loss, color=BLUE, alpha=0.25, linewidth=0.8)
            marker = _marker(steps)
            axes.plot(steps, _smooth(loss), color=BLUE, linewidth=1.7, marker=marker, markersize=4, label="training")
        if len(validation[0]):
            marker = "o" if len(validation[0]) < 60 else ""
            axes.plot(*validation, color=VERMILION, marker=marker, markersize=4, linewidth=1.5, label="validation")
        axes.set_xlabel("step")
    whole.set_ylabel(f"loss, {unit}")
    everything = [*loss, *validation[1], *lines.values()]
    if everything:
        low, high = min(everything), max(everything)
        whole.set_ylim(low - 0.06 * (high - low) - 1e-3, high + 0.04 * (high - low) + 1e-3)
        _magnify(late, steps, _smooth(loss), validation, list(lines.values()))
    for axes in (whole, late):
        _lines(axes, lines)
    whole.set_title("the whole run", loc="left", fontsize=10)
    late.set_title("from a tenth of it on", loc="left", fontsize=10)
    if len(steps) or len(validation[0]):
        late.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 1.13), ncols=2, fontsize=9.5)
    return svg(figure)


def measures(norm: Curve, clip: float | None, speed: Curve, rate: Curve, unit: str = "tokens") -> str:
    """Gradient norm with the clipping limit, tokens (or another unit) per second, and learning rate, over steps."""
    figure = new_figure(3, 11.0, 3.1)
    first, second, third = figure.axes
    steps, values = _thin(norm)
    if len(steps) and np.all(np.asarray(values) > 0):
        first.set_yscale("log")
        for place in (first.yaxis.set_major_formatter, first.yaxis.set_minor_formatter):
            place(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else "")
    first.plot(steps, values, color=BLUE, linewidth=1.2, marker=_marker(steps), markersize=4)
    if clip is not None:
        first.axhline(clip, color=VERMILION, linestyle="--", linewidth=1.2)
        first.annotate(
            f"clipped above {clip:g}", (0.99, clip), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", va="bottom", color=VERMILION, fontsize=9,
        )  # fmt: skip
    first.set_title("gradient norm", loc="left", fontsize=10)
    steps, values = _thin(speed)
    thousands = np.asarray(values) / 1000
    second.plot(steps, thousands, color=GREEN, linewidth=1.2, marker=_marker(steps), markersize=4)
    second.set_ylim(0, max([*thousands, 1e-3]) * 1.1)
    second.set_title(f"speed, thousand {unit} per second", loc="left", fontsize=10)
    steps, values = _thin(rate)
    third.plot(steps, np.asarray(values) * 1000, color=GREY, linewidth=1.5, marker=_marker(steps), markersize=4)
    third.set_ylim(bottom=0)
    third.set_title("learning rate, thousandths", loc="left", fontsize=10)
    for axes in figure.axes:
        axes.set_xlabel("step")
    return svg(figure)


def _marker(steps: Sized) -> str:
    """A point alone is no line."""
    return "o" if len(steps) == 1 else ""


def new_figure(
    columns: int, width: float, height: float, widths: Sequence[float] | None = None, rows: Sequence[float] = (1.0,)
) -> Any:
    """An empty picture of axes side by side, in the report's style. rows: the heights of several rows of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.subplots(len(rows), columns, width_ratios=widths, height_ratios=rows)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#9AA3AC")
        axes.tick_params(colors="#454C53", labelsize=9)
        axes.grid(axis="y", color="#E8EBEE", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_locator(_whole_steps())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure


def _whole_steps() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=6, integer=True, min_n_ticks=1)


def _magnify(axes: Any, steps: Any, loss: Any, validation: Curve, lines: list[float]) -> None:
    """Limits that show the last nine tenths of the run, and those baselines that lie near."""
    last = max([*steps, *validation[0]], default=1)
    start = 0.1 * last
    shown = [v for s, v in zip(steps, loss, strict=True) if s >= start]
    shown += [v for s, v in zip(*validation, strict=True) if s >= start]
    if not shown:
        return
    low, high = min(shown), max(shown)
    near = [v for v in lines if low - (high - low) - 0.3 < v < high + 0.5 * (high - low)]
    low, high = min([low, *near]), max([high, *near])
    room = 0.06 * (high - low) + 1e-3
    axes.set_xlim(start - 0.01 * last, last * 1.01)
    axes.set_ylim(low - room, high + room)


def _lines(axes: Any, lines: Mapping[str, float]) -> None:
    """Horizontal lines with their names just above them, those outside the picture left out."""
    low, high = axes.get_ylim()
    styles = [":", "-.", "--", (0, (6, 2))]
    for i, (label, value) in enumerate(lines.items()):
        if low <= value <= high:
            axes.axhline(value, color=GREY, linestyle=styles[i % len(styles)], linewidth=1.1, zorder=1)
            axes.annotate(
                f"{label} {value:.3f}", (0.995, value), xycoords=("axes fraction", "data"), xytext=(0, 2.5),
                textcoords="offset points", ha="right", va="bottom", color="#454C53", fontsize=9,
            )  # fmt: skip


def _thin(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """At most POINTS points: means over equal groups; the values that are not finite left out."""
    x, y = (np.asarray(part, dtype=float) for part in curve)
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    group = math.ceil(len(x) / POINTS) if len(x) else 1
    if group > 1:
        borders = np.arange(0, len(x), group)
        sizes = np.diff([*borders, len(x)])
        x, y = np.add.reduceat(x, borders) / sizes, np.add.reduceat(y, borders) / sizes
    return x, y


def _smooth(values: np.ndarray) -> np.ndarray:
    """Means over a window of a fortieth of the curve; narrower at its steep beginning, cut off at its end."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    reach = np.minimum(len(values) // 80, at)
    first, end = at - reach, np.minimum(at + reach + 1, len(values))
    smooth: np.ndarray = (sums[end] - sums[first]) / (end - first)
    return smooth


def svg(figure: Any) -> str:
    """A picture as SVG text, the same at every run."""
    import matplotlib

    out = io.StringIO()
    without_formulas(figure)
    with matplotlib.rc_context({"svg.hashsalt": "throughtime", "axes.unicode_minus": False}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def without_formulas(figure: Any) -> None:
    """Names in a picture are shown as they are, also those that hold dollar signs; numbers of an axis stay."""
    from matplotlib.text import Text
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    numbers: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not isinstance(axis.get_major_formatter(), FixedFormatter | FuncFormatter):
                numbers |= {id(label) for label in axis.get_ticklabels(which="both")}
    for text in figure.findobj(Text):
        if "$" in text.get_text() and id(text) not in numbers:
            text.set_parse_math(False)
