"""Forecasts beyond the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.models.resolve import trace_of
from throughtime.tasks.forecast import rollout
from throughtime.tasks.forecast.ensemble import Ensemble, prefixes
from throughtime.tasks.forecast.model import ForecastConfig, initial_parameters
from throughtime.tasks.forecast.rollout import draw
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.stream import SeriesModel


def model(levels: tuple[float, ...] = (), count: int = 1, horizon: int = 3, **more: Any) -> SeriesModel:
    rng = np.random.default_rng(3)
    size = {"hidden": 8, "embedding": 6, "outputs": max(1, len(levels)), "scaling": "series", **more}
    segments = 10 if size.get("every") else 4
    segment = 1 if size.get("every") else 3
    config = ForecastConfig.stack(segment, segments, horizon, (1, 4), [trace_of("gru")], **size)
    parameters = {}
    for prefix in prefixes(count):
        values = initial_parameters(config, rng)
        values["output.W_hy"] = 0.3 * rng.standard_normal(values["output.W_hy"].shape).astype(np.float32)
        parameters.update({prefix + name: value for name, value in values.items()})
    return SeriesModel(Ensemble(config, parameters, levels, size=count))


def series(count: int = 3, features: int = 0, ahead: int = 0) -> Series:
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(30 + 5 * n).cumsum() + 10 * n for n in range(count)]
    extra = [rng.standard_normal((len(v) + ahead, features)).astype(np.float32) for v in values] if features else None
    return Series(values, extra)


@pytest.mark.parametrize("more", [{}, {"every": True}, {"every": True, "count": 2}, {"known": 2, "features": 2}])
def test_a_model_goes_on_from_its_own_forecasts(more: dict[str, Any]) -> None:
    own = model(**more)
    given = series(features=more.get("features", 0), ahead=9)
    found = own.predict(given, steps=7)
    known = own.statistics(given)
    assert found.shape == (3, 7, 1)
    for n, history in enumerate(given.values):
        longer = history.copy()
        for _ in range(3):  # by hand: forecast, append, forecast again, in the scale of the observations
            features = None if given.features is None else [given.features[n]]
            one = Series([longer], features)
            own.statistics = lambda *_, n=n: known.of_some(np.array([n]))  # type: ignore[method-assign]
            longer = np.concatenate([longer, own.predict(one)[0, :, 0]])
        np.testing.assert_allclose(found[n, :, 0], longer[len(history) :][:7], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("every", [False, True])
def test_paths_spread_and_begin_as_the_direct_forecast(every: bool) -> None:
    own = model((0.1, 0.5, 0.9), every=every)
    found = own.predict(series(), steps=9, seed=1)
    assert found.shape == (3, 9, 3)
    np.testing.assert_allclose(found[:, :3], own.predict(series()), rtol=1e-5, atol=1e-5)
    assert (np.diff(found, axis=-1) >= 0).all()
    np.testing.assert_array_equal(found, own.predict(series(), steps=9, seed=1))
    assert not np.array_equal(found, own.predict(series(), steps=9, seed=2))
    np.testing.assert_array_equal(own.predict(series(), steps=2), own.predict(series())[:, :2])


def test_draws_have_the_quantiles_they_are_drawn_by() -> None:
    levels = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    places = np.log(levels / (1 - levels))  # of the logistic distribution: its tails are met too
    shares = (np.arange(20000) + 0.5) / 20000
    found = draw(np.tile(places, (20000, 1, 1)), levels, shares)[:, 0]
    np.testing.assert_allclose(
        np.quantile(found, [0.02, 0.1, 0.5, 0.9, 0.98]), np.log([1 / 49, 1 / 9, 1, 9, 49]), atol=5e-3
    )


def test_what_is_known_of_the_past_alone_ends_at_the_horizon() -> None:
    with pytest.raises(UserError, match="what the model reads of the past alone is not known there"):
        model(known=1, features=2).predict(series(features=2, ahead=9), steps=9)
    with pytest.raises(UserError, match="steps must be an integer from 1 to 100,000, got 0"):
        model().predict(series(), steps=0)


@pytest.mark.parametrize("more", [{}, {"known": 2, "features": 2}, {"every": True}])
@pytest.mark.parametrize("levels", [(), (0.1, 0.5, 0.9)])
def test_how_many_steps_are_asked_for_changes_none_of_them(levels: tuple[float, ...], more: dict[str, Any]) -> None:
    """Each step is what it is among 9 steps ahead, three horizons."""
    own, given = model(levels, **more), series(features=more.get("features", 0), ahead=9)
    whole = own.predict(given, steps=9)
    for steps in (1, 2, 3, 4, 5, 7, 8):
        np.testing.assert_allclose(own.predict(given, steps=steps), whole[:, :steps], rtol=1e-6, err_msg=str(steps))


def test_so_of_more_series_than_go_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "_ROWS", 200)  # one after the other
    own, given = model((0.1, 0.5, 0.9)), series()
    np.testing.assert_array_equal(own.predict(given, steps=5), own.predict(given, steps=9)[:, :5])


def test_what_is_known_beforehand_must_reach_whole_horizons() -> None:
    own = model(known=2, features=2)
    with pytest.raises(UserError, match="series 0 are known 3 steps beyond its end, 6 are needed"):
        own.predict(series(features=2, ahead=3), steps=4)
    with pytest.raises(UserError, match="series 0 are known 2 steps beyond its end, 3 are needed"):
        own.predict(series(features=2, ahead=2), steps=1)
    with pytest.raises(UserError, match=r"the model reads 2 features beside the values \(the calendar, covariates\)"):
        own.predict(series())
    with pytest.raises(UserError, match=r"features of series 0 must be \(., 2\), got \(33, 1\)"):
        own.predict(series(features=1, ahead=3))
