"""The demonstration of tagging: what a home assistant is told in English, its slots and its intent.

The sentences come from templates that the package home-assistant-intents carries (tasks/assistant/grammar.py). The
score is on templates that were put aside as a whole, phrasings that training never saw, with rooms and devices of
their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from throughtime.data.tagged import Tagged
from throughtime.tasks.assistant import demo as assistant_demo
from throughtime.tasks.assistant.grammar import split

TABLE, VALIDATION, TEST = "sentences.conll", "validation.conll", "test.conll"
"""What the demonstration learns from, chooses by and is scored on, in its folder."""

EXAMPLE = "please turn the lights in the winter garden to 40 percent"
"""A sentence to try."""

COUNT = 6000
"""Sentences to learn from."""

EPOCHS = 8
"""How often to go over them where no minutes are given; the same sentences and steps then, however busy the machine.
All else the rule chooses."""

SECONDS = 20.0
"""How long the linear-chain CRF beside it may take."""


def tables(seed: int = 0) -> dict[str, str]:
    """Name of the file -> a token and its tag a line. UserError where home-assistant-intents is not installed."""
    parts = split("en", COUNT, seed)
    return {TABLE: conll(parts.learned), VALIDATION: conll(parts.held), TEST: conll(parts.test)}


def run(
    out: Path,
    minutes: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Learn slots and intents into a folder, score phrasings never seen; the summary of
    throughtime.tasks.train.train.

    out may hold an earlier demonstration, which is replaced; UserError where it holds another model.
    """
    chosen = assistant_demo.budget(EPOCHS, minutes, {"seconds": SECONDS, **options})
    return assistant_demo.run("tag", tables, out, seed, threads, quiet, chosen)


def conll(texts: Tagged) -> str:
    """A token and its tag a line, the intent above, an empty line between sentences."""
    lines = []
    for tokens, tags, intent in zip(texts.tokens, texts.tags, texts.intents, strict=True):
        lines.append(f"# intent = {intent.removeprefix('Hass')}")
        lines += [f"{token}\t{tag}" for token, tag in zip(tokens, tags, strict=True)]
        lines.append("")
    return "\n".join(lines)
