"""The report of a forecaster: what its history says is shown as far as it can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from throughtime.baselines.compare import Backtest, compare, control
from throughtime.baselines.simple import Naive, SeasonalNaive
from throughtime.tasks.forecast import plots, report


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    history = np.sin(np.arange(200) / 4) + 0.1 * rng.standard_normal(200)
    origins = np.stack([np.zeros(60, int), np.arange(120, 180)], 1)
    backtest = Backtest([history], origins, 3, 25)
    forecast = backtest.actual + 0.1
    levels = (0.1, 0.5, 0.9)
    quantiles = forecast[..., None] + np.array([-1.0, 0.0, 1.0])
    found = compare(backtest, forecast, quantiles, levels, baselines=[Naive(), SeasonalNaive()])
    naive2 = {**found["baselines"]["seasonal naive"], "note": "no more than that"}
    example = {"unique_id": "温度", "ds": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1.0, None, 2.0], "seen": 1}
    example |= {"forecast": [1.5, 2.0], "low": [1.0, 1.0], "high": [2.0, 3.0], "levels": [0.1, 0.9]}
    found |= {"baselines": {**found["baselines"], "Naive2": naive2}, "target": "温度", "examples": [example, example]}
    return {**found, "shuffled": control(backtest, forecast + 1, forecast)}


def test_the_result_is_told_and_drawn(evaluation: dict[str, Any]) -> None:
    table, note, intervals, errors, prose, residuals = report._result(evaluation)
    names = ["last value", "seasonal naive", "Naive2", "this model"]
    assert [row[0] for row in table.rows] == names  # type: ignore[union-attr]
    assert note.text == "Naive2: no more than that."  # type: ignore[union-attr]
    assert intervals.text.startswith("The 80 % interval is far wider than it has to be")  # type: ignore[union-attr]
    assert "<svg" in errors.image  # type: ignore[union-attr]
    assert "in random order" in prose.text  # type: ignore[union-attr]
    assert "<svg" in residuals.image  # type: ignore[union-attr]
    assert ("100.0 %", "inside the 80 % interval") in report._merits(evaluation)
    assert "Right: their mean" in residuals.caption  # type: ignore[union-attr]
    three = {**evaluation, "windows": 1, "residuals": {**evaluation["residuals"], "autocorrelation": [0.2, 0.1]}}
    assert "Middle: their mean" in report._result(three)[-1].caption  # type: ignore[union-attr]
    assert report._merits(three)[0][1] == "MAE, 1 window"


def test_a_damaged_part_of_an_evaluation_leaves_the_rest_standing(
    evaluation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def errors(model: Sequence[float], baselines: dict[str, Any], coverage: dict[str, float], target: str) -> str:
        assert isinstance(target, str)
        assert all(isinstance(value, float) for one in (model, *baselines.values()) for value in one)
        assert all(math.isfinite(float(name)) and math.isfinite(value) for name, value in coverage.items())
        return "<svg>"

    def residuals(*lists: Any) -> str:
        edges, counts, bias, correlation, stride, windows = lists
        assert all(isinstance(value, float) for one in (edges, counts, bias, correlation) for value in one)
        assert type(stride) is type(windows) is int
        return "<svg>"

    monkeypatch.setattr(plots, "errors", errors)
    monkeypatch.setattr(plots, "residuals", residuals)
    monkeypatch.setattr(plots, "examples", lambda shown, target: "<svg")
    for name, part in evaluation.items():
        for value in (None, "x", [1, "y"], {"a": 1}, 1e300, True):
            damaged = {**evaluation, name: value}
            assert len(report._result(damaged)) >= 2, (name, value)
            report._merits(damaged)
            assert report._examples(damaged)
            for inner in part if isinstance(part, dict) else ():
                assert len(report._result({**evaluation, name: {**part, inner: value}})) >= 2, (name, inner, value)


def test_what_is_not_known_is_drawn_as_a_gap() -> None:
    gaps = [float("nan")] * 3
    assert "<svg" in plots.errors(gaps, {"last value": gaps}, {})
    assert "<svg" in plots.residuals([0.0, 1.0], [0.0], gaps, [], 1, 0)


def test_forecasts_are_shown_against_what_came(evaluation: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    (figure,) = report._examples(evaluation)
    assert figure.image.count("温度") == 4  # type: ignore[union-attr]
    example = report._example(evaluation["examples"][0])
    assert example is not None
    assert example.values[[0, 2]].tolist() == [1.0, 2.0]
    assert (example.seen, example.share) == (1, "80 % interval")
    stamp = {
        **evaluation["examples"][0],
        "ds": ["2024-03-31 01:00:00+01:00", "2024-03-31 03:00:00+02:00", "2024-04-01"],
    }
    moved = report._example(stamp)
    assert moved is not None
    assert str(moved.times[1]).startswith("2024-03-31T03:00")
    monkeypatch.setattr(plots, "examples", lambda shown, target: "<svg")  # what is drawn is well formed, see above
    for name in evaluation["examples"][0]:
        for value in (None, "x", [1, "y"], {"a": 1}, 1e300, True, []):
            damaged = {**evaluation, "examples": [{**evaluation["examples"][0], name: value}]}
            assert report._examples(damaged), (name, value)
