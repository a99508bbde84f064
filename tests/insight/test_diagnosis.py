"""Verdicts on models broken on purpose, and remedies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from throughtime import cells
from throughtime.errors import UserError
from throughtime.insight.diagnosis import Diagnosis, diagnose, examine, watched
from throughtime.insight.remedies import REMEDIES, Change, attempt, clip, orthogonal, wider_clip
from throughtime.insight.symptoms import Course, Symptom
from throughtime.models.resolve import declared, trace_of
from throughtime.nn import Recurrent
from throughtime.recurrence import Trace
from throughtime.training.settings import Settings


def look(layer: Recurrent, course: Course | None = None, every: bool = True, steps: int = 60) -> Diagnosis:
    torch.manual_seed(0)
    x = torch.randn(steps, 4, 8)

    def losses(ops: Any) -> torch.Tensor:
        output = watched(ops, layer, x)
        return (output if every else output[-1]).square().sum(-1)

    return diagnose(losses, course)


def broken(cell: str, change: Any, hidden: int = 32) -> Recurrent:
    layer = Recurrent(trace_of(cell), 8, hidden, seed=0)
    with torch.no_grad():
        change(layer)
    return layer


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru_reset_after", "coupled_lstm", "layer_norm_lstm"])
def test_a_fresh_cell_is_healthy(cell: str) -> None:
    found = look(Recurrent(cell, 8, 32, seed=0))
    assert found.healthy, found.verdict
    assert "Nothing ails" in str(found)
    assert found.advice() == []


def test_a_recurrent_matrix_too_small_lets_the_gradient_vanish() -> None:
    found = look(broken("rnn", lambda layer: layer.W_hh.mul_(0.1)))
    assert found.names == {"vanishing"}
    assert "95 % of it comes from the last 1 of 60" in found.verdict.replace("last 2", "last 1")
    assert "gated" in found.advice()[0]


def test_a_recurrent_matrix_too_large_lets_it_explode() -> None:
    found = look(broken("rnn:relu", lambda layer: layer.W_hh.mul_(2.5)))
    assert "exploding" in found.names
    assert "vanishing" not in found.names


def test_an_overflowing_gradient_explodes_too() -> None:
    found = look(broken("rnn:identity", lambda layer: layer.W_hh.mul_(8.0)))
    assert "exploding" in found.names


def test_a_gate_shut_on_half_of_the_units_is_named() -> None:
    found = look(broken("lstm", lambda layer: layer.b_o[:20].fill_(-12)))
    assert found.names == {"saturated"}
    assert "gate o of layer 0 is shut on 62% of the units" in found.verdict


def test_a_long_memory_is_no_disease() -> None:
    """Forget gates open and input gates nearly shut: units that remember a thousand steps, for 60 to look at."""

    def change(layer: Recurrent) -> None:
        layer.b_f.fill_(math.log(999))
        layer.b_i.fill_(-math.log(999))

    assert look(broken("lstm", change)).healthy


def test_dead_units_are_counted() -> None:
    found = look(broken("rnn:relu", lambda layer: layer.b_h[:20].fill_(-100)))
    assert "dead" in found.names
    assert "62% of the units" in found.verdict


def test_a_window_shorter_than_the_memory() -> None:
    layer = broken("lstm", lambda layer: layer.b_f.fill_(4))
    assert "window" in look(layer, Course(window=4)).names
    assert "window" not in look(layer, Course(window=60)).names


def test_a_loss_at_the_end_needs_the_beginning() -> None:
    """600 steps of a plain cell, judged at the end: nothing of the first half arrives."""
    layer = Recurrent("lstm", 8, 32, seed=0)
    assert "vanishing" in look(layer, every=False, steps=600).names
    assert "vanishing" not in look(layer, every=True, steps=600).names


def test_the_course_of_a_training() -> None:
    layer = Recurrent("lstm", 8, 16, seed=0)
    falling = [3.0 - 0.02 * i for i in range(100)]
    assert look(layer, Course(losses=falling, clipped=[0.1] * 100, clip=1.0)).healthy
    assert look(layer, Course(losses=falling, clipped=[1.0] * 100, clip=0.1, norms=[3.0] * 100)).names == {"clipping"}
    rising = [*falling[:50], *[2.0 + 0.05 * i for i in range(50)]]
    assert look(layer, Course(losses=rising, learning_rate=0.5)).names == {"diverging"}
    assert look(layer, Course(failed=True)).names == {"diverging"}
    noisy = [f + 0.05 * (-1) ** i for i, f in enumerate(falling)]
    assert look(layer, Course(losses=noisy)).healthy


def test_the_course_is_read_from_a_history() -> None:
    lines = [{"loss": 2.0, "clipped": 1.0, "gradient_norm": 3.0}, {"loss": None, "clipped": 0.5, "gradient_norm": None}]
    course = Course.of([*lines, {"failure": {}}], Settings(clip=0.5, learning_rate=0.1), 32)
    assert course == Course(32, 0.5, [1.0, 0.5], [2.0, math.inf], [3.0, math.inf], 0.1, True)


def test_it_prints_and_goes_to_json() -> None:
    found = look(broken("rnn", lambda layer: layer.W_hh.mul_(0.1)))
    values = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert values["healthy"] is False
    assert values["layers"][0]["horizon"] == found.layers[0].flow.horizon()
    assert len(values["layers"][0]["share_by_lag"]) == 60
    assert "What to do:" in str(found)
    overflown = look(broken("rnn:identity", lambda layer: layer.W_hh.mul_(1e9)))
    json.dumps(overflown.to_json(), allow_nan=False)


@dataclass
class Patient:
    """A patient whose short runs have known losses: remedy's mark -> loss for each order."""

    outcomes: Mapping[str, Sequence[float]]
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    course: Course = field(default_factory=lambda: Course(clip=0.1, norms=[2.0] * 10, learning_rate=0.1, window=8))
    runs: list[Change] = field(default_factory=list)

    def layers(self) -> list[tuple[str, Trace, Mapping[str, int]]]:
        return [("layers.0.", cells.make("rnn").trace(), {"I": 2, "H": 3})]

    def fresh(self, cell: str | None = None) -> dict[str, np.ndarray]:
        return {"layers.0.W_hh": np.eye(3)}

    def short_run(self, change: Change, steps: int) -> float:
        self.runs.append(change)
        kind = (
            change.cell or (f"window {change.window}" if change.window else "") or ", ".join(change.settings) or "as is"
        )
        return self.outcomes[kind][change.order]


def test_a_remedy_that_helps_ends_the_search() -> None:
    patient = Patient({"as is": [2.0], "clip": [1.5]})
    (trial,) = attempt(patient, [Symptom("clipping", "", ("wider_clip", "lower_rate"))], 10)
    assert trial.helps
    assert (trial.before, trial.after) == (2.0, 1.5)
    assert len(patient.runs) == 2


def test_a_remedy_that_harms_is_not_recommended() -> None:
    patient = Patient({"as is": [2.0], "clip": [2.5], "learning_rate": [math.inf]})
    trials = attempt(patient, [Symptom("clipping", "", ("wider_clip", "lower_rate"))], 10)
    assert [t.helps for t in trials] == [False, False]


@pytest.mark.parametrize(("others", "helps"), [([1.995, 1.994], True), ([1.995, 2.001], False), ([2.01, 1.0], False)])
def test_a_small_gain_must_repeat_itself(others: list[float], helps: bool) -> None:
    patient = Patient({"as is": [2.0, 2.0, 2.0], "clip": [1.99, *others], "learning_rate": [3.0]})
    first = attempt(patient, [Symptom("clipping", "", ("wider_clip", "lower_rate"))], 10)[0]
    assert first.helps is helps


def test_one_trial_serves_two_symptoms() -> None:
    patient = Patient({"as is": [2.0], "clip": [1.0]})
    found = [Symptom("clipping", "", ("wider_clip",)), Symptom("diverging", "", ("wider_clip",))]
    assert [t.symptom for t in attempt(patient, found, 10)] == ["clipping", "diverging"]
    assert len(patient.runs) == 2


def test_remedies_apply_where_they_can() -> None:
    patient = Patient({}, {"layers.0.W_hh": np.full((3, 3), 5.0)})
    change = orthogonal(patient)
    assert change is not None
    assert change.parameters is not None
    made = change.parameters["layers.0.W_hh"]
    np.testing.assert_allclose(made @ made.T, np.eye(3), atol=1e-12)
    assert clip(patient) is None  # it is clipped at less already
    wider = wider_clip(patient)
    assert wider is not None
    assert wider.settings == {"clip": 3.0}
    assert set(REMEDIES) >= {"chrono", "gated_cell", "layer_norm", "longer_window", "lower_rate", "orthogonal"}


def test_every_symptom_names_known_remedies() -> None:
    layer = broken("rnn:relu", lambda layer: (layer.W_hh.mul_(2.5), layer.b_h[:16].fill_(-1e4)))
    course = Course(4, 0.1, [1.0] * 20, [1.0] * 10 + [9.0] * 10, [1.0] * 20, 0.1)
    found = look(layer, course)
    assert {"clipping", "diverging"} <= found.names
    assert {name for s in found.symptoms for name in s.remedies} <= set(REMEDIES)


@pytest.mark.parametrize("cell", ["rnn", "rnn:relu", "rnn:identity", "lstm", "gru"])
def test_a_loaded_trace_finds_its_initial_values(cell: str) -> None:
    trace = trace_of(cell)
    loaded = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert not loaded.inits
    again = declared(loaded)
    assert again is not None
    assert again.inits == trace.inits
    assert again.graph.to_json() == trace.graph.to_json()


def test_a_number_of_steps_below_none_is_refused() -> None:
    with pytest.raises(UserError, match="short run"):
        examine(Patient({}), lambda ops: None, attempt=-1)  # type: ignore[arg-type, return-value]
