"""Answers by the replies to the nearest turns: as the formula says."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.linear.nearest import Nearest
from throughtime.tasks.choosing.neighbours import Neighbours

SOURCES = ["where is the station", "how much is it", "good morning to you", "where is the bank", "how old are you"]
REPLIES = ["go straight on", "ten pounds please", "good morning", "go straight on", "I am ten"]
ANSWERS = ["straight on there", "that is ten pounds", "morning", "no idea"]


def fitted() -> tuple[Neighbours, np.ndarray]:
    like = Nearest.fit([*SOURCES, *REPLIES])
    index = Nearest.fit(ANSWERS, like=like)
    return Neighbours.fit(like, SOURCES, REPLIES, index), np.stack(list(index.similarities(REPLIES)))


def test_as_the_formula_says() -> None:
    found, near = fitted()
    (k,) = found.sources.similarities(["where is the house"])
    kept = np.where(near >= 0.05, near, 0.0).astype(np.float64) ** 2
    expected = np.log(
        1e-3 + (k[:, None] ** 2 * kept).sum(0) / (k**2).sum() / ((near.astype(float) ** 2).mean(0) + 1e-6)
    )
    assert found.scores(k) == pytest.approx(expected, abs=1e-4)
    assert int(found.scores(k).argmax()) == 0


def test_hidden_pairs_do_not_count() -> None:
    found, _ = fitted()
    (k,) = found.sources.similarities(["where is the house"])
    hidden = found.scores(k, np.array([0, 3]))
    assert hidden[0] == pytest.approx(np.log(1e-3), abs=1e-4)
    nothing = found.scores(np.zeros(5, np.float32))
    assert (nothing == nothing[0]).all()


def test_damaged() -> None:
    found, _ = fitted()
    for name, value in {
        "indptr": found.indptr[1:],
        "answers": found.answers + 9,
        "usual": found.usual * np.nan,
    }.items():
        arrays = {n: getattr(found, n) for n in ("indptr", "answers", "weights", "usual")}
        with pytest.raises(UserError, match="the file is damaged"):
            Neighbours(found.sources, **{**arrays, name: value})
