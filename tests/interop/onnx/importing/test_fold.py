"""What few bytes would make large is not reckoned beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.interop.onnx.importing import fold as folds
from throughtime.interop.onnx.importing.fold import Reckoner, check_whole, fold
from throughtime.interop.onnx.importing.values import Fixed


def test_two_arrays_that_are_spread_over_each_other() -> None:
    rows, columns = np.zeros((40_000, 1)), np.zeros((1, 40_000))
    for op in ("Add", "Mul", "Max", "Equal"):
        with pytest.raises(UserError, match="too large"):
            fold(op, {}, [rows, columns])
    assert fold("Add", {}, [rows[:3], columns[:, :2]]).shape == (3, 2)


def test_a_spread_array_is_not_copied() -> None:
    wide = fold("Expand", {}, [np.arange(40_000.0)[:, None], np.array([40_000, 40_000])])
    with pytest.raises(UserError, match="too large"):
        fold("Reshape", {}, [wide, np.array([-1])])
    assert np.may_share_memory(fold("Gather", {"axis": 1}, [wide, np.array(5)]), wide)
    with pytest.raises(UserError, match="too large"):
        fold("Gather", {"axis": 1}, [wide, np.arange(39_000)])
    with pytest.raises(UserError, match="its matrix is one value at 1,600,000,000 places"):
        check_whole(wide, "matrix")
    assert not Fixed(wide).zero
    assert Fixed(np.broadcast_to(np.float32(0), (40_000, 40_000))).zero


def test_all_arrays_together_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "MOST_BYTES", 10_000)
    reckoner, one = Reckoner(), np.zeros(1000)
    for _ in range(50):
        reckoner.fold("Identity", {}, [one])  # the same array
    reckoner.fold("Add", {}, [one, one])
    with pytest.raises(UserError, match="too large in all"):
        reckoner.fold("Add", {}, [one, one])
