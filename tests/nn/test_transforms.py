"""torch.func: vmap, per-sample gradients, ensembles, Jacobians and forward mode, against doing it one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vmap
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import throughtime.nn
from tests.nn.helpers import assert_gradients, assert_outputs, flat
from throughtime.nn import reference, transforms
from throughtime.nn.modules import layer

# forward mode's own import
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

DOUBLE = {"dtype": torch.float64}
MODULES: dict[str, Callable[[], Any]] = {
    "deep lstm": lambda: throughtime.nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True, **DOUBLE),
    "projected": lambda: throughtime.nn.LSTM(3, 4, proj_size=2, **DOUBLE),
    "gru": lambda: throughtime.nn.GRU(3, 4, **DOUBLE),
    "rnn": lambda: throughtime.nn.RNN(3, 4, bias=False, **DOUBLE),
    "any": lambda: throughtime.nn.Recurrent("peephole_lstm", 3, 4, **DOUBLE),
    "learned": lambda: throughtime.nn.Recurrent(
        "gru", 3, 4, batch_first=True, reverse=True, initial="learned", **DOUBLE
    ),
}


@pytest.fixture
def no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where the reference loop would answer."""
    monkeypatch.setattr(reference, "recurrence", None)


def loss_of(module: Any) -> Callable[[Any, Any], Any]:
    def loss(parameters: Any, x: Any) -> Any:
        return sum((t * (1 + i)).pow(2).sum() for i, t in enumerate(flat(functional_call(module, parameters, (x,)))))

    return loss


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("axis", [0, 2])
def test_batches_of_inputs_are_one_run(name: str, axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module, runs = MODULES[name](), []
    plain = transforms.engine_forward
    monkeypatch.setattr(transforms, "engine_forward", lambda *a, **o: (runs.append(1), plain(*a, **o))[1])
    x = torch.randn(6, 5, 2, 3, dtype=torch.float64).movedim(0, axis)
    ours = vmap(module, in_dims=axis)(x)
    assert len(runs) == (4 if name == "deep lstm" else 1)
    each = [flat(module(row)) for row in x.unbind(axis)]
    assert all(torch.equal(a, torch.stack(b)) for a, b in zip(flat(ours), zip(*each, strict=True), strict=True))
    nested = vmap(vmap(module))(x.movedim(axis, 0).expand(2, 6, 5, 2, 3))
    assert all(torch.equal(a[1], b) for a, b in zip(flat(nested), flat(ours), strict=True))


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize("name", MODULES)
def test_gradients_per_sample(name: str) -> None:
    module = MODULES[name]()
    x, loss, parameters = torch.randn(4, 5, 2, 3, dtype=torch.float64), loss_of(module), dict(module.named_parameters())
    plain = {key: value.detach() for key, value in parameters.items()}
    ours = vmap(grad(loss), in_dims=(None, 0))(plain, x)
    d_x = vmap(grad(loss, argnums=1), in_dims=(None, 0))(plain, x)
    for i, row in enumerate(x):
        leaf = row.clone().requires_grad_()
        theirs = torch.autograd.grad(loss(parameters, leaf), [*parameters.values(), leaf])
        assert_gradients([*[ours[key][i] for key in parameters], d_x[i]], theirs)


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize("name", MODULES)
def test_ensembles(name: str) -> None:
    modules = [MODULES[name]() for _ in range(3)]
    parameters, _ = stack_module_state(modules)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    ours = vmap(lambda p: functional_call(modules[0], p, (x,)))(parameters)
    for i, module in enumerate(modules):
        assert_outputs([t[i] for t in flat(ours)], module(x))
    loss = loss_of(modules[0])
    ours = vmap(grad(loss), in_dims=(0, None))({key: value.detach() for key, value in parameters.items()}, x)
    for i, module in enumerate(modules):
        named = dict(module.named_parameters())
        assert_gradients([ours[key][i] for key in named], torch.autograd.grad(loss(named, x), list(named.values())))


@pytest.mark.parametrize("name", MODULES)
def test_jacobians_forward_mode_and_second_derivatives(name: str) -> None:
    module = MODULES[name]()
    module.requires_grad_(False)
    x, tangent = torch.randn(2, 4, 2, 3, dtype=torch.float64)

    def run(x: Any) -> Any:
        return module(x)[0].pow(2).sum((0, 1))

    theirs = torch.autograd.functional.jacobian(run, x)
    assert_gradients([jacrev(run)(x), jacfwd(run)(x)], [theirs, theirs])
    assert_gradients([jvp(run, (x,), (tangent,))[1]], [(theirs * tangent).sum((1, 2, 3))])
    exact = torch.autograd.functional.hessian(lambda x: run(x).sum(), x)
    assert_gradients([hessian(lambda x: run(x).sum())(x)], [exact])
    twice = jacrev(jacrev(lambda x: run(x).sum()))(x)
    assert_gradients([twice], [exact])
    each = vmap(lambda t: jvp(run, (x,), (t,))[1])(torch.stack([tangent, 2 * tangent]))
    assert_gradients([each[1]], [2 * (theirs * tangent).sum((1, 2, 3))])


@pytest.mark.parametrize("reverse", [False, True])
def test_lengths_states_and_packed_data(reverse: bool) -> None:
    module = throughtime.nn.Recurrent("lstm", 3, 4, reverse=reverse, **DOUBLE)
    x = torch.randn(5, 6, 3, 3, dtype=torch.float64)
    h, c = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    lengths = torch.tensor([6, 0, 3])
    ours = vmap(lambda x, h, c: module(x, (h, c), lengths))(x, h, c)
    for i in range(5):
        assert_outputs([t[i] for t in flat(ours)], module(x[i], (h[i], c[i]), lengths))
    shared = vmap(lambda h: module(x[0], (h, c[0]), lengths))(h)
    assert_outputs([t[3] for t in flat(shared)], module(x[0], (h[3], c[0]), lengths))
    theirs = vmap(lambda n: module(x[0], None, n)[0])(torch.tensor([[6, 1, 3], [2, 0, 5]]))
    assert_outputs(theirs[1], module(x[0], None, torch.tensor([2, 0, 5]))[0])

    packed = pack_padded_sequence(x[0], [6, 4, 1])

    def over(data: Any) -> Any:
        result = module(PackedSequence(data, packed.batch_sizes))
        return result[0].data, tuple(result[1])

    data = torch.stack([packed.data, packed.data.sin()])
    ours = vmap(over)(data)
    for i in range(2):
        assert_outputs([t[i] for t in flat(ours)], over(data[i]))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_dual_numbers(name: str) -> None:
    module = getattr(throughtime.nn, name)(3, 4).requires_grad_(False)
    x, tangent = torch.randn(2, 5, 2, 3)
    with forward_ad.dual_level():
        output = module(forward_ad.make_dual(x, tangent))[0]
        slope = forward_ad.unpack_dual(output).tangent
    step = 1e-3
    near = (module(x + step * tangent)[0] - module(x - step * tangent)[0]) / (2 * step)
    torch.testing.assert_close(slope, near, atol=1e-3, rtol=1e-3)


def test_what_an_empty_batch_gives() -> None:
    module = throughtime.nn.GRU(3, 4, **DOUBLE)
    assert vmap(lambda x: module(x)[0])(torch.zeros(2, 5, 0, 3, dtype=torch.float64)).shape == (2, 5, 0, 4)


def test_functional_form_of_a_layer() -> None:
    recurrence = layer("GRU", 3, 4, True)
    arrays = [torch.randn(shape, **DOUBLE) for shape in ((12, 3), (12, 4), (12,), (12,))]
    x = torch.randn(5, 4, 3, **DOUBLE)
    run = lambda x: throughtime.nn.functional.recurrence(recurrence, x, None, arrays)[0]  # noqa: E731
    assert torch.equal(vmap(lambda row: run(row[:, None])[:, 0], in_dims=1, out_dims=1)(x), run(x))
