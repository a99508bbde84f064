"""The demonstration, shortened."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from throughtime import cli
from throughtime.baselines import compare
from throughtime.baselines.simple import Naive, SeasonalNaive
from throughtime.errors import UserError, needed
from throughtime.tasks.assistant import grammar as assistant_data
from throughtime.tasks.classify import demo as classify_demo
from throughtime.tasks.forecast import demo as forecast_demo
from throughtime.tasks.tag import demo as tag_demo
from throughtime.tasks.text import demo

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
        tiny = {"hidden": 8, "embedding": 4, "steps": 4, "minutes": None, "ensemble_size": 1, "lookback": 48}
        return run(out, seed=seed, threads=1, seconds=0, quiet=quiet, **tiny)  # type: ignore[arg-type]

    lines = whole.splitlines()
    assert len(lines) == 8761
    assert lines[1].startswith("2001-01-01 00:00,10.0,6.1,993,6.2,10,0")
    assert lines[13].split(",")[0] == "2001-01-01 12:00"
    monkeypatch.setattr(forecast_demo, "table", lambda: "\n".join(lines[:700]) + "\n")
    monkeypatch.setattr(forecast_demo, "run", few)
    monkeypatch.setattr(compare, "all_baselines", lambda season, seconds: [Naive(), SeasonalNaive()])
    out = tmp_path / "w"
    assert cli.invoke(["demo", "forecast", "--out", str(out)]) == 0
    told = capfd.readouterr()
    assert "Greensboro" in told.err
    assert "seasonal naive" in told.out
    assert "in random order" in told.out
    assert "no day of that time of the year was learned" in told.out  # four steps beat nothing
    assert f"throughtime run {out}" in told.out
    assert (out / "report.html").is_file()
    assert cli.invoke(["demo", "forecast", "--out", str(out), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["evaluation"]["verdict"]["sentence"]
    (out / forecast_demo.TABLE).unlink()
    monkeypatch.setattr(forecast_demo, "run", run)
    assert cli.invoke(["demo", "forecast", "--out", str(out)]) == 2
    assert "choose another folder" in capfd.readouterr().err
    assert cli.invoke(["demo", "speech", "--out", str(out)]) == 2
    assert "got 'speech'" in capfd.readouterr().err


def test_without_the_package_of_the_weather_the_demonstration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_demo, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=re.escape(needed("demo"))):
        forecast_demo.table()


READING = {"hidden": 8, "embedding": 8}


@pytest.fixture
def few_intents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences of four intents, two hundred to learn from."""
    pytest.importorskip("home_assistant_intents")
    whole, kept = assistant_data.templates, ("HassTurnOn", "HassTurnOff", "HassLightSet", "HassListAddItem")
    monkeypatch.setattr(assistant_data, "templates", lambda language: [t for t in whole(language) if t.intent in kept])
    monkeypatch.setattr(classify_demo, "COUNT", 200)
    monkeypatch.setattr(tag_demo, "COUNT", 200)


def steps(minutes: float | None) -> dict[str, Any]:
    return {"steps": 4} if minutes is None else {}


def test_classifying_is_demonstrated_too(
    few_intents: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = classify_demo.run

    def few(out: Path, minutes: float | None, seed: int, threads: int | None, quiet: bool) -> dict[str, Any]:
        return run(out, minutes, seed, 1 if threads is None else threads, quiet, **READING, **steps(minutes))

    monkeypatch.setattr(classify_demo, "run", few)
    out = tmp_path / "c"
    assert cli.invoke(["demo", "classify", "--out", str(out)]) == 0
    told = capfd.readouterr().out
    assert "majority class" in told
    assert "this model" in told
    assert str(out) in told
    lines = (out / classify_demo.TABLE).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "text,intent"
    assert len(lines) == 201
    assert not {line.split(",")[0] for line in lines[1:]} & {
        line.split(",")[0] for line in (out / classify_demo.TEST).read_text(encoding="utf-8").splitlines()[1:]
    }
    assert cli.invoke(["demo", "classify", "--out", str(out), "--json"]) == 0  # replaces the one before
    found = json.loads(capfd.readouterr().out)["evaluation"]
    assert found["texts"] == 30
    assert found["unseen"]["texts"] == 30
    assert f"put aside as a whole, in {found['accuracy']:.1%}." in told
    assert "Template by template: " in told
    assert found["phrasings"]["aside"] == pytest.approx(found["accuracy"])
    assert 0 < found["phrasings"]["half"] <= found["phrasings"]["failed"] <= found["phrasings"]["templates"]
    assert found["phrasings"]["verdict"]["groups"] == found["phrasings"]["templates"]
    assert cli.invoke(["run", str(out), classify_demo.EXAMPLE]) == 0
    refused(out, "classify", classify_demo.TABLE, capfd)


def test_tagging_is_demonstrated_too(
    few_intents: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tag_demo.run

    def few(out: Path, minutes: float | None, seed: int, threads: int | None, quiet: bool) -> dict[str, Any]:
        own = {**READING, **steps(minutes), "seconds": 0}
        return run(out, minutes, seed, 1 if threads is None else threads, quiet, **own)

    monkeypatch.setattr(tag_demo, "run", few)
    out = tmp_path / "t"
    assert cli.invoke(["demo", "tag", "--out", str(out)]) == 0
    told = capfd.readouterr().out
    assert "slot F1" in told
    assert "most frequent tag" in told
    assert tag_demo.EXAMPLE in told
    assert cli.invoke(["demo", "tag", "--out", str(out), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["evaluation"]["texts"] == 30
    assert cli.invoke(["run", str(out), tag_demo.EXAMPLE]) == 0
    refused(out, "tag", tag_demo.TABLE, capfd)


def refused(out: Path, job: str, table: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Wrong numbers change nothing; a model that is no demonstration is not replaced."""
    before = (out / table).read_bytes()
    for option, value in (("--minutes", "0"), ("--threads", "0"), ("--seed", "-1")):
        assert cli.invoke(["demo", job, "--out", str(out), option, value]) == 2
        assert option[2:] in capfd.readouterr().err
    assert (out / table).read_bytes() == before
    (out / table).unlink()
    assert cli.invoke(["demo", job, "--out", str(out)]) == 2
    assert "choose another folder" in capfd.readouterr().err
    assert not (out / table).exists()
