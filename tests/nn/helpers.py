"""What the tests of nn share: layers beside torch's own, and comparing two computations with all their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import throughtime.nn
from tests.tolerances import GRADIENT, OUTPUT
from throughtime.recurrence import Cell, Matrix, Vector, exp, log, maximum, minimum, relu, softplus, sqrt, tanh

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "rnn": ("RNN", {}),
    "relu": ("RNN", {"nonlinearity": "relu"}),
    "lstm": ("LSTM", {}),
    "projected": ("LSTM", {"proj_size": 3}),
    "gru": ("GRU", {}),
}
"""A kind of layer -> torch.nn's class and options."""


class Everything(Cell):
    """Every operation of the language, constants on both sides, a gate that is only a vector."""

    state = {"h": "H", "m": "H"}
    W, U, v, b = Matrix("H", "I"), Matrix("H", "H"), Vector("H", init=0.3), Vector("H")

    def step(self, x: Any, h: Any, m: Any) -> Any:
        a = tanh(self.W @ x + self.U @ h + self.b)
        g = softplus(a) / (1 + exp(-a)) - self.v
        new = maximum(m - 0.5, minimum(g, a * 2)) + relu(a) * sqrt(1.5 + a) - log(2 + a)
        return new, maximum(g, 0.1) - 2 / (3 + self.v)


def name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def flat(value: Any) -> list[Tensor]:
    """The tensors in nested tuples, packed sequences included, in order."""
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return [value.data]
    if isinstance(value, Tensor):
        return [value]
    return [tensor for part in value for tensor in flat(part)]


def gradients(outputs: Any, wanted: Sequence[Tensor], seed: int = 1) -> list[Tensor]:
    """Gradients of a random weighting of every output; the graph is kept."""
    generator = torch.Generator().manual_seed(seed)
    values = flat(outputs)
    weights = [torch.randn(v.shape, generator=generator, dtype=torch.float64).to(v.dtype) for v in values]
    return list(
        torch.autograd.grad(values, wanted, weights, retain_graph=True, allow_unused=True, materialize_grads=True)
    )


def assert_outputs(ours: Any, theirs: Any) -> None:
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), i
        difference = float((a - b).detach().abs().max()) if a.numel() else 0.0
        assert difference <= OUTPUT[name(a.dtype)], f"output {i} differs by {difference}"


def assert_gradients(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), i
        difference = float((a - b).abs().max()) if a.numel() else 0.0
        scale = max(1.0, float(b.abs().max())) if a.numel() else 1.0
        assert difference <= GRADIENT[name(a.dtype)] * scale, f"gradient {i} differs by {difference} of {scale}"


def pair(kind: str, inputs: int = 5, hidden: int = 9, dtype: Any = torch.float64, **options: Any) -> tuple[Any, Any]:
    """Our module and torch's with the same parameters."""
    name, more = KINDS[kind]
    theirs = getattr(torch.nn, name)(inputs, hidden, dtype=dtype, **more, **options)
    ours = getattr(throughtime.nn, name)(inputs, hidden, dtype=dtype, **more, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def initial(module: Any, batch: int | None, dtype: Any = torch.float64) -> Any:
    """A random state, as leaves; batch None for unbatched."""
    rows = module.num_layers * (2 if module.bidirectional else 1)
    shape = (rows,) if batch is None else (rows, batch)
    h = torch.randn(*shape, module.proj_size or module.hidden_size, dtype=dtype, requires_grad=True)
    if module.mode != "LSTM":
        return h
    return h, torch.randn(*shape, module.hidden_size, dtype=dtype, requires_grad=True)


def compare(ours: Any, theirs: Any, x: Any, hx: Any, wanted: list[Any]) -> None:
    """Outputs and all gradients agree; dropout draws the same masks."""
    torch.manual_seed(3)
    a = ours(x, hx)
    torch.manual_seed(3)
    b = theirs(x, hx)
    assert type(a[1]) is type(b[1])
    assert_outputs(a, b)
    assert_gradients(
        gradients(a, [*wanted, *ours.parameters()]),
        gradients(b, [*wanted, *theirs.parameters()]),
    )
