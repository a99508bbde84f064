"""Small texts, trainings and models."""

from __future__ import annotations

from pydoc_data.topics import topics
from typing import Any

import numpy as np

from throughtime import cells
from throughtime.data import tokenizers
from throughtime.recurrence import Cell, Matrix, tanh
from throughtime.tasks.text import model as language
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.stream import TextModel

TEXT = "\n".join(topics[name] for name in sorted(topics))[:20_000]
SMALL: dict[str, Any] = {"hidden": 24, "embedding": 12, "threads": 1}
FIT: dict[str, Any] = {"steps": 60, "batch": 8, "window": 24, "learning_rate": 0.01, "warm_up": 10, "quiet": True}
FOX = "the quick brown fox\njumps over the lazy dog"


class AddsItsInput(Cell):
    """The input enters without a product."""

    state = {"h": "I"}
    W = Matrix("I", "I")

    def step(self, x, h):  # type: ignore[no-untyped-def]
        return tanh(self.W @ h + x)


def make(
    names: list[Any], tied: bool = False, kind: str = "characters", scale: float = 3.0, text: str = FOX
) -> TextModel:
    """A model of random parameters that knows the tokens of a text."""
    tokenizer = tokenizers.fit(kind, text)
    traces = [cells.make(cell).trace() if isinstance(cell, str) else cell().trace() for cell in names]
    width = 12 if names == [AddsItsInput] else 8  # it is as wide as its input
    config = LanguageConfig.stack(tokenizer.size, width, traces, 12, tied=tied)
    parameters = language.initial_parameters(config, np.random.default_rng(0))
    parameters["output.b_y"] += np.random.default_rng(1).standard_normal(tokenizer.size).astype(np.float32)
    return TextModel(config, {name: scale * value for name, value in parameters.items()}, tokenizer)
