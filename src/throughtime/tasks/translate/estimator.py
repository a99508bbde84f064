"""The translator, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from throughtime.tasks.sequence.estimator import SequenceEstimator
from throughtime.tasks.translate.options import TranslatorOptions
from throughtime.tasks.translate.score import score
from throughtime.tasks.translate.stream import SCHEMA, TextTranslator


class Translator(SequenceEstimator[TranslatorOptions, TextTranslator]):
    """Texts of one language into another, learned from pairs of them.

    Its options are those of throughtime.tasks.translate.options.TranslatorOptions, by name.

    Example (not run):
        model = throughtime.Translator().fit(sources, targets)
        model.translate(["ein Hund rennt"])
    """

    schema = SCHEMA
    running = TextTranslator

    def translate(self, texts: Sequence[str], **wishes: Any) -> list[str]:
        """The translation of each text. wishes: beam, prefix, terms, at_least; see tasks.sequence.stream.Wishes."""
        return self.fitted().translate(texts, **wishes)

    def score_held_out(self, say: Any) -> dict[str, Any] | None:
        assert self.examples is not None
        if self.examples.test is None:
            return None
        return score(self.fitted(), self.examples.test, self.examples.whole)
