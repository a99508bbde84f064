"""Forecasting from a table to a folder and a backtest, and what comes after a table's end."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.forecast.tables import OPTIONS, TINY, table
from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast.score import evaluate_folder
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.tables import Forecasts, TableForecaster
from throughtime.tasks.train import train

Made = tuple[Path, Path, dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    data = table(folder / "data.csv")
    return folder / "m", data, train("forecast", data, folder / "m", **OPTIONS, **TINY)


def test_training_scores_what_it_did_not_learn(made: Made) -> None:
    folder, data, summary = made
    found = summary["evaluation"]
    assert found["windows"] == 2 * (48 - 6 + 1)
    assert {"mae", "rmse", "mse", "smape", "mase", "owa", "crps", "coverage", "verdict"} <= found.keys()
    assert set(found["coverage"]) == {"90", "80", "50"}
    assert found["verdict"]["sentence"].endswith(".")
    again = evaluate_folder(folder, data, seconds=0)
    assert again["mae"] == pytest.approx(found["mae"], rel=1e-6)
    assert again["baselines"]["seasonal naive"]["mae"] == found["baselines"]["seasonal naive"]["mae"]
    assert "frequency: 1 hour" in summary["notes"]


def test_what_lies_ahead_is_not_seen(made: Made, tmp_path: Path) -> None:
    """A planted future changes no forecast made before it: not the model's, nor what is learned before the holdout."""
    folder, _, _ = made
    model = TableForecaster.load(folder)
    plain, planted = (model.read(table(tmp_path / f"{p}.csv", plant=p)) for p in (0.0, 1000.0))
    origins = np.array([(n, o) for n in range(2) for o in range(400, 456)])
    before = [model.model.predict_at(model.series(panel), origins, panel.ids) for panel in (plain, planted)]
    assert np.array_equal(*before)
    later = np.array([[0, 460]])
    after = [model.model.predict_at(model.series(panel), later, panel.ids) for panel in (plain, planted)]
    assert not np.array_equal(*after)
    train("forecast", tmp_path / "1000.0.csv", tmp_path / "m", evaluate=False, **OPTIONS, **TINY)
    own = throughtime.load(tmp_path / "m").parameters
    for name, value in throughtime.load(folder).parameters.items():
        assert np.array_equal(value, own[name]), name


def test_forecasts_go_on_from_the_end(made: Made, tmp_path: Path) -> None:
    folder, data, _ = made
    with pytest.raises(UserError, match="forecast: open must be known of the steps to come"):
        TableForecaster.load(folder).forecast()
    lines = data.read_text().split("\n")
    for name in "ab":
        lines += [f"{name},{np.datetime64('2016-02-21T00') + i},,{int(i == 3)},," for i in range(6)]
    (tmp_path / "more.csv").write_text("\n".join(lines))
    (tmp_path / "short.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(UserError, match="series b: column open ends at 2016-02-21 04:00:00, 5 steps after the last y"):
        TableForecaster.load(folder).forecast(tmp_path / "short.csv")
    at = str(np.datetime64("2016-02-21T02"))
    (tmp_path / "blank.csv").write_text("\n".join(lines).replace(f"{at},,0,", f"{at},,,"))
    with pytest.raises(UserError, match="series a: column open is blank at 2016-02-21 02:00:00, and is to be known 6"):
        TableForecaster.load(folder).forecast(tmp_path / "blank.csv")
    found = TableForecaster.load(folder).forecast(tmp_path / "more.csv")
    assert found.notes == []
    fewer = TableForecaster.load(folder).forecast(tmp_path / "more.csv", 2)
    np.testing.assert_array_equal(fewer.values, found.values[:, :2])
    assert found.values.shape == (2, 6, 7)
    assert str(found.times[0][0]).startswith("2016-02-21T00")
    assert (np.diff(found.values, axis=-1) >= 0).all()
    rows = found.csv().splitlines()
    assert rows[0].startswith("unique_id,ds,forecast,q5,q10")
    assert rows[1].startswith("a,2016-02-21 00:00:00,")
    assert len(rows) == 13


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    data = table(tmp_path / "a.csv")
    options = {**OPTIONS, **TINY, "ensemble_size": 2, "dropout": 0.2, "profile": 24}
    train("forecast", data, tmp_path / "whole", evaluate=False, **options)
    train("forecast", data, tmp_path / "parts", evaluate=False, **options)
    first = throughtime.load(tmp_path / "whole").parameters
    second = throughtime.load(tmp_path / "parts").parameters
    assert all(np.array_equal(first[name], second[name]) for name in first)
    profiles = throughtime.load(tmp_path / "parts").series.statistics.profiles
    found = train("forecast", data, tmp_path / "parts", evaluate=False, resume=True, steps=40, seconds=0, quiet=True)
    assert found["steps"] == 40
    # the table is read as it was, each series' course over a season beginning where it did
    np.testing.assert_array_equal(throughtime.load(tmp_path / "parts").series.statistics.profiles, profiles)
    with pytest.raises(UserError, match="learns other series"):
        train("forecast", table(tmp_path / "b.csv", 21), tmp_path / "parts", resume=True, steps=50, quiet=True)
    with pytest.raises(UserError, match="keeps its holdout"):
        train("forecast", data, tmp_path / "parts", resume=True, holdout=0.2, quiet=True)


def test_a_new_series_takes_its_scale_from_its_past() -> None:
    rng = np.random.default_rng(0)
    series = [10 + rng.standard_normal(200)]
    model = Forecaster(2, lookback=12, scaling="series", profile=7, hidden=8, embedding=8, threads=1)
    model.fit(series, steps=5, batch=16)
    origins = np.array([[0, 150], [0, 160]])
    other = series[0].copy()
    other[160:] = 1e4
    found = [model.fitted().predict_at(Series([one]), origins) for one in (series[0], other)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("kind", ["pandas", "panel", "file"])
def test_a_table_is_enough(tmp_path: Path, kind: str) -> None:
    data = table(tmp_path / "a.csv")
    source: Any = data
    if kind != "file":
        source = pytest.importorskip("pandas").read_csv(data) if kind == "pandas" else throughtime.read_series(data)
    model = Forecaster(6, hidden=8, embedding=8, threads=1).fit(source, tmp_path / "m", steps=3, batch=16)
    assert model.record is not None
    assert model.record.options.season == 24
    found, own = TableForecaster.load(tmp_path / "m").forecast(), model.predict()
    if kind == "pandas":  # a frame of the same kind
        assert [str(time) for time in own["ds"][5:7]] == ["2016-02-21 05:00:00", "2016-02-21 00:00:00"]
        own = own["forecast"].to_numpy().reshape(2, 6)
    assert own.shape == (2, 6)
    assert found.point == pytest.approx(own, rel=1e-6)
    assert str(found.times[0][0]).startswith("2016-02-21T00")


def test_a_table_is_read_by_the_options(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "day;sold\n" + "\n".join(f"{i % 28 + 1:02}/{i // 28 + 1:02}/2020;{i}" for i in range(80))
    )
    options: dict[str, Any] = {"target": "sold", "time": "day", "dayfirst": True, "frequency": "D", "lookback": 14}
    with pytest.raises(UserError, match=r"is not a whole number of steps|steps missing|no date"):
        Forecaster(3, hidden=4, embedding=4, **{**options, "dayfirst": False}).fit(tmp_path / "a.csv", steps=1)
    model = Forecaster(3, hidden=4, embedding=4, threads=1, **options).fit(tmp_path / "a.csv", tmp_path / "m", steps=1)
    assert model.examples is not None
    assert model.examples.panel.target == "sold"
    assert model.examples.season == 7
    assert TableForecaster.load(tmp_path / "m").read(tmp_path / "a.csv").ids == ["sold"]


def test_arrays_are_forecast_with_the_number_of_each_step(tmp_path: Path) -> None:
    Forecaster(3, hidden=4, embedding=4, lookback=8, threads=1).fit({"a": np.arange(40.0)}, tmp_path, steps=1)
    found = TableForecaster.load(tmp_path).forecast()
    assert found.csv().splitlines()[1].startswith("a,40,")
    features = [np.zeros((43, 1), np.float32)]
    given = Forecaster(3, hidden=4, embedding=4, lookback=8, threads=1)
    given.fit([np.arange(40.0)], tmp_path, features=features, known=1, steps=1, force=True)
    assert TableForecaster.load(tmp_path).forecast().values.shape == (1, 3, 1)
    with pytest.raises(UserError, match=r"reads features that were given as arrays; use throughtime\.load"):
        TableForecaster.load(tmp_path).series(throughtime.read_series([np.arange(40.0)]))


@pytest.mark.parametrize("distribution", ["student_t", "negative_binomial"])
def test_distributions_find_the_spread(distribution: str) -> None:
    rng = np.random.default_rng(0)
    if distribution == "student_t":
        series = [10 + 2 * rng.standard_t(4, 1500)]
        expected = np.quantile(10 + 2 * rng.standard_t(4, 100_000), [0.1, 0.5, 0.9])
    else:
        series = [rng.negative_binomial(4, 0.2, 1500).astype(float)]
        expected = np.quantile(rng.negative_binomial(4, 0.2, 100_000), [0.1, 0.5, 0.9])
    model = Forecaster(2, distribution=distribution, lookback=8, hidden=8, embedding=8, scaling="series", threads=1)
    model.fit(series, steps=400, batch=64, learning_rate=1e-2)
    origins = np.stack([np.zeros(50, int), np.arange(1400, 1450)], 1)
    found = model.fitted().predict_at(Series(series), origins)[:, 0]
    assert found.mean(0) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_forecasts_go_on_beyond_the_horizon(tmp_path: Path, zone: str | None) -> None:
    data, out = table(tmp_path / "a.csv", 40), tmp_path / "m"
    sizes: dict[str, Any] = {"horizon": 12, "hidden": 8, "lookback": 48, "steps": 8, "quantiles": (0.1, 0.5, 0.9)}
    train("forecast", data, out, evaluate=False, quiet=True, timezone=zone, scaling="series", **sizes)
    model = TableForecaster.load(out)
    found = {(steps, own): model.forecast(None if own else data, steps) for steps in (12, 30) for own in (True, False)}
    assert len(found[30, True].times[0]) == 30
    np.testing.assert_array_equal(found[30, True].times[0], found[30, False].times[0])
    np.testing.assert_allclose(found[30, True].point, found[30, False].point, rtol=1e-4)
    np.testing.assert_allclose(found[30, False].point[:, :12], found[12, False].point, rtol=1e-4)
    given = model.series(model.read(data), 30).features
    kept = model.longer_ends(model.ends(), 30).features
    assert given is not None
    assert kept is not None
    np.testing.assert_array_equal(kept[0][-30:], given[0][-30:])  # the calendar goes on, by the clock that counts


def test_any_name_of_a_series_is_one_cell() -> None:
    names, times = ["a,b", "c\nd", "=1+1"], [np.array([1])] * 3
    found = Forecasts(names, times, np.ones((3, 1, 1)), (), [], "y")
    rows = list(csv.reader(io.StringIO(found.csv(raw=False))))
    assert [row[0] for row in rows] == ["unique_id", "a,b", "c\nd", "'=1+1"]
    assert [row[0] for row in csv.reader(io.StringIO(found.csv()))] == ["unique_id", *names]
    assert {len(row) for row in found.rows()} == {3}


def _days(path: Path, count: int = 200) -> Path:
    days = np.datetime64("2024-01-01") + np.arange(count)
    rng = np.random.default_rng(0)
    path.write_text(
        "ds,y\n" + "\n".join(f"{day},{value:.3f}" for day, value in zip(days, rng.random(count), strict=True))
    )
    return path


def test_a_model_keeps_its_holidays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _days(tmp_path / "a.csv")
    Forecaster(7, holidays="CN").fit(data, tmp_path / "m", holdout=0.1, **TINY)
    monkeypatch.setitem(sys.modules, "holidays", None)
    model = TableForecaster.load(tmp_path / "m")
    free = model.features.holidays
    assert free is not None
    assert (free.country, free.first, free.last) == ("CN", 2023, 2029)
    assert model.model.config.known == 7 + 2 + 3  # days of the week, the time of the year, holidays
    with_data, without = model.forecast(data), model.forecast()
    assert np.array_equal(with_data.values, without.values)
    assert np.array_equal(model.forecast(data, 20).values, model.forecast(None, 20).values)
    data.write_text("ds,y\n" + "\n".join(f"2031-01-{n:02},{n}" for n in range(1, 29)))
    with pytest.raises(UserError, match="need the holidays package"):
        model.forecast(data)


def test_holidays_are_where_they_are_asked_for(tmp_path: Path) -> None:
    days = _days(tmp_path / "a.csv")
    model = Forecaster(7, holidays="US").fit(days, **TINY)
    free = model.record.data.features.holidays  # type: ignore[union-attr]
    assert free.country == "US"
    plain = Forecaster(7).fit(days, **TINY)
    assert plain.record.data.features.holidays is None  # type: ignore[union-attr]


@pytest.mark.parametrize(("code", "said"), [("XX", "knows no country 'XX'"), ("cn", "holidays must be the code of")])
def test_an_unknown_country(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Forecaster(7, holidays=code).fit(_days(tmp_path / "a.csv"), **TINY)
