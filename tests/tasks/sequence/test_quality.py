"""chrF and ROUGE-L of our own, against sacrebleu's and rouge-score's."""

from __future__ import annotations

import pytest

from throughtime.tasks.sequence.quality import longest, overlap


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


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ("A dog, it's said, runs.", "the DOG runs fast said it"),
        ("seven 7 names in one place", "one place has seven names; 7"),
        ("a b a b a", "b a b"),
        ("nothing", "else"),
        ("", "words"),
        ("一只狗在跑步 GPU 3", "一只猫在跑步吗 3"),
    ],
)
def test_it_is_rouge_l(answer: str, target: str) -> None:
    from throughtime.baselines.text_scores import rouge

    assert longest(answer, target) == pytest.approx(rouge([answer], [target])[0]["rougeL"][0], abs=1e-12)
    assert longest(target, target) == 1.0
