"""One folder per job people come with; this table is all that the rest of the house knows of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple


class Task(NamedTuple):
    """A row of the registry. estimator: the class people use, of the task's module of that name. help: what
    `throughtime train --help` says."""

    estimator: str
    help: str


TASKS = {
    "text": Task("LanguageModel", "learn a text and write on:  throughtime train text FILE --out DIR"),
    "forecast": Task(
        "Forecaster",
        "learn series and forecast them:  throughtime train forecast DATA --horizon 24 --out DIR",
    ),
    "classify": Task(
        "Classifier",
        "learn to tell texts apart:  throughtime train classify DATA --text review --label label --out DIR",
    ),
    "tag": Task(
        "Tagger",
        "learn slots, entities and intents:  throughtime train tag DATA --out DIR",
    ),
    "translate": Task(
        "Translator",
        "learn to translate:  throughtime train translate DATA --source de --target en --out DIR",
    ),
    "summarize": Task(
        "Summarizer",
        "learn to summarize:  throughtime train summarize DATA --source long --target short --out DIR",
    ),
    "chat": Task(
        "Chat",
        "learn to reply:  throughtime train chat DATA --out DIR",
    ),
}


def part(task: str, name: str) -> Any:
    """A module of a task's folder, imported when it is asked for."""
    return import_module(f"throughtime.tasks.{task}.{name}")
