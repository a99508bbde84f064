"""Looking inside forecasters: explanations and diagnoses."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast import insight as forecast_insight
from throughtime.tasks.forecast.series import Series

OPTIONS = {
    "segments": {"season": 12},
    "single steps": {"segment": 1, "lookback": 30, "season": 6},
    "the series' scale and quantiles": {"season": 6, "scaling": "series", "quantiles": [0.1, 0.5, 0.9]},
    "from the last value": {"season": 6, "scaling": "last", "lags": [1, 6]},
    "an output at every step": {"every": True, "season": 6, "lookback": 40, "lags": [1, 6]},
    "a profile": {"season": 6, "scaling": "series", "profile": 6},
    "a distribution": {"season": 6, "distribution": "student_t"},
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_explanation_of_a_forecaster_explains_its_forecast(kind: str) -> None:
    t = np.arange(240)
    series = np.sin(t / 2) + t / 100 + 0.1 * np.random.default_rng(0).standard_normal(240)
    series[100], series[-3] = np.nan, np.nan
    options = OPTIONS[kind]
    forecaster = Forecaster(6, hidden=12, embedding=8, threads=1, steps=40, batch=32, **options)
    model = forecaster.fit([series], quiet=True).model
    assert model is not None
    found = forecast_insight.explain(model, Series([series]))
    if kind != "a distribution":  # its median is not its place
        wanted = model.predict([series])[0]
        middle = wanted[:, 1] if wanted.shape[1] == 3 else wanted[:, 0]
        shifts = model.ensemble.shifts
        shift = shifts[1] if len(shifts) > 1 else 0.0
        assert shift == 0.0
        assert found.score == pytest.approx(float(middle.mean()), rel=1e-4, abs=1e-4)
    assert len(found.parts) == model.config.warm + model.config.lookback
    assert found.attributions["occlusion"][-3] == 0  # a missing value did nothing
    assert np.abs(found.attributions["occlusion"]).max() > 0


def test_a_forecasters_references_are_followed() -> None:
    """A forecaster that has learned nothing repeats its references: the last value, and one season ago."""
    rng = np.random.default_rng(0)
    series = rng.standard_normal(200)
    model = Forecaster(4, season=4, segment=1, lookback=20, lags=[1, 4], linear=0, hidden=8, threads=1)
    found = model.fit([series], steps=1, average=0.0, learning_rate=1e-9, quiet=True).model
    assert found is not None
    one = forecast_insight.explain(found, Series([series]), step=2)
    weights = one.attributions["occlusion"]
    assert set(np.flatnonzero(np.abs(weights) > 1e-4).tolist()) == {17, 19}  # of 20: a season before, and the last
    with pytest.raises(UserError, match="from 1 to the horizon, 4"):
        forecast_insight.explain(found, Series([series]), step=5)


def test_a_forecaster_is_diagnosed() -> None:
    series = np.sin(np.arange(300) / 3)
    model = Forecaster(4, season=6, segment=1, lookback=24, hidden=8, threads=1)
    model.fit([series], steps=20, batch=16, quiet=True)
    found = model.diagnose()
    assert found.at_end
    assert found.layers[0].steps == 24
    every = Forecaster(4, season=6, every=True, lookback=24, hidden=8, threads=1)
    every.fit([series], steps=5, batch=16, quiet=True)
    assert not every.diagnose().at_end
