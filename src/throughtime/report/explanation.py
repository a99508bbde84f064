"""The page of an explanation: coloured text or a coloured series, the checks, the gates over the input, the units."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.report.curves import BLUE, GREY, VERMILION, new_figure, svg
from throughtime.report.page import Coloured, Figure, Item, Page, Prose, Section, Table, render
from throughtime.storage.folder import write_atomically

_TOKENS, _UNITS = 120, 40
"""Of a heat map: the last so many tokens, and so many units."""


def write_page(
    path: Path, name: str, found: Any, layer: int | None = None, gate: str | None = None, unit: int | None = None
) -> Path:
    """Write the page of an Explanation and return its path. layer, gate: whose gates are drawn; unit: shown alone."""
    sections = [Section("What it looked at", _looked(found))]
    if found.seen:
        sections.append(Section("What the gates did", _gates(found, layer, gate, unit)))
    if found.followers:
        header = ["what a reader sees", "unit", "in", "layer", "correlation", "pairs told apart"]
        rows = [
            [
                one.label, str(one.unit), one.value, one.layer, f"{one.correlation:+.2f}",
                "" if one.accuracy is None else f"{one.accuracy:.0%}",
            ]
            for one in found.followers
        ]  # fmt: skip
        said = f"For each label the unit that follows it best, chosen on one half, scored on the other, {found.over}."
        sections.append(
            Section("Units that follow what a reader sees", [Prose(said), Table(header, rows, numeric=(4, 5))])
        )
    if found.importance:
        told = [Prose(str(entry["sentence"])) for entry in found.importance]
        sections.append(Section("What it reads beside the values, by held-out windows", told))
    page = Page(
        title=f"{name}: an answer explained",
        verdict=found.answer,
        sections=sections,
        merits=[],
        warnings=[s for s, check in zip(found.sentences(), found.checks.values(), strict=True) if not check.holds],
        footer="Written by throughtime. Everything on this page is in this file.",
    )
    write_atomically(path, render(page).encode("utf-8", "replace"))
    return path


def _looked(found: Any) -> list[Item]:
    items: list[Item] = []
    for method, check in found.checks.items():
        title = method.replace("_", " ")
        if found.kind == "text":
            items.append(Coloured(title, list(zip(found.parts, found.weights(method).tolist(), strict=True))))
        else:
            picture = series(found.parts, found.values, found.attributions[method])
            items.append(
                Figure(
                    picture,
                    f"{title}: above the values the forecast was made from, below what each one did to it: "
                    "blue raised it, orange lowered it.",
                )
            )
        if check.holds:
            items.append(Prose(found.sentences()[list(found.checks).index(method)]))
    if found.kind == "text":
        items.append(
            Prose("Blue made the token likelier, orange less likely; the strongest colour is the largest effect.")
        )
    return items


def _gates(found: Any, layer: int | None, gate: str | None, unit: int | None) -> list[Item]:
    own = found.layer(layer)
    name = gate or next(iter(own.gates), next(iter(own.states)))
    values = own.pick(name)[:, 0]
    items: list[Item] = []
    if unit is not None:
        one = values[:, unit]
        if found.kind == "text":
            weights = (one / max(1e-9, float(np.abs(one).max()))).tolist()
            items.append(Coloured(f"unit {unit} of {name}", list(zip(found.parts, weights, strict=True))))
        else:
            items.append(Figure(_line(one, f"unit {unit} of {name}"), f"Unit {unit} of {name} over the segments."))
    order = np.argsort(-values.std(0))[:_UNITS]
    order = order[np.argsort(values[:, order].mean(0))]
    tokens = found.parts if found.kind == "text" else [str(i + 1) for i in range(len(values))]
    picture = heat_map(tokens[-_TOKENS:], values[-_TOKENS:, order], [str(u) for u in order])
    low, high = (0, 1) if name in own.gates else (-1, 1)
    items.append(
        Figure(
            picture,
            f"{name} of {own.name} ({own.cell}): a row for each of the {len(order)} units that move most, from the "
            f"lowest mean to the highest, a column for each {'token' if found.kind == 'text' else 'segment'}. "
            + (f"White is {low}, dark blue {high}." if low == 0 else "Blue is positive, orange negative."),
        )
    )
    if found.statistics:
        header = ["layer", "gate", "mean", "moves by", "shut on units", "open on units"]
        rows = [
            [
                layer.name,
                str(g["gate"]),
                f"{g['mean']:.2f}",
                f"{g['deviation']:.2f}",
                "" if g["shut"] is None else f"{g['shut']:.0%}",
                "" if g["open"] is None else f"{g['open']:.0%}",
            ]
            for layer, gates in zip(found.seen, found.statistics, strict=False)
            for g in gates
        ]
        items += [Prose(f"Gates {found.over}:"), Table(header, rows, numeric=(2, 3, 4, 5))]
    return items


def heat_map(columns: Sequence[str], values: np.ndarray, rows: Sequence[str]) -> str:
    """Values (T, N) as SVG: a column for each token, its text under it, a row for each unit.

    Drawn by hand, so that the reader's own fonts write the tokens, Chinese ones too. Values from 0 to 1 go from white
    to blue; negative ones are orange.
    """
    steps, units = values.shape
    left, cell, height, foot = 46, max(7.0, min(22.0, 1000 / max(1, steps))), 11, 70
    width = max(1050.0, left + cell * steps + 6)  # few steps stay small
    most = max(1.0, float(np.abs(values).max())) if values.size else 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {units * height + foot}" '
        f'font-family="{_FONTS}">',
        f'<rect x="{left}" y="0" width="{cell * steps:.1f}" height="{units * height}" fill="#fff" stroke="#9AA3AC"/>',
    ]
    label = 'font-size="8" fill="#454C53" text-anchor="end"'
    for i in range(units):
        parts.append(f'<text x="{left - 4}" y="{i * height + 9}" {label}>{escape(rows[i])}</text>')
        for t in range(steps):
            if (fill := _colour(float(values[t, i]) / most)) != "#ffffff":
                x, size = left + t * cell, f'width="{cell:.1f}" height="{height}"'
                parts.append(f'<rect x="{x:.1f}" y="{i * height}" {size} fill="{fill}"/>')
    letter = min(12.0, cell + 2)
    for t, token in enumerate(columns):
        shown = {"\n": "\u21b5", " ": "\u2423", "\t": "\u21e5"}.get(token, token.strip() or "\u2423")
        x, y = left + (t + 0.5) * cell, units * height + 6
        if len(shown) == 1:
            place = f'x="{x:.1f}" y="{y + letter - 2:.1f}" font-size="{letter:.1f}" text-anchor="middle"'
        else:
            place = f'transform="translate({x + 3:.1f},{y}) rotate(90)" font-size="{min(10, letter):.1f}"'
        parts.append(f"<text {place}>{escape(shown[:12])}</text>")
    parts.append(f'<text x="{left - 4}" y="{units * height + 16}" {label}>unit</text>')
    return "\n".join([*parts, "</svg>"])


_FONTS = "system-ui, Noto Sans, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, sans-serif"


def _colour(value: float) -> str:
    """From white to blue for 0 to 1, to orange for 0 to -1."""
    if not np.isfinite(value):
        return "#000000"
    base = (0, 84, 148) if value > 0 else (213, 94, 0)
    part = min(1.0, abs(value))
    return "#" + "".join(f"{round(255 + (c - 255) * part):02x}" for c in base)


def series(times: Sequence[str], values: np.ndarray, weights: np.ndarray) -> str:
    """A series over time, and under it what each value did."""
    figure = new_figure(1, 11.0, 4.8, rows=(1.0, 0.5))
    top, below = figure.axes
    place = np.arange(len(values))
    size = float(np.abs(weights).max(initial=0.0)) or 1.0
    colours = [_colour(float(w) / size) for w in weights]
    top.plot(place, values, color=GREY, linewidth=1.0, zorder=1)
    top.scatter(place, values, c=colours, edgecolors="#454C53", linewidths=0.4, s=26, zorder=2)
    top.set_ylabel("value")
    below.bar(place, weights, color=[BLUE if w > 0 else VERMILION for w in weights], width=0.9)
    below.axhline(0, color="#9AA3AC", linewidth=0.8)
    below.set_ylabel("effect on\nthe forecast")
    ticks = np.unique(np.linspace(0, len(values) - 1, min(6, len(values))).round().astype(int))
    top.set_xticks(ticks, [""] * len(ticks))
    below.set_xticks(ticks, [times[i] for i in ticks], fontsize=8.5)
    for axes in (top, below):
        axes.set_xlim(-0.02 * len(values), 1.02 * len(values))
    return svg(figure)


def _line(values: np.ndarray, label: str) -> str:
    figure = new_figure(1, 11.0, 2.4)
    (axes,) = figure.axes
    axes.plot(np.arange(1, len(values) + 1), values, color=BLUE, linewidth=1.6)
    axes.set_xlabel("segment")
    axes.set_ylabel(label)
    return svg(figure)
