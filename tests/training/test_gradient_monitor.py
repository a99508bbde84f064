"""The flow of the gradient, measured now and then while training."""

from __future__ import annotations

import pytest

from throughtime.training import gradient_monitor
from throughtime.training.gradient_monitor import SHARE, GradientMonitor


def test_measuring_costs_less_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(gradient_monitor.time, "perf_counter", lambda: now[0])
    monitor, elapsed = GradientMonitor(), 0.0

    def measure() -> tuple[list[dict[str, object]], list[str]]:
        now[0] += 0.5
        return [{"layer": "layer 0"}], ["12 units are dead"]

    said = []
    for step in range(1, 3000):
        now[0] += 0.1
        elapsed = now[0]
        if monitor.due(step, elapsed):
            said += monitor.take(measure, elapsed)[1]
    assert monitor.count > 5
    assert monitor.spent <= SHARE * elapsed
    assert said == ["12 units are dead"]  # once


def test_where_nothing_can_be_measured_no_more_is_tried() -> None:
    monitor = GradientMonitor()
    assert monitor.due(10_000, 100.0)
    assert monitor.take(lambda: None, 100.0) == ([], [])
    assert not monitor.due(200, 1000.0)
