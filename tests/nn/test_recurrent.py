"""Recurrent: any cell as a module."""

from __future__ import annotations

import copy
import io
import json
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import throughtime.cells
from tests.nn.helpers import assert_gradients, assert_outputs, gradients
from throughtime.nn import Recurrent, reference
from throughtime.nn.choice import engine_covers
from throughtime.recurrence import Cell, Matrix, Trace, Vector, maximum, minimum, sigmoid, tanh


class Peephole(Cell):
    """An LSTM whose gates see the cell state."""

    state = {"h": "H", "c": "H"}
    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H", init="orthogonal")
    w_ci = w_cf = w_co = Vector("H", init=0.1)
    b_i = b_f = b_o = b_c = Vector("H")

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.w_ci * c + self.b_i)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.w_cf * c + self.b_f)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.w_co * c + self.b_o)
        return self.State(o * tanh(c), c)


class Inner(Cell):
    """The output is the second state, of another size than the first."""

    state = {"m": "M", "h": "H"}
    output = "h"
    W_xm, W_hm, W_mh = Matrix("M", "I"), Matrix("M", "H"), Matrix("H", "M")

    def step(self, x: Any, m: Any, h: Any) -> Any:
        m = tanh(self.W_xm @ x + self.W_hm @ h) + 0.5 * m
        return m, tanh(self.W_mh @ m)


CELLS: dict[str, tuple[Any, dict[str, int]]] = {
    **{name: (name, {"P": 3} if name == "projected_lstm" else {}) for name in throughtime.cells.PLAIN},
    "peephole": (Peephole, {}),
    "inner": (Inner(), {"M": 5}),
}


def build(name: str, **options: Any) -> Recurrent:
    cell, sizes = CELLS[name]
    hidden = 3 if name in ("sru", "rg_lru") else 4  # these are as wide as their input
    return Recurrent(cell, 3, hidden, sizes=sizes, seed=1, dtype=torch.float64, **options)


def test_a_cell_as_wide_as_its_input_says_so() -> None:
    with pytest.raises(ValueError, match="sru: its state is as wide as its input, hidden_size must be 3, got 4"):
        Recurrent("sru", 3, 4)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_equals_the_reference(name: str, reverse: bool, batch_first: bool) -> None:
    module = build(name, reverse=reverse, batch_first=batch_first)
    x = torch.randn(6, 4, 3, dtype=torch.float64, requires_grad=True)
    widths = [module.recurrence.sizes[size] for size in module.trace.state_sizes.values()]
    initial = [torch.randn(4, width, dtype=torch.float64, requires_grad=True) for width in widths]
    wanted = [x, *initial, *module.parameters()]
    named = dict(module.named_parameters())
    for lengths in (None, torch.tensor([6, 0, 2, 5])):
        output, state = module(x.transpose(0, 1) if batch_first else x, initial, lengths)
        ours = (output.transpose(0, 1) if batch_first else output, state)
        theirs = reference.recurrence(module.trace, x, initial, named, lengths, reverse)
        assert state._fields == tuple(module.trace.states)
        assert_outputs(ours, theirs)
        assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))


@pytest.mark.parametrize("name", CELLS)
def test_last_step_is_the_rows_true_end(name: str) -> None:
    module, lengths = build(name, output="last"), [2, 6, 1]
    x = torch.randn(6, 3, 3, dtype=torch.float64)
    last, state = module(x, lengths=lengths)
    module.output = "all"
    output, _ = module(x, lengths=lengths)
    assert last.shape == (3, output.shape[2])
    assert last is getattr(state, module.trace.output)
    for row, length in enumerate(lengths):
        assert_outputs(last[row], output[length - 1, row])
    assert_gradients(gradients(last, list(module.parameters())), gradients(
        torch.stack([output[n - 1, row] for row, n in enumerate(lengths)]), list(module.parameters())))  # fmt: skip


def test_learned_initial_state() -> None:
    module = build("lstm", initial="learned")
    assert module.initial_h.shape == (4,)
    assert not module.initial_h.any()
    x = torch.randn(5, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        module.initial_h.uniform_(), module.initial_c.uniform_()
    given = [module.initial_h.expand(3, 4), module.initial_c.expand(3, 4)]
    wanted = list(module.parameters())
    ours, theirs = module(x), module(x, given)
    assert_outputs(ours, theirs)
    assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))
    assert gradients(ours, [module.initial_c])[0].any()
    assert_outputs(module(x, [torch.zeros(3, 4, dtype=torch.float64)] * 2), build("lstm")(x))


@pytest.mark.parametrize("name", CELLS)
def test_packed(name: str) -> None:
    module, lengths = build(name), [2, 6, 1, 6]
    x = torch.randn(6, 4, 3, dtype=torch.float64, requires_grad=True)
    initial = module(torch.randn(2, 4, 3, dtype=torch.float64))[1]
    packed, state = module(pack_padded_sequence(x, lengths, enforce_sorted=False), initial)
    assert isinstance(packed, PackedSequence)
    ours = (pad_packed_sequence(packed, total_length=6)[0], state)
    theirs = module(x, initial, lengths)
    wanted = [x, *module.parameters()]
    assert_outputs(ours, theirs)
    assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))


def test_single_sequence() -> None:
    module = build("gru", batch_first=True)
    x, h = torch.randn(5, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    output, state = module(x, h)
    expected, final = module(x[None], h[None])
    assert_outputs((output, state.h), (expected[0], final.h[0]))


def test_carried_state_equals_one_pass() -> None:
    module = build("peephole")
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    whole, end = module(x)
    first, state = module(x[:3])
    second, state = module(x[3:], state)
    assert torch.equal(torch.cat([first, second]), whole)
    assert torch.equal(state.c, end.c)


def test_parameters_are_the_cells_own() -> None:
    module = Recurrent("gru", 3, 4, seed=7)
    expected = module.trace.initial_parameters({"I": 3, "H": 4}, np.random.default_rng(7))
    assert list(module.state_dict()) == list(module.trace.parameters)
    assert all(np.array_equal(p.detach().numpy(), expected[n]) for n, p in module.named_parameters())


def test_seed_comes_from_torch() -> None:
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return Recurrent("gru", 3, 4).W_xz

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_cell_as_instance_class_name_or_trace() -> None:
    trace = Trace.from_json(json.loads(json.dumps(throughtime.cells.make("gru").trace().to_json())))
    x = torch.randn(4, 2, 3)
    modules = [Recurrent(cell, 3, 4, seed=0) for cell in ("gru", throughtime.cells.GRU, throughtime.cells.GRU(), trace)]
    modules[3].load_state_dict(modules[0].state_dict())  # a trace from a file carries no initial values
    for module in modules:
        assert_outputs(module(x)[0], modules[0](x)[0])


def test_copied_and_saved() -> None:
    module = build("peephole")
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    expected = module(x)[0]
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.load(buffer, weights_only=False)):
        assert_outputs(other(x)[0], expected)
    fresh = Recurrent(Peephole, 3, 4, dtype=torch.float64)
    fresh.load_state_dict(module.state_dict())
    assert_outputs(fresh(x)[0], expected)


def test_parametrized_and_meta() -> None:
    module = build("gru")
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    expected = module(x)[0]
    torch.nn.utils.parametrizations.weight_norm(module, "W_hz")
    assert_outputs(module(x)[0], expected)
    with torch.no_grad():
        module.parametrizations.W_hz.original0.mul_(2.0)
    assert not torch.allclose(module(x)[0], expected)
    assert Recurrent("gru", 3, 4, device="meta")(torch.zeros(5, 2, 3, device="meta"))[0].shape == (5, 2, 4)


def test_other_dtypes_run_the_reference() -> None:
    module = build("peephole").to(torch.bfloat16)
    assert module(torch.zeros(3, 2, 3, dtype=torch.bfloat16))[0].dtype is torch.bfloat16


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3)])
def test_nothing_to_do(shape: Any) -> None:
    output, state = build("lstm")(torch.zeros(shape, dtype=torch.float64))
    assert output.shape == (*shape[:2], 4)
    assert not state.h.any()
    assert state.c.shape == (shape[1], 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 2, 5),), r"gru: x must be \(T, B, I=3\), got \(4, 2, 5\)"),
        (((3,),), r"gru: x must be \(T, B, I=3\), got \(3,\)"),
        (((4, 2, 3), (2, 9)), r"gru: h must be \(B=2, H=4\), got \(2, 9\)"),
        (((4, 3), (1, 4)), r"gru: h must be \(H=4,\), got \(1, 4\)"),
        (((4, 2, 3), None, [1]), r"gru: lengths must be \(B=2,\), got \(1,\)"),
        (((4, 2, 3), None, [1, 5]), r"gru: lengths must lie between 0 and T=4, got \[1, 5\]"),
        (((4, 2, 3), None, [1, -1]), r"gru: lengths must lie between 0 and T=4, got \[1, -1\]"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_errors(arguments: Any, message: str) -> None:
    module = Recurrent("gru", 3, 4)
    x, h, lengths = (*arguments, None, None)[:3]
    with pytest.raises(ValueError, match=message):
        module(torch.zeros(x), None if h is None else torch.zeros(h), lengths)


def test_more_errors() -> None:
    module = Recurrent("lstm", 3, 4)
    x = torch.zeros(4, 2, 3)
    with pytest.raises(ValueError, match=r"lstm: initial must be 2 states \(h, c\), got 1"):
        module(x, torch.zeros(2, 4))
    with pytest.raises(TypeError, match=r"lstm: lengths must be integers, got torch\.float32"):
        module(x, None, torch.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="lstm: a PackedSequence carries its lengths"):
        module(pack_padded_sequence(x, [4, 2]), lengths=[4, 2])
    with pytest.raises(ValueError, match="lstm: output must be"):
        Recurrent("lstm", 3, 4, output="some")
    with pytest.raises(ValueError, match="lstm: initial must be"):
        Recurrent("lstm", 3, 4, initial="ones")
    with pytest.raises(ValueError, match="Inner: size M is missing"):
        Recurrent(Inner, 3, 4)
    with pytest.raises(ValueError, match="unknown cell"):
        Recurrent("lstn", 3, 4)
    with pytest.raises(TypeError, match="Recurrent: cell must be"):
        Recurrent(3, 3, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [maximum, minimum])
def test_the_gradient_of_a_tie_goes_to_the_first(function: Any) -> None:
    class Extreme(Cell):
        state = {"h": "I"}

        def step(self, x: Any, h: Any) -> Any:
            return function(x, h)

    x, h = torch.ones(1, 1, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    assert engine_covers([x, h])
    output, _ = Recurrent(Extreme(), 2, 2)(x, (h,))
    d_x, d_h = torch.autograd.grad(output.sum(), [x, h])
    assert torch.equal(d_x, torch.ones(1, 1, 2))
    assert not d_h.any()
