"""What every task promises, kept by models that reply."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.tasks.check_task import Case, CheckTask, Followed
from tests.tasks.sequence.pairs_made import TINY, UNLIMITED, ZERO, made
from throughtime.tasks.chat.stream import TextChat

TEXTS = ["eins zwei 12", "Haus", "rot und blau", "eins"]


def conversations(seed: int = 0) -> list[list[str]]:
    sources, targets = made(48, seed)
    return [[a, b, *rest] for a, b, *rest in zip(sources[::2], targets[::2], sources[1::2], targets[1::2], strict=True)]


def write(data: list[list[str]], place: Path) -> Path:
    text = "".join(json.dumps({"turns": turns}) + "\n" for turns in data)
    (place / "said.jsonl").write_text(text, "utf-8")
    return place / "said.jsonl"


def followed(model: TextChat) -> Followed:
    stream = model.stream()
    return Followed(TEXTS, [stream.feed(text) for text in TEXTS])


def answer(model: TextChat) -> Any:
    return [one.to_json() for one in model.answer(TEXTS)]


class TestContract(CheckTask):
    case = Case(
        "chat",
        {name: value for name, value in TINY.items() if value is not None},
        conversations(),
        conversations(1),
        write,
        answer,
        ["eins zwei", "--json"],
        followed=followed,
        zero=ZERO,
        unlimited=UNLIMITED,
    )


def test_no_reply_twice_in_a_row() -> None:
    case = TestContract.case
    model = case.fit().fitted()
    stream = model.stream()
    replies = [stream.feed("eins zwei").text for _ in range(6)]
    assert all(replies)
    assert all(a != b for a, b in pairwise(replies))
    assert len(stream.said) <= 2 * model.turns


def test_two_conversations_at_once_do_not_disturb_each_other() -> None:
    model = TestContract.case.fit().fitted()
    usual = model.reply(["eins zwei"]).text
    refused = model.reply(["eins zwei"], usual).text
    assert refused != usual
    with ThreadPoolExecutor(4) as pool:
        every = list(pool.map(lambda i: model.reply(["eins zwei"], usual if i % 2 else None).text, range(40)))
    assert every == [usual, refused] * 20
