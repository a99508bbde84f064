"""What a summary must beat."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tasks.sequence.pairs_made import TINY, made
from throughtime import Summarizer
from throughtime.data.pairs import Pairs
from throughtime.tasks.summarize.score import lead, score


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("version 2.3 is out! Get it", "version 2.3 is out!"),
        ("no stop at all", "no stop at all"),
        ("第一句。第二句。", "第一句。"),
        ("a title\nand a text", "a title"),
    ],
)
def test_the_first_sentence(text: str, first: str) -> None:
    assert lead(text) == first


def test_what_says_more_than_it_should_does_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first sentence that holds the summary has all of chrF's recall; the verdict weighs precision as much."""
    rng = np.random.default_rng(0)
    words = [["".join(rng.choice(list("abdeilnorst"), 6)) for _ in range(8)] for _ in range(20)]
    pairs = Pairs([" ".join(own) + "." for own in words], [" ".join(own[:2]) for own in words])
    model = Summarizer(**{**TINY, "steps": 1}).fit(*made(40), quiet=True).fitted()
    monkeypatch.setattr(type(model), "texts", lambda *_: [own[0] for own in words])
    verdict = score(model, pairs, None)["verdict"]["sentence"]
    assert "beats the best baseline, first sentence" in verdict
    assert "chrF1" in verdict
