"""A step with numbers for its symbols: what it knows of itself, when two are one, and the way through JSON."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.recurrence import Cell, Matrix, Recurrence, Trace, tanh
from throughtime.recurrence.recurrence import LARGEST

SIZES = {"I": 5, "H": 7, "P": 3}


def made(name: str, **sizes: int) -> Recurrence:
    return Recurrence(make(name).trace(), SIZES | sizes)


def test_numbers_for_everything_that_has_a_symbol() -> None:
    projected = made("projected_lstm")
    assert (projected.name, projected.input_size, projected.input_width) == ("projected_lstm", 5, 5)
    assert (projected.state_sizes, projected.output_size) == ((3, 7), 3)
    assert projected.shapes["W_xi"] == (7, 5)
    assert projected.shapes["W_hr"] == (3, 7)
    assert list(projected.shapes) == list(projected.trace.parameters)
    decaying = made("gru_d")
    assert (decaying.input_size, decaying.input_width, decaying.state_sizes) == (5, 15, (7, 5))


def test_parameters_are_drawn_as_the_cell_declares() -> None:
    lstm = made("lstm")
    drawn = lstm.initial_parameters(np.random.default_rng(1), np.float64)
    assert {name: value.shape for name, value in drawn.items()} == lstm.shapes
    assert (drawn["b_f"] == 1.0).all()
    expected = lstm.trace.initial_parameters(SIZES, np.random.default_rng(1), np.float64)
    assert all(np.array_equal(drawn[name], expected[name]) for name in expected)


def test_two_are_one_where_step_and_sizes_are() -> None:
    one, other = made("gru"), Recurrence(make("gru").trace(), {"P": 3, "H": 7, "I": 5})
    assert one == other
    assert {one: "found"}[other] == "found"
    for different in (made("gru", H=8), made("gru_reset_after"), Recurrence(one.trace, {"I": 5, "H": 7}), one.trace):
        assert one != different
    loaded = Recurrence.from_json(one.to_json())
    assert loaded == one  # how parameters are drawn is no part of what is computed
    assert not loaded.trace.inits


def test_the_order_of_declaration_is_a_part_of_a_recurrence() -> None:
    def trace(first: str, second: str) -> Trace:
        def step(self, x, h):  # type: ignore[no-untyped-def]
            return tanh(self.A @ x + self.B @ h)

        attributes = {"state": {"h": "I"}, "step": step, first: Matrix("I", "I"), second: Matrix("I", "I")}
        return type("Mine", (Cell,), attributes)().trace()

    one, other = trace("A", "B"), trace("B", "A")
    assert one.graph.to_json() == other.graph.to_json()
    assert Recurrence(one, {"I": 3}) != Recurrence(other, {"I": 3})
    assert Recurrence(one, {"I": 3}) == Recurrence(trace("A", "B"), {"I": 3})


def test_nothing_about_it_can_be_changed() -> None:
    sizes = {"I": 5, "H": 7}
    gru = Recurrence(make("gru").trace(), sizes)
    sizes["H"] = 8
    assert gru.sizes == {"I": 5, "H": 7}
    with pytest.raises(TypeError, match="does not support item assignment"):
        gru.sizes["H"] = 8  # type: ignore[index]
    with pytest.raises(AttributeError, match="cannot assign to field 'sizes'"):
        gru.sizes = sizes  # type: ignore[misc]


def test_another_process_knows_it_again() -> None:
    gru = made("gru")
    assert hash(gru) == hash(pickle.loads(pickle.dumps(gru)))
    code = (
        "import pickle, sys\n"
        "from throughtime.cells import make\n"
        "from throughtime.recurrence import Recurrence\n"
        "given = pickle.load(sys.stdin.buffer)\n"
        "assert {Recurrence(make('gru').trace(), dict(given.sizes)): True}[given]"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(gru), check=True)  # with another seed for hashes


def test_json_keeps_everything() -> None:
    gru = Recurrence(make("gru").trace(), {"P": 2, "I": 5, "H": 7})
    plain = json.loads(json.dumps(gru.to_json()))
    assert list(plain) == ["cell", "sizes", "trace"]
    assert (plain["cell"], list(plain["sizes"])) == ("gru", ["P", "I", "H"])
    assert Recurrence.from_json(plain) == gru
    assert Recurrence.from_json(json.loads(gru.text)) == gru


def wide(number: int) -> Trace:
    class Wide(Cell):
        state = {"h": "I"}

        def step(self, x, h):  # type: ignore[no-untyped-def]
            for k in range(number):
                h = h + x * float(k)
            return h

    return Wide().trace()


@pytest.mark.parametrize(
    ("trace", "sizes", "says"),
    [
        (make("gru").trace(), {"I": 3}, "gru: size H is missing, the cell's sizes are I, H"),
        (make("gru").trace(), {"I": 3, "H": 0}, "gru: size H must be a positive integer, got 0"),
        (make("gru").trace(), {"I": 3, "H": True}, "gru: size H must be a positive integer, got True"),
        (make("gru").trace(), {"I": 3, "H": "x" * 999}, r"gru: size H must be a positive integer, got 'x+\.\.\.x+'$"),
        (make("gru").trace(), {"I": 3, "H": LARGEST + 1}, "gru: size H must be an integer from 1 to 1,048,576, got"),
        (make("gru").trace(), {"I": 3, "H": 4, "Q": 1.5}, r"gru: size Q must be an integer from 1 to .*, got 1\.5"),
        (wide(40), {"I": LARGEST}, r"Wide: one step may have 33,554,432 values, got .*; lower its sizes"),
    ],
)
def test_sizes_that_make_no_recurrence(trace: Trace, sizes: dict[str, int], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Recurrence(trace, sizes)


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        (None, "layer: expected an object with trace and sizes"),
        ({"sizes": {}}, "layer: expected an object with trace and sizes"),
        ({"sizes": [], "trace": {}}, "layer: expected an object with trace and sizes"),
        ({"sizes": {}, "trace": {"nodes": []}}, "layer: recurrence: .* missing; config.json is damaged"),
        ({"sizes": {"I": 3}, "trace": make("gru").trace().to_json()}, "gru: size H is missing"),
    ],
)
def test_json_that_is_no_recurrence(plain: object, says: str) -> None:
    with pytest.raises(UserError, match=says):
        Recurrence.from_json(plain)
