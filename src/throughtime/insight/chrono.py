"""What a unit keeps of its own state from one step to the next, whatever the cell calls the gate that decides it.

    kappa = ds_t / ds_(t-1) of the same unit, with every matrix product held fixed

For an LSTM's cell state this is the forget gate, for a GRU 1 - z, for an IndRNN u where its unit is on, for a simple
RNN 0: it keeps nothing but what its matrix carries over. 1 / (1 - kappa) steps is the unit's time scale.

From it follows how to start a cell so that its units remember as long as the data need: the bias that moves kappa is
set so that time scales lie evenly between 2 and the longest wanted. Where another gate of the state lets the new value
in (an LSTM's i), its bias starts at minus that bias, so that what comes in is as rare as what is forgotten.

Source: Tallec and Ollivier 2018, arXiv:1804.11188, section 2.2 and eq. 16 (chrono initialization), there for the LSTM
and GRU; here for every cell whose kappa a bias moves. Tried without success on the adding problem over 600 steps: time
scales spread evenly on a logarithmic scale, and an LSTM's forget gates without its input gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from throughtime.errors import UserError
from throughtime.insight.watch import Run
from throughtime.nn.reference import OPERATIONS
from throughtime.recurrence import Recurrence, Trace


def kept(run: Run, rows: int = 8) -> dict[str, Tensor]:
    """State -> kappa at every step, of the first `rows` rows, and unit: (T, rows, S_j)."""
    before = [
        torch.stack([run.before(t)[j][:rows].detach() for t in range(run.steps)]) for j in range(len(run.trace.states))
    ]
    parameters = {name: value.detach() for name, value in run.parameters.items()}
    found = _kept(run.trace, run.x[:, :rows].detach(), before, parameters)
    return {name: value.detach() for name, value in found.items()}


def _kept(trace: Trace, x: Tensor, before: list[Tensor], parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Differentiable in the parameters; x (..., I), before (..., S_j)."""
    found = {}
    for name, (_, new) in trace.states.items():
        with torch.enable_grad():
            states = [state.detach().requires_grad_() for state in before]
            values = _fixed(trace, x, states, parameters)
            place = list(trace.states).index(name)
            own = states[place]
            after = values[new].expand_as(own)
            if not after.requires_grad:
                found[name] = torch.zeros_like(own)
                continue
            (kappa,) = torch.autograd.grad(after.sum(), own, allow_unused=True, create_graph=True)
        found[name] = torch.zeros_like(own) if kappa is None else kappa
    return found


def _fixed(trace: Trace, x: Tensor, states: list[Tensor], parameters: Mapping[str, Tensor]) -> dict[int, Tensor]:
    """The step's values with the matrix products, and what normalises over units, held fixed."""
    columns = trace.columns(trace.sizes_of(parameters, states, x.shape[-1])) if trace.further else {}
    old = {number: state for (number, _), state in zip(trace.states.values(), states, strict=True)}
    values: dict[int, Tensor] = {}
    for number, node in enumerate(trace.graph.nodes):
        if node.op == "input":
            values[number] = x[..., columns[number]] if columns else x
        elif node.op == "state":
            values[number] = old[number]
        elif node.op in ("matrix", "vector"):
            values[number] = parameters[node.name or ""]
        elif node.op == "const":
            values[number] = torch.full((), node.value or 0.0, dtype=x.dtype)
        else:
            found = OPERATIONS[node.op](*(values[a] for a in node.args))
            values[number] = found.detach() if node.op in ("matmul", "normalize", "mean") else found
    return values


def driver(trace: Trace, sizes: Mapping[str, int], parameters: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    """The state that remembers and the vector that moves its kappa most: ("c", "b_f"); None where there is none."""
    best, found = 1e-6, None
    arrays, x, before = _at_rest(trace, sizes, parameters)
    for state, kappa in _kept(trace, x, before, arrays).items():
        if not kappa.requires_grad:
            continue
        vectors = [n for n, shape in trace.parameters.items() if len(shape) == 1]
        gradients = torch.autograd.grad(kappa.sum(), [arrays[n] for n in vectors], allow_unused=True, retain_graph=True)
        for name, gradient in zip(vectors, gradients, strict=True):
            size = 0.0 if gradient is None else float(gradient.abs().mean())
            if gradient is not None and gradient.shape == kappa.shape[-1:] and size > best:
                best, found = size, (state, name)
    return found


def chrono(
    layers: Sequence[Recurrence], parameters: Mapping[str, np.ndarray], longest: float | None, seed: int
) -> dict[str, np.ndarray]:
    """A model's drawn parameters with the time scales of every layer's units spread from 2 to `longest` steps, None for
    the cells' own start. Raises UserError for a cell whose memory no bias decides."""
    values = dict(parameters)
    if longest is None:
        return values
    for i, layer in enumerate(layers):
        own = {name: values[f"layers.{i}.{name}"] for name in layer.trace.parameters}
        changed = remember(layer.trace, layer.sizes, own, longest, seed + i)
        values.update({f"layers.{i}.{name}": value for name, value in changed.items()})
    return values


def remember(
    trace: Trace, sizes: Mapping[str, int], parameters: Mapping[str, np.ndarray], longest: float, seed: int = 0
) -> dict[str, np.ndarray]:
    """The layer's parameters with the units' time scales spread from 2 to `longest` steps, and with the input gate's
    bias, where there is one, the opposite of the forget gate's; the others unchanged.

    parameters: name -> array, as `Trace.initial_parameters` returns them. Raises UserError for a cell whose memory no
    bias decides, and for a time scale that is not above 2.
    """
    if isinstance(longest, bool) or not (isinstance(longest, int | float) and 2 < longest < 1e9):
        raise UserError(f"chrono: expected a number of steps above 2, got {longest!r}")
    found = driver(trace, sizes, parameters)
    if found is None:
        raise UserError(f"chrono: no bias of {trace.name} decides how long its units remember; choose a gated cell")
    state, name = found
    width = parameters[name].shape[0]
    scale = np.random.default_rng([seed, 77]).permutation(np.linspace(2.0, longest, width))
    values = bias_for(trace, sizes, parameters, found, 1.0 - 1.0 / scale)
    return {**parameters, name: values, **dict.fromkeys(entrance(trace, state, name), -values)}


def bias_for(
    trace: Trace,
    sizes: Mapping[str, int],
    parameters: Mapping[str, np.ndarray],
    found: tuple[str, str],
    wanted: np.ndarray,
) -> np.ndarray:
    """The values of the bias with which units at rest keep so much of themselves, (N,), or as near as +-30 gets them.

    found: the state and the bias, from `driver`. wanted: kappa of each unit.
    """
    state, name = found
    width, target = parameters[name].shape[0], torch.tensor(wanted)
    arrays, x, before = _at_rest(trace, sizes, parameters)

    def kappa(value: Tensor) -> Tensor:
        return _kept(trace, x, before, {**arrays, name: value})[state].detach()[0]

    low, high = torch.full((width,), -30.0, dtype=torch.float64), torch.full((width,), 30.0, dtype=torch.float64)
    rising = bool((kappa(high) > kappa(low)).all())
    for _ in range(60):
        middle = (low + high) / 2
        below = (kappa(middle) < target) == rising
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    values: np.ndarray = ((low + high) / 2).numpy().astype(parameters[name].dtype)
    return values


def entrance(trace: Trace, state: str, keeping: str) -> list[str]:
    """The biases of the gates that let a state's new value in and do nothing else: b_i of an LSTM's c; none for a GRU,
    whose z does both. keeping: the bias that moves kappa."""
    graph = trace.graph
    old, new = trace.states[state]
    summands, products = [new], []
    while summands:
        node = graph[summands.pop()]
        if node.op == "add":
            summands.extend(node.args)
        elif node.op == "mul":
            products.append(node.args)
    gates = {n for args in products for n in args if graph[n].op == "sigmoid"}
    keeps = {n for args in products for n in args if n in gates and old in args}
    if not any(keeping in _biases(trace, n) for n in keeps):
        return []
    found = [_biases(trace, n) for n in sorted(gates - keeps)]
    return [names[0] for names in found if names and trace.parameters[names[0]] == trace.parameters[keeping]]


def _biases(trace: Trace, gate: int) -> list[str]:
    """The vectors added up under a gate."""
    found, stack = [], list(trace.graph[gate].args)
    while stack:
        node = trace.graph[stack.pop()]
        if node.op == "vector":
            found.append(str(node.name))
        elif node.op == "add":
            stack.extend(node.args)
    return sorted(found)


def _at_rest(
    trace: Trace, sizes: Mapping[str, int], parameters: Mapping[str, np.ndarray]
) -> tuple[dict[str, Tensor], Tensor, list[Tensor]]:
    """The layer's parameters in float64, an input of zeros and states that are small but not zero: (1, ...)."""
    arrays = {
        name: torch.tensor(np.asarray(value), dtype=torch.float64).requires_grad_()
        for name, value in parameters.items()
    }
    x = torch.zeros(1, trace.input_width(dict(sizes)), dtype=torch.float64)
    before = [torch.full((1, sizes[s]), 0.1, dtype=torch.float64) for s in trace.state_sizes.values()]
    return arrays, x, before
