"""What keeps a recurrence from learning its data by heart: zoneout and three kinds of dropout, around any cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from throughtime.nn.call import Layer
from throughtime.nn.masks import chosen, dropout_mask, in_256ths
from throughtime.recurrence import Recurrence, Trace
from throughtime.recurrence.wrap import DROPOUT, ZONEOUT, recurrent_dropout, recurrent_matrices, zoneout

Rates = float | Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Regular:
    """The rates around one cell, and the rewritten recurrences they need.

    zoneout: state -> share. recurrent, input, weight: shares of dropout. training, evaluation: what runs instead of
    the plain recurrence; the same parameters in the same order. Raises ValueError for a share out of range, an unknown
    state, or dropout that the cell has no place for.
    """

    plain: Layer
    zoneout: dict[str, float]
    recurrent: float = 0.0
    input: float = 0.0
    weight: float = 0.0
    training: Layer = field(init=False, repr=False)
    evaluation: Layer = field(init=False, repr=False)
    dropped: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        trace = self.plain.trace
        for name, share in self.shares():
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
                raise ValueError(f"{trace.name}: {name} must be a share, at least 0 and below 1, got {share!r}")
        rates = {state: in_256ths(share) / 256 for state, share in self.zoneout.items() if share}
        evaluation = zoneout(trace, rates)  # refuses an unknown state
        training = zoneout(recurrent_dropout(trace) if self.recurrent else trace, dict.fromkeys(rates))
        dropped = recurrent_matrices(trace) if self.weight else []
        if self.weight and not dropped:
            raise ValueError(f"{trace.name}: weight_dropout needs a matrix on the state, there is none")
        object.__setattr__(self, "dropped", frozenset(dropped))
        object.__setattr__(self, "training", self._rewritten(training) if training.masks else self.plain)
        object.__setattr__(self, "evaluation", self._rewritten(evaluation) if rates else self.plain)

    def _rewritten(self, trace: Trace) -> Layer:
        return replace(self.plain, recurrence=Recurrence(trace, self.plain.recurrence.sizes))

    @classmethod
    def of(cls, plain: Layer, zoneout: Rates, recurrent: float, input: float, weight: float) -> Regular | None:
        """None where every share is 0. zoneout: one share for all states, or one for each named."""
        named = dict(zoneout) if isinstance(zoneout, Mapping) else dict.fromkeys(plain.trace.states, zoneout)
        regular = cls(plain, named, recurrent, input, weight)
        return regular if any(share for _, share in regular.shares()) else None

    def shares(self) -> list[tuple[str, Any]]:
        """Every share with its name."""
        others = {"recurrent_dropout": self.recurrent, "input_dropout": self.input, "weight_dropout": self.weight}
        return [*((f"zoneout of {state}", share) for state, share in self.zoneout.items()), *others.items()]

    def arrays(self, arrays: list[Tensor]) -> list[Tensor]:
        """The parameters, in the trace's order, with weight dropout."""
        if not self.weight:
            return arrays
        names = self.plain.trace.parameters
        return [
            array * dropout_mask(array.shape, self.weight, array) if name in self.dropped else array
            for name, array in zip(names, arrays, strict=True)
        ]

    def inputs(self, data: Tensor, rows: Tensor | None, axis: int) -> Tensor:
        """The inputs side by side with input dropout, and the masks of this call beside them.

        data: (T, B, ...) or (B, T, ...), the batch on `axis`; or packed (N, ...), `rows` (N,) telling each one's row.
        """
        trace, sizes = self.training.trace, self.training.recurrence.sizes

        def one_a_row(width: int) -> tuple[int, ...]:
            return (int(rows.max()) + 1 if len(rows) else 0, width) if rows is not None else (data.shape[axis], width)

        def spread(mask: Tensor) -> Tensor:
            if rows is not None:
                return mask[rows]
            return mask.unsqueeze(1 - axis).expand(*data.shape[:2], -1)

        if self.input:
            width = sizes["I"]
            mask = spread(dropout_mask(one_a_row(width), self.input, data))
            data = torch.cat([data[..., :width] * mask, data[..., width:]], -1)
        parts = [data]
        for name in trace.masks:
            width = sizes[trace.input_sizes[name]]
            if name.startswith(DROPOUT):
                parts.append(spread(dropout_mask(one_a_row(width), self.recurrent, data)))
            else:
                share = self.zoneout[name.removeprefix(ZONEOUT)]
                parts.append(chosen((*data.shape[:-1], width), share).to(data))
        return torch.cat(parts, -1) if len(parts) > 1 else data
