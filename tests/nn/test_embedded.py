"""An embedding folded into the recurrence equals the two one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from throughtime.cells import PLAIN, make
from throughtime.nn.call import Layer
from throughtime.nn.embedded import embedded_recurrence
from throughtime.nn.functional import recurrence
from throughtime.recurrence import Recurrence


@pytest.mark.parametrize("name", sorted(PLAIN))
@pytest.mark.parametrize("width", [6, 40])
def test_it_equals_embedding_then_recurrence(name: str, width: int) -> None:
    trace = make(name).trace()
    layer = Recurrence(trace, {"I": width, "H": 17, "P": 7})
    rng = np.random.default_rng(0)
    arrays = [
        torch.tensor(a, requires_grad=True) for a in trace.initial_parameters(layer.sizes, rng, "float64").values()
    ]
    table = torch.randn(9, width, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(0, 9, (8, 5))
    states = [
        torch.randn(5, layer.sizes[s], dtype=torch.float64, requires_grad=True) for s in trace.state_sizes.values()
    ]
    leaves = [table, *states, *arrays]
    weight = torch.randn(8, 5, layer.sizes[trace.state_sizes[trace.output]], dtype=torch.float64)

    def gradients(run) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        output, final = run()
        loss = (output * weight).sum() + sum((f**2).sum() for f in final)
        return output, torch.autograd.grad(loss, leaves)

    folded, mine = gradients(lambda: embedded_recurrence(layer, ids, table, states, arrays))
    plain, theirs = gradients(lambda: recurrence(layer, functional.embedding(ids, table), states, arrays))
    assert torch.equal(folded, plain)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


def test_second_derivatives_frozen_weights_and_wrong_ids() -> None:
    trace = make("lstm").trace()
    layer = Recurrence(trace, {"I": 6, "H": 4})
    rng = np.random.default_rng(0)
    arrays = [torch.tensor(a) for a in trace.initial_parameters(layer.sizes, rng, "float64").values()]
    table = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(0, 3, (4, 2))
    assert torch.autograd.gradgradcheck(lambda t: embedded_recurrence(layer, ids, t, None, arrays)[0], (table,))
    output, _ = embedded_recurrence(layer, ids, table, None, arrays)
    output.sum().backward()
    assert table.grad is not None
    assert all(a.grad is None for a in arrays)
    with pytest.raises(IndexError):
        embedded_recurrence(layer, ids + 3, table, None, arrays)


def test_every_state_is_shown_where_the_layer_shows_every_one() -> None:
    layer = Layer(Recurrence(make("lstm").trace(), {"I": 6, "H": 4}), every=True)
    arrays = [torch.randn(shape, dtype=torch.float64) for shape in layer.recurrence.shapes.values()]
    table, ids = torch.randn(3, 6, dtype=torch.float64), torch.randint(0, 3, (4, 2))
    folded = embedded_recurrence(layer, ids, table, None, arrays)[0]
    assert folded.shape == (4, 2, 8)
    assert torch.equal(folded, recurrence(layer, functional.embedding(ids, table), None, arrays)[0])


def test_changed_ids_are_noticed() -> None:
    layer = Recurrence(make("gru").trace(), {"I": 6, "H": 4})
    arrays = [torch.randn(shape) for shape in layer.shapes.values()]
    table, ids = torch.randn(3, 6, requires_grad=True), torch.randint(0, 3, (4, 2))
    output, _ = embedded_recurrence(layer, ids, table, None, arrays)
    ids.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()
