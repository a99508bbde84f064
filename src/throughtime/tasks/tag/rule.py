"""The rule of the tagger: from the texts and the budget to its settings, where nobody chose.

What it rests on is in docs/understanding.md, "What the rule rests on".
"""

from __future__ import annotations

from throughtime.storage.record import Choice
from throughtime.tasks.reading.rule import Facts, training
from throughtime.tasks.tag.options import TaggerOptions

BATCH, EPOCHS = 48, 12
"""What thousands of texts want."""

FEW = 2000
"""Texts below which a smaller model does."""


def choices(facts: Facts, options: TaggerOptions) -> list[Choice]:
    """Every option that the data decide."""
    few = facts.texts < FEW
    why = f"{facts.texts:,} texts" + (" are few" if few else " carry it")
    sizes = [Choice("hidden", 100 if few else 150, why), Choice("embedding", 64 if few else 100, why)]
    return [*sizes, *_words(facts), *training(facts, options, BATCH, EPOCHS)]


def _words(facts: Facts) -> list[Choice]:
    """What depends on whether tokens are words."""
    if not facts.words:
        why = "tokens are characters"
        return [
            Choice("swap", 0.0, f"{why}: their neighbours tell, and swapped spans have others"),
            Choice("stacked", False, why),
        ]
    seen = facts.classes > 0
    return [
        Choice("swap", 0.3, "tokens are words: new sentences from old ones"),
        Choice("stacked", seen, "an intent tells which slots there are" if seen else "there are no intents to see"),
    ]
