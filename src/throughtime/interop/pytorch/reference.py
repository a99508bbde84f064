"""What PyTorch itself computes of a state_dict: each layer by its own module, and the whole model as described."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from throughtime.interop import layers as kinds
from throughtime.interop.model import ImportedModel
from throughtime.interop.parity import Reference, trials
from throughtime.interop.pytorch.build import Builder
from throughtime.interop.pytorch.describe import GATES, Step, layer_count
from throughtime.interop.pytorch.source import Tensors, torch_of
from throughtime.interop.run import Value

_WHOLE = (1, 2, 7)
"""Steps of the sequences that the whole model is tried on in float32."""


def module_of(kind: str, inputs: int, part: Tensors, layers: int = 1, both: bool = False) -> Any:
    """PyTorch's module for a kind and the arrays of its first layer; not yet with their values."""
    from torch import nn

    rows, out = part["weight_hh"].shape
    size = rows // GATES[kind]
    options: dict[str, Any] = {"num_layers": layers, "bidirectional": both, "batch_first": True}
    options["bias"] = "bias_ih" in part
    if kind == "lstm":
        return nn.LSTM(inputs, size, proj_size=out if "weight_hr" in part else 0, **options)
    if kind == "gru":
        return nn.GRU(inputs, size, **options)
    return nn.RNN(inputs, size, nonlinearity=kind[4:], **options)


@contextmanager
def quiet() -> Iterator[None]:
    """Without PyTorch's word that an LSTM with a projection is not as fast as it could be."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LSTM with projections")
        yield


def _one_layer(kind: str, parts: Sequence[Tensors]) -> Any:
    """A layer's module in float64. Where the two biases are only added, they are added in the type of the file,
    as our cell has it."""
    torch = torch_of("torch")
    module = module_of(kind, parts[0]["weight_ih"].shape[1], parts[0], both=len(parts) == 2)
    values: dict[str, Any] = {}
    for end, part in zip(("_l0", "_l0_reverse"), parts, strict=False):
        own = dict(part)
        if kind != "gru" and "bias_ih" in own:
            own |= {"bias_ih": own["bias_ih"] + own["bias_hh"], "bias_hh": np.zeros_like(own["bias_hh"])}
        values |= {f"{name}{end}": torch.from_numpy(np.asarray(value, np.float64)) for name, value in own.items()}
    module = module.double()
    module.load_state_dict(values, strict=True)
    return module


def layer_reference(made: Builder) -> Reference:
    """What PyTorch's own modules make of float64 values, layer by layer."""
    torch = torch_of(made.who)
    layers: dict[str, Any] = dict(zip(made.names, made.layers, strict=True))
    modules = {name: _one_layer(made.steps[name].kind, parts) for name, parts in made.parts.items()}

    def evaluate(name: str, values: Sequence[Value]) -> list[Value] | None:
        step, mask = made.steps[name], values[0].mask
        with torch.no_grad():
            x = torch.from_numpy(np.ascontiguousarray(values[0].array))
            if name not in modules:
                own = _own(step, made.tensors)
                if step.kind != "embedding":  # of a table only the rows that are read are converted
                    own = {key: one.double() for key, one in own.items()}
                return [Value(stateless(step, own, x).double().numpy(), mask)]
            given = [torch.from_numpy(np.ascontiguousarray(one.array))[None] for one in values[1:]]
            start = None if not given else tuple(given) if step.kind == "lstm" else given[0]
            output, last = modules[name](x, start)
            inner = layers[name].ahead if isinstance(layers[name], kinds.Bidirectional) else layers[name]
            if not inner.sequences:
                output = torch.cat(list(last[0] if step.kind == "lstm" else last), -1)
            return [Value(output.numpy(), mask if inner.sequences else None)]

    return evaluate


Tensor = Any
"""A tensor of torch, which is loaded when it is needed."""

_PARTS = ("weight", "bias", "running_mean", "running_var")


def _own(step: Step, tensors: Tensors) -> dict[str, Any]:
    """The arrays of a step that is no recurrent module."""
    torch = torch_of("torch")
    return {n: torch.from_numpy(tensors[key]) for n in _PARTS if (key := step.prefix + n) in tensors}


def stateless(step: Step, own: dict[str, Tensor], x: Any) -> Any:
    """What PyTorch makes of x by a step without a state. own: its arrays."""
    from torch.nn import functional as f

    weight: Any = own.get("weight")
    bias = own.get("bias")
    if step.kind == "embedding":
        return f.embedding(x.long(), weight)
    if step.kind == "linear":
        return f.linear(x, weight, bias)
    if step.kind == "layer_norm":
        return f.layer_norm(x, weight.shape, weight, bias, step.numbers[0])
    if step.kind == "batch_norm":
        return f.batch_norm(x, own["running_mean"], own["running_var"], weight, bias, eps=step.numbers[0])
    if step.kind == "last":
        return x[:, -1]
    if step.kind == "mean":
        return x.mean(1)
    if step.kind == "max":
        return x.max(1).values
    function: Any = getattr(f, step.kind)
    return function(x, -1) if step.kind in ("softmax", "log_softmax") else function(x, *step.numbers)


def stored(model: ImportedModel, steps: Sequence[Step], tensors: Tensors) -> list[tuple[list[np.ndarray], Any]]:
    """Random inputs, and what the model gives as PyTorch runs it, in the type of the file, by the
    names in it."""
    torch = torch_of("torch")
    run = _whole(steps, tensors)
    found = []
    for trial in trials(model, 5, _WHOLE):
        (x,) = trial.inputs
        given = x if x.dtype.kind == "i" else x.astype(model.dtype)
        with torch.no_grad(), quiet():
            found.append(([given], [run(torch.from_numpy(given)).numpy()]))
    return found


def _whole(steps: Sequence[Step], tensors: Tensors) -> Callable[[Any], Any]:
    torch = torch_of("torch")
    modules: dict[int, Any] = {}
    for k, step in enumerate(steps):
        if step.kind in GATES:
            layers = layer_count(step, tensors)
            own = {n.removeprefix(step.prefix): v for n, v in tensors.items() if n.startswith(step.prefix)}
            own = {n: v for n, v in own.items() if "." not in n and n.startswith(("weight_", "bias_"))}
            own = own if layers else {f"{n}_l0": v for n, v in own.items()}
            first = {n.removesuffix("_l0"): v for n, v in own.items() if n.endswith("_l0")}
            both = "weight_ih_l0_reverse" in own
            module = module_of(step.kind, first["weight_ih"].shape[1], first, max(layers, 1), both)
            module = module.to(torch.from_numpy(first["weight_hh"]).dtype)
            module.load_state_dict({n: torch.from_numpy(v) for n, v in own.items()}, strict=True)
            modules[k] = module

    def run(x: Any) -> Any:
        last: Any = None
        both = False
        for k, step in enumerate(steps):
            if k in modules:
                x, last = modules[k](x)
                last, both = last[0] if step.kind == "lstm" else last, modules[k].bidirectional
            elif step.kind == "final":
                x = torch.cat(list(last[-2:] if both else last[-1:]), -1)
            elif step.kind != "dropout":
                x = stateless(step, _own(step, tensors), x)
        return x

    return run
