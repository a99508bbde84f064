"""Texts ready for a model: as one or in sentences, and what is forgotten in training."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data.columns import UNKNOWN, Columns
from throughtime.data.sentences import sentences
from throughtime.models.examples import Examples, forgotten
from throughtime.models.reader import Tokens

TEXTS = [["the", "cat", ".", "it", "sat"], [], ["a", "."], ["b", "!", "c", "!", "d", "!"]]


def made(texts: list[list[str]] = TEXTS) -> Columns:
    return Columns.fit(texts, ["word", "shape"], spelling=True, least_pieces=1)[0]


def test_texts_as_they_are() -> None:
    columns = made()
    values = np.arange(14, dtype=np.float32)[:, None]
    examples = Examples.of(columns, TEXTS, values=values)
    assert (len(examples), examples.lengths.tolist()) == (4, [5, 1, 2, 6])
    tokens, over = examples.inputs(np.array([2, 0]))
    assert over is None
    assert tokens.lengths.tolist() == [2, 5]
    np.testing.assert_array_equal(tokens.ids[:, :2, 0].T, columns.encode([TEXTS[2]]).ids)
    assert tokens.values[:, 0, 0].tolist() == [6, 7, 0, 0, 0]
    assert tokens.values[:, 1, 0].tolist() == [0, 1, 2, 3, 4]


def test_texts_in_sentences() -> None:
    columns = made()
    examples = Examples.of(columns, TEXTS, cut=True)
    assert examples.firsts is not None
    assert examples.firsts.tolist() == [0, 2, 3, 4, 7]
    assert (len(examples), examples.lengths.tolist()) == (4, [5, 1, 2, 6])
    tokens, over = examples.inputs(np.array([3, 1, 0]))
    assert over is not None
    assert tokens.lengths.tolist() == [2, 2, 2, 1, 3, 2]
    assert over.counts.tolist() == [3, 1, 2]
    assert over.places.T.tolist() == [[0, 1, 2], [3, 0, 0], [4, 5, 0]]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_rows_have_their_own_sentences(data: st.DataObject) -> None:
    words = st.sampled_from(["the", "cat", ".", "!", "zzz"])
    texts = data.draw(st.lists(st.lists(words, max_size=8), min_size=1, max_size=5), "texts")
    columns = made()
    values = np.arange(sum(max(1, len(text)) for text in texts), dtype=np.float32)[:, None]
    examples = Examples.of(columns, texts, cut=True, values=values)
    rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=6), "rows"))
    tokens, over = examples.inputs(rows)
    assert over is not None
    assert sorted(np.concatenate([over.places[:n, b] for b, n in enumerate(over.counts)])) == list(
        range(len(tokens.lengths))
    )
    starts = np.concatenate([[0], np.cumsum([max(1, len(text)) for text in texts])])
    for b, row in enumerate(rows):
        parts = sentences(texts[row])
        assert over.counts[b] == len(parts)
        assert not over.places[len(parts) :, b].any()
        at = starts[row]
        for s, part in enumerate(parts):
            place, length = over.places[s, b], max(1, len(part))
            assert tokens.lengths[place] == length
            np.testing.assert_array_equal(tokens.ids[:, :length, place].T, columns.encode([part]).ids)
            assert tokens.values[:length, place, 0].tolist() == list(range(at, at + length))
            at += length


def batch(rows: int = 40, steps: int = 30) -> tuple[Tokens, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 9, (2, steps, rows))
    spelled, offsets = rng.integers(0, 3, (steps, rows)), np.array([0, 2, 2, 5])
    values = rng.random((steps, rows, 2)).astype(np.float32) + 1
    counts = [np.array([0, 1, 1, 5, 2, 1, 9, 9, 9]), np.array([0, 3, 3, 1, 2, 2, 2, 2, 2])]
    return Tokens(ids, np.full(rows, steps), spelled, np.arange(5), offsets, values), counts


def test_a_share_of_tokens_is_forgotten_in_every_way() -> None:
    tokens, counts = batch()
    before = [value.copy() for value in tokens if value is not None]
    found = forgotten(tokens, np.random.default_rng(1), 0.3, 0.0, counts)
    lost = (found.ids == UNKNOWN).all(0)
    assert 0.25 < lost.mean() < 0.35
    np.testing.assert_array_equal(found.ids[:, ~lost], tokens.ids[:, ~lost])
    np.testing.assert_array_equal(found.values[~lost], tokens.values[~lost])
    np.testing.assert_array_equal(found.spelled[~lost], tokens.spelled[~lost])
    assert not found.values[lost].any()
    assert (found.spelled[lost] == 3).all()
    assert found.offsets.tolist() == [0, 2, 2, 5, 5]  # spelled with nothing
    for value, old in zip((value for value in tokens if value is not None), before, strict=True):
        np.testing.assert_array_equal(value, old)  # what was given is as it was


def test_only_what_stood_once_is_rare() -> None:
    tokens, counts = batch()
    found = forgotten(tokens, np.random.default_rng(1), 0.0, 0.5, counts)
    for column, often, before in zip(found.ids, counts, tokens.ids, strict=True):
        once = often[before] == 1
        np.testing.assert_array_equal(column[~once], before[~once])
        assert set(np.unique(column[once] == UNKNOWN)) == {False, True}
        assert 0.4 < (column[once] == UNKNOWN).mean() < 0.6
        np.testing.assert_array_equal(column[once & (column != UNKNOWN)], before[once & (column != UNKNOWN)])
    assert found.spelled is tokens.spelled
    assert found.values is tokens.values
    every = forgotten(tokens, np.random.default_rng(1), 0.0, 1.0, counts)
    assert ((every.ids[0] == UNKNOWN) == (counts[0][tokens.ids[0]] == 1)).all()


def test_the_seed_alone_decides() -> None:
    tokens, counts = batch()
    one, two, other = (forgotten(tokens, np.random.default_rng(s), 0.2, 0.5, counts) for s in (1, 1, 2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.ids, other.ids)
    none = forgotten(tokens, np.random.default_rng(1), 0.0, 0.0, counts)
    for a, b in zip(none, tokens, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_spelled_and_nothing_known() -> None:
    tokens, counts = batch()
    plain = tokens._replace(spelled=None, pieces=None, offsets=None, values=None)
    found = forgotten(plain, np.random.default_rng(1), 0.3, 0.3, counts)
    assert found[2:] == (None, None, None, None)
    assert (found.ids == UNKNOWN).any()
