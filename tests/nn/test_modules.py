"""RNN, LSTM and GRU against torch.nn: results, gradients, precision, errors, and life as a module."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence

import throughtime.nn
from tests.nn.helpers import KINDS, assert_gradients, assert_outputs, compare, initial, pair
from tests.tolerances import FLOOR

# torch.nn.LSTM says this of itself
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"bias": False},
    "batch first": {"batch_first": True},
    "deep": {"num_layers": 3},
    "both ways": {"bidirectional": True, "batch_first": True},
    "all": {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.4, "bias": False},
}


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_equals_torch(kind: str, options: str, given: bool, dtype: Any) -> None:
    ours, theirs = pair(kind, dtype=dtype, **OPTIONS[options])
    x = torch.randn(7, 3, 5, dtype=dtype, requires_grad=True)
    hx = initial(ours, 7 if ours.batch_first else 3, dtype) if given else None
    states = [] if hx is None else [hx] if isinstance(hx, torch.Tensor) else list(hx)
    compare(ours, theirs, x, hx, [x, *states])


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (1, 4, 3, 9), (5, 1, 9, 17), (4, 7, 33, 8)], ids=str)
def test_sizes_that_break_things(kind: str, sizes: Any) -> None:
    steps, batch, inputs, hidden = sizes
    ours, theirs = pair(kind, inputs, hidden)
    x = torch.randn(steps, batch, inputs, dtype=torch.float64, requires_grad=True)
    compare(ours, theirs, x, None, [x])


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS)
def test_unbatched(kind: str, options: str) -> None:
    ours, theirs = pair(kind, **OPTIONS[options])
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    for hx in (None, initial(ours, None)):
        compare(ours, theirs, x, hx, [x])


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("ordered", [False, True], ids=["unsorted", "sorted"])
def test_packed(kind: str, options: str, ordered: bool) -> None:
    ours, theirs = pair(kind, **OPTIONS[options])
    lengths = [6, 4, 4, 1] if ordered else [4, 1, 6, 4]
    rows = [torch.randn(n, 5, dtype=torch.float64, requires_grad=True) for n in lengths]
    hx = initial(ours, 4)
    states = [hx] if isinstance(hx, torch.Tensor) else list(hx)
    compare(ours, theirs, pack_sequence(rows, enforce_sorted=ordered), hx, [*rows, *states])
    compare(ours, theirs, pack_sequence(rows, enforce_sorted=ordered), None, rows)


def test_packed_output_is_packed() -> None:
    ours, theirs = pair("lstm", batch_first=True)
    x = torch.randn(3, 5, 5, dtype=torch.float64)
    packed = pack_padded_sequence(x, [2, 5, 3], batch_first=True, enforce_sorted=False)
    a, b = ours(packed)[0], theirs(packed)[0]
    assert isinstance(a, PackedSequence)
    assert torch.equal(a.batch_sizes, b.batch_sizes)
    assert torch.equal(a.sorted_indices, b.sorted_indices)
    assert torch.equal(a.unsorted_indices, b.unsorted_indices)


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(30, 4, 12, 33), (50, 8, 40, 20)], ids=str)
@pytest.mark.parametrize("weights", ["random", "drifting"])
def test_float32_gradients_are_as_exact_as_torchs(kind: str, sizes: Any, weights: str) -> None:
    """Drifting weights of the loss make a bias' partial sums over time much larger than the sum."""
    steps, batch, inputs, hidden = sizes
    ours, theirs = pair(kind, inputs, hidden, torch.float32)
    exact = copy.deepcopy(theirs).double()
    x = torch.randn(steps, batch, inputs)
    loss_weights = torch.randn(steps, batch, ours.proj_size or hidden, dtype=torch.float64)
    if weights == "drifting":
        loss_weights = torch.linspace(-1, 1, loss_weights.numel(), dtype=torch.float64).view_as(loss_weights)

    def run(module: Any) -> list[Any]:
        dtype = next(module.parameters()).dtype
        leaf = x.to(dtype).requires_grad_()
        output, state = module(leaf)
        h = state if isinstance(state, torch.Tensor) else state[0]
        loss = (output * loss_weights.to(dtype)).sum() + h.pow(2).sum()
        return list(torch.autograd.grad(loss, [leaf, *module.parameters()]))

    for name, a, b, c in zip(["x", *dict(ours.named_parameters())], run(ours), run(theirs), run(exact), strict=True):
        error, peer, scale = float((a - c).abs().max()), float((b - c).abs().max()), float(c.abs().max())
        assert error <= 2 * peer + FLOOR * scale, f"{name}: {error / scale:.2e}, torch {peer / scale:.2e}"


@pytest.mark.parametrize("kind", KINDS)
def test_finite_differences(kind: str) -> None:
    ours, _ = pair(kind, 2, 4)
    x, hx = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True), initial(ours, 2)
    names = [name for name, _ in ours.named_parameters()]

    def run(x: Any, hx: Any, *weights: Any) -> Any:
        state = hx if ours.mode != "LSTM" else (hx, torch.ones(1, 2, 4, dtype=torch.float64))
        output, state = torch.func.functional_call(ours, dict(zip(names, weights, strict=True)), (x, state))
        return output, *([state] if ours.mode != "LSTM" else state)

    leaves = [x, hx if ours.mode != "LSTM" else hx[0], *ours.parameters()]
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_second_derivatives(kind: str) -> None:
    ours, theirs = pair(kind, num_layers=2, bidirectional=True, batch_first=True)
    x = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)

    def penalty(module: Any) -> Any:
        (d_x,) = torch.autograd.grad(module(x)[0].pow(2).sum(), x, create_graph=True)
        return torch.autograd.grad(d_x.pow(2).sum(), [x, *module.parameters()])

    assert_gradients(penalty(ours), penalty(theirs))


def test_backward_twice() -> None:
    ours, theirs = pair("lstm", num_layers=2)
    x = torch.randn(4, 2, 5, dtype=torch.float64)
    for module in (ours, theirs):
        loss = module(x)[0].sum()
        loss.backward(retain_graph=True)
        loss.backward()
    assert_gradients([p.grad for p in ours.parameters()], [p.grad for p in theirs.parameters()])


def test_frozen_weights() -> None:
    ours, theirs = pair("gru", num_layers=2)
    x = torch.randn(4, 2, 5, dtype=torch.float64)
    for module in (ours, theirs):
        module.weight_ih_l0.requires_grad_(False)
        module.bias_hh_l1.requires_grad_(False)
        module(x)[0].pow(2).sum().backward()
    assert ours.weight_ih_l0.grad is None
    assert ours.bias_hh_l1.grad is None
    pairs = [
        (a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True) if b.grad is not None
    ]
    assert len(pairs) == 6
    assert_gradients([a for a, _ in pairs], [b for _, b in pairs])
    assert not ours.requires_grad_(False)(x)[0].requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_lives_like_torchs_module(kind: str) -> None:
    ours, theirs = pair(kind, num_layers=2)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    x = torch.randn(3, 2, 5, dtype=torch.float64)
    expected = theirs(x)[0]
    ours.flatten_parameters()
    buffer = io.BytesIO()
    torch.save(ours, buffer)
    buffer.seek(0)
    for other in (
        copy.deepcopy(ours),
        pickle.loads(pickle.dumps(ours)),
        torch.load(buffer, weights_only=False),
        ours.float().double().load_state_dict(theirs.state_dict()) and ours,
    ):
        assert type(other) is type(ours)
        assert_outputs(other(x)[0], expected)
    theirs.load_state_dict(ours.state_dict())
    theirs.__class__ = type(ours)
    assert_outputs(theirs(x)[0], expected)


def test_same_seed_same_parameters() -> None:
    torch.manual_seed(5)
    a = torch.nn.LSTM(3, 4, 2)
    torch.manual_seed(5)
    b = throughtime.nn.LSTM(3, 4, 2)
    assert all(torch.equal(a.state_dict()[name], value) for name, value in b.state_dict().items())


def test_meta_device() -> None:
    ours = throughtime.nn.LSTM(5, 9, device="meta")
    assert ours(torch.zeros(4, 3, 5, device="meta"))[0].shape == (4, 3, 9)
    _, theirs = pair("lstm", dtype=torch.float32)
    ours.to_empty(device="cpu").load_state_dict(theirs.state_dict())
    x = torch.randn(4, 3, 5)
    assert_outputs(ours(x)[0], theirs(x)[0])


@pytest.mark.usefixtures("only_engine")
def test_weight_norm_and_parametrizations() -> None:
    ours, theirs = pair("lstm")
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    for module in (ours, theirs):
        torch.nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
    for _ in range(2):
        compare(ours, theirs, x, None, [])
        for module in (ours, theirs):
            with torch.no_grad():
                module.parametrizations.weight_hh_l0.original0.mul_(1.5)


@pytest.mark.usefixtures("only_engine")
@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm. is deprecated")
def test_old_weight_norm() -> None:
    ours, theirs = pair("gru")
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    for module in (ours, theirs):
        torch.nn.utils.weight_norm(module, "weight_hh_l0")
    for _ in range(2):
        compare(ours, theirs, x, None, [])
        for module in (ours, theirs):
            with torch.no_grad():
                module.weight_hh_l0_g.mul_(1.5)


@pytest.mark.usefixtures("only_engine")
def test_functional_call_and_replaced_weights() -> None:
    ours, theirs = pair("lstm")
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    twice = {name: value * 2 for name, value in ours.named_parameters()}
    assert_outputs(torch.func.functional_call(ours, twice, x), torch.func.functional_call(theirs, twice, x))
    assert_outputs(ours(x), theirs(x))
    for module in (ours, theirs):
        module.weight_ih_l0 = torch.nn.Parameter(twice["weight_ih_l0"].detach())
    assert_outputs(ours(x), theirs(x))


@pytest.mark.usefixtures("only_engine")
def test_a_training_run_follows_torchs() -> None:
    ours, theirs = pair("gru", num_layers=2)
    x = torch.randn(6, 4, 5, dtype=torch.float64)
    losses = []
    for module in (ours, theirs):
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(5):
            loss = (module(x)[0] - 0.3).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.detach())
    assert_outputs(losses[0], losses[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shape", "given"),
    [
        ((4, 0, 5), None),
        ((0, 3, 5), None),
        ((4, 3, 6), None),
        ((4, 3, 5, 1), None),
        ((5,), None),
        ((4, 3, 5), (1, 2, 9)),
        ((4, 3, 5), (1, 9)),
        ((4, 5), (1, 1, 9)),
        ((4, 3, 5), (2, 3, 9)),
    ],
    ids=str,
)
def test_edges_and_errors_are_torchs(kind: str, shape: Any, given: Any) -> None:
    modules = pair(kind)
    x = torch.randn(shape, dtype=torch.float64)
    hx: Any = None if given is None else torch.zeros(given, dtype=torch.float64)
    if given is not None and modules[0].mode == "LSTM":
        hx = (hx, hx)
    results: list[Any] = []
    for module in modules:
        try:
            results.append(module(x, hx))
        except Exception as error:
            results.append((type(error), str(error)))
    if isinstance(results[1][0], type):
        assert results[0] == results[1]
    else:
        assert_outputs(results[0], results[1])


def test_wrong_dtype_and_wrong_state_are_torchs_errors() -> None:
    ours, theirs = pair("lstm")
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    for arguments in [(x.float(),), (x, (torch.zeros(1, 3, 9),)), (x, torch.zeros(1, 3, 9))]:
        with pytest.raises(Exception) as expected:
            theirs(*arguments)
        with pytest.raises(expected.type) as got:
            ours(*arguments)
        assert str(got.value) == str(expected.value)


def test_other_options_are_refused_as_torch_does() -> None:
    with pytest.raises(ValueError, match="proj_size"):
        throughtime.nn.GRU(3, 4, proj_size=2)
    with pytest.raises(ValueError, match="nonlinearity"):
        throughtime.nn.RNN(3, 4, nonlinearity="sigmoid")


def test_dropout_only_while_training() -> None:
    ours, theirs = pair("lstm", num_layers=2, dropout=0.5)
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    assert not torch.equal(ours(x)[0], ours(x)[0])
    ours.eval(), theirs.eval()
    assert_outputs(ours(x), theirs(x))
    ours.double().eval()(x.requires_grad_())[0].sum().backward()  # gradients in evaluation mode work too


def test_programs_are_shared() -> None:
    from throughtime.engine import program

    a, b = throughtime.nn.LSTM(5, 9), throughtime.nn.LSTM(5, 9)
    a(torch.zeros(2, 1, 5))
    made = program._program.cache_info().misses
    b(torch.zeros(2, 1, 5))
    assert program._program.cache_info().misses == made
