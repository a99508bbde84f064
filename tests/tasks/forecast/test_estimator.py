"""Forecaster: learns what can be learned, sees nothing of the future, refuses what is no series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import throughtime
from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast.estimator import change
from throughtime.tasks.forecast.histories import Histories, Series
from throughtime.tasks.forecast.loss import LOSSES, quantile
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.windows import Epoch, Windows

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


def test_windows_are_every_origin_once() -> None:
    config = ForecastConfig.stack(2, 3, 4, (1,), Forecaster(4)._traces, hidden=3, embedding=3)
    series = [np.arange(20.0), np.arange(100.0, 107.0), np.full(30, np.nan), np.arange(3.0)]
    histories = Histories(config, series)
    windows = Windows(histories)
    assert sorted(map(tuple, windows.origins.tolist())) == [(0, o) for o in range(6, 17)] + [(1, 3)]
    batch = windows.batch(np.arange(len(windows)))
    for n, (one, origin) in enumerate(windows.origins):
        assert batch.actual[n].tolist() == series[one][origin : origin + 4].tolist()
        seen = series[one][max(0, origin - 6) : origin]
        assert batch.seen.level[n, 0] == pytest.approx(seen.mean())
        assert batch.seen.past[:, n, 2:].sum() == len(seen)
    assert [tuple(pair) for pair in Windows(histories, [4, 4, 4, 0], last=True).origins.tolist()] == [(0, 16), (1, 3)]
    assert Windows(histories, [10] * 4).origins.tolist() == [[0, 6]]
    epochs = [Epoch(windows, 5, [0, number]) for number in (0, 0, 1)]
    assert [len(epoch) for epoch in epochs] == [2, 2, 2]
    seen = [epoch[1][0].actual.tolist() for epoch in epochs]
    assert seen[0] == seen[1] != seen[2]


def test_losses_against_their_definitions() -> None:
    rng = np.random.default_rng(5)
    forecast, actual = rng.standard_normal((6, 4)), rng.standard_normal((6, 4))
    observed = (rng.random((6, 4)) < 0.7) * 1.0
    level, scale, changed = 50.0 + rng.random(6), 1.0 + rng.random(6), 2.0 + rng.random(6)
    arrays = [
        torch.from_numpy(v) for v in (forecast[..., None], actual, observed, np.stack([level, scale, changed], 1))
    ]
    f, y = (v * scale[:, None] + level[:, None] for v in (forecast, actual))
    error, kept = np.abs(f - y), observed == 1
    assert float(LOSSES["mae"](*arrays)) == pytest.approx(np.abs(forecast - actual)[kept].mean())
    assert float(LOSSES["mse"](*arrays)) == pytest.approx(((forecast - actual) ** 2)[kept].mean())
    both = 0.5 * error / changed[:, None] + 2.5 * 2 * error / (np.abs(f) + np.abs(y))
    assert float(LOSSES["mase_smape"](*arrays)) == pytest.approx(both[kept].mean(), rel=1e-4)
    assert float(quantile([0.5])(*arrays)) == pytest.approx(np.abs(forecast - actual)[kept].mean())
    tenth = np.where(actual > forecast, 0.1 * (actual - forecast), 0.9 * (forecast - actual))
    assert float(quantile([0.1])(*arrays)) == pytest.approx(2 * tenth[kept].mean())


def test_the_change_of_a_series() -> None:
    assert change(np.array([1.0, 5, 3, 6, np.nan, 9]), 2) == pytest.approx((2 + 1 + 3) / 3)
    assert change(np.full(10, 3.0), 2) == 1.0
    assert change(np.array([1.0, 4.0]), 5) == 3.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, "forecaster: horizon must be an integer from 1 to 1,048,576, got 0"),
        ({"season": 1.0}, "forecaster: season must be an integer from 1"),
        ({"quantiles": (0.9, 0.1)}, "forecaster: quantiles must rise and lie between 0 and 1"),
        ({"quantiles": (0.5, 1.0)}, "forecaster: quantiles must rise"),
        ({"loss": "rmse"}, "forecaster: loss must be mae, mse or mase_smape, got 'rmse'"),
        ({"seed": -1}, "forecaster: seed must be"),
        ({"cell": "nobody"}, "nobody"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Forecaster(**({"horizon": 3} | options))


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ([], "forecaster: series must be arrays"),
        ("file.csv", "no such file"),
        ([np.ones((3, 2))], "forecaster: series 0 must be .L,., got .3, 2."),
        ([np.ones(50), ["a"]], "forecaster: series 1 has values that are no numbers"),
        ([np.ones(50), np.array([1.0, np.inf])], "forecaster: series 1 is infinite at step 1; use NaN"),
        ([np.full(50, np.nan)], "forecaster: series 0 has no value at all"),
        ([np.ones(3)], "forecaster: the longest series has 3 steps, at least 4 are needed"),
    ],
)
def test_series_that_cannot_be(series: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Forecaster(3, hidden=4, embedding=4).fit(series, steps=1)


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


def test_quantiles_that_cross_are_put_in_order() -> None:
    from throughtime.tasks.forecast.model import initial_parameters
    from throughtime.tasks.forecast.series_model import SeriesModel

    config = ForecastConfig.stack(2, 3, 2, (1,), Forecaster(4)._traces, hidden=3, embedding=3, outputs=2)
    parameters = initial_parameters(config, np.random.default_rng(0))
    parameters["output.b_y"] += np.array([1, -1, 1, -1], np.float32)
    found = SeriesModel(config, parameters, levels=(0.1, 0.9)).predict([np.arange(6.0)])
    assert (found[..., 0] < found[..., 1]).all()


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
    assert model.config["forecast"]["shifts"][1] == 0
