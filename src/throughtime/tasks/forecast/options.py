"""What one can choose when series are learned and forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from throughtime.data.free_days import country
from throughtime.data.reading import Reading
from throughtime.errors import UserError
from throughtime.models.stack import LARGEST
from throughtime.options import by_rule, names, numbers, option, redefined
from throughtime.tasks.forecast.model import DISTRIBUTIONS, SCALINGS
from throughtime.tasks.options import StackOptions, TaskOptions
from throughtime.training.settings import Settings

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that the command forecasts where nothing is said: intervals of 50, 80 and 90 %."""

LOSSES = ("mae", "mse", "mase_smape")
"""Of point forecasts."""


def _levels(value: Any) -> tuple[float, ...]:
    """Levels of quantiles, rising."""
    try:
        levels = tuple(float(level) for level in value)
    except (TypeError, ValueError):
        raise ValueError("a list of levels between 0 and 1") from None
    if list(levels) != sorted(set(levels)) or any(not 0 < level < 1 for level in levels):
        got = ", ".join(f"{level:g}" for level in levels[:8])
        raise UserError(f"forecaster: quantiles must rise and lie between 0 and 1, got {got}")
    return levels


def _typed_levels(text: str) -> Sequence[float]:
    try:
        levels = numbers(text)
    except ValueError:
        levels = ()
    if not levels and text != "none":
        raise UserError(f"--quantiles {text}: expected levels such as 0.1,0.5,0.9, or none")
    return levels


def _validation(value: Any) -> int | float | None:
    """A share of every series' end, or a number of steps; True is a tenth, False nothing."""
    if value is None:
        return None
    if isinstance(value, bool):
        return 0.1 if value else 0
    if isinstance(value, float) and value == 0:
        return 0
    if (type(value) is int and 0 <= value <= LARGEST) or (isinstance(value, float) and 0 < value < 1):
        return value
    raise ValueError("a share from 0 to below 1, or a number of steps")


def _typed_validation(text: str) -> int | float:
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        raise UserError(f"--validation {text}: expected a share such as 0.1, or a number of steps") from None


def _typed_names(text: str) -> tuple[str, ...]:
    return () if text == "none" else names(text)


@dataclass(frozen=True)
class ForecastOptions(Reading, StackOptions):
    """A forecaster and its training, and how tables are read (throughtime.data.reading.Reading).

    What is None is chosen for the series, the horizon, the budget and the speed (tasks/forecast/rule.py).

    horizon: steps ahead. season: steps after which a series repeats itself, 1 for none. segment: steps taken in at
    once. lookback: steps looked at. lags: how many steps ago the references lie that the model corrects. profile: steps
    of a season whose mean course the model sees, 0 for none. every: an output at every step, the state carried,
    instead of one after each window.
    holidays: the code of a country, or DE-BY for a part of one: whether a day, the next one and the one before are
    holidays, or how many there are in a longer step, are features that are known beforehand.
    neighbours: how many other series of the same clock each one sees, those that tell most of it. past: columns known
    up to now; where there is one target those of the other columns that tell of it, and then absent: the model
    learns to go without them, as it has to beyond its horizon.
    linear: of how many of the last values a regression is taken, which, mixed with smoothing, is one more reference; 0
    for none.
    scaling: a name of SCALINGS in tasks/forecast/model.py. quantiles: levels, in place of a point forecast; then the
    loss is theirs. distribution: of which the quantiles are taken; then the loss is its likelihood. ensemble_size:
    models that are trained side by side, each from its own start and order, whose mean is the forecast. validation: the
    share of every series' end, or the number of steps, by which the best parameters are chosen; 0: all is learned from,
    and the last parameters are kept. holdout: the share of every series' end that is not even looked at, at least a
    horizon, for the score. chrono: in segments.
    """

    who = "forecaster"

    horizon: int = option(24, shapes=True, at_least=1, at_most=LARGEST, help="K, how many steps ahead.")
    season: int | None = option(
        None, at_least=1, at_most=LARGEST, help="Steps after which series repeat; found in their values if not given."
    )
    _: KW_ONLY
    calendar: bool = option(True, shapes=True, help="Let the model see the time of day, of the week and of the year.")
    holidays: str | None = option(
        None, shapes=True, check=country, help="The country whose holidays are known beforehand: CN, US, DE-BY ..."
    )
    profile: int | None = option(
        None,
        shapes=True,
        at_least=0,
        at_most=1_000_000,
        help="Steps of a season whose mean course the model sees; 0 for none.",
    )
    every: bool = option(False, shapes=True, help="An output at every step, the state carried, for streams.")
    lookback: int | None = option(None, shapes=True, at_least=1, at_most=LARGEST, help="Steps of the past looked at.")
    segment: int | None = option(None, shapes=True, at_least=1, at_most=LARGEST, help="Steps taken in at once.")
    lags: tuple[int, ...] | None = option(
        None, shapes=True, at_least=1, at_most=LARGEST, shell=False, help="Of the references."
    )
    past: tuple[str, ...] = by_rule(
        Reading,
        "past",
        parse=_typed_names,
        help="Columns known up to now, with commas, or none; those that help if not given.",
    )
    neighbours: int | None = option(
        None,
        shapes=True,
        at_least=0,
        at_most=64,
        help="Other series whose past each one sees; as many as help if not given.",
    )
    linear: int | None = option(
        None,
        shapes=True,
        at_least=0,
        at_most=LARGEST,
        help="The last values that a linear map reads, which the recurrence corrects; 0 for none.",
    )
    absent: bool = option(False, shapes=True, shell=False, help="Learn to go without what is known of the past alone.")
    cell: Any = redefined(StackOptions, "cell", "gru_reset_after")
    hidden: int = by_rule(StackOptions, "hidden", help="H, the size of the hidden state.")
    embedding: int = by_rule(StackOptions, "embedding", help="Values a segment becomes.")
    dropout: float = by_rule(StackOptions, "dropout")
    ensemble_size: int | None = option(
        None, shapes=True, at_least=1, at_most=999, help="Models side by side whose mean is the forecast."
    )
    scaling: str | None = option(None, shapes=True, choices=SCALINGS, help=f"{', '.join(SCALINGS)}.")
    distribution: str | None = option(
        None,
        shapes=True,
        choices=tuple(DISTRIBUTIONS),
        help="none, student_t, or negative_binomial for counts; the last one of small counts if not given.",
    )
    quantiles: tuple[float, ...] = option(
        (),
        shapes=True,
        check=_levels,
        parse=_typed_levels,
        command=LEVELS,
        help="Levels with commas; 'none' forecasts points.",
    )
    loss: str | None = option(None, choices=LOSSES, help="Of point forecasts: mae, mse or mase_smape.")
    nonnegative: bool | None = option(None, help="Forecasts below zero become zero.")
    batch: int = by_rule(TaskOptions, "batch", help="B, windows a step.")
    learning_rate: float = by_rule(Settings, "learning_rate")
    warm_up: int = by_rule(Settings, "warm_up")
    average: float = redefined(Settings, "average", 0.999)
    learn_validation: bool = by_rule(
        Settings, "learn_validation", shell=True, help="Learn what was kept for validation too, at the end."
    )
    attempts: int = by_rule(Settings, "attempts")
    validation: Any = option(
        None,
        once=True,
        check=_validation,
        parse=_typed_validation,
        help="Share of the learning part kept for validation, or so many steps.",
    )
    holdout: float = option(
        0.0,
        once=True,
        at_least=0,
        below=1,
        command=0.1,
        help="Share of each series, at its end, kept for the final score.",
    )
    seconds: float = option(
        30.0,
        at_least=0,
        below=1_000_000,
        changeable=True,
        help="How long each of the slow baselines may take; 0 leaves them out.",
    )

    @property
    def members(self) -> int:
        """Models side by side, 1 where nobody chose."""
        return self.ensemble_size or 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every and self.segment not in (None, 1):
            raise UserError(f"{self.who}: an output at every step takes segments of one step, got {self.segment}")


OPTIONS = ForecastOptions
