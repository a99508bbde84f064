"""The operations of models that read: NumPy's, the reference's and torch's, against slow obvious forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.tolerances import GRADIENT, OUTPUT
from throughtime import cells
from throughtime.insight.gates import GateOps
from throughtime.insight.watch import WatchedOps
from throughtime.models.ops_numpy import NumpyOps, ReferenceOps
from throughtime.models.ops_torch import TorchOps
from throughtime.recurrence import Recurrence

N, R, T = NumpyOps(), ReferenceOps(), TorchOps()
DTYPES = ["float32", "float64"]


def both(name: str, x: np.ndarray, *rest: Any) -> np.ndarray:
    """What NumPy's operation gives, after a look that torch's gives the same."""
    found = getattr(N, name)(x, *rest)
    other = getattr(T, name)(torch.from_numpy(x), *rest)
    assert found.dtype == x.dtype == other.numpy().dtype
    np.testing.assert_allclose(found, other.numpy(), rtol=0, atol=OUTPUT[str(x.dtype)])
    return found


def values(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_a_look_up_gives_rows() -> None:
    table, tokens = values(4, 3), np.array([[3, 0], [1, 3], [2, 2]])
    found = N.lookup(table, tokens)
    assert found.shape == (3, 2, 3)
    for place in np.ndindex(tokens.shape):
        np.testing.assert_array_equal(found[place], table[tokens[place]])
    np.testing.assert_array_equal(T.lookup(torch.from_numpy(table), torch.from_numpy(tokens)).numpy(), found)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3, 2), (1, 1, 1), (7, 1, 3)])
def test_sums_and_largest(dtype: str, shape: tuple[int, ...]) -> None:
    x = values(*shape, dtype=dtype)
    for axis in range(3):
        lists = np.moveaxis(x, axis, -1).reshape(-1, shape[axis]).tolist()
        sums, most = both("sum", x, axis), both("largest", x, axis)
        np.testing.assert_allclose(sums.ravel(), [math.fsum(one) for one in lists], rtol=0, atol=2 * OUTPUT[dtype])
        assert most.ravel().tolist() == [max(one) for one in lists]


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_and_logarithms(dtype: str) -> None:
    x = values(4, 3, 2, dtype=dtype)
    np.testing.assert_allclose(both("exp", x).ravel(), [math.exp(v) for v in x.ravel()], rtol=1e-6)
    np.testing.assert_allclose(both("log", np.abs(x)).ravel(), [math.log(abs(v)) for v in x.ravel()], rtol=1e-5)
    small = np.array([0.0, 1e-35, -1.0, 1e-30, 1.0], dtype)
    np.testing.assert_allclose(both("log", small), [math.log(1e-30)] * 4 + [0.0], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_concatenation(dtype: str) -> None:
    parts = [values(3, 2, width, dtype=dtype, seed=width) for width in (1, 4, 2)]
    found = N.concatenate(parts)
    assert found.shape == (3, 2, 7)
    for t in range(3):
        for b in range(2):
            assert found[t, b].tolist() == [v for part in parts for v in part[t, b].tolist()]
    np.testing.assert_array_equal(T.concatenate([torch.from_numpy(part) for part in parts]).numpy(), found)
    assert N.concatenate(parts[:1]) is parts[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks(dtype: str) -> None:
    like, lengths = values(5, 4, 2, dtype=dtype), np.array([1, 5, 3, 0])
    found = N.mask(lengths, 5, like)
    assert found.dtype == dtype
    assert found[..., 0].T.tolist() == [[float(t < length) for t in range(5)] for length in lengths]
    other = T.mask(torch.from_numpy(lengths), 5, torch.from_numpy(like)).numpy()
    assert other.dtype == dtype
    np.testing.assert_array_equal(other, found)


BAGS: dict[str, list[list[int]]] = {
    "some": [[0, 1, 1], [4], [2, 3]],
    "empty first": [[], [], [1, 2]],
    "empty last": [[1, 2], [], []],
    "empty between": [[5], [], [], [0, 0], [], [3]],
    "all empty": [[], []],
    "one": [[6]],
    "none": [],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("name", BAGS)
def test_bags_are_means_with_their_gradient(name: str, width: int, dtype: str) -> None:
    bags = BAGS[name]
    table = values(7, width, dtype=dtype)
    indices = np.array([i for bag in bags for i in bag], np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(bag) for bag in bags])]).astype(np.int64)
    expected = np.zeros((len(bags), width))
    gradient = np.zeros((7, width))
    weights = values(len(bags), width, seed=1)
    for d, bag in enumerate(bags):
        for i in bag:
            expected[d] += table[i] / len(bag)
            gradient[i] += weights[d] / len(bag)
    found = N.bag(table, indices, offsets)
    assert found.dtype == dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=OUTPUT[dtype])
    leaf = torch.from_numpy(table).requires_grad_()
    other = T.bag(leaf, torch.from_numpy(indices), torch.from_numpy(offsets))
    np.testing.assert_allclose(other.detach().numpy(), expected, rtol=0, atol=OUTPUT[dtype])
    (other * torch.from_numpy(weights.astype(dtype))).sum().backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad.numpy(), gradient, rtol=0, atol=3 * GRADIENT[dtype])


def loop(trace: Any, parameters: Any, x: np.ndarray, lengths: list[int], reverse: bool) -> tuple[np.ndarray, Any]:
    """One row after the other, one step after the other, by the trace's own step."""
    from throughtime.recurrence.evaluate import step

    known = trace.sizes_of(parameters, [], x.shape[2])
    sizes = [known[symbol] for symbol in trace.state_sizes.values()]
    place = list(trace.states).index(trace.output)
    output = np.zeros((*x.shape[:2], sizes[place]), x.dtype)
    final = [np.zeros((x.shape[1], size), x.dtype) for size in sizes]
    for b, length in enumerate(lengths):
        states: Any = tuple(np.zeros(size, x.dtype) for size in sizes)
        for t in range(length)[::-1] if reverse else range(length):
            states = step(trace, parameters, x[t, b], states)
            output[t, b] = states[place]
        for j, state in enumerate(states):
            final[j][b] = state
    return output, final


SIZES = {"odd": (7, 5, 3, 17), "one step": (1, 3, 4, 5), "one row": (6, 1, 2, 16), "smallest": (1, 1, 1, 1)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "min_gru"])
def test_ragged_recurrences_in_both_directions(cell: str, size: str, reverse: bool, dtype: str) -> None:
    steps, rows, inputs, hidden = SIZES[size]
    trace, rng = cells.make(cell).trace(), np.random.default_rng(3)
    sizes = {"I": inputs, "H": hidden}
    parameters = trace.initial_parameters(sizes, rng, dtype)
    x = rng.standard_normal((steps, rows, inputs)).astype(dtype)
    lengths = rng.integers(1, steps + 1, rows)
    lengths[rng.integers(rows)] = steps
    tensors = {name: torch.from_numpy(value) for name, value in parameters.items()}
    for given in (lengths, None):
        ends = [steps] * rows if given is None else given.tolist()
        expected, last = loop(trace, parameters, x, ends, reverse)
        outcomes = [ops.recurrence(Recurrence(trace, sizes), x, None, parameters, given, reverse) for ops in (N, R)]
        tensor = None if given is None else torch.from_numpy(given)
        output, final = T.recurrence(Recurrence(trace, sizes), torch.from_numpy(x), None, tensors, tensor, reverse)
        outcomes.append((output.numpy(), tuple(state.numpy() for state in final)))
        for output, final in outcomes:
            assert output.dtype == dtype
            np.testing.assert_allclose(output, expected, rtol=0, atol=OUTPUT[dtype])
            for mine, theirs in zip(final, last, strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=0, atol=OUTPUT[dtype])


@pytest.mark.parametrize("cell", ["lstm", "min_gru"])
def test_what_lies_behind_an_end_is_not_read(cell: str) -> None:
    trace, sizes = cells.make(cell).trace(), {"I": 3, "H": 5}
    parameters = trace.initial_parameters(sizes, np.random.default_rng(0), np.float64)
    lengths = np.array([0, 2, 6])
    x = values(6, 3, 3)
    for b, length in enumerate(lengths):
        x[length:, b] = np.nan
    tensors = {name: torch.from_numpy(value) for name, value in parameters.items()}
    for reverse in (False, True):
        expected, _ = loop(trace, parameters, x, lengths.tolist(), reverse)
        for ops in (N, R):
            output, final = ops.recurrence(Recurrence(trace, sizes), x, None, parameters, lengths, reverse)
            np.testing.assert_allclose(output, expected, rtol=0, atol=OUTPUT["float64"])
            assert all(np.isfinite(state).all() and not state[0].any() for state in final)
        output, _ = T.recurrence(
            Recurrence(trace, sizes), torch.from_numpy(x), None, tensors, torch.from_numpy(lengths), reverse
        )
        np.testing.assert_allclose(output.numpy(), expected, rtol=0, atol=OUTPUT["float64"])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_look_inside_reads_in_both_directions(cell: str, reverse: bool) -> None:
    trace, sizes = cells.make(cell).trace(), {"I": 3, "H": 5}
    parameters = trace.initial_parameters(sizes, np.random.default_rng(0), np.float64)
    x, lengths = values(6, 2, 3), np.array([6, 6])
    tensors = {name: torch.from_numpy(value) for name, value in parameters.items()}
    expected, last = loop(trace, parameters, x, [6, 6], reverse)
    gates, watched = GateOps(), WatchedOps()
    output, final = gates.recurrence(Recurrence(trace, sizes), x, None, parameters, lengths, reverse)
    ends = torch.from_numpy(lengths)
    other, states = watched.recurrence(Recurrence(trace, sizes), torch.from_numpy(x), None, tensors, ends, reverse)
    np.testing.assert_allclose(output, expected, rtol=0, atol=OUTPUT["float64"])
    np.testing.assert_allclose(other.detach().numpy(), expected, rtol=0, atol=OUTPUT["float64"])
    for mine, theirs, wanted in zip(final, states, last, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=OUTPUT["float64"])
        np.testing.assert_allclose(theirs.detach().numpy(), wanted, rtol=0, atol=OUTPUT["float64"])
    seen = gates.seen[0]
    np.testing.assert_array_equal(seen.states[trace.output], output)  # in the order of the text
    turn = -1 if reverse else 1
    for name, gate in seen.gates.items():
        np.testing.assert_allclose(gate[::turn], watched.runs[0].gate(name).numpy(), rtol=0, atol=OUTPUT["float64"])
    with pytest.raises(ValueError, match="rows of one length"):
        watched.recurrence(Recurrence(trace, sizes), torch.from_numpy(x), None, tensors, torch.tensor([6, 5]), reverse)
    with pytest.raises(AssertionError, match="rows of one length"):
        gates.recurrence(Recurrence(trace, sizes), x, None, parameters, np.array([6, 5]), reverse)
