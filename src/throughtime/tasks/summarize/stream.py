"""A trained summarizer, without torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.storage.record import Schema
from throughtime.tasks.sequence.cutting import BEGINNING
from throughtime.tasks.sequence.data import SequenceData, SequenceDecided
from throughtime.tasks.sequence.stream import SequenceModel
from throughtime.tasks.summarize.options import SummarizerOptions

SCHEMA = Schema("summarize", EncoderDecoderConfig, SummarizerOptions, SequenceData, SequenceDecided)
"""What config.json says of a summarizer."""


class TextSummarizer(SequenceModel):
    """Summarizes texts; of a long one the beginning is read. A summary has no names and numbers of its own."""

    reads = BEGINNING
    grounded = True

    def summarize(self, texts: Iterable[str], **wishes: Any) -> list[str]:
        """The summary of each text. wishes: beam, prefix, terms, at_least; see tasks.sequence.stream.Wishes."""
        return self.texts(texts, **wishes)


def load(folder: Path, weights: str | None = None) -> TextSummarizer:
    """The model in a folder. weights: None or float32, they stay as they are. UserError says what is damaged."""
    return TextSummarizer.of_folder(folder, SCHEMA, weights)
