"""The report of models that make one text of another."""

from __future__ import annotations

from throughtime.report.page import Sample
from throughtime.tasks.sequence.report import worst


def test_what_is_right_is_not_among_the_worst() -> None:
    read = worst(
        {
            "worst": [
                {"source": "eins", "target": "one", "answer": "two", "overlap": 0.25},
                {"source": "zwei", "target": "two", "answer": "two", "overlap": 1.0},
                {"source": "drei", "target": "three", "answer": 3, "overlap": 0.1},
            ]
        }
    )
    assert read == [Sample("25 % like its target", "source: eins\ntarget: one\nanswer: two", False)]
