"""N-grams of texts, against sets of strings and scikit-learn's vectorizer."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.linear import ngrams
from throughtime.linear.ngrams import Ngrams

ENGLISH = ["The cat sat.  The CAT\tsat on the mat!", "", "don't, can’t 'quoted' it's a--b x", "  \n", "mat", "the cat"]
OTHERS = [
    "明月几时有？把酒问青天。",
    "😀😀 ok 👍🏽 e\u0301",
    "naïve café Straße",
    "ไทย हिन्दी עברית",
    "𠮷野家で 2026年",
    "a" * 3000,
]
TEXTS = ENGLISH + OTHERS
ANY = st.lists(st.text(st.sampled_from("aAbB '’.!中 文\t\n😀é1_"), max_size=30), max_size=8)

_WORD = r"[^\W\u3040-\u30ff\u4e00-\u9fff\U00020000-\U0003ffff]+"
_TOKEN = re.compile(rf"{_WORD}(?:['’]{_WORD})*|\S")


def plain(text: str) -> str:
    return f" {' '.join(text.lower().split())} " if text.split() else ""


def slow(text: str, words: tuple[int, int] | None, characters: tuple[int, int] | None) -> Counter[tuple[str, ...]]:
    """Every n-gram as a tuple of its kind and its parts."""
    found: Counter[tuple[str, ...]] = Counter()
    for kind, orders, parts in (("w", words, _TOKEN.findall(plain(text))), ("c", characters, list(plain(text)))):
        for n in range(orders[0], orders[1] + 1) if orders else ():
            found.update((kind, *parts[i : i + n]) for i in range(len(parts) - n + 1))
    return found


def dense(rows: tuple[np.ndarray, np.ndarray, np.ndarray], size: int) -> np.ndarray:
    indptr, indices, counts = rows
    found = np.zeros((len(indptr) - 1, size), np.int64)
    found[np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), indices] = counts
    return found


def same_columns(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for the order of the columns, which is that of hashes."""
    assert sorted(map(tuple, found.T.tolist())) == sorted(map(tuple, expected.T.tolist()))


@pytest.mark.parametrize(("words", "characters"), [((1, 3), None), (None, (1, 6)), ((1, 2), (2, 4)), ((2, 2), (3, 3))])
def test_counts_are_those_of_a_slow_count(words: tuple[int, int] | None, characters: tuple[int, int] | None) -> None:
    texts = [t for t in TEXTS if "\u0301" not in t and "हि" not in t and "ไ" not in t]  # marks: \w of re lacks them
    counted = [slow(t, words, characters) for t in texts]
    known = sorted(set().union(*counted))
    expected = np.array([[one[k] for k in known] for one in counted])
    found = Ngrams(words, characters, least=1).fit(texts)
    assert found.size == len(known)
    same_columns(dense(found.rows(texts), found.size), expected)


@settings(max_examples=100, deadline=None)
@given(texts=ANY, least=st.integers(1, 3))
def test_any_texts_and_any_least(texts: list[str], least: int) -> None:
    counted = [slow(t, (1, 3), (1, 4)) for t in texts]
    df = Counter(key for one in counted for key in one)
    known = sorted(key for key, n in df.items() if n >= least)
    found = Ngrams((1, 3), (1, 4), least).fit(texts)
    assert found.size == len(known)
    expected = np.array([[one[k] for k in known] for one in counted]).reshape(len(texts), len(known))
    same_columns(dense(found.rows(texts), found.size), expected)


def test_character_ngrams_are_scikit_learns() -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    texts = [t for t in TEXTS if t.split()]
    for orders in ((1, 6), (3, 3)):
        vectorizer = text.CountVectorizer(analyzer="char", ngram_range=orders, min_df=2)
        expected = vectorizer.fit_transform([plain(t) for t in texts]).toarray()
        found = Ngrams(None, orders).fit(texts)
        same_columns(dense(found.rows(texts), found.size), expected)


def test_tokens_of_many_scripts() -> None:
    found = Ngrams((1, 1), None).fit(TEXTS)
    names = set(found.names(TEXTS, range(found.size)).values())
    assert {"don't", "can’t", "'", "quoted", "it's", "-", "!", "明", "？", "😀", "e\u0301", "हिन्दी", "straße"} <= names
    assert {"野", "家", "で", "2026", "年", "𠮷", "a" * 3000} <= names
    assert not {"don", "明月", "--", "e", "😀😀", " ", ""} & names


def test_rows_are_sorted_and_of_their_types() -> None:
    found = Ngrams().fit(TEXTS)
    indptr, indices, counts = found.rows(TEXTS)
    assert (indptr.dtype, indices.dtype, counts.dtype) == (np.int64, np.int32, np.int32)
    assert indptr[0] == 0
    assert indptr[-1] == len(indices) == len(counts)
    for start, end in pairwise(indptr):
        assert (np.diff(indices[start:end]) > 0).all()
    assert indptr[2] == indptr[1]  # the empty text
    assert found.rows([])[0].tolist() == [0]
    assert found.rows([""])[0].tolist() == [0, 0]


@settings(max_examples=40, deadline=None)
@given(texts=ANY, seed=st.integers(0, 9))
def test_neither_order_nor_chunks_matter(texts: list[str], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(texts))
    found = Ngrams(least=1).fit(texts)
    again = Ngrams(least=1).fit([texts[i] for i in order])
    np.testing.assert_array_equal(found.hashes, again.hashes)
    whole = dense(found.rows(texts), found.size)
    np.testing.assert_array_equal(whole[order], dense(found.rows([texts[i] for i in order]), found.size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "_CHUNK", 5)
        np.testing.assert_array_equal(found.hashes, Ngrams(least=1).fit(texts).hashes)
        np.testing.assert_array_equal(whole, dense(found.rows(texts), found.size))


def test_a_tally_merged_often_counts_the_same() -> None:
    rng = np.random.default_rng(0)
    tally, every = ngrams._Tally(), []
    for _ in range(5):
        hashes = np.unique(rng.integers(0, 50, 30).astype(np.uint64))
        tally.add(hashes, np.full(len(hashes), 2))
        every.append(hashes)
        tally.merged()
    expected = np.unique(np.concatenate(every), return_counts=True)
    np.testing.assert_array_equal(tally.merged()[0], expected[0])
    np.testing.assert_array_equal(tally.merged()[1], 2 * expected[1])


def test_a_known_text_is_found_among_hashes_at_the_ends() -> None:
    hashes = np.array([0, 1, 2, 2**63, 2**64 - 2, 2**64 - 1], np.uint64)
    rng = np.random.default_rng(0)
    for known in (hashes, hashes[:0], hashes[-1:], np.unique(rng.integers(0, 99, 60).astype(np.uint64))):
        wanted = np.concatenate([hashes, rng.integers(0, 99, 500).astype(np.uint64)])
        place = {int(h): i for i, h in enumerate(known)}
        assert ngrams._Index(known).look_up(wanted).tolist() == [place.get(int(w), -1) for w in wanted]


def test_names_read_as_in_the_text() -> None:
    found = Ngrams((1, 3), (1, 4), least=1).fit(TEXTS)
    names = found.names(TEXTS, range(found.size))
    assert len(names) == found.size
    for id, name in list(names.items())[::7]:
        assert any(name in plain(t) and id in found.rows([t])[1] for t in TEXTS)
    assert found.names(["xyz"], [0, 1]) == {}


def test_the_most_frequent_are_kept() -> None:
    texts = ["a b", "a c", "a b d"]
    found = Ngrams((1, 1), None, most=2).fit(texts)
    assert sorted(found.names(texts, [0, 1]).values()) == ["a", "b"]


def test_kept_and_rebuilt() -> None:
    found = Ngrams((1, 2), None, (2, 5)).fit(TEXTS)
    again = Ngrams.from_arrays(found.to_json(), found.arrays())
    assert again.to_json() == found.to_json()
    np.testing.assert_array_equal(again.rows(TEXTS)[1], found.rows(TEXTS)[1])
    hashes = found.hashes
    for data, arrays, message in (
        ({}, {"hashes": hashes}, "expected words, characters"),
        (found.to_json(), {}, "hashes; the file is damaged"),
        (found.to_json() | {"words": [2, 1]}, {"hashes": hashes}, "from 1 to 32, ascending"),
        (found.to_json() | {"words": "12"}, {"hashes": hashes}, "least order, highest order"),
        (found.to_json() | {"words": None}, {"hashes": hashes}, "got neither"),
        (found.to_json() | {"least": [0, 1]}, {"hashes": hashes}, "numbers from 1"),
        (found.to_json(), {"hashes": hashes[::-1]}, "ascending"),
        (found.to_json(), {"hashes": hashes.astype(np.int64)}, "uint64"),
    ):
        with pytest.raises(UserError, match=message):
            Ngrams.from_arrays(data, arrays)


def test_half_a_surrogate_pair_and_a_nul_are_characters() -> None:
    texts = ["a\ud800b", "a\x00b", "a?b", "ab"]
    found = Ngrams(None, (1, 3), 1).fit(texts)
    counted = [slow(text, None, (1, 3)) for text in texts]
    known = sorted(set().union(*counted))
    same_columns(dense(found.rows(texts), found.size), np.array([[one[k] for k in known] for one in counted]))
