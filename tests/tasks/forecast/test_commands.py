"""The verbs for forecasters."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.forked import Forked, needed
from tests.tasks.forecast.tables import table
from throughtime import cli
from throughtime.baselines import compare, statistical
from throughtime.baselines.simple import Baseline, Naive, Naive2, SeasonalNaive
from throughtime.baselines.statistical import Statistical


@pytest.fixture(autouse=True)
def simple_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that cost nothing; tests/baselines has the others."""

    def few(season: int, seconds: float) -> Sequence[Baseline]:
        return [Naive(), SeasonalNaive(), Naive2()]

    monkeypatch.setattr(compare, "all_baselines", few)


SMALL = ["--hidden", "8", "--embedding", "8", "--lookback", "24", "--threads", "1", "--seconds", "0"]


def test_the_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data, out = table(tmp_path / "a.csv"), str(tmp_path / "m")
    arguments = ["train", "forecast", str(data), "--target", "y", "--horizon", "6", "--out", out, "--steps", "10"]
    assert cli.invoke([*arguments, *SMALL, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["evaluation"]["windows"] == 86
    page = Path(found["report"]).read_text()
    assert found["evaluation"]["verdict"]["sentence"] in page
    assert "What comes next" in page
    assert cli.invoke(["run", out]) == 0
    assert "2016-02-21" in capfd.readouterr().out
    assert (tmp_path / "m" / "forecast.csv").read_text().count("\n") == 13
    assert (tmp_path / "m" / "forecast.png").read_bytes()[1:4] == b"PNG"
    assert cli.invoke(["run", out, "--steps", "9", "--plot", str(tmp_path / "f.svg"), "--json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["forecasts"][0]["ds"]) == 9
    assert "<svg" in (tmp_path / "f.svg").read_text()
    assert cli.invoke(["evaluate", out, str(data), "--seconds", "0", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["mae"] == pytest.approx(found["evaluation"]["mae"])
    refits = ["evaluate", out, str(data), "--seconds", "0", "--refits", "2", "--json"]
    assert cli.invoke(refits) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["refits"], told["windows"], told["verdict"]["groups"]) == (2, 4, 2)
    assert cli.invoke([*refits[:-2], "-1"]) == 2
    assert "refits must be from 1 to 1000, got -1" in capfd.readouterr().err
    assert cli.invoke(["run", out, "--until", "2016-02-21 02:00", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["forecasts"][0]["ds"][-1] == "2016-02-21 02:00:00"
    assert cli.invoke(["report", out]) == 0
    assert capfd.readouterr().out.strip().endswith("report.html")
    assert cli.invoke(arguments) == 2
    assert "there is a model already" in capfd.readouterr().err
    resume = ["train", "forecast", str(data), "--out", out, "--resume", "--steps", "12", "--seconds", "0"]
    assert cli.invoke([*resume, "--hidden", "9"]) == 2
    assert "a run that goes on keeps its hidden; leave it out, or start anew" in capfd.readouterr().err
    assert cli.invoke(resume) == 0
    told = capfd.readouterr().out
    assert "this model" in told
    assert "in random order" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--horizon", "0"], "horizon must be an integer from 1"),
        (["--horizon", "400"], "at least 801 are needed"),
        (["--target", "z"], "no column 'z' for the target"),
        (["--quantiles", "a"], "expected levels such as 0.1,0.5,0.9"),
        (["--quantiles", "0.9,0.1"], "quantiles must rise"),
        (["--validation", "some"], "expected a share such as 0.1, or a number of steps"),
        (["--holdout", "1"], "holdout must be a share"),
        (["--seconds", "-1"], "seconds must be a number from 0"),
        (["--distribution", "poisson"], "distribution must be one of none, student_t, negative_binomial"),
        (["--distribution", "negative_binomial"], "is no count; choose another distribution"),
        (["--cell", "elman"], "'elman'"),
        (["--scaling", "log"], "scaling must be one of window, level, last, series"),
        (["--frequency", "fast"], "frequency: expected a name such as"),
        (["--every", "--segment", "2"], "segments of one step"),
    ],
)
def test_what_cannot_be(tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    data, out = table(tmp_path / "a.csv", 10), tmp_path / "m"
    assert cli.invoke(["train", "forecast", str(data), "--out", str(out), "--steps", "2", *arguments]) == 2
    told = capfd.readouterr()
    assert words in told.err
    assert told.err.count("\n") == 1
    assert not out.exists() or not any(out.iterdir())


def test_a_few_columns_of_a_wide_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i:02}/01/2016 0{h}:00,{i + h},{h},x" for i in range(1, 29) for h in range(8)]
    (tmp_path / "a.csv").write_text("date,a,b,c\n" + "\n".join(rows))
    arguments: list[Any] = ["train", "forecast", tmp_path / "a.csv", "--out", tmp_path / "m", "--target", "a,b"]
    arguments += ["--horizon", "2", "--frequency", "h", "--dayfirst", "--quantiles", "none", "--no-calendar"]
    assert cli.invoke([*map(str, arguments), *SMALL, "--validation", "20", "--steps", "2", "--json"]) == 0
    capfd.readouterr()
    options = json.loads((tmp_path / "m" / "config.json").read_text())["options"]
    chosen = {name: options[name] for name in ("target", "dayfirst", "quantiles", "calendar", "validation", "season")}
    assert chosen == {
        **{"target": ["a", "b"], "dayfirst": True, "quantiles": [], "calendar": False, "validation": 20},
        "season": 24,
    }


def sleeping(place: Path) -> list[str]:
    """A process that says which it is and then does not end by itself."""
    script = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); print('ready', flush=True)"
    return [sys.executable, "-c", f"{script}; time.sleep(600)", "pid"]


@needed
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes by /proc")
def test_a_stop_while_baselines_are_fitted_says_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(season: int, seconds: float) -> Sequence[Baseline]:
        return [Naive(), Statistical("AutoARIMA", seconds)]

    monkeypatch.setattr(compare, "all_baselines", slow)
    monkeypatch.setattr(statistical, "command", sleeping)
    monkeypatch.setattr(statistical, "_MOST_PROCESSES", 1)
    monkeypatch.chdir(tmp_path)
    data = table(tmp_path / "a.csv", 4)
    train = ["train", "forecast", str(data), "--horizon", "2", "--out", "m", "--steps", "2", *SMALL[:-1], "100"]
    for arguments, words in (
        (train, "stopped before it was scored; the model is in m, throughtime evaluate m DATA scores it"),
        (["evaluate", "m", str(data), "--seconds", "100"], "throughtime: stopped"),
    ):
        (tmp_path / "pid").unlink(missing_ok=True)
        process = Forked(tmp_path, arguments)
        process.until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
        assert process.stop(signal.SIGTERM) == 128 + signal.SIGTERM
        told = process.texts[1]
        assert words in told
        assert "Traceback" not in told
        assert not Path("/proc", (tmp_path / "pid").read_text()).exists()
    assert (tmp_path / "m" / "report.html").is_file()
    history = (tmp_path / "m" / "history.jsonl").read_text()
    assert "evaluation" not in history
