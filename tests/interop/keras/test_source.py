"""Files that mean harm or are damaged: one line, and nothing they name is run."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.interop.fixtures import calls, model_file
from throughtime import cli
from throughtime.errors import UserError
from throughtime.interop.convert import convert


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(model_file("keras-2.3.1-lstm"), tmp_path / "old.h5"))


def refused(path: Path, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        convert(path)
    assert "\n" not in str(caught.value)


def configured(path: Path, change: Any) -> Path:
    """The file with another model_config."""
    with h5py.File(path, "r+") as file:
        raw = file.attrs["model_config"]
        config = json.loads(raw if isinstance(raw, str) else raw.decode())
        change(config)
        file.attrs["model_config"] = json.dumps(config).encode()
    return path


def layer(config: Any) -> Any:
    return config["config"]["layers"][-1]


def test_a_file_cut_off_anywhere(old: Path) -> None:
    content = old.read_bytes()
    for part in (0, 3, 100, len(content) // 2, len(content) - 1000):
        old.write_bytes(content[:part])
        refused(old, "old.h5")


def test_links_that_lead_elsewhere(old: Path, tmp_path: Path) -> None:
    with h5py.File(old, "r+") as file:
        group = file["model_weights/lstm_1/lstm_1"] if "lstm_1" in file["model_weights"] else None
        group = file["model_weights"][next(k for k in file["model_weights"] if "lstm" in k)] if group is None else group
        inner = group[next(iter(group))] if isinstance(group[next(iter(group))], h5py.Group) else group
        name = next(iter(inner))
        del inner[name]
        inner[name] = h5py.ExternalLink("/etc/passwd", "/x")
    refused(old, "leads elsewhere")


def test_a_circle_of_groups(old: Path) -> None:
    with h5py.File(old, "r+") as file:
        weights = file["model_weights"]
        name = next(k for k in weights if "lstm" in k)
        weights[name].attrs["weight_names"] = [("/".join(["again"] * 40)).encode()]
        weights[name]["again"] = weights[name]
    refused(old, "nested too deeply")


def test_a_small_file_of_terabytes(old: Path) -> None:
    with h5py.File(old, "r+") as file:
        weights = file["model_weights"]
        name = next(k for k in weights if "lstm" in k)
        weights[name].create_dataset("big", (1 << 20, 1 << 20), "f4", chunks=(1 << 10, 1 << 10), compression="gzip")
        weights[name].attrs["weight_names"] = [b"big"]
    refused(old, "GB it may take")


def test_code_is_never_run(old: Path) -> None:
    configured(old, lambda c: layer(c).update(class_name="Lambda"))
    refused(old, r"\(Lambda\): this layer is not known here; it is code of its own")
    configured(old, lambda c: layer(c).update(class_name="LSTM", module="evil.py"))
    refused(old, "code of its own, from 'evil.py'")
    configured(old, lambda c: layer(c).update(module="keras.layers", registered_name="mine>LSTM"))
    refused(old, "code of its own")


def test_configs_that_are_wrong(old: Path) -> None:
    content = old.read_bytes()
    for change, words in (
        (lambda c: layer(c)["config"].update(units="5"), "expected units as a positive integer"),
        (lambda c: layer(c)["config"].update(units=6), "expected arrays for 6 units"),
        (lambda c: layer(c)["config"].update(activation="os.system"), "activation 'os.system' is none"),
        (lambda c: layer(c)["config"].update(return_sequences="yes"), "true or false"),
        (lambda c: layer(c)["config"].update(dtype="mixed_float16"), "computes in 'mixed_float16'"),
        (lambda c: c["config"].update(layers=[]), "expected a list of layers"),
        (lambda c: layer(c).pop("config"), "class_name and config"),
    ):
        old.write_bytes(content)
        refused(configured(old, change), words)


def test_weights_only_need_a_config(tmp_path: Path, old: Path) -> None:
    with h5py.File(old, "r+") as file:
        config = file.attrs["model_config"]
        del file.attrs["model_config"]
    refused(old, "--config")
    (tmp_path / "c.json").write_bytes(config if isinstance(config, bytes) else config.encode())
    model = convert(old, tmp_path / "c.json").model
    inputs, output = calls("keras-2.3.1-lstm")[0]
    np.testing.assert_allclose(model.predict(*inputs), output, rtol=0, atol=1e-5)


def rezipped(source: Path, target: Path, change: Any) -> Path:
    """An archive with changed members."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = change(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return target


def test_archives_that_are_damaged(tmp_path: Path) -> None:
    good = model_file("keras-3-lstm_hard")
    whole = good.read_bytes()
    for part in (4, 200, len(whole) - 40):
        (tmp_path / "a.keras").write_bytes(whole[:part])
        refused(tmp_path / "a.keras", "a.keras")
    target = tmp_path / "b.keras"
    refused(rezipped(good, target, lambda n, c: None if n == "model.weights.h5" else c), "of one piece")
    refused(rezipped(good, target, lambda n, c: c[:500] if n == "model.weights.h5" else c), "HDF5")
    refused(rezipped(good, target, lambda n, c: b"[" * 100_000 if n == "config.json" else c), "nested too deeply")
    refused(rezipped(good, target, lambda n, c: b"{}" if n == "config.json" else c), "class_name")
    zeros = io.BytesIO(b"\0" * (1 << 20))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as after:
        with zipfile.ZipFile(good) as before:
            after.writestr("config.json", before.read("config.json"))
        with after.open("model.weights.h5", "w") as file:
            for _ in range(1100):
                file.write(zeros.getvalue())
    refused(target, "GB it may take")


def test_a_saved_model_that_is_incomplete(tmp_path: Path) -> None:
    place = Path(shutil.copytree(model_file("tf_keras-bidirectional_sum_saved"), tmp_path / "m"))
    metadata = (place / "keras_metadata.pb").read_bytes()
    (place / "keras_metadata.pb").write_bytes(b"")
    refused(place, "it is empty")
    (place / "keras_metadata.pb").write_bytes(metadata[:300])
    refused(place, "cut off")
    (place / "keras_metadata.pb").write_bytes(metadata)
    for name in ("variables.index", "variables.data-00000-of-00001"):
        file = place / "variables" / name
        content = file.read_bytes()
        for part in (0, 40, len(content) // 2):
            file.write_bytes(content[:part])
            refused(place, "variables")
        file.unlink()
        refused(place, "incomplete")
        file.write_bytes(content)
    convert(place)


def test_the_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = model_file("keras-1.0.8-lstm")
    assert cli.invoke(["import", str(file), "--out", str(tmp_path / "m"), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["good"] is True
    assert (tmp_path / "m" / "report.html").is_file()
    assert cli.invoke(["import", str(file), "--out", str(tmp_path / "m")]) == 2
    assert "--force" in capfd.readouterr().err
    assert cli.invoke(["verify", str(tmp_path / "m"), str(file)]) == 0
    assert "the same model" in capfd.readouterr().out
    other = model_file("keras-2.0.9-lstm")
    assert cli.invoke(["verify", str(tmp_path / "m"), str(other), "--json"]) == 2
    found = capfd.readouterr()
    assert json.loads(found.out)["deviates"] == "lstm_1" or "lstm" in json.loads(found.out)["deviates"]
    assert "first layer that deviates" in found.err


def _archive_config(name: str, target: Path, change: Callable[[Any], None]) -> Path:
    """A .keras file with another config."""

    def changed(member: str, content: bytes) -> bytes:
        if member != "config.json":
            return content
        config = json.loads(content)
        change(config["config"]["layers"])
        return json.dumps(config).encode()

    source = zipfile.ZipFile(model_file(name))
    with zipfile.ZipFile(target, "w") as archive:
        for member in source.namelist():
            archive.writestr(member, changed(member, source.read(member)))
    return target


def test_an_operation_with_the_name_of_a_layer(tmp_path: Path) -> None:
    """keras.ops.average is a mean over an axis, the layer one of several values. A .h5 does not say the module."""

    def average(layers: Any, module: str | None) -> None:
        row = next(one for one in layers if one["class_name"] == "Add")
        row |= {"class_name": "Average", "config": {"name": row["name"], "axis": 1}}
        row["inbound_nodes"][0]["args"] = [row["inbound_nodes"][0]["args"][0][0]]
        row.pop("module") if module is None else row.update(module=module)

    for module in ("keras.src.ops.numpy", None):
        file = _archive_config("keras-3-different_axes", tmp_path / "a.keras", lambda rows, m=module: average(rows, m))
        refused(file, "the operation Average of keras.ops is not known here")


def test_a_mask_that_is_not_the_inputs_own(tmp_path: Path) -> None:
    def other(layers: Any) -> None:
        row = next(one for one in layers if one["class_name"] == "NotEqual")
        row["inbound_nodes"][0]["args"][1] = 1.0

    refused(
        _archive_config("keras-3-masked_between", tmp_path / "a.keras", other),
        "with a mask that is not its input's own",
    )

    def kept(layers: Any) -> None:
        next(one for one in layers if one["class_name"] == "Any")["config"]["keepdims"] = True

    refused(_archive_config("keras-3-masked_between", tmp_path / "a.keras", kept), "only a mask over the last axis")


def test_a_model_at_every_step_that_is_not_sequential(tmp_path: Path) -> None:
    def functional(layers: Any) -> None:
        row = next(one for one in layers if one["class_name"] == "TimeDistributed")
        row["config"]["layer"]["config"]["input_layers"] = []

    refused(_archive_config("keras-3-every_step", tmp_path / "a.keras", functional), "only a sequential one")


def test_the_number_of_a_models_first_call(tmp_path: Path) -> None:
    """Most writers count a model's own making as its call 0."""

    def later(layers: Any) -> None:
        row = next(one for one in layers if one["class_name"] == "Subtract")
        for tensor in row["inbound_nodes"][0]["args"][0]:
            tensor["config"]["keras_history"][1] += 1

    model = convert(_archive_config("keras-3-twice", tmp_path / "a.keras", later)).model
    ((inputs, output),) = calls("keras-3-twice")
    np.testing.assert_allclose(model.predict(*inputs), output, rtol=0, atol=1e-5)
