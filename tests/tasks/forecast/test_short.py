"""Short series, and options of models that are trained anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from throughtime import Forecaster, cli
from throughtime.tasks.forecast import backtest
from throughtime.tasks.train import train

TINY: dict[str, Any] = {"hidden": 8, "embedding": 8, "threads": 1, "steps": 20, "seconds": 0, "quiet": True}


def months(path: Path, count: int = 132) -> Path:
    rng = np.random.default_rng(0)
    dates = np.datetime64("2010-01") + np.arange(count)
    values = 100 + 10 * np.sin(2 * np.pi * np.arange(count) / 12) + rng.standard_normal(count)
    path.write_text("month,store,sales\n" + "\n".join(f"{d}-01,x,{v:.2f}" for d, v in zip(dates, values, strict=True)))
    return path


def test_a_short_series_gets_a_verdict(tmp_path: Path) -> None:
    found = train("forecast", str(months(tmp_path / "a.csv")), tmp_path / "m", horizon=12, **TINY)["evaluation"]
    assert found["windows"] < 5  # of the part that is held out
    assert found["refitted"]["refits"] == 8
    verdict = found["verdict"]
    assert verdict["groups"] >= 5
    assert -np.inf < verdict["low"] <= verdict["gain"] <= verdict["high"] < np.inf
    assert verdict["sentence"].startswith("Of 8 models trained anew, each from an earlier origin: ")
    assert "95 % interval" in verdict["sentence"]


def test_models_trained_anew_choose_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the whole of the data chose says something of what is to be forecast."""
    options = {name: value for name, value in TINY.items() if name not in ("quiet", "steps")}
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.standard_normal(150), 9 * np.sin(2 * np.pi * np.arange(300) / 7)])
    model = Forecaster(6, **options, steps=3).fit([values], quiet=True)
    assert model.record is not None
    assert model.record.options.season == 7
    seen: list[Any] = []
    fit = Forecaster.fit

    def noted(self: Forecaster, *arguments: Any, **more: Any) -> Forecaster:
        found = fit(self, *arguments, **more)
        assert found.record is not None
        seen.append(found.record.options)
        return found

    monkeypatch.setattr(Forecaster, "fit", noted)
    frame = pandas.DataFrame({"ds": pandas.date_range("2020", periods=450), "y": values})
    model = Forecaster(6, **options, steps=3, calendar=False).fit(frame, quiet=True)
    backtest.refitted(model, model.examples.panel, [np.array([[0, 140]]), np.array([[0, 440]])])  # type: ignore[union-attr]
    assert [one.season for one in seen[1:]] == [1, 7]
    assert [one.hidden for one in seen] == [8, 8, 8]


def test_the_column_of_names_keeps_its_own(tmp_path: Path) -> None:
    frame = pandas.DataFrame(
        {
            "day": [*pandas.date_range("2024", periods=60)] * 2,
            "shop": ["a"] * 60 + ["b"] * 60,
            "y": np.arange(120) % 7.0,
        }
    )
    options = {name: value for name, value in TINY.items() if name != "quiet"}
    model = Forecaster(3, **options).fit(frame, quiet=True)
    assert model.predict(frame).columns[:2].tolist() == ["shop", "day"]
    assert model.predict().columns[:2].tolist() == ["shop", "day"]


def test_forecasts_go_into_no_folder_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    train("forecast", str(months(tmp_path / "a.csv")), tmp_path / "m", horizon=6, evaluate=False, **TINY)
    for name in ("csv", "plot"):
        to = tmp_path / "no" / f"f.{'csv' if name == 'csv' else 'svg'}"
        assert cli.invoke(["run", str(tmp_path / "m"), f"--{name}", str(to)]) == 2
        assert f"there is no folder {to.parent}; make it, or choose another --{name}" in capfd.readouterr().err
        assert not to.parent.exists()
