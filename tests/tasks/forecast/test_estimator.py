"""Forecaster: learns what can be learned, sees nothing of the future, refuses what is no series."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast.job import ForecastJob
from throughtime.tasks.forecast.series import Series

SMALL: dict[str, Any] = {"horizon": 12, "season": 12, "hidden": 16, "embedding": 16, "threads": 1}


def seasonal(count: int = 12, steps: int = 300, noise: float = 0.05) -> list[np.ndarray]:
    """Series with a level, a trend, a season of 12 and some noise."""
    rng, t = np.random.default_rng(0), np.arange(steps)
    return [
        size * (20 + 0.02 * t + np.sin(2 * np.pi * (t + phase) / 12) + noise * rng.standard_normal(steps))
        for size, phase in zip(rng.uniform(0.1, 100, count), rng.integers(0, 12, count), strict=True)
    ]


@pytest.fixture(scope="module")
def fitted() -> tuple[Forecaster, list[np.ndarray]]:
    series = seasonal()
    return Forecaster(**SMALL).fit([one[:-12] for one in series], steps=200, batch=64), series


def test_it_beats_the_value_one_season_ago(fitted: tuple[Forecaster, list[np.ndarray]]) -> None:
    model, series = fitted
    forecast, actual = model.predict(), np.stack([one[-12:] for one in series])
    size = np.array([one.mean() for one in series])[:, None]
    ours = (np.abs(forecast - actual) / size).mean()
    naive = (np.abs(np.stack([one[-24:-12] for one in series]) - actual) / size).mean()
    assert forecast.shape == (12, 12)
    assert ours < 0.8 * naive  # which has its own noise, and no trend


def test_a_folder_gives_the_same_forecasts_without_torch(
    fitted: tuple[Forecaster, list[np.ndarray]], tmp_path: Path
) -> None:
    model, series = fitted
    model.save(tmp_path)
    loaded = throughtime.load(tmp_path)
    given = [one[:-12] for one in series]
    np.testing.assert_array_equal(loaded.predict(given)[..., 0], model.predict())


def test_forecasts_do_not_depend_on_company_unit_or_level(fitted: tuple[Forecaster, list[np.ndarray]]) -> None:
    model, series = fitted
    alone = model.predict([series[3]])[0]
    np.testing.assert_allclose(model.predict(series)[3], alone, rtol=1e-6)
    np.testing.assert_allclose(model.predict([1000 * series[3] - 5])[0], 1000 * alone - 5, rtol=1e-5)


def test_nothing_beyond_the_end_is_seen(fitted: tuple[Forecaster, list[np.ndarray]]) -> None:
    """The same training with another future in the part kept apart ends with the same parameters."""
    series = [one[:-12] for one in seasonal(4, 120)]
    planted = [np.concatenate([one[:-12], np.full(12, 1e6)]) for one in series]
    models = [Forecaster(**SMALL).fit(given, steps=20, batch=16) for given in (series, planted)]
    weights = [[model.model.parameters[name] for name in model.model.parameters] for model in models]  # type: ignore
    kept = [model.outcome.best_step for model in models]  # type: ignore[union-attr]
    losses = [[line["loss"] for line in model.outcome.history if "loss" in line] for model in models]  # type: ignore
    assert losses[0] == losses[1]
    if kept[0] == kept[1]:
        assert all((a == b).all() for a, b in zip(*weights, strict=True))


def test_quantiles_rise_and_cover() -> None:
    rng = np.random.default_rng(3)
    series = [rng.standard_normal(400) for _ in range(8)]  # nothing to learn but the spread
    model = Forecaster(4, quantiles=(0.1, 0.5, 0.9), hidden=8, embedding=8, lookback=24, threads=1)
    model.fit(series, steps=300, batch=128)
    found = model.predict()
    assert found.shape == (8, 4, 3)
    assert (np.diff(found, axis=-1) >= 0).all()
    assert -1.7 < found[..., 0].mean() < -0.9
    assert 0.9 < found[..., 2].mean() < 1.7


def test_missing_values_and_short_series() -> None:
    series = seasonal(6)
    rng = np.random.default_rng(1)
    for one in series:
        one[rng.random(len(one)) < 0.2] = np.nan
    model = Forecaster(**SMALL).fit([*series, series[0][:40]], steps=30, batch=32)
    assert np.isfinite(model.predict()).all()
    assert np.isfinite(model.predict([np.array([3.0])])).all()


def test_never_below_zero() -> None:
    series = [np.maximum(0, one) for one in np.random.default_rng(0).standard_normal((6, 100))]
    model = Forecaster(3, hidden=8, embedding=8, lookback=12, nonnegative=True, threads=1).fit(series, steps=5)
    assert (model.predict() >= 0).all()


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ([], "forecaster: series must be arrays"),
        ("file.csv", "no such file"),
        ([np.ones((3, 2))], "forecaster: series 0 must be .L,., got .3, 2."),
        ([np.ones(50), ["a"]], "forecaster: series 1 has values that are no numbers"),
        (
            {"y": np.ones(50), "ds": np.arange(50).astype("datetime64[us]")},
            "forecaster: series 1 holds times; .*read_series.columns.",
        ),
        ([np.ones(50), np.array([1.0, np.inf])], "forecaster: series 1 is infinite at step 1; use NaN"),
        (
            [np.ones(50), np.array([1.0, -2e300, np.nan])],
            "forecaster: series 1 has a value of size 2e.300, at most 1e.30",
        ),
        ([np.full(50, np.nan)], "forecaster: series 0 has no value at all"),
        ([np.ones(3)], "forecaster: the longest series has 3 steps, at least 4 are needed"),
    ],
)
def test_series_that_cannot_be(series: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Forecaster(3, hidden=4, embedding=4).fit(series, steps=1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"known": 1}, "known=1, but no features are given"),
        ({"features": [np.zeros((50, 2))]}, "features must be given for all 2 series, got 1"),
        ({"features": [np.zeros((50, 2)), np.zeros((40, 2))]}, "features of series 1 must be .50 or more, 2., got .40"),
        ({"features": [np.zeros((50, 2)), np.full((50, 2), np.nan)]}, "features of series 1 must be finite"),
        ({"features": [np.zeros((50, 2))] * 2, "known": 3}, "known must be from 0 to 2, got 3"),
        ({"ids": ["a"]}, "ids must be given for all 2 series, got 1"),
        ({"phases": [1, 2, 3]}, "phases must be given for all 2 series, got 3"),
    ],
)
def test_what_is_given_beside_series_fits_them(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Forecaster(3, hidden=4, embedding=4).fit([np.arange(50.0)] * 2, steps=1, **given)


def test_an_end_without_a_value() -> None:
    model = Forecaster(2, hidden=4, embedding=4, lookback=4, threads=1).fit([np.arange(30.0)], steps=1)
    with pytest.raises(UserError, match="series 0 has no value in its last 4 steps"):
        model.predict([np.array([1.0, *[np.nan] * 4])])
    with pytest.raises(UserError, match="expected a fitted model"):
        Forecaster(2).predict()


def test_a_folder_is_not_replaced_unasked(tmp_path: Path) -> None:
    series = [np.arange(30.0)]
    options: dict[str, Any] = {"hidden": 4, "embedding": 4, "lookback": 4, "threads": 1}
    Forecaster(2, **options).fit(series, tmp_path, steps=2)
    with pytest.raises(UserError, match="there is a model already"):
        Forecaster(2, **options).fit(series, tmp_path, steps=2)
    Forecaster(2, **options).fit(series, tmp_path, steps=2, force=True)
    assert np.isfinite(throughtime.load(tmp_path).predict(series)).all()


def test_quantiles_are_calibrated_on_the_validation_part() -> None:
    rng = np.random.default_rng(0)
    series = [10 + rng.standard_normal(3000)]
    options: dict[str, Any] = {"quantiles": (0.1, 0.5, 0.9), "scaling": "series", "hidden": 8, "embedding": 8}
    model = Forecaster(1, lookback=4, threads=1, **options).fit(series, steps=3, batch=16, validation=500)
    assert model.model is not None
    origins = np.stack([np.zeros(500, int), np.arange(2500, 3000)], 1)
    found = model.model.predict_at(Series(series), origins)[:, 0]
    actual = series[0][2500:]
    assert (actual <= found[:, 0]).mean() == pytest.approx(0.1, abs=0.005)  # after three steps nothing is learned yet
    assert (actual <= found[:, 2]).mean() == pytest.approx(0.9, abs=0.005)
    assert model.record is not None
    assert model.record.decided.shifts[1] == 0


def test_what_is_held_out_is_scored_beside_the_baselines() -> None:
    series = dict(zip("abc", seasonal(3, 160), strict=True))
    model = Forecaster(**SMALL, holdout=0.2).fit(series, steps=60, batch=32, seed=1)
    found = model.evaluate(seconds=0)
    assert found["windows"] == 3 * (32 - 12 + 1)
    assert found["mase"] > 0
    assert found["baselines"]["seasonal naive"]["mase"] > 0
    assert set(model.model.series.index.learned) == {128}  # type: ignore[union-attr]
    planted = {name: np.concatenate([one[:128], one[128:] + 1e6]) for name, one in series.items()}
    other = Forecaster(**SMALL, holdout=0.2).fit(planted, steps=60, batch=32, seed=1)
    for name, value in model.fitted().parameters.items():
        np.testing.assert_array_equal(value, other.fitted().parameters[name])  # the end was not learned from
    assert model.predict()[0] == pytest.approx(series["a"][-1], rel=0.2)  # but forecasts go on from it


def test_features_are_scored_as_they_were_given() -> None:
    rng = np.random.default_rng(0)
    driver = rng.standard_normal((206, 1)).astype(np.float32)
    series = 5 + 3 * driver[:200, 0]
    model = Forecaster(6, hidden=16, embedding=8, lookback=6, holdout=0.2, threads=1, scaling="series")
    model.fit([series], features=[driver], known=1, steps=250, batch=64, learning_rate=0.02)
    assert model.evaluate(seconds=0)["mae"] < 1.0  # the mean is off by 2.4: what is known of the steps ahead is read


def test_members_learn_side_by_side_in_the_bits_of_one_after_the_other() -> None:
    series = seasonal(2, 120)
    options: dict[str, Any] = {**SMALL, "ensemble_size": 3, "dropout": 0.2, "quantiles": (0.1, 0.5, 0.9)}
    each = [
        Forecaster(**{**options, "threads": threads}).fit(series, steps=12, batch=16, validation=40, quiet=True)
        for threads in (1, 2, 3)
    ]
    for one in each[1:]:
        assert one.outcome is not None
        assert each[0].outcome is not None
        assert one.outcome.best == each[0].outcome.best
        for name, value in each[0].fitted().parameters.items():
            np.testing.assert_array_equal(value, one.fitted().parameters[name])
    members = each[0].fitted().ensemble.members
    assert not np.array_equal(members[0]["output.W_hy"], members[1]["output.W_hy"])


def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = seasonal(2, 120)
    options: dict[str, Any] = {**SMALL, "ensemble_size": 2, "dropout": 0.2, "profile": 12, "quantiles": (0.1, 0.9)}
    more: dict[str, Any] = {"phases": [0, 5], "ids": ["a", "b"], "quiet": True}
    whole = Forecaster(**options).fit(series, steps=20, batch=16, validation=40, **more)
    loss, calls = ForecastJob.member_loss, []

    def stopping(job: ForecastJob, number: int, batch: Any) -> Any:
        if number == 0:
            calls.append(batch)
            if len(calls) == 9:
                os.kill(os.getpid(), signal.SIGINT)
        return loss(job, number, batch)

    monkeypatch.setattr(ForecastJob, "member_loss", stopping)
    stopped = Forecaster(**options).fit(series, tmp_path, steps=20, batch=16, validation=40, **more)
    monkeypatch.undo()
    assert stopped.outcome is not None
    assert (stopped.outcome.ended, stopped.outcome.steps) == ("interrupted", 9)
    assert throughtime.load(tmp_path).ensemble.shifts.shape == (2,)  # its quantiles are calibrated all the same
    again = Forecaster().fit(series, tmp_path, resume=True, **more)
    assert again.record is not None
    assert (again.record.options.profile, again.record.options.horizon) == (12, 12)
    for name, value in whole.fitted().parameters.items():
        np.testing.assert_array_equal(value, again.fitted().parameters[name])
    np.testing.assert_array_equal(whole.predict(), again.predict())
    np.testing.assert_array_equal(throughtime.load(tmp_path).predict(), again.predict())
    with pytest.raises(UserError, match="learns other series"):
        Forecaster().fit(series[::-1], tmp_path, resume=True, steps=30, **more)
    with pytest.raises(UserError, match="keeps its hidden; leave it out"):
        Forecaster().fit(series, tmp_path, resume=True, steps=30, hidden=9, **more)


def test_what_a_forecaster_says_of_itself(fitted: tuple[Forecaster, list[np.ndarray]]) -> None:
    assert "Forecaster(hidden=16, embedding=16, horizon=12, season=12" in repr(fitted[0]).replace("threads=1, ", "")
    assert "validation loss" in repr(fitted[0])
