"""Texts in NFC, and places in what was written."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughtime.data.composing import composed, with_places

WRITTEN = [
    "cafe\u0301 noir",
    "\u0958\u0932\u092e \u0928\u092f\u0940",  # Hindi, a letter that NFC takes apart
    "\u1025\u102e\u1038 \u1019",  # Burmese, a vowel that NFC composes
    "\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f \u0643",  # Arabic, marks in another order
    "\u0e01\u0e33 \u0e19\u0e49\u0e33",  # Thai
    "\u1112\u1161\u11ab \u1100\u1161",  # Korean letters
    "plain",
    "",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_each_letter_is_found_where_it_was_written(text: str) -> None:
    whole, places = with_places(text)
    assert whole == composed(text) == normalize("NFC", text)
    assert len(places) == len(whole) + 1
    assert list(places) == sorted(places)
    assert (places[0], places[-1]) == (0, len(text))
    words, at = whole.split(), 0
    for word in words:
        at = whole.index(word, at)
        own = text[places[at] : places[at + len(word)]]
        assert normalize("NFC", own) == word
        at += len(word)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=30))
def test_any_text(text: str) -> None:
    for form in ("NFD", "NFC"):
        whole, places = with_places(normalize(form, text))
        assert whole == normalize("NFC", text)
        assert len(places) == len(whole) + 1
        assert list(places) == sorted(places)
