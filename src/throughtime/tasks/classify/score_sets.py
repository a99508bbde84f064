"""How good a classifier of several labels a text is, beside the baselines, and what its recurrence adds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.data.label_sets import as_one, members, multi_hot
from throughtime.data.label_values import matched
from throughtime.data.labelled import Texts
from throughtime.linear import several
from throughtime.linear.ensemble import RECURRENCE
from throughtime.linear.folder import digests
from throughtime.tasks.reading.control import in_words, order_effect
from throughtime.tasks.reading.verdicts import adds

MISTAKES = 20
"""The most confident mistakes that are kept to read."""

SHOWN = 400
"""Characters of a mistake that are kept."""

CONTROL = 2000
"""Texts in which the order of the tokens is shuffled."""

_TEXTS = 4096

_HALF = 0.5
"""The probability from which baselines say a label, as logistic regression does."""


def score_sets(model: Any, given: Texts, seen: np.ndarray | None, rows: bool = False) -> dict[str, Any]:
    """Everything an evaluation says of texts with sets of labels.

    model: a LabelSetClassifier. seen: digests of the texts that were learned from, None where they are not known. rows:
    also the answer to each text.
    """
    given = replace(given, labels=[as_one(matched(members(one), model.classes)) for one in given.labels])
    truth = multi_hot(given.labels, model.classes)
    unknown = np.array([len(members(one)) for one in given.labels]) - truth.sum(1)
    digest = digests(given.texts)
    groups = np.unique(digest, return_inverse=True)[1]
    parts = _parts(model, given.texts)
    shares = model.shares({name: one for name, one in parts.items() if model.weights.get(name)})
    said = shares >= model.thresholds
    own = several.counts(said, truth, unknown)
    evaluation: dict[str, Any] = {
        "texts": len(given),
        **_figures(said, truth, unknown),
        "calibration_error": several.calibration_error(shares, truth),
        "reliability": several.calibration(shares, truth),
        "labels": _by_label(model, said, truth),
        "weights": dict(model.weights),
        "baselines": {},
    }
    if seen is not None:
        fresh = ~np.isin(digest, seen)
        figure = _figures(said[fresh], truth[fresh], unknown[fresh])["micro_f1"] if fresh.any() else None
        evaluation["unseen"] = {"texts": int(fresh.sum()), **({} if figure is None else {"micro_f1": figure})}
    losses = {}
    for name in model.linear:
        answer = several.probabilities(parts[name]) >= _HALF
        losses[name] = several.counts(answer, truth, unknown)
        evaluation["baselines"][name] = _figures(answer, truth, unknown)
    if losses:
        best = max(losses, key=lambda name: evaluation["baselines"][name]["micro_f1"])
        evaluation["verdict"] = verdict(own, losses[best], best, "1 - micro F1", "texts", groups).to_json()
    evaluation["recurrence"] = _recurrence(model, parts, truth, unknown, own, groups)
    evaluation["shuffled"] = _control(model, given, truth, unknown, groups)
    evaluation["mistakes"] = _mistakes(model, given, said, shares, truth)
    if rows:
        each = zip(model.label(given.texts), shares, strict=True)
        evaluation["answers"] = [{"labels": labels, "probabilities": one.tolist()} for (labels, _), one in each]
    return evaluation


def _parts(model: Any, texts: list[str]) -> dict[str, np.ndarray]:
    """The log odds (N, C) float64 of the recurrence and of every linear model, weight or not."""
    chunks: dict[str, list[np.ndarray]] = {}
    for first in range(0, len(texts), _TEXTS):
        some = texts[first : first + _TEXTS]
        chunks.setdefault(RECURRENCE, []).append(model.recurrence(some))
        for name, one in model.linear.items():
            chunks.setdefault(name, []).append(one.logits(some).astype(np.float64))
    return {name: np.concatenate(each) for name, each in chunks.items()}


def _figures(said: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> dict[str, float]:
    """micro F1, macro F1 over the labels of the model, and the share of texts whose labels are all right."""
    wrong, whole = several.counts(said, truth, unknown).sum(0)
    right = (said == truth).all(1) & (unknown == 0)
    return {
        "micro_f1": float(1 - wrong / whole) if whole else 0.0,
        "macro_f1": float(several.f1_by_label(said, truth).mean()),
        "subset_accuracy": float(right.mean()) if len(right) else 0.0,
    }


def _by_label(model: Any, said: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, Any]]:
    found = {}
    f1 = several.f1_by_label(said, truth)
    for c, name in enumerate(model.classes):
        there, told, right = int(truth[:, c].sum()), int(said[:, c].sum()), int((said & truth)[:, c].sum())
        found[name] = {
            "there": there,
            "said": told,
            "precision": right / told if told else None,
            "recall": right / there if there else None,
            "f1": float(f1[c]) if there or told else None,
            "threshold": float(model.thresholds[c]),
        }
    return found


def _recurrence(
    model: Any,
    parts: dict[str, np.ndarray],
    truth: np.ndarray,
    unknown: np.ndarray,
    own: np.ndarray,
    groups: np.ndarray,
) -> dict[str, Any]:
    """The recurrence alone, and what it adds to the linear models."""
    alone = several.probabilities(parts[RECURRENCE]) >= _HALF
    found: dict[str, Any] = {"micro_f1": _figures(alone, truth, unknown)["micro_f1"]}
    if any(model.linear_weights.values()) and set(model.linear_weights) <= set(parts):
        odds = several.combined({name: parts[name] for name in model.linear_weights}, model.linear_weights)
        said = several.probabilities(odds) >= _HALF
        found["linear_micro_f1"] = _figures(said, truth, unknown)["micro_f1"]
        loss = several.counts(said, truth, unknown)
        added = verdict(own, loss, "the linear models without it", "1 - micro F1", "texts", groups).to_json()
        found["adds"] = {**added, "sentence": adds(added, model.weights.get(RECURRENCE, 0.0))}
    return found


def _control(model: Any, given: Texts, truth: np.ndarray, unknown: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """The recurrence on texts whose tokens stand in a random order: how much its F1 lives by their order."""
    rows = np.arange(len(given))
    if len(rows) > CONTROL:
        rows = np.sort(np.random.default_rng(0).choice(len(given), CONTROL, replace=False))
    texts = [given.texts[i] for i in rows]
    counted = []
    for rng in (None, np.random.default_rng(0)):
        said = several.probabilities(model.recurrence(texts, rng)) >= _HALF
        wrong, whole = several.counts(said, truth[rows], unknown[rows]).T
        counted.append(np.stack([whole - wrong, whole], 1))
    effect = order_effect(counted[0], counted[1], groups[rows])
    straight, mixed = (float(one[:, 0].sum() / max(1.0, one[:, 1].sum())) for one in counted)
    told = (
        f"With the tokens of each text in a random order the recurrence alone has a micro F1 of {mixed:.1%}, otherwise "
    )
    return {"micro_f1": mixed, "texts": len(rows), **effect, "sentence": f"{told}{straight:.1%}: {in_words(effect)}"}


def _mistakes(
    model: Any, given: Texts, said: np.ndarray, shares: np.ndarray, truth: np.ndarray
) -> list[dict[str, Any]]:
    """Texts with a label that is surest to be there and is not, or surest not to be and is."""
    surprise = np.where(truth, 1 - shares, shares).max(1)
    wrong = np.flatnonzero((said != truth).any(1))
    order = wrong[np.argsort(-surprise[wrong], kind="stable")][:MISTAKES]

    def names(one: np.ndarray) -> str:
        return ", ".join(model.classes[c] for c in np.flatnonzero(one)) or "no label"

    return [
        {
            "text": given.texts[i][:SHOWN] + ("..." if len(given.texts[i]) > SHOWN else ""),
            "label": names(truth[i]),
            "answer": names(said[i]),
            "probability": float(surprise[i]),
            "row": given.rows[i] if given.rows else int(i),
        }
        for i in order
    ]
