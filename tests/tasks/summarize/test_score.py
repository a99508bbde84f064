"""What a summary must beat."""

from __future__ import annotations

import pytest

from throughtime.tasks.summarize.score import lead


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
