"""What a summary must beat."""

from __future__ import annotations

from typing import Any

import pytest

from throughtime.data.pairs import Pairs
from throughtime.tasks.sequence import score as sequence_score
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


def test_summaries_are_judged_by_rouge_l(monkeypatch: pytest.MonkeyPatch) -> None:
    """chrF counts recall four times: a whole first sentence beats a short summary that is right."""
    sources = [f"Tool {n} is a program that shows, sorts and stores the files of place {n}. More." for n in range(40)]
    targets = [f"shows files of place {n}" for n in range(40)]

    class Short:
        def texts(self, given: Any) -> list[str]:
            return [f"shows of place {n}" for n in range(len(given))]

    for name in ("_exchanged", "_by_length", "_attention"):
        monkeypatch.setattr(sequence_score, name, lambda *_: None)
    found = score(Short(), Pairs(sources, targets), None)  # type: ignore[arg-type]
    assert found["measure"] == "ROUGE-L"
    assert found["verdict"]["metric"] == "1 - ROUGE-L"
    assert found["verdict"]["baseline"] == "first sentence"
    assert found["verdict"]["gain"] > 0.5
    assert found["overlap"] == pytest.approx(8 / 9)
    assert found["baselines"]["first sentence"]["overlap"] == pytest.approx(10 / 20)
