"""The chat's sizes: of an encoder-decoder that writes replies, of two encoders that choose them, or of both.

Their arithmetic: throughtime.models.encoder_decoder and throughtime.tasks.choosing.model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError
from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.options import Checked, Json, option
from throughtime.tasks.choosing.model import ChooserConfig

WHO = "chat"

CHOOSER = "chooser."
"""What the names of the chooser's parameters begin with."""


@dataclass(frozen=True)
class ChatConfig(Checked):
    """generator: of what writes replies, chooser: of what chooses them; None where there is none."""

    who = WHO

    generator: EncoderDecoderConfig | None = option(None)
    chooser: ChooserConfig | None = option(None)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.generator is None and self.chooser is None:
            raise UserError(f"{self.who}: expected a generator, a chooser, or both; config.json is damaged")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        found = {} if self.generator is None else dict(self.generator.shapes)
        own = {} if self.chooser is None else self.chooser.shapes
        return {**found, **{CHOOSER + name: shape for name, shape in own.items()}}

    def to_json(self) -> dict[str, Json]:
        """Plain values; a generator alone as it was written before there were choosers."""
        if self.chooser is None and self.generator is not None:
            found: dict[str, Json] = self.generator.to_json()
            return found
        return super().to_json()

    @classmethod
    def from_json(cls, data: Json) -> ChatConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        if isinstance(data, dict) and not {"generator", "chooser"} & data.keys():
            return cls(EncoderDecoderConfig.from_json(data))
        return super().from_json(data)


def generators(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the generator."""
    return {name: value for name, value in parameters.items() if not name.startswith(CHOOSER)}


def choosers(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the chooser, by its own names."""
    return {name[len(CHOOSER) :]: value for name, value in parameters.items() if name.startswith(CHOOSER)}
