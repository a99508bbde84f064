"""What a model sees of each token: columns and spelling by hand, batches of any rows, what is malformed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data.columns import KINDS, UNKNOWN, Columns, Encoded
from throughtime.errors import UserError

PLAIN = ("word", "token", "shape", "pair_before", "pair_after")
TEXTS = [["In", "2024", "the", "iPhone"], ["the", "USA", "."], ["the"]]


def names(columns: Columns, encoded: Encoded, column: int) -> list[str]:
    known = ["?", *columns.vocabularies[column]]
    return [known[i] for i in encoded.ids[:, column]]


def test_columns_by_hand() -> None:
    columns, counts = Columns.fit(TEXTS, PLAIN)
    encoded = columns.encode(TEXTS)
    assert names(columns, encoded, 0) == ["in", "0000", "the", "iphone", "the", "usa", ".", "the"]
    assert names(columns, encoded, 1) == ["In", "2024", "the", "iPhone", "the", "USA", ".", "the"]
    assert names(columns, encoded, 2) == ["Xx", "9", "xx", "xm", "xx", "XX", ".", "xx"]
    before = ["\u0002In", "In2024", "2024the", "theiPhone", "\u0002the", "theUSA", "USA.", "\u0002the"]
    assert names(columns, encoded, 3) == before
    after = ["In2024", "2024the", "theiPhone", "iPhone\u0003", "theUSA", "USA.", ".\u0003", "the\u0003"]
    assert names(columns, encoded, 4) == after
    assert encoded.starts.tolist() == [0, 4, 7, 8]
    assert encoded.lengths.tolist() == [4, 3, 1]
    assert (len(encoded), encoded.ids.dtype, encoded.ids.shape) == (3, np.int32, (8, 5))
    assert columns.vocabularies[0] == ["the", ".", "0000", "in", "iphone", "usa"]  # the most frequent first
    assert counts[0].tolist() == [0, 3, 1, 1, 1, 1, 1]
    assert columns.sizes == [7, 7, 7, 8, 9] == [len(one) for one in counts]


@pytest.mark.parametrize(
    ("token", "shape"),
    [("A", "X"), ("Ab", "Xx"), ("AB", "XX"), ("aB", "xX"), ("ABc", "Xm"), ("a1", "xm"), ("12", "9"), ("1.2", "."),
     ("月", "x"), ("", ""), ("!", "."), ("É", "X")],
)  # fmt: skip
def test_shapes(token: str, shape: str) -> None:
    assert KINDS["shape"]([token], []) == [shape]


def test_the_place_in_a_jieba_word() -> None:
    pytest.importorskip("jieba")
    tokens = list("我来到北京清华大学")
    columns, _ = Columns.fit([tokens], ["place", "word_around"])
    encoded = columns.encode([tokens])
    assert names(columns, encoded, 0) == list("SBEBEBIIE")
    around = ["我", "来到", "来到", "北京", "北京", *["清华大学"] * 4]
    assert names(columns, encoded, 1) == around
    long = ["我来到", "北京", "清华", "大学"]  # tokens that hold whole words and more, or half of one
    assert KINDS["place"](long, _segmented(long)) == ["S", "S", "B", "E"]
    with_space = ["北", "京", " ", "大", "学"]
    assert KINDS["place"](with_space, _segmented(with_space)) == list("BESBE")


def _segmented(tokens: list[str]) -> Any:
    from throughtime.data import columns

    return columns._segmented(tokens)


def test_spelling_is_a_bag_of_pieces() -> None:
    columns, _ = Columns.fit([["ab", "Ab", "b"]], ["word"], spelling=True, least_pieces=1)
    assert columns.pieces is not None
    encoded = columns.encode([["ab", "zb", "ab"], ["€"]])
    assert encoded.spelled.tolist() == [0, 1, 0, 2]

    def bag(d: int) -> list[str]:
        assert columns.pieces is not None
        return sorted(columns.pieces[i] for i in encoded.pieces[encoded.offsets[d] : encoded.offsets[d + 1]])

    assert bag(0) == sorted(["<", "a", "b", ">", "<a", "ab", "b>", "<ab", "ab>", "<ab>"])
    assert bag(1) == sorted(["<", "b", ">", "b>"])
    assert bag(2) == ["<", ">"]
    assert encoded.offsets.tolist() == [0, 10, 14, 16]
    both = columns.encode([["ab", "AB"], ["b" * 40, "b" * 50]])  # in small letters, and not to the end of what is long
    for one, other in ((0, 1), (2, 3)):
        a, b = (both.pieces[both.offsets[d] : both.offsets[d + 1]].tolist() for d in (one, other))
        assert a == b
        assert len(a) > 9


def test_pieces_stand_in_several_words() -> None:
    columns, _ = Columns.fit([["ab", "ac", "ad", "xy"] * 5], ["word"], spelling=True)
    assert columns.pieces == ["<", "<a", ">", "a"]
    few, _ = Columns.fit([["ab"]], ["word"], spelling=True)  # where nothing stands in three words, all are known
    assert few.pieces is not None
    assert "<ab>" in few.pieces


def test_what_is_rare_is_unknown() -> None:
    columns, counts = Columns.fit([["a", "b", "a", "c", "c"]], ["word"], least=2)
    assert columns.vocabularies == [["a", "c"]]
    assert columns.encode([["a", "b", "C", "d"]]).ids[:, 0].tolist() == [1, UNKNOWN, 2, UNKNOWN]
    assert counts[0].tolist() == [0, 2, 2]
    assert Columns.fit([["a", "b", "a", "c", "c"]], ["word"], most=1)[0].vocabularies == [["a"]]


def test_an_empty_text_is_one_unknown_token() -> None:
    kinds = [*PLAIN, "place", "word_around"] if _has_jieba() else PLAIN
    texts = [[], ["a", "!"], []]
    columns, _ = Columns.fit(texts, kinds, spelling=True, least_pieces=1)
    encoded = columns.encode(texts)
    assert encoded.lengths.tolist() == [1, 2, 1]
    assert (encoded.ids[[0, 3]] == UNKNOWN).all()
    assert (encoded.ids[1:3] != UNKNOWN).all()
    d = int(encoded.spelled[0])
    assert encoded.offsets[d] == encoded.offsets[d + 1]
    assert len(columns.encode([])) == 0


def _has_jieba() -> bool:
    from importlib.util import find_spec

    return find_spec("jieba") is not None


def test_a_batch_by_hand() -> None:
    columns, _ = Columns.fit(TEXTS, ["word", "shape"], spelling=True, least_pieces=1)
    encoded = columns.encode(TEXTS)
    values = np.arange(16, dtype=np.float32).reshape(8, 2)
    batch = Encoded(encoded.ids, encoded.starts, encoded.spelled, encoded.pieces, encoded.offsets, values)
    ids, lengths, spelled, pieces, offsets, known = batch.batch(np.array([1, 2]))
    assert ids.shape == (2, 3, 2)
    assert ids.dtype == spelled.dtype == pieces.dtype == offsets.dtype == np.int64
    assert lengths.tolist() == [3, 1]
    np.testing.assert_array_equal(ids[:, :, 0].T, encoded.ids[4:7])
    np.testing.assert_array_equal(ids[:, 0, 1], encoded.ids[7])
    assert (ids[:, 1:, 1] == UNKNOWN).all()
    np.testing.assert_array_equal(known[:, 0], values[4:7])
    assert not known[1:, 1].any()
    assert len(offsets) - 1 < len(encoded.offsets) - 1  # only the spellings that are there


WORDS = st.sampled_from(["a", "B", "ab", "12", "月", "!", "Ω", ""])


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=6), data=st.data())
def test_any_rows_hold_what_the_texts_hold(texts: list[list[str]], data: st.DataObject) -> None:
    columns, _ = Columns.fit([["a", "ab", "12", "月"]], ["word", "pair_before"], spelling=True, least_pieces=1)
    encoded = columns.encode(texts)
    rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=7), "rows"))
    ids, lengths, spelled, pieces, offsets, _ = encoded.batch(rows)
    for b, row in enumerate(rows):
        alone = columns.encode([texts[row]])
        assert lengths[b] == len(alone.ids) == max(1, len(texts[row]))
        np.testing.assert_array_equal(ids[:, : lengths[b], b].T, alone.ids)
        assert not ids[:, lengths[b] :, b].any()
        for t in range(lengths[b]):
            d, e = spelled[t, b], alone.spelled[t]
            mine, theirs = pieces[offsets[d] : offsets[d + 1]], alone.pieces[alone.offsets[e] : alone.offsets[e + 1]]
            np.testing.assert_array_equal(mine, theirs)
    assert spelled.min() >= 0
    assert spelled.max() < len(offsets) - 1


def test_no_spelling_no_values() -> None:
    encoded = Columns.fit(TEXTS, ["word"])[0].encode(TEXTS)
    assert encoded.batch(np.array([0]))[2:] == (None, None, None, None)


def test_columns_survive_json() -> None:
    columns, _ = Columns.fit(TEXTS, PLAIN, spelling=True)
    again = Columns.from_json(json.loads(json.dumps(columns.to_json())))
    assert again.to_json() == columns.to_json()
    assert again.sizes == columns.sizes
    np.testing.assert_array_equal(again.encode(TEXTS).ids, columns.encode(TEXTS).ids)
    np.testing.assert_array_equal(again.encode(TEXTS).pieces, columns.encode(TEXTS).pieces)


SOUND: dict[str, Any] = {"columns": ["word"], "vocabularies": [["a"]], "pieces": None}


@pytest.mark.parametrize(
    "damage",
    [
        None,
        [],
        "columns",
        7,
        {},
        {**SOUND, "columns": ["words"]},
        {**SOUND, "columns": "word"},
        {**SOUND, "columns": [], "vocabularies": []},
        {**SOUND, "columns": [["word"]]},
        {**SOUND, "columns": ["word", "token"]},
        {**SOUND, "columns": None},
        {**SOUND, "vocabularies": [[1]]},
        {**SOUND, "vocabularies": ["ab"]},
        {**SOUND, "vocabularies": 3},
        {**SOUND, "vocabularies": [None]},
        {**SOUND, "pieces": "ab"},
        {**SOUND, "pieces": [None]},
        {**SOUND, "pieces": 5},
        {"columns": ["word"], "vocabularies": [["a"]]},
    ],
)
def test_malformed_json_is_refused(damage: Any) -> None:
    assert Columns.from_json(SOUND).sizes == [2]
    with pytest.raises(UserError, match="columns") as caught:
        Columns.from_json(damage)
    assert "\n" not in str(caught.value)
