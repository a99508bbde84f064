"""Regularisers as rewrites of a step: what they change, what they leave alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import throughtime.cells as cells
from throughtime.recurrence import Cell, Matrix, Trace, evaluate, sigmoid, tanh
from throughtime.recurrence.wrap import recurrent_dropout, recurrent_matrices, zoneout

SIZES = {"I": 3, "H": 3, "P": 2}


def values(trace: Trace, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """Inputs, parameters and states for one step of two rows."""
    rng = np.random.default_rng(seed)
    parameters = {n: rng.standard_normal(shape) for n, shape in trace.shapes(SIZES).items()}
    states = [rng.standard_normal((2, SIZES[size])) for size in trace.state_sizes.values()]
    return {n: rng.standard_normal((2, SIZES[s])) for n, s in trace.input_sizes.items()}, parameters, states


def step(trace: Trace, inputs: dict[str, Any], parameters: dict[str, Any], states: list[Any]) -> list[Any]:
    x = np.concatenate([inputs[name] for name in trace.inputs], -1)
    return list(evaluate.step(trace, parameters, x, states))


@pytest.mark.parametrize("name", cells.CATALOGUE)
def test_zoneout_mixes_the_old_state_with_the_cells_own_step(name: str) -> None:
    plain = cells.make(name).trace()
    wrapped = zoneout(plain, dict.fromkeys(plain.states))
    assert list(wrapped.masks) == [f"zoneout_{state}" for state in plain.states]
    inputs, parameters, states = values(plain)
    own = step(plain, inputs, parameters, states)
    rng = np.random.default_rng(1)
    masks = {f"zoneout_{n}": (rng.random(s.shape) < 0.5) * 1.0 for n, s in zip(plain.states, states, strict=True)}
    found = step(wrapped, inputs | masks, parameters, states)
    for state, before, after, mixed in zip(plain.states, states, own, found, strict=True):
        expected = np.where(masks[f"zoneout_{state}"] == 1, before, after)
        np.testing.assert_allclose(mixed, expected, rtol=0, atol=1e-14)


def test_the_other_states_see_the_step_before_zoneout() -> None:
    plain = cells.make("lstm").trace()
    inputs, parameters, states = values(plain)
    h, c = step(zoneout(plain, {"c": None}), inputs | {"zoneout_c": np.ones((2, 3))}, parameters, states)
    np.testing.assert_array_equal(c, states[1])
    np.testing.assert_allclose(h, step(plain, inputs, parameters, states)[0], rtol=0, atol=1e-15)


def test_a_rate_stands_for_its_mask() -> None:
    plain = cells.make("gru").trace()
    inputs, parameters, states = values(plain)
    half = zoneout(plain, {"h": 0.25})
    assert (half.masks, list(half.inputs)) == ((), ["x"])
    own, mixed = step(plain, inputs, parameters, states)[0], step(half, inputs, parameters, states)[0]
    np.testing.assert_allclose(mixed, 0.25 * states[0] + 0.75 * own, rtol=0, atol=1e-15)


def test_zoneout_of_a_state_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="gru: no state 'c', its states are h"):
        zoneout(cells.make("gru").trace(), {"c": None})


class Mixed(Cell):
    """A state in a product, under a gate in a product, elementwise, and in another state's projection."""

    state = {"h": "H", "s": "H"}
    W_xh = Matrix("H", "I")
    W_hh = W_rh = W_sh = Matrix("H", "H")

    def step(self, x: Any, h: Any, s: Any) -> Any:
        r = sigmoid(self.W_xh @ x + self.W_hh @ h)
        n = tanh(self.W_rh @ (r * h))
        return self.State(s * h + n, self.W_sh @ tanh(s))


def test_recurrent_dropout_masks_states_on_their_way_into_products_only() -> None:
    plain = Mixed().trace()
    wrapped = recurrent_dropout(plain)
    assert wrapped.masks == ("dropout_h",)  # tanh(s) is no state under a gate
    inputs, p, (h, s) = values(plain)
    mask = np.array([[0.0, 2.0, 2.0], [2.0, 0.0, 2.0]])
    r = 1 / (1 + np.exp(-(inputs["x"] @ p["W_xh"].T + (mask * h) @ p["W_hh"].T)))
    expected = s * h + np.tanh((r * (mask * h)) @ p["W_rh"].T)
    found = step(wrapped, inputs | {"dropout_h": mask}, p, [h, s])
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found[1], np.tanh(s) @ p["W_sh"].T, rtol=0, atol=1e-14)


def test_recurrent_dropout_needs_a_product() -> None:
    with pytest.raises(ValueError, match="indrnn: recurrent dropout needs a matrix product with a state"):
        recurrent_dropout(cells.make("indrnn").trace())


@pytest.mark.parametrize(
    ("name", "matrices"),
    [
        ("lstm", ["W_hi", "W_hf", "W_ho", "W_hc"]),
        ("gru", ["W_hz", "W_hr", "W_hh"]),
        ("gru_d", ["W_hz", "W_hr", "W_hh"]),
        ("min_gru", []),
    ],
)
def test_the_matrices_on_the_state(name: str, matrices: list[str]) -> None:
    assert sorted(recurrent_matrices(cells.make(name).trace())) == sorted(matrices)


def test_a_wrapped_trace_survives_json() -> None:
    wrapped = zoneout(recurrent_dropout(cells.make("lstm").trace()), {"h": None, "c": None})
    plain = wrapped.to_json()
    assert Trace.from_json(plain).to_json() == plain
    with pytest.raises(ValueError, match="masks must be names of further inputs"):
        Trace.from_json(plain | {"masks": ["nobody"]})
