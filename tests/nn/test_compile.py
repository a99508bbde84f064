"""torch.compile: one operator in the graph, nothing unrolled, no recompilation per length, results as in eager mode."""

from __future__ import annotations

import copy
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import throughtime.cells
import throughtime.nn
from tests.nn.helpers import assert_gradients, assert_outputs, flat
from throughtime.nn import compiled, modules, passes
from throughtime.nn.call import Layer
from throughtime.nn.layout import from_key

MODULES: dict[str, Callable[[], Any]] = {
    "lstm": lambda: throughtime.nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True),
    "projected": lambda: throughtime.nn.LSTM(3, 4, proj_size=2),
    "gru": lambda: throughtime.nn.GRU(3, 4),
    "relu": lambda: throughtime.nn.RNN(3, 4, nonlinearity="relu", bias=False),
    **{
        f"Recurrent {name}": lambda name=name: throughtime.nn.Recurrent(name, 3, 3, {"P": 2}, seed=0)
        for name in throughtime.cells.PLAIN
    },
    "batch first": lambda: throughtime.nn.Recurrent("gru", 3, 4, batch_first=True, initial="learned"),
    "last": lambda: throughtime.nn.Recurrent("lstm", 3, 4, output="last", reverse=True),
    "cell": lambda: throughtime.nn.RecurrentCell("gru", 3, 4),
}


def gradients(outputs: Any, wanted: list[Any]) -> list[Any]:
    """Gradients of a weighting of every output, for once: a compiled backward pass frees what it has read."""
    weights = [torch.linspace(-1, 1, t.numel()).view_as(t) for t in flat(outputs)]
    return list(torch.autograd.grad(flat(outputs), wanted, weights, allow_unused=True, materialize_grads=True))


class Model(torch.nn.Module):
    """Something before the layer and something behind it."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.before, self.layer = torch.nn.Linear(3, 3), layer

    def forward(self, x: Any) -> Any:
        result = self.layer(self.before(x))
        return (result[0] * 2, result[1]) if len(result) == 2 else result


class Graphs:
    """The backend aot_eager, and the graphs it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def __call__(self, graph: Any, inputs: Any) -> Any:
        from torch._dynamo.backends.debugging import aot_eager

        self.given.append(graph)
        return aot_eager(graph, inputs)

    @property
    def operators(self) -> list[int]:
        return [sum("throughtime" in str(node.target) for node in graph.graph.nodes) for graph in self.given]


@pytest.fixture(autouse=True, scope="module")
def _nothing_else_is_collected() -> Iterator[None]:
    """What is there already stays there: looking through it takes longer than most of these tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    gc.collect()  # what a compilation leaves behind is in cycles
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("name", MODULES)
def test_one_graph_for_all_lengths_and_batches(name: str) -> None:
    model, graphs = Model(MODULES[name]()), Graphs()
    fast = torch.compile(model, backend=graphs, fullgraph=True)
    for steps, batch in ((5, 2), (7, 3), (6, 9), (8, 4)):
        x = torch.randn((steps, 3) if name == "cell" else (steps, batch, 3), requires_grad=True)
        ours, theirs = fast(x), model(x)
        assert_outputs(ours, theirs)
        assert [t.stride() for t in flat(ours)] == [t.stride() for t in flat(theirs)]
        wanted = [x, *model.parameters()]
        assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))
    assert len(graphs.given) <= 2, "one graph of fixed sizes, one of free ones"
    runs = 4 if name == "lstm" else 1
    assert graphs.operators == [runs] * len(graphs.given)
    assert all(len(graph.graph.nodes) < 90 for graph in graphs.given)


def test_parametrized_and_replaced_weights() -> None:
    layer = throughtime.nn.LSTM(3, 4)
    torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    fast = torch.compile(layer, backend="aot_eager", fullgraph=True)
    x = torch.randn(5, 2, 3)
    for factor in (1.0, 2.0):
        with torch.no_grad():
            layer.parametrizations.weight_hh_l0.original0.mul_(factor)
        layer.weight_ih_l0 = torch.nn.Parameter(torch.randn(16, 3))
        ours, theirs = fast(x), layer(x)
        assert_outputs(ours, theirs)
        wanted = list(layer.parameters())
        assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))


def test_marked_dynamic() -> None:
    model, graphs = Model(throughtime.nn.LSTM(3, 4)), Graphs()
    fast = torch.compile(model, backend=graphs, fullgraph=True)
    for steps, batch in ((5, 2), (7, 3), (9, 6)):
        x = torch.randn(steps, batch, 3)
        torch._dynamo.mark_dynamic(x, 0)
        torch._dynamo.mark_dynamic(x, 1)
        assert_outputs(fast(x), model(x))
    assert len(graphs.given) == 1


def test_training_run_and_inference() -> None:
    ours = Model(throughtime.nn.GRU(3, 4, num_layers=2))
    theirs = copy.deepcopy(ours)
    fast = torch.compile(ours, backend="aot_eager", fullgraph=True)
    x = torch.randn(5, 2, 3)
    for model, run in ((ours, fast), (theirs, theirs)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (run(x)[0] - 0.3).pow(2).sum().backward()
            optimizer.step()
    assert_outputs(list(ours.parameters()), list(theirs.parameters()))
    with torch.no_grad():
        assert_outputs(fast(x), theirs(x))
    gc.collect()
    assert len(compiled._TICKETS) == 0


def test_lengths_and_given_states() -> None:
    layer = throughtime.nn.Recurrent("lstm", 3, 4)
    fast = torch.compile(layer, backend="aot_eager", fullgraph=True)
    x, lengths = torch.randn(6, 3, 3), torch.tensor([6, 0, 2])
    state = [torch.randn(3, 4, requires_grad=True) for _ in range(2)]
    ours, theirs = fast(x, state, lengths), layer(x, state, lengths)
    assert_outputs(ours, theirs)
    assert_gradients(gradients(ours, state), gradients(theirs, state))
    assert type(ours[1]) is layer.State
    with pytest.raises(Exception, match="lengths"):
        fast(x, state, torch.tensor([7, 0, 2]))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # where the graph breaks
def test_packed_sequences_give_the_same() -> None:
    layer = throughtime.nn.LSTM(3, 4)
    x = torch.randn(6, 3, 3)
    packed = pack_padded_sequence(x, [2, 6, 3], enforce_sorted=False)
    assert_outputs(torch.compile(layer, backend="aot_eager")(packed), layer(packed))


def test_nothing_to_do() -> None:
    layer = throughtime.nn.Recurrent("gru", 3, 4)
    fast = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    for steps, batch in ((0, 2), (3, 0), (3, 2)):
        x = torch.randn(steps, batch, 3, requires_grad=True)
        ours, theirs = fast(x), layer(x)
        assert_outputs(ours, theirs)
        if steps:
            assert_gradients(gradients(ours, [x]), gradients(theirs, [x]))


@pytest.mark.filterwarnings("ignore:.torch.jit.:DeprecationWarning")  # inductor's own import
def test_inductor() -> None:
    model = Model(throughtime.nn.GRU(3, 4))
    x = torch.randn(5, 2, 3, requires_grad=True)
    ours, theirs = torch.compile(model, fullgraph=True)(x), model(x)
    wanted = [x, *model.parameters()]
    assert_outputs(ours, theirs)
    assert_gradients(gradients(ours, wanted), gradients(theirs, wanted))


def test_torchs_own_layers_are_left_to_torch() -> None:
    from torch._dynamo import config

    fast = torch.compile(torch.nn.Sequential(throughtime.nn.GRU(3, 4)), backend="aot_eager", fullgraph=True)
    fast(torch.randn(5, 2, 3))
    assert not config.allow_rnn
    with pytest.raises(torch._dynamo.exc.Unsupported, match="RNN"):
        torch.compile(torch.nn.Sequential(torch.nn.GRU(3, 4)), backend="aot_eager", fullgraph=True)(
            torch.randn(5, 2, 3)
        )


def test_compiler_is_not_loaded_before_it_is_used() -> None:
    code = """
import sys, throughtime.nn, torch
assert "torch._dynamo" not in sys.modules, "loading the compiler costs a second"
layer = torch.nn.Sequential(throughtime.nn.LSTM(3, 4))
x = torch.zeros(5, 2, 3)
layer(x)
torch.compile(layer, backend="eager", fullgraph=True)(x)
assert not any(type(finder).__name__ == "_Finder" for finder in sys.meta_path)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def _arguments(training: bool, requires_grad: bool = True) -> tuple[Any, ...]:
    layer = throughtime.nn.Recurrent("lstm", 3, 4)
    x, states = torch.randn(5, 2, 3), [torch.randn(2, 4), torch.randn(2, 4)]
    arrays = [parameter.detach() for parameter in layer.parameters()]
    tensors = [tensor.requires_grad_(requires_grad) for tensor in (x, *states, *arrays)]
    return tensors, torch.tensor([5, 3]), None, Layer(layer.recurrence).key, 2, [False, False, True, False, training]


@pytest.mark.parametrize("training", [False, True])
def test_the_operator_keeps_pytorchs_rules(training: bool) -> None:
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(torch.ops.throughtime.run.default, _arguments(training), test_utils=tests)


def test_the_operator_returns_no_argument() -> None:
    tensors, *rest = _arguments(training=False, requires_grad=False)
    tensors[0] = torch.zeros(0, 2, 3)
    rest[0] = None
    results = torch.ops.throughtime.run(tensors, *rest)
    assert torch.equal(results[1], tensors[1])
    assert results[1].data_ptr() != tensors[1].data_ptr()


def test_a_lost_ticket_costs_time_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[bool] = []
    plain = passes.engine_forward

    def counted(*args: Any, training: bool) -> Any:
        runs.append(training)
        return plain(*args, training=training)

    monkeypatch.setattr(compiled, "engine_forward", counted)
    tensors, *rest = _arguments(training=True, requires_grad=False)
    *results, ticket = torch.ops.throughtime.run(tensors, *rest)
    directions = [torch.randn_like(result) for result in results]
    needs = [True] * len(tensors)
    kept = torch.ops.throughtime.run_backward(tensors, directions, ticket, *rest, needs)
    assert runs == [True]
    assert len(compiled._TICKETS) == 1
    lost = torch.full_like(ticket, 10**9)
    again = torch.ops.throughtime.run_backward(tensors, directions, lost, *rest, needs)
    assert runs == [True, True]
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))
    del ticket
    assert len(compiled._TICKETS) == 0


def test_a_key_is_the_whole_recurrence() -> None:
    layer = modules.layer("GRU", 3, 4, True)
    same = from_key(layer.key)
    assert isinstance(same, Layer)
    assert same is not layer
    assert same.program(torch.float32) is layer.program(torch.float32)


@pytest.mark.parametrize("strict", [False, True])
def test_exported_programs_hold_plain_operations(strict: bool) -> None:
    layer = throughtime.nn.Recurrent("peephole_lstm", 3, 4)
    x = torch.randn(4, 2, 3)
    program = torch.export.export(layer, (x,), strict=strict)
    assert not any("throughtime" in str(node.target) for node in program.graph.nodes)
    assert_outputs(program.module()(x), layer(x))
