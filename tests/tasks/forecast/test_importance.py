"""What covariates are worth: the error that windows of another time bring, with its interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.forecast.tables import TINY
from throughtime.errors import UserError
from throughtime.storage.folder import write_atomically
from throughtime.tasks.forecast import insight
from throughtime.tasks.forecast.commands import show
from throughtime.tasks.forecast.report import write_report
from throughtime.tasks.forecast.score import importance_of
from throughtime.tasks.forecast.tables import TableForecaster
from throughtime.tasks.train import train

Made = tuple[Path, Path, dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A series that is what one column says beforehand, beside a column that says nothing."""
    folder = tmp_path_factory.mktemp("made")
    rng, count = np.random.default_rng(0), 600
    told, noise = rng.integers(0, 2, count), rng.random(count)
    y = 40 * told + rng.random(count)
    days = np.datetime64("2020-01-01") + np.arange(count)
    lines = [f"{d},{v:.3f},{a},{b:.3f}" for d, v, a, b in zip(days, y, told, noise, strict=True)]
    write_atomically(folder / "a.csv", ("ds,y,told,noise\n" + "\n".join(lines)).encode())
    options = {**TINY, "steps": 150, "lookback": 14, "horizon": 3, "future": ["told", "noise"], "calendar": False}
    return folder / "m", folder / "a.csv", train("forecast", folder / "a.csv", folder / "m", holdout=0.3, **options)


def test_what_tells_is_first(made: Made) -> None:
    first, second = made[2]["evaluation"]["importance"]
    assert (first["name"], second["name"]) == ("told", "noise")
    assert 5 < first["low"] <= first["rise"] <= first["high"] < 30  # half of the windows get the other of 0 and 40
    assert abs(second["rise"]) < 2
    assert second["low"] <= second["rise"] <= second["high"]
    assert first["sentence"].startswith("told: with that of other windows in its place the MAE of y rises by ")
    assert first["mae"] == pytest.approx(made[2]["evaluation"]["mae"], rel=0.2)


def test_it_is_told_and_shown(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder, data, summary = made
    show(summary["evaluation"])
    assert "told: with that of other windows" in capsys.readouterr().out
    page = write_report(folder).read_text("utf-8")
    assert "What the covariates are worth" in page
    assert "MAE rises by" in page
    found = insight.explained(folder, str(data), {"methods": ("occlusion",)})
    assert [entry["name"] for entry in found.importance] == ["told", "noise"]
    assert "What it reads beside the values" in str(found)
    assert found.to_json()["importance"] == found.importance


def test_parts_of_features(made: Made) -> None:
    model = TableForecaster.load(made[0])
    assert model.features.parts(model.ends().frequency) == [("told", 0, 1), ("noise", 1, 2)]


def test_nothing_is_said_without_windows(made: Made, tmp_path: Path) -> None:
    model = TableForecaster.load(made[0])
    lines = made[1].read_text().splitlines()
    write_atomically(tmp_path / "b.csv", "\n".join(lines[:421]).encode())  # what was learned, and no more
    panel = model.read(tmp_path / "b.csv")
    assert importance_of(model, panel, model.series(panel)) == []
    with pytest.raises(UserError):
        model.read(made[1].with_name("none.csv"))
