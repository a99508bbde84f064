"""What a fitted forecaster has to say of a new table before it goes on from it: steps, blanks, new categories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from throughtime.data import zones
from throughtime.data.axis import TimeAxis
from throughtime.data.features import Features, Scale
from throughtime.data.frequency import Frequency
from throughtime.data.panel import Column, Panel
from throughtime.errors import UserError
from throughtime.tasks.forecast.answers import texts

_MOSTLY = 2 / 3
"""The share of distances that have to be alike to say what the distance is."""

_WIDE = np.timedelta64(86_399_999_999, "us")


def check_steps(panel: Panel, axis: TimeAxis, alike: bool) -> None:
    """UserError where a table's steps are not those the model learned.

    alike: whether those it learned lie as far apart as their frequency says, mostly.
    """
    frequency = Frequency.of(axis.frequency)
    if frequency.kind == "steps" or panel.frequency.kind == "steps":
        if frequency.kind != "steps":
            raise UserError(f"{panel.where}: the model learned steps of {frequency}, these rows have no dates")
        return
    if (panel.frequency.kind, panel.frequency.count) != (frequency.kind, frequency.count):
        raise UserError(
            f"{panel.where}: the model learned steps of {frequency}, these are {panel.frequency}; give the table "
            "at the model's steps, or train another model"
        )
    places = [np.flatnonzero(np.isfinite(one)) for one in panel.values]
    gaps = np.concatenate([np.diff(one) for one in places] or [np.zeros(0, int)])
    if len(gaps) < 2 or not alike:
        return
    common = int(np.bincount(gaps).argmax())
    if common > 1 and (gaps % common == 0).mean() > _MOSTLY:
        raise UserError(
            f"{panel.where}: the model learned steps of {frequency}, these values lie {common} of them apart; give the "
            "table at the model's steps, or train another model"
        )


def alike(values: Column | Any) -> bool:
    """Whether series have values at most of their steps, one after the other."""
    gaps = np.concatenate([np.diff(np.flatnonzero(np.isfinite(one))) for one in values] or [np.zeros(0, int)])
    return not len(gaps) or bool((gaps == 1).mean() > 0.5)


def check_covariates(panel: Panel, features: Features, ahead: int) -> list[str]:
    """What covariates hold that the model cannot read as it is; one line each.

    UserError where something that is to be known beforehand is blank in the `ahead` steps to come, and was never
    missing when the model learned.
    """
    notes = []
    for scale in (*features.future, *features.past, *features.static):
        given: Mapping[str, Any] = {**panel.static, **panel.past, **panel.future}
        if scale.name not in given:
            continue  # told where features are made
        own = scale in features.static
        columns: Column = [np.array([one]) for one in given[scale.name]] if own else given[scale.name]
        if scale in features.future:
            _check_blanks(panel, scale, columns, ahead)
        blank = sum(int(_blank(one, scale).sum()) for one in columns)
        if blank and not scale.masked:
            stead = "none of its categories" if scale.names else "its mean"
            notes.append(f"column {scale.name}: {blank:,} blank, which training never had: taken as {stead}")
        if scale.names:
            new = sorted({str(value) for one in columns for value in np.unique(one.astype(str))} - {"", *scale.names})
            if new:
                these = ", ".join(repr(name[:40]) for name in new[:3]) + (" ..." if len(new) > 3 else "")
                learned = ", ".join(scale.names[:5]) + (" ..." if len(scale.names) > 5 else "")
                notes.append(f"column {scale.name}: {these} not in training ({learned}): it tells the model nothing")
    return notes


def _check_blanks(panel: Panel, scale: Scale, columns: Column, ahead: int) -> None:
    """UserError where a value that is to be known beforehand is blank, of a column that had none in training."""
    if scale.masked:
        return
    for n, (one, values) in enumerate(zip(columns, panel.values, strict=True)):
        blank = _blank(one[len(values) : len(values) + ahead], scale)
        if blank.any():
            step = len(values) + int(blank.argmax())
            when = texts([panel.times(n, step, 1)], panel.axis)[0][0]
            raise UserError(
                f"{panel.where}: series {panel.ids[n]}: column {scale.name} is blank at {when}, and is to be known "
                f"{ahead} steps after the last {panel.target}; fill it in"
            )


def _blank(values: np.ndarray, scale: Scale) -> np.ndarray:
    blank: np.ndarray = values.astype(str) == "" if scale.names else ~np.isfinite(values.astype(np.float64))
    return blank


def moment(value: Any, axis: TimeAxis, last: bool = False) -> Any:
    """A time that somebody asks for, as a Panel of the axis has them: datetime64[us], or a whole number of steps.

    value: a text such as 2024-03-01 or 2024-03-01 14:00+01:00, a date or datetime, a number where rows have no dates.
    Without an offset it is meant on the file's clock. last: of a day, its last moment. UserError where it is none.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if axis.frequency != "steps":
            raise UserError(f"forecast: expected a date such as 2024-03-01, got {value}")
        return int(value)
    whole_day = isinstance(value, date) and not isinstance(value, datetime)
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str):
        whole_day = len(value.strip()) <= 10
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise UserError(f"forecast: expected a date such as 2024-03-01 14:00, got {value[:40]!r}") from None
    if whole_day and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise UserError(f"forecast: expected a date such as 2024-03-01, got {value!r}")
    if axis.frequency == "steps":
        raise UserError("forecast: the model's rows have no dates; say how many steps, or give a step's number")
    if value.tzinfo is not None:
        utc = np.datetime64(value.astimezone(UTC).replace(tzinfo=None), "us")
        return utc if axis.clock == "utc" else zones.to_local(np.array([utc]), axis.zone)[0]
    local = np.datetime64(value, "us") + (_WIDE if last and whole_day else np.timedelta64(0, "us"))
    if axis.clock == "local" or axis.zone is None:
        return local
    first, final = zones.to_utc(np.array([local]), axis.zone)
    if np.isnat(first[0]):
        raise UserError(f"forecast: the clock of {axis.zone} leaves out {value}; give another time")
    return final[0] if last else first[0]
