"""Rare words, names, numbers and addresses that outputs keep; outputs that differ."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.baselines.kept_words import carried_over, copied, distinct, marked, rare_words, word_counts
from throughtime.baselines.verdict import verdict


def test_rare_words() -> None:
    known = word_counts(["the dog runs"] * 6 + ["a blackboard"] * 5)
    found = rare_words(["a tub dog", "the blackboard"], ["a blackboard dog", "the blackboard blackboard"], known)
    assert found.each.tolist() == [[1, 2], [1, 2]]  # "a" is rare too
    assert found.value == 0.5
    assert rare_words(["x"], ["dog"], known).value is None
    chinese = rare_words(["我爱猫"], ["我爱狗"], word_counts(["我爱"] * 9))
    assert chinese.each.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Python 3.11 bindings for libfoo2-dev", ["3.11", "libfoo2-dev"]),
        ("see https://a.org/x?y=1, or me@b.de.", ["https://a.org/x?y=1", "me@b.de"]),
        ("a real-time OpenGL game, e.g. U.S. made", ["OpenGL"]),
        ("the C++ part of foo_bar and Foo::Bar", ["C++", "foo_bar", "Foo::Bar"]),
        ("Nothing Special here", []),
        ("在2016年有3个", ["2016", "3"]),
    ],
)
def test_what_is_a_name(text: str, names: list[str]) -> None:
    assert marked(text) == names


def test_names_that_outputs_keep() -> None:
    sources = ["libfoo 2.0 is at https://foo.org", "version 12 of gnome-games"]
    found = copied(["libfoo 2.0 or 2.1", "gnome-games 1"], sources, frozenset({"libfoo", "gnome-games"}))
    assert found.each.tolist() == [[2, 3], [1, 2]]
    kept = carried_over(["foo 2.0", "12"], sources, ["libfoo 2.0", "gnome-games 12 13"], frozenset({"libfoo"}))
    assert kept.each.tolist() == [[1, 2], [1, 1]]
    assert copied(["no names"], ["x"]).value is None


def test_outputs_that_differ() -> None:
    found = distinct(["a", "a", "b", "a"], ["1", "2", "3", "1"])
    assert (found.right, found.total) == (2, 3)
    assert found.to_json() == {"share": 2 / 3, "right": 2, "total": 3}


def test_shares_go_to_the_verdict() -> None:
    good = rare_words(["x y"] * 40, ["x y"] * 40, word_counts([]))
    bad = rare_words(["x z"] * 40, ["x y"] * 40, word_counts([]))
    found = verdict(good.losses, bad.losses, "copying", "missing rare words", "sentences")
    assert found.skill is True
    assert np.array_equal(bad.losses[0], [1.0, 2.0])
