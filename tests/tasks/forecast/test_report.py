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
    return {**found, "shuffled": control(backtest, forecast + 1, forecast)}


def test_the_result_is_told_and_drawn(evaluation: dict[str, Any]) -> None:
    table, errors, prose, residuals = report._result(evaluation)
    assert [row[0] for row in table.rows] == ["last value", "seasonal naive", "this model"]  # type: ignore[union-attr]
    assert "<svg" in errors.image  # type: ignore[union-attr]
    assert "in random order" in prose.text  # type: ignore[union-attr]
    assert "<svg" in residuals.image  # type: ignore[union-attr]
    assert ("100.0 %", "inside the 80 % interval") in report._merits(evaluation)


def test_a_damaged_part_of_an_evaluation_leaves_the_rest_standing(
    evaluation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def errors(model: Sequence[float], baselines: dict[str, Any], coverage: dict[str, float]) -> str:
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
    for name, part in evaluation.items():
        for value in (None, "x", [1, "y"], {"a": 1}, 1e300, True):
            damaged = {**evaluation, name: value}
            assert len(report._result(damaged)) >= 2, (name, value)
            report._merits(damaged)
            for inner in part if isinstance(part, dict) else ():
                assert len(report._result({**evaluation, name: {**part, inner: value}})) >= 2, (name, inner, value)


def test_what_is_not_known_is_drawn_as_a_gap() -> None:
    gaps = [float("nan")] * 3
    assert "<svg" in plots.errors(gaps, {"last value": gaps}, {})
    assert "<svg" in plots.residuals([0.0, 1.0], [0.0], gaps, [], 1, 0)
