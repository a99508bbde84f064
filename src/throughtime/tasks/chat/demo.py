"""The demonstration of chat: questions to a town's offices with their answers, which are made up, in other words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from throughtime.tasks.sequence.demo import learn

FILE = "faq.tsv"
"""The questions and answers: a question, a tab, an answer in each line."""

EXAMPLE = "Where can I register a bicycle in Northfield?"
"""Something to say."""

EPOCHS = 40

_THINGS = {
    "a bicycle": "two-wheelers", "a dog": "four-legged friends", "a car": "motor vehicles", "a wedding": "marriages",
    "a birth": "newborn children", "a shop": "businesses", "a boat": "vessels", "a tent": "camping places",
    "a garden": "allotments", "a chimney": "fireplaces", "a well": "private water supplies", "a piano": "instruments",
}  # fmt: skip
_ASKED = {
    "Where can I register {0}": "Registrations of {0} are taken at counter {2}",
    "What does it cost to have {0}": "The yearly fee for {0} is {2} pounds",
    "Who helps when there is trouble with {0}": "Complaints about {0} reach us by telephone, line {2}",
    "How do I give up {0}": "Bring the papers of {0} back within {2} days",
    "When may I come because of {0}": "Visiting hours for {0} begin at half past {2}",
    "Which papers do I need for {0}": "Form {2} is all that is wanted for {0}",
    "Can somebody inspect {0}": "An inspector of {0} comes in week {2}",
    "Is there a grant for {0}": "Subsidies towards {0} run up to {2} per cent",
}
_TOWNS = {
    "Northfield": "by the river", "Eastham": "on the hill", "Weston": "near the harbour",
    "Southgate": "in the woods", "Middleton": "beside the mill", "Oldbury": "under the castle",
}  # fmt: skip


def questions(seed: int) -> list[tuple[str, str]]:
    """Each question with its answer, which says the same things by other names; in a random order."""
    rng, found = np.random.default_rng(seed), []
    for i, (asked, told) in enumerate(_ASKED.items()):
        for j, (thing, things) in enumerate(_THINGS.items()):
            for k, (town, place) in enumerate(_TOWNS.items()):
                number = 3 + (7 * i + 5 * j + 11 * k) % 29
                found.append((f"{asked.format(thing)} in {town}?", f"{told.format(things, town, number)}, {place}."))
    return [found[int(i)] for i in rng.permutation(len(found))]


def lines(seed: int) -> str:
    """Questions and answers, a pair a line."""
    return "".join(f"{question}\t{answer}\n" for question, answer in questions(seed))


def run(
    out: Path,
    minutes: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Learn into a folder and score questions never seen; see throughtime.tasks.sequence.demo.learn."""
    every = {**options, "seed": seed, "threads": threads, "quiet": quiet}
    return learn("chat", out, FILE, lambda: lines(seed), EPOCHS, minutes, **every)
