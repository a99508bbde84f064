"""What every task promises, kept by summarizers."""

from __future__ import annotations

from typing import Any

from tests.tasks.check_task import Case, CheckTask, Followed
from tests.tasks.sequence.pairs_made import TINY, UNLIMITED, ZERO, made, write
from throughtime.tasks.summarize.stream import TextSummarizer

TEXTS = ["eins zwei 12", "", "Haus", "rot und blau"]


def followed(model: TextSummarizer) -> Followed:
    return Followed(TEXTS, list(model.answer(TEXTS)))


def answer(model: TextSummarizer) -> Any:
    return [one.to_json() for one in model.answer(TEXTS)]


def case(**options: Any) -> Case:
    chosen = {name: value for name, value in {**TINY, **options}.items() if value is not None}
    return Case(
        "summarize",
        chosen,
        made(60),
        made(60, 1),
        write,
        answer,
        ["eins zwei", "--json"],
        followed=followed,
        zero=ZERO,
        unlimited=UNLIMITED,
    )


class TestContract(CheckTask):
    case = case(longest=24)  # so that of some sources the beginning is read
