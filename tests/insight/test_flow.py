"""Gradient flow, Jacobians and memories against autograd on the plain loop, for every cell, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime import cells
from throughtime.errors import UserError
from throughtime.insight import jacobian
from throughtime.insight.chrono import driver, kept, remember
from throughtime.insight.flow import flow
from throughtime.insight.watch import Run, WatchedOps
from throughtime.nn.reference import recurrence, step
from throughtime.recurrence import Recurrence

STEPS, ROWS = 7, 2


def make(name: str, seed: int = 0, size: int = 5):
    trace = cells.make(name).trace()
    sizes = dict.fromkeys(trace.symbols, size)
    if "P" in sizes:
        sizes["P"] = 3
    rng = np.random.default_rng(seed)
    values = trace.initial_parameters(sizes, rng, np.float64)
    parameters = {n: torch.tensor(v + 0.3 * rng.standard_normal(v.shape)) for n, v in values.items()}
    x = torch.tensor(rng.standard_normal((STEPS, ROWS, trace.input_width(sizes))))
    if trace.further:
        x[..., size : 2 * size] = (x[..., size : 2 * size] > 0).double()
        x[..., 2 * size :] = x[..., 2 * size :].abs()
    return trace, sizes, {n: v.requires_grad_() for n, v in parameters.items()}, x


def losses_of(trace, sizes, parameters, x):
    def losses(ops: WatchedOps) -> torch.Tensor:
        output, _ = ops.recurrence(Recurrence(trace, sizes), x, None, parameters)
        return (output.sin() ** 2).sum(-1)

    return losses


def loop(trace, sizes, each, x):
    """The plain loop with parameters of its own at every step, and a zero added to every state: leaves to derive by."""
    states = [torch.zeros(x.shape[1], sizes[s], dtype=x.dtype) for s in trace.state_sizes.values()]
    added, outputs = [], []
    for t in range(len(x)):
        values = step(trace, x[t], states, each[t])
        zeros = [torch.zeros_like(state, requires_grad=True) for state in states]
        states = [
            values[new].expand_as(zero) + zero for (_, new), zero in zip(trace.states.values(), zeros, strict=True)
        ]
        added.append(zeros)
        outputs.append(states[list(trace.states).index(trace.output)])
    return (torch.stack(outputs).sin() ** 2).sum(-1), added


@pytest.mark.parametrize("name", cells.CATALOGUE)
def test_gradients_by_time_and_by_lag(name: str) -> None:
    trace, sizes, parameters, x = make(name)
    (found,), _, _ = flow(losses_of(trace, sizes, parameters, x))
    each = [parameters] * STEPS
    for last, got in ((True, found.by_lag), (False, found.by_time)):
        values, added = loop(trace, sizes, each, x)
        loss = values[-1].sum() if last else values.sum()
        gradients = torch.autograd.grad(loss, [zero for zeros in added for zero in zeros], allow_unused=True)
        for j, state in enumerate(trace.states):
            own = gradients[j :: len(trace.states)]
            norms = np.array([0.0 if g is None else float(g.norm(dim=-1).mean()) for g in own])
            expected = norms[::-1] if last else norms / STEPS
            np.testing.assert_allclose(got[state], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", cells.CATALOGUE)
def test_the_share_of_each_lag(name: str) -> None:
    trace, sizes, parameters, x = make(name)
    (found,), _, _ = flow(losses_of(trace, sizes, parameters, x))
    matrices = [n for n, shape in trace.parameters.items() if len(shape) == 2]
    total = np.zeros(STEPS)
    for row in range(ROWS):
        each = [{n: v.detach().clone().requires_grad_() for n, v in parameters.items()} for _ in range(STEPS)]
        values, _ = loop(trace, sizes, each, x[:, row : row + 1])
        leaves = [own[n] for own in each for n in matrices]
        gradients = torch.autograd.grad(values[-1].sum(), leaves, allow_unused=True)
        squares = [0.0 if g is None else float(g.square().sum()) for g in gradients]
        total += np.sqrt(np.array(squares).reshape(STEPS, len(matrices)).sum(1))
    np.testing.assert_allclose(found.share, total[::-1] / total.sum(), rtol=1e-6, atol=1e-12)
    assert found.share.sum() == pytest.approx(1.0)


def run_of(name: str, size: int = 5) -> Run:
    trace, sizes, parameters, x = make(name, size=size)
    ops = WatchedOps()
    losses_of(trace, sizes, parameters, x)(ops)
    return ops.runs[0]


def autograd_jacobian(run: Run, row: int, steps: int) -> torch.Tensor:
    widths = [run.sizes[s] for s in run.trace.state_sizes.values()]
    before = torch.cat([s[row : row + 1].detach() for s in run.before(run.steps - steps)], -1)[0]
    x = run.x[run.steps - steps :, row : row + 1].detach()

    def forward(joined: torch.Tensor) -> torch.Tensor:
        states = [part[None] for part in joined.split(widths)]
        return torch.cat(recurrence(run.trace, x, states, run.parameters)[1], -1)[0]

    return torch.autograd.functional.jacobian(forward, before)


@pytest.mark.parametrize("name", cells.CATALOGUE)
def test_jacobians_and_their_products(name: str) -> None:
    run = run_of(name)
    expected = autograd_jacobian(run, 1, 1)
    found = jacobian.step_jacobians(run, 1, STEPS - 1, 1)[0]
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    for singular in jacobian.singular_values(run, row=1):
        values = torch.linalg.svdvals(autograd_jacobian(run, 1, singular.steps))
        assert singular.largest == pytest.approx(float(values[0]), rel=1e-6)
        assert singular.smallest == pytest.approx(float(values[-1]), rel=1e-6, abs=1e-9 * float(values[0]))


@pytest.mark.parametrize("name", ["lstm", "gru", "layer_norm_gru", "indrnn", "rg_lru", "gru_d"])
def test_a_large_jacobian_is_not_formed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(name, size=9)
    exact = jacobian.singular_values(run)
    monkeypatch.setattr(jacobian, "FORMED", 2)
    monkeypatch.setattr(jacobian, "step_jacobians", None)  # whoever forms one fails
    for known in exact:
        forward, transposed, size = jacobian.products(run, 0, known.steps)
        largest, smallest = jacobian.bidiagonal(forward, transposed, size, torch.float64)
        assert largest == pytest.approx(known.largest, rel=1e-6)
        assert smallest >= known.smallest * (1 - 1e-6) - 1e-12
    assert all(not one.exact for one in jacobian.singular_values(run))


@pytest.mark.parametrize(
    ("name", "state", "gate"),
    [("lstm", "c", lambda g: g["f"]), ("gru", "h", lambda g: 1 - g["z"]), ("rg_lru", "h", lambda g: g["a"])],
)
def test_what_a_unit_keeps_is_its_gate(name, state, gate) -> None:
    run = run_of(name)
    gates = {n: run.gate(n) for n in run.trace.gates}
    torch.testing.assert_close(kept(run)[state], gate(gates), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_after", "coupled_lstm", "mgu", "min_gru", "sru", "rg_lru"])
def test_time_scales_are_set(name: str) -> None:
    trace, sizes, _, _ = make(name, size=40)
    values = trace.initial_parameters(sizes, np.random.default_rng(0), np.float64)
    state, vector = driver(trace, sizes, values)
    changed = remember(trace, sizes, values, 500.0)
    others = {"lstm": ["b_i"]}.get(name, [])
    assert {n for n in values if not np.array_equal(values[n], changed[n])} == {vector, *others}
    for other in others:
        np.testing.assert_array_equal(changed[other], -changed[vector])
    ops = WatchedOps()
    parameters = {n: torch.tensor(v) for n, v in changed.items()}
    x = torch.zeros(1, 1, sizes["I"], dtype=torch.float64)
    before = [torch.full((1, sizes[s]), 0.1, dtype=torch.float64) for s in trace.state_sizes.values()]
    ops.recurrence(Recurrence(trace, sizes), x, before, parameters)
    scales = np.sort(1 / (1 - kept(ops.runs[0])[state].flatten().numpy()))
    np.testing.assert_allclose(scales, np.linspace(2, 500, 40), rtol=1e-3)


def test_a_cell_without_a_memory_gate_says_so() -> None:
    trace = cells.make("rnn").trace()
    values = trace.initial_parameters({"I": 3, "H": 4}, np.random.default_rng(0))
    with pytest.raises(UserError, match="no bias of rnn decides"):
        remember(trace, {"I": 3, "H": 4}, values, 100)
    with pytest.raises(UserError, match="above 2"):
        remember(trace, {"I": 3, "H": 4}, values, 1)


def test_what_has_no_recurrence_or_no_time_is_refused() -> None:
    with pytest.raises(UserError, match="no recurrence"):
        flow(lambda ops: torch.ones(3, requires_grad=True))
    trace, sizes, parameters, x = make("gru")
    with pytest.raises(UserError, match="at least two steps"):
        flow(losses_of(trace, sizes, parameters, x[:1]))


def test_two_layers_meet_in_the_gradient() -> None:
    """The lower layer's gradient at a step comes through its own later steps and through the upper layer."""
    trace, sizes, lower, x = make("gru")
    _, _, upper, _ = make("gru", seed=1)

    def losses(ops: WatchedOps) -> torch.Tensor:
        middle, _ = ops.recurrence(Recurrence(trace, sizes), x, None, lower)
        output, _ = ops.recurrence(Recurrence(trace, sizes), middle, None, upper)
        return output.square().sum(-1)

    found, _, _ = flow(losses)
    ops = WatchedOps()
    values = losses(ops)
    gradients = torch.autograd.grad(values[-1].sum(), [states[0] for states in ops.runs[0].states])
    expected = [float(g.norm(dim=-1).mean()) for g in gradients][::-1]
    np.testing.assert_allclose(found[0].by_lag["h"], expected, rtol=1e-9)
