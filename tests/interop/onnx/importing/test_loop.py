"""Loops and tokens as TensorFlow's exporters write them: run, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from throughtime.errors import UserError
from throughtime.interop import parity
from throughtime.interop.convert import convert
from throughtime.interop.onnx.importing import proof as proofs

FOLDER = Path(__file__).parents[1] / "fixtures"
NAMES = sorted(file.stem for file in FOLDER.glob("*.onnx"))


def test_there_are_files_of_both_writers() -> None:
    assert len(NAMES) >= 6
    assert {name.split("-")[0] for name in NAMES} == {"keras3", "tf2onnx"}


@pytest.mark.parametrize("name", NAMES)
def test_the_writers_outputs_are_met(name: str) -> None:
    with np.load(FOLDER / f"{name}.npz") as arrays:
        given, wanted = arrays["x0"], arrays["y0"]
    model = convert(FOLDER / f"{name}.onnx").model
    np.testing.assert_allclose(model.predict(given), wanted, rtol=0, atol=1e-5)
    alone = model.predict(given[1:2, :3])  # another batch and another length
    if alone.ndim == 3 and "back" not in name and "both" not in name:
        np.testing.assert_allclose(alone, wanted[1:2, :3], rtol=0, atol=1e-5)


def test_a_loop_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = parity.trials
    monkeypatch.setattr(parity, "trials", lambda model, *_, **__: plain(model, 0, (1, 2)))
    monkeypatch.setattr(proofs, "LENGTHS", (1, 7))
    assert convert(FOLDER / "keras3-gru_both.onnx").proof().good


Change = Callable[[Any, Any], None]
"""What is done to a file's graph and its loop."""


def loop_of(graph: Any) -> Any:
    return next(node for node in graph.node if node.op_type == "Loop")


def body_of(loop: Any) -> Any:
    return next(one.g for one in loop.attribute if one.name == "body")


def put(graph: Any, name: str, value: Any) -> None:
    """Another value in the place of a fixed array."""
    tensor = next(one for one in graph.initializer if one.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(value), name))


def no_turns(graph: Any, loop: Any) -> None:
    """It turns twice, however long the sequence is."""
    loop.input[0] = "twice"
    graph.initializer.append(numpy_helper.from_array(np.array(2, np.int64), "twice"))


def starts_late(graph: Any, loop: Any) -> None:
    body = body_of(loop)
    gather = next(one for one in body.node if one.op_type == "Gather")
    place = [one.name for one in body.input].index(gather.input[1])
    put(graph, loop.input[place], np.array(1, np.int32))


def two_at_once(graph: Any, loop: Any) -> None:
    body = body_of(loop)
    gather = next(one for one in body.node if one.op_type == "Gather")
    add = next(one for one in body.node if one.op_type == "Add" and gather.input[1] in one.input)
    put(body, next(one for one in add.input if one != gather.input[1]), np.array(2, np.int32))


def ends_early(graph: Any, loop: Any) -> None:
    """It ends where the number of the turn is the length, less one."""
    for node in body_of(loop).node:
        if node.op_type == "Less" and "Less:0" in node.output[0]:
            del node.input[:]
            node.input.extend(["late", node.output[0]])
            node.output[0] = f"{node.output[0]} more"
            break
    loop.input[1] = "no"
    graph.initializer.append(numpy_helper.from_array(np.array(False), "no"))


def circle(graph: Any, loop: Any) -> None:
    node = next(one for one in body_of(loop).node if one.op_type in ("Sigmoid", "Tanh"))
    node.input[0] = node.output[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_turns, "as many turns as its sequence has steps"),
        (starts_late, "goes along 0 sequences|does not fit|taken of"),
        (two_at_once, "goes along 0 sequences"),
        (ends_early, "as many turns|nothing gives"),
        (circle, "wait for each other|not known"),
    ],
)
def test_another_loop_is_refused(tmp_path: Path, change: Change, words: str) -> None:
    model = onnx.load(FOLDER / "keras3-gru_before.onnx")
    change(model.graph, loop_of(model.graph))
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=words) as caught:
        convert(tmp_path / "a.onnx")
    assert "Loop" in str(caught.value)


def test_other_tokens_are_refused(tmp_path: Path) -> None:
    """Tokens below five count from the end, not those below zero."""
    model = onnx.load(FOLDER / "keras3-embedding_gru.onnx")
    less = next(node for node in model.graph.node if node.op_type == "Less" and "embedding" in node.output[0])
    put(model.graph, less.input[1], np.array(5, np.float32))
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=r"Gather.*are not the tokens themselves"):
        convert(tmp_path / "a.onnx")


def test_what_would_double_again_and_again(tmp_path: Path) -> None:
    """Sums of a value with itself, a hundred deep, before the tokens, the columns and the end of a loop are known."""
    doubling = [helper.make_node("Add", [f"d{k}", f"d{k}"], [f"d{k + 1}"]) for k in range(100)]
    model = onnx.load(FOLDER / "keras3-embedding_gru.onnx")
    gather = next(node for node in model.graph.node if node.op_type == "Gather")
    place = [*model.graph.node].index(gather)
    doubling[0].input[:] = [gather.input[1], gather.input[1]]
    gather.input[1] = "d100"
    for node in doubling[::-1]:
        model.graph.node.insert(place, node)
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match="not the tokens themselves"):
        convert(tmp_path / "a.onnx")

    model = onnx.load(FOLDER / "keras3-gru_before.onnx")
    body = body_of(loop_of(model.graph))
    less = next(node for node in body.node if node.op_type == "Less")
    doubling[0].input[:] = [less.input[0], less.input[0]]
    split = next(node for node in body.node if node.op_type == "Split")
    wide = [helper.make_node("Add", [f"e{k}", f"e{k}"], [f"e{k + 1}"]) for k in range(100)]
    wide[0].input[:] = [split.input[0], split.input[0]]
    split.input[0] = "e100"
    body.node.extend(wide)
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    assert convert(tmp_path / "a.onnx").model
    less.input[0] = "d100"
    body.node.extend(doubling)
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match="as many turns as"):
        convert(tmp_path / "a.onnx")
