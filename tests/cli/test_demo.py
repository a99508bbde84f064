"""The demonstration, shortened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from throughtime import cli
from throughtime.errors import UserError
from throughtime.tasks import demo, forecast_demo

TINY = {"hidden": 8, "embedding": 4, "steps": 4, "minutes": None, "batch": 4, "window": 8}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demonstration of a few steps on a tenth of its text."""
    whole = demo.text()
    run = demo.run

    def few(out: Path, minutes: float = 1.9, seed: int = 0, threads: int | None = None) -> dict[str, Any]:
        return run(out, seed=seed, threads=1, **TINY)  # type: ignore[arg-type]

    monkeypatch.setattr(demo, "text", lambda: whole[:30_000])
    monkeypatch.setattr(demo, "run", few)


def test_the_text_is_the_language_reference() -> None:
    text = demo.text()
    assert 300_000 < len(text) < 900_000
    assert "try statement" in text


def test_the_demonstration_ends_with_scores_and_a_report(
    short: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = {"nats_per_character": 1.25, "minutes": 2, "machine": "a machine", "command": "a command"}
    monkeypatch.setattr(demo, "plain_torch", lambda text: dict(peer))
    for _ in range(2):  # a demonstration may replace the one before
        assert cli.invoke(["demo", "--out", str(tmp_path / "d")]) == 0
    out = capfd.readouterr().out
    assert demo.PROMPT in out
    assert "-gram" in out
    assert "this model" in out
    assert "plain torch LSTM" in out
    assert "recorded on a machine: a command" in out
    assert str(tmp_path / "d" / "report.html") in out
    assert cli.invoke(["demo", "--out", str(tmp_path / "d"), "--json"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert values["evaluation"]["baselines"]["plain torch LSTM"]["nats_per_character"] == 1.25
    assert values["sample"]


def test_a_model_that_is_no_demonstration_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="choose another folder"):
        demo.run(tmp_path)


def test_the_recorded_peer_counts_for_its_own_text_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = {"nats_per_character": 1.2, "minutes": 2, "sha256": hashlib.sha256(b"one").hexdigest()}
    (tmp_path / "plain_torch_lstm.json").write_text(json.dumps(recorded))
    monkeypatch.setattr(demo.resources, "files", lambda package: tmp_path)
    assert demo.plain_torch("one") == recorded
    assert demo.plain_torch("another") is None
    (tmp_path / "plain_torch_lstm.json").unlink()
    assert demo.plain_torch("one") is None


def test_forecasting_is_demonstrated_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pvlib")
    whole, run = forecast_demo.table(), forecast_demo.run

    def few(out: Path, seed: int = 0, quiet: bool = False, **_: Any) -> dict[str, Any]:
        tiny = {"hidden": 8, "embedding": 4, "steps": 4, "minutes": None, "members": 1, "lookback": 48}
        return run(out, seed=seed, threads=1, seconds=0, quiet=quiet, **tiny)  # type: ignore[arg-type]

    lines = whole.splitlines()
    assert len(lines) == 8761
    assert lines[1].startswith("2001-01-01 00:00,10.0,6.1,993,6.2,10,0")
    assert lines[13].split(",")[0] == "2001-01-01 12:00"
    monkeypatch.setattr(forecast_demo, "table", lambda: "\n".join(lines[:1000]) + "\n")
    monkeypatch.setattr(forecast_demo, "run", few)
    out = tmp_path / "w"
    assert cli.invoke(["demo", "forecast", "--out", str(out)]) == 0
    told = capfd.readouterr()
    assert "Greensboro" in told.err
    assert "seasonal naive" in told.out
    assert "in random order" in told.out
    assert f"throughtime run {out}" in told.out
    assert (out / "report.html").is_file()
    assert cli.invoke(["demo", "forecast", "--out", str(out), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["evaluation"]["verdict"]["sentence"]
    (out / forecast_demo.TABLE).unlink()
    monkeypatch.setattr(forecast_demo, "run", run)
    assert cli.invoke(["demo", "forecast", "--out", str(out)]) == 2
    assert "choose another folder" in capfd.readouterr().err
    assert cli.invoke(["demo", "speech", "--out", str(out)]) == 2
    assert "expected text or forecast, got 'speech'" in capfd.readouterr().err


def test_without_the_package_of_the_weather_the_demonstration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_demo, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'throughtime\[demo\]'"):
        forecast_demo.table()
