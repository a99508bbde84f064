"""Resets in mid-sequence: against a loop that resets by hand, and bit for bit the pieces run by themselves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

import throughtime.cells
from tests.nn.helpers import assert_gradients, assert_outputs, gradients
from throughtime.errors import UserError
from throughtime.nn import Recurrent
from throughtime.nn.functional import recurrence

DOUBLE = {"dtype": torch.float64}


def by_hand(layer: Any, x: Any, given: Any, lengths: Any, resets: Any) -> Any:
    """Row by row and step by step, through the same layer."""
    own = [getattr(layer, f"initial_{n}") if layer.initial == "learned" else None for n in layer.trace.states]
    zeros = [x.new_zeros(layer.recurrence.sizes[size]) for size in layer.trace.state_sizes.values()]
    start = [zero if mine is None else mine for mine, zero in zip(own, zeros, strict=True)]
    outputs, finals = [], []
    for row in range(x.shape[1]):
        state = start if given is None else [part[row] for part in given]
        steps = range(int(lengths[row]))
        found = [torch.zeros_like(start[list(layer.trace.states).index(layer.trace.output)])] * x.shape[0]
        for t in reversed(steps) if layer.reverse else steps:
            if resets[t, row]:
                state = start
            _, state = layer(x[t, row][None], state)
            found[t] = getattr(state, layer.trace.output)
        outputs.append(torch.stack(found))
        finals.append(state)
    return torch.stack(outputs, 1), [torch.stack(part) for part in zip(*finals, strict=True)]


@pytest.mark.parametrize("name", throughtime.cells.PLAIN)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("initial", ["zero", "learned"])
def test_equals_a_loop(name: str, reverse: bool, initial: str) -> None:
    layer = Recurrent(name, 3, 3, {"P": 2}, reverse=reverse, initial=initial, seed=0, **DOUBLE)
    with torch.no_grad():
        for key in layer.trace.states:
            if initial == "learned":
                getattr(layer, f"initial_{key}").uniform_(0.1, 0.5)
    x = torch.randn(7, 5, 3, requires_grad=True, **DOUBLE)
    widths = [layer.recurrence.sizes[size] for size in layer.trace.state_sizes.values()]
    given = [torch.rand(5, width, **DOUBLE).requires_grad_() for width in widths]
    resets = torch.rand(7, 5) < 0.4
    resets[:, 1], resets[:, 2] = True, False
    resets[0, 3], resets[6, 3] = True, True
    for lengths in (torch.full((5,), 7), torch.tensor([7, 3, 0, 7, 1])):
        for state in (None, given):
            ours = layer(x, state, None if int(lengths.min()) == 7 else lengths, resets=resets)
            theirs = by_hand(layer, x, state, lengths, resets)
            assert_outputs(ours, theirs)
            wanted = [x, *given, *layer.parameters()]
            assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))
            assert type(ours[1]) is layer.State


def test_pieces_are_bit_for_bit_what_they_are_alone() -> None:
    layer = Recurrent("lstm", 5, 33, seed=0)
    x, resets = torch.randn(20, 3, 5), torch.zeros(20, 3, dtype=torch.bool)
    resets[[4, 11], 0] = True
    resets[7, 2] = True
    output, state = layer(x, resets=resets)
    for row, cuts in enumerate([[0, 4, 11, 20], [0, 20], [0, 7, 20]]):
        for first, last in pairwise(cuts):
            alone, end = layer(x[first:last, row])
            assert torch.equal(output[first:last, row], alone)
        assert all(torch.equal(a[row], b) for a, b in zip(state, end, strict=True))


def test_no_resets_change_nothing() -> None:
    layer = Recurrent("gru", 3, 4, batch_first=True, seed=0)
    x, state = torch.randn(4, 6, 3), [torch.randn(4, 4)]
    ours, theirs = layer(x, state, resets=torch.zeros(4, 6, dtype=torch.bool)), layer(x, state)
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1].h, theirs[1].h)


def test_layouts() -> None:
    layer, first = Recurrent("gru", 3, 4, seed=0), Recurrent("gru", 3, 4, seed=0, batch_first=True, output="last")
    x, resets = torch.randn(6, 4, 3), torch.rand(6, 4) < 0.3
    output, state = layer(x, resets=resets)
    last, same = first(x.transpose(0, 1), resets=resets.T)
    assert torch.equal(last, same.h)
    assert torch.equal(last, state.h)
    alone, end = layer(x[:, 2], resets=resets[:, 2])
    assert torch.equal(alone, output[:, 2])
    assert torch.equal(end.h, state.h[2])
    half = Recurrent("gru", 3, 4, seed=0).to(torch.bfloat16)
    assert half(x.bfloat16(), resets=resets)[0].dtype is torch.bfloat16


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_nothing_to_do(shape: Any) -> None:
    layer = Recurrent("lstm", 3, 4, initial="learned")
    output, state = layer(torch.zeros(*shape, 3), resets=torch.ones(shape, dtype=torch.bool))
    assert output.shape == (*shape, 4)
    assert state.c.shape == (shape[1], 4)


def test_gradients_stop_at_a_reset() -> None:
    layer = Recurrent("lstm", 3, 4, seed=0)
    x = torch.randn(6, 1, 3, requires_grad=True)
    resets = torch.zeros(6, 1, dtype=torch.bool)
    resets[3] = True
    (d_x,) = torch.autograd.grad(layer(x, resets=resets)[0][-1].sum(), x)
    assert not d_x[:3].any()
    assert d_x[3:].all()


def test_functional_form() -> None:
    layer = Recurrent("lstm", 3, 4, initial="learned", seed=0)
    with torch.no_grad():
        layer.initial_h.uniform_(), layer.initial_c.uniform_()
    x, resets, given = torch.randn(6, 2, 3), torch.rand(6, 2) < 0.4, [torch.randn(2, 4), torch.randn(2, 4)]
    arrays = [getattr(layer, name) for name in layer.trace.parameters]
    ours = recurrence(
        layer.recurrence, x, given, arrays, [6, 4], resets=resets, restart=[layer.initial_h, layer.initial_c]
    )
    theirs = layer(x, given, [6, 4], resets)
    assert all(torch.equal(a, b) for a, b in zip([ours[0], *ours[1]], [theirs[0], *theirs[1]], strict=True))
    ours = recurrence(layer.recurrence, x, None, arrays, resets=resets)
    layer.initial = "zero"
    assert torch.equal(ours[0], layer(x, resets=resets)[0])
    with pytest.raises(UserError, match="lstm: resets must be"):
        recurrence(layer.recurrence, x, None, arrays, resets=resets.T)


def test_errors() -> None:
    layer = Recurrent("gru", 3, 4)
    x = torch.zeros(5, 2, 3)
    with pytest.raises(UserError, match=r"gru: resets must be \(T=5, B=2\), got \(2, 5\)"):
        layer(x, resets=torch.zeros(2, 5, dtype=torch.bool))
    with pytest.raises(UserError, match=r"gru: resets must be a mask of dtype bool, got torch\.int64"):
        layer(x, resets=torch.zeros(5, 2, dtype=torch.int64))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, [5, 3])
    with pytest.raises(UserError, match="gru: resets need a padded batch"):
        layer(packed, resets=torch.zeros(5, 2, dtype=torch.bool))
