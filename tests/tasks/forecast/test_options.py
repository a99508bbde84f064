"""What one can choose when series are learned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast.options import LEVELS, ForecastOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, "forecaster: horizon must be an integer from 1 to 1,048,576, got 0"),
        ({"season": 1.0}, "forecaster: season must be an integer from 1"),
        ({"quantiles": (0.9, 0.1)}, "forecaster: quantiles must rise and lie between 0 and 1"),
        ({"quantiles": (0.5, 1.0)}, "forecaster: quantiles must rise"),
        ({"quantiles": 0.5}, "forecaster: quantiles must be a list of levels"),
        ({"loss": "rmse"}, "forecaster: loss must be one of mae, mse, mase_smape, got 'rmse'"),
        ({"scaling": "log"}, "forecaster: scaling must be one of window, level, last, series, got 'log'"),
        ({"seed": -1}, "forecaster: seed must be"),
        ({"ensemble_size": 1000}, "forecaster: ensemble_size must be an integer from 1 to 999, got 1000"),
        ({"validation": 1.5}, "forecaster: validation must be a share from 0 to below 1, or a number of steps"),
        ({"validation": -3}, "forecaster: validation must be a share"),
        ({"holdout": 1}, "forecaster: holdout must be a share from 0 to below 1"),
        ({"lags": (0, 1)}, "forecaster: lags must be an integer from 1"),
        ({"every": True, "segment": 4}, "forecaster: an output at every step takes segments of one step, got 4"),
        ({"members": 2}, "forecaster: unknown option 'members'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Forecaster(**({"horizon": 3} | options))


def test_a_cell_that_is_none_is_told_when_it_is_needed() -> None:
    with pytest.raises(UserError, match="nobody"):
        Forecaster(3, cell="nobody").fit([range(50)], steps=1)


def test_horizon_and_season_come_first() -> None:
    assert ForecastOptions(6, 12) == ForecastOptions(horizon=6, season=12)
    assert "horizon=6, season=12" in repr(Forecaster(6, 12))


def test_options_survive_json() -> None:
    options = ForecastOptions(
        6, past=["a", "b"], lags=[1, 7], quantiles=[0.1, 0.9], validation=30, cell=["gru", "lstm"]
    )
    again = ForecastOptions.from_json(json.loads(json.dumps(options.to_json())))
    assert again.to_json() == options.to_json()
    assert (again.lags, again.quantiles, again.validation) == ((1, 7), (0.1, 0.9), 30)


def test_validation_in_every_form() -> None:
    for value, meant in [(True, 0.1), (False, 0), (0.0, 0), (0.25, 0.25), (12, 12)]:
        assert ForecastOptions(validation=value).validation == meant


def test_what_the_command_chooses() -> None:
    chosen = ForecastOptions.for_command()
    assert (chosen.quantiles, chosen.scaling, chosen.holdout) == (LEVELS, None, 0.1)
    assert (ForecastOptions().quantiles, ForecastOptions().scaling, ForecastOptions().holdout) == ((), None, 0.0)
