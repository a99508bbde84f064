"""The demonstration of classifying: what a home assistant is asked for, in Chinese, told by characters.

The sentences come from templates that the package home-assistant-intents carries (tasks/assistant/grammar.py). The
score is on templates that were put aside as a whole: phrasings that training never saw.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from throughtime.data.tagged import Tagged
from throughtime.tasks.assistant import demo as assistant_demo
from throughtime.tasks.assistant.grammar import split, text_of

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
    return assistant_demo.run("classify", tables, out, seed, threads, quiet, chosen)


def _csv(texts: Tagged) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["text", "intent"])
    for tokens, intent in zip(texts.tokens, texts.intents, strict=True):
        writer.writerow([text_of(tokens, "zh"), intent.removeprefix("Hass")])
    return out.getvalue()
