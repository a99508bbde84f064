"""How good a classifier is, beside the baselines, and whether its recurrence earns its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.data.labelled import Texts
from throughtime.linear import metrics
from throughtime.linear.ensemble import RECURRENCE, fuse
from throughtime.linear.folder import digests, was_seen
from throughtime.tasks.classify.text_classifier import TextClassifier

MISTAKES = 20
"""The most confident mistakes that are kept to read."""

_SHOWN_CLASSES = 500
"""Classes up to which it is told which are taken for which."""

_SHOWN = 400
"""Characters of a mistake that are kept."""

_CONTROL = 2000
"""Texts in which the order of the tokens is shuffled."""

_TEXTS = 4096


def score(
    model: TextClassifier, given: Texts, without: Mapping[str, float], folder: Path | None, rows: bool = False
) -> dict[str, Any]:
    """Everything an evaluation says of texts with labels.

    without: the weights of the linear models alone, whom the recurrence is measured against. folder: the model's, which
    knows the texts it learned from. rows: also the answer to each text.
    """
    classes = model.classes
    place = {name: i for i, name in enumerate(classes)}
    truth = np.array([place.get(label, -1) for label in given.labels], np.int64)
    groups = np.unique(digests(given.texts), return_inverse=True)[1]
    parts: dict[str, np.ndarray] = {}
    for first in range(0, len(given), _TEXTS):
        some = given.texts[first : first + _TEXTS]
        own = {RECURRENCE: model.recurrence(some)}
        own |= {name: one.log_probabilities(some).astype(np.float64) for name, one in model.linear.items()}
        for name, value in own.items():
            parts[name] = np.concatenate([parts[name], value]) if name in parts else value
    answers = np.exp(fuse({n: p for n, p in parts.items() if model.fusion.get(n)}, model.fusion))
    guess = answers.argmax(1)
    wrong = (guess != truth).astype(np.float64)
    found: dict[str, Any] = {
        "texts": len(given),
        "accuracy": float(1 - wrong.mean()),
        "macro_f1": metrics.macro_f1(guess, truth),
        "calibration_error": metrics.calibration_error(answers, truth),
        "classes": classes,
        "confusion": metrics.confusion(truth, guess, len(classes)).tolist() if len(classes) <= _SHOWN_CLASSES else [],
        "reliability": metrics.reliability(answers, truth),
        "fusion": dict(model.fusion),
        "baselines": {},
    }
    if model.threshold is not None:
        sure = answers.max(1) >= model.threshold
        right = float(1 - wrong[sure].mean()) if sure.any() else None
        found["sure"] = {"threshold": model.threshold, "share": float(sure.mean()), "accuracy": right}
    seen = was_seen(folder, given.texts)
    fresh = None if seen is None else ~seen
    if fresh is not None:
        found["unseen"] = {
            "texts": int(fresh.sum()),
            "accuracy": float(1 - wrong[fresh].mean()) if fresh.any() else None,
        }
    errors = {}
    for name in model.linear:
        own_guess = parts[name].argmax(1)
        errors[name] = (own_guess != truth).astype(np.float64)
        entry = {"accuracy": float(1 - errors[name].mean()), "macro_f1": metrics.macro_f1(own_guess, truth)}
        if fresh is not None and fresh.any():
            entry["accuracy_unseen"] = float(1 - errors[name][fresh].mean())
        found["baselines"][name] = entry
    if errors:
        best = min(errors, key=lambda name: errors[name].sum())
        found["verdict"] = verdict(wrong, errors[best], best, "error rate", "texts", groups).to_json()
    own_wrong = (parts[RECURRENCE].argmax(1) != truth).astype(np.float64)
    found["recurrence"] = {"accuracy": float(1 - own_wrong.mean())}
    if any(without.values()) and set(without) <= set(parts):
        alone = fuse({n: parts[n] for n in without}, without).argmax(1)
        linear = (alone != truth).astype(np.float64)
        found["recurrence"]["linear_accuracy"] = float(1 - linear.mean())
        added = verdict(wrong, linear, "the linear models without it", "error rate", "texts", groups).to_json()
        found["recurrence"]["adds"] = {**added, "sentence": _adds(added, model.fusion.get(RECURRENCE, 0.0))}
    found["shuffled"] = _control(model, given, truth, own_wrong)
    found["mistakes"] = _mistakes(given, answers, truth, guess, classes)
    if rows:
        found["answers"] = [
            {"label": classes[g], "probabilities": [float(v) for v in one]}
            for g, one in zip(guess, answers, strict=True)
        ]
    return found


def _adds(added: Mapping[str, Any], share: float) -> str:
    """What the recurrence brings beyond the linear models, in a sentence. share: of the weight it has."""
    if not share:
        return "The recurrence has no say here: on the validation part the linear models did as well without it."
    low, high = added["low"], added["high"]
    fewer = "fewer" if added["gain"] >= 0 else "more"
    size = f"{abs(added['gain']):.1%} {fewer} errors than the same linear models without it"
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"Too few texts to tell whether the recurrence earns its place: with it {size}."
    between = f"95 % interval of the errors saved {low:+.1%} to {high:+.1%}"
    if added["skill"]:
        return f"The recurrence earns its place: with it {size} ({between})."
    if added["skill"] is None:
        return f"Not shown that the recurrence earns its place: with it {size} ({between})."
    return f"The recurrence does harm: with it {size} ({between}). Use the linear models alone"


def _control(model: TextClassifier, given: Texts, truth: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """The recurrence on texts whose tokens stand in a random order: how much it lives by their order."""
    rows = np.arange(len(given))
    if len(rows) > _CONTROL:
        rows = np.sort(np.random.default_rng(0).choice(len(given), _CONTROL, replace=False))
    guess = model.recurrence([given.texts[i] for i in rows], np.random.default_rng(0)).argmax(1)
    mixed, own = float((guess == truth[rows]).mean()), float(1 - wrong[rows].mean())
    return {"accuracy": mixed, "texts": len(rows), "sentence": shuffled(mixed, own)}


def shuffled(mixed: float, own: float) -> str:
    """What a control with tokens in a random order says, from the shares that are right in it and otherwise."""
    told = f"With the tokens of each text in a random order the recurrence alone is right in {mixed:.1%}, otherwise in "
    if own - mixed > 0.02:
        return f"{told}{own:.1%}: it lives by their order."
    if mixed - own > 0.02:
        return f"{told}{own:.1%}: what it makes of their order misleads it here."
    return f"{told}{own:.1%}: their order says little more than they do."


def _mistakes(
    given: Texts, answers: np.ndarray, truth: np.ndarray, guess: np.ndarray, classes: list[str]
) -> list[dict[str, Any]]:
    wrong = np.flatnonzero(guess != truth)
    order = wrong[np.argsort(-answers[wrong].max(1), kind="stable")][:MISTAKES]
    return [
        {
            "text": given.texts[i][:_SHOWN] + ("..." if len(given.texts[i]) > _SHOWN else ""),
            "label": given.labels[i],
            "answer": classes[guess[i]],
            "probability": float(answers[i].max()),
            "row": given.rows[i] if given.rows else int(i),
        }
        for i in order
    ]
