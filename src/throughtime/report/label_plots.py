"""Pictures of answers that are names: what is taken for what, how sure, how often right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from throughtime.options import Json
from throughtime.report.curves import BLUE, GREY, VERMILION, new_figure, svg

CLASSES = 25
"""Classes drawn in one picture; of more, those with the most errors."""

KINDS = 30
"""Kinds of spans drawn in one picture, the most frequent."""

_NAME, _INK = 22, "#1C2024"


def numbered(names: Iterable[str], most: int = _NAME) -> bool:
    """Whether numbers, from 1, stand for these names in a picture: its font lacks a letter of one of them, or two look
    the same when they are shortened to so many letters."""
    known, every = _letters(), list(names)
    drawable = all(known.issuperset(map(ord, "".join(name.split()))) for name in every)
    return not drawable or len({_short(name, most) for name in every}) < len(every)


def shown_classes(matrix: np.ndarray) -> list[int]:
    """The classes that are drawn, in their order: all, or the CLASSES that are most often missed or wrongly said."""
    right = np.diagonal(matrix)
    wrong = matrix.sum(0) + matrix.sum(1) - 2 * right
    return sorted(int(i) for i in np.argsort(-wrong, kind="stable")[:CLASSES])


def shown_kinds(kinds: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """The kinds that are drawn, the most frequent first."""
    return sorted(kinds, key=lambda name: -int(kinds[name]["support"]))[:KINDS]


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """How many texts of a class, (C, C) rows, were called which, columns; the shade is the share of the row."""
    shown = shown_classes(matrix)
    size = len(shown)
    counts = matrix[shown][:, shown]
    names = _names([classes[i] for i in shown])
    if size < len(matrix):
        counts = np.column_stack([counts, matrix[shown].sum(1) - counts.sum(1)])
    shares = counts / np.maximum(1, matrix[shown].sum(1))[:, None]
    height = 1.4 + max(0.32, 0.6 - 0.03 * size) * size
    figure = new_figure(1, 11.0, height)
    (axes,) = figure.axes
    axes.grid(False)
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    letter = 10 if size <= 8 else 8.5 if size <= 15 else 7
    for (i, j), count in np.ndenumerate(counts):
        if count:
            share = f" ({shares[i, j]:.0%})" if size <= 8 else ""
            ink = "white" if shares[i, j] > 0.55 else _INK
            axes.text(j, i, f"{count:,}{share}", ha="center", va="center", color=ink, fontsize=letter)
    columns = [*names, *(["any other"] if counts.shape[1] > size else [])]
    axes.set_xticks(range(len(columns)), columns, parse_math=False, **_turned(columns))
    axes.set_yticks(range(size), names, parse_math=False)
    axes.set_xticks(np.arange(0.5, len(columns) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, size - 1), minor=True)
    axes.grid(True, which="minor", axis="both", color="#E8EBEE", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("answer")
    axes.set_ylabel("label")
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01, aspect=6 * height)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors="#454C53", labelsize=8.5, length=0)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return svg(figure)


def reliability(entry: Mapping[str, Sequence[Any]]) -> str:
    """How often answers are right by how sure they are, and below how many there are; see classify_metrics.reliability.

    The thin lines are 95 % intervals, at the mean confidence.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    edges, counts = np.asarray(entry["edges"], float), np.asarray(entry["counts"], float)
    said, right = (np.array([np.nan if v is None else v for v in entry[k]], float) for k in ("confidence", "accuracy"))
    figure = new_figure(1, 9.5, 5.0, rows=(2.4, 1.0))
    above, below = figure.axes
    lefts, widths = 100 * edges[:-1], 100 * np.diff(edges)
    some = (counts > 0) & np.isfinite(said) & np.isfinite(right)
    above.bar(
        lefts[some], 100 * right[some], widths[some], align="edge", color=BLUE, alpha=0.75, edgecolor="white",
        label="right",
    )  # fmt: skip
    above.plot([0, 100], [0, 100], color=GREY, linewidth=1.0, linestyle="--", label="as it should be")
    p, n, z = right[some], counts[some], 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    spread = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    above.vlines(100 * said[some], 100 * (middle - spread), 100 * (middle + spread), color=_INK, linewidth=1.0)
    above.set_ylim(0, 103)
    above.set_ylabel("right, %")
    above.legend(frameon=False, fontsize=9, loc="upper left")
    below.bar(lefts, counts, widths, align="edge", color=GREY, alpha=0.6, edgecolor="white")
    below.set_ylabel("answers")
    below.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    below.set_xlabel("probability of the answer, %")
    above.tick_params(labelbottom=False)
    for axes in (above, below):
        axes.set_xlim(0, 100)
    return svg(figure)


def scores(entries: Sequence[tuple[str, float]], measure: str) -> str:
    """Shares from 0 to 1 as horizontal bars, of the baselines and, the last and in blue, of the model."""
    names = _names([name for name, _ in entries], 48)
    values = [100 * value for _, value in entries]
    colours = ["#A3ABB3"] * (len(entries) - 1) + [BLUE]
    figure = new_figure(1, 11.0, 0.9 + 0.34 * len(entries))
    (axes,) = figure.axes
    _bars(axes, names, values, colours, [f"{value:.2f}" for value in values])
    axes.get_yticklabels()[-1].set(color=BLUE, fontweight="bold")
    axes.set_xlabel(f"{measure}, %")
    return svg(figure)


def by_kind(kinds: Mapping[str, Mapping[str, Json]]) -> str:
    """The F1 of each kind of span, the most frequent first, with how many spans there are of it."""
    shown = shown_kinds(kinds)
    names = _names(shown)
    values = [100 * float(kinds[name]["f1"]) for name in shown]
    colours = [BLUE if kinds[name]["support"] else VERMILION for name in shown]
    figure = new_figure(1, 11.0, 1.0 + 0.27 * len(shown))
    (axes,) = figure.axes
    said = [f"{value:.1f}  of {kinds[name]['support']:,}" for name, value in zip(shown, values, strict=True)]
    _bars(axes, names, values, colours, said)
    axes.set_xlabel("F1, %")
    return svg(figure)


def _turned(columns: Sequence[str]) -> dict[str, Json]:
    """How the names under a picture's columns lie, so that none touches its neighbour."""
    if len(columns) * max(map(len, columns)) <= 110:
        return {}
    if len(columns) > 12:
        return {"rotation": 90}
    return {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}


def _bars(
    axes: Any, names: Sequence[str], values: Sequence[float], colours: Sequence[str], said: Sequence[str]
) -> None:
    axes.barh(range(len(names)), values, color=colours, height=0.68)
    for i, (value, text) in enumerate(zip(values, said, strict=True)):
        axes.annotate(text, (value, i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20))
    axes.grid(False)
    axes.grid(axis="x", color="#E8EBEE", linewidth=0.8)
    axes.tick_params(axis="y", length=0)


def _names(names: Sequence[str], most: int = _NAME) -> list[str]:
    """Names as they are drawn: shortened, or numbers where the font lacks a letter."""
    if numbered(names, most):
        return [str(i) for i in range(1, len(names) + 1)]
    return [_short(name, most) for name in names]


def _short(name: str, most: int) -> str:
    line = " ".join(name.split()) or "(empty)"
    end = most // 3
    return line if len(line) <= most else f"{line[: most - 3 - end].rstrip()}...{line[-end:].lstrip()}"


def _letters() -> frozenset[int]:
    """What the font that matplotlib draws with can write; the boxes of its last resort do not count."""
    from matplotlib import font_manager

    return _of_font(font_manager.findfont(font_manager.FontProperties()))


@lru_cache(8)
def _of_font(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(path).get_charmap())
