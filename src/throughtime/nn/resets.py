"""Resets in mid-sequence: before a flagged step a row's state is the initial one, as where an episode starts.

Each row is cut at its resets, and the pieces run as rows of one ragged batch. Rows are independent, so every piece
gives bit for bit what it gives by itself, and gradients stop at a reset as they must.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from throughtime.errors import UserError
from throughtime.nn.call import Call

Tensors = tuple[Tensor, ...]


def run_with_resets(
    run: Callable[[Call, Tensors], tuple[Tensor, Tensors]],
    call: Call,
    x: Tensor,
    initial: Sequence[Tensor],
    restart: Sequence[Tensor],
    arrays: Sequence[Tensor],
    resets: Tensor,
) -> tuple[Tensor, Tensors]:
    """A run with resets, made of one run of the pieces.

    x: (T, B, I), time first. initial: the states (B, S_j) of the start, empty for `restart`. restart: the states (S_j,)
    that a reset goes back to, empty for zeros. resets: (T, B) bool; flagged steps behind a row's length are ignored.
    With call.reverse a row is reset before the flagged step too, in the order in which steps are taken.

    Returns the output (T, B, S) and the final states (B, S_j).
    """
    steps, batch = x.shape[0], x.shape[1]
    lengths = torch.full((batch,), steps) if call.lengths is None else call.lengths.cpu()
    pieces = _Pieces(resets.detach().cpu(), lengths, call.reverse)
    which = pieces.row.to(x.device)
    starts = _starts(pieces, initial, restart, which)
    place = pieces.place.to(x.device)
    data = x.reshape(steps * batch, x.shape[2]).index_select(0, place)
    first = tuple(initial) or tuple(
        (state.expand(batch, -1) for state in restart)
        if restart
        else (x.new_zeros((batch, width)) for width in call.layer.recurrence.state_sizes)
    )
    if not len(pieces.row):
        return x.new_zeros((steps, batch, call.layer.output_size)), first
    packed = replace(call, lengths=None, batch_sizes=pieces.batch_sizes, states=len(starts))
    output, final = run(packed, (data, *starts, *arrays))
    spread = output.new_zeros((steps * batch, output.shape[1])).index_copy(0, place, output)
    rows, last = pieces.ending_rows.to(x.device), pieces.ending.to(x.device)
    final = tuple(
        [
            start.to(state.dtype).index_copy(0, rows, state.index_select(0, last))
            for start, state in zip(first, final, strict=True)
        ]
    )
    return spread.reshape(steps, batch, output.shape[1]), final


class _Pieces:
    """Where the rows are cut, the pieces sorted by falling length.

    row: of each piece. fresh: whether it starts from a reset. batch_sizes, place: of the packed data, each value's
    place in (T * B). ending_rows, ending: the rows that have steps, and the piece that each ends with.
    """

    def __init__(self, cut: Tensor, lengths: Tensor, reverse: bool) -> None:
        steps, batch = cut.shape
        inside = torch.arange(steps)[:, None] < lengths
        begins = cut.clone()
        if reverse:  # a piece ends, in time, with the flagged step
            begins[1:] = cut[:-1] & inside[1:]
        begins[:1] = True
        # one after the other, row by row: which piece each step belongs to, and how far into it
        row, step = inside.T.nonzero(as_tuple=True)
        number = begins.T[row, step].cumsum(0) - 1
        heads = begins.T[row, step].nonzero().flatten()
        offset = step - step[heads][number] if len(heads) else step
        sizes = torch.bincount(number, minlength=len(heads))
        order = sizes.argsort(descending=True, stable=True)
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order))
        packed = (offset * max(1, len(heads)) + rank[number]).argsort()
        self.place = (step * batch + row)[packed]
        self.batch_sizes = torch.bincount(offset)
        self.row = row[heads][order]
        ends = heads + sizes - 1
        at = ends if reverse else heads  # the step that is taken first
        self.fresh = cut[step[at], row[at]][order]
        first = torch.ones(len(heads), dtype=torch.bool)
        first[1:] = row[heads][1:] != row[heads][:-1]
        final = first if reverse else first.roll(-1, 0)
        self.ending = rank[final.nonzero().flatten()]
        self.ending_rows = row[heads][final]


def _starts(pieces: _Pieces, initial: Sequence[Tensor], restart: Sequence[Tensor], rows: Tensor) -> Tensors:
    """The state each piece starts from; empty for zeros. rows: of each piece."""
    if not initial:
        return tuple([state.expand(len(rows), -1) for state in restart])
    fresh = pieces.fresh.to(rows.device)[:, None]
    back = restart or [state.new_zeros(()) for state in initial]
    return tuple(
        [torch.where(fresh, start, state.index_select(0, rows)) for start, state in zip(back, initial, strict=True)]
    )


def check_resets(name: str, resets: Any, shape: tuple[int, ...], axes: str) -> Tensor:
    """The mask of resets, checked: bool, of the shape that x has without its last axis."""
    mask = torch.as_tensor(resets)
    if mask.dtype != torch.bool:
        raise UserError(f"{name}: resets must be a mask of dtype bool, got {mask.dtype}")
    if mask.shape != shape:
        raise UserError(f"{name}: resets must be {axes}, got {tuple(mask.shape)}")
    return mask
