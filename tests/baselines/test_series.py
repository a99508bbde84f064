"""Baselines of series, their metrics, and the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from tests.baselines.made import series
from throughtime.baselines import series_metrics as metrics
from throughtime.baselines.compare import Backtest, all_baselines, compare, control
from throughtime.baselines.linear import LinearMap, WindowMLP
from throughtime.baselines.simple import Drift, Naive, Naive2, SeasonalNaive, SeasonMean, filled
from throughtime.baselines.statistical import Statistical
from throughtime.baselines.verdict import verdict
from throughtime.errors import UserError

nan = float("nan")


def test_simple_forecasts() -> None:
    history = np.array([1.0, 2, 3, 4, nan, 6, 8])
    for baseline, expected in (
        (Naive(), [8, 8, 8, 8]),
        (SeasonalNaive(), [4, 6, 8, 4]),
        (Drift(), [8 + 7 / 6, 8 + 14 / 6, 8 + 21 / 6, 8 + 28 / 6]),
        (SeasonMean(), [6, 6, 6, 6]),
    ):
        baseline.fit([history], 3, 4)
        assert baseline.predict([history])[0] == pytest.approx(expected)
    assert filled(np.array([nan, 1, nan, 2])).tolist() == [1, 1, 1, 2]


def test_naive2_finds_the_season_of_a_multiplicative_series() -> None:
    factors = np.array([0.5, 1.0, 1.5, 1.0])
    naive2 = Naive2()
    naive2.fit([], 4, 4)
    assert naive2.predict([10 * np.tile(factors, 10)])[0] == pytest.approx(10 * factors)
    flat = np.random.default_rng(0).standard_normal(40) + 100
    assert naive2.predict([flat])[0] == pytest.approx(np.full(4, flat[-1]))


def test_maps_learn_what_a_window_determines() -> None:
    histories = series()
    rng = np.random.default_rng(1)
    chaos = [0.3]
    for _ in range(600):
        chaos.append(3.9 * chaos[-1] * (1 - chaos[-1]))
    for maps, given in ((LinearMap(), histories), (WindowMLP(), histories)):
        maps.fit([one[:-12] for one in given], 12, 12)
        found = maps.predict([one[:-12] for one in given])
        error = np.mean([np.abs(f - one[-12:]).mean() / one.std() for f, one in zip(found, given, strict=True)])
        assert error < 0.35
    logistic = np.array(chaos) + 1e-4 * rng.standard_normal(len(chaos))
    errors = {}
    for maps in (LinearMap(4), WindowMLP(4)):
        maps.fit([logistic[:500]], 1, 1)
        origins = np.stack([np.zeros(100, int), np.arange(500, 600)], 1)
        found = maps.predict([logistic[:o] for _, o in origins])
        errors[maps.name] = np.abs(found[:, 0] - logistic[500:600]).mean()
    assert errors["window MLP"] < 0.5 * errors["linear map"]


def planted(histories: list[np.ndarray]) -> list[np.ndarray]:
    """The same up to the origins of `test_no_baseline_sees_the_future`, absurd from there on."""
    absurd = [one.copy() for one in histories]
    for one in absurd:
        one[36:] = 1e6
    absurd[1][32:] = -1e6
    return absurd


@pytest.mark.parametrize("baseline", all_baselines(4, 1000.0), ids=lambda b: b.name)
def test_no_baseline_sees_the_future(baseline: object, in_this_process: None) -> None:
    histories, origins = series(2, 40, 4), [(0, 32), (1, 32), (0, 36)]
    both = [histories, planted(histories)]
    if isinstance(baseline, Statistical):  # its fits cost seconds: it is asked once for both
        pytest.importorskip("statsforecast")
        baseline.fit([one[:32] for one in histories], 4, 4)
        results = np.split(baseline.predict([one[s][:o] for one in both for s, o in origins]), 2)
    else:
        results = []
        for own in both:
            baseline.fit([one[:32] for one in own], 4, 4)  # type: ignore[attr-defined]
            results.append(baseline.predict([own[s][:o] for s, o in origins]))  # type: ignore[attr-defined]
    assert np.array_equal(*results)
    assert np.isfinite(results[0]).all()


def test_metrics_against_another_library() -> None:
    losses = pytest.importorskip("utilsforecast.losses")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    actual, forecast = rng.random((3, 5)) + 1, rng.random((3, 5)) + 1
    histories = [rng.random(40) for _ in range(3)]
    ids = np.repeat(["a", "b", "c"], 5)
    frame = pandas.DataFrame(
        {"unique_id": ids, "ds": np.tile(np.arange(5), 3), "y": actual.ravel(), "m": forecast.ravel()}
    )
    train = pandas.DataFrame(
        {"unique_id": np.repeat(["a", "b", "c"], 40), "ds": np.tile(np.arange(40), 3), "y": np.concatenate(histories)}
    )
    own = metrics.measure(actual, forecast, metrics.scales(histories, 4))
    assert own["mae"] == pytest.approx(losses.mae(frame, ["m"])["m"].mean())
    assert own["mse"] == pytest.approx(losses.mse(frame, ["m"])["m"].mean())
    assert own["smape"] == pytest.approx(200 * losses.smape(frame, ["m"])["m"].mean())
    assert own["mase"] == pytest.approx(losses.mase(frame, ["m"], 4, train_df=train)["m"].mean())


def test_intervals_are_judged() -> None:
    rng = np.random.default_rng(0)
    actual = rng.standard_normal((4000, 2)) + 5
    levels = [0.1, 0.25, 0.5, 0.75, 0.9]
    places = np.quantile(rng.standard_normal(100_000), levels) + 5
    found = metrics.measure(actual, np.full((4000, 2), 5.0), np.ones(4000), np.tile(places, (4000, 2, 1)), levels)
    assert found["coverage"] == pytest.approx({"80": 80, "50": 50}, abs=2)  # type: ignore[arg-type]
    wide = metrics.crps(actual, np.tile(5 + 3 * (places - 5), (4000, 2, 1)), levels)
    assert found["crps"] < wide  # type: ignore[operator]
    assert metrics.crps(np.full((1, 2), nan), places[None, None].repeat(2, 1), levels) is None
    assert metrics.mean(np.array([nan])) is None


def test_comparing_a_forecast_that_is_right() -> None:
    histories = series(4, 400)
    origins = np.array([(s, o) for s in range(4) for o in range(300, 389, 4)])
    actual = np.stack([histories[s][o : o + 12] for s, o in origins])
    said: list[str] = []
    found = compare(Backtest(histories, origins, 12, 12), actual, seconds=0, say=said.append)
    assert found["mae"] == 0
    assert found["verdict"]["skill"] is True
    assert found["verdict"]["sentence"].startswith("The model beats the best baseline, ")
    assert found["baselines"]["seasonal naive"]["owa"] < 1
    assert found["baselines"]["Naive2"]["owa"] == pytest.approx(1)
    assert len(found["by_horizon"]["mae"]) == 12
    assert len(said) == len(found["baselines"]) == 8
    naive = np.stack([np.full(12, histories[s][o - 1]) for s, o in origins])
    worse = compare(Backtest(histories, origins, 12, 12), naive, seconds=0)["verdict"]
    assert worse["skill"] is False
    assert "instead." in worse["sentence"]


def test_the_interval_holds_where_series_share_shocks() -> None:
    """50 series, 40 origins, errors that share half of their variance: the interval of no gain covers 0 as it says."""
    rng, covered = np.random.default_rng(0), 0
    origins = np.array([(s, 10 + k) for s in range(50) for k in range(40)])
    groups, unit = Backtest([np.zeros(60)] * 50, origins, 1).groups()
    assert unit == "stretches of time"
    for trial in range(100):
        shared = np.tile(rng.standard_normal(40), 50)
        difference = 0.3 * (shared + rng.standard_normal(len(origins)))
        found = verdict(5 + difference, np.full(len(origins), 5.0), "drift", "MAE", unit, groups, trial)
        covered += found.low <= 0 <= found.high
    assert covered >= 85
    single = Backtest([np.zeros(60)] * 9, np.array([(s, 50) for s in range(9)]), 4)
    assert single.groups()[1] == "series, taken as independent"


def test_what_begins_later_is_not_carried_back() -> None:
    late = np.concatenate([np.full(45, nan), np.arange(7.0, 62)])
    results = []
    for value in (7.0, 999.0):
        own = late.copy()
        own[45] = value
        backtest = Backtest([own, np.arange(100.0)], np.array([[0, 40], [1, 40]]), 3)
        found = compare(backtest, np.zeros((2, 3)), seconds=0)
        results.append(found["baselines"]["last value"]["by_horizon"])
    assert results[0] == results[1]


def test_a_missing_forecast_is_no_score() -> None:
    with pytest.raises(UserError, match="a forecast that is missing is no score"):
        compare(Backtest(series(1), np.array([[0, 100]]), 2), np.array([[nan, 1.0]]))
    with pytest.raises(UserError, match="every window needs a past"):
        compare(Backtest(series(1), np.array([[0, 0]]), 2), np.ones((1, 2)))


def test_verdicts() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(300) + 1
    assert verdict(base * 0.9, base, "drift", "MAE", "windows").sentence == (
        "The model beats the best baseline, drift: MAE is 10.0% below its own (95 % interval 10.0% to 10.0% below over "
        "300 windows)."
    )
    none = verdict(base + 0.3 * rng.standard_normal(300), base, "last value", "MAE", "windows")
    assert none.skill is None
    assert none.sentence.startswith("No proven skill: ")
    assert "Last value may do as well." in none.sentence
    assert verdict(base * 1.1, base, "drift", "MAE", "series").skill is False
    assert verdict(base[:3] * 0.5, base[:3], "drift", "MAE", "series").skill is None
    assert "too few to tell" in verdict(base[:3] * 0.5, base[:3], "drift", "MAE", "series").sentence
    assert verdict(np.zeros(0), np.zeros(0), "drift", "MAE", "series").sentence.endswith("nothing to compare.")
    assert verdict(np.array([nan, 1]), np.array([1, nan]), "drift", "MAE", "series").skill is None


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(100):
        base = rng.random(80) + 0.5
        ours = base * 0.95 + 0.2 * rng.standard_normal(80)
        found = verdict(ours, base, "drift", "MAE", "windows", seed=trial)
        hits += found.low <= 0.05 <= found.high
    assert 88 <= hits <= 100


def test_residuals_tell_bias_and_what_could_still_be_learned() -> None:
    rng = np.random.default_rng(0)
    history = rng.standard_normal(900).cumsum()
    origins = np.stack([np.zeros(400, int), np.arange(400, 800)], 1)
    noise = np.zeros(400)
    for i in range(1, 400):  # errors of the first step that go on: 0.8 of the one before
        noise[i] = 0.8 * noise[i - 1] + rng.standard_normal()
    actual = np.stack([history[o : o + 3] for _, o in origins])
    forecast = actual - np.stack([noise, np.full(400, 2.0), np.zeros(400)], 1)
    found = compare(Backtest([history], origins, 3), forecast, baselines=[Naive()])["residuals"]
    np.testing.assert_allclose(found["bias"], [noise.mean(), 2.0, 0.0], atol=1e-9)
    assert sum(found["counts"]) == 1200
    assert len(found["edges"]) == len(found["counts"]) + 1
    assert found["stride"] == 1
    np.testing.assert_allclose(found["autocorrelation"][:2], [0.8, 0.64], atol=0.1)
    uneven = origins[np.r_[0:50, 60:400]]
    found = compare(Backtest([history], uneven, 3), forecast[np.r_[0:50, 60:400]], baselines=[Naive()])["residuals"]
    assert "autocorrelation" not in found


def controlled(rise: float, spread: float = 0.0, windows: int = 40, error: float = 1.0) -> dict[str, object]:
    """The control of a model whose error is about `error`, and which is `rise` higher in a shuffled order."""
    rng = np.random.default_rng(0)
    history = rng.standard_normal(windows + 10)
    backtest = Backtest([history], np.stack([np.zeros(windows, int), np.arange(5, windows + 5)], 1), 1)
    own = error * (1 + 0.01 * rng.standard_normal((windows, 1)))
    shuffled = own + error * (rise + spread * rng.standard_normal((windows, 1)))
    return control(backtest, backtest.actual + shuffled, backtest.actual + own)


def test_the_control_says_what_the_order_is_worth() -> None:
    told = controlled(0.5)
    assert told["mae"] == pytest.approx(1.5, rel=0.01)
    assert told["sentence"] == (
        f"With the steps of the past in random order the MAE is {told['mae']:.4g}, 50.0% above the model's own "
        f"(95 % interval {told['low']:.1%} to {told['high']:.1%} above over 40 windows)."
    )
    assert controlled(0.001)["sentence"].endswith(  # type: ignore[attr-defined]
        "over 40 windows): the model gains next to nothing from their order."
    )


def test_the_control_claims_no_more_than_its_interval() -> None:
    for rise in (0.05, -0.05):
        unsure = controlled(rise, spread=0.4)
        assert unsure["low"] < 0 < 0.01 < unsure["high"]  # type: ignore[operator]
        assert unsure["sentence"].endswith(": that their order is worth anything is not shown.")  # type: ignore
    few = controlled(0.5, windows=3)
    assert "low" not in few
    assert few["sentence"].endswith("; 3 windows are too few to tell what their order is worth.")  # type: ignore
    none = control(Backtest([np.full(9, nan)], np.array([[0, 4]]), 2), np.ones((1, 2)), np.ones((1, 2)))
    assert none["sentence"] == "What the order of the past is worth cannot be told."


def test_next_to_no_error_is_told_in_units() -> None:
    """A perfect sine: the linear map is right but for rounding, and thousands of percent would say nothing."""
    history = np.sin(2 * np.pi * np.arange(400) / 20)
    origins = np.stack([np.zeros(150, int), np.arange(240, 390)], 1)
    backtest = Backtest([history], origins, 5, 20)
    rng = np.random.default_rng(0)
    model = backtest.actual + 0.01 * rng.standard_normal(backtest.actual.shape)
    found = compare(backtest, model, seconds=0)["verdict"]
    assert found["skill"] is False
    assert "%" not in found["sentence"]
    assert "is worse than seasonal naive, which is without error but for rounding: MAE is 0.00" in found["sentence"]
    assert found["sentence"].endswith("Use seasonal naive instead.")
    right = compare(backtest, backtest.actual + 1e-12, seconds=0)["verdict"]
    assert right["skill"] is None
    assert "are without error but for rounding" in right["sentence"]
    tiny = controlled(1e5, error=1e-6)["sentence"]
    assert "%" not in tiny.replace("95 % interval", "")  # type: ignore[attr-defined]
    assert "with the steps in order 1e-06" in tiny  # type: ignore[operator]


def test_verdicts_in_units() -> None:
    base = np.full(50, 1e-9)
    noise = 1 + 0.1 * np.random.default_rng(0).standard_normal(50)
    told = verdict(noise, base, "drift", "MAE", "windows", negligible=1e-6).sentence
    assert told.startswith("The model is worse than drift, which is without error but for rounding: MAE is 1.0")
    assert told.endswith("Use drift instead.")
    assert verdict(base, base, "drift", "MAE", "windows", negligible=1e-6).skill is None
    assert verdict(base, noise, "drift", "MAE", "windows", negligible=1e-6).skill is True
    few = verdict(noise[:3], base[:3], "drift", "MAE", "windows", negligible=1e-6).sentence
    assert few.endswith("over 3 windows. Use drift instead.")
    assert "is 150.0% above its own" in verdict(2.5 * noise, noise, "drift", "MAE", "windows").sentence
    assert "%" not in verdict(20 * noise, noise, "drift", "MAE", "windows").sentence.replace("95 %", "")
