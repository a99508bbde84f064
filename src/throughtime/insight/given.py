"""The operations for torch with the looked-up input given: a model as a function of its embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from throughtime.models.ops_torch import TorchOps
from throughtime.recurrence import Recurrence


class GivenOps(TorchOps):
    """x: (T, B, E), what `lookup` returns whatever it is asked for."""

    def __init__(self, x: Tensor) -> None:
        super().__init__(training=False)
        self._x = x

    def lookup(self, table: Tensor, tokens: Tensor) -> Tensor:
        return self._x

    def embedded(
        self,
        layer: Recurrence,
        tokens: Tensor,
        table: Tensor,
        initial: Sequence[Tensor] | None,
        parameters: Mapping[str, Tensor],
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.recurrence(layer, self._x.contiguous(), initial, parameters)
