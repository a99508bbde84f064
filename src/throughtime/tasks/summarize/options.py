"""What one can choose when summaries are learned."""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.tasks.sequence.options import SequenceOptions


@dataclass(frozen=True, kw_only=True)
class SummarizerOptions(SequenceOptions):
    """A summarizer and its training; see SequenceOptions."""

    who = "summarizer"


OPTIONS = SummarizerOptions
