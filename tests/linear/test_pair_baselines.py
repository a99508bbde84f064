"""Baselines of pairs: the nearest source's answer, the first sentence, the source itself."""

from __future__ import annotations

import pytest

from throughtime.linear.pair_baselines import COPY, LEAD, NEAREST, baselines, first_sentence


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One here. Two there.", "One here."),
        ('He said "no." Then left.', 'He said "no."'),
        ("Version 2.0 of it, e.g. for Linux. More.", "Version 2.0 of it, e.g. for Linux."),
        ("J. Smith wrote it! And so on", "J. Smith wrote it!"),
        ("我们走吧。明天见。", "我们走吧。"),
        ("no end at all", "no end at all"),
        ("", ""),
    ],
)
def test_the_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_every_baseline() -> None:
    found = baselines(["a dog runs. Fast.", "the cat"], (["cats sleep", "the dog runs", "the cat"], ["1", "2", "3"]))
    assert found == {NEAREST: ["2", "3"], LEAD: ["a dog runs.", "the cat"], COPY: ["a dog runs. Fast.", "the cat"]}
