"""A picture of where a decoder looked: words of an answer beside words of its source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.report.curves import new_figure, svg
from throughtime.report.label_plots import numbered

_LONG = 30


def attention(shares: np.ndarray, source: Sequence[str], target: Sequence[str]) -> str:
    """(U, T) shares, a row for each word of the answer. Numbers from 1 stand for words that cannot be drawn."""
    plain = numbered([*source, *target], _LONG)
    names = [[str(i) for i in range(1, len(words) + 1)] if plain else list(words) for words in (source, target)]
    figure = new_figure(1, 9.0, 1.6 + 0.26 * len(target))
    (axes,) = figure.axes
    axes.grid(False)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_xticks(range(len(source)), names[0], parse_math=False, rotation=0 if plain else 45, ha="right")
    axes.set_yticks(range(len(target)), names[1], parse_math=False)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("source")
    axes.set_ylabel("answer")
    return svg(figure)
