"""Where answers are good: by words of the source that training did not have."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.tasks.sequence import score
from throughtime.tasks.sequence.report import _lengths


def test_quality_by_words_that_training_did_not_have() -> None:
    sources = ["a dog runs", "a cat runs", "the dog sleeps", "one two three four", "a dog"]
    found = score._by_unseen(sources, ["a dog runs", "the dog runs"], np.array([0.9, 0.5, 0.7, 0.1, 0.7]))
    assert [(one["words"], one["or_more"], one["texts"]) for one in found] == [
        (0, False, 2),
        (1, False, 2),
        (3, True, 1),
    ]
    assert [one["overlap"] for one in found] == pytest.approx([0.8, 0.6, 0.1])
    (table,) = _lengths({"by_unseen": found})
    assert [row[0] for row in table.rows] == ["0", "1", "3 or more"]  # type: ignore[union-attr]
