"""What one can choose when a text is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.stack import LARGEST
from throughtime.options import by_rule, option, redefined
from throughtime.tasks.options import DropoutOptions, StackOptions, TaskOptions
from throughtime.tasks.text.units import UNITS
from throughtime.training.settings import Settings


def _widths(value: Any) -> Any:
    """H, or one for each layer; None where it is chosen."""
    if value is None:
        return None
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


_CHOSEN = " Chosen by the text, the budget and the machine where not given."


@dataclass(frozen=True)
class TextOptions(DropoutOptions):
    """A model of text and its training. What is None is chosen by throughtime.tasks.text.rule.

    hidden: H, or one for each layer. tied: the output layer uses the embedding. tokens: "characters", "bytes", "words"
    or "bpe"; vocabulary: their number, None for the kind's own choice. sizes: further symbolic sizes of the cell.
    window: T, steps the gradient goes back; batch: B, parallel streams of text. ngram: whether an n-gram model of the
    text joins in, with the weights that serve best on the validation part. validation, holdout: the shares of the
    text kept apart; validation_blocks: over how many stretches of what is learned the first of them is spread;
    text_unit: what they keep whole.
    """

    who = "language model"

    cell: Any = redefined(StackOptions, "cell", "lstm")
    hidden: Any = redefined(
        StackOptions,
        "hidden",
        None,
        check=_widths,
        parse=_typed_widths,
        help="H, the size of the hidden state." + _CHOSEN,
    )
    embedding: int = by_rule(StackOptions, "embedding", help="Values per token." + _CHOSEN)
    layers: int = redefined(StackOptions, "layers", 1)
    dropout: float = by_rule(
        StackOptions, "dropout", help="Share of values dropped between layers and before the output." + _CHOSEN
    )
    embedding_dropout: float | None = redefined(
        DropoutOptions, "embedding_dropout", None, help="Share of values dropped of the embeddings." + _CHOSEN
    )
    weight_dropout: float = by_rule(
        DropoutOptions, "weight_dropout", help="Share of the recurrent weights dropped." + _CHOSEN
    )
    tied: bool = option(False, shapes=True, help="Let the output layer use the embedding.")
    tokens: str = option("characters", shapes=True, choices=tokenizers.KINDS, help=f"{', '.join(tokenizers.KINDS)}.")
    vocabulary: int | None = option(None, shapes=True, help="The most tokens there may be.")
    sizes: dict[str, int] | None = option(
        None, shapes=True, flag="--size", parse=_typed_sizes, help="A further size of a cell of your own: M=32."
    )
    batch: int = by_rule(TaskOptions, "batch", help="B, parallel streams of text." + _CHOSEN)
    window: int = option(64, at_least=1, at_most=LARGEST, help="T, steps the gradient goes back.")
    learning_rate: float = by_rule(Settings, "learning_rate", help="The highest learning rate." + _CHOSEN)
    warm_up: int = by_rule(Settings, "warm_up")
    weight_decay: float = by_rule(Settings, "weight_decay", help="Of AdamW, for matrices." + _CHOSEN)
    average: float = by_rule(
        Settings, "average", help="Decay of the moving average of the weights; 0 for none." + _CHOSEN
    )
    attempts: int = by_rule(Settings, "attempts")
    learn_validation: bool = by_rule(
        Settings, "learn_validation", shell=True, help="Learn the validation part too, at the end." + _CHOSEN
    )
    ngram: bool | None = option(
        None, chosen=True, help="Whether an n-gram model of the text joins in, as validation weighs it." + _CHOSEN
    )
    validation: float | None = option(
        None, once=True, at_least=0, below=1, help="Share of the learning part kept for validation." + _CHOSEN
    )
    validation_blocks: int | None = option(
        None,
        once=True,
        at_least=1,
        at_most=LARGEST,
        shell=False,
        help="Stretches that the validation part is spread over.",
    )
    holdout: float = option(
        0.1, once=True, at_least=0, below=1, help="Share of the text, at its end, kept for the final score."
    )
    text_unit: str | None = option(
        None,
        flag="--unit",
        chosen=True,
        once=True,
        choices=UNITS,
        help="What the parts keep whole: characters (nothing), text (each file), line. Where not given, text if each "
        "of several is a small share.",
    )
    encoding: str = option("utf-8", changeable=True, help="Of the file.")


OPTIONS = TextOptions
