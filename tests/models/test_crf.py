"""The conditional random field against all sequences there are."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tolerances import OUTPUT
from throughtime.models.crf import FORBIDDEN, allowed, best, log_partition, marginals
from throughtime.models.ops_numpy import NumpyOps
from throughtime.models.ops_torch import TorchOps

Field = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Emissions, transitions, first, last, lengths."""


def field(steps: int, rows: int, tags: int, seed: int = 0, scale: float = 1.0, dtype: Any = np.float64) -> Field:
    rng = np.random.default_rng(seed)
    shapes = ((steps, rows, tags), (tags, tags), (tags,), (tags,))
    values = [(scale * rng.standard_normal(shape)).astype(dtype) for shape in shapes]
    lengths = rng.integers(1, steps + 1, rows)
    lengths[0] = steps
    return (*values, lengths)  # type: ignore[return-value]


def scores(made: Field, row: int) -> dict[tuple[int, ...], float]:
    """The score of every sequence of tags of a row."""
    emissions, transitions, first, last, lengths = made
    found = {}
    for tags in product(range(emissions.shape[2]), repeat=int(lengths[row])):
        score = float(first[tags[0]]) + float(last[tags[-1]])
        score += sum(float(emissions[t, row, tag]) for t, tag in enumerate(tags))
        score += sum(float(transitions[a, b]) for a, b in pairwise(tags))
        found[tags] = score
    return found


def brute(made: Field, row: int) -> tuple[float, tuple[int, ...], np.ndarray]:
    """log Z, the best sequence and the marginals (T, K) of a row."""
    every = scores(made, row)
    values = np.array(list(every.values()))
    whole = float(np.logaddexp.reduce(values))
    found = np.zeros(made[0].shape[::2])
    for tags, score in every.items():
        for t, tag in enumerate(tags):
            found[t, tag] += np.exp(score - whole)
    return whole, max(every, key=lambda tags: every[tags]), found


def tensors(made: Field) -> list[torch.Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(value)) for value in made]


def check(made: Field, tolerance: float) -> None:
    emissions, *_, lengths = made
    partition, tags, shares = log_partition(NumpyOps(), *made), best(*made), marginals(*made)
    given = tensors(made)
    given[0].requires_grad_()
    other = log_partition(TorchOps(), *given)
    assert partition.dtype == emissions.dtype
    assert tags.dtype == np.int64
    assert shares.dtype == np.float64
    np.testing.assert_allclose(other.detach().numpy(), partition, rtol=tolerance, atol=tolerance)
    other.sum().backward()
    assert given[0].grad is not None
    for row in range(emissions.shape[1]):
        whole, likeliest, wanted = brute(made, row)
        assert partition[row] == pytest.approx(whole, rel=tolerance, abs=tolerance)
        assert tuple(tags[: lengths[row], row]) == likeliest
        assert not tags[lengths[row] :, row].any()
        np.testing.assert_allclose(shares[:, row], wanted, rtol=0, atol=max(tolerance, 1e-9))
        np.testing.assert_allclose(given[0].grad[:, row].numpy(), wanted, rtol=0, atol=max(10 * tolerance, 1e-9))


@settings(max_examples=40, deadline=None)
@given(steps=st.integers(1, 5), rows=st.integers(1, 4), tags=st.integers(1, 4), seed=st.integers(0, 10**6))
def test_against_every_sequence(steps: int, rows: int, tags: int, seed: int) -> None:
    check(field(steps, rows, tags, seed), OUTPUT["float64"])


def test_float32_stays_float32() -> None:
    check(field(5, 4, 4, 1, dtype=np.float32), OUTPUT["float32"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_large_scores_and_pairs_that_cannot_be(seed: int, dtype: Any) -> None:
    emissions, transitions, first, last, lengths = field(5, 3, 4, seed, 1e3, dtype)
    transitions = np.where(np.random.default_rng(seed).random((4, 4)) < 0.4, FORBIDDEN, 0.0).astype(dtype)
    check((emissions, transitions, first, last, lengths), 1e-6)
    check((emissions * dtype(0.003), transitions, first, last, lengths), 1e-6)


def test_a_way_that_begins_unlikely_is_not_lost() -> None:
    """The first token is surely tag 0, from which tag 1 cannot follow; the second is surely tag 1."""
    emissions = np.array([[[200.0, 0.0]], [[0.0, 300.0]]], np.float32)
    transitions = np.array([[0.0, FORBIDDEN], [0.0, 0.0]], np.float32)
    none = np.zeros(2, np.float32)
    check((emissions, transitions, none, none, np.array([2])), 1e-6)


def test_probabilities_of_one_row_do_not_depend_on_others() -> None:
    emissions, transitions, first, last, lengths = field(5, 6, 3, 3)
    garbage = emissions.copy()
    for row, length in enumerate(lengths):
        garbage[length:, row] = 1e3 * np.random.default_rng(row).standard_normal((5 - length, 3))
    for value, other in (
        (f(emissions, transitions, first, last, lengths), f(garbage, transitions, first, last, lengths))
        for f in (best, marginals, lambda *made: log_partition(NumpyOps(), *made))
    ):
        np.testing.assert_allclose(value, other, rtol=0, atol=1e-12)


BIO = ["O", "B-a", "I-a", "B-b", "I-b"]
BIOES = ["O", "B-a", "I-a", "E-a", "S-a", "B-b", "I-b", "E-b", "S-b"]


def follows(tags: list[str], before: str, after: str) -> bool:
    """Whether a tag may stand behind another, None at an end: the rules of BIO and BIOES in words."""
    if after[0] in "IE" and not (before[0] in "BI" and before[2:] == after[2:]):
        return False  # what goes on has begun, as the same kind
    closes = any(tag[0] in "ES" for tag in tags)
    return not (closes and before[0] in "BI" and not (after[0] in "IE" and before[2:] == after[2:]))


@pytest.mark.parametrize("tags", [BIO, BIOES, ["x", "y"], ["O"], ["B-x", "noun", "I-x"]])
def test_what_is_allowed(tags: list[str]) -> None:
    pairs, first, last = allowed(tags)
    assert {pairs.dtype, first.dtype, last.dtype} == {np.dtype(np.float32)}
    for i, before in enumerate(tags):
        for j, after in enumerate(tags):
            assert (pairs[i, j] == 0) == follows(tags, before, after), (before, after)
    assert set(np.unique(pairs)) <= {0.0, FORBIDDEN}
    if tags == BIO:
        assert (first == 0).tolist() == [True, True, False, True, False]
        assert not last.any()
    elif tags == BIOES:
        assert (first == 0).tolist() == [True, True, False, False, True, True, False, False, True]
        assert (last == 0).tolist() == [True, False, False, True, True, False, False, True, True]
    elif "noun" not in tags:
        assert not pairs.any()
        assert not first.any()
        assert not last.any()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), closing=st.booleans(), scale=st.sampled_from([1.0, 30.0, 1000.0]))
def test_what_cannot_be_is_never_decoded(seed: int, closing: bool, scale: float) -> None:
    tags = BIOES if closing else BIO
    rng = np.random.default_rng(seed)
    emissions = (scale * rng.standard_normal((8, 5, len(tags)))).clip(-2 * scale, 2 * scale).astype(np.float32)
    lengths = rng.integers(1, 9, 5)
    found = best(emissions, *allowed(tags), lengths)
    for row, length in enumerate(lengths):
        names = [tags[k] for k in found[:length, row]]
        assert names[0][0] not in "IE"
        assert not closing or names[-1][0] not in "BI"
        assert all(follows(tags, a, b) for a, b in pairwise(names)), names
