"""Several labels a text: linear models, weights, thresholds and metrics, of every label by itself.

    p_c = 1 / (1 + exp(-y_c)),   y = sum_k weight_k y_k + shift       (y_k the log odds by model k)

Label c is said where p_c reaches its threshold, which the validation part decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.data.label_sets import multi_hot
from throughtime.errors import needed
from throughtime.linear.ensemble import MAJORITY, RECURRENCE, Weights
from throughtime.linear.fit import COSTS, MISSING, available, matrix, sample, solved
from throughtime.linear.metrics import BINS
from throughtime.linear.model import NgramModel, Rows, weighed
from throughtime.linear.ngrams import Ngrams

NAMES = {"words": "one-vs-rest TF-IDF words, logistic regression"}
NAMES["characters"] = "one-vs-rest TF-IDF characters, logistic regression"

_PRIOR = 5.0
"""Texts with and without a label that a threshold of a half weighs: rare labels do not get one by chance."""

_STEPS = 10

_ODDS = 30.0
"""What log odds are at most: sums of them stay finite, and probabilities below 1."""

Held = tuple[Sequence[str], Sequence[str]]
"""Texts and sets of labels to choose on."""


def probabilities(odds: np.ndarray) -> np.ndarray:
    """Those (N, C) float64 of log odds."""
    found: np.ndarray = 1 / (1 + np.exp(-np.clip(odds.astype(np.float64), -_ODDS, _ODDS)))
    return found


def combined(odds: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of log odds (N, C), by name."""
    total: np.ndarray = sum(
        (weights[name] * np.clip(one.astype(np.float64), -_ODDS, _ODDS) for name, one in odds.items()),
        start=np.zeros(1),
    )
    return total


def log_loss(odds: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N,) the mean over labels of -log p of what is true. truth: (N, C) bool."""
    signed = np.where(truth, odds, -odds).astype(np.float64)
    losses: np.ndarray = np.logaddexp(0, -signed).mean(1)
    return losses


def counts(said: np.ndarray, truth: np.ndarray, unknown: np.ndarray | int = 0) -> np.ndarray:
    """(N, 2): of each text the labels that are wrong or missing, and those plus twice the right ones: the sum of the
    first by that of the second is 1 - micro F1. unknown: (N,) labels of a text that the model does not know."""
    right, wrong = (said & truth).sum(1), (said ^ truth).sum(1) + unknown
    return np.stack([wrong, wrong + 2 * right], 1).astype(np.float64)


def micro_f1(said: np.ndarray, truth: np.ndarray) -> float:
    """2 tp / (2 tp + fp + fn) over all labels; 0 where there are none. Both (N, C) bool."""
    wrong, whole = counts(said, truth).sum(0)
    return float(1 - wrong / whole) if whole else 0.0


def f1_by_label(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(C,) of each label; 0 where it is neither said nor true."""
    whole = said.sum(0) + truth.sum(0)
    found: np.ndarray = 2 * (said & truth).sum(0) / np.maximum(1, whole)
    return found


def calibration(shares: np.ndarray, truth: np.ndarray) -> dict[str, list[Any]]:
    """How often labels of a probability are there, as metrics.reliability says it of classes; all labels together."""
    top, right = shares.ravel(), truth.ravel()
    own = np.clip(np.ceil(top * BINS).astype(np.int64) - 1, 0, BINS - 1)
    number = np.bincount(own, minlength=BINS)
    sums = [np.bincount(own, value, BINS) for value in (top, right)]
    means = [[float(s / n) if n else None for s, n in zip(total, number, strict=True)] for total in sums]
    edges = np.linspace(0, 1, BINS + 1).tolist()
    return {"edges": edges, "counts": number.tolist(), "confidence": means[0], "accuracy": means[1]}


def calibration_error(shares: np.ndarray, truth: np.ndarray) -> float:
    """The mean over texts and labels of |share that is there - probability| of their bin of `calibration`."""
    found = calibration(shares, truth)
    parts = zip(found["counts"], found["confidence"], found["accuracy"], strict=True)
    return float(sum(n * abs(a - c) for n, c, a in parts if n) / max(1, truth.size))


def thresholds(shares: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(C,) the probability from which each label is said, for the best F1 of that label; towards a half where few texts
    decide. shares: (N, C); truth: (N, C) bool.

    Source: the F1-optimal threshold, Lipton et al. 2014, arXiv:1402.1892.
    """
    found = np.full(shares.shape[1], 0.5)
    for c in range(shares.shape[1]):
        right = int(truth[:, c].sum())
        if not right:
            continue
        order = np.argsort(-shares[:, c], kind="stable")
        sure, there = shares[order, c], truth[order, c].cumsum()
        f1 = 2 * there / (np.arange(1, len(order) + 1) + right)
        f1[:-1][sure[:-1] == sure[1:]] = -1  # equally likely ones are said together or not at all
        best = int(f1.argmax())
        below = sure[best + 1] if best + 1 < len(sure) else 0.0
        cut = (sure[best] + below) / 2
        found[c] = (right * cut + _PRIOR * 0.5) / (right + _PRIOR)
    return found


def decide(recurrence: np.ndarray, linear: Mapping[str, np.ndarray], truth: np.ndarray, linear_models: bool) -> Weights:
    """The weights of log odds (N, C) that a validation part tells: shares in tenths, and one factor that makes the
    whole as sure as it is right. truth: (N, C) bool. linear_models: whether those may have weights."""
    parts = {name: one for name, one in linear.items() if name != MAJORITY}
    alone = {name: 1 / len(parts) for name in parts}
    if len(parts) > 1:
        tried = [dict.fromkeys(parts, 1 / len(parts)), *({**dict.fromkeys(parts, 0.0), name: 1.0} for name in parts)]
        alone = min(tried, key=lambda weights: float(log_loss(combined(parts, weights), truth).mean()))
    linear_weights: dict[str, float] = {}
    if parts:
        factor, _ = _factor(combined(parts, alone), truth)
        linear_weights = {name: weight * factor for name, weight in alone.items()}
    mixed = combined(parts, linear_weights) if parts and linear_models else None
    own = np.clip(recurrence.astype(np.float64), -_ODDS, _ODDS)
    best, least = (1.0, 1.0), np.inf
    for tenths in range(_STEPS + 1) if mixed is not None else (_STEPS,):
        share = tenths / _STEPS
        factor, loss = _factor(share * own + ((1 - share) * mixed if mixed is not None else 0.0), truth)
        if loss < least:
            best, least = (share, factor), loss
    share, factor = best
    weights = {RECURRENCE: share * factor}
    if mixed is not None:
        weights |= {name: (1 - share) * factor * weight for name, weight in linear_weights.items()}
    return Weights(weights, linear_weights)


def _factor(odds: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The factor of log odds with the least log loss, drawn to 1 as by one more text, and that loss."""
    tried = np.exp(np.linspace(-2.0, 2.0, 41))
    losses = [float(log_loss(odds * f, truth).sum() + np.log(f) ** 2) / max(1, len(truth)) for f in tried]
    best = int(np.argmin(losses))
    return float(tried[best]), losses[best]


def shares_model(truth: np.ndarray) -> NgramModel:
    """How frequent each label is, one text with it and one without added, whatever the text says."""
    share = (truth.sum(0) + 1) / (len(truth) + 2)
    bias = np.log(share / (1 - share)).astype(np.float32)
    return NgramModel(Ngrams(words=(1, 1), characters=None), np.zeros((0, len(bias)), np.float32), bias)


def fit_linear_models(
    texts: Sequence[str],
    labels: Sequence[str],
    held: Held | None,
    classes: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
    choices: Mapping[str, Mapping[str, float]] | None = None,
    weights: np.ndarray | None = None,
    seconds: float | None = None,
) -> dict[str, NgramModel]:
    """The labels' shares, and one-vs-rest TF-IDF with logistic regression over words and over characters, by name; C
    chosen on `held` by micro F1. choices, say, seconds: as linear.fit.fit_linear_models takes them. weights: (N, C) of
    each label's texts that have it or not."""
    end = time.monotonic() + seconds if seconds is not None and held is not None else np.inf
    truth = multi_hot(labels, classes)
    models = {MAJORITY: shares_model(truth)}
    if not available():
        say(f"{MISSING}: {needed('labels')}")
        return models
    rows = sample(texts)
    if len(rows) < len(texts):
        say(f"linear models: {len(rows):,} of {len(texts):,} texts, drawn at random, so that they fit into memory")
        texts, truth = [texts[i] for i in rows], truth[rows]
        weights = None if weights is None else weights[rows]
    for unit, ngrams in (("words", Ngrams((1, 2), None)), ("characters", Ngrams(None, (1, 5)))):
        name = NAMES[unit]
        if len(models) > 1 and time.monotonic() >= end:
            say(f"{name}: left out, the linear models' share of the minutes is over")
            continue
        if choices and held is None and name not in choices:
            continue  # left out when it was chosen
        counted = ngrams.fit(texts).rows(texts)
        before = (choices or {}).get(name, {})
        costs = (before["C"],) if "C" in before else COSTS["tf-idf"]
        models[name] = _chosen(_fits(ngrams, counted, truth, costs, weights), len(costs), held, classes)
        told = "fitted"
        if held is not None:
            said = probabilities(models[name].logits(held[0])) >= 0.5
            told = f"micro F1 {micro_f1(said, multi_hot(held[1], classes)):.1%} on the validation part"
        say(f"{name}: {told}")
    return models


def _fits(
    ngrams: Ngrams, rows: Rows, truth: np.ndarray, costs: Sequence[float], weights: np.ndarray | None
) -> Iterator[NgramModel]:
    df = np.bincount(rows[1], minlength=ngrams.size)
    scale = (1 + np.log((1 + len(truth)) / (1 + df))).astype(np.float32)
    x = matrix(rows, weighed(*rows, scale, "log"), ngrams.size)
    start = shares_model(truth).bias
    for cost in costs:
        w, b = np.zeros((ngrams.size, truth.shape[1]), np.float32), start.copy()
        for c in np.flatnonzero(truth.any(0) & ~truth.all(0)):
            own = None if weights is None else weights[:, c]
            coefficients, bias = solved(x, truth[:, c], cost, own)
            w[:, c], b[c] = coefficients[0], bias[0]
        made = NgramModel(ngrams, w, b, scale, "log")
        made.choice = {"C": float(cost)}
        yield made


def _chosen(fits: Iterator[NgramModel], count: int, held: Held | None, classes: Sequence[str]) -> NgramModel:
    """The fit with the best micro F1 on held; the second without it."""
    if held is None or count == 1:
        return [next(fits) for _ in range(min(2, count))][-1]
    truth = multi_hot(held[1], classes)

    def figure(model: NgramModel) -> tuple[float, float]:
        odds = model.logits(held[0])
        return -micro_f1(probabilities(odds) >= 0.5, truth), float(log_loss(odds, truth).mean())

    return min(((figure(model), i, model) for i, model in enumerate(fits)))[2]
