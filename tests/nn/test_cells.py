"""One step: torch.nn's cells, and RecurrentCell against the whole sequence."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import throughtime.cells
import throughtime.nn
from tests.nn.helpers import assert_gradients, assert_outputs, gradients
from throughtime.errors import UserError
from throughtime.nn import RecurrentCell


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [(), (3,)], ids=["single", "batch"])
def test_torchs_cells_equal_a_step_of_our_layers(name: str, bias: bool, rows: Any) -> None:
    theirs = getattr(torch.nn, f"{name}Cell")(5, 9, bias)
    ours = getattr(throughtime.nn, f"{name}Cell")(5, 9, bias)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    ours.load_state_dict(theirs.state_dict())
    layer = getattr(throughtime.nn, name)(5, 9, bias=bias)
    layer.load_state_dict({f"{key}_l0": value for key, value in ours.state_dict().items()})
    x, h = torch.randn(*rows, 5, requires_grad=True), torch.randn(*rows, 9, requires_grad=True)
    state: Any = (h, h.cos()) if name == "LSTM" else h
    a, b = ours(x, state), theirs(x, state)
    lead = tuple(part[None] for part in state) if name == "LSTM" else state[None]
    _, final = layer(x[None], lead)
    c = tuple(part[0] for part in final) if name == "LSTM" else final[0]
    assert_outputs(a, b)
    assert_outputs(a, c)
    assert_gradients(gradients(a, [x, h, *ours.parameters()]), gradients(c, [x, h, *layer.parameters()]))


@pytest.mark.parametrize("name", throughtime.cells.PLAIN)
def test_steps_equal_the_sequence_bit_for_bit(name: str) -> None:
    cell = RecurrentCell(name, 3, 3, {"P": 2}, seed=0, initial="learned")
    layer = throughtime.nn.Recurrent(name, 3, 3, {"P": 2}, seed=1, initial="learned")
    layer.load_state_dict(cell.state_dict())
    x = torch.randn(6, 2, 3, requires_grad=True)
    state, outputs = None, []
    for step in x:
        state = cell(step, state)
        outputs.append(getattr(state, cell.trace.output))
    output, final = layer(x)
    assert torch.equal(torch.stack(outputs), output)
    assert all(torch.equal(a, b) for a, b in zip(state, final, strict=True))
    assert type(state) is layer.State
    ours = gradients((torch.stack(outputs), state), [x, *cell.parameters()])
    assert_gradients(ours, gradients((output, final), [x, *layer.parameters()]))
    assert_outputs(cell(x[0, 1]), [part[1] for part in cell(x[0])])


def test_errors() -> None:
    cell = RecurrentCell("gru", 3, 4)
    with pytest.raises(UserError, match=r"gru: x must be \(B, I=3\) or \(I=3,\), got \(2, 4\)"):
        cell(torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"gru: h must be \(B=2, H=4\), got \(2, 5\)"):
        cell(torch.zeros(2, 3), torch.zeros(2, 5))
