"""ONNX out: every cell of the catalogue, one and two directions, two layers; imported models; a wrong file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.interop.fixtures import model_file
from throughtime import cli
from throughtime.cells import CATALOGUE, make
from throughtime.errors import UserError
from throughtime.interop import folder
from throughtime.interop.convert import convert
from throughtime.interop.model import ImportedModel
from throughtime.interop.onnx.check import verify, write
from throughtime.interop.trained import stack_model
from throughtime.models.stack import Stack
from throughtime.recurrence import Recurrence


def layers_of(name: str, both: bool, count: int, width: int = 3, hidden: int = 5) -> ImportedModel:
    """Recurrent layers with random parameters."""
    cell = make(name)
    rows, below = [], width
    for _ in range(count):
        one = Recurrence(cell.trace(), {"I": below, "H": hidden if "H" in cell.trace().symbols else below, "P": 2})
        rows.append((one, one) if both else (one,))
        below = one.output_size * (1 + both)
    stack = Stack(tuple(rows), directed=both)
    rng = np.random.default_rng(3)
    drawn = {key: (rng.standard_normal(shape) * 0.4).astype("float32") for key, shape in stack.shapes.items()}
    return stack_model(stack, drawn)


@pytest.mark.parametrize("both", [False, True], ids=["one direction", "two directions"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_cell(tmp_path: Path, name: str, both: bool) -> None:
    count = 1 if CATALOGUE[name].inputs else 2
    found = write(layers_of(name, both, count), tmp_path / "a.onnx")
    assert found["error"] <= 1e-5


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_native_nodes_stand_where_they_are_equal(tmp_path: Path, name: str) -> None:
    import onnx

    write(layers_of(name, False, 2), tmp_path / "a.onnx")
    ops = [node.op_type for node in onnx.load(tmp_path / "a.onnx").graph.node]
    assert ops.count(name.upper()) == 2
    assert "Scan" not in ops


@pytest.mark.parametrize(
    "name", ["keras-1.0.8-lstm", "keras-2.2.5-masked_both", "keras-3-embedding", "tf_keras-stacked", "keras-3-nested"]
)
def test_imported_models(tmp_path: Path, name: str) -> None:
    assert write(convert(model_file(name)).model, tmp_path / "a.onnx")["error"] <= 1e-5


def test_the_command_and_a_model_that_is_another(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder.save(layers_of("gru", True, 1), tmp_path / "m")
    file = tmp_path / "m.onnx"
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "onnx", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["error"] <= 1e-5
    assert cli.invoke(["verify", str(tmp_path / "m"), str(file)]) == 0
    model = folder.load(tmp_path / "m")
    key = next(name for name in model.parameters if name.endswith("W_xz"))
    wrong = ImportedModel(model.graph, {**model.parameters, key: -model.parameters[key]}, model.origin)
    assert not verify(wrong, file).good
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(UserError, match="ONNX Runtime refuses"):
        verify(model, file)
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "tar"]) == 2
    assert "--to as one of" in capfd.readouterr().err
