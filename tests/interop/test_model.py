"""A model of layers: a stream equals the whole, folders round-trip, damage is one line."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

import throughtime
from tests.interop.fixtures import calls, model_file
from throughtime.errors import UserError
from throughtime.interop import folder
from throughtime.interop.convert import convert
from throughtime.interop.model import Graph


def test_a_stream_equals_the_whole() -> None:
    model, ((inputs, _),) = convert(model_file("keras-2.0.9-lstm")).model, calls("keras-2.0.9-lstm")
    whole = model.predict(inputs[0])[0]
    stream = model.stream()
    assert np.array_equal(np.concatenate([stream.feed(inputs[0][0, :2]), stream.feed(inputs[0][0, 2:])]), whole)
    stream.reset()
    stream.feed(inputs[0][0, :3])
    saved, other = stream.save(), model.stream()
    other.restore(saved)
    assert np.array_equal(other.feed(inputs[0][0, 3:]), whole[3:])
    quick = model.stream()
    for t, x in enumerate(inputs[0][0]):
        np.testing.assert_allclose(quick.step(x), whole[t], rtol=0, atol=1e-6)


def test_masked_steps_of_a_stream_repeat_what_came_before() -> None:
    model = convert(model_file("keras-2.2.5-masked_both")).model
    with pytest.raises(UserError, match="cannot stream"):
        model.stream()
    embedded = convert(model_file("keras-3-embedding")).model
    (inputs, output) = calls("keras-3-embedding")[0]
    for row in range(3):
        stream = embedded.stream()
        for token in inputs[0][row]:
            last = stream.feed([token])
        np.testing.assert_allclose(last, output[row], rtol=0, atol=1e-5)


def test_wrong_inputs_are_one_line() -> None:
    model = convert(model_file("keras-1.0.8-lstm")).model
    with pytest.raises(UserError, match=r"shape \(batch, any, 3\), got \(2, 5, 4\)"):
        model.predict(np.zeros((2, 5, 4), "float32"))
    with pytest.raises(UserError, match="expected 1 inputs, got 2"):
        model.predict(np.zeros((2, 5, 3)), np.zeros((2, 5, 3)))
    tokens = convert(model_file("keras-3-embedding")).model
    with pytest.raises(UserError, match="expected rows from 0 to 8"):
        tokens.predict(np.full((1, 6), 9))


@pytest.mark.parametrize("name", [[], {}, ["a"], 3, None, "", "\x1b[2J"])
def test_a_layer_has_a_name(name: object) -> None:
    raw = convert(model_file("keras-1.0.8-lstm")).model.graph.to_json()
    assert isinstance(raw, dict)
    raw["layers"][0]["name"] = name
    with pytest.raises(UserError, match="a name of its own"):
        Graph.from_json(raw)


def test_a_folder_comes_back_and_is_checked(tmp_path: Path) -> None:
    model = convert(model_file("tf_keras-stacked")).model
    folder.save(model, tmp_path)
    x = calls("tf_keras-stacked")[0][0][0]
    assert np.array_equal(throughtime.load(tmp_path).predict(x), model.predict(x))
    raw = json.loads((tmp_path / "config.json").read_text())
    for change in (
        {"nodes": [[0, []], [9, [[0, 0]]]]},
        {"nodes": [[0, []], [1, [[5, 0]]]]},
        {"outputs": []},
        {"layers": [{"name": "a", "kind": "lambda"}]},
        {"layers": 3},
    ):
        (tmp_path / "config.json").write_text(json.dumps({**raw, "model": {**raw["model"], **change}}))
        with pytest.raises(UserError, match=r"config\.json"):
            folder.load(tmp_path)


def test_a_graph_with_a_value_of_nowhere_is_refused() -> None:
    data = convert(model_file("keras-2.3.1-branches")).model.graph.to_json()
    assert Graph.from_json(data) == Graph.from_json(json.loads(json.dumps(data)))
    for node in range(1, len(data["nodes"])):
        wrong = copy.deepcopy(data)
        wrong["nodes"][node][1] = [[node, 0]]  # itself
        with pytest.raises(UserError, match="no earlier value"):
            Graph.from_json(wrong)
