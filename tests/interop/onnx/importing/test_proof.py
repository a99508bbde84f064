"""ONNX in: every option of the recurrent nodes, our own files, wrong conversions, and hostile files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.interop.onnx.made import recurrent, save
from tests.interop.onnx.test_check import layers_of
from throughtime import cli, interop
from throughtime.errors import UserError
from throughtime.interop import folder, parity
from throughtime.interop.convert import convert
from throughtime.interop.model import ImportedModel
from throughtime.interop.onnx.check import write
from throughtime.interop.onnx.importing import proof as proofs

NODES: dict[str, dict[str, Any]] = {
    "rnn": {"op": "RNN"},
    "rnn relu": {"op": "RNN", "activations": ["Relu"], "second": True},
    "rnn both": {"op": "RNN", "direction": "bidirectional", "activations": ["Tanh", "Softsign"]},
    "rnn affine": {"op": "RNN", "activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]},
    "lstm": {"op": "LSTM", "second": True},
    "lstm back": {"op": "LSTM", "direction": "reverse", "states": True},
    "lstm both": {"op": "LSTM", "direction": "bidirectional", "lengths": True, "states": True},
    "lstm coupled": {"op": "LSTM", "input_forget": 1},
    "lstm peepholes": {"op": "LSTM", "peepholes": True, "direction": "bidirectional"},
    "lstm clipped": {"op": "LSTM", "clip": 0.3},
    "lstm hard": {"op": "LSTM", "activations": ["HardSigmoid", "Tanh", "Relu"], "activation_alpha": [0.3]},
    "gru before": {"op": "GRU", "second": True, "lengths": True},
    "gru after": {"op": "GRU", "linear_before_reset": 1, "direction": "bidirectional", "second": True},
    "gru back": {"op": "GRU", "linear_before_reset": 1, "direction": "reverse", "lengths": True, "states": True},
    "gru clipped": {"op": "GRU", "clip": 0.4, "linear_before_reset": 1},
    "gru hard": {"op": "GRU", "activations": ["HardSigmoid", "LeakyRelu"], "activation_alpha": [0.25, 0.02]},
}


@pytest.fixture(autouse=True)
def _short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short sequences, but for the tests that ask for all."""
    if "all_lengths" not in request.fixturenames:
        plain = parity.trials
        monkeypatch.setattr(parity, "trials", lambda model, *_, **__: plain(model, 0, (1, 2, 7)))
        monkeypatch.setattr(proofs, "LENGTHS", (1, 7, 30))


@pytest.fixture
def all_lengths() -> None:
    """The lengths that a proof tries."""


def test_the_lengths_of_a_proof(tmp_path: Path, all_lengths: None) -> None:
    found = convert(recurrent(tmp_path / "a.onnx", "GRU", lengths=True)).proof()
    assert found.good
    assert "1000 steps" in found.trials


def test_a_long_trial_does_not_excuse_a_short_one() -> None:
    found: dict[str, tuple[float, float]] = {}
    proofs._note(found, "layer", np.array([1.0]), np.array([1.0]), np.array([1.001]))
    proofs._note(found, "layer", np.array([1.0]), np.array([1.1]), np.array([1.2]))  # float32 has lost a tenth
    error, allowed = found["layer"]
    assert error > allowed


def feeds_of(file: Path, rows: int, steps: int) -> dict[str, np.ndarray]:
    """Random inputs for a file of `recurrent`."""
    rng = np.random.default_rng(steps)
    found = {}
    for one in onnx.load(file).graph.input:
        shape = [{"T": steps, "B": rows}.get(n.dim_param, n.dim_value) for n in one.type.tensor_type.shape.dim]
        found[one.name] = rng.standard_normal(shape).astype(np.float32)
        if one.name == "lengths":
            found[one.name] = rng.integers(1, steps + 1, rows).astype(np.int32)
    return found


def front(name: str, value: np.ndarray) -> np.ndarray:
    """An array of the file with its batch in front."""
    return value if name == "lengths" else value.swapaxes(0, 1)


@pytest.mark.parametrize("name", NODES)
def test_recurrent_nodes(tmp_path: Path, name: str) -> None:
    file = recurrent(tmp_path / "a.onnx", **NODES[name])
    conversion = convert(file)
    proof = conversion.proof()
    assert proof.good, proof.verdict
    assert any(one.compared and one.kind in ("recurrent", "bidirectional") for one in proof.layers)
    session = onnxruntime.InferenceSession(file.read_bytes())
    feeds = feeds_of(file, 3, 9)
    theirs = session.run(None, feeds)
    mine = conversion.model.predict(*[front(name, value) for name, value in feeds.items()])
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one, other.swapaxes(0, 1), rtol=0, atol=1e-5)


def test_batch_first_nodes_are_held_against_the_reference_evaluator(tmp_path: Path) -> None:
    assert convert(recurrent(tmp_path / "a.onnx", "LSTM", layout=1)).proof().good


@pytest.mark.parametrize("both", [False, True], ids=["one direction", "two directions"])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "peephole_lstm", "layer_norm_gru", "rg_lru", "gru_d"])
def test_our_own_files_come_back(tmp_path: Path, name: str, both: bool) -> None:
    model = layers_of(name, both, 1)
    write(model, tmp_path / "a.onnx")
    again = interop.load(tmp_path / "a.onnx")
    x = np.random.default_rng(1).standard_normal((3, 8, model.graph.layers[0].shape[1])).astype(np.float32)
    lengths = np.array([8, 3, 1])
    np.testing.assert_allclose(again.predict(x, lengths=lengths), model.predict(x, lengths=lengths), rtol=0, atol=1e-5)
    if not both:
        stream, whole = again.stream(), again.predict(x[:1])
        parts = np.concatenate([stream.feed(x[0, :3]), stream.feed(x[0, 3:])])
        np.testing.assert_allclose(parts, whole[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "gru_reset_after", "mgu", "layer_norm_lstm"])
def test_our_own_files_in_the_reference_evaluator(tmp_path: Path, name: str) -> None:
    from throughtime.interop.onnx.check import by_reference

    model = layers_of(name, False, 2)
    write(model, tmp_path / "a.onnx")
    assert by_reference(model, (tmp_path / "a.onnx").read_bytes(), "a.onnx") <= 1e-5


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnx's own evaluator takes its place, but not for lengths, which it ignores."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert convert(recurrent(tmp_path / "a.onnx", "LSTM")).proof().good
    with pytest.raises(UserError, match="knows no sequence_lens"):
        convert(recurrent(tmp_path / "a.onnx", "LSTM", lengths=True)).proof()


def changed(model: ImportedModel, layer: str, change: Any) -> ImportedModel:
    """A model with the parameters of a layer, or the layer, changed."""
    number = model.graph.names.index(layer)
    layers = list(model.graph.layers)
    own = {k: v.copy() for k, v in model.parameters.items() if k.startswith(f"{number}.")}
    short = {k.partition(".")[2]: v for k, v in own.items()}
    layers[number] = change(layers[number], short) or layers[number]
    graph = type(model.graph)(model.graph.names, tuple(layers), model.graph.nodes, model.graph.outputs)
    return ImportedModel(graph, {**model.parameters, **{f"{number}.{k}": v for k, v in short.items()}})


def _swap(a: str, b: str) -> Any:
    def change(layer: Any, own: dict[str, np.ndarray]) -> None:
        keys = [next(k for k in own if k.endswith(name)) for name in (a, b)]
        own[keys[0]], own[keys[1]] = own[keys[1]], own[keys[0]]

    return change


def _moved(a: str, b: str) -> Any:
    def change(layer: Any, own: dict[str, np.ndarray]) -> None:
        keys = [next(k for k in own if k.endswith(name)) for name in (a, b)]
        own[keys[1]] = own[keys[1]] + own[keys[0]]
        own[keys[0]] = own[keys[0]] * 0

    return change


def _turned(layer: Any, own: dict[str, np.ndarray]) -> Any:
    return layer.replaced(back=not layer.back)


def _flipped(layer: Any, own: dict[str, np.ndarray]) -> None:
    """The wrong reset: the inner bias counts fully, as where the reset comes first."""
    key = next(k for k in own if k.endswith("b_hn"))
    outer = next(k for k in own if k.endswith("b_xn"))
    own[outer], own[key] = own[outer] + own[key], own[key] * 0


SABOTAGE: list[tuple[str, str, Any]] = [
    *[("lstm", n, _swap(*pair)) for n, pair in (("layer 0", ("W_xi", "W_xo")), ("layer 1", ("W_hf", "W_hc")))],
    *[("lstm", "layer 1", _swap(*pair)) for pair in (("b_i", "b_f"), ("W_xf", "W_xo"), ("b_c", "b_o"))],
    ("lstm", "layer 0", _moved("b_i", "b_f")),
    ("lstm", "layer 1", _turned),
    ("rnn relu", "layer 1", _turned),
    *[("gru after", n, _swap("ahead.0.W_xz", "ahead.0.W_xr")) for n in ("layer 0", "layer 1")],
    ("gru after", "layer 1", _swap("ahead.0.W_hn", "back.0.W_hn")),
    ("gru after", "layer 0", _flipped),
    ("gru back", "layer 0", _turned),
    ("gru back", "layer 0", _moved("b_xz", "b_xr")),
    ("gru clipped", "layer 0", _flipped),
    ("lstm peepholes", "layer 0", _swap("ahead.0.p_i", "ahead.0.p_o")),
    ("lstm back", "layer 0", _turned),
]
"""A node of NODES, the layer and what is wrong with it."""


def test_sabotage_is_caught_and_the_right_layer_named(tmp_path: Path) -> None:
    made = {name: convert(recurrent(tmp_path / f"{name}.onnx", **NODES[name])) for name in {n for n, *_ in SABOTAGE}}
    for name, layer, change in SABOTAGE:
        conversion = made[name]
        proof = conversion.proof(changed(conversion.model, layer, change))
        assert proof.deviates == layer, (name, layer, proof.verdict)


@pytest.mark.parametrize("wrong", ["gates", "reset", "direction"])
def test_a_wrong_conversion_is_caught_by_the_file_itself(tmp_path: Path, wrong: str, monkeypatch: Any) -> None:
    """Where conversion and equations are wrong together, the file as it runs still tells."""
    from throughtime.interop.onnx.importing import recurrent as nodes

    plain = nodes._truth

    def lying(call: Any) -> Any:
        import dataclasses

        truth = plain(call)
        if wrong == "gates":
            return dataclasses.replace(truth, w=truth.w[:, ::-1].copy())
        if wrong == "direction":
            return dataclasses.replace(truth, direction="reverse")
        return dataclasses.replace(
            truth, ways=tuple(dataclasses.replace(one, after=not one.after) for one in truth.ways)
        )

    monkeypatch.setattr(nodes, "_truth", lying)
    file = recurrent(tmp_path / "a.onnx", "GRU", linear_before_reset=1)
    with pytest.raises(UserError, match="not the same model: layer 0"):
        interop.load(file)
    assert cli.invoke(["import", str(file), "--out", str(tmp_path / "m")]) == 2
    assert not (tmp_path / "m").exists()


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = recurrent(tmp_path / "a.onnx", "LSTM")
    assert cli.invoke(["import", str(file), "--out", str(tmp_path / "m"), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["good"]
    model = interop.load(tmp_path / "m")
    assert model.origin["format"] == "ONNX"
    assert (tmp_path / "m" / "report.html").is_file()
    assert model.predict(np.zeros((1, 2, 3), np.float32))[0].shape == (1, 2, 2)


def test_stored_outputs_and_the_file_it_came_from(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file, out = recurrent(tmp_path / "a.onnx", "GRU", linear_before_reset=1), tmp_path / "m"
    feeds = feeds_of(file, 3, 5)  # time in front, as the file has it
    theirs = onnxruntime.InferenceSession(file.read_bytes()).run(None, feeds)
    right = {"x0": feeds["x"], **{f"y{k}": y for k, y in enumerate(theirs)}}
    np.savez(tmp_path / "right.npz", **right)
    np.savez(tmp_path / "wrong.npz", **{**right, "y1": right["y1"] + 0.01})
    np.savez(tmp_path / "odd.npz", x0=feeds["x"][0], y0=right["y0"])
    for command in (["import", str(file), "--out", str(out)], ["verify", str(out), str(file)]):
        assert cli.invoke([*command, "--inputs", str(tmp_path / "wrong.npz")]) == 2
        assert "the stored outputs are missed by 0.01" in capfd.readouterr().err
        assert cli.invoke([*command, "--inputs", str(tmp_path / "odd.npz")]) == 2
        assert "stored inputs: expected x of 3 axes" in capfd.readouterr().err
        assert cli.invoke([*command, "--inputs", str(tmp_path / "right.npz"), "--json"]) == 0
        found = json.loads(capfd.readouterr().out)
        assert found["stored_outputs"] < 1e-5
        assert {row["layer"] for row in found["layers"]} >= {"layer 0", "dense"}
    model = interop.load(out)
    folder.save(changed(model, "layer 0", _swap("W_xz", "W_xr")), out)
    assert cli.invoke(["verify", str(out), str(file)]) == 2
    assert "layer 0 is the first layer that deviates" in capfd.readouterr().err
    assert cli.invoke(["verify", str(out), str(file), "--layers", "x"]) == 2
    assert "--layers describes a state_dict" in capfd.readouterr().err


def test_verify_of_a_file_that_was_written_here(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Against the model that it was written from, and the one that it became."""
    file, before, after = tmp_path / "a.onnx", tmp_path / "before", tmp_path / "after"
    folder.save(layers_of("layer_norm_gru", False, 1), before)
    assert cli.invoke(["export", str(before), "--to", "onnx", "--out", str(file)]) == 0
    assert cli.invoke(["import", str(file), "--out", str(after)]) == 0
    for one in (before, after):
        assert cli.invoke(["verify", str(one), str(file)]) == 0, capfd.readouterr().err
    model = interop.load(after)
    key = next(name for name in model.parameters if model.parameters[name].ndim == 2)
    folder.save(ImportedModel(model.graph, {**model.parameters, key: -model.parameters[key]}, model.origin), after)
    assert cli.invoke(["verify", str(after), str(file)]) == 2


X = ("x", TensorProto.FLOAT, ["B", "T", 3])


@pytest.mark.parametrize(
    ("node", "options", "expected"),
    [
        (helper.make_node("Einsum", ["x"], ["y"], name="odd", equation="bij->bji"), {}, "node 0, Einsum odd: the oper"),
        (helper.make_node("Loop", ["", "", "x"], ["y"], name="steps"), {}, "node 0, Loop steps: the operator"),
        (helper.make_node("Attention", ["x"], ["y"], domain="com.microsoft"), {}, "com.microsoft.Attention"),
        (helper.make_node("Relu", ["z"], ["y"]), {}, "reads z, which nothing gives"),
        (helper.make_node("Relu", ["x"], ["y"]), {"opset": 99}, "expected opset 7 to"),
        (helper.make_node("Relu", ["x"], ["y"]), {"ir": 99}, "its IR version is 99"),
        (helper.make_node("Softmax", ["x"], ["y"], axis=1), {"opset": 11}, "only the last is known"),
        (helper.make_node("Squeeze", ["x"], ["y"], name="s", axes=[0]), {"opset": 11}, "Squeeze s: it drops axes"),
    ],
)
def test_refused_by_name(tmp_path: Path, node: Any, options: dict[str, int], expected: str) -> None:
    file = save(tmp_path / "a.onnx", [node], [X], ["y"], {}, **options)
    with pytest.raises(UserError, match=expected) as caught:
        interop.load(file)
    assert len(str(caught.value).splitlines()) == 1


def test_a_loop_is_named_before_what_reckons_for_it(tmp_path: Path) -> None:
    nodes = [helper.make_node("Less", ["x", "x"], ["c"]), helper.make_node("Loop", ["", "c", "x"], ["y"], name="steps")]
    with pytest.raises(UserError, match="node 1, Loop steps: the operator is not known here; a loop of steps"):
        interop.load(save(tmp_path / "a.onnx", nodes, [X], ["y"], {}))


def _outside(path: Path, location: str) -> Path:
    file = recurrent(path / "a.onnx", "RNN")
    model = onnx.load(file)
    tensor = next(one for one in model.graph.initializer if one.name == "W0")
    raw = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(raw)))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    file.write_bytes(model.SerializeToString())
    (path / "w.bin").write_bytes(raw)
    return file


def test_external_data(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    assert convert(_outside(inside, "w.bin")).proof().good
    (inside / "w.bin").write_bytes(b"12")
    with pytest.raises(UserError, match="expected 48 bytes"):
        convert(inside / "a.onnx")
    (inside / "w.bin").unlink()
    with pytest.raises(UserError, match="which is missing"):
        convert(inside / "a.onnx")
    (tmp_path / "w.bin").write_bytes(bytes(48))
    for location in ("../w.bin", str(tmp_path / "w.bin"), "..\\w.bin", ""):
        with pytest.raises(UserError, match="outside the file's folder"):
            convert(_outside(inside, location))
    _outside(inside, "link.bin")
    (inside / "link.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(UserError, match="outside the file's folder"):
        convert(inside / "a.onnx")


def test_damaged_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = recurrent(tmp_path / "a.onnx", "LSTM", second=True).read_bytes()
    rng, refused = np.random.default_rng(1), 0
    for number in range(20):
        content = bytearray(whole[: int(rng.integers(1, len(whole)))] if number % 2 else whole)
        if not number % 2:
            for place in rng.integers(0, min(len(content), 900), 3):
                content[place] = int(rng.integers(0, 256))
        (tmp_path / "b.onnx").write_bytes(content)
        code = cli.invoke(["import", str(tmp_path / "b.onnx"), "--out", str(tmp_path / f"m{number}")])
        said = capfd.readouterr().err
        assert code in (0, 2)
        assert code == 0 or len(said.strip().splitlines()) == 1, said
        refused += code == 2
    assert refused >= 10
