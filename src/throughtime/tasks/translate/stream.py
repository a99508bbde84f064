"""A trained translator, without torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.storage.record import Schema
from throughtime.tasks.sequence.data import SequenceData, SequenceDecided
from throughtime.tasks.sequence.stream import SequenceModel
from throughtime.tasks.translate.options import TranslatorOptions

SCHEMA = Schema("translate", EncoderDecoderConfig, TranslatorOptions, SequenceData, SequenceDecided)
"""What config.json says of a translator."""


class TextTranslator(SequenceModel):
    """Translates texts; of a long one part after the other."""

    def translate(self, texts: Iterable[str], **wishes: Any) -> list[str]:
        """The translation of each text. wishes: beam, prefix, terms, at_least; see tasks.sequence.stream.Wishes."""
        return self.texts(texts, **wishes)


def load(folder: Path, weights: str | None = None) -> TextTranslator:
    """The model in a folder. weights: None or float32, they stay as they are. UserError says what is damaged."""
    return TextTranslator.of_folder(folder, SCHEMA, weights)
