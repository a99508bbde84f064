"""Pairs whose texts are nearly the same hang together; others do not; and what a plain shuffle leaks is counted."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.data import near as module
from throughtime.data.near import near

WORDS = [f"w{i}" for i in range(400)]


def texts(count: int, length: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, length)) for _ in range(count)]


def grams(text: str) -> set[tuple[str, ...]]:
    pieces = text.split()
    return {tuple(pieces[i : i + 5]) for i in range(len(pieces) - 4)}


def test_groups_are_those_of_comparing_all() -> None:
    rng = np.random.default_rng(1)
    found = texts(60, 30)
    for i in range(60, 90):  # copies with a stretch replaced, half of them by too much
        pieces = found[i - 60].split()
        cut = int(rng.integers(4, 25))
        found.append(" ".join([*pieces[:cut], *rng.choice(WORDS, 30 - cut)]))
    mine = near([found, [f"t{i}" for i in range(90)]])
    expected = {
        (a, b) for a in range(90) for b in range(a + 1, 90) if len(grams(found[a]) & grams(found[b])) > 26 / 2
    }  # fmt: skip
    assert 5 < len(expected) < 25
    assert {tuple(sorted(edge)) for edge in mine.edges.tolist()} == expected
    for a, b in expected:
        assert mine.groups[a] == mine.groups[b]
    assert len(set(mine.groups.tolist())) == 90 - len(expected)


def test_comparing_in_parts_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    base = texts(50, 20, 2)
    found = [*base, *(f"{text} and more" for text in base)]
    whole = near([found])
    monkeypatch.setattr(module, "_AT_ONCE", 64)
    parts = near([found])
    assert np.array_equal(whole.groups, parts.groups)
    assert np.array_equal(whole.edges, parts.edges)
    assert len(whole.edges) == 50


def test_the_same_words_are_the_same_text() -> None:
    groups = near([["Guten Tag!", "guten  tag", "Gute Nacht", "!", "?"], ["a", "b", "c", "d", "e"]]).groups
    assert groups.tolist() == [0, 0, 2, 3, 4]
    assert near([["a", "b", "c"], ["x", "y", "x"]]).groups.tolist() == [0, 1, 0]
    assert near([["a", "b", "c"]], tied=[7, 7, 8]).groups.tolist() == [0, 0, 2]


def test_chinese_characters_are_words() -> None:
    found = ["他昨天在北京买了一本很厚的书。", "他昨天在北京买了一本很薄的书。", "我们明天去海边看日出吧。"]
    groups = near([found]).groups
    assert groups[0] == groups[1] != groups[2]


def test_short_texts_are_near_only_where_they_are_the_same() -> None:
    found = ["a b c d e f", "x a b c d e f"]  # two 5-grams, both shared
    assert len(set(near([found]).groups)) == 2
    longer = ["a b c d e f g", "x a b c d e f g"]
    assert len(set(near([longer]).groups)) == 1


def test_what_a_plain_shuffle_leaks() -> None:
    base = texts(500, 12, 3)
    found = near([[*base, *(text.upper() for text in base[:250])]])
    held = np.zeros(750, bool)
    held[[0, 1, 501, 300]] = True
    assert found.leaked(held).tolist() == [i == 0 for i in range(750)]
    assert found.shuffled(0.1, 0) == pytest.approx(500 / 750 * 0.9, abs=0.12)
    said = found.sentence(0.1, 0)
    assert said.startswith("split: 500 of 750 pairs")
    edges = near([[f"{text} one two" for text in base] + [f"{text} three four" for text in base]])
    held = np.zeros(1000, bool)
    held[:100] = True
    assert edges.leaked(held).tolist() == held.tolist()


def test_more_n_grams_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    base = texts(40, 200, 4)
    found = [*base, *(f"{text} and more" for text in base)]
    monkeypatch.setattr(module, "MOST", 4000)
    groups = near([found]).groups
    assert groups[:40].tolist() == groups[40:].tolist() == list(range(40))
