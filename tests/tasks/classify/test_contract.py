"""What every task promises, kept by classifiers of two readers, one with naive-Bayes features, of two members each."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.tasks.check_task import Case, CheckTask, Followed
from tests.tasks.reading.texts import UNLIMITED, ZERO, Lists, ordered, write_table
from throughtime.tasks.classify.stream import TextClassifier

TEXTS = ["we saw a film, loved it", "hated", "", "it was there then maybe"]


def write(data: Lists, place: Path) -> Path:
    return write_table(place / "texts.csv", data)


def followed(model: TextClassifier) -> Followed:
    """The probabilities after each word, of a model that reads all up to there."""
    words = [f"{word} " for word in ("we", "loved", "the", "film", ",", "hated", "a", "song", "at", "home", "last")]
    return Followed(words, model.predict_probabilities(list(accumulate(words))), "".join)


def answer(model: TextClassifier) -> Any:
    return [model.predict_probabilities(TEXTS), model.predict(TEXTS)]


class TestContract(CheckTask):
    case = Case(
        "classify",
        {"hidden": 6, "embedding": 4, "bidirectional": False, "ensemble_size": 2, "naive_bayes": "both"}
        | {"batch": 24, "steps": 8, "threads": 1, "linear_models": False},
        ordered(60),
        ordered(60, 1),
        write,
        answer,
        ["we saw the film", "--json"],
        followed=followed,
        other={"hidden": 7},
        zero=ZERO | {"validation"},
        unlimited=UNLIMITED | {"top"},  # no more than there are classes
        beside=frozenset({"linear.json", "seen.safetensors"}),
    )
