"""The linear map that a forecaster begins with: a regression, smoothing and their mixture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.storage.folder import WEIGHTS, read_weights
from throughtime.tasks.forecast.linear import _shares
from throughtime.tasks.forecast.model import CONSTANT, LINEAR
from throughtime.tasks.forecast.smoothing import SEASONAL, SEASONAL_LEVELS, smoothings

SMALL: dict[str, Any] = {"hidden": 8, "embedding": 8, "season": 1, "segment": 1, "lookback": 16, "threads": 1}
UNTRAINED: dict[str, Any] = {"steps": 1, "average": 0.0, "learning_rate": 1e-9, "quiet": True}


def waves(steps: int = 500) -> np.ndarray:
    """A sum of two waves, of which four values tell the next one, and little noise."""
    t = np.arange(steps)
    noise = 0.01 * np.random.default_rng(0).standard_normal(steps)
    whole: np.ndarray = np.sin(0.5 * t) + np.sin(0.9 * t + 1) + noise
    return whole


@pytest.fixture(scope="module")
def untrained() -> Forecaster:
    return Forecaster(3, holdout=0.2, linear=12, **SMALL).fit([waves()], **UNTRAINED)


def test_a_map_is_there_before_anything_is_learned(untrained: Forecaster) -> None:
    without = Forecaster(3, holdout=0.2, linear=0, **SMALL).fit([waves()], **UNTRAINED)
    ours, theirs = (one.evaluate(seconds=0) for one in (untrained, without))
    assert ours["mae"] < 0.1 * theirs["mae"]


def test_training_leaves_the_map_alone(untrained: Forecaster, tmp_path: Path) -> None:
    trained = Forecaster(3, holdout=0.2, linear=12, **SMALL).fit([waves()], tmp_path, steps=20, quiet=True)
    before, after = untrained.fitted().parameters, trained.fitted().parameters
    np.testing.assert_array_equal(before[LINEAR], after[LINEAR])
    np.testing.assert_array_equal(before[CONSTANT], after[CONSTANT])
    assert not np.array_equal(before["mixture"], after["mixture"])
    assert read_weights(tmp_path / WEIGHTS)[LINEAR].shape == (3, 16)
    np.testing.assert_array_equal(throughtime.load(tmp_path).predict()[..., 0], trained.predict())


def test_where_values_are_missing_the_last_one_stands_in(untrained: Forecaster) -> None:
    whole = waves()[:300]
    gaps = whole.copy()
    gaps[[290, 294]] = np.nan
    model = untrained.fitted()
    assert np.isfinite(model.predict([gaps])).all()
    assert np.abs(model.predict([gaps]) - model.predict([whole])).max() > 0
    filled = gaps.copy()
    filled[[290, 294]] = whole[299]
    np.testing.assert_allclose(model.predict([gaps]), model.predict([filled]), atol=0.05)


def test_a_mixture_takes_what_is_right_and_nothing_below_zero() -> None:
    rng = np.random.default_rng(0)
    errors = rng.standard_normal((4, 400))
    errors[2] *= 1e-4
    errors[3] = errors[0] + 2 * rng.standard_normal(400)
    shares = _shares(errors @ errors.T)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(), 1)
    assert shares[2] > 0.999
    even = rng.standard_normal((2, 20_000))
    np.testing.assert_allclose(_shares(even @ even.T), 0.5, atol=0.02)


def _holt_winters(values: np.ndarray, horizon: int, season: int, a: float, g: float) -> list[float]:
    """As the equations are printed, value by value."""
    level = values[:season].mean()
    course = list(values[:season] - level)
    for t in range(season, len(values)):
        level, before = a * (values[t] - course[t - season]) + (1 - a) * level, course[t - season]
        course.append(g * (values[t] - level) + (1 - g) * before)
    return [level + course[len(values) - season + k % season] for k in range(horizon)]


def test_smoothing_is_what_its_equations_say() -> None:
    values = np.random.default_rng(0).standard_normal(23).cumsum()
    found = [values @ one for one in smoothings(23, 7, 5)]
    for one in smoothings(23, 7, 5):
        np.testing.assert_allclose(one.sum(0), 1)
    level = values[0]
    for value in values[1:]:
        level = 0.4 * value + 0.6 * level
    np.testing.assert_allclose(found[4], level)
    np.testing.assert_allclose(found[7], [*values[-5:], *values[-5:-3]])
    wanted = [_holt_winters(values, 7, 5, a, g) for a in SEASONAL_LEVELS for g in SEASONAL]
    np.testing.assert_allclose(found[8:], wanted)
    assert len(list(smoothings(9, 7, 5))) == len(list(smoothings(9, 7, 1))) == 7


def test_smoothing_joins_in_where_a_regression_has_too_much_to_learn() -> None:
    """Noise around a level: of 24 values a regression learns weights, smoothing next to none."""
    noise = np.random.default_rng(3).standard_normal(70)
    model = Forecaster(2, **{**SMALL, "lookback": 24}, linear=24).fit([noise], **UNTRAINED)
    weights = model.fitted().parameters[LINEAR].mean(0)
    assert np.abs(weights[:-1] - 1 / 24).max() < 0.15


def test_a_straight_line_goes_on() -> None:
    line = 0.25 * np.arange(200.0)
    model = Forecaster(4, scaling="last", **{**SMALL, "lookback": 8}, linear=8).fit([line], **UNTRAINED)
    np.testing.assert_allclose(model.predict()[0], line[-1] + 0.25 * np.arange(1, 5), atol=0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"linear": 17}, "linear must be at most the look-back, 16, got 17"),
        ({"linear": 4, "lags": (2,)}, "the last value among its lags, got linear=4"),
        ({"linear": 4, "every": True}, "of a model with outputs after it"),
    ],
)
def test_maps_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Forecaster(3, **SMALL, **given).fit([waves(100)], **UNTRAINED)


def test_what_is_chosen() -> None:
    def chosen(values: np.ndarray, **given: Any) -> int | None:
        model = Forecaster(**{**SMALL, "horizon": 3, **given}).fit([values], **UNTRAINED)
        assert model.record is not None
        return model.record.options.linear

    assert chosen(waves()) == 12  # four horizons
    assert chosen(waves(), season=7) == 14
    assert chosen(waves(), season=30) == 16  # the look-back
    assert chosen(waves(), every=True) == 0
    assert chosen(waves(), lags=(2, 3)) == 0
    assert chosen(waves(), season=24, lookback=48, profile=24, horizon=1) == 0
