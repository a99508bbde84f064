"""What one can choose when a text is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.stack import LARGEST
from throughtime.options import option, redefined
from throughtime.tasks.options import DropoutOptions, StackOptions, TaskOptions


def _widths(value: Any) -> Any:
    """H, or one for each layer."""
    each = list(value) if isinstance(value, list | tuple) else [value]
    if not each or any(type(one) is not int or not 1 <= one <= LARGEST for one in each):
        raise ValueError(f"an integer from 1 to {LARGEST:,}, or one for each layer")
    return tuple(each) if isinstance(value, list | tuple) else value


def _typed_widths(text: str) -> Any:
    try:
        each = [int(one) for one in text.split(",")]
    except ValueError:
        raise UserError(f"--hidden {text}: expected a number, or several with commas, one for each layer") from None
    return each if len(each) > 1 else each[0]


def _typed_sizes(entries: list[str]) -> dict[str, int]:
    sizes = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not equals or not name.strip() or not value.strip().isdecimal():
            raise ValueError(f"--size {entry}: expected a name and a number such as M=32")
        sizes[name.strip()] = int(value)
    return sizes


@dataclass(frozen=True)
class TextOptions(DropoutOptions):
    """A model of text and its training.

    hidden: H, or one for each layer. tied: the output layer uses the embedding. tokens: "characters", "bytes", "words"
    or "bpe"; vocabulary: their number, None for the kind's own choice. sizes: further symbolic sizes of the cell.
    window: T, steps the gradient goes back; batch: B, parallel streams of text. validation, holdout: the shares of the
    text kept apart.
    """

    who = "language model"

    cell: Any = redefined(StackOptions, "cell", "lstm")
    hidden: Any = redefined(
        StackOptions, "hidden", 256, check=_widths, parse=_typed_widths, help="H, the size of the hidden state."
    )
    embedding: int = redefined(StackOptions, "embedding", 64, help="Values per token.")
    layers: int = redefined(StackOptions, "layers", 1)
    dropout: float = redefined(
        StackOptions, "dropout", 0.0, help="Share of values dropped between layers and before the output."
    )
    embedding_dropout: float | None = redefined(
        DropoutOptions, "embedding_dropout", 0.0, help="Share of values dropped of the embeddings."
    )
    tied: bool = option(False, help="Let the output layer use the embedding.")
    tokens: str = option("characters", choices=tokenizers.KINDS, help=f"{', '.join(tokenizers.KINDS)}.")
    vocabulary: int | None = option(None, help="The most tokens there may be.")
    sizes: dict[str, int] | None = option(
        None, flag="--size", parse=_typed_sizes, help="A further size of a cell of your own: M=32."
    )
    batch: int = redefined(TaskOptions, "batch", 32, help="B, parallel streams of text.")
    window: int = option(64, at_least=1, at_most=LARGEST, help="T, steps the gradient goes back.")
    validation: float = option(0.05, at_least=0, below=1, help="Share of the learning part kept for validation.")
    holdout: float = option(0.1, at_least=0, below=1, help="Share of the text, at its end, kept for the final score.")
    encoding: str = option("utf-8", changeable=True, help="Of the file.")


OPTIONS = TextOptions
