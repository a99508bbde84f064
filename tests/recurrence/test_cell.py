"""Cells: what a step is traced to, how parameters are drawn, and what is refused."""

from __future__ import annotations

import cProfile
import math
import pstats
from typing import Any

import numpy as np
import pytest

from throughtime.cells import make
from throughtime.recurrence import Cell, Matrix, Vector, exp, relu, sigmoid, tanh


class Plain(Cell):
    state = {"h": "H"}
    W_xh, W_hh = Matrix("H", "I"), Matrix("H", "H")
    b = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        return tanh(self.W_xh @ x + self.W_hh @ h + self.b)


def test_gates_are_the_names_of_the_steps_own_values() -> None:
    lstm = make("lstm").trace()
    assert list(lstm.gates) == ["i", "f", "o"]
    assert [lstm.graph[number].op for number in lstm.gates.values()] == ["sigmoid"] * 3

    class Named(Plain):
        def step(self, x: Any, h: Any) -> Any:
            same, three, old = x, 3.0, h
            gate = sigmoid(self.W_xh @ x)
            h = gate * old + three * tanh(self.W_hh @ old) + 0 * (self.W_xh @ same)
            return h

    assert list(Named().trace().gates) == ["gate"]  # no input, number or state


def test_parameters_come_in_the_order_of_declaration_base_classes_first() -> None:
    class More(Plain):
        a = Vector("H", init=0.5)
        b = Vector("H", init=2.0)

    trace = More().trace()
    assert list(trace.parameters) == ["W_xh", "W_hh", "b", "a"]
    assert trace.inits["b"] == 2.0


@pytest.mark.parametrize(
    ("init", "holds"),
    [
        ("zeros", lambda w: not w.any()),
        (0.5, lambda w: (w == 0.5).all()),
        ((2.0, 3.0), lambda w: w.min() >= 2.0 and w.max() < 3.0 and np.unique(w).size > 1),
        ("uniform", lambda w: 0.3 < abs(w).max() <= 1 / math.sqrt(9)),
        ("glorot", lambda w: 0.4 < abs(w).max() <= math.sqrt(6 / (9 + 25))),
        ("orthogonal", lambda w: np.allclose(w @ w.T, np.eye(9))),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_how_parameters_are_drawn(init: Any, holds: Any) -> None:
    class Drawn(Plain):
        W_xh = Matrix("H", "I", init=init)

    sizes, rng = {"I": 25, "H": 9}, np.random.default_rng(0)
    assert holds(Drawn().trace().initial_parameters(sizes, rng, np.float64)["W_xh"])


@pytest.mark.parametrize("init", ["orthogonal", "ones"])
def test_a_draw_that_a_vector_does_not_have(init: str) -> None:
    class Drawn(Plain):
        b = Vector("H", init=init)

    with pytest.raises(ValueError, match=rf"unknown init '{init}' for shape \(4,\): glorot, orthogonal, zeros"):
        Drawn().trace().initial_parameters({"I": 3, "H": 4}, np.random.default_rng(0))


def refused(attributes: dict[str, Any], step: Any = None) -> None:
    type("Mine", (Plain,), attributes if step is None else attributes | {"step": step})().trace()


@pytest.mark.parametrize(
    ("attributes", "step", "says"),
    [
        ({"state": {}}, None, 'Mine: declare the states, for example state = {"h": "H"}'),
        ({"output": "c"}, None, "Mine: output 'c' is none of the states h"),
        ({"inputs": {"x": "I"}}, None, "Mine: the input x needs another name, there is one already"),
        ({}, lambda self, x, h: (h, h), r"Mine: step must return 1 states \(h\), got 2"),
        ({}, lambda self, x, h: 1.0, "Mine: the new state h must be a symbol, got float"),
        ({}, lambda self, x, h: x, "Mine: the new state h has size I, declared H"),
        ({}, lambda self, x, h: self.W_xh @ h, "W_xh @ h: W_xh is H x I, h has size H"),
        ({}, lambda self, x, h: x @ h, "x: the left side of @ must be a Matrix of the cell"),
        ({}, lambda self, x, h: self.W_hh @ 2.0, r"W_hh @ 2\.0: the right side must be a vector of this step"),
        ({}, lambda self, x, h: h + x, "add of h and x: sizes H and I differ"),
        ({}, lambda self, x, h: self.W_hh * h, "W_hh is a matrix: use W_hh @ vector"),
        ({}, lambda self, x, h: tanh(self.W_hh), "tanh: W_hh is a matrix"),
        ({}, lambda self, x, h: exp(2.0), "exp: expected a symbol of the step, got float"),
        ({}, lambda self, x, h: h * "2", "cannot combine h with str: expected a symbol or a number"),
        ({}, lambda self, x, h: h * True, "cannot combine h with bool"),
        ({}, lambda self, x, h: h * 10**400, "cannot combine h with 10+: expected a finite number"),
        ({}, lambda self, x, h: relu(h) if h else h, "a symbol has no truth value"),
        ({}, lambda self, x, h: sum(h), "a symbol cannot be unpacked or iterated over"),
        ({}, lambda self, x, h: np.ones(3) * h, "cannot combine h with ndarray"),
    ],
)
def test_what_makes_no_step(attributes: dict[str, Any], step: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{says}"):
        refused(attributes, step)


def test_a_symbol_of_another_step() -> None:
    elsewhere: list[Any] = []

    class Leaves(Plain):
        def step(self, x: Any, h: Any) -> Any:
            elsewhere.append(h)
            return h

    Leaves().trace()
    with pytest.raises(ValueError, match="h and h come from different steps"):
        refused({}, lambda self, x, h: h + elsewhere[0])
    with pytest.raises(TypeError, match="Mine: the new state h must be a symbol, got Symbol"):
        refused({}, lambda self, x, h: elsewhere[0])


def test_a_cell_without_a_step() -> None:
    class Nothing(Cell):
        state = {"h": "H"}

    with pytest.raises(NotImplementedError, match="Nothing: a cell needs a step method"):
        Nothing().trace()


def test_who_profiles_goes_on_profiling() -> None:
    profile, seen = cProfile.Profile(), []

    def after() -> None:
        seen.append(1)

    profile.enable()
    make("lstm").trace()
    after()
    profile.disable()
    assert seen
    assert "after" in {function[2] for function in pstats.Stats(profile).stats}  # type: ignore[attr-defined]
