"""What reading a table found out about its time, kept with a model so that later tables are read the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.data import zones
from throughtime.data.frequency import Frequency
from throughtime.options import Checked, option

CLOCKS = ("local", "utc")
"""What stored times are: what a clock shows, or instants."""


def _alias(value: Any) -> str:
    """A frequency's name."""
    if not isinstance(value, str):
        raise ValueError("the name of a frequency")
    Frequency.of(value)
    return value


def _zone(value: Any) -> str:
    """A zone's name."""
    if not isinstance(value, str):
        raise ValueError("the name of a time zone")
    zones.zone_of(value)
    return value


@dataclass(frozen=True)
class TimeAxis(Checked):
    """Where rows stand in time.

    column: the column of times, "year, month" where several make one; None where rows are steps. frequency: of the
    steps, as Frequency.of reads it. zone: of the file's clock, such as Europe/Berlin, UTC or +02:00; None where the
    file says none, and times are as it writes them. clock: what the times of a Panel are: "utc", instants, which steps
    below a day have in a zone; or "local", what the zone's clock shows, which steps from a day up have. written: how
    the file writes times, in the directives of strftime (%Y-%m-%d %H:%M), "" where nothing in them says it.
    """

    who = "time"

    column: str | None = None
    frequency: str = option("steps", check=_alias)
    zone: str | None = option(None, check=_zone)
    clock: str = option("local", choices=CLOCKS)
    written: str = ""

    def local(self, times: np.ndarray) -> np.ndarray:
        """Times of a Panel, datetime64[us], as the file's clock shows them."""
        return zones.to_local(times, self.zone if self.clock == "utc" else None)

    def instants(self, times: np.ndarray) -> np.ndarray:
        """Times of a Panel as UTC; of the hour that comes twice the first, of one left out the one after the change.

        Without a zone they stay as they are.
        """
        if self.zone is None or self.clock == "utc":
            return times
        hour = np.timedelta64(1, "h")
        first, _ = zones.to_utc(times, self.zone)
        later, _ = zones.to_utc(times + hour, self.zone)
        return np.where(np.isnat(first), later, first)

    def offsets(self, times: np.ndarray) -> np.ndarray | None:
        """(L,) seconds by which the file's clock is ahead of UTC at times of a Panel; None where no zone is known."""
        return None if self.zone is None else zones.offsets(self.instants(times), self.zone)
