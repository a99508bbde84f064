"""The validation part is learned in the end, and quantiles are shifted by what was said of it before."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime import Forecaster
from throughtime.tasks.forecast import calibration
from throughtime.tasks.forecast.job import ForecastJob

SMALL: dict[str, Any] = {"season": 6, "hidden": 8, "embedding": 8, "threads": 1, "batch": 32, "learning_rate": 3e-3}
LATE: dict[str, Any] = {**SMALL, "quantiles": (0.1, 0.5, 0.9), "steps": 64, "warm_up": 2, "average": 0.0}


def days(count: int = 3, steps: int = 240) -> list[np.ndarray]:
    """Series with a course of six steps, which a model learns better and better."""
    rng, t = np.random.default_rng(0), np.arange(steps)
    return [10 + 3 * np.sin(2 * np.pi * t / 6 + n) + 0.1 * rng.standard_normal(steps) for n in range(count)]


class Seen:
    """What jobs learned, by when it was asked for, and which outputs quantiles were shifted by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.windows, self.outputs, self.models = list[int](), list[bool](), 1
        loss, made = ForecastJob.member_loss, calibration.shifts

        def member_loss(job: ForecastJob, number: int, batch: np.ndarray) -> Any:
            self.windows.append(len(job._windows))
            return loss(job, number, batch)

        def shifts(ensemble: Any, held: Any, outputs: Any = None) -> tuple[float, ...]:
            self.outputs.append(outputs is not None)
            return made(ensemble, held, outputs)

        monkeypatch.setattr(ForecastJob, "member_loss", member_loss)
        monkeypatch.setattr("throughtime.tasks.forecast.estimator.calibrated", shifts)


def test_the_latest_values_are_learned_when_all_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(monkeypatch)
    model = Forecaster(6, learn_validation=True, **LATE).fit(days(), quiet=True)
    before, after = set(seen.windows[:50]), set(seen.windows[-3:])
    assert before == {3 * (240 - 24 - 6 - 84 + 1)}
    assert after == {3 * (240 - 6 - 84 + 1)}  # up to the last value
    assert seen.outputs == [True]  # once, by what was said before they were learned
    assert model.record is not None
    assert len(model.record.decided.shifts) == 3
    assert np.isfinite(model.predict()).all()


@pytest.mark.parametrize("given", [{"learn_validation": False}, {}, {"learn_validation": True, "validation": 0}])
def test_they_are_not_where_nobody_wants_it_or_nothing_is_held(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(monkeypatch)
    Forecaster(6, **{**LATE, "steps": 20, **given}).fit(days(), quiet=True)
    assert len(set(seen.windows)) == 1
    assert not any(seen.outputs)


def test_a_run_that_is_stopped_after_that_goes_on_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Forecaster(6, learn_validation=True, **LATE).fit(days(), out=tmp_path / "a", quiet=True)
    seen = Seen(monkeypatch)
    loss = ForecastJob.member_loss

    def pressed(job: ForecastJob, number: int, batch: np.ndarray) -> Any:
        if len(seen.windows) == 61:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(job, number, batch)

    monkeypatch.setattr(ForecastJob, "member_loss", pressed)
    stopped = Forecaster(6, learn_validation=True, **LATE).fit(days(), out=tmp_path / "b", quiet=True)
    assert stopped.outcome is not None
    assert (stopped.outcome.ended, len(set(seen.windows))) == ("interrupted", 2)
    going = Forecaster(6).fit(days(), out=tmp_path / "b", resume=True, quiet=True)
    assert going.record is not None
    assert whole.record is not None
    assert going.record.decided == whole.record.decided
    np.testing.assert_array_equal(going.predict(), whole.predict())
