"""Initial values with memories as long as the data need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from throughtime.insight.carry import remember
from throughtime.recurrence import Recurrence


def chrono(
    layers: Sequence[Recurrence], parameters: Mapping[str, np.ndarray], longest: float | None, seed: int
) -> dict[str, np.ndarray]:
    """A model's drawn parameters with the time scales of every layer's units spread from 2 to `longest` steps, None for
    the cells' own start. Raises UserError for a cell whose memory no bias decides."""
    values = dict(parameters)
    if longest is None:
        return values
    for i, layer in enumerate(layers):
        own = {name: values[f"layers.{i}.{name}"] for name in layer.trace.parameters}
        changed = remember(layer.trace, layer.sizes, own, longest, seed + i)
        values.update({f"layers.{i}.{name}": value for name, value in changed.items()})
    return values
