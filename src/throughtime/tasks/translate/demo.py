"""The demonstration of translating: dates as people write them into dates as machines do, from made-up pairs.

Names of months, orders and signs differ; whatever else stands in the text, such as a name, is copied.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.tasks.sequence.demo import learn

FILE, COUNT = "dates.tsv", 6000
"""The pairs, and how many there are."""

EXAMPLE = "Mrs Abel meets us on the 3rd of May 2031"
"""A text to try."""

EPOCHS = 12

_MONTHS = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]
_WHO = ["Mr", "Mrs", "Dr"]
_VERBS = {
    "meets us": "meeting",
    "calls us": "call",
    "visits us": "visit",
    "writes to us": "letter",
    "pays us": "payment",
}
_SIGNS = "abcdefghijklmnoprstuvw"


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts with a date and a name, and the entry of a calendar."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        day = date(1950, 1, 1) + timedelta(int(rng.integers(0, 40_000)))
        name = "".join(rng.choice(list(_SIGNS), int(rng.integers(3, 9)))).capitalize()
        who, verb = str(rng.choice(_WHO)), str(rng.choice(list(_VERBS)))
        month, end = _MONTHS[day.month - 1], "th"
        if day.day not in (11, 12, 13):
            end = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        written = [
            f"on the {day.day}{end} of {month} {day.year}",
            f"on {month} {day.day}, {day.year}",
            f"on {day.day} {month[:3]} {day.year}",
        ][int(rng.integers(0, 3))]
        found.append((f"{who} {name} {verb} {written}", f"{day.isoformat()} {_VERBS[verb]}: {who} {name}"))
    return found


def table(seed: int) -> str:
    """The pairs, one a line."""
    return "source\ttarget\n" + "".join(f"{one}\t{other}\n" for one, other in pairs(COUNT, seed))


def run(
    out: Path,
    minutes: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Learn into a folder and score pairs never seen; see throughtime.tasks.sequence.demo.learn."""
    every = {**options, "seed": seed, "threads": threads, "quiet": quiet}
    return learn("translate", out, FILE, lambda: table(seed), EPOCHS, minutes, **every)
