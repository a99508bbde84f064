"""Models as files of Keras: what Keras has comes back as the same model, the rest is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.interop.fixtures import NAMES, model_file
from tests.interop.onnx.test_check import layers_of
from throughtime import cli
from throughtime.errors import UserError
from throughtime.interop import folder
from throughtime.interop import layers as kinds
from throughtime.interop.convert import convert
from throughtime.interop.functions import Function
from throughtime.interop.keras import check
from throughtime.interop.keras.check import write
from throughtime.interop.keras.write import Made, Writer
from throughtime.interop.model import Graph, ImportedModel, Node

OLD = ("keras-1", "keras-2.0", "keras-2.2")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_models_of_every_keras(tmp_path: Path, suffix: str) -> None:
    """Keras 1's hard_sigmoid goes to Keras 3 in its gates' matrices; a .h5 is read by both, so it is refused there."""
    refused = {}
    for name in NAMES:
        try:
            assert write(convert(model_file(name)).model, tmp_path / f"a{suffix}")["error"] <= 1e-5  # type: ignore[operator]
        except UserError as error:
            refused[name] = str(error)
    assert not any("please report" in words for words in refused.values())
    wanted = {name for name in NAMES if "stacked" in name or ("masked_both" in name and name < "keras-3")}
    if suffix == ".h5":
        wanted |= {name for name in NAMES if name.startswith(OLD) or "lstm_hard" in name}
    assert refused.keys() == wanted


@pytest.mark.parametrize("both", [False, True], ids=["one direction", "two directions"])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "gru_reset_after"])
def test_cells_of_keras(tmp_path: Path, name: str, both: bool) -> None:
    model = layers_of(name, both, 2)
    write(model, tmp_path / "a.keras")
    x = np.random.default_rng(1).standard_normal((2, 5, 3)).astype("float32")
    np.testing.assert_allclose(convert(tmp_path / "a.keras").model.predict(x), model.predict(x), rtol=0, atol=1e-6)


def test_what_keras_has_not_is_refused(tmp_path: Path) -> None:
    for model, words in (
        (layers_of("peephole_lstm", False, 1), "layer0: its cell is none of Keras's SimpleRNN, LSTM and GRU"),
        (chain(kinds.Last()), "n1: a last layer is none of Keras's"),
        (chain(kinds.Activation(Function("erf"))), r"n1: Keras has no function that is erf\(\)"),
        (layers_of("lstm", False, 1).as_type("float64"), "computes in float64"),
    ):
        with pytest.raises(UserError, match=words):
            write(model, tmp_path / "a.keras")
    with pytest.raises(UserError, match=r"ends with \.keras or \.h5"):
        write(layers_of("lstm", False, 1), tmp_path / "a.pb")
    assert not list(tmp_path.iterdir())


def chain(*layers: kinds.Layer) -> ImportedModel:
    """Layers one after the other over (B, T, 3), their parameters drawn."""
    every = (kinds.Input((None, 3)), *layers)
    nodes = tuple(Node(n, ((n - 1, 0),) if n else ()) for n in range(len(every)))
    graph = Graph(tuple(f"n{k}" for k in range(len(every))), every, nodes, ((len(layers), 0),))
    rng = np.random.default_rng(4)
    return ImportedModel(
        graph, {k: rng.uniform(0.2, 0.9, shape).astype("float32") for k, shape in graph.shapes.items()}
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_heads(tmp_path: Path, suffix: str) -> None:
    dense = kinds.Dense(3, 3)
    for f in (
        *(Function("relu", (0.1,)), Function("relu", (0.0, 6.0)), Function("gelu"), Function("softmax")),
        *(Function("elu", (0.5,)), Function("mish"), Function("silu"), Function("relu", (0.1, 2.0, 0.5))),
    ):
        write(chain(dense, kinds.Activation(f)), tmp_path / f"a{suffix}")
    norms = (kinds.BatchNorm(3), kinds.LayerNorm(3), kinds.TimeDistributed(kinds.Dense(3, 2, False)), kinds.Pool("ave"))
    write(chain(*norms), tmp_path / f"a{suffix}")
    write(chain(kinds.Masking(), kinds.Pool("max"), kinds.Repeat(3), kinds.Permute((2, 1))), tmp_path / f"a{suffix}")


def test_what_does_not_come_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, true = layers_of("lstm", False, 1), Writer.make

    class Wrong(Writer):
        def make(self, layer: kinds.Layer, weights: dict[str, np.ndarray], name: str) -> Made:
            made = true(self, layer, weights, name)
            for arrays in made.parts.values():
                arrays[0] = np.roll(arrays[0], 5, 1)
            return made

    monkeypatch.setattr(check, "Writer", Wrong)
    with pytest.raises(UserError, match="comes back with a difference"):
        write(model, tmp_path / "a.keras")
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.save(convert(model_file("keras-2.2.5-stateful")).model, tmp_path / "m")
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "keras", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == str(tmp_path / "m.keras")
    assert "stateful" in said["left"]
    assert cli.invoke(["import", said["file"], "--out", str(tmp_path / "n")]) == 0
