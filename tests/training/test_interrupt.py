"""Ctrl-C and SIGTERM as a wish to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.training.toy import Line
from throughtime.storage.folder import CHECKPOINT
from throughtime.training.loop import train
from throughtime.training.settings import Settings


def test_ctrl_c_stops_within_two_steps_and_leaves_a_model(tmp_path: Path) -> None:
    job = Line()
    job.after = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == 1 else None
    before = signal.getsignal(signal.SIGINT)
    outcome = train(job, Settings(steps=10_000), tmp_path)
    assert outcome.steps <= 2
    assert job.kept
    assert (tmp_path / CHECKPOINT).exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_sigterm_stops_as_ctrl_c_does(tmp_path: Path) -> None:
    job = Line()
    job.after = lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 5 else None
    before = signal.getsignal(signal.SIGTERM)
    outcome = train(job, Settings(steps=400), tmp_path)
    assert (outcome.ended, outcome.signal) == ("interrupted", signal.SIGTERM)
    assert 5 <= outcome.steps <= 6
    assert job.kept[-1][:2] == (outcome.steps, None)
    assert signal.getsignal(signal.SIGTERM) is before
