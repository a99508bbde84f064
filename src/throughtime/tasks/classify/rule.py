"""The rule of the classifier: from the texts and the budget to its settings, where nobody chose.

What it rests on is in docs/understanding.md, "What the rule rests on".
"""

from __future__ import annotations

from throughtime.storage.record import Choice
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.rule import Facts, training

BATCH, EPOCHS = 64, 4
"""What thousands of texts want."""

MANY = 50_000
"""Texts from which there is so much to learn that learning by heart is no danger."""

SHARES: dict[str, tuple[float, float, float | None]] = {
    "dropout": (0.5, 0.3, None),
    "embedding_dropout": (0.6, 0.3, 0.2),
    "layer_dropout": (0.3, 0.2, None),
    "word_dropout": (0.2, 0.1, 0.1),
    "label_smoothing": (0.1, 0.05, None),
}
"""Of fewer texts than MANY, of as many, and where it starts from a language model."""

REFIT = 20_000
"""Texts up to which the tenth that is chosen by is worth a second training."""


def choices(facts: Facts, options: ClassifierOptions) -> list[Choice]:
    """Every option that the data decide."""
    return [*_sizes(facts, options), *_dropout(facts, options), *training(facts, options, BATCH, EPOCHS)]


def refit(facts: Facts, options: ClassifierOptions, gone: bool = False) -> Choice:
    """Whether it is trained a second time, on what was chosen by too; decided before the first training. gone: whether
    it starts from another classifier, whose texts are no longer at hand."""
    if gone:
        return Choice("refit", False, "it starts from a trained model, whose texts are not there")
    if facts.apart:
        return Choice("refit", False, "what it is chosen by was handed over apart")
    if options.validation == 0:
        return Choice("refit", False, "all texts are learned from")
    if options.unit != "minutes" and options.budgeted:
        return Choice("refit", False, f"the {options.unit} that were given are for one training")
    if facts.texts > REFIT:
        return Choice("refit", False, f"{facts.texts:,} texts are enough without those it is chosen by")
    return Choice("refit", True, "the texts it is chosen by are learned too, once all is decided")


def _sizes(facts: Facts, options: ClassifierOptions) -> list[Choice]:
    if options.start is not None:
        return []  # those of the language model
    many = facts.texts >= MANY
    hidden = 128 if many else 64
    why = (
        f"{facts.texts:,} texts carry a larger state"
        if many
        else f"{facts.texts:,} texts: a larger one learns by heart"
    )
    return [Choice("hidden", hidden, why), Choice("embedding", hidden, "as wide as the state")]


def _dropout(facts: Facts, options: ClassifierOptions) -> list[Choice]:
    much = facts.texts >= MANY
    why = f"{facts.texts:,} texts are {'hardly' if much else 'soon'} learned by heart"
    choices = []
    for name, (few, many, started) in SHARES.items():
        if options.start is not None and started is not None:
            choices.append(Choice(name, started, "what a language model brings is not to be dropped"))
        else:
            choices.append(Choice(name, many if much else few, why))
    return choices
