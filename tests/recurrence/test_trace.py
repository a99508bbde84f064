"""Steps as graphs: when two are equal, and what a file may not contain."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from throughtime.cells import CATALOGUE, make
from throughtime.recurrence import Cell, Trace, sigmoid
from throughtime.recurrence.wrap import recurrent_dropout, zoneout


@pytest.mark.parametrize("name", CATALOGUE)
def test_json_keeps_all_but_how_parameters_are_drawn(name: str) -> None:
    trace = make(name).trace()
    again = Trace.from_json(json.loads(trace.text))
    assert again == trace
    assert hash(again) == hash(trace)
    assert again.to_json() == trace.to_json()
    assert list(again.parameters) == list(trace.parameters)


def test_constants_alone_make_a_vector_of_any_size() -> None:
    evaluated = zoneout(make("lstm").trace(), {"h": 0.25, "c": 0.5})
    assert Trace.from_json(evaluated.to_json()) == evaluated


def test_constants_are_compared_with_their_sign() -> None:
    class Scaled(Cell):
        state = {"h": "I"}

        def __init__(self, factor: float) -> None:
            self.factor = factor

        def step(self, x: Any, h: Any) -> Any:
            return sigmoid(x * self.factor + h)

    assert Scaled(0.0).trace() == Scaled(0.0).trace()
    assert Scaled(0.0).trace() != Scaled(-0.0).trace()


def place(plain: dict[str, Any], inside: Any, key: Any) -> Any:
    """A key; in a list the name of an operation stands for its first node."""
    if isinstance(inside, list) and isinstance(key, str):
        return next(i for i, row in enumerate(plain["nodes"]) if row[0] == key)
    return key


def put(*keys: Any) -> Callable[[dict[str, Any]], None]:
    """Set the value at the end of a path; a name of an operation is its first node."""
    *path, last, value = keys

    def change(plain: dict[str, Any]) -> None:
        at: Any = plain
        for key in path:
            at = at[place(plain, at, key)]
        at[place(plain, at, last)] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("nodes", []), "expected a list of nodes"),
        (put("nodes", [["const", [], None, float(i), None] for i in range(600)]), "may have 512 values, got 600"),
        (put("nodes", "sigmoid", 0, "cosine"), "has the unknown operation 'cosine'"),
        (put("nodes", "sigmoid", 1, [99]), r"\(sigmoid\) must only use earlier nodes, got \[99\]"),
        (put("nodes", "sigmoid", 1, []), r"\(sigmoid\) takes 1 arguments, got 0"),
        (put("nodes", "sigmoid", 2, None), "has the size None, expected a name"),
        (put("nodes", "sigmoid", 3, 1.0), r"has the value 1\.0, only a constant has one"),
        (put("nodes", "sigmoid", 4, "z"), "has the name 'z', only inputs, states and parameters have one"),
        (put("nodes", "matrix", 2, ["H"]), r"has the size \['H'\], expected two names"),
        (put("nodes", "matrix", 4, ""), "has the name '', expected text"),
        (put("nodes", "const", 3, float("nan")), "is a constant: expected a number and no size, got nan"),
        (put("nodes", "sigmoid", ["sigmoid"]), r"node \d+ must be \[op, args, size, value, name\], got \['sigmoid'\]"),
        (put("name", 3), "name must be text, got 3"),
        (put("input", 999), "999 is no node"),
        (put("input", True), "True is no node"),
        (put("states", "h", [0]), r"state h must be two nodes, got \[0\]"),
        (put("states", []), "states must be an object"),
        (put("parameters", "W_xz", ["H", "I", "I"]), "parameter W_xz must have one or two sizes"),
        (put("parameters", "W_xz", ["H", "H"]), "parameter W_xz is not declared with the shape it is used with"),
        (put("output", "c"), "the output must be one of the states, got c"),
        (put("masks", ["x"]), "masks must be names of further inputs"),
        (put("further", {"m": 0}), "input m is malformed"),
        (put("nodes", "matmul", 2, "I"), "product with .* has the wrong size"),
        (put("nodes", "tanh", 2, "I"), r"tanh combines the sizes \{'H'\} into I"),
        (put("nodes", "tanh", 0, "positive"), "positive does not belong into a step"),
    ],
)
def test_a_file_that_holds_no_step(change: Callable[[dict[str, Any]], None], says: str) -> None:
    plain = copy.deepcopy(make("gru").trace().to_json())
    change(plain)
    with pytest.raises(ValueError, match=says):
        Trace.from_json(plain)


def test_two_names_for_one_input() -> None:
    plain = recurrent_dropout(make("gru").trace()).to_json()
    plain["further"]["x"] = plain["input"]
    with pytest.raises(ValueError, match="input x is malformed"):
        Trace.from_json(plain)


@pytest.mark.parametrize("op", ["state", "input"])
def test_a_leaf_that_nothing_declares(op: str) -> None:
    plain = make("gru").trace().to_json()
    plain["nodes"].append([op, [], "H", None, "k"])
    with pytest.raises(ValueError, match=f"gru: unknown {op} k"):
        Trace.from_json(plain)


def test_a_key_that_is_missing() -> None:
    plain = make("gru").trace().to_json()
    del plain["states"], plain["output"]
    with pytest.raises(ValueError, match="recurrence: output, states missing"):
        Trace.from_json(plain)
