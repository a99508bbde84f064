"""Spans swapped for others of their kind."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tasks.reading.texts import flights
from throughtime.data.tagged import Tagged, marked
from throughtime.tasks.tag.data import read_tagged
from throughtime.tasks.tag.swap import Swapper


def spans_of(texts: Tagged) -> list[list[tuple[str, str]]]:
    return [
        [(span["kind"], span["text"]) for span in marked(tokens, tags)]
        for tokens, tags in zip(texts.tokens, texts.tags, strict=True)
    ]


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_spans_are_swapped_for_others_of_their_kind(scheme: str) -> None:
    data = flights(80)
    for tokens, own in zip(data.tokens, data.tags, strict=True):
        tokens[:] = [f"{token}!" if tag.endswith("reach") else token for token, tag in zip(tokens, own, strict=True)]
    if scheme == "BIOES":
        tags = []
        for own in data.tags:
            ends = [i + 1 == len(own) or not own[i + 1].startswith("I") for i in range(len(own))]
            new = {("B", True): "S", ("I", True): "E"}
            tags.append([new.get((t[0], end), t[0]) + t[1:] for t, end in zip(own, ends, strict=True)])
        data = read_tagged((data.tokens, tags, data.intents))
    assert data.scheme == scheme
    swapper = Swapper(data, 0.5)
    found = swapper.swapped(np.random.default_rng([0, 3]))
    again = swapper.swapped(np.random.default_rng([0, 3]))
    assert (found.tokens, found.tags) == (again.tokens, again.tags)
    assert found.tokens != swapper.swapped(np.random.default_rng([0, 4])).tokens
    assert found.intents == data.intents
    known: dict[str, set[str]] = {}
    for spans in spans_of(data):
        for kind, text in spans:
            known.setdefault(kind, set()).add(text)
    changed = 0
    for before, after in zip(spans_of(data), spans_of(found), strict=True):
        assert [kind for kind, _ in before] == [kind for kind, _ in after]
        assert all(text in known[kind] for kind, text in after)
        changed += sum(a != b for a, b in zip(before, after, strict=True))
    assert 0.25 < changed / (2 * len(data)) < 0.55  # some are swapped for themselves
    for tokens, tags, old, marks in zip(found.tokens, found.tags, data.tokens, data.tags, strict=True):
        assert len(tokens) == len(tags)
        outside = [token for token, tag in zip(tokens, tags, strict=True) if tag == "O"]
        assert outside == [token for token, tag in zip(old, marks, strict=True) if tag == "O"]
    assert {tag for tags in found.tags for tag in tags} <= {tag for tags in data.tags for tag in tags}
    for tokens, tags in zip(found.tokens, found.tags, strict=True):
        for span in marked(tokens, tags):
            own = "".join(tag[0] for tag in tags[span["start"] : span["end"]])
            assert own in (("B", "BI", "BII", "BIII") if scheme == "BIO" else ("S", "BE", "BIE", "BIIE"))
    assert Swapper(data, 0.0).swapped(np.random.default_rng(0)).tokens == data.tokens


def test_no_swap_makes_a_tag_that_is_not_known() -> None:
    data = Tagged([["go", "rome"], ["from", "new", "york"]], [["O", "B-to"], ["O", "I-to", "I-to"]], [])
    found = Swapper(data, 0.99).swapped(np.random.default_rng(0))
    assert {tag for tags in found.tags for tag in tags} <= {"O", "B-to", "I-to"}
    alone = Tagged([["new", "york"], ["old", "york"]], [["I-to", "I-to"]] * 2, [])
    assert Swapper(alone, 0.99).swapped(np.random.default_rng(0)).tags == alone.tags
    plain = Tagged([["a", "b"]], [["noun", "verb"]], [], scheme="none")
    assert Swapper(plain, 0.99).swapped(np.random.default_rng(0)).tokens == plain.tokens
