"""Trainings that are stopped and gone on with, and what is compared of them."""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from throughtime.storage.folder import CHECKPOINT, CONFIG, HISTORY, WEIGHTS, read_weights
from throughtime.training import checkpoint


def history(folder: Path) -> list[dict[str, Any]]:
    """Its lines without what the clock says."""
    clock = {"elapsed", "tokens_per_second"}
    lines = [json.loads(line) for line in (folder / HISTORY).read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in clock} for line in lines]


def record(folder: Path) -> dict[str, Any]:
    """What stands in its config.json."""
    found: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    return found


def same_checkpoints(one: Path, other: Path) -> None:
    first, second = (checkpoint.load(folder / CHECKPOINT)[0] for folder in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def same_runs(one: Path, other: Path) -> None:
    """Bit for bit, but for where and when they ran."""
    same_checkpoints(one, other)
    assert history(one) == history(other)
    weights = [read_weights(folder / WEIGHTS) for folder in (one, other)]
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(value, weights[1][name]) for name, value in weights[0].items())
    first, second = record(one), record(other)
    for name in ("model", "options", "data", "decided", "parameters"):
        assert first[name] == second[name], name


def interrupt_at(step: int, patch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a step is taken."""
    own, count = torch.optim.AdamW.step, 0

    def counted(self: Any, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGINT)
        return own(self, *args)

    patch.setattr(torch.optim.AdamW, "step", counted)


def killed_at(step: int, train: Callable[[], Any]) -> int:
    """Train in a forked process that is killed while a step is taken; what it ended with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads; the child starts none
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    own, count = torch.optim.AdamW.step, 0

    def counted(self: Any, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return own(self, *args)

    try:
        torch.optim.AdamW.step = counted  # type: ignore[method-assign]
        train()
    finally:
        os._exit(1)
