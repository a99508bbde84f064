"""What one can choose when tokens are tagged."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from throughtime.data.columns import KINDS
from throughtime.errors import UserError
from throughtime.options import by_rule, names, option, redefined
from throughtime.tasks.options import DropoutOptions, StackOptions
from throughtime.tasks.reading.options import ReaderOptions, some_of
from throughtime.training.settings import Settings


@dataclass(frozen=True)
class TaggerOptions(ReaderOptions):
    """A tagger of tokens and its training.

    columns: what is seen of a token, names of data.columns.KINDS; spelling: its pieces too; None of both chooses by
    whether tokens are words or characters. embedding: values of the first column; the others have half, pieces two
    thirds. swap: how often a marked span becomes another of its kind from the training part, anew in each epoch.
    label_smoothing: of the intents. seconds: of the linear-chain CRF that is fitted beside the model to be scored.
    """

    who = "tagger"

    cell: Any = redefined(StackOptions, "cell", "lstm")
    hidden: int = by_rule(StackOptions, "hidden")
    layers: int = redefined(ReaderOptions, "layers", 1)
    embedding: int = by_rule(StackOptions, "embedding", help="Values a token becomes.")
    columns: tuple[str, ...] | None = option(
        None,
        shapes=True,
        check=some_of(tuple(KINDS)),
        parse=names,
        help=f"What is seen of a token: some of {', '.join(KINDS)}.",
    )
    spelling: bool | None = option(
        None, shapes=True, help="Whether words are spelled out too; by the tokens if not given."
    )
    _: KW_ONLY
    token_column: str | None = option(
        None, changeable=True, help="The column of the tokens: a name, or a place from 0; by the file if not given."
    )
    tag_column: str | None = option(
        None, changeable=True, help="The column of the tags: a name (UPOS, XPOS), or a place from 0; the last."
    )
    tag_names: tuple[str, ...] | None = option(
        None, parse=names, help="Names of tags that are numbers, in their order, with commas."
    )
    crf: bool = option(True, shapes=True, help="Tags depend on their neighbours.")
    stacked: bool = option(None, shapes=True, chosen=True, help="Tags see the intent.")
    swap: float = option(
        None, at_least=0, below=1, chosen=True, help="How often a span becomes another of its kind in training."
    )
    dropout: float = redefined(
        StackOptions, "dropout", 0.4, help="Share dropped of the embeddings, between layers and before the output."
    )
    variational: bool = redefined(DropoutOptions, "variational", True)
    rare_dropout: float = redefined(ReaderOptions, "rare_dropout", 0.5)
    sure: float = redefined(ReaderOptions, "sure", 0.98, help="How often intents that are sure should be right.")
    clip: float | None = redefined(Settings, "clip", 5.0)
    weight_decay: float = redefined(Settings, "weight_decay", 0.0)
    seconds: float = option(
        60.0,
        at_least=0,
        below=1_000_000,
        changeable=True,
        help="How long the linear-chain CRF beside it may take; 0 leaves it out.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation == 0:
            raise UserError(f"{self.who}: validation must be a share between 0 and 1, texts or a file, got 0")


OPTIONS = TaggerOptions
