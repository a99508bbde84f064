"""One step of a recurrence at a time, for one stream or for several that always go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from throughtime.engine.arrays import Array


class Stepper:
    """One step at a time, with a state of its own. Made by Program.stepper.

    step(x): x (I,) for one row, else (B, I) contiguous -> the output state, a view that the next step overwrites.
    set_table(inputs): inputs (count, I); their products with the weights are computed once. Then step_token(i), or
    step_tokens(ids) for several rows, is step(inputs[i]).
    For one thread at a time, that which stepped first: ValueError in another one, unless it sets the state or calls
    take_over(), to go on from the state as it is; what was returned to the first one stays as it was then.
    """

    def __init__(self, stepper: Any, rows: int, state_sizes: Sequence[int], dtype: str) -> None:
        self._stepper, self._dtype = stepper, dtype
        self._shapes = [(rows, size) for size in state_sizes]
        self.step, self.step_token, self.step_tokens = stepper.step, stepper.step_token, stepper.step_tokens
        self.set_table, self.take_over = stepper.set_table, stepper.take_over

    @property
    def state(self) -> tuple[Array, ...]:
        """Copies of the states, (B, S_j) each."""
        states = [np.empty(shape, self._dtype) for shape in self._shapes]
        self._stepper.read_state(states)
        return tuple(states)

    def set_state(self, states: Sequence[Array] | None) -> None:
        """Set the states, (B, S_j) each; None for zeros."""
        if states is None:
            states = [np.zeros(shape, self._dtype) for shape in self._shapes]
        self._stepper.write_state([np.ascontiguousarray(state, self._dtype) for state in states])
