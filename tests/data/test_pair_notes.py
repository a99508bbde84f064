"""What is said of pairs before training: equal, swapped, moved apart, ill-fitting sides, and leaks between parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from throughtime.data.pair_notes import check_parts, look
from throughtime.data.pairs import Pairs, read_pairs
from throughtime.errors import UserError

GERMAN = ["der", "die", "das", "und", "ist", "nicht", "ein", "ich", "zu", "mit", "Hund", "Katze", "rennt", "Straße"]
ENGLISH = ["the", "and", "is", "of", "to", "in", "that", "with", "are", "dog", "cat", "runs", "garden", "street"]


def made(count: int, seed: int = 0) -> Pairs:
    """Sentences of German and English words whose lengths, numbers and last signs go together."""
    rng = np.random.default_rng(seed)
    sources, targets = [], []
    for _ in range(count):
        size = int(rng.integers(3, 20))
        end = str(rng.choice([".", "?", "!"]))
        number = f" {rng.integers(10, 99)}" if rng.random() < 0.1 else ""
        sources.append(" ".join(rng.choice(GERMAN, size)) + number + end)
        targets.append(" ".join(rng.choice(ENGLISH, max(1, size + int(rng.integers(-1, 2))))) + number + end)
    return Pairs(sources, targets, columns=("de", "en"), rows=list(range(1, count + 1)))


def test_good_pairs_have_no_notes() -> None:
    assert look(made(400)) == []
    assert look(Pairs(["a"], ["b"])) == []


@pytest.mark.parametrize(("at", "missing"), [(100, 1), (250, 3), (40, 7)])
def test_the_place_where_the_sides_stop_matching_is_told(tmp_path: Path, at: int, missing: int) -> None:
    pairs = made(600)
    short = [*pairs.targets[:at], *pairs.targets[at + missing :]]
    with pytest.raises(UserError, match="the sides stop matching at about row") as error:
        look(replace(pairs, sources=pairs.sources[:-missing], targets=short))
    assert abs(int(str(error.value).split("about row ")[1].split(":")[0]) - at) <= 10
    files = [tmp_path / "a.de", tmp_path / "a.en"]
    for file, side in zip(files, (pairs.sources, short), strict=True):
        file.write_text("\n".join(side), "utf-8")
    with pytest.raises(UserError, match=f"has 600 lines, .* {600 - missing}: .* stop matching at about line") as error:
        read_pairs(files)
    assert abs(int(str(error.value).split("about line ")[1].split(":")[0]) - at) <= 10


def test_nothing_is_told_of_pairs_that_say_nothing() -> None:
    same = Pairs([f"text number {i:04}" for i in range(300)], ["one answer for all of them"] * 300)
    assert look(same) == []
    rng = np.random.default_rng(0)
    random = Pairs(made(300).sources, [" ".join(rng.choice(ENGLISH, rng.integers(3, 20))) for _ in range(300)])
    assert look(random) == []


def test_swapped_languages_are_refused() -> None:
    pairs = made(60)
    with pytest.raises(UserError, match="the languages are swapped: what is named en reads like de"):
        look(replace(pairs, columns=("en", "de")))
    assert look(replace(pairs, columns=("left", "right"))) == []
    chinese = Pairs(["我们明天去公园。"] * 30, pairs.targets[:30], columns=("en", "zh"))
    with pytest.raises(UserError, match="languages are swapped"):
        look(chinese)
    assert look(replace(chinese, columns=("zh", "en"))) == []


def test_equal_sides() -> None:
    pairs = made(30)
    some = replace(pairs, targets=[*pairs.sources[:3], *pairs.targets[3:]])
    assert look(some) == ["3 pairs have the same text on both sides, the first in row 1"]
    with pytest.raises(UserError, match="both sides are the same text in 30 of 30 pairs"):
        look(replace(pairs, targets=list(pairs.sources)))


def test_lengths_that_do_not_fit() -> None:
    pairs = made(200)
    targets = list(pairs.targets)
    targets[70] = "the " * 500
    (note,) = look(replace(pairs, targets=targets))
    assert note.startswith("1 pair has lengths that hardly fit, the worst in row 71:")


def test_parts_that_share_texts_or_are_swapped() -> None:
    train, test = made(300), made(60, 1)
    assert check_parts(train, test) == []
    again = test.joined(train.take([5, 7]))
    changed = replace(again, targets=[*again.targets[:-1], "something else"])
    (note,) = check_parts(train, changed)
    assert note.startswith("2 of 62 sources that are scored stand in training as well, 1 of them with the same target")
    with pytest.raises(UserError, match="its sides are swapped"):
        check_parts(train, replace(test, sources=test.targets, targets=test.sources))
