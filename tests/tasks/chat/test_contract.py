"""What every task promises, kept by models that reply."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.check_task import Case, CheckTask, Followed
from tests.tasks.sequence.pairs_made import TINY, UNLIMITED, ZERO, made
from throughtime.tasks.chat.options import MODES
from throughtime.tasks.chat.stream import TextChat
from throughtime.tasks.sequence.stream import Wishes

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


def faq(count: int = 30, seed: int = 0) -> tuple[list[str], list[str]]:
    """Questions with as many different answers."""
    rng = np.random.default_rng(seed)
    words = [
        str(word) for word in rng.permutation([f"{a}{b}" for a in "bdfgk" for b in ("ir", "ol", "ar", "um", "es")])
    ]
    asked = [
        f"where is {words[i % 25]} {words[(7 * i + 3) % 25]} in the {words[(i * i + i // 25) % 25]}?"
        for i in range(count)
    ]
    return asked, [f"{words[i % 25]} lies {words[(3 * i) % 25]}, number {i}." for i in range(count)]


def write_faq(data: tuple[list[str], list[str]], place: Path) -> Path:
    """A question, a tab, an answer in each line."""
    (place / "faq.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(*data, strict=True)), "utf-8")
    return place / "faq.tsv"


CHOOSING: dict[str, Any] = {"hidden": 6, "embedding": 8, "batch": 8, "steps": 8, "threads": 1, "validation": 0.2}
CHOOSING |= {"learning_rate": 0.01, "warm_up": 2}


class TestChoosing(CheckTask):
    """A FAQ: replies are chosen."""

    case = Case(
        "chat",
        CHOOSING,
        faq(),
        faq(30, 1),
        write_faq,
        answer,
        ["where is it?", "--json"],
        followed=followed,
        zero=ZERO,
        unlimited=UNLIMITED,
    )


class TestContract(CheckTask):
    """Conversations: replies are chosen and written."""

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


@pytest.mark.parametrize("mode", MODES)
def test_no_reply_twice_in_a_row(mode: str) -> None:
    model = TestContract.case.fit(mode=mode).fitted()
    assert model.mode == mode
    stream = model.stream(Wishes(at_least=0.0) if mode != "generate" else None)
    replies = [stream.feed("eins zwei").text for _ in range(6)]
    assert all(replies)
    assert all(a != b for a, b in pairwise(replies))
    assert len(stream.said) <= 2 * model.turns


@pytest.mark.parametrize("mode", ["choose", "generate"])
def test_two_conversations_at_once_do_not_disturb_each_other(mode: str) -> None:
    model = TestContract.case.fit(mode=mode).fitted()

    def said(last: str | None) -> str:
        return str(model.reply(["eins zwei"], last).outputs[0].text)

    usual = said(None)
    refused = said(usual)
    assert refused != usual
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda i: said(usual if i % 2 else None), range(40))) == [usual, refused] * 20
