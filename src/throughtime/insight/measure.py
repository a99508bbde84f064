"""What is measured of each recurrence of a model: its gradient flow, Jacobians, memories and gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from throughtime.insight.chrono import kept
from throughtime.insight.flow import Flow, Losses, flow
from throughtime.insight.jacobian import Singular, singular_values
from throughtime.insight.watch import Run


@dataclass(frozen=True)
class Gate:
    """A gate over a batch. mean: (N,) of each unit. shut, open: the shares of units whose mean is below 0.02 and above
    0.98. saturated: the share of all its values, units and steps alike, within 0.01 of either end; for gates that are a
    sigmoid, None for others."""

    mean: np.ndarray
    shut: float
    open: float
    saturated: float | None


@dataclass(frozen=True)
class Layer:
    """One recurrence of a model over a batch of T steps and B rows.

    kept: state -> (S_j,) the mean share of itself that each unit keeps from step to step (insight/chrono.py). stuck:
    gate -> the share of units where it is shut and the unit keeps no more than 0.9, so that nothing passes, or so much
    that it never changes. dead: the share of units of the output that never change. extreme: the share of the output's
    values beyond 0.99 in size, for cells whose output is a tanh of a sum; 0 for others. norm: of the output, by time,
    (T,). gated: whether the cell has gates.
    """

    name: str
    cell: str
    sizes: dict[str, int]
    steps: int
    rows: int
    flow: Flow
    singular: list[Singular]
    kept: dict[str, np.ndarray]
    gates: dict[str, Gate]
    stuck: dict[str, float]
    dead: float
    extreme: float
    norm: np.ndarray
    gated: bool

    @property
    def time_scales(self) -> np.ndarray:
        """1 / (1 - kappa) of each unit of the state that keeps most, in steps, (S_j,)."""
        most = max(self.kept.values(), key=lambda kappa: float(kappa.mean()))
        found: np.ndarray = 1.0 / np.maximum(1.0 - np.clip(most, 0.0, 1.0), 1e-9)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values; arrays become lists."""
        return {
            "layer": self.name,
            "cell": self.cell,
            "sizes": self.sizes,
            "steps": self.steps,
            "rows": self.rows,
            "gradient_by_time": {name: _list(value) for name, value in self.flow.by_time.items()},
            "gradient_by_lag": {name: _list(value) for name, value in self.flow.by_lag.items()},
            "share_by_lag": _list(self.flow.share),
            "horizon": self.flow.horizon(),
            "factor": _number(self.flow.factor),
            "singular_values": [
                {"steps": s.steps, "largest": _number(s.largest), "smallest": _number(s.smallest), "exact": s.exact}
                for s in self.singular
            ],
            "kept": {name: _list(value) for name, value in self.kept.items()},
            "gates": {
                name: {"mean": _list(g.mean), "shut": g.shut, "open": g.open, "saturated": g.saturated}
                for name, g in self.gates.items()
            },
            "stuck": self.stuck,
            "dead": self.dead,
            "extreme": self.extreme,
            "state_norm": _list(self.norm),
        }


def measure(losses: Losses, jacobians: bool = True) -> tuple[list[Layer], Tensor]:
    """Every recurrence of a model that runs over more than one step, bottom first, and the losses.

    losses: as for `flow`. jacobians: whether singular values are looked at too. UserError as `flow` raises it.
    """
    flows, runs, values = flow(losses)
    found = []
    for i, (own, run) in enumerate(zip(flows, runs, strict=True)):
        found.append(_layer(f"layer {i}", own, run, jacobians))
    return found, values


def _layer(name: str, own: Flow, run: Run, jacobians: bool) -> Layer:
    trace = run.trace
    carried = {state: value.flatten(0, -2).mean(0).double().numpy() for state, value in kept(run).items()}
    output = run.state(trace.output)
    most = max(carried.values(), key=lambda kappa: float(kappa.mean()))
    gates, stuck = {}, {}
    for gate, number in trace.gates.items():
        values = run.gate(gate)
        sigmoid = trace.graph[number].op == "sigmoid"
        if not sigmoid and not bool(((values >= 0) & (values <= 1)).all()):
            continue
        mean = values.flatten(0, -2).mean(0).double().numpy()
        ends = float(((values < 0.01) | (values > 0.99)).double().mean()) if sigmoid else None
        gates[gate] = Gate(mean, float((mean < SHUT).mean()), float((mean > 1 - SHUT).mean()), ends)
        slow = np.zeros(mean.shape, bool)
        if most.shape == mean.shape:  # slow, but not for ever: what takes 20 times as long as was looked at is stuck
            slow = (most > 0.9) & (1 - most > 1 / (20 * run.steps))
        stuck[gate] = float(((mean < SHUT) & ~slow).mean())
    spread = output.flatten(0, -2).double().std(0).numpy()
    dead = float((spread <= 1e-6 * max(float(spread.max()), 1e-30)).mean())
    node = trace.graph[trace.states[trace.output][1]]
    extreme = float((output.abs() > 0.99).double().mean()) if node.op == "tanh" else 0.0
    return Layer(
        name=name,
        cell=trace.name,
        sizes=run.sizes,
        steps=run.steps,
        rows=run.x.shape[1],
        flow=own,
        singular=singular_values(run) if jacobians else [],
        kept=carried,
        gates=gates,
        stuck=stuck,
        dead=dead,
        extreme=extreme,
        norm=torch.linalg.vector_norm(output.double(), dim=-1).mean(-1).numpy(),
        gated=bool(gates),
    )


SHUT = 0.02
"""A gate whose mean is below this is shut; open above 1 minus this."""


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _list(values: np.ndarray) -> list[float | None]:
    return [_number(value) for value in np.asarray(values, np.float64)]
