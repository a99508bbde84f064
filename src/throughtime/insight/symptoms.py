"""What ails a recurrent model, in words, with the evidence and what to do: rules over what was measured.

The thresholds were set on some cells, sizes and seeds and scored on others: benchmarks/verdicts.py says which, and both
kinds of error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.insight.measure import Layer
from throughtime.training.settings import Settings

THRESHOLDS = {
    "vanishing_factor": 0.46,
    "vanishing_reach": 1e-12,
    "exploding_growth": 30.0,
    "exploding_factor": 1.05,
    "stuck": 0.4,
    "saturated": 0.3,
    "extreme": 0.4,
    "dead": 0.3,
    "window_share": 0.1,
    "clipped": 0.9,
    "risen": 0.25,
}
"""vanishing_factor: what a gradient is multiplied by for a step back; at 0.46 a ten-millionth is left of it after 20.
vanishing_reach: the share of the gradient that comes from the first half of a sequence judged at its end.
exploding_growth: how many times larger the gradient is some steps back than at the end; exploding_factor: per step.
stuck, saturated, extreme, dead: shares of units or values. window_share: of the gradient, from beyond the window.
clipped: of the steps. risen: of what the loss had fallen by, risen again."""


@dataclass(frozen=True)
class Symptom:
    """name: vanishing, exploding, saturated, dead, window, clipping or diverging. layer: where, None for the run.
    evidence: a sentence with figures. remedies: names of insight.remedies.REMEDIES, the likeliest first."""

    name: str
    evidence: str
    remedies: tuple[str, ...]
    layer: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "layer": self.layer,
            "evidence": self.evidence,
            "remedies": list(self.remedies),
        }


@dataclass(frozen=True)
class Course:
    """How the training of a model went, as far as it is known.

    window: steps that gradients were carried back, None where sequences were not cut. clip: the limit. clipped: the
    shares of steps at which it struck, as logged. losses: as logged. learning_rate: its peak. norms: of the gradient.
    failed: whether it ended in numbers that are not finite.
    """

    window: int | None = None
    clip: float | None = None
    clipped: Sequence[float] = field(default_factory=list)
    losses: Sequence[float] = field(default_factory=list)
    norms: Sequence[float] = field(default_factory=list)
    learning_rate: float | None = None
    failed: bool = False

    @classmethod
    def of(cls, history: Sequence[Mapping[str, Any]], settings: Settings, window: int | None) -> Course:
        """From the lines of history.jsonl and the settings of the training."""
        steps = [line for line in history if "loss" in line and "clipped" in line]
        return cls(
            window,
            settings.clip,
            [float(line["clipped"]) for line in steps if line["clipped"] is not None],
            [math.inf if line["loss"] is None else float(line["loss"]) for line in steps],
            [math.inf if line["gradient_norm"] is None else float(line["gradient_norm"]) for line in steps],
            settings.learning_rate,
            any("failure" in line for line in history),
        )


def symptoms(layers: Sequence[Layer], at_end: bool, course: Course | None = None) -> list[Symptom]:
    """What ails a model; an empty list for a healthy one. at_end: the loss is of each sequence's last step alone."""
    found = [symptom for layer in layers for symptom in _of_layer(layer, at_end, layers)]
    if course is not None:
        found += _of_course(layers, course)
    return found


def _of_layer(layer: Layer, at_end: bool, layers: Sequence[Layer]) -> list[Symptom]:
    found = []
    lasting = _exploding(layer) or _vanishing(layer, at_end)
    if lasting is not None:
        found.append(lasting)
    if saturated := _saturated(layer):
        found.append(saturated)
    if layer.dead >= THRESHOLDS["dead"]:
        remedies = ("restart", "gated_cell", "lower_rate") if not layer.gated else ("restart", "lower_rate")
        evidence = f"{layer.dead:.0%} of the units of {layer.name} never change over {layer.steps} steps"
        found.append(Symptom("dead", evidence, remedies, layer.name))
    return found


def _growth(layer: Layer) -> tuple[float, int]:
    """How many times larger the gradient is where it is largest than at the end, and how many steps back that is."""
    norms = layer.flow.total
    if not np.isfinite(norms).all():
        return math.inf, max(1, int(np.argmin(np.isfinite(norms))))
    first = float(norms[0])
    if first <= 0:
        return 1.0, 0
    lag = int(norms.argmax())
    return float(norms[lag]) / first, lag


def _exploding(layer: Layer) -> Symptom | None:
    growth, lag = _growth(layer)
    if lag == 0 or growth < THRESHOLDS["exploding_growth"]:
        return None
    factor = growth ** (1 / lag) if math.isfinite(growth) else math.inf
    if factor < THRESHOLDS["exploding_factor"]:
        return None
    evidence = f"going back through {layer.name} the gradient grows: "
    if math.isfinite(growth):
        evidence += f"{lag} steps back it is {growth:,.3g} times what it is at the end"
    else:
        evidence += "it is no finite number any more"
    if layer.singular and math.isfinite(layer.singular[-1].largest):
        last = layer.singular[-1]
        evidence += f"; a change of the state may grow {last.largest:,.3g} times over {last.steps} steps"
    remedies = ("orthogonal", "clip", "gated_cell", "lower_rate")
    return Symptom(
        "exploding",
        evidence,
        remedies if not layer.gated else ("orthogonal", "restart", "clip", "lower_rate"),
        layer.name,
    )


def reach(layer: Layer) -> float:
    """The share of the gradient that comes from the first half of the sequence."""
    return float(layer.flow.share[layer.steps // 2 :].sum())


def _vanishing(layer: Layer, at_end: bool) -> Symptom | None:
    factor, far = layer.flow.factor, reach(layer)
    fast = factor < THRESHOLDS["vanishing_factor"]
    if not fast and not (at_end and far < THRESHOLDS["vanishing_reach"]):
        return None
    back = min(layer.steps - 1, 20)
    left = layer.flow.total[back] / max(float(layer.flow.total[0]), 1e-300)
    evidence = (
        f"going back through {layer.name} the gradient shrinks to {_share(left)} of itself in {back} steps; 95 % of it "
        f"comes from the last {layer.flow.horizon()} of {layer.steps} steps, the first half gives {_share(far)}"
    )
    remedies = ("chrono", "restart") if layer.gated else ("gated_cell", "orthogonal", "identity_start")
    return Symptom("vanishing", evidence, remedies, layer.name)


def _share(value: float) -> str:
    return f"{value:.1g}" if value > 1e-30 else "nothing"


def _saturated(layer: Layer) -> Symptom | None:
    parts = []
    for name, share in layer.stuck.items():
        if share >= THRESHOLDS["stuck"]:
            parts.append(f"gate {name} of {layer.name} is shut on {share:.0%} of the units")
    for name, gate in layer.gates.items():
        if gate.saturated is None or gate.saturated < THRESHOLDS["saturated"]:
            continue
        steady = gate.open + gate.shut  # a unit that always keeps or never writes has a long memory, no disease
        if gate.saturated - steady >= THRESHOLDS["saturated"] or (gate.open > 0.9 and _all_open(layer)):
            parts.append(f"{gate.saturated:.0%} of the values of gate {name} of {layer.name} are within 0.01 of 0 or 1")
    if layer.extreme >= THRESHOLDS["extreme"]:
        parts.append(f"{layer.extreme:.0%} of the values of {layer.name} are beyond 0.99 in size, where tanh is flat")
    if not parts:
        return None
    remedies = ("restart", "layer_norm", "lower_rate") if layer.gated else ("restart", "gated_cell", "lower_rate")
    return Symptom("saturated", "; ".join(parts), remedies, layer.name)


def _all_open(layer: Layer) -> bool:
    return all(gate.open > 0.9 for gate in layer.gates.values())


def _of_course(layers: Sequence[Layer], course: Course) -> list[Symptom]:
    found = []
    if course.window is not None:
        beyond = max((float(layer.flow.share[course.window :].sum()) for layer in layers), default=0.0)
        longest = max((layer.flow.horizon() for layer in layers), default=0)
        if beyond >= THRESHOLDS["window_share"]:
            evidence = (
                f"training carries gradients back {course.window} steps, but {beyond:.0%} of the gradient comes from "
                f"further back; 95 % would take {longest} steps"
            )
            found.append(Symptom("window", evidence, ("longer_window",)))
    half = course.clipped[len(course.clipped) // 2 :]
    if course.clip is not None and half and float(np.mean(half)) >= THRESHOLDS["clipped"]:
        usual = float(np.median(course.norms[len(course.norms) // 2 :])) if len(course.norms) else math.nan
        evidence = (
            f"clipping at {course.clip:g} struck at {np.mean(half):.0%} of the steps; the usual norm is {usual:.3g}"
        )
        found.append(Symptom("clipping", evidence, ("wider_clip", "lower_rate")))
    if course.failed or _risen(course.losses):
        rate = "" if course.learning_rate is None else f" at a learning rate of {course.learning_rate:g}"
        lowest = min(course.losses, default=math.nan)
        evidence = (
            f"training ended in numbers that are not finite{rate}"
            if course.failed
            else f"the loss had fallen to {lowest:.3f} and rose again to {course.losses[-1]:.3f}{rate}"
        )
        found.append(Symptom("diverging", evidence, ("restart_slower", "clip")))
    return found


def _risen(losses: Sequence[float]) -> bool:
    """Whether the smoothed loss ends well above its lowest, by a share of how far it had fallen; or never fell."""
    if len(losses) < 8:
        return False
    width = max(1, len(losses) // 8)
    values = np.array(losses, np.float64)
    if not np.isfinite(values[-width:]).all():
        return True
    values = np.where(np.isfinite(values), values, np.nanmax(np.where(np.isfinite(values), values, np.nan)))
    smooth = np.convolve(values, np.ones(width) / width, "valid")
    lowest, first, last = float(smooth.min()), float(values[0]), float(smooth[-1])
    return last - lowest > THRESHOLDS["risen"] * max(first - lowest, 0.0) + 0.02 * abs(lowest)
