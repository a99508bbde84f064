"""Which recurrences are linear in their state, and which products wait for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import throughtime.cells as cells
from throughtime.recurrence import Cell, Matrix, Recurrence, Trace, evaluate, exp
from throughtime.recurrence.linear import degrees, products_in_loop, sentence
from throughtime.recurrence.program import Product
from throughtime.recurrence.schedule import schedule

SIZES = {"I": 40, "H": 40, "P": 6}
LINEAR = ("min_gru", "min_lstm", "rg_lru")


def is_linear(trace: Trace) -> bool:
    """By numbers: the step is affine along any line between two old states."""
    rng = np.random.default_rng(0)
    sizes = {"I": 3, "H": 3, "P": 2}
    parameters = {n: rng.standard_normal(shape) for n, shape in trace.shapes(sizes).items()}
    x = rng.standard_normal((20, trace.input_width(sizes)))
    a, b = ([5 * rng.standard_normal((20, sizes[s])) for s in trace.state_sizes.values()] for _ in range(2))
    middle = [(u + v) / 2 for u, v in zip(a, b, strict=True)]
    at_a, at_b, at_middle = (evaluate.step(trace, parameters, x, states) for states in (a, b, middle))
    return all(np.allclose((u + v) / 2, m, rtol=0, atol=1e-12) for u, v, m in zip(at_a, at_b, at_middle, strict=True))


@pytest.mark.parametrize("name", cells.CATALOGUE)
def test_degrees_agree_with_numbers(name: str) -> None:
    trace = cells.make(name).trace()
    assert (max(degrees(trace).values()) <= 1) == is_linear(trace) == (name in LINEAR)


@pytest.mark.parametrize("name", cells.CATALOGUE)
def test_the_schedule_leaves_just_these_products_in_the_loop(name: str) -> None:
    trace = cells.make(name).trace()
    plan = schedule(Recurrence(trace, SIZES), hoist=True)
    waiting = [segment for phase in plan.training.phases if isinstance(phase, Product) for segment in phase.segments]
    in_loop = sum(len(plan.packs[pack][0]) for _, pack in waiting)
    if name != "gru_d":  # which mixes its input with the state before the product, and hoists the others by operand
        assert in_loop == products_in_loop(trace)
    assert (in_loop == 0) == (products_in_loop(trace) == 0)


class Parts(Cell):
    """One state of each kind."""

    state = {"a": "H", "b": "H", "c": "H", "d": "H"}
    W_x = Matrix("H", "I")
    W_b = Matrix("H", "H")

    def step(self, x: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        u = self.W_x @ x
        return exp(u), self.W_b @ (u * b) - a / (1 + u * u), c * b, 1 / (2 + d * d)


def test_each_kind() -> None:
    assert degrees(Parts().trace()) == {"a": 0, "b": 1, "c": 2, "d": 2}
    assert products_in_loop(Parts().trace()) == 1


def test_words() -> None:
    assert sentence(cells.make("lstm").trace()) == (
        "Not linear in its state. 4 matrix products a step wait for the state before."
    )
    assert sentence(cells.make("min_gru").trace()) == (
        "Linear in its state. No matrix product waits for the state before: the loop is a scan."
    )
    assert sentence(cells.make("rnn").trace()).endswith("1 matrix product a step waits for the state before.")
