"""The reference loop: against torch.nn, against finite differences, lengths, direction, ties, NaN."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import throughtime.cells
from tests.nn.helpers import Everything, assert_gradients, assert_outputs, gradients
from throughtime.nn import reference
from throughtime.nn.layout import layer
from throughtime.recurrence import Cell, maximum, minimum

CELLS = {**{name: throughtime.cells.make(name) for name in throughtime.cells.PLAIN}}


def _parameters(cell: Cell, sizes: dict[str, int], seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = cell.trace().shapes(sizes)
    return {n: torch.randn(s, generator=generator, dtype=torch.float64) * 0.5 for n, s in shapes.items()}


@pytest.mark.parametrize("cell", [*CELLS.values(), Everything()], ids=lambda cell: cell.name)
@pytest.mark.parametrize("reverse", [False, True])
def test_first_and_second_derivatives(cell: Cell, reverse: bool) -> None:
    trace, sizes = cell.trace(), {"I": 2, "H": 3, "P": 2}
    parameters = _parameters(cell, sizes)
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    initial = [torch.randn(2, sizes[size], dtype=torch.float64) for size in trace.state_sizes.values()]
    leaves = [t.requires_grad_() for t in (x, *initial, *parameters.values())]

    def run(x: Any, *rest: Any) -> Any:
        states, arrays = rest[: len(initial)], rest[len(initial) :]
        named = dict(zip(parameters, arrays, strict=True))
        output, final = reference.recurrence(trace, x, states, named, torch.tensor([3, 2]), reverse)
        return output, *final

    assert torch.autograd.gradcheck(run, leaves, fast_mode=reverse)  # entry by entry in one direction
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


@pytest.mark.parametrize(
    ("mode", "plain"), [("LSTM", torch.nn.LSTM), ("GRU", torch.nn.GRU), ("RNN_TANH", torch.nn.RNN)]
)
def test_equals_torch(mode: str, plain: Any) -> None:
    theirs = plain(5, 4, dtype=torch.float64)
    recurrence = layer(mode, 5, 4, True)
    x = torch.randn(7, 3, 5, dtype=torch.float64, requires_grad=True)
    named = recurrence.parameters(theirs._flat_weights)
    wanted = [x, *theirs.parameters()]
    a = reference.recurrence(recurrence.trace, x, None, named)
    b = theirs(x)
    ours = (a[0], tuple(state[None] for state in a[1]))
    assert_outputs(ours, b)
    assert_gradients(gradients(ours, wanted), gradients(b, wanted))


@pytest.mark.parametrize("reverse", [False, True])
def test_each_row_ends_at_its_length(reverse: bool) -> None:
    trace = CELLS["lstm"].trace()
    named = _parameters(CELLS["lstm"], {"I": 2, "H": 3})
    x = torch.randn(6, 4, 2, dtype=torch.float64)
    initial = [torch.randn(4, 3, dtype=torch.float64) for _ in range(2)]
    lengths = [6, 1, 0, 4]
    output, final = reference.recurrence(trace, x, initial, named, torch.tensor(lengths), reverse)
    for row, length in enumerate(lengths):
        alone, states = reference.recurrence(
            trace, x[:length, row : row + 1], [s[row : row + 1] for s in initial], named, None, reverse
        )
        assert_outputs(output[:length, row : row + 1], alone)
        assert_outputs([f[row : row + 1] for f in final], states)
        assert not output[length:, row].any()


def test_padding_is_inert() -> None:
    trace = CELLS["gru"].trace()
    named = {n: p.requires_grad_() for n, p in _parameters(CELLS["gru"], {"I": 2, "H": 3}).items()}
    x = torch.randn(5, 2, 2, dtype=torch.float64)
    x[3:, 1] = torch.nan
    x.requires_grad_()
    output, final = reference.recurrence(trace, x, None, named, torch.tensor([5, 3]))
    found = torch.autograd.grad(output.sum() + final[0].sum(), [x, *named.values()])
    assert all(bool(g.isfinite().all()) for g in found)
    assert not found[0][3:, 1].any()


@pytest.mark.parametrize(("function", "sign"), [(maximum, 1.0), (minimum, -1.0)])
def test_ties_and_nan_of_extremes(function: Any, sign: float) -> None:
    class Extreme(Cell):
        state = {"h": "I"}

        def step(self, x: Any, h: Any) -> Any:
            return function(x, h)

    nan = torch.nan
    x = torch.tensor([1.0, nan, 1.0, 1.0], requires_grad=True)
    h = torch.tensor([1.0, 1.0, nan, 1.0 + sign], requires_grad=True)
    _, (new,) = reference.recurrence(Extreme().trace(), x.view(1, 1, 4), [h.view(1, 4)], {})
    assert torch.equal(new[0].isnan(), torch.tensor([False, True, True, False]))
    assert new[0, 3] == 1.0 + sign
    d_x, d_h = torch.autograd.grad(new.sum(), [x, h])
    assert d_x[0] == 1
    assert d_h[0] == 0
    assert d_x[3] == 0
    assert d_h[3] == 1


def test_no_steps() -> None:
    output, (h,) = reference.recurrence(
        CELLS["gru"].trace(), torch.zeros(0, 2, 2), [torch.ones(2, 3)], _parameters(CELLS["gru"], {"I": 2, "H": 3})
    )
    assert output.shape == (0, 2, 3)
    assert torch.equal(h, torch.ones(2, 3))


def test_missing_size_is_named() -> None:
    class Sum(Cell):
        state = {"h": "I", "m": "M"}

        def step(self, x: Any, h: Any, m: Any) -> Any:
            return h + x, m * 2

    with pytest.raises(ValueError, match="Sum: no parameter tells the size M"):
        reference.recurrence(Sum().trace(), torch.zeros(2, 1, 3), None, {})
