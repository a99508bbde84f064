"""What one can choose when texts are learned by reading them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from throughtime.errors import UserError
from throughtime.options import by_rule, option, redefined
from throughtime.tasks.options import DropoutOptions, StackOptions, TaskOptions, path
from throughtime.training.settings import Settings

MOST_MEMBERS, MOST_LAYERS, MOST_TOKENS = 99, 20, 10_000_000


def some_of(names: Sequence[str]) -> Callable[[Any], tuple[str, ...]]:
    """A check that a value is one name or some, each once."""

    def check(value: Any) -> tuple[str, ...]:
        each = [value] if isinstance(value, str) else value
        good = isinstance(each, list | tuple) and each and all(one in names for one in each)
        if not good or len(set(each)) != len(each):
            raise ValueError(f"some of {', '.join(names)}, each once")
        return tuple(each)

    return check


def _validation(value: Any) -> Any:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1):
        return value
    if isinstance(value, str | os.PathLike):
        return path(value)
    raise ValueError("a share from 0 to below 1, or a file")


def _typed_validation(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


@dataclass(frozen=True, kw_only=True)
class ReaderOptions(DropoutOptions):
    """A model that reads texts, and its training.

    validation: a share of the texts to choose by, or a file of them; None: they are handed to `fit`. holdout: the share
    kept for the score where there is no `test`. ensemble_size: models side by side whose mean is the answer. vectors: a
    file of pretrained word vectors (data/vectors.py) from which the embeddings of the words in it start.
    """

    layers: int = redefined(StackOptions, "layers", 1, at_most=MOST_LAYERS)
    learning_rate: float = redefined(Settings, "learning_rate", 3e-3)
    average: float = redefined(Settings, "average", 0.995)
    warm_up: int = by_rule(Settings, "warm_up")
    hidden: int = by_rule(StackOptions, "hidden")
    embedding: int = by_rule(StackOptions, "embedding")
    batch: int = by_rule(TaskOptions, "batch", help="B, texts a step.")

    bidirectional: bool = option(
        True, shapes=True, help="Read from the end, too; a model that does not can follow a text as it arrives."
    )
    ensemble_size: int = option(
        None,
        at_least=1,
        at_most=MOST_MEMBERS,
        chosen=True,
        shapes=True,
        help="Models side by side whose mean is the answer.",
    )
    linear_models: bool = option(
        True, help="Let linear models over n-grams have a weight in the answer, as validation finds."
    )
    word_dropout: float = option(0.0, at_least=0, below=1, help="Share of tokens forgotten in training.")
    rare_dropout: float = option(0.0, at_least=0, below=1, help="Share forgotten of tokens that stand once.")
    label_smoothing: float = option(0.0, at_least=0, below=1, help="Share of belief spread over all classes.")
    sure: float = option(0.95, at_least=0, below=1, help="How often answers that are sure should be right.")
    vocabulary: int = option(200_000, at_least=1, at_most=MOST_TOKENS, help="The most entries of a vocabulary.")
    vectors: str | None = option(
        None,
        once=True,
        check=path,
        help="Pretrained word vectors to start from: word2vec, GloVe, fastText .vec; or .gz.",
    )
    test: str | None = option(
        None,
        check=path,
        once=True,
        changeable=True,
        help="What to score; without it a share of the texts is kept for that.",
    )
    validation: Any = option(
        0.1,
        once=True,
        check=_validation,
        parse=_typed_validation,
        help="Share of the texts to choose by, or a file of them.",
    )
    holdout: float = option(
        0.0,
        once=True,
        at_least=0,
        below=1,
        command=0.1,
        help="Share of the texts kept for the score where there is no --test.",
    )
    encoding: str = option("utf-8", changeable=True, help="Of the files.")

    def check(self) -> None:
        super().check()
        if self.vectors is None:
            return
        from throughtime.data.vectors import vectors_width

        if self.start is not None:
            raise UserError(
                f"{self.who}: expected a model to start from or vectors, got both; a model brings embeddings of its "
                "own, leave --from out, or --vectors"
            )
        width = vectors_width(self.vectors)
        if self.embedding not in (None, width):
            raise UserError(
                f"{self.vectors}: its vectors have {width:,} values, the embedding is to have {self.embedding:,}; "
                "leave --embedding out"
            )
