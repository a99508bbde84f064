"""Whether a model beats a baseline: a paired bootstrap, and a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

from throughtime.options import Json

RESAMPLES = 2000

FEWEST = 5
"""Groups that an interval needs at least."""

_AT_ONCE = 200_000
"""Groups that are drawn at once."""

_TIMES = 10.0
"""A loss that is so many times another one larger is told in units: a percentage of next to nothing says nothing. No
interval is needed to see that it is worse."""

_SMALL = 30
"""With fewer groups the percentiles of a bootstrap lie too close together, and are moved outward."""


@dataclass(frozen=True)
class Comparison:
    """Mean losses of a model and of another one on the same cases.

    ours, theirs: the means. gain: by how much ours is below theirs, as a share of it; low, high: its 95 % interval over
    resampled groups; difference: that of ours less theirs. groups: how many; unit: what a group is (plural).
    """

    ours: float
    theirs: float
    gain: float
    low: float
    high: float
    difference: tuple[float, float]
    groups: int
    unit: str

    def in_units(self, negligible: float) -> bool:
        """Whether a percentage would say nothing. negligible: a loss that is none but for rounding."""
        return self.theirs <= negligible or self.gain < -_TIMES

    def between(self) -> str:
        """The interval of the gain, in words."""
        return f"95 % interval {span_in_words(self.low, self.high)} over {self.groups:,} {self.unit}"

    def difference_between(self) -> str:
        """The interval of the difference, in words."""
        low, high = self.difference
        return f"95 % interval of the difference {low:+.3g} to {high:+.3g} over {self.groups:,} {self.unit}"


@dataclass(frozen=True)
class Verdict:
    """gain: by how much the model's mean loss is below the baseline's, as a share of it; low, high: its 95 % interval
    over resampled groups; groups: how many; sentence: in words. skill: True, False for worse, None for unproven."""

    baseline: str
    metric: str
    gain: float
    low: float
    high: float
    groups: int
    skill: bool | None
    sentence: str

    def to_json(self) -> dict[str, Json]:
        """Plain values."""
        return asdict(self)


_ONE = {"windows": "window", "stretches of time": "stretch of time", "stretches of text": "stretch of text"}


def too_few(count: int, unit: str) -> str:
    """That so many of something (a plural) are too few."""
    return f"1 {_ONE.get(unit, unit)} is too few" if count == 1 else f"{count} {unit} are too few"


def compared(
    ours: np.ndarray, theirs: np.ndarray, unit: str, groups: np.ndarray | None = None, seed: int = 0
) -> Comparison:
    """Compare losses (M,) or (M, 2) of the same cases, see `verdict`. No groups: there is nothing to compare.

    Source: the paired bootstrap, Efron and Tibshirani 1993, doi:10.1201/9780429246593, chapter 13 (percentiles); of few
    groups, see `_ends`.
    """
    pairs = [one if one.ndim == 2 else np.stack([one, np.ones(len(one))], 1) for one in (ours, theirs)]
    known = np.isfinite(pairs[0]).all(1) & np.isfinite(pairs[1]).all(1)
    mine, other = pairs[0][known], pairs[1][known]
    if not len(mine):
        return Comparison(0.0, 0.0, 0.0, 0.0, 0.0, (0.0, 0.0), 0, unit)
    labels = np.arange(len(known))[known] if groups is None else np.asarray(groups)[known]
    _, inverse = np.unique(labels, return_inverse=True)
    count = int(inverse.max()) + 1
    sums = [np.stack([np.bincount(inverse, part[:, k], count) for k in (0, 1)]) for part in (mine, other)]
    totals = [part.sum(1)[:, None] for part in sums]
    whole = [float(_mean(total)[0]) for total in totals]
    gain = float(_less(*totals)[0])
    if count < FEWEST:
        unbounded = float("-inf"), float("inf")
        return Comparison(whole[0], whole[1], gain, *unbounded, unbounded, count, unit)
    resampled, both = np.empty((2, 2, RESAMPLES)), np.stack(sums)
    for i, drawn in enumerate(_draws(count, np.random.default_rng(seed))):
        resampled[..., i] = both @ drawn
    ends = _ends(count)
    low, high = (float(v) for v in np.quantile(_less(*resampled), ends))
    least, most = (float(v) for v in np.quantile(_mean(resampled[0]) - _mean(resampled[1]), ends))
    return Comparison(whole[0], whole[1], gain, low, high, (least, most), count, unit)


def verdict(
    model: np.ndarray,
    baseline: np.ndarray,
    name: str,
    metric: str,
    unit: str,
    groups: np.ndarray | None = None,
    seed: int = 0,
    negligible: float = 0.0,
) -> Verdict:
    """Compare losses (M,) of the same cases, lower is better; NaN in either is left out.

    model, baseline: (M,); or (M, 2), losses and what they are shares of, where the metric is the sum of the first by
    the sum of the second: with the wrong and missing spans of a text, and those plus twice the right ones, 1 - F1.
    groups: (M,) cases that belong together, such as windows that overlap in time, are drawn together. name, metric,
    unit: of the baseline, of what is measured, and of what a group is (plural), for the sentence. negligible: a mean
    loss up to which it is none but for rounding.
    """
    both = compared(model, baseline, unit, groups, seed)
    if both.ours > negligible and not both.theirs and both.difference[0] > 0:
        score = _score(metric)
        is_ = f"{metric} is {both.ours:.3g}" if score == metric else f"{score} is {1 - both.ours:.1%}"
        sentence = (
            f"The model is worse than {name}, which is without error: {is_} over {both.groups:,} {unit}. "
            f"Use {name} instead."
        )
        return Verdict(name, metric, 0.0, 0.0, 0.0, both.groups, False, sentence)
    if not both.groups or not both.theirs:
        perfect = f"{name} is without error, the model is not." if both.ours else "both are without error."
        sentence = f"No verdict on {_score(metric)}: {perfect if both.groups else 'there is nothing to compare.'}"
        return Verdict(name, metric, 0.0, 0.0, 0.0, 0, None, sentence)
    if both.ours <= negligible and both.theirs <= negligible:
        sentence = (
            f"No verdict on {_score(metric)}: the model and {name}, the best baseline, are without error but for "
            "rounding."
        )
        return Verdict(name, metric, 0.0, 0.0, 0.0, both.groups, None, sentence)
    units = both.in_units(negligible)
    than = f"is {both.ours:.3g}, with {name} {both.theirs:.3g}" if units else _gain(both.gain)
    if both.gain < -_TIMES and both.theirs > negligible:
        of = f"{both.groups:,} {unit}"
        few = f" over {of}, too few for an interval" if both.groups < FEWEST else f" over {of}"
        sentence = (
            f"The model is worse than {name}: {metric} is {both.ours:.3g}, {both.ours / both.theirs:,.0f} times its "
            f"{both.theirs:.3g}{few}. Use {name} instead."
        )
        return Verdict(name, metric, both.gain, both.low, both.high, both.groups, False, sentence)
    if both.theirs <= negligible and both.ours > _TIMES * negligible > 0:
        sentence = (
            f"The model is worse than {name}, which is without error but for rounding: {metric} is {both.ours:.3g} "
            f"over {both.groups:,} {unit}. Use {name} instead."
        )
        return Verdict(name, metric, both.gain, both.low, both.high, both.groups, False, sentence)
    what = metric if units else _in_words(metric, both)
    if both.groups < FEWEST:
        of = ", the best baseline" if units else f" that of {name}, the best baseline"
        sentence = f"No proven skill: {what} {than}{of}, but {too_few(both.groups, unit)} to tell."
        return Verdict(name, metric, both.gain, both.low, both.high, both.groups, None, sentence)
    skill = True if both.low > 0 else False if both.high < 0 else None
    between = both.difference_between() if units else both.between()
    if skill:
        sentence = f"The model beats the best baseline, {name}: {what} {than} its own ({between})."
    elif skill is None:
        of = ", the best baseline" if units else f" that of the best baseline, {name}"
        sentence = (
            f"No proven skill: {what} {than}{of}, and the interval includes 0 ({between}). "
            f"{name[0].upper()}{name[1:]} may do as well."
        )
    else:
        of = "" if units else " its own"
        sentence = f"The model is worse than {name}: {what} {than}{of} ({between}). Use {name} instead."
    return Verdict(name, metric, both.gain, both.low, both.high, both.groups, skill, sentence)


def _score(metric: str) -> str:
    """What a loss is 1 less of, or the loss itself."""
    return metric.removeprefix("1 - ")


def _in_words(metric: str, both: Comparison) -> str:
    """What is compared: the loss itself, or both scores and what they are short of, where the loss is 1 - a score."""
    score = _score(metric)
    if score == metric:
        return metric
    return f"{score} is {1 - both.ours:.1%} against {1 - both.theirs:.1%}, and what is missing to 100%"


def _draws(count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """RESAMPLES times how often each of `count` groups is drawn, (count,) float64."""
    rows = max(1, min(RESAMPLES, _AT_ONCE // count))
    for first in range(0, RESAMPLES, rows):
        some = min(rows, RESAMPLES - first)
        drawn = rng.integers(0, count, (some, count)) + count * np.arange(some)[:, None]
        yield from np.bincount(drawn.ravel(), minlength=some * count).reshape(some, count).astype(np.float64)


def _ends(count: int) -> list[float]:
    """Which quantiles of resampled groups are the ends of a 95 % interval; with few groups further out, by as much as
    Student's t with their degrees of freedom is wider than the normal distribution.

    Source: Hesterberg 2015, doi:10.1080/00031305.2015.1089789 (the expanded percentile interval); the
    quantile of t by Abramowitz and Stegun 1964, 26.7.5.
    """
    if count >= _SMALL:
        return [0.025, 0.975]
    z, n = NormalDist().inv_cdf(0.975), count - 1
    t = z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    low = NormalDist().cdf(-t * math.sqrt(count / n))
    return [low, 1 - low]


def _mean(sums: np.ndarray) -> np.ndarray:
    """sums[0] / sums[1], (N,); 0 where that is nothing."""
    nothing = sums[1] == 0
    shares: np.ndarray = np.where(nothing, 0.0, sums[0] / np.where(nothing, 1.0, sums[1]))
    return shares


def _less(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """By how much the shares ours[0] / ours[1] are below the others, as a share of those, (N,); 0 where that is 0."""
    nothing = (ours[1] == 0) | (theirs[0] == 0)
    (a, b), (c, d) = (np.where(nothing, 1.0, one) for one in (ours, theirs))
    gains: np.ndarray = np.where(nothing, 0.0, 1 - a / b * d / c)
    return gains


def _gain(gain: float) -> str:
    return f"is {abs(gain):.1%} {'below' if gain >= 0 else 'above'}"


def span_in_words(low: float, high: float, less: str = "below", more: str = "above") -> str:
    """From one gain to another, by the side that each is on: 16.3% above to 9.2% below. less, more: words for a gain
    and for a loss."""
    ends = (high, low) if low < 0 and high < 0 else (low, high)  # the smaller number first
    words = [f"{abs(value):.1%} {less if value >= 0 else more}" for value in ends]
    if (low >= 0) == (high >= 0):
        words[0] = f"{abs(ends[0]):.1%}"
    return " to ".join(words)
