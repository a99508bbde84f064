"""Pictures of series and their forecasts."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.report import fonts
from throughtime.report.curves import BLUE, GREEN, GREY, VERMILION, new_figure, svg, without_formulas
from throughtime.storage.folder import write_atomically
from throughtime.tasks.forecast.answers import Forecasts

MOST = 6
"""Series drawn in one picture; more are named in its caption."""


def forecast_file(path: Path, forecasts: Forecasts) -> str:
    """Write a picture of forecasts; PNG, or SVG by the file's name. Returns the characters of names that no font here
    draws, "" for none; an SVG leaves them to the reader's fonts."""
    if path.suffix.lower() == ".svg":
        write_atomically(path, drawn(forecasts).encode())
        return ""
    with fonts.drawing(_names(forecasts)) as missing:
        out = io.BytesIO()
        figure = _figure(forecasts)
        without_formulas(figure)
        figure.savefig(out, format="png", dpi=130)
        write_atomically(path, out.getvalue())
        return missing


def drawn(forecasts: Forecasts) -> str:
    """The end of each series, up to six, its forecast and the intervals, as SVG text."""
    with fonts.as_text(_names(forecasts)) as finished:
        return str(finished(svg(_figure(forecasts))))


def _names(forecasts: Forecasts) -> str:
    return "".join([*forecasts.ids[:MOST], forecasts.target, forecasts.axis.column or ""])


def _figure(forecasts: Forecasts) -> Any:
    count = min(MOST, len(forecasts.ids))
    figure = _rows(count, 11.0, 3.4 if count == 1 else 2.1 * count + 0.6)
    for n, axes in enumerate(figure.axes):
        times, values = forecasts.past[n]
        axes.plot(_x(times, forecasts), values, color="#1C2024", linewidth=1.2, label="observed")
        asked, levels = forecasts.asked(n), forecasts.levels
        ahead, coming = _x(forecasts.times[n][asked], forecasts), forecasts.values[n][asked]
        for low in range(len(levels) // 2):
            high = len(levels) - 1 - low
            share = f"{100 * (levels[high] - levels[low]):g} % interval"
            shade = {"color": BLUE, "alpha": 0.12 + 0.07 * low, "linewidth": 0, "label": share}
            axes.fill_between(ahead, coming[:, low], coming[:, high], **shade)
        marker = "o" if len(ahead) == 1 else ""
        if forecasts.has_point:
            point = forecasts.point[n][asked]
            axes.plot(ahead, point, color=BLUE, linewidth=1.7, marker=marker, label="forecast")
        axes.set_title(forecasts.ids[n], loc="left", fontsize=10, parse_math=False)
        axes.set_ylabel(forecasts.target, fontsize=9, parse_math=False)
        _dates(axes, times)
    zone = f", {forecasts.axis.zone}" if forecasts.axis.zone else ""
    figure.axes[-1].set_xlabel(f"{forecasts.axis.column or 'step'}{zone}", fontsize=9, parse_math=False)
    figure.axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=6, fontsize=9)
    return figure


@dataclass(frozen=True)
class Example:
    """A window that was forecast, and what came. id: its series. times: (P,) datetime64 or numbers, of the past and of
    what came. values: (P,), NaN where missing. seen: how many of them the model saw. forecast: (P - seen,). band: (2,
    P - seen), the ends of an interval, or None; share: which."""

    id: str
    times: np.ndarray
    values: np.ndarray
    seen: int
    forecast: np.ndarray
    band: np.ndarray | None
    share: str


def examples(shown: Sequence[Example], target: str) -> str:
    """Windows that were held out, one below the other: what was seen and came in black, the forecast in blue."""
    with fonts.as_text("".join([target, *(one.id for one in shown)])) as finished:
        figure = _rows(len(shown), 11.0, 3.2 if len(shown) == 1 else 2.1 * len(shown) + 0.4)
        for axes, one in zip(figure.axes, shown, strict=True):
            x = one.times.astype("datetime64[us]").astype(object) if one.times.dtype.kind == "M" else one.times
            axes.plot(x, one.values, color="#1C2024", linewidth=1.2, label="observed")
            axes.axvline(x[one.seen], color=GREY, linewidth=1.0, linestyle="--")
            ahead = x[one.seen :]
            if one.band is not None:
                axes.fill_between(ahead, *one.band, color=BLUE, alpha=0.15, linewidth=0, label=one.share)
            marker = "o" if len(ahead) == 1 else ""
            axes.plot(ahead, one.forecast, color=BLUE, linewidth=1.7, marker=marker, label="forecast")
            axes.set_title(one.id, loc="left", fontsize=10, parse_math=False)
            axes.set_ylabel(target, fontsize=9, parse_math=False)
            _dates(axes, one.times)
        figure.axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, fontsize=9)
        return str(finished(svg(figure)))


def errors(
    model: Sequence[float], baselines: Mapping[str, Sequence[float]], coverage: Mapping[str, float], target: str = ""
) -> str:
    """Left, the mean absolute error by how many steps ahead: the model in blue, up to four baselines that are not far
    off, the best of them in vermilion. Right, the share of observations inside each interval by its nominal one."""
    figure = new_figure(2, 11.0, 4.0, widths=(2.1, 1.0))
    axes, right = figure.axes
    steps = np.arange(1, len(model) + 1)
    means = {name: _mean(values) for name, values in baselines.items()}
    limit = 2.5 * max(_mean(model), min(means.values(), default=0.0))
    near = sorted((name for name in means if means[name] <= limit), key=lambda name: means[name])[:4]
    styles = ["--", ":", "-.", (0, (6, 2))]
    marker = "o" if len(steps) == 1 else ""
    for i, (name, style) in enumerate(zip(near, styles, strict=False)):
        color = VERMILION if i == 0 else GREY
        axes.plot(steps, baselines[name], color=color, linestyle=style, linewidth=1.4, marker=marker, label=name)
    axes.plot(steps, model, color=BLUE, linewidth=2.0, marker=marker, label="this model")
    axes.set_xlabel("steps ahead")
    axes.set_ylabel(f"mean absolute error{f', {target}' if target else ''}", parse_math=False)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5)
    right.plot([0, 100], [0, 100], color=GREY, linewidth=1.0, linestyle="--", label="as it should be")
    if coverage:
        nominal = [float(name) for name in coverage]
        right.plot(nominal, list(coverage.values()), color=GREEN, marker="o", linestyle="", label="measured")
    right.set_xlim(0, 100)
    right.set_ylim(0, 100)
    right.set_xlabel("nominal share of the interval, %")
    right.set_ylabel("observations inside, %")
    right.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    with fonts.as_text(target) as finished:
        return str(finished(svg(figure)))


def residuals(
    edges: Sequence[float],
    counts: Sequence[float],
    bias: Sequence[float],
    correlation: Sequence[float],
    stride: int,
    windows: int,
) -> str:
    """What baselines.compare says of the residuals: their histogram, their mean by steps ahead, their correlation over
    origins so many steps apart, none where it is not known."""
    figure = new_figure(3 if correlation else 2, 11.0, 3.2)
    left, middle, *right = figure.axes
    shares = np.array(counts) / max(1.0, sum(counts)) * 100
    left.bar(edges[:-1], shares, np.diff(edges), align="edge", color=BLUE, alpha=0.75, linewidth=0)
    left.axvline(0, color=GREY, linewidth=1.0, linestyle="--")
    left.set_xlabel("error / usual change over a season")
    left.set_ylabel("share of errors, %")
    steps = np.arange(1, len(bias) + 1)
    middle.plot(steps, bias, color=BLUE, linewidth=1.6, marker="o" if len(steps) == 1 else "")
    middle.axhline(0, color=GREY, linewidth=1.0, linestyle="--")
    middle.set_xlabel("steps ahead")
    middle.set_ylabel("mean error")
    if correlation and right:
        lags = np.arange(1, len(correlation) + 1) * stride
        right[0].bar(lags, correlation, 0.7 * lags[0], color=BLUE, alpha=0.75, linewidth=0)
        chance = 1.96 / np.sqrt(max(1, windows))
        for height in (-chance, chance):
            right[0].axhline(height, color=GREY, linewidth=1.0, linestyle="--")
        right[0].set_ylim(min(-0.2, *correlation), max(0.4, *correlation))
        right[0].set_xlabel("steps between the origins")
        right[0].set_ylabel("correlation")
    return svg(figure)


def _rows(count: int, width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    for axes in figure.subplots(count, 1, squeeze=False)[:, 0]:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color("#9AA3AC")
        axes.tick_params(colors="#454C53", labelsize=9)
        axes.grid(axis="y", color="#E8EBEE", linewidth=0.8)
        axes.set_axisbelow(True)
    return figure


def _dates(axes: Any, times: np.ndarray) -> None:
    if times.dtype.kind != "M":
        axes.set_xlabel("step", fontsize=9)
        return
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _x(times: np.ndarray, forecasts: Forecasts) -> Any:
    """Times as matplotlib takes them, on the clock of the data."""
    if times.dtype.kind != "M":
        return times
    return forecasts.axis.local(times).astype("datetime64[us]").astype(object)


def _mean(values: Sequence[float]) -> float:
    """Of what is known, 0 where nothing is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else 0.0
