"""How to train: what is refused, what a budget is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from throughtime.errors import UserError
from throughtime.training.settings import Settings


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"minutes": 1.0, "steps": 3}, "training: give one budget, got minutes and steps"),
        ({"steps": 0}, "steps must be an integer from 1 up, got 0"),
        ({"steps": 1.5}, "steps must be an integer from 1 up, got 1.5"),
        ({"epochs": 2.0}, "epochs must be an integer from 1 up, got 2.0"),
        ({"minutes": -1.0}, "minutes must be a number above 0, got -1.0"),
        ({"minutes": float("inf")}, "minutes must be a number above 0, got inf"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"clip": -1.0}, "clip must be a number from 0 up"),
        ({"clip": float("nan")}, "clip must be a number from 0 up"),
        ({"beta_2": 1.0}, "beta_2"),
        ({"average": -0.1}, "average"),
        ({"final_fraction": 2.0}, "final_fraction"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"warm_up": -1}, "warm_up"),
        ({"patience": 0}, "patience"),
        ({"validations": 0}, "validations"),
        ({"log_every": 2.5}, "log_every"),
        ({"log_every": 0}, "log_every must be an integer from 1 up, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Settings(**options)


def test_settings_come_back_from_json() -> None:
    chosen = Settings(steps=40, patience=3, clip=None)
    assert Settings.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
    with pytest.raises(UserError, match="pace is nothing it knows"):
        Settings.from_json({"pace": 1})


def test_settings_at_the_ends_of_their_range_are_taken() -> None:
    least = {"log_every": 1, "steps": 1, "patience": 1, "validations": 1, "warm_up": 0, "weight_decay": 0.0}
    least |= {"final_fraction": 0.0, "average": 0.0, "beta_1": 0.0, "beta_2": 0.0, "checkpoint_seconds": 0.0}
    assert {name: getattr(Settings(**least), name) for name in least} == least  # type: ignore[arg-type]
    assert Settings(final_fraction=1.0).final_fraction == 1.0


def test_no_limit_is_said_by_zero() -> None:
    assert Settings(clip=0).clip is None
    assert Settings(clip=0.0).clip is None
    assert Settings(clip=None).clip is None


def test_a_budget_has_a_unit() -> None:
    none = Settings()
    assert (none.budgeted, none.budget, none.unit) == (False, 10, "epochs")
    for unit in ("minutes", "epochs", "steps"):
        one = Settings(**{unit: 3})
        assert (one.budgeted, one.budget, one.unit) == (True, 3, unit)


def test_a_budget_takes_the_place_of_another_one() -> None:
    chosen = Settings(minutes=2.0, learning_rate=0.5)
    other = chosen.replaced(steps=7)
    assert (other.minutes, other.steps, other.learning_rate) == (None, 7, 0.5)
    assert chosen.replaced(patience=3).minutes == 2.0
    assert chosen.changed({"epochs": 4}).unit == "epochs"
