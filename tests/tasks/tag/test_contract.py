"""What every task promises, kept by taggers: one that reads both ways, and one that reads forward without a CRF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tasks.check_task import Case, CheckTask, Followed
from tests.tasks.reading.texts import UNLIMITED, ZERO, flights, write_tagged
from throughtime.data.tagged import Tagged
from throughtime.tasks.tag.stream import TokenTagger

TEXTS = ["leave new york reach the rome", "", "we saw a film", "reach at oslo", "leave in los angeles then reach bonn"]


def write(data: Tagged, place: Path) -> Path:
    return write_tagged(place / "texts.conll", data)


def followed(model: TokenTagger) -> Followed:
    """What it makes of each text, among the others."""
    return Followed(TEXTS, list(model.tag(TEXTS)))


def answer(model: TokenTagger) -> Any:
    return [one.to_json() for one in model.tag(TEXTS)]


def case(**options: Any) -> Case:
    usual = {"hidden": 6, "embedding": 4, "ensemble_size": 2, "swap": 0.3, "batch": 24, "steps": 8, "threads": 1}
    return Case(
        "tag",
        {**usual, "seconds": 0, **options},
        flights(50),
        flights(50, 1),
        write,
        answer,
        ["leave new york", "--json"],
        ["--seconds", "0"],
        followed=followed,
        zero=ZERO | {"swap", "seconds"},
        unlimited=UNLIMITED,
        beside=frozenset({"linear.json"}),
    )


class TestContract(CheckTask):
    case = case(linear_models=False)


class TestContractOfOneWay(CheckTask):
    case = case(bidirectional=False, crf=False, stacked=True)
