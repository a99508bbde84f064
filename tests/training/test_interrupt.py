"""Ctrl-C and SIGTERM as a wish to stop."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.training.toy import Line
from throughtime import cli
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


def test_a_closed_terminal_stops_as_ctrl_c_does(tmp_path: Path) -> None:
    job = Line()
    job.after = lambda step: os.kill(os.getpid(), signal.SIGHUP) if step == 5 else None
    outcome = train(job, Settings(steps=400), tmp_path)
    assert (outcome.ended, outcome.signal) == ("interrupted", signal.SIGHUP)
    assert (tmp_path / CHECKPOINT).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("throughtime.tasks.text.estimator.LanguageModel._build", "nothing was learned yet"),
        ("throughtime.tasks.text.estimator.LanguageModel._job", "start again with --force"),
        ("throughtime.tasks.text.estimator.LanguageModel._finish", "goes on with --resume"),
    ],
)
def test_a_signal_outside_the_loop_says_how_to_go_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    where: str,
    said: str,
) -> None:
    data = tmp_path / "text.txt"
    data.write_text("the cat sat on the mat; " * 200)

    def stopped(*_: object, **__: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr(where, stopped)
    tiny = ["--hidden", "8", "--embedding", "4", "--batch", "4", "--window", "8", "--threads", "1", "--steps", "2"]
    status = cli.invoke(["train", "text", str(data), "--out", str(tmp_path / "m"), *tiny])
    assert status == 128 + number
    last = capsys.readouterr().err.strip().split("\n")[-1]
    assert last.startswith("throughtime: stopped; ")
    assert said in last
