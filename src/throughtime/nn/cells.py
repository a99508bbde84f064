"""One step at a time: torch.nn's cells under our roof, and RecurrentCell for any cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from throughtime.errors import UserError
from throughtime.nn.recurrent import Recurrent
from throughtime.recurrence import Cell, Trace


class RNNCell(torch.nn.RNNCell):
    """torch.nn.RNNCell: the same arguments, parameters, results, errors and speed.

    For one step PyTorch's own operator is kept. The engine packs the weights once for all steps of a sequence; at one
    step that costs as much as the step (measured on one thread, H 64 to 256, batches of 1 to 128). It is here so that
    one import serves, and equals one step of throughtime.nn.RNN with the same parameters within 1e-5.
    """


class LSTMCell(torch.nn.LSTMCell):
    """torch.nn.LSTMCell: the same arguments, parameters, results, errors and speed; see RNNCell."""


class GRUCell(torch.nn.GRUCell):
    """torch.nn.GRUCell: the same arguments, parameters, results, errors and speed; see RNNCell."""


class RecurrentCell(Recurrent):
    """One step of any recurrence: s = step(x, s'), differentiable.

    cell, input_size, hidden_size, sizes, initial, seed, device, dtype: as Recurrent's; the parameters bear the same
    names, so a state_dict fits both. Steps give bit for bit what Recurrent gives for the whole sequence.

    Example:
        >>> import torch
        >>> from throughtime.nn import RecurrentCell
        >>> cell = RecurrentCell("lstm", 3, 4, seed=0)
        >>> state = None
        >>> for x in torch.zeros(5, 2, 3):
        ...     h, c = state = cell(x, state)
        >>> h.shape, state.c.shape
        (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    def __init__(
        self,
        cell: Cell | type[Cell] | Trace | str,
        input_size: int,
        hidden_size: int,
        sizes: dict[str, int] | None = None,
        initial: str = "zero",
        seed: int | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            cell, input_size, hidden_size, sizes, initial=initial, output="last", seed=seed, device=device, dtype=dtype
        )

    def forward(  # type: ignore[override]
        self, x: Tensor, state: Sequence[Tensor] | Tensor | None = None, **inputs: Tensor
    ) -> Any:
        """One step.

        x: (B, I), or (I,) for a single sequence. state: (B, S_j) each, (S_j,) for a single sequence; a tensor will do
        for a cell of one state; None for the module's own initial one. inputs: what the cell reads beside x, by
        name. Returns the new State.
        Raises ValueError where a shape does not fit.
        """
        width = self.recurrence.sizes["I"]
        if x.dim() not in (1, 2) or x.shape[-1] != width:
            raise UserError(f"{self.trace.name}: x must be (B, I={width}) or (I={width},), got {tuple(x.shape)}")
        beside = {name: value.unsqueeze(0) for name, value in inputs.items()}
        return super().forward(x.unsqueeze(0), state, **beside)[1]
