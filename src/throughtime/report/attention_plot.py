"""A picture of where a decoder looked: words of an answer beside words of its source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.report import fonts
from throughtime.report.curves import new_figure, svg

_LONG = 30
"""Characters of a word that are drawn."""


def attention(shares: np.ndarray, source: Sequence[str], target: Sequence[str]) -> str:
    """(U, T) shares as SVG, a row for each word of the answer; words that the usual font lacks in the reader's own."""
    names = [[word if len(word) <= _LONG else f"{word[: _LONG - 1]}…" for word in words] for words in (source, target)]
    with fonts.as_text("".join([*source, *target])) as finished:
        figure = new_figure(1, 9.0, 1.9 + 0.26 * len(target))
        (axes,) = figure.axes
        axes.grid(False)
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        axes.set_xticks(range(len(source)), names[0], parse_math=False, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(target)), names[1], parse_math=False)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("source")
        axes.set_ylabel("answer")
        drawn: str = finished(svg(figure))
    return drawn
