"""Pieces of both sides of pairs."""

from __future__ import annotations

import pytest

from throughtime.data.shared_bpe import SharedBPE
from throughtime.errors import UserError

TEXTS = ["Ein Hund rennt.", "A dog runs.", "libfoo-2.3 läuft", "狗在跑。"] * 5


def test_a_text_comes_back_and_begins_as_in_the_middle() -> None:
    pieces = SharedBPE.fit((TEXTS, TEXTS), 320)
    assert pieces.size <= 320
    for text in [*TEXTS, "unseen ☃ \U0001f600 x\ty", "  around  ", "two\nlines"]:
        assert pieces.decode(pieces.encode(text)) == text.strip()
    assert pieces.encode("  ").tolist() == []
    first, second = pieces.encode("Hund").tolist(), pieces.encode("Ein Hund").tolist()
    assert second[-len(first) :] == first
    again = SharedBPE.from_json(pieces.to_json())
    assert again.encode(TEXTS[2]).tolist() == pieces.encode(TEXTS[2]).tolist()
    assert pieces.decode([*pieces.encode("狗").tolist()[:-1], pieces.edge]) == ""


def test_what_is_known_of_pieces() -> None:
    pieces = SharedBPE.fit((TEXTS, TEXTS), 320)
    shown, folded = pieces.visible(), pieces.folded()
    assert shown.shape == folded.shape == (pieces.size,)
    assert not shown[pieces.edge]
    assert all(shown[i] == bool(one.decode("utf-8", "ignore").strip()) for i, one in enumerate(pieces.pieces))
    assert folded[pieces.pieces.index(b"a")] == folded[pieces.pieces.index(b"A")] != folded[pieces.pieces.index(b"b")]
    with pytest.raises(UserError, match="byte pairs"):
        SharedBPE.from_json({"kind": "bytes"})
