"""What one can choose when one sequence is learned to be made of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughtime.models.encoder_decoder import MOST_HEADS
from throughtime.options import by_rule, option, redefined
from throughtime.tasks.options import DropoutOptions, StackOptions, TaskOptions
from throughtime.tasks.reading.options import ReaderOptions
from throughtime.training.settings import Settings

MOST_BEAM, MOST_PIECES = 100, 200_000


@dataclass(frozen=True, kw_only=True)
class SequenceOptions(DropoutOptions):
    """An encoder-decoder and its training.

    source, target: columns of a table, ends of the names of two files. hidden, layers: of the encoder, H in each
    direction; the decoder has a recurrence of as many units below its attention and one above it. vocabulary: pieces of
    both sides together. heads: parts of the attention. copying: whether pieces of the source can be copied. beam: the
    answers that a search goes on with. longest: pieces of a text that is learned from; longer pairs are left out,
    but of a source of a summary the beginning is read, and of what was said before a reply the end.
    """

    cell: Any = redefined(StackOptions, "cell", "gru_reset_after")
    hidden: int = by_rule(StackOptions, "hidden")
    embedding: int = by_rule(StackOptions, "embedding", help="Values a piece becomes.")
    layers: int = redefined(StackOptions, "layers", 1, at_most=20, help="How many layers the encoder has.")
    dropout: float = by_rule(
        StackOptions, "dropout", help="Share dropped of the embeddings, between layers and before the output."
    )
    variational: bool = redefined(DropoutOptions, "variational", True)
    batch: int = by_rule(TaskOptions, "batch", help="Pieces of a step, on the longer side, at most.")
    learning_rate: float = by_rule(Settings, "learning_rate")
    warm_up: int = by_rule(Settings, "warm_up")
    average: float = by_rule(Settings, "average")
    weight_decay: float = redefined(Settings, "weight_decay", 0.0)
    clip: float | None = redefined(Settings, "clip", 1.0)
    beta_2: float = redefined(Settings, "beta_2", 0.98)
    epochs: int | None = by_rule(Settings, "epochs")

    source: str | None = option(None, help="The column, or the end of the file's name, of what is read.")
    target: str | None = option(None, help="The column, or the end of the file's name, of what is to be made of it.")
    vocabulary: int = option(
        None, at_least=257, at_most=MOST_PIECES, chosen=True, help="Pieces, of both sides together."
    )
    heads: int = option(1, at_least=1, at_most=MOST_HEADS, help="Parts of the attention.")
    copying: bool = option(True, help="Pieces of the source can be copied.")
    label_smoothing: float = option(0.1, at_least=0, below=1, help="Share of belief spread over all pieces.")
    longest: int = option(200, at_least=4, at_most=MOST_PIECES, help="Pieces of a text to learn from, at most.")
    beam: int = option(
        5, at_least=1, at_most=MOST_BEAM, changeable=True, help="Answers that a search goes on with at once."
    )
    test: str | None = redefined(ReaderOptions, "test", None)
    validation: Any = redefined(ReaderOptions, "validation", 0.05)
    holdout: float = redefined(ReaderOptions, "holdout", 0.0, command=0.05)
    encoding: str = redefined(ReaderOptions, "encoding", "utf-8")
