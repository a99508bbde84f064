"""What the engine does not cover goes to PyTorch, and gives the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import throughtime.nn
from tests.nn.helpers import assert_outputs, flat
from throughtime.nn.choice import engine_covers


def test_plain_tensors_are_covered() -> None:
    x = torch.zeros(2, 3)
    assert engine_covers([x, torch.nn.Parameter(x)])
    assert engine_covers([x.double()])


@pytest.mark.parametrize(
    "tensors",
    [
        [torch.zeros(2, dtype=torch.float16)],
        [torch.zeros(2, dtype=torch.int64)],
        [torch.zeros(2), torch.zeros(2, dtype=torch.float64)],
        [torch.zeros(2, device="meta")],
        [torch.zeros(0)],
        [torch.zeros(2, 2).to_sparse()],
        [torch.zeros(2).as_subclass(type("Mine", (torch.Tensor,), {}))],
    ],
    ids=["half", "integers", "mixed", "meta", "empty", "sparse", "subclass"],
)
def test_other_tensors_are_not(tensors: Any) -> None:
    assert not engine_covers(tensors)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_not() -> None:
    rows = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])
    assert type(rows) is torch.Tensor
    assert rows.layout is torch.strided
    assert not engine_covers([rows])


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("inputs", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
def test_autocast_has_torchs_dtypes_and_less_error(name: str, inputs: Any, given: bool) -> None:
    options = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    module = getattr(throughtime.nn, name)(5, 24, **options)
    plain = getattr(torch.nn, name)(5, 24, **options)
    plain.load_state_dict(module.state_dict())
    x, hx = torch.randn(3, 40, 5).to(inputs), torch.randn(4, 3, 24)
    state: Any = None if not given else (hx, hx.sin()) if name == "LSTM" else hx
    exact = plain(x.float(), state)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not engine_covers([x])
        ours, theirs = module(x, state), plain(x, state)
    for a, b, c in zip(flat(ours), flat(theirs), flat(exact), strict=True):
        assert a.dtype is b.dtype
        assert float((a - c).detach().abs().max()) <= float((b - c).detach().abs().max())
        assert float((a - c).detach().abs().max()) < 2**-8  # one rounding of a value below one
    flat(ours)[0].float().sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.dtype is torch.float32 for parameter in module.parameters()
    )


def test_autocast_of_any_cell() -> None:
    module = throughtime.nn.Recurrent("peephole_lstm", 3, 4)
    x = torch.randn(6, 2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        whole, end = module(x)
        _, state = module(x[:2])
        _, state = module(x[2:], state)
    assert whole.dtype is torch.bfloat16
    assert torch.equal(whole, module(x)[0].bfloat16())
    assert all(torch.equal(a, b) and a.dtype is torch.float32 for a, b in zip(state, end, strict=True))
    with torch.autocast("cpu", dtype=torch.float16):
        assert throughtime.nn.LSTM(3, 4)(x)[0].dtype is torch.float16  # torch.nn.LSTM has no kernel for it


def test_autocast_when_compiled() -> None:
    module = throughtime.nn.LSTM(3, 4)
    x = torch.randn(6, 2, 3)
    fast = torch.compile(module, backend="aot_eager", fullgraph=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours, theirs = fast(x), module(x)
    assert_outputs([t.float() for t in flat(ours)], [t.float() for t in flat(theirs)])
    assert [t.dtype for t in flat(ours)] == [t.dtype for t in flat(theirs)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_traced_and_scripted() -> None:
    module = throughtime.nn.GRU(3, 4, num_layers=2)
    x = torch.randn(5, 2, 3)
    expected = module(x)[0]
    traced = torch.jit.trace(module, x)
    assert "aten::gru" in str(traced.graph)
    assert_outputs(traced(x)[0], expected)
    scripted = torch.jit.script(torch.nn.Sequential(module))  # alone, torch's own has overloads but no forward either
    assert_outputs(scripted(x)[0], expected)
    assert type(module) is throughtime.nn.GRU


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The tensor attributes self._flat_weights")  # torch.nn.LSTM's own
def test_exported() -> None:
    module = throughtime.nn.LSTM(3, 4, batch_first=True)
    x = torch.randn(2, 5, 3)
    program = torch.export.export(module, (x,), strict=False)
    assert any("lstm" in str(node.target) for node in program.graph.nodes)
    assert_outputs(program.module()(x), module(x))


def test_fake_tensors() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        assert throughtime.nn.GRU(3, 4)(torch.zeros(5, 2, 3))[0].shape == (5, 2, 4)


def test_functional_transforms() -> None:
    module = throughtime.nn.GRU(3, 4, dtype=torch.float64)
    parameters = dict(module.named_parameters())
    x = torch.randn(5, 2, 3, dtype=torch.float64)

    def loss(parameters: Any) -> Any:
        return torch.func.functional_call(module, parameters, x)[0].pow(2).sum()

    found = torch.func.grad(loss)(parameters)
    loss(parameters).backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None
        assert_outputs(found[name], parameter.grad)


def test_inference_mode() -> None:
    module = throughtime.nn.LSTM(3, 4)
    x = torch.randn(5, 2, 3)
    with torch.inference_mode():
        output = module(x)[0]
    assert output.is_inference()
    assert_outputs(output, module(x)[0])
