"""Small files as people have them, and what is right to read in them, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Situation:
    """text: a file. options: of read_series. times: of the first series' steps, as its clock shows them. values: of
    each series by its name. says: words of the notes. zone, frequency: of the axis. refused: words of the refusal.
    file: its name."""

    name: str
    text: str
    times: str = ""
    values: Mapping[str, list[float | None]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    frequency: str | None = None
    zone: str | None = None
    refused: tuple[str, ...] = ()
    file: str = "a.csv"


def rows(*lines: str) -> str:
    """A file of lines."""
    return "\n".join(lines) + "\n"


def days(first: str, *values: str) -> str:
    """A file of a column d, days from 2024-01-01 on, and a column of values named as the first says."""
    return rows(f"d,{first}", *(f"2024-01-{n:02},{value}" for n, value in enumerate(values, 1)))


V3 = {"v": [1.0, 2.0, 3.0]}
DAYS3 = "2024-01-01 2024-01-02 2024-01-03"
MONTHS3 = "2024-01-01 2024-02-01 2024-03-01"
