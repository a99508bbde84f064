"""The nearest of many texts: as plain arithmetic says, in any batch, and as saved."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.linear import nearest as module
from throughtime.linear.nearest import Nearest

WORDS = [f"word{i}" for i in range(60)]


def texts(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(count)]


def plain(known: list[str], query: str) -> np.ndarray:
    """TF-IDF over single words, by hand."""
    stands = Counter(word for text in known for word in set(text.split()))

    def vector(text: str) -> dict[str, float]:
        counts = Counter(word for word in text.split() if word in stands)
        values = {w: (1 + math.log(c)) * (1 + math.log(len(known) / stands[w])) for w, c in counts.items()}
        length = math.sqrt(sum(v * v for v in values.values())) or 1.0
        return {w: v / length for w, v in values.items()}

    own = vector(query)
    return np.array([sum(v * own.get(w, 0.0) for w, v in vector(text).items()) for text in known])


def test_as_plain_arithmetic_says() -> None:
    known = texts(80)
    index = Nearest.fit(known, words=(1, 1), characters=None)
    queries = [*texts(9, 1), "nothing known", ""]
    for query, near in zip(queries, index.similarities(queries), strict=True):
        assert near == pytest.approx(plain(known, query), abs=1e-6)


def test_the_nearest_come_first_and_the_earlier_of_equals() -> None:
    index = Nearest.fit(["a red dog", "a blue cat", "a red dog", "rain"])
    places, near = index.best(["the red dog", "rain!"], 3)
    assert places[0, :2].tolist() == [0, 2]
    assert places[1, 0] == 3
    assert (np.diff(near, axis=1) <= 0).all()
    assert index.best(["red dog"])[0].tolist() == [[0]]
    assert index.best(["x"], 9)[0].shape == (1, 4)
    assert index.best([], 2)[0].shape == (0, 2)


def test_any_batch_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = Nearest.fit(texts(50)), texts(20, 2)
    together = np.stack(list(index.similarities(queries)))
    monkeypatch.setattr(module, "_ROWS", 3)
    assert np.array_equal(together, np.stack(list(index.similarities(queries))))
    assert np.array_equal(together[4], next(index.similarities([queries[4]])))


def test_what_is_common_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY", 10)
    index = Nearest.fit([f"same {word}" for word in WORDS], words=(1, 1), characters=None)
    assert index.best(["same word7"])[0][0, 0] == 7
    assert not next(index.similarities(["same"])).any()


def test_features_of_other_texts() -> None:
    whole = Nearest.fit(texts(80), words=(1, 1), characters=None)
    some = Nearest.fit(texts(80)[:7], like=whole)
    (query,) = texts(1, 5)
    assert np.allclose(next(some.similarities([query])), next(whole.similarities([query]))[:7], atol=1e-6)


def test_saved_and_damaged() -> None:
    index = Nearest.fit(texts(30))
    arrays, data = index.arrays(), index.to_json()
    again = Nearest.from_arrays(data, arrays)
    query = texts(1, 3)
    assert np.array_equal(next(index.similarities(query)), next(again.similarities(query)))
    bad = {"texts": arrays["texts"] + 30, "indptr": arrays["indptr"][::-1].copy(), "idf": arrays["idf"][1:]}
    bad["weights"] = arrays["weights"] * np.float32(np.nan)
    for name, value in bad.items():
        with pytest.raises(UserError, match="the file is damaged"):
            Nearest.from_arrays(data, {**arrays, name: value})
    for other in (None, {}, {**data, "count": 3}):
        with pytest.raises(UserError, match="the file is damaged"):
            Nearest.from_arrays(other, arrays)
    with pytest.raises(UserError, match="no texts"):
        Nearest.fit([])


def test_many_places_are_added_up_to_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = Nearest.fit(texts(300)), texts(20, 3)
    usual = list(index.similarities(queries))
    monkeypatch.setattr(module, "_LONG", 0)
    assert all(np.array_equal(a, b) for a, b in zip(index.similarities(queries), usual, strict=True))
