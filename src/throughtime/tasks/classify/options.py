"""What one can choose when texts are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from throughtime.data.labelled import FORMATS
from throughtime.data.splitter import UNITS
from throughtime.errors import UserError
from throughtime.models.pooling import KINDS
from throughtime.options import by_rule, names, option, redefined
from throughtime.tasks.options import DropoutOptions, StackOptions, TaskOptions
from throughtime.tasks.reading.options import ReaderOptions, some_of


def _separator(value: Any) -> str:
    if not isinstance(value, str) or not (value.strip() or value == " ") or len(value) > 9 or value.isalnum():
        raise ValueError("one sign or a few, such as | or ;")
    return value


def _label_columns(value: Any) -> str:
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) and "," not in name for name in value):
        return ",".join(value)
    if not isinstance(value, str):
        raise ValueError("a column's name, or a list of names without commas")
    return value


def _class_weight(value: Any) -> Any:
    if value is None or value == "balanced":
        return value
    good = isinstance(value, Mapping) and value
    weights = {str(name): weight for name, weight in value.items()} if good else {}
    numbers = all(isinstance(w, int | float) and not isinstance(w, bool) and 0 < w < 1e6 for w in weights.values())
    if not weights or not numbers:
        raise ValueError("balanced, or classes and what each weighs, above 0")
    return {name: float(weight) for name, weight in weights.items()}


def _typed_weights(text: str) -> Any:
    if "=" not in text:
        return text
    return {name.strip(): float(weight) for name, _, weight in (one.rpartition("=") for one in names(text))}


@dataclass(frozen=True)
class ClassifierOptions(ReaderOptions):
    """A classifier of texts and its training.

    units: what texts are read in, one of UNITS or several, whose members then decide together; None takes characters
    where texts are written without spaces, words elsewhere. naive_bayes: "on": the recurrence reads beside each token
    what the n-grams that end there say of the classes (linear/naive_bayes.py), unless texts and classes are too many
    for memory; "off"; or "both": members of either kind decide together. pmi_embeddings: embeddings start from which
    tokens stand near which others (tasks/reading/embeddings.py). start: the folder of a classifier whose training
    goes on with new texts, or of a language model of words or characters whose tokens, embedding and recurrence the
    forward direction starts from. refit: once all is decided on the validation part, train a second time, on that part
    too. text, label: the columns of a table; format: of the file. drop_missing: leave texts without a label out.
    multi_label: whether a text has any number of labels; None: where the data say so. label_separator: the sign between
    them in a cell. class_weight: None, "balanced" or what each class weighs in training.
    """

    who = "classifier"

    cell: Any = redefined(StackOptions, "cell", "lstm")
    hidden: int = by_rule(StackOptions, "hidden")
    layers: int = redefined(ReaderOptions, "layers", 1)
    embedding: int = by_rule(StackOptions, "embedding", help="Values a unit becomes.")
    units: tuple[str, ...] | None = option(
        None,
        shapes=True,
        check=some_of(UNITS),
        parse=names,
        help=f"{', '.join(UNITS)}; several, with commas; by the texts if not given.",
    )
    _: KW_ONLY
    pooling: tuple[str, ...] = option(
        ("max", "mean", "attention"),
        shapes=True,
        check=some_of(KINDS),
        parse=names,
        help=f"From a text's tokens to one vector: some of {', '.join(KINDS)}, with commas.",
    )
    sentences: bool = option(False, shapes=True, help="Long texts: a recurrence over sentences too.")
    naive_bayes: str = option(
        "on",
        shapes=True,
        choices=("on", "off", "both"),
        help="Let the recurrence read what naive Bayes says of each token: on, off, or both kinds.",
    )
    pmi_embeddings: bool = option(
        True, once=True, help="Start the embeddings from which tokens stand near which others."
    )
    start: str | None = redefined(
        TaskOptions, "start", None, help="The folder to start from: a classifier, or a language model (train text)."
    )
    dropout: float = by_rule(StackOptions, "dropout", help="Share dropped before the output.")
    embedding_dropout: float | None = by_rule(
        DropoutOptions, "embedding_dropout", help="Share dropped of the embeddings."
    )
    layer_dropout: float | None = by_rule(
        DropoutOptions, "layer_dropout", help="Share dropped between layers, and of sentences."
    )
    word_dropout: float = by_rule(ReaderOptions, "word_dropout")
    label_smoothing: float = by_rule(ReaderOptions, "label_smoothing")
    balanced: bool = option(False, help="Every class weighs the same in training, however frequent.")
    refit: bool = option(
        None, once=True, chosen=True, help="Once all is decided, train a second time, on the validation texts too."
    )
    text: str | None = option(None, help="The column of the texts; text, review and the like are known.")
    label: str | None = option(
        None,
        check=_label_columns,
        help="The column of the labels, known by usual names; several of 0 and 1, with commas.",
    )
    format: str = option(
        "auto",
        choices=FORMATS,
        help="Of the file: table (CSV, TSV), lines (label, text), json; by its content if not given.",
    )
    multi_label: bool | None = option(
        None, shapes=True, help="Whether a text may have several labels; found if not given."
    )
    label_separator: str | None = option(
        None, check=_separator, help="Between several labels in a cell, such as | or ; found where it is clear."
    )
    class_weight: Any = option(
        None, check=_class_weight, parse=_typed_weights, help="balanced, or what classes weigh: spam=5,ham=1."
    )
    drop_missing: bool = option(False, help="Leave texts out that have no label, instead of refusing them.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.label_separator is not None and self.multi_label is False:
            raise UserError(f"{self.who}: a label_separator is of several labels; leave it out, or no-multi-label")
        if self.balanced and self.class_weight is not None:
            raise UserError(f"{self.who}: balanced is class_weight='balanced'; give one of them")
        if self.sentences and "subwords" in (self.units or ()):
            raise UserError(
                f"{self.who}: sentences are found in words, characters or jieba, not in subwords; choose others"
            )

    def check(self) -> None:
        from throughtime.tasks.load import task_of

        super().check()
        if self.start is not None and (self.units is not None or self.sentences) and task_of(self.start) == "text":
            raise UserError(
                f"{self.who}: a start brings its own units and reads texts as one; leave units, sentences out"
            )


OPTIONS = ClassifierOptions
