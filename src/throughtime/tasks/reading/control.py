"""The control of order: what a model makes of texts whose tokens stand in a random order, with an interval."""

from __future__ import annotations

import numpy as np

from throughtime.options import Json

RESAMPLES = 2000

_FEW = 5
"""Different texts from which an interval says something."""


def order_effect(own: np.ndarray, mixed: np.ndarray, groups: np.ndarray) -> dict[str, Json]:
    """How much a model lives by the order of tokens, from what of each text it has right: gain, low, high.

    own, mixed: (N, 2), how many answers on a text are right, and how many there are; in its own order and in a random
    one. groups: (N,) numbers, texts that are the same share one. gain: by how much the share of right answers is
    higher in their own order; low, high: its 95 % interval over resampled groups, None where those are too few.

    Source: the paired bootstrap, Efron and Tibshirani 1993, doi:10.1201/9780429246593, chapter 13 (percentiles).
    """
    _, place = np.unique(groups, return_inverse=True)
    count = int(place.max(initial=-1)) + 1
    sums = [np.stack([np.bincount(place, one[:, k], count) for k in (0, 1)]) for one in (own, mixed)]

    def gain(weights: np.ndarray) -> float:
        (right, all_), (right_mixed, all_mixed) = (one @ weights for one in sums)
        return float(right / max(1.0, all_) - right_mixed / max(1.0, all_mixed))

    found: dict[str, Json] = {"gain": gain(np.ones(count)), "low": None, "high": None}
    if count >= _FEW:
        rng = np.random.default_rng(0)
        draws = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(RESAMPLES)]
        low, high = np.quantile([gain(drawn) for drawn in draws], [0.025, 0.975])
        found |= {"low": float(low), "high": float(high)}
    return found


def in_words(found: dict[str, Json]) -> str:
    """What `order_effect` comes to, the end of a sentence: a claim only where the interval has one sign."""
    if found["low"] is None:
        return "too few texts to tell what their order does."
    low, high = 100 * found["low"], 100 * found["high"]
    between = f"95 % interval of the difference {low:+.1f} to {high:+.1f} points"
    if found["low"] > 0:
        return f"it lives by their order ({between})."
    if found["high"] < 0:
        return f"what it makes of their order misleads it here ({between})."
    return f"no effect of their order is shown ({between})."
