"""What every task promises, kept by language models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.tasks.check_task import Case, CheckTask, Followed
from throughtime.models.ops_numpy import NumpyOps
from throughtime.tasks.text import model as language

TEXT = ("the cat sat on the mat, the dog ate the cat; " * 10 + "\n") * 2


def write(text: str, place: Path) -> Path:
    (place / "text.txt").write_text(text, "utf-8")
    return place / "text.txt"


def followed(model: Any) -> Followed:
    """The logits after each character, of a pass over all of them; the start token stands before the first."""
    text = "the dog sat on the cat\n"
    tokens = np.array([model.config.start, *model.tokenizer.encode(text)])[:, None]
    logits, _ = language.forward(NumpyOps(), model.config, model.parameters, tokens)
    return Followed(text, logits[1:, 0], "".join)


def answer(model: Any) -> Any:
    model.reset()
    return [model.read("the cat"), "".join(model.write("the ", length=20, seed=3))]


class TestContract(CheckTask):
    case = Case(
        "text",
        {"hidden": 8, "embedding": 4, "layers": 2, "batch": 4, "window": 8, "steps": 12, "threads": 1, "dropout": 0.1}
        | {"ngram": False},
        TEXT,
        TEXT[1:],
        write,
        answer,
        ["the", "--length", "5", "--seed", "1"],
        followed=followed,
        other={"hidden": 9},
        zero=frozenset({"average", "clip", "dropout", "weight_dropout", "validation", "holdout", "seed", "temperature"})
        | {"length", "embedding_dropout", "layer_dropout", "weight_decay"},
        unlimited=frozenset({"clip", "seed", "vocabulary", "patience", "batch", "window", "minutes", "epochs", "steps"})
        | {"learning_rate", "temperature", "top_k", "weight_decay"},
    )
