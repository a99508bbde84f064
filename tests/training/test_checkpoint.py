"""A run's whole state in one file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from throughtime.errors import UserError
from throughtime.training import checkpoint


def test_damaged_checkpoints_are_named(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    path.write_bytes(b"nonsense")
    with pytest.raises(UserError, match="the file is damaged"):
        checkpoint.load(path)
    checkpoint.save(path, {"a": torch.ones(2)}, {"format_version": 9})
    with pytest.raises(UserError, match="expected format_version 1, got 9"):
        checkpoint.load(path)
