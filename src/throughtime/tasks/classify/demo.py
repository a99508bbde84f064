"""The demonstration of classifying: what a home assistant is asked for, in Chinese, told by characters.

The sentences come from templates that the package home-assistant-intents carries (tasks/assistant/grammar.py). The
score is on templates that were put aside as a whole: phrasings that training never saw. What that makes hard is told by
new sentences of the templates that it learned from.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.data.tagged import Tagged
from throughtime.tasks.assistant import demo as assistant_demo
from throughtime.tasks.assistant.grammar import known, split, text_of
from throughtime.tasks.classify.stream import load

TABLE, VALIDATION, TEST = "sentences.csv", "validation.csv", "test.csv"
"""What the demonstration learns from, chooses by and is scored on, in its folder."""

EXAMPLE = "把客厅的灯调暗一点"
"""A sentence to try."""

COUNT = 6000
"""Sentences to learn from."""

EPOCHS = 4
"""How often to go over them where no minutes are given; the same sentences and steps then, however busy the machine.
All else the rule chooses."""


def tables(seed: int = 0) -> dict[str, str]:
    """Name of the file -> CSV text: text and intent. UserError where home-assistant-intents is not installed."""
    parts = split("zh", COUNT, seed)
    return {TABLE: _csv(parts.learned), VALIDATION: _csv(parts.held), TEST: _csv(parts.test)}


def run(
    out: Path,
    minutes: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Learn the intents of sentences into a folder, score phrasings never seen; the summary of
    throughtime.tasks.train.train.

    out may hold an earlier demonstration, which is replaced; UserError where it holds another model.
    """
    chosen = assistant_demo.budget(EPOCHS, minutes, options)
    summary = assistant_demo.run("classify", tables, out, seed, threads, quiet, chosen)
    if "evaluation" in summary:
        summary["evaluation"]["phrasings"] = phrasings(out, seed)
    return summary


def phrasings(out: Path, seed: int) -> dict[str, Any]:
    """What is hard for the model of a demonstration: accuracy in new sentences of phrasings that it learned (known) and
    in phrasings that were put aside as a whole (aside); how many of these there are (templates), how many have errors
    (failed), and how many of them have half of all errors (half); a sentence, and a verdict by templates."""
    parts, model = split("zh", COUNT, seed), load(out)
    learned = {tuple(tokens) for tokens in parts.learned.tokens}
    again = known("zh", COUNT // 10, seed)
    new = again.take([i for i, tokens in enumerate(again.tokens) if tuple(tokens) not in learned])
    (texts, labels), (scored, truth) = _told(new), _told(parts.test)
    errors = {"": [a != b for (a, _), b in zip(model.label(scored), truth, strict=True)]}
    for name, one in model.linear.items():
        guess = one.log_probabilities(scored).argmax(1)
        errors[name] = [model.classes[c] != b for c, b in zip(guess, truth, strict=True)]
    missed = Counter(one for one, wrong in zip(parts.templates[2], errors[""], strict=True) if wrong)
    counts, templates = sorted(missed.values(), reverse=True), len(set(parts.templates[2]))
    half = next((k for k in range(len(counts)) if 2 * sum(counts[:k]) >= sum(counts)), len(counts))
    right = [a == b for (a, _), b in zip(model.label(texts), labels, strict=True)]
    shares = sum(right) / max(1, len(right)), 1 - sum(counts) / max(1, len(truth))
    told = (
        f"In {len(new):,} sentences of phrasings that it learned, with other rooms, devices and numbers, it is right "
        f"in {shares[0]:.1%}; in those of the score, from {templates:,} templates put aside as a whole, in "
        f"{shares[1]:.1%}."
    )
    if counts and shares[0] > shares[1]:
        told += f" What is hard is how a thing is said: {half:,} of these templates have half of its errors."
    found = {"known": shares[0], "aside": shares[1], "templates": templates, "failed": len(counts), "half": half}
    return {**found, "sentence": told, "verdict": _by_templates(errors, parts.templates[2])}


def _by_templates(errors: dict[str, list[bool]], templates: list[str]) -> dict[str, Any] | None:
    """The verdict on a model, "" in errors, beside the best of others, where sentences of one template go together;
    None where there are no others."""
    if len(errors) < 2:
        return None
    groups = np.unique(templates, return_inverse=True)[1]
    ours, *others = (np.array(one, np.float64) for one in errors.values())
    best = min(range(len(others)), key=lambda i: float(others[i].sum()))
    return verdict(ours, others[best], list(errors)[1 + best], "error rate", "templates", groups).to_json()


def _told(texts: Tagged) -> tuple[list[str], list[str]]:
    """Sentences and their intents, as the tables have them."""
    return [text_of(tokens, "zh") for tokens in texts.tokens], [one.removeprefix("Hass") for one in texts.intents]


def _csv(texts: Tagged) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["text", "intent"])
    writer.writerows(zip(*_told(texts), strict=True))
    return out.getvalue()
