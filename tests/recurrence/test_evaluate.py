"""The NumPy evaluator against the equations written out, and against the engine."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tolerances import OUTPUT
from throughtime import cells, engine
from throughtime.recurrence import Cell, Matrix, Recurrence, Vector, exp, log, maximum, minimum, softplus, sqrt
from throughtime.recurrence.evaluate import sequence, step


def test_lstm_is_its_equations() -> None:
    rng = np.random.default_rng(0)
    trace = cells.make("lstm").trace()
    p = trace.initial_parameters({"I": 3, "H": 5}, rng, np.float64)
    x, h, c = rng.standard_normal((2, 3)), rng.standard_normal((2, 5)), rng.standard_normal((2, 5))

    def sigma(a: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-a))

    i, f, o = (sigma(x @ p[f"W_x{g}"].T + h @ p[f"W_h{g}"].T + p[f"b_{g}"]) for g in "ifo")
    new_c = f * c + i * np.tanh(x @ p["W_xc"].T + h @ p["W_hc"].T + p["b_c"])
    got_h, got_c = step(trace, p, x, (h, c))
    np.testing.assert_allclose(got_c, new_c, atol=1e-14)
    np.testing.assert_allclose(got_h, o * np.tanh(new_c), atol=1e-14)


class Everything(Cell):
    """Every operation a step may contain."""

    state = {"h": "H"}
    W = Matrix("H", "I")
    b = Vector("H", init=0.3)

    def step(self, x, h):  # type: ignore[no-untyped-def]
        a = softplus(self.W @ x) + exp(-h)
        return minimum(maximum(sqrt(a) / (log(a + 2) + 1) - self.b, 0.1), 2 * a) * self.b


@pytest.mark.parametrize("cell", [*cells.CATALOGUE.values(), Everything])
def test_equals_the_engine(cell: type[Cell]) -> None:
    rng = np.random.default_rng(1)
    trace, sizes = cell().trace(), {"I": 3, "H": 9, "P": 4}
    p = trace.initial_parameters(sizes, rng, np.float64)
    x = rng.standard_normal((4, 2, trace.input_width(sizes)))
    initial = tuple(rng.standard_normal((2, sizes[size])) for size in trace.state_sizes.values())
    output, final = sequence(trace, p, x, initial)
    program = engine.compile(Recurrence(trace, sizes), "float64")
    wanted, wanted_final, _ = program.forward(x, initial, tuple(p.values()))
    np.testing.assert_allclose(output, wanted, atol=OUTPUT["float64"])
    for a, b in zip(final, wanted_final, strict=True):
        np.testing.assert_allclose(a, b, atol=OUTPUT["float64"])


def test_large_values_raise_no_warning() -> None:
    trace = cells.make("lstm").trace()
    p = trace.initial_parameters({"I": 1, "H": 2}, np.random.default_rng(0))
    h, c = step(trace, p, np.full((1, 1), 1e4, np.float32), (np.zeros((1, 2), np.float32),) * 2)
    assert np.isfinite(h).all()
    assert np.isfinite(c).all()
    assert h.dtype == np.float32
