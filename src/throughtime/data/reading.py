"""What one can say of how a table of series is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughtime.data.beside_numbers import CENSORED
from throughtime.data.frequency import Frequency
from throughtime.errors import UserError
from throughtime.options import Options, option

AGGREGATES = ("mean", "sum", "first", "last", "min", "max", "median")
"""What may become of several rows of one step."""


def _sign(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or value.isalnum():
        raise ValueError("one sign, such as . or ,")
    return value


def _decimal(value: Any) -> str:
    if value not in (".", ","):
        raise ValueError(". or ,")
    return str(value)


def _frequency(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a name such as h, D or MS")
    if value != "steps":
        Frequency.of(value)
    return value


def _names(value: Any) -> tuple[str, ...]:
    """Names of columns; None is none, as folders kept it."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError("a name, or a list of names")
    return tuple(value)


@dataclass(frozen=True, kw_only=True)
class Reading(Options):
    """How a table of series is read.

    target: the column to forecast, several of a wide table; none finds them. time, id: columns of times and of the
    series' names, several where several make one; none finds them. past, future, static: columns known up to now, known
    beforehand (rows after the last target give what is to come), and one value a series. frequency: as pandas writes
    it, or "steps" for rows as they come; None finds it. dayfirst: of dates whose year stands last; None finds it.
    timezone: of the clock. date_format: how times are written, in directives of strptime, or excel, jd, mjd, s, ms,
    us, ns, years or steps. aggregate: what several rows of one step become, None refuses them. round: move times to the
    nearest step. decimal, thousands: signs in numbers; None finds them. missing: further marks of missing values.
    censored: what a cell such as <0.1 or >2400 becomes; None refuses it. header: whether a row names the columns.
    sheet: of an Excel file.
    """

    who = "series"

    target: tuple[str, ...] = option(
        (),
        shapes=True,
        check=_names,
        help="The column to forecast; several, with commas, of a wide table; all of numbers if not given.",
    )
    time: tuple[str, ...] = option(
        (), check=_names, help="The column of times; several, with commas, where they make one; found."
    )
    id: tuple[str, ...] = option(
        (), check=_names, help="The column of the series' names, or several, with commas; found."
    )
    past: tuple[str, ...] = option((), shapes=True, check=_names, help="Columns known up to now, with commas.")
    future: tuple[str, ...] = option((), shapes=True, check=_names, help="Columns known beforehand, with commas.")
    static: tuple[str, ...] = option(
        (), shapes=True, check=_names, help="Columns that are one value a series, with commas."
    )
    frequency: str | None = option(
        None, shapes=True, check=_frequency, help="h, 15min, D, B, W, MS ...; steps takes rows as they come."
    )
    dayfirst: bool | None = option(None, help="Of dates such as 01/02/2016.")
    timezone: str | None = option(None, help="Of the clock, such as Europe/Berlin.")
    date_format: str | None = option(
        None, help="How times are written, such as %d.%m.%y; or excel, jd, mjd, s, ms, us, ns, years, steps."
    )
    aggregate: str | None = option(
        None, choices=AGGREGATES, help=f"What several rows of one step become: {', '.join(AGGREGATES)}."
    )
    round: bool = option(False, help="Move times to the nearest step of the frequency.")
    decimal: str | None = option(None, check=_decimal, help="The decimal sign, . or , ; found where it is clear.")
    thousands: str | None = option(None, check=_sign, help="The sign between groups of three digits; found.")
    missing: tuple[str, ...] = option((), check=_names, help="Further marks of missing values, with commas.")
    censored: str | None = option(
        None,
        choices=CENSORED,
        help="What <0.1 becomes: limit (0.1), half of it, zero or missing; >9 becomes 9, or missing.",
    )
    header: bool = option(True, help="Whether a row names the columns.")
    sheet: str | None = option(None, help="Of an Excel file with several.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decimal is not None and self.decimal == self.thousands:
            raise UserError(f"{self.who}: decimal and thousands must differ, got {self.decimal!r} twice")
