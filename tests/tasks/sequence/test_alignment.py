"""Which words rest on which."""

from __future__ import annotations

import numpy as np

from throughtime.data.shared_bpe import SharedBPE
from throughtime.tasks.sequence.alignment import by_word, links, word_spans

TEXTS = ["Ein großer Hund rennt.", "A big dog runs.", "一只大狗在跑。"]


def test_words_are_where_they_stand() -> None:
    pieces = SharedBPE.fit((TEXTS * 9, TEXTS * 9), 300)
    for text in (*TEXTS[:2], "ganz  andere Wörter, naïve"):
        found = word_spans(text, pieces.encode(text), pieces)
        assert [text[a:b] for a, b in found.places] == text.split()
        assert len(found.words) == len(pieces.encode(text))
        assert found.words == sorted(found.words)
    found = word_spans(TEXTS[2], pieces.encode(TEXTS[2]), pieces)
    assert "".join(TEXTS[2][a:b] for a, b in found.places) == TEXTS[2]


def test_a_word_rests_on_what_its_pieces_look_at() -> None:
    pieces = SharedBPE.fit((TEXTS, TEXTS), 257)  # bytes: several pieces a word
    source, target = (
        word_spans("ab c", pieces.encode("ab c"), pieces),
        word_spans("x yz", pieces.encode("x yz"), pieces),
    )
    shares = np.zeros((len(target.words), len(source.words)))
    for row, word in enumerate(target.words):
        shares[row, source.words.index(1 - word)] = 1.0
    np.testing.assert_allclose(by_word(source, target, shares), [[0, 1], [1, 0]])
    assert [tuple(link) for link in links(source, target, shares)] == [((0, 1), (3, 4), 1.0), ((2, 4), (0, 2), 1.0)]
