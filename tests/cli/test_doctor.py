"""throughtime doctor: what it says of a healthy machine, of one that computes wrong, and without torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import cli, engine
from throughtime.cells import CATALOGUE
from throughtime.cli import doctor_speed
from throughtime.storage import environment

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    for name, size in {"STEPS": 4, "ROWS": 2, "HIDDEN": 8, "SECONDS": 0.0}.items():
        monkeypatch.setattr(doctor_speed, name, size)

    def run(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        status = cli.invoke(["doctor", *arguments])
        out, err = capfd.readouterr()
        assert err == ""
        return status, out

    return run


def test_a_healthy_machine(call: Call) -> None:
    status, out = call()
    assert status == 0
    for line in (f"throughtime      {throughtime.__version__}", f"instruction set  {engine.instruction_set()}"):
        assert line in out
    for name in CATALOGUE:
        assert any(line.startswith(f"{name} ") and line.endswith("good") for line in out.splitlines()), out
    assert "torch.nn.LSTM" in out
    assert "FAILED" not in out


def test_json_is_one_object_with_everything(call: Call) -> None:
    status, out = call("--json")
    found = json.loads(out)
    assert status == 0
    assert found["good"] is True
    assert found["check"].keys() == CATALOGUE.keys()
    assert {"numpy", "torch", "cpu", "instruction_set", "cores", "threads"} <= found["environment"].keys()
    assert found["speed"]["milliseconds"] > 0
    assert found["speed"]["times_faster"] > 0


def break_output(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Let the engine return something else than what it computed."""
    right = engine.Program.forward

    def wrong(self: engine.Program, *arguments: Any, **options: Any) -> Any:
        output, final, tape = right(self, *arguments, **options)
        return change(output), final, tape

    monkeypatch.setattr(engine.Program, "forward", wrong)


@pytest.mark.parametrize("change", [lambda y: y + y.dtype.type(3e-5), lambda y: y * np.nan], ids=["off", "nan"])
def test_wrong_output_fails(call: Call, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    break_output(monkeypatch, change)
    status, out = call()
    assert status == 1
    assert f"FAILED: {', '.join(CATALOGUE)} came out wrong" in out
    assert "GFLOP/s" not in out  # what is wrong is not timed
    status, out = call("--json")
    assert status == 1
    assert json.loads(out)["good"] is False


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrong_gradient_fails(call: Call, monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    right = engine.Program.backward

    def wrong(self: engine.Program, *arguments: Any, **options: Any) -> Any:
        d_x, d_initial, d_arrays = right(self, *arguments, **options)
        if self.dtype == dtype and self.trace.name == "gru":
            assert d_arrays[0] is not None
            d_arrays[0] = d_arrays[0] * 1.001
        return d_x, d_initial, d_arrays

    monkeypatch.setattr(engine.Program, "backward", wrong)
    status, out = call()
    assert status == 1
    assert "FAILED: gru came out wrong" in out


def test_a_row_that_depends_on_its_company_fails(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    break_output(monkeypatch, lambda y: y if y.shape[1] > 1 else np.nextafter(y, y.dtype.type(2)))
    status, out = call()
    assert status == 1
    assert "DIFFER" in out


def test_without_torch(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment.installed
    monkeypatch.setattr(environment, "installed", lambda name: None if name == "torch" else found(name))
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    status, out = call()
    assert status == 0
    assert "torch            not installed" in out
    assert "torch.nn.LSTM" not in out
    assert "GFLOP/s" in out


def test_a_broken_torch_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    status, out = call()
    assert status == 0
    assert "but it cannot be imported" in out


def test_an_engine_that_cannot_be_loaded_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "throughtime.engine", None)
    monkeypatch.delattr(throughtime, "engine")
    status, out = call()
    assert status == 1
    assert "FAILED: the engine cannot be loaded" in out
    status, out = call("--json")
    assert status == 1
    assert json.loads(out)["good"] is False


def test_a_busy_machine_is_said(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_speed.os, "getloadavg", lambda: (999.0, 0.0, 0.0), raising=False)
    assert "Rough figures" in call()[1]
    monkeypatch.setattr(doctor_speed.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    assert "Rough figures" not in call()[1]
