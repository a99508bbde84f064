"""Forecasting from a table to a folder, a backtest and a stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import cli
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.tasks.forecast.estimator import Forecaster
from throughtime.tasks.forecast.histories import Series
from throughtime.tasks.forecast.stream import SeriesStream
from throughtime.tasks.forecast.tables import Forecasting, _starts
from throughtime.tasks.forecast.train import evaluate, train

TINY: dict[str, Any] = {"hidden": 12, "embedding": 12, "steps": 30, "batch": 32, "threads": 1, "seconds": 0}
TINY |= {"lookback": 48, "quiet": True}


def table(path: Path, days: int = 20, plant: float = 0.0) -> Path:
    """Two hourly series, one of which follows a covariate known beforehand; plant: added to the last day's values."""
    rng = np.random.default_rng(0)
    lines = ["unique_id,ds,y,open,wind,kind"]
    for n, name in enumerate("ab"):
        for i in range(24 * days):
            time = np.datetime64("2016-02-01T00") + i
            y = 50 + 10 * np.sin(2 * np.pi * i / 24) + 5 * (i % 7 == 0) + rng.standard_normal()
            y += plant * (i >= 24 * (days - 1))
            lines.append(f"{name},{time},{y:.3f},{int(i % 7 == 0)},{rng.random():.2f},{'uv'[n]}")
    path.write_text("\n".join(lines))
    return path


OPTIONS: dict[str, Any] = {"horizon": 6, "future": ["open"], "past": ["wind"], "static": ["kind"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("made")
    data = table(folder / "data.csv")
    return folder / "m", data, train(data, folder / "m", **OPTIONS, **TINY)


def test_training_scores_what_it_did_not_learn(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, data, summary = made
    found = summary["evaluation"]
    assert found["windows"] == 2 * (48 - 6 + 1)
    assert {"mae", "rmse", "mse", "smape", "mase", "owa", "crps", "coverage", "verdict"} <= found.keys()
    assert set(found["coverage"]) == {"90", "80", "50"}
    assert found["verdict"]["sentence"].endswith(".")
    again = evaluate(folder, data, seconds=0)
    assert again["mae"] == pytest.approx(found["mae"], rel=1e-6)
    assert again["baselines"]["seasonal naive"]["mae"] == found["baselines"]["seasonal naive"]["mae"]
    assert "frequency: 1 hour" in summary["notes"]


def test_what_lies_ahead_is_not_seen(made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    """A planted future changes no forecast made before it: not the model's, nor what is learned before the holdout."""
    folder, _, _ = made
    model = Forecasting.load(folder)
    plain, planted = (model.read(table(tmp_path / f"{p}.csv", plant=p)) for p in (0.0, 1000.0))
    origins = np.array([(n, o) for n in range(2) for o in range(400, 456)])
    before = [model.model.predict_at(model.series(panel), origins, panel.ids) for panel in (plain, planted)]
    assert np.array_equal(*before)
    later = np.array([[0, 460]])
    after = [model.model.predict_at(model.series(panel), later, panel.ids) for panel in (plain, planted)]
    assert not np.array_equal(*after)
    trained = train(tmp_path / "1000.0.csv", tmp_path / "m", **OPTIONS, **{**TINY, "evaluate": False})
    del trained
    own = throughtime.load(tmp_path / "m").parameters
    for name, value in throughtime.load(folder).parameters.items():
        assert np.array_equal(value, own[name]), name


def test_forecasts_go_on_from_the_end(made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, data, _ = made
    with pytest.raises(UserError, match="forecast: open must be known of the steps to come"):
        Forecasting.load(folder).forecast()
    lines = data.read_text().split("\n")
    for name in "ab":
        lines += [f"{name},{np.datetime64('2016-02-21T00') + i},,{int(i == 3)},," for i in range(6)]
    (tmp_path / "more.csv").write_text("\n".join(lines))
    (tmp_path / "short.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(UserError, match="series b: column open ends at 2016-02-21 04:00:00, 5 steps after the last y"):
        Forecasting.load(folder).forecast(tmp_path / "short.csv")
    found = Forecasting.load(folder).forecast(tmp_path / "more.csv")
    assert found.values.shape == (2, 6, 7)
    assert str(found.times[0][0]).startswith("2016-02-21T00")
    assert (np.diff(found.values, axis=-1) >= 0).all()
    rows = found.csv().splitlines()
    assert rows[0].startswith("unique_id,ds,forecast,q5,q10")
    assert rows[1].startswith("a,2016-02-21,")
    assert len(rows) == 13


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    data = table(tmp_path / "a.csv")
    options = {**OPTIONS, **TINY, "members": 2, "dropout": 0.2, "evaluate": False}
    train(data, tmp_path / "whole", **options)
    train(data, tmp_path / "parts", **{**options, "steps": 30})
    first = throughtime.load(tmp_path / "whole").parameters
    second = throughtime.load(tmp_path / "parts").parameters
    assert all(np.array_equal(first[name], second[name]) for name in first)
    found = train(data, tmp_path / "parts", resume=True, steps=40, seconds=0, evaluate=False, quiet=True)
    assert found["steps"] == 40
    with pytest.raises(UserError, match="learns other series"):
        train(table(tmp_path / "b.csv", 21), tmp_path / "parts", resume=True, steps=50, quiet=True)


def test_a_new_series_takes_its_scale_from_its_past() -> None:
    rng = np.random.default_rng(0)
    series = [10 + rng.standard_normal(200)]
    model = Forecaster(2, lookback=12, scaling="series", profile=7, hidden=8, embedding=8, threads=1)
    model.fit(series, steps=5, batch=16)
    assert model.model is not None
    origins = np.array([[0, 150], [0, 160]])
    other = series[0].copy()
    other[160:] = 1e4
    found = [model.model.predict_at(Series([one]), origins) for one in (series[0], other)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("kind", ["pandas", "panel"])
def test_a_frame_is_enough(tmp_path: Path, kind: str) -> None:
    data = table(tmp_path / "a.csv")
    source = pytest.importorskip("pandas").read_csv(data) if kind == "pandas" else throughtime.read_series(data)
    model = Forecaster(6, hidden=8, embedding=8, threads=1).fit(source, tmp_path / "m", steps=3, batch=16)
    assert model.config["forecast"]["season"] == 24
    assert model.predict().shape == (2, 6)
    found = Forecasting.load(tmp_path / "m").forecast()
    assert found.point == pytest.approx(model.predict(), rel=1e-6)
    assert str(found.times[0][0]).startswith("2016-02-21T00")


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
    model.fit(series, steps=800, batch=128)
    found = np.stack([model.model.predict_at(Series(series), np.array([[0, o]]))[0, 0] for o in range(1400, 1450)])
    assert found.mean(0) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
def test_a_stream_gives_the_numbers_of_a_batch(every: bool, quantiles: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    series = [np.sin(np.arange(200) / 4) * 3 + rng.standard_normal(200) * 0.1 + 7 for _ in range(2)]
    series[0][50:53] = np.nan
    features = [rng.standard_normal((204, 2)).astype(np.float32) for _ in range(2)]
    options: dict[str, Any] = {"hidden": 8, "embedding": 8, "lags": (1, 12), "profile": 25, "scaling": "series"}
    model = Forecaster(4, 12, segment=1, lookback=24, every=every, quantiles=quantiles, members=2, threads=1, **options)
    model.fit(series, features=features, known=1, steps=20, batch=16, ids=["u", "v"])
    assert model.model is not None
    whole = Series(series, features)
    batch = model.model.predict_at(whole, np.stack([np.zeros(150, int), np.arange(1, 151)], 1), ["u", "v"])
    stream = SeriesStream(model.model, id="u")
    own = features[0].copy()
    for i in range(150):
        coming = own[i : i + 5].copy()
        coming[1:, 1] = 99.0  # what is only known of the past is not read ahead
        forecast = stream.update(series[0][i], coming)
        assert forecast == pytest.approx(batch[i], rel=1e-4, abs=1e-4), i
    started = SeriesStream(model.model, series[0][:149], features[0], id="u")
    assert started.update(series[0][149], features[0][149:154]) == pytest.approx(batch[149], rel=1e-4, abs=1e-4)


def test_an_alert_when_forecasts_stop_holding() -> None:
    rng = np.random.default_rng(0)
    series = [10 + rng.standard_normal(600)]
    model = Forecaster(1, quantiles=(0.1, 0.5, 0.9), lookback=12, hidden=8, embedding=8, scaling="series", threads=1)
    model.fit(series, steps=200, batch=64, ids=["s"])
    stream = SeriesStream(model.model, series[0][-50:], id="s")
    alerts = []
    for _ in range(100):
        stream.update(10 + rng.standard_normal())
        alerts.append(stream.alert is not None)
    assert sum(alerts) <= 5
    for _ in range(20):
        stream.update(10 + 8 * rng.standard_normal())
    assert stream.alert is not None
    assert "left their 80% interval" in stream.alert


def test_the_commands(
    made: tuple[Path, Path, dict[str, Any]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = table(tmp_path / "a.csv")
    small = [
        "--hidden",
        "8",
        "--embedding",
        "8",
        "--lookback",
        "24",
        "--steps",
        "10",
        "--threads",
        "1",
        "--seconds",
        "0",
    ]
    arguments = [
        "train",
        "forecast",
        str(data),
        "--target",
        "y",
        "--horizon",
        "6",
        "--out",
        str(tmp_path / "m"),
        *small,
    ]
    assert cli.invoke([*arguments, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["evaluation"]["windows"] == 86
    page = Path(found["report"]).read_text()
    assert found["evaluation"]["verdict"]["sentence"] in page
    assert "What comes next" in page
    assert cli.invoke(["run", str(tmp_path / "m")]) == 0
    out = capfd.readouterr().out
    assert "2016-02-21" in out
    assert (tmp_path / "m" / "forecast.csv").read_text().count("\n") == 13
    assert (tmp_path / "m" / "forecast.png").read_bytes()[1:4] == b"PNG"
    assert cli.invoke(["evaluate", str(tmp_path / "m"), str(data), "--seconds", "0", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["mae"] == pytest.approx(found["evaluation"]["mae"])
    assert cli.invoke(["report", str(tmp_path / "m")]) == 0
    assert capfd.readouterr().out.strip().endswith("report.html")
    assert cli.invoke([*arguments]) == 2
    assert "there is a model already" in capfd.readouterr().err
    resume = [
        "train",
        "forecast",
        str(data),
        "--out",
        str(tmp_path / "m"),
        "--resume",
        "--steps",
        "12",
        "--seconds",
        "0",
    ]
    assert cli.invoke([*resume, "--hidden", "9"]) == 2
    assert "--hidden: a run that goes on keeps its own" in capfd.readouterr().err
    assert cli.invoke(resume) == 0
    assert "this model" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--horizon", "0"], "horizon must be an integer from 1"),
        (["--horizon", "400"], "at least 801 are needed"),
        (["--target", "z"], "no column 'z' for the target"),
        (["--quantiles", "a"], "expected levels such as 0.1,0.5,0.9"),
        (["--quantiles", "0.9,0.1"], "quantiles must rise"),
        (["--holdout", "1"], "holdout must be a share"),
        (["--distribution", "poisson"], "distribution must be one of none, student_t, negative_binomial"),
        (["--distribution", "negative_binomial"], "is no count; choose another distribution"),
        (["--cell", "elman"], "'elman'"),
        (["--scaling", "log"], "scaling must be one of window, level, last, series"),
        (["--frequency", "fast"], "frequency: expected a name such as"),
        (["--every", "--segment", "2"], "segments of one step"),
        (["--resume"], "there is no run to go on with"),
    ],
)
def test_what_cannot_be(tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    data, out = table(tmp_path / "a.csv", 10), tmp_path / "m"
    assert cli.invoke(["train", "forecast", str(data), "--out", str(out), "--steps", "2", *arguments]) == 2
    told = capfd.readouterr()
    assert words in told.err
    assert told.err.count("\n") == 1
    assert not out.exists() or not any(out.iterdir())


def test_forecasts_go_on_beyond_the_horizon(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data, out = table(tmp_path / "a.csv", 400), tmp_path / "m"
    arguments = ["--horizon", "12", "--hidden", "8", "--lookback", "48", "--steps", "8", "--seconds", "0"]
    assert cli.invoke(["train", "forecast", str(data), "--out", str(out), *arguments]) == 0
    capfd.readouterr()
    found = {}
    for steps in (12, 30):
        for source in ([], [str(data)]):
            assert cli.invoke(["run", str(out), *source, "--steps", str(steps), "--json"]) == 0
            found[steps, bool(source)] = json.loads(capfd.readouterr().out)["forecasts"][0]
    assert len(found[30, False]["ds"]) == 30
    assert found[30, False]["ds"] == found[30, True]["ds"]
    np.testing.assert_allclose(found[30, False]["forecast"], found[30, True]["forecast"], rtol=1e-4)
    np.testing.assert_allclose(found[30, True]["forecast"][:12], found[12, True]["forecast"], rtol=1e-4)
    own = Forecasting.load(out)
    assert own.model.known is not None
    panel = own.read(str(data))
    given = own.series(panel, 30).features
    ends = Panel(["0"], _starts(own.model.known.about), panel.frequency, list(own.model.known.ends.values))
    kept = own._longer(own.model.known, ends, 30).features
    assert given is not None
    assert kept is not None
    np.testing.assert_array_equal(kept[0][-30:], given[0][-30:])  # the calendar goes on


def test_the_shuffled_order_is_a_control(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.zeros(1500)
    for t in range(4, 1500):  # only the order tells which value it was four steps ago
        values[t] = 0.95 * values[t - 4] + rng.standard_normal()
    model = Forecaster(1, segment=1, lookback=8, lags=(1,), hidden=16, scaling="series")
    model.fit([values[:1200]], steps=400, validation=False, learning_rate=1e-2)
    assert model.model is not None
    origins = np.stack([np.zeros(300, int), np.arange(1200, 1500)], 1)
    error = {}
    for seed in (None, 0):
        found = model.model.predict_at(Series([values]), origins, ["0"], shuffle=seed)
        error[seed] = np.abs(found[:, 0, 0] - values[1200:]).mean()
    assert error[0] > 1.5 * error[None]
