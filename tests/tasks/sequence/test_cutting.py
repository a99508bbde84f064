"""Long texts in parts."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.tasks.sequence.cutting import BEGINNING, END, cut


def letters(text: str) -> np.ndarray:
    return np.arange(len(text.strip()))


@pytest.mark.parametrize(
    "text", ["One two. Three four! Five?", "one " * 40, "x" * 95, "第一句。第二句！第三句。", "a. " + "b" * 50]
)
def test_parts_are_short_and_together_the_text(text: str) -> None:
    found = cut(text, letters, 12)
    assert all(len(ids) <= 12 for _, ids in found.parts)
    assert "".join("".join(part.split()) for part, _ in found.parts) == "".join(text.split())
    assert found.left_out == 0


def test_between_sentences_where_that_can_be() -> None:
    assert [part.strip() for part, _ in cut("One two. Three. Four five.", letters, 16).parts] == [
        "One two. Three.",
        "Four five.",
    ]
    assert cut("  \n ", letters, 5).parts == []
    (whole,) = cut("short", letters, 5).parts
    assert whole[0] == "short"


@pytest.mark.parametrize(("reads", "first"), [(BEGINNING, 0), (END, 83)])
def test_of_what_is_truncated_the_rest_is_counted(reads: str, first: int) -> None:
    found = cut("x" * 95, letters, 12, reads)
    assert len(found.parts) == 1
    assert found.parts[0][1].tolist() == [*range(first, first + 12)]
    assert found.left_out == 83
