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

REFIT = 20_000
"""Texts up to which the tenth that is chosen by is worth a second training."""


def choices(facts: Facts, options: ClassifierOptions) -> list[Choice]:
    """Every option that the data decide."""
    return [*_sizes(facts, options), *_dropout(facts, options), *training(facts, options, BATCH, EPOCHS)]


def refit(facts: Facts, options: ClassifierOptions) -> Choice:
    """Whether it is trained a second time, on what was chosen by too; decided before the first training."""
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


_SHARES = ("dropout", "embedding_dropout", "layer_dropout", "word_dropout", "label_smoothing")
_OF_MANY, _OF_FEW = (0.3, 0.3, 0.2, 0.1, 0.05), (0.5, 0.6, 0.3, 0.2, 0.1)
_STARTED = {_SHARES[1]: 0.2, _SHARES[3]: 0.1}
"""Of a model that begins with a language model's parameters."""


def _dropout(facts: Facts, options: ClassifierOptions) -> list[Choice]:
    many = facts.texts >= MANY
    why = f"{facts.texts:,} texts are {'hardly' if many else 'soon'} learned by heart"
    choices = {name: (share, why) for name, share in zip(_SHARES, _OF_MANY if many else _OF_FEW, strict=True)}
    if options.start is not None:
        kept = "what a language model brings is not to be dropped"
        choices |= {name: (share, kept) for name, share in _STARTED.items()}
    return [Choice(name, share, why) for name, (share, why) in choices.items()]
