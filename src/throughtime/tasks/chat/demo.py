"""The demonstration of chat: when shops are open, from conversations that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.tasks.sequence.demo import learn

FILE, COUNT = "conversations.jsonl", 2500
"""The conversations, and how many there are."""

EXAMPLE = "When does the bakery open on Monday?"
"""Something to say."""

EPOCHS = 12

_SHOPS = ["bakery", "library", "pharmacy", "market", "museum", "pool"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_HELLOS, _THANKS = ["Hello.", "Good morning!", "Hi there.", "Hey"], ["Thank you.", "Thanks a lot!", "Great, thanks."]


def conversations(count: int, seed: int) -> list[list[str]]:
    """Turns, the second of each two by the one who answers."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        shop, day = int(rng.integers(len(_SHOPS))), int(rng.integers(len(_DAYS)))
        opens, closes = 7 + (shop + day) % 4, 17 + (2 * shop + day) % 5
        about, asked = _SHOPS[shop], [f"When does the {_SHOPS[shop]} open on {_DAYS[day]}?", "And when does it close?"]
        turns = [str(rng.choice(_HELLOS)), "Hello, what can I do for you?"] if rng.random() < 0.5 else []
        turns += [asked[0], f"On {_DAYS[day]} the {about} opens at {opens}."]
        turns += [asked[1], f"It closes at {closes}."] if rng.random() < 0.6 else []
        turns += [str(rng.choice(_THANKS)), "You are welcome."] if rng.random() < 0.5 else []
        found.append(turns)
    return found


def lines(seed: int) -> str:
    """The conversations, one a line."""
    return "".join(json.dumps({"turns": turns}) + "\n" for turns in conversations(COUNT, seed))


def run(
    out: Path,
    minutes: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Learn into a folder and score conversations never seen; see throughtime.tasks.sequence.demo.learn."""
    every = {**options, "seed": seed, "threads": threads, "quiet": quiet}
    return learn("chat", out, FILE, lambda: lines(seed), EPOCHS, minutes, **every)
