"""Matrices of eight bits in a file of weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.storage.folder import read_weights, write_weights
from throughtime.storage.int8 import SCALE, packed

RNG = np.random.default_rng(0)
ARRAYS = {"W": RNG.standard_normal((5, 40)).astype(np.float32), "b": RNG.standard_normal(5).astype(np.float32)}
ARRAYS["W"][2] = 0.0


def test_each_value_is_near_by_its_row(tmp_path: Path) -> None:
    write_weights(tmp_path / "model.safetensors", packed(ARRAYS))
    found = read_weights(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(found["b"], ARRAYS["b"])
    assert found["W"].dtype == np.float32
    steps = np.abs(ARRAYS["W"]).max(1, keepdims=True) / 127
    assert (np.abs(found["W"] - ARRAYS["W"]) <= steps * 0.5001).all()
    np.testing.assert_array_equal(found["W"][2], 0.0)
    assert packed(found)["W"].tolist() == packed(ARRAYS)["W"].tolist()


@pytest.mark.parametrize(
    "changes",
    [
        {"W": None},
        {"W" + SCALE: np.ones(4, np.float32)},
        {"W" + SCALE: np.ones(5, np.float64)},
        {"W": np.ones((5, 40), np.int16)},
        {"W": np.ones((5, 4, 10), np.int8)},
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, changes: dict[str, np.ndarray | None]) -> None:
    whole = {**packed({**ARRAYS, "other": ARRAYS["W"]}), **changes}
    write_weights(tmp_path / "w.safetensors", {name: value for name, value in whole.items() if value is not None})
    with pytest.raises(UserError, match=r"w\.safetensors: W(:scale)?: .*; the file is damaged"):
        read_weights(tmp_path / "w.safetensors")
