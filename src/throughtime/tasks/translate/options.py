"""What one can choose when translations are learned."""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.tasks.sequence.options import SequenceOptions


@dataclass(frozen=True, kw_only=True)
class TranslatorOptions(SequenceOptions):
    """A translator and its training; see SequenceOptions."""

    who = "translator"


OPTIONS = TranslatorOptions
