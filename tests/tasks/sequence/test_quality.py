"""chrF of our own, against sacrebleu's."""

from __future__ import annotations

import pytest

from throughtime.tasks.sequence.quality import overlap


@pytest.mark.parametrize(
    ("answer", "target"),
    [("a dog runs fast", "the dog runs"), ("abcdefgh", "abcdefgh"), ("一只狗在跑步", "一只猫在跑步吗")],
)
def test_it_is_chrf(answer: str, target: str) -> None:
    from sacrebleu.metrics.chrf import CHRF

    assert 100 * overlap(answer, target) == pytest.approx(CHRF().sentence_score(answer, [target]).score, abs=0.5)
    assert overlap(target, target) == 1.0
    assert overlap("", target) == 0.0
    assert overlap("abc", "abcdef", 1.0) != overlap("abc", "abcdef")
