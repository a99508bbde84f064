"""The summarizer, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from throughtime.tasks.sequence.estimator import SequenceEstimator
from throughtime.tasks.summarize.options import SummarizerOptions
from throughtime.tasks.summarize.score import score
from throughtime.tasks.summarize.stream import SCHEMA, TextSummarizer


class Summarizer(SequenceEstimator[SummarizerOptions, TextSummarizer]):
    """Short texts of long ones, learned from pairs of them.

    Its options are those of throughtime.tasks.summarize.options.SummarizerOptions, by name.

    Example (not run):
        model = throughtime.Summarizer().fit(sources, targets)
        model.summarize(["..."])
    """

    schema = SCHEMA
    running = TextSummarizer

    def summarize(self, texts: Sequence[str], **wishes: Any) -> list[str]:
        """The summary of each text. wishes: beam, prefix, terms, at_least; see tasks.sequence.stream.Wishes."""
        return self.fitted().summarize(texts, **wishes)

    def score_held_out(self, say: Any) -> dict[str, Any] | None:
        assert self.examples is not None
        if self.examples.test is None:
            return None
        return score(self.fitted(), self.examples.test, self.examples.whole)
