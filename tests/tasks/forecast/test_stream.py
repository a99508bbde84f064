"""A series as it comes: the numbers of a batch run, a state that can be saved, an alert."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.models.resolve import trace_of
from throughtime.tasks.forecast.ensemble import Ensemble
from throughtime.tasks.forecast.model import ForecastConfig, initial_parameters
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.stream import SeriesModel, SeriesStream

Fitted = tuple[SeriesModel, list[np.ndarray], list[np.ndarray]]


@pytest.fixture(scope="module", params=[(False, ()), (False, (0.1, 0.5, 0.9)), (True, ()), (True, (0.1, 0.5, 0.9))])
def fitted(request: pytest.FixtureRequest) -> Fitted:
    """A model with an output at every step or after each window, of points or quantiles; its series and features."""
    every, quantiles = request.param
    rng = np.random.default_rng(0)
    series = [np.sin(np.arange(200) / 4) * 3 + rng.standard_normal(200) * 0.1 + 7 for _ in range(2)]
    series[0][50:53], series[0][100:125] = np.nan, np.nan  # longer than what the references reach back
    features = [rng.standard_normal((204, 2)).astype(np.float32) for _ in range(2)]
    options: dict[str, Any] = {"hidden": 8, "embedding": 8, "lags": (1, 12), "profile": 25, "scaling": "series"}
    model = Forecaster(4, 12, segment=1, lookback=24, every=every, quantiles=quantiles, ensemble_size=2, **options)
    model.fit(series, features=features, known=1, steps=20, batch=16, threads=1, ids=["u", "v"])
    return model.fitted(), series, features


def observation(series: list[np.ndarray], features: list[np.ndarray], i: int) -> tuple[float, np.ndarray]:
    coming = features[0][i : i + 5].copy()
    coming[1:, 1] = 99.0  # what is only known of the past is not read ahead
    return series[0][i], coming


def same(one: Any, other: Any) -> bool:
    """Whether two states are the same, bit for bit."""
    arrays = [{name: value.tobytes() for name, value in state[0].items()} for state in (one, other)]
    return bool(arrays[0] == arrays[1] and one[1] == other[1])


def test_a_stream_gives_the_numbers_of_a_batch(fitted: Fitted) -> None:
    model, series, features = fitted
    origins = np.stack([np.zeros(150, int), np.arange(1, 151)], 1)
    batch = model.predict_at(Series(series, features), origins, ["u", "v"])
    stream = model.stream(id="u")
    for i in range(150):
        forecast = stream.feed(observation(series, features, i))
        assert forecast == pytest.approx(batch[i], rel=1e-4, abs=1e-4, nan_ok=True), i
        assert np.isnan(forecast).any() == (i in (123, 124))  # after an outage as long as the look-back, 24 steps
    started = SeriesStream(model, series[0][:149], features[0], id="u")
    assert started.feed(observation(series, features, 149)) == pytest.approx(batch[149], rel=1e-4, abs=1e-4)


def test_a_stream_goes_on_where_it_was_saved(fitted: Fitted) -> None:
    model, series, features = fitted
    stream = model.stream(id="u", phase=7)
    for i in range(60):
        stream.feed(observation(series, features, i))
    saved = stream.save()
    rest = [stream.feed(observation(series, features, i)) for i in range(60, 80)]
    other = model.stream(series[1][:30] + 50, features[1])  # of another series, with another scale
    before, state = other.save(), other.state()
    other.restore(saved)
    assert other.forecast.shape == rest[0].shape
    again = [other.feed(observation(series, features, i)) for i in range(60, 80)]
    np.testing.assert_array_equal(np.array(rest), np.array(again))
    other.restore(before)
    assert same(other.state(), state)
    stream.reset()
    first = model.stream(id="u", phase=7).feed(observation(series, features, 0))
    np.testing.assert_array_equal(stream.feed(observation(series, features, 0)), first)


def test_states_that_cannot_be(fitted: Fitted) -> None:
    model, series, features = fitted
    stream = model.stream(series[0][:40], features[0], id="u")
    saved, (arrays, rest) = stream.save(), stream.state()
    damaged = [
        ({**arrays, "measures": np.array([[0.0, 0.0]])}, rest, "a scale above 0"),
        ({**arrays, "measures": np.array([[np.nan, 1.0]])}, rest, "finite numbers"),
        ({**arrays, "values": np.full_like(arrays["values"], np.inf)}, rest, "finite numbers"),
        ({**arrays, "values": arrays["values"][1:]}, rest, "the state's values must be"),
        (arrays, {**rest, "step": -1}, "the state is damaged"),
        (arrays, {**rest, "misses": [1]}, "the state is damaged"),
        (arrays, {**rest, "latest": float("inf")}, "the state is damaged"),
    ]
    for bad_arrays, bad_rest, words in damaged:
        with pytest.raises(UserError, match=words):
            stream.set_state((bad_arrays, bad_rest))
    with pytest.raises(UserError, match="it is damaged"):
        stream.restore(saved[:-4])
    assert same(stream.state(), (arrays, rest))


def test_an_alert_when_forecasts_stop_holding() -> None:
    rng = np.random.default_rng(0)
    config = ForecastConfig.stack(1, 12, 1, (1,), [trace_of("gru")], hidden=4, embedding=4, outputs=3, scaling="series")
    parameters = initial_parameters(config, rng)
    parameters["mixture"][:] = 0.0
    parameters["output.b_y"][:] = np.array([-1.6, 0.0, 1.6], np.float32) * np.sqrt(np.pi / 2)
    stream = SeriesStream(
        SeriesModel(Ensemble(config, parameters, (0.1, 0.5, 0.9))), 10 + rng.standard_normal(300), watch=50
    )
    alerts = []
    for _ in range(100):
        stream.feed(10 + rng.standard_normal())
        alerts.append(stream.alert is not None)
    assert sum(alerts) <= 5
    for _ in range(20):
        stream.feed(10 + 8 * rng.standard_normal())
    assert stream.alert is not None
    assert "left their 80% interval" in stream.alert
    told, rest = stream.alert, SeriesStream(stream.model, np.arange(5.0))
    rest.restore(stream.save())
    assert rest.alert == told


def test_observations_that_cannot_be(fitted: Fitted) -> None:
    model, series, features = fitted
    stream = model.stream(id="u")
    for value, words in (
        (np.inf, "an observation must be a number, or NaN where missing"),
        (1.0, "features must be .1 . K, 2., got None"),
        ((1.0, np.zeros((5, 3))), "features must be .1 . K, 2., got .5, 3."),
    ):
        with pytest.raises(UserError, match=words):
            stream.feed(value)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="the model reads 2 features beside the values; give them"):
        model.stream(series[0], id="u")
    with pytest.raises(UserError, match="a new series needs a history to take its scale from"):
        model.stream(id="w")
    with pytest.raises(UserError, match="watch must be an integer from 1 up"):
        model.stream(series[0], features[0], watch=0)


def test_quantiles_that_cross_are_put_in_order() -> None:
    config = ForecastConfig.stack(2, 3, 2, (1,), [trace_of("gru")], hidden=3, embedding=3, outputs=2)
    parameters = initial_parameters(config, np.random.default_rng(0))
    parameters["output.b_y"] += np.array([1, -1, 1, -1], np.float32)
    found = SeriesModel(Ensemble(config, parameters, (0.1, 0.9))).predict([np.arange(6.0)])
    assert (found[..., 0] < found[..., 1]).all()


@pytest.mark.parametrize(
    ("form", "period", "words"),
    [
        ({"levels": (0.1, 0.9)}, 0, "1 outputs, but 2 quantiles"),
        ({"shifts": (0.1,)}, 0, "shifts must be 0 numbers"),
        ({}, 7, "profile 7, but the model sees none"),
        ({"size": 2}, 0, "parameters do not fit the configuration"),
    ],
)
def test_parts_that_do_not_fit_together(form: dict[str, Any], period: int, words: str) -> None:
    config = ForecastConfig.stack(2, 3, 2, (1,), [trace_of("gru")], hidden=3, embedding=3)
    parameters = initial_parameters(config, np.random.default_rng(0))
    with pytest.raises(UserError, match=words):
        SeriesModel(Ensemble(config, parameters, **form), period)


@pytest.mark.parametrize("every", [False, True])
def test_after_a_long_outage_nothing_is_forecast(every: bool) -> None:
    """Eight steps are looked at; the ninth forecast of an outage is none, and so it stays until a value comes."""
    values = 10 + np.sin(np.arange(60.0))
    model = Forecaster(2, every=every, segment=1, lookback=8, lags=(1,), scaling="series", hidden=4, embedding=4)
    stream = model.fit([values], steps=2, threads=1, ids=["u"]).fitted().stream(id="u")
    assert np.isnan(stream.forecast).all()
    assert np.isnan(stream.feed(math.nan)).all()
    stream.feed(10.0)
    found = [bool(np.isnan(stream.feed(math.nan)).all()) for _ in range(10)]
    assert found == [False] * 7 + [True] * 3
    saved = stream.save()
    assert np.isfinite(stream.feed(10.0)).all()
    stream.restore(saved)
    assert np.isnan(stream.feed(math.nan)).all()
    with pytest.raises(UserError, match="series 0 has no value in its last 8 steps"):
        model.predict([np.array([10.0, *[math.nan] * 8])])
