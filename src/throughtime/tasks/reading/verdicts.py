"""What is said of a model that reads, beside what needs no recurrence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from throughtime.baselines.verdict import span_in_words, verdict
from throughtime.linear.ensemble import RECURRENCE, combine
from throughtime.options import Json


def recurrence_beside(
    parts: Mapping[str, np.ndarray],
    truth: np.ndarray,
    wrong: np.ndarray,
    weights: Mapping[str, float],
    linear_weights: Mapping[str, float],
    groups: np.ndarray,
) -> dict[str, Json]:
    """The recurrence alone, and what it adds to the linear models.

    parts: log probabilities (N, C) of the recurrence and of linear models, by name. truth: (N,) class numbers. wrong:
    (N,) of the whole answers, 1 for an error. weights: of all in the answer; linear_weights: of the linear models where
    they answer alone. groups: (N,) numbers, texts that are the same share one.
    """
    found: dict[str, Json] = {"accuracy": float(1 - (parts[RECURRENCE].argmax(1) != truth).mean())}
    if any(linear_weights.values()) and set(linear_weights) <= set(parts):
        alone = combine({n: parts[n] for n in linear_weights}, linear_weights).argmax(1)
        linear = (alone != truth).astype(np.float64)
        found["linear_accuracy"] = float(1 - linear.mean())
        added = verdict(wrong, linear, "the linear models without it", "error rate", "texts", groups).to_json()
        weight, perfect = weights.get(RECURRENCE, 0.0), not linear.any()
        told = _beside_no_error(added) if perfect and weight else adds(added, weight)
        found["adds"] = {**added, "sentence": told}
    return found


def _beside_no_error(added: Mapping[str, Json]) -> str:
    """What the recurrence brings to linear models that have every text right."""
    harm = "The recurrence does harm" if added["skill"] is False else "Not shown that the recurrence earns its place"
    return f"{harm}: the same linear models without it have every text right here."


def adds(added: Mapping[str, Json], weight: float) -> str:
    """What the recurrence brings beyond the linear models, in a sentence. weight: its own."""
    if not weight:
        return "The recurrence has no weight here: on the validation part the linear models did as well without it."
    low, high = added["low"], added["high"]
    fewer = "fewer" if added["gain"] >= 0 else "more"
    size = f"{abs(added['gain']):.1%} {fewer} errors than the same linear models without it"
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"Too few texts to tell whether the recurrence earns its place: with it {size}."
    between = f"95 % interval {span_in_words(low, high, 'fewer', 'more')}"
    if added["skill"]:
        return f"The recurrence earns its place: with it {size} ({between})."
    if added["skill"] is None:
        return f"Not shown that the recurrence earns its place: with it {size} ({between})."
    return f"The recurrence does harm: with it {size} ({between}). Use the linear models alone."


def missed(parts: Mapping[str, np.ndarray], truth: np.ndarray, wrong: np.ndarray) -> dict[str, Json]:
    """How many of the errors no model here avoids: what other weights could not mend. As recurrence_beside has it.

    Returns errors, by_all (of them those that the recurrence and every linear model alone make too) and a sentence, ""
    where there are no errors or nothing stands beside the recurrence.
    """
    errors = wrong > 0
    alike = errors & np.all([one.argmax(1) != truth for one in parts.values()], 0)
    count, shared = int(errors.sum()), int(alike.sum())
    sentence = ""
    if count and len(parts) > 1:
        of = f"{shared:,} of its {count:,} errors ({shared / count:.0%})"
        sentence = f"{of} are texts that no model here gets right, the recurrence or a linear one."
    return {"errors": count, "by_all": shared, "sentence": sentence}


def headline(parts: Mapping[str, Mapping[str, Json] | None]) -> str:
    """One sentence or several: the verdict on each part of an answer. parts: what it is -> its verdict, None where it
    stands beside nothing."""
    known = {what: entry["sentence"] for what, entry in parts.items() if entry}
    if len(parts) == 1 or not known:
        return next(iter(known.values()), "")
    told = [f"{what}: {known.get(what, 'Scored, but not beside a baseline.')}" for what in parts]
    return " ".join(told)
