"""The printed equations are the ones the cell computes."""

from __future__ import annotations

import inspect
import json
import math
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.cells import CATALOGUE, RNN, make
from throughtime.recurrence import ACTIVATIONS, Cell, Matrix, Vector, maximum, minimum, relu, sigmoid, tanh
from throughtime.recurrence.equations import as_latex, as_text
from throughtime.recurrence.symbols import Symbol
from throughtime.recurrence.trace import Trace


def printed(cell: type[Cell]) -> list[str]:
    """The equations of a docstring: its lines that are indented and say name = ..., before the first section."""
    body = inspect.cleandoc(cell.__doc__ or "").split("\n\nGates:")[0]
    return [" ".join(line.split()) for line in body.splitlines() if re.match(r"\s+\w+ = ", line)]


@pytest.mark.parametrize("name", CATALOGUE)
def test_docstring_and_code_say_the_same(name: str) -> None:
    equations = printed(CATALOGUE[name])
    assert equations
    if name == "rnn":
        equations = [line.replace("f(", "tanh(") for line in equations]
    assert as_text(make(name).trace()) == equations


@pytest.mark.parametrize("f", ["relu", "sigmoid", "softplus"])
def test_the_activation_of_the_simple_network_is_named(f: str) -> None:
    assert f in ACTIVATIONS
    assert as_text(RNN(f).trace()) == [f"h = {f}(W_xh x + W_hh h' + b_h)"]


def test_latex_of_the_gru() -> None:
    assert as_latex(make("gru").trace()) == [
        r"z_{t} = \sigma(W_{xz} x_{t} + W_{hz} h_{t-1} + b_{z})",
        r"r_{t} = \sigma(W_{xr} x_{t} + W_{hr} h_{t-1} + b_{r})",
        r"n_{t} = \tanh(W_{xh} x_{t} + W_{hh} (r_{t} \odot h_{t-1}) + b_{h})",
        r"h_{t} = (1 - z_{t}) \odot h_{t-1} + z_{t} \odot n_{t}",
    ]


def test_an_index_is_letters_and_no_greek() -> None:
    assert as_latex(make("lstm").trace())[0].startswith(r"i_{t} = \sigma(W_{xi} x_{t}")


class Odd(Cell):
    """States that pass, names that need care, every operator."""

    state = {"h": "H", "kept": "H", "same": "H"}
    W_hh = Matrix("H", "H")
    U_candidate = Matrix("H", "I")
    b = Vector("H")

    def step(self, x: Any, h: Any, kept: Any, same: Any) -> Any:
        alpha = sigmoid(-(kept + self.b))
        h_tilde = maximum(relu(self.U_candidate @ x), 0.5) / (1 + alpha)
        again = h_tilde  # noqa: F841
        h = self.W_hh @ (self.W_hh @ (alpha - (h - same))) - minimum(h_tilde, 2) * 2
        return h, kept, h


def test_names_operators_and_states_that_pass() -> None:
    trace = Odd().trace()
    assert as_text(trace) == [
        "kept = kept'",
        "alpha = sigmoid(-(kept' + b))",
        "h_tilde = max(relu(U_candidate x), 0.5) / (1 + alpha)",
        "h = W_hh W_hh (alpha - (h' - same')) - min(h_tilde, 2) * 2",
        "same = h",
    ]
    assert as_latex(trace) == [
        r"\mathrm{kept}_{t} = \mathrm{kept}_{t-1}",
        r"\alpha_{t} = \sigma(-(\mathrm{kept}_{t-1} + b))",
        r"h_{\mathrm{tilde}, t} = \frac{\max(\operatorname{relu}(U_{\mathrm{candidate}} x_{t}), 0.5)}{1 + \alpha_{t}}",
        r"h_{t} = W_{hh} W_{hh} (\alpha_{t} - (h_{t-1} - \mathrm{same}_{t-1})) - \min(h_{\mathrm{tilde}, t}, 2) \, 2",
        r"\mathrm{same}_{t} = h_{t}",
    ]


def test_a_trace_from_json_prints_the_same() -> None:
    trace = make("lstm").trace()
    again = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert as_text(again) == as_text(trace)
    assert as_latex(again) == as_latex(trace)


class Product:
    """A one by one matrix: ** binds as a matrix standing before its operand does."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __pow__(self, operand: float) -> float:
        return self.weight * operand


LEAF = st.sampled_from(["x", "h", "b", 2.0, -3.0])
TREE = st.recursive(
    LEAF,
    lambda inner: (
        st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), inner, inner)
        | st.tuples(st.sampled_from(["neg", "matmul", "sigmoid", "tanh"]), inner)
    ),
    max_leaves=12,
)


def build(tree: Any, leaves: dict[str, Any], apply: Any) -> Any:
    if isinstance(tree, str):
        return leaves[tree]
    if isinstance(tree, float):
        return tree
    return apply(tree[0], *[build(t, leaves, apply) for t in tree[1:]])


def numbers(op: str, a: Any, b: Any = None) -> Any:
    match op:
        case "add":
            return a + b
        case "sub":
            return a - b
        case "mul":
            return a * b
        case "div":
            return a / b
        case "neg":
            return -a
        case "matmul":
            return 0.7 * a
        case "sigmoid":
            return 1 / (1 + math.exp(-a))
    return math.tanh(a)


@settings(max_examples=300, deadline=None)
@given(tree=TREE)
def test_the_text_computes_what_the_step_computes(tree: Any) -> None:
    class Random(Cell):
        state = {"h": "I"}
        W = Matrix("I", "I")
        b = Vector("I")

        def step(self, x: Any, h: Any) -> Any:
            def symbols(op: str, a: Any, b: Any = None) -> Any:
                if op in ("matmul", "sigmoid", "tanh"):
                    a = a if isinstance(a, Symbol) and a.size else a + 0 * x
                    return self.W @ a if op == "matmul" else sigmoid(a) if op == "sigmoid" else tanh(a)
                return numbers(op, a, b)

            return build(tree, {"x": x, "h": h, "b": self.b}, symbols) + x

    values = {"x": 0.31, "h": -1.7, "b": 0.9}
    try:
        trace = Random().trace()
        expected = build(tree, values, numbers) + values["x"]
    except (ZeroDivisionError, OverflowError):
        return
    text = as_text(trace)[0].removeprefix("h = ").replace("h'", "h").replace("W ", "W ** ")
    names = {**values, "W": Product(0.7), "sigmoid": lambda a: numbers("sigmoid", a), "tanh": math.tanh}
    assert eval(text, {}, names) == pytest.approx(expected, rel=1e-6, abs=1e-9)
