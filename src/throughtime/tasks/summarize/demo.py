"""The demonstration of summarizing: who wants what and when, out of notes that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from throughtime.tasks.sequence.demo import learn

FILE, COUNT = "notes.tsv", 5000
"""The pairs, and how many there are."""

EXAMPLE = "Hello! This is Norl again. The weather is fine. We need 31 lamps in Atku by Friday. Thank you."
"""A text to try."""

EPOCHS = 12

_FILL = [
    "The weather is fine.",
    "I hope you are well.",
    "Sorry for the noise.",
    "We had a long week.",
    "Nobody was here.",
]
_FILL += ["My phone is broken.", "The new office is nice.", "See the list we sent."]
_THINGS, _DAYS = ["lamps", "chairs", "boxes", "tickets", "books", "keys"], ["Monday", "Tuesday", "Friday", "Sunday"]
_SIGNS = "abdeiklnorstu"


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Notes, and what they come to."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        name, town = ("".join(rng.choice(list(_SIGNS), int(rng.integers(3, 7)))).capitalize() for _ in range(2))
        number, thing, day = int(rng.integers(2, 200)), str(rng.choice(_THINGS)), str(rng.choice(_DAYS))
        fill = [str(one) for one in rng.choice(_FILL, int(rng.integers(1, 5)), replace=False)]
        fill.insert(int(rng.integers(0, len(fill) + 1)), f"We need {number} {thing} in {town} by {day}.")
        found.append(
            (
                " ".join([f"Hello! This is {name} again.", *fill, "Thank you."]),
                f"{name}: {number} {thing}, {town}, {day}",
            )
        )
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
    return learn("summarize", out, FILE, lambda: table(seed), EPOCHS, minutes, **every)
