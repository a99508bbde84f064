"""Parameters in larger shapes: what was learned stays where it was."""

from __future__ import annotations

import numpy as np

from throughtime.models.grown import grown


def test_old_rows_stay_and_new_ones_start_at_their_mean() -> None:
    rng = np.random.default_rng(0)
    old = {"output.W_py": rng.standard_normal((4, 3)).astype(np.float32), "output.b_y": np.arange(4, dtype=np.float32)}
    new = grown(old, {"output.W_py": (6, 3), "output.b_y": (6,)}, rng)
    np.testing.assert_array_equal(new["output.W_py"][:4], old["output.W_py"])
    np.testing.assert_array_equal(new["output.b_y"], [0, 1, 2, 3, 1.5, 1.5])
    away = np.abs(new["output.W_py"][4:] - old["output.W_py"].mean(0))
    assert away.min() > 0
    assert away.max() < 0.5


def test_inputs_of_a_recurrence_move_and_new_ones_have_no_weight() -> None:
    old = {"layers.0.ahead.W_xi": np.array([[1.0, 2.0, 3.0]], np.float32)}
    new = grown(old, {"layers.0.ahead.W_xi": (1, 5)}, np.random.default_rng(0), np.array([0, 2, 4]))
    np.testing.assert_array_equal(new["layers.0.ahead.W_xi"], [[1, 0, 2, 0, 3]])
