"""How good a tagger is, beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.linear import metrics as classify_metrics
from throughtime.tasks.tag import metrics as tag_metrics
from throughtime.tasks.tag.data import Tagged
from throughtime.tasks.tag.token_tagger import TokenTagger, together

MISTAKES = 20
"""The most confident mistakes that are kept to read."""

_CONTROL = 1000
"""Texts in which the order of the tokens is shuffled."""


def score(model: TokenTagger, given: Tagged, baselines: Mapping[str, Any]) -> dict[str, Any]:
    """Everything an evaluation says of tagged texts. baselines: name -> what has a `tag` (tasks/tag/baselines.py)."""
    found_tags = list(model.tag(given.tokens))
    tags = [one.tags for one in found_tags]
    groups = np.unique([" ".join(tokens) for tokens in given.tokens], return_inverse=True)[1]
    scheme = tag_metrics.scheme_of([*given.tags, model.tags])
    slots = tag_metrics.span_scores(given.tags, tags, scheme)
    found: dict[str, Any] = {
        "texts": len(given),
        "tokens": sum(map(len, given.tokens)),
        "slot_f1": slots["f1"],
        "slot_precision": slots["precision"],
        "slot_recall": slots["recall"],
        "by_kind": slots["types"],
        "token_accuracy": _tokens_right(given.tags, tags),
        "baselines": {},
    }
    ours = _errors(given.tags, tags, scheme)
    theirs = {}
    for name, one in baselines.items():
        said = one.tag(given.tokens)
        theirs[name] = _errors(given.tags, said, scheme)
        f1 = tag_metrics.slot_f1(given.tags, said, scheme)
        found["baselines"][name] = {"slot_f1": f1, "token_accuracy": _tokens_right(given.tags, said)}
    if theirs:
        best = max(theirs, key=lambda name: found["baselines"][name]["slot_f1"])
        found["verdict"] = verdict(ours, theirs[best], best, "1 - F1", "texts", groups).to_json()
    wrong = np.zeros(len(given), bool)
    if model.intents and given.intents:
        wrong = _intents(model, given, [one.intent or "" for one in found_tags], found, groups)
        certain = [one.intents for one in found_tags]
        shares = np.array([[one.get(name, 0.0) for name in model.intents] for one in certain])
        place = {name: i for i, name in enumerate(model.intents)}
        truth = np.array([place.get(name, -1) for name in given.intents])
        found["intents"] = model.intents
        found["confusion"] = classify_metrics.confusion(truth, shares.argmax(1), len(place)).tolist()
        found["calibration_error"] = classify_metrics.calibration_error(shares, truth)
    intents = [one.intent or "" for one in found_tags] if given.intents and model.intents else None
    found["sentence_accuracy"] = tag_metrics.sentence_accuracy(
        given.tags, tags, given.intents if intents else None, intents
    )
    found["shuffled"] = _control(model, given, tags)
    found["mistakes"] = _mistakes(given, found_tags, ours[:, 0], wrong)
    return found


def _intents(
    model: TokenTagger, given: Tagged, said: Sequence[str], found: dict[str, Any], groups: np.ndarray
) -> np.ndarray:
    """Adds the intents' accuracy, beside the linear models; which ones are wrong, (N,) bool."""
    truth = np.array(given.intents)
    wrong: np.ndarray = np.array(said) != truth
    found["intent_accuracy"] = float(1 - wrong.mean())
    texts = [together(one) for one in given.tokens]
    names, errors = np.array(model.intents), {}
    for name, one in model.linear.items():
        errors[name] = names[one.log_probabilities(texts).argmax(1)] != truth
        found["baselines"].setdefault(name, {})["intent_accuracy"] = float(1 - errors[name].mean())
    if errors:
        best = min(errors, key=lambda name: errors[name].sum())
        losses = wrong.astype(np.float64), errors[best].astype(np.float64)
        found["intent_verdict"] = verdict(*losses, best, "error rate of intents", "texts", groups).to_json()
    return wrong


def _errors(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]], scheme: str | None) -> np.ndarray:
    """(N, 2), of each text the spans that are wrong or missing, and those plus twice the right ones; the first by the
    second, both summed, is 1 - F1. scheme: see tag_metrics.spans."""
    found = []
    for one, other in zip(truth, said, strict=True):
        right, given = set(tag_metrics.spans(one, scheme)), set(tag_metrics.spans(other, scheme))
        found.append((len(right ^ given), len(right) + len(given)))
    return np.array(found, np.float64).reshape(-1, 2)


def _tokens_right(truth: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> float:
    pairs = [(a, b) for one, other in zip(truth, said, strict=True) for a, b in zip(one, other, strict=True)]
    return sum(a == b for a, b in pairs) / max(1, len(pairs))


def _control(model: TokenTagger, given: Tagged, tags: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Texts whose tokens stand in a random order, each with its own tag still wanted: how many tokens are right."""
    rng = np.random.default_rng(0)
    rows = list(range(len(given)))
    if len(rows) > _CONTROL:
        rows = np.sort(rng.choice(len(given), _CONTROL, replace=False)).tolist()
    orders = [rng.permutation(len(given.tokens[row])) for row in rows]
    mixed = [[given.tokens[row][i] for i in order] for row, order in zip(rows, orders, strict=True)]
    said = model.predict(mixed)[0]
    wanted = [[given.tags[row][i] for i in order] for row, order in zip(rows, orders, strict=True)]
    own = _tokens_right([given.tags[row] for row in rows], [tags[row] for row in rows])
    share = _tokens_right(wanted, said)
    told = f"With its tokens in a random order the model tags {share:.1%} of them right instead of {own:.1%}: "
    told += "it lives by their order." if own - share > 0.02 else "their order says little more than they do."
    return {"token_accuracy": share, "texts": len(rows), "sentence": told}


def _mistakes(given: Tagged, found: Sequence[Any], errors: np.ndarray, wrong: np.ndarray) -> list[dict[str, Any]]:
    """The texts with a wrong tag or intent that the model is surest of."""
    rows = np.flatnonzero((errors > 0) | wrong)
    sure = np.array([min(found[row].sure, default=1.0) for row in rows.tolist()])
    chosen = [int(row) for row in rows[np.argsort(-sure, kind="stable")][:MISTAKES]]
    return [
        {
            "text": together(given.tokens[row]),
            "tags": given.tags[row],
            "answer": found[row].tags,
            "tokens": given.tokens[row],
            "intent": given.intents[row] if given.intents else None,
            "intent_answer": found[row].intent,
            "probability": float(min(found[row].sure, default=1.0)),
        }
        for row in chosen
    ]
