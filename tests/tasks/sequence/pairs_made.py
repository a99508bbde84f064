"""Pairs and options that tests of models that make one text of another train with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WORDS = {"eins": "one", "zwei": "two", "drei": "three", "rot": "red", "blau": "blue", "Hund": "dog", "Haus": "house"}

ZERO = frozenset({"dropout", "embedding_dropout", "layer_dropout", "weight_dropout", "label_smoothing", "clip"})
ZERO |= {"weight_decay", "average", "seed", "holdout", "at_least", "validation"}
"""Numeric options of commands that may be 0."""

UNLIMITED = frozenset({"steps", "epochs", "minutes", "learning_rate", "clip", "weight_decay", "patience", "seed"})
UNLIMITED |= {"batch", "longest", "hidden", "embedding", "layers"}
"""Numeric options of commands that may be very large, or are refused for another reason."""

TINY: dict[str, Any] = {"hidden": 6, "embedding": 8, "vocabulary": 300, "batch": 200, "steps": 8, "threads": 1}
TINY |= {"warm_up": 2, "average": 0.5, "dropout": 0.1, "learning_rate": 0.02, "beam": 2, "epochs": None}


def made(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Words of one language and of another, in the other order, with a number that stands in both."""
    rng = np.random.default_rng(seed)
    sources, targets = [], []
    for _ in range(count):
        words = [str(word) for word in rng.choice(list(WORDS), int(rng.integers(1, 5)))]
        number = str(rng.integers(10, 99))
        sources.append(" ".join([*words, number]))
        targets.append(" ".join([number, *(WORDS[word] for word in words[::-1])]))
    return sources, targets


def write(pairs: tuple[list[str], list[str]], place: Path) -> Path:
    """As a table, one pair a line."""
    rows = "".join(f"{one}\t{other}\n" for one, other in zip(*pairs, strict=True))
    (place / "pairs.tsv").write_text("source\ttarget\n" + rows, "utf-8")
    return place / "pairs.tsv"
