"""Gates by the engine against gates by the plain loop, and the units that follow labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime import cells
from throughtime.errors import UserError
from throughtime.insight.gates import GateOps, Seen
from throughtime.insight.units import area, correlations, followers, text_labels
from throughtime.insight.watch import WatchedOps
from throughtime.recurrence import Recurrence


@pytest.mark.parametrize("name", cells.PLAIN)
def test_gates_of_all_steps_at_once_are_those_of_the_loop(name: str) -> None:
    trace = cells.make(name).trace()
    sizes = dict.fromkeys(trace.symbols, 5)
    rng = np.random.default_rng(0)
    parameters = trace.initial_parameters(sizes, rng, np.float64)
    x = rng.standard_normal((9, 3, 5))
    start = [rng.standard_normal((3, 5)) for _ in trace.states]
    fast, slow = GateOps(), WatchedOps()
    output, final = fast.recurrence(Recurrence(trace, sizes), x, start, parameters)
    tensors = {n: torch.tensor(v) for n, v in parameters.items()}
    expected, _ = slow.recurrence(Recurrence(trace, sizes), torch.tensor(x), [torch.tensor(s) for s in start], tensors)
    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    (seen,), (run,) = fast.seen, slow.runs
    assert list(seen.gates) == list(trace.gates)
    for gate, values in seen.gates.items():
        np.testing.assert_allclose(values, run.gate(gate).numpy(), rtol=1e-8, atol=1e-11)
    for (state, values), last in zip(seen.states.items(), final, strict=True):
        np.testing.assert_allclose(values, run.state(state).numpy(), rtol=1e-8, atol=1e-11)
        np.testing.assert_array_equal(values[-1], last)


def made(unit: np.ndarray) -> Seen:
    values = np.random.default_rng(0).standard_normal((len(unit), 1, 6))
    values[:, 0, 4] = unit
    return Seen("layer 0", "lstm", {"h": values}, {"f": 1 / (1 + np.exp(-values))})


def test_the_unit_that_follows_a_label_is_found() -> None:
    label = (np.arange(400) // 7 % 2).astype(float)
    seen = made(-label + 0.1 * np.random.default_rng(1).standard_normal(400))
    (best,) = followers([seen], {"bracket": label})
    assert (best.unit, best.value, best.layer) == (4, "h", "layer 0")
    assert best.correlation < -0.9
    assert best.accuracy == pytest.approx(1.0)


def test_a_unit_that_follows_by_chance_is_scored_on_the_other_half() -> None:
    rng = np.random.default_rng(2)
    label = rng.integers(0, 2, 60).astype(float)
    seen = Seen("layer 0", "rnn", {"h": rng.standard_normal((60, 1, 500))}, {})
    (best,) = followers([seen], {"noise": label})
    chosen = correlations(seen.states["h"][:30, 0], label[:30])
    assert abs(chosen).max() > 0.45  # of 500 units one fits 30 steps
    assert abs(best.correlation) < 0.4


def test_labels_that_never_change_are_left_out() -> None:
    assert followers([made(np.zeros(100))], {"never": np.zeros(100)}) == []


def test_the_area_under_the_curve() -> None:
    assert area(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 1.0, 1.0])) == 1.0
    assert area(np.array([1.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])) == 0.5
    assert area(np.array([4.0, 3.0, 2.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])) == 0.25


def test_labels_of_a_text() -> None:
    text = 'a ("b c") d.\n  E f'
    found = text_labels(text)
    assert [c for c, on in zip(text, found["inside brackets"], strict=True) if on] == list('("b c"')
    assert [c for c, on in zip(text, found["inside quotes"], strict=True) if on] == list('"b c')
    assert [c for c, on in zip(text, found["in an indented line"], strict=True) if on] == list("E f")
    assert [c for c, on in zip(text, found["capital letter"], strict=True) if on] == ["E"]
    assert found["place in the line"][text.index("\n") + 1] == 1
    chinese = text_labels("他说\u201c好\u201d。走\uff08了\uff09")
    assert chinese["inside quotes"].tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert chinese["inside brackets"].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1, 0]


def test_unknown_gates_are_told_with_the_valid_ones() -> None:
    with pytest.raises(UserError, match="has h, f"):
        made(np.zeros(30)).pick("g")


def test_statistics_of_gates() -> None:
    seen = Seen("layer 0", "x", {}, {"f": np.array([[[0.001, 0.5]], [[0.003, 0.9]]]), "n": -np.ones((2, 1, 2))})
    gate, candidate = seen.statistics()
    assert (gate["shut"], gate["open"]) == (0.5, 0.0)
    assert candidate["shut"] is None
