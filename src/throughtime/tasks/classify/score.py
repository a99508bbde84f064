"""How good a classifier is, beside the baselines, and whether its recurrence earns its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.data.label_notes import never_seen, text_keys
from throughtime.data.label_sets import flat
from throughtime.data.label_values import matched
from throughtime.data.labelled import Texts, read_texts
from throughtime.errors import UserError
from throughtime.linear import metrics
from throughtime.linear.ensemble import RECURRENCE, combine
from throughtime.linear.folder import digests, read_seen
from throughtime.tasks.classify.data import rule_of
from throughtime.tasks.classify.score_sets import CONTROL, MISTAKES, SHOWN, score_sets
from throughtime.tasks.classify.stream import SCHEMA, TextClassifier, load
from throughtime.tasks.reading.control import in_words, order_effect
from throughtime.tasks.reading.data import in_a_line, kept_apart, place_of
from throughtime.tasks.reading.verdicts import missed, recurrence_beside

_SHOWN_CLASSES = 500
"""Classes up to which it is told which are taken for which."""

_TEXTS = 4096


def score(model: TextClassifier, given: Texts, seen: np.ndarray | None, rows: bool = False) -> dict[str, Any]:
    """Everything an evaluation says of texts with labels.

    seen: digests of the texts that were learned from, None where they are not known. rows: also the answer to each
    text.
    """
    place = {name: i for i, name in enumerate(model.classes)}
    given = replace(given, labels=matched(given.labels, model.classes))
    truth = np.array([place.get(label, -1) for label in given.labels], np.int64)
    digest = digests(given.texts)
    groups = np.unique(digest, return_inverse=True)[1]
    parts = _parts(model, given)
    answers = np.exp(combine({n: p for n, p in parts.items() if model.weights.get(n)}, model.weights))
    guess = answers.argmax(1)
    wrong = (guess != truth).astype(np.float64)
    count = len(model.classes)
    evaluation: dict[str, Any] = {
        "texts": len(given),
        "accuracy": float(1 - wrong.mean()),
        "macro_f1": metrics.macro_f1(guess, truth),
        "calibration_error": metrics.calibration_error(answers, truth),
        "classes": model.classes,
        "confusion": metrics.confusion(truth, guess, count).tolist() if count <= _SHOWN_CLASSES else [],
        "reliability": metrics.reliability(answers, truth),
        "weights": dict(model.weights),
        "baselines": {},
    }
    if model.threshold is not None:
        sure = answers.max(1) >= model.threshold
        right = float(1 - wrong[sure].mean()) if sure.any() else None
        evaluation["sure"] = {"threshold": model.threshold, "share": float(sure.mean()), "accuracy": right}
    fresh = None if seen is None else ~np.isin(digest, seen)
    if fresh is not None:
        accuracy = float(1 - wrong[fresh].mean()) if fresh.any() else None
        evaluation["unseen"] = {"texts": int(fresh.sum()), "accuracy": accuracy}
    errors = {}
    for name in model.linear:
        answer = parts[name].argmax(1)
        errors[name] = (answer != truth).astype(np.float64)
        entry = {"accuracy": float(1 - errors[name].mean()), "macro_f1": metrics.macro_f1(answer, truth)}
        if fresh is not None and fresh.any():
            entry["accuracy_unseen"] = float(1 - errors[name][fresh].mean())
        evaluation["baselines"][name] = entry
    if errors:
        best = min(errors, key=lambda name: errors[name].sum())
        evaluation["verdict"] = verdict(wrong, errors[best], best, "error rate", "texts", groups).to_json()
    evaluation["recurrence"] = recurrence_beside(parts, truth, wrong, model.weights, model.linear_weights, groups)
    evaluation["missed"] = missed(parts, truth, wrong)
    evaluation["shuffled"] = _control(model, given, truth, parts[RECURRENCE].argmax(1), groups)
    evaluation["mistakes"] = _mistakes(given, answers, truth, model.classes)
    if rows:
        pairs = zip(guess, answers, strict=True)
        evaluation["answers"] = [{"label": model.classes[g], "probabilities": one.tolist()} for g, one in pairs]
    return evaluation


def evaluate_folder(
    directory: str | Path,
    data: Any,
    text: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    rows: bool = False,
) -> dict[str, Any]:
    """Score the model in a folder on labelled texts; what `throughtime evaluate` does. Needs no torch.

    Of the file it was trained on, only the texts that were kept apart are scored. text, label, encoding: as in training
    where not given. rows: also the answer to each text.
    """
    record = SCHEMA.read(directory)
    model, options = load(Path(directory)), record.options
    columns = text or options.text, label or options.label, encoding or options.encoding
    rule = replace(rule_of(model), drop_missing=options.drop_missing)
    source = place_of(data)

    def read(place: Any) -> Texts:
        return read_texts(
            place, *columns, format=options.format, keep_empty=True, several=False, known=record.data.known, rule=rule
        )

    given = read(source)
    if not model.several:
        given = replace(given, labels=matched(given.labels, model.classes))
    some = _not_empty(given)
    told, left = given.notes, list[str]()
    if record.data.from_files and some.sha256 == record.data.sha256:
        if not options.holdout:
            raise UserError(f"{some.where}: the model learned from these texts, all of them; give others")
        given = some.split(options.holdout, options.seed + 1)[1]
    else:
        whole = lambda place: _not_empty(read(place))  # noqa: E731
        given, left = kept_apart(given, source, record.data, whole, text_keys, options)
    notes = [*told, *left, *never_seen(model.classes, flat(given.labels) if given.several else given.labels, "label")]
    return {"data": in_a_line(data), "notes": notes, **evaluated(model, given, read_seen(Path(directory)), rows)}


def _not_empty(given: Texts) -> Texts:
    """Without empty texts, which training leaves out."""
    return given.take([i for i, one in enumerate(given.texts) if one])


def evaluated(model: TextClassifier, given: Texts, seen: np.ndarray | None, rows: bool = False) -> dict[str, Any]:
    """`score`, or score_sets of a model of several labels a text."""
    if model.several:
        return score_sets(model, given, seen, rows)
    return score(model, given, seen, rows)


def _parts(model: TextClassifier, given: Texts) -> dict[str, np.ndarray]:
    """The log probabilities (N, C) float64 of the recurrence and of every linear model, weight or not."""
    chunks: dict[str, list[np.ndarray]] = {}
    for first in range(0, len(given), _TEXTS):
        some = given.texts[first : first + _TEXTS]
        chunks.setdefault(RECURRENCE, []).append(model.recurrence(some))
        for name, one in model.linear.items():
            chunks.setdefault(name, []).append(one.log_probabilities(some).astype(np.float64))
    return {name: np.concatenate(each) for name, each in chunks.items()}


def _control(
    model: TextClassifier, given: Texts, truth: np.ndarray, answers: np.ndarray, groups: np.ndarray
) -> dict[str, Any]:
    """The recurrence on texts whose tokens stand in a random order: how much it lives by their order. answers: its own,
    (N,) class numbers."""
    rows = np.arange(len(given))
    if len(rows) > CONTROL:
        rows = np.sort(np.random.default_rng(0).choice(len(given), CONTROL, replace=False))
    guess = model.recurrence([given.texts[i] for i in rows], np.random.default_rng(0)).argmax(1)
    ones = np.ones(len(rows))
    right, mixed = (np.stack([one == truth[rows], ones], 1).astype(np.float64) for one in (answers[rows], guess))
    effect = order_effect(right, mixed, groups[rows])
    accuracy = float((guess == truth[rows]).mean())
    told = f"With the tokens of each text in a random order the recurrence alone is right in {accuracy:.1%}, otherwise "
    sentence = f"{told}in {right[:, 0].mean():.1%}: {in_words(effect)}"
    return {"accuracy": accuracy, "texts": len(rows), **effect, "sentence": sentence}


def _mistakes(given: Texts, answers: np.ndarray, truth: np.ndarray, classes: list[str]) -> list[dict[str, Any]]:
    guess = answers.argmax(1)
    wrong = np.flatnonzero(guess != truth)
    order = wrong[np.argsort(-answers[wrong].max(1), kind="stable")][:MISTAKES]
    return [
        {
            "text": given.texts[i][:SHOWN] + ("..." if len(given.texts[i]) > SHOWN else ""),
            "label": given.labels[i],
            "answer": classes[guess[i]],
            "probability": float(answers[i].max()),
            "row": given.rows[i] if given.rows else int(i),
        }
        for i in order
    ]
