"""ExactOps for a search: what a step multiplies with is packed once, and kept for the next one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np

from throughtime.models.exact import ExactOps, layer_of
from throughtime.recurrence import Recurrence

_FEW = 16
"""Rows up to which packing costs more than multiplying."""

_LARGE = 1 << 16
"""Values of a matrix that is worth keeping packed."""

_KEPT = 12
"""Packed layers that are kept."""


class StepOps(ExactOps):
    """The same numbers, bit for bit. What is packed belongs to the arrays it was made of, which must not change."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self._packed: OrderedDict[tuple[Any, ...], tuple[Any, tuple[np.ndarray, ...]]] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"threads": self.threads}

    def __setstate__(self, state: dict[str, int]) -> None:
        StepOps.__init__(self, state["threads"])

    def linear(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """weight (N, K) times x (..., K), plus bias (N,): (..., N)."""
        rows = x.size // max(1, x.shape[-1])
        if weight.size < _LARGE or not 0 < rows <= _FEW or bias is None:
            return super().linear(x, weight, bias)
        outputs, inputs = weight.shape
        layer = layer_of(inputs, outputs)
        arrays = tuple({"W": weight, "b": bias}[name] for name in layer.trace.parameters)
        with self._lock:
            stepper = self._stepper(layer, arrays, rows)
            found = self._step(stepper, np.ascontiguousarray(x).reshape(rows, inputs), None)[0]
        return found.reshape(*x.shape[:-1], outputs)

    def recurrence(
        self,
        layer: Recurrence,
        x: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
        lengths: np.ndarray | None = None,
        reverse: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The recurrence over x (T, B, I) from `initial` (None: zeros): output (T, B, S), final states (B, S_j)."""
        rows = x.shape[1]
        if len(x) != 1 or lengths is not None or not 0 < rows <= _FEW:
            return super().recurrence(layer, x, initial, parameters, lengths, reverse)
        arrays = tuple(parameters[name] for name in layer.trace.parameters)
        with self._lock:
            stepper = self._stepper(layer, arrays, rows)
            output, states = self._step(stepper, np.ascontiguousarray(x[0]), initial)
        return output[None], states

    def _step(
        self, stepper: Any, x: np.ndarray, initial: Sequence[np.ndarray] | None
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        stepper.set_state(initial)
        output = np.array(stepper.step(x if len(x) > 1 else x[0])).reshape(len(x), -1)
        return output, stepper.state

    def _stepper(self, layer: Recurrence, arrays: tuple[np.ndarray, ...], rows: int) -> Any:
        """A stepper of so many rows; of the least recently asked for some are forgotten."""
        from throughtime import engine

        key = (layer, rows, *(id(one) for one in arrays))
        if key not in self._packed:
            program = engine.compile(layer, str(arrays[0].dtype))
            self._packed[key] = (program.stepper(arrays, rows), arrays)  # the arrays too, so that no id comes again
        self._packed.move_to_end(key)
        while len(self._packed) > _KEPT:
            self._packed.popitem(last=False)
        return self._packed[key][0]
