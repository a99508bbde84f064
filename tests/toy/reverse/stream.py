"""The trained model without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from throughtime.tasks.reverse import model as reverser
from throughtime.tasks.reverse.data import LineData
from throughtime.tasks.reverse.model import ReverseConfig
from throughtime.tasks.reverse.options import ReverseOptions

from throughtime.models.ops_numpy import NumpyOps
from throughtime.runtime.stream import Stateless
from throughtime.storage.folder import WEIGHTS, read_weights
from throughtime.storage.parameters import check_finite, check_parameters
from throughtime.storage.record import Nothing, Schema

SCHEMA = Schema("reverse", ReverseConfig, ReverseOptions, LineData, Nothing)


class LineReverser:
    """Lines in, reversed lines out."""

    def __init__(self, config: ReverseConfig, parameters: Any, data: LineData) -> None:
        check_parameters(reverser.WHO, config.shapes, parameters)
        check_finite(reverser.WHO, parameters)
        self.config, self.parameters, self.data, self.ops = config, parameters, data, NumpyOps()

    def predict(self, lines: Sequence[str]) -> list[str]:
        """Each line reversed, as far as it was learned."""
        tokens, lengths = self.data.ids(lines)
        best = reverser.forward(self.ops, self.config, self.parameters, tokens, lengths).argmax(-1)
        signs = "?" + self.data.alphabet
        return ["".join(signs[i] for i in best[:n, b]) for b, n in enumerate(lengths)]

    def stream(self) -> Stateless[str, str]:
        """Line after line."""
        return Stateless("reverse", lambda line: self.predict([line])[0])


def load(folder: Path, weights: str | None = None) -> LineReverser:
    """The model in a folder."""
    record = SCHEMA.read(folder)
    return LineReverser(record.model, read_weights(folder / WEIGHTS), record.data)
