"""Models as modules of PyTorch: what torch.nn has is written, with the same numbers; the rest is refused by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.interop.fixtures import NAMES, model_file
from tests.interop.onnx.test_check import layers_of
from throughtime import cli
from throughtime.errors import UserError
from throughtime.interop import folder
from throughtime.interop import layers as kinds
from throughtime.interop.convert import convert
from throughtime.interop.functions import Function
from throughtime.interop.model import Graph, ImportedModel, Node
from throughtime.interop.pytorch.check import largest_error, write
from throughtime.interop.pytorch.write import module_of

EQUAL = ("rnn", "lstm", "gru_reset_after", "projected_lstm")
"""The cells that torch.nn has."""


@pytest.mark.parametrize("both", [False, True], ids=["one direction", "two directions"])
@pytest.mark.parametrize("name", EQUAL)
def test_cells_of_pytorch(tmp_path: Path, name: str, both: bool) -> None:
    model = layers_of(name, both, 2)
    found = write(model, tmp_path / "a.pt")
    assert found["error"] <= 1e-5  # type: ignore[operator]
    state = torch.load(tmp_path / "a.pt", weights_only=True)
    kind = {"rnn": "rnn_tanh", "gru_reset_after": "gru", "projected_lstm": "lstm"}.get(name, name)
    again = convert(tmp_path / "a.pt", layers=f"layer0={kind}, layer1={kind}").model
    x = np.random.default_rng(1).standard_normal((2, 5, 3)).astype("float32")
    assert "layer0.weight_hh_l0" in state
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["gru", "peephole_lstm", "layer_norm_lstm", "min_gru"])
def test_other_cells_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"layer0: its cell is none of torch.nn.RNN .* export onnx"):
        write(layers_of(name, False, 1), tmp_path / "a.pt")
    assert not list(tmp_path.iterdir())


def test_models_of_keras(tmp_path: Path) -> None:
    written, refused, wrong = [], [], list[str]()
    for name in NAMES:
        try:
            write(convert(model_file(name)).model, tmp_path / "a.safetensors")
            written.append(name)
        except UserError as error:
            refused.append(name)
            wrong += ["PyTorch differs"] * ("PyTorch differs" in str(error))
    assert not wrong
    assert {"keras-3-gru_after", "tf_keras-encoder", "tf_keras-gru_after"} <= set(written)
    assert {"keras-3-lstm_hard", "keras-3-masked_both", "keras-1.0.8-lstm"} <= set(refused)


HEAD = (
    Function("relu", (0.1,)),
    Function("relu", (0.0, 6.0)),
    Function("gelu"),
    Function("hard_sigmoid"),
    Function("softmax"),
    Function("log_softmax"),
    Function("elu", (0.5,)),
    Function("hard_tanh"),
    Function("thresholded"),
    Function("mish"),
)


def chain(*layers: kinds.Layer, names: tuple[str, ...] = ()) -> ImportedModel:
    """Layers one after the other over (B, T, 3), their parameters drawn."""
    every = (kinds.Input((None, 3)), *layers)
    names = names or tuple(f"n{k}" for k in range(len(every)))
    graph = Graph(
        names, every, tuple(Node(n, ((n - 1, 0),) if n else ()) for n in range(len(every))), ((len(layers), 0),)
    )
    rng = np.random.default_rng(4)
    return ImportedModel(
        graph, {k: rng.uniform(0.2, 0.9, shape).astype("float32") for k, shape in graph.shapes.items()}
    )


def test_heads(tmp_path: Path) -> None:
    dense = kinds.Dense(3, 3)
    for f in HEAD:
        write(chain(dense, kinds.Activation(f), kinds.TimeDistributed(kinds.Dense(3, 2, False, f))), tmp_path / "a.pt")
    write(
        chain(kinds.BatchNorm(3), kinds.LayerNorm(3), dense, kinds.Pool("ave"), kinds.BatchNorm(3)), tmp_path / "a.pt"
    )
    write(chain(dense, kinds.Last(), kinds.Repeat(3), kinds.Permute((2, 1)), kinds.Flatten()), tmp_path / "a.pt")
    with pytest.raises(UserError, match="n1: the function erf is not known in PyTorch here"):
        write(chain(kinds.Activation(Function("erf"))), tmp_path / "a.pt")


def test_names_of_strangers_are_no_code(tmp_path: Path) -> None:
    dense = kinds.Dense(3, 3)
    names = ('x"""', "class", "forward", 'a"); import os; os.system("x', "Forward", "训练", "__init__")
    text, _ = module_of(chain(*[dense] * 6, names=names), "a.pt")
    found = [line.split(" = ")[0].strip() for line in text.splitlines() if " = nn.Linear" in line]
    assert found[:2] == ["self.layer_class", "self.layer_forward"]
    assert len(set(found)) == 6
    write(chain(*[dense] * 6, names=names), tmp_path / "a.pt")
    with pytest.raises(UserError, match="expected a name of letters"):
        write(chain(dense), tmp_path / 'a""".pt')


def test_a_wrong_module_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = layers_of("lstm", False, 1)
    text, tensors = module_of(model, "a.pt")
    assert largest_error(model, text, tensors) <= 1e-5
    turned = {k: np.roll(v, 5, 0) if "weight_ih" in k else v for k, v in tensors.items()}
    assert largest_error(model, text, turned) > 1e-3
    assert largest_error(model, text.replace("states[0]", "None"), tensors) > 1e-3
    monkeypatch.setattr("throughtime.interop.pytorch.check.module_of", lambda *_: (text, turned))
    with pytest.raises(UserError, match="nothing was written"):
        write(model, tmp_path / "a.pt")
    assert not list(tmp_path.iterdir())


def test_a_file_of_ones_own_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("mine = 1\n")
    with pytest.raises(UserError, match="another file of this name"):
        write(layers_of("lstm", False, 1), tmp_path / "a.pt")
    assert (tmp_path / "a.py").read_text() == "mine = 1\n"


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_the_command_writes_what_runs_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    model = convert(model_file("keras-3-gru_after")).model
    folder.save(model, tmp_path / "m")
    file = tmp_path / f"out{suffix}"
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "pytorch", "--out", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["module"] == str(tmp_path / "out.py")
    x: Any = np.random.default_rng(3).standard_normal((2, 4, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys; sys.modules['throughtime'] = None; import numpy, torch, out\n"
        "with torch.no_grad(): y, _ = out.load()(torch.from_numpy(numpy.load('x.npy')))\n"
        "numpy.save('y.npy', y.numpy())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(x), rtol=0, atol=1e-5)
