"""Backtests: which windows are scored, and the control in a shuffled order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tasks.forecast.tables import OPTIONS, TINY, table
from throughtime import Forecaster
from throughtime.baselines.compare import Backtest, control
from throughtime.errors import UserError
from throughtime.tasks.forecast.score import _first_origins, _origins, evaluate_folder
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.tables import TableForecaster
from throughtime.tasks.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scored")
    train("forecast", table(place / "data.csv"), place / "m", evaluate=False, **OPTIONS, **{**TINY, "steps": 2})
    return place


def test_what_was_learned_is_not_scored(folder: Path) -> None:
    """432 hours of 480 were learned, of the same hours wherever the table begins now."""
    model = TableForecaster.load(folder / "m")
    assert _first_origins(model, model.read(folder / "data.csv")) == [432, 432]
    lines = (folder / "data.csv").read_text().split("\n")
    (folder / "later.csv").write_text("\n".join([lines[0], *(one for one in lines[1:] if one[2:] > "2016-02-03")]))
    assert _first_origins(model, model.read(folder / "later.csv")) == [432 - 48, 432 - 48]
    (folder / "other.csv").write_text("\n".join(lines).replace("\na,", "\nc,"))
    assert _first_origins(model, model.read(folder / "other.csv")) == [48, 432]  # a new series: after a look-back
    (folder / "short.csv").write_text("\n".join([lines[0], *(one for one in lines[1:] if one[2:] < "2016-02-19")]))
    with pytest.raises(UserError, match="no series has 6 steps beyond what the model learned from"):
        _origins(model, model.read(folder / "short.csv"), None)


def test_a_stride_leaves_origins_out(folder: Path) -> None:
    model = TableForecaster.load(folder / "m")
    panel = model.read(folder / "data.csv")
    assert len(_origins(model, panel, None)) == 2 * 43
    assert _origins(model, panel, 10)[:, 1].tolist() == [432, 442, 452, 462, 472] * 2


def test_options_that_no_evaluation_has(folder: Path) -> None:
    for options, words in (
        ({"stride": 0}, "stride must be a positive number of steps, got 0"),
        ({"seconds": -1.0}, "seconds must be from 0 to below 1,000,000, got -1.0"),
        ({"metric": "rmse"}, "metric must be mae or mase, got 'rmse'"),
    ):
        with pytest.raises(UserError, match=words):
            evaluate_folder(folder / "m", folder / "data.csv", **options)  # type: ignore[arg-type]


def test_the_shuffled_order_is_a_control() -> None:
    rng = np.random.default_rng(0)
    values = np.zeros(1500)
    for t in range(4, 1500):  # only the order tells which value it was four steps ago
        values[t] = 0.95 * values[t - 4] + rng.standard_normal()
    model = Forecaster(1, segment=1, lookback=8, lags=(1,), hidden=16, embedding=16, scaling="series", threads=1)
    model.fit([values[:1200]], steps=300, batch=32, validation=False, learning_rate=1e-2)
    origins = np.stack([np.zeros(300, int), np.arange(1200, 1500)], 1)
    plain, mixed = (model.fitted().predict_at(Series([values]), origins, ["0"], shuffle=s)[..., 0] for s in (None, 0))
    error = [np.abs(found[:, 0] - values[1200:]).mean() for found in (plain, mixed)]
    assert error[1] > 1.5 * error[0]
    told = control(Backtest([values], origins, 1), mixed, plain)
    assert told["low"] > 0.3
    assert "above the model's own (95 % interval " in told["sentence"]
    assert told["sentence"].endswith("above over 300 windows).")
