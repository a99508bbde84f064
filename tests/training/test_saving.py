"""Checkpoints: how often, and what becomes of a run whose disk is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.toy import Line
from throughtime.errors import UserError
from throughtime.storage.folder import CHECKPOINT, make_folder, remove_temporaries, write_atomically
from throughtime.training import checkpoint, saving
from throughtime.training.history import History, read
from throughtime.training.lock import locked
from throughtime.training.loop import train
from throughtime.training.saving import Saver
from throughtime.training.settings import Settings


class Told:
    """A progress that remembers its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def step(self, *_: Any) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)

    def close(self) -> None:
        pass


def settings(**options: Any) -> Settings:
    return Settings(**{"steps": 20, "validations": 2, "log_every": 5, **options})


def written(monkeypatch: pytest.MonkeyPatch, fail: Any = lambda step: False) -> list[int]:
    """The steps whose checkpoints were written; `fail` says which cannot be."""
    steps: list[int] = []
    save = checkpoint.save

    def watched(path: Path, tensors: Any, numbers: Any) -> None:
        if fail(numbers["step"]):
            raise UserError(f"{path}: cannot be written (No space left on device)")
        steps.append(numbers["step"])
        save(path, tensors, numbers)

    monkeypatch.setattr(saving.checkpoint, "save", watched)
    return steps


def test_at_the_start_at_the_end_and_at_most_every_so_many_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = written(monkeypatch)
    train(Line(), settings(), tmp_path / "a")
    assert steps == [0, 20]
    steps.clear()
    train(Line(), settings(checkpoint_seconds=0.0), tmp_path / "b")
    assert steps == [*range(21), 20]
    steps.clear()
    monkeypatch.setattr(saving, "_SHARE", 1e9)  # however slow this disk is
    job = Line()
    job.after = lambda step: time.sleep(0.011)
    train(job, settings(checkpoint_seconds=0.05, steps=40), tmp_path / "c")
    assert steps[0] == 0
    assert 3 <= len(steps) <= 13


def test_slow_writing_makes_checkpoints_rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(saving.time, "perf_counter", lambda: now)

    def slow(*_: Any) -> None:
        nonlocal now
        now += 0.5

    monkeypatch.setattr(saving.checkpoint, "save", slow)
    saver = Saver(tmp_path / "x", 10.0, lambda text: None)
    count = 0
    for _ in range(10_000):
        now += 0.1
        if saver.due():
            saver.save(1, lambda: ({}, {}))
            count += 1
    assert saver.spent == pytest.approx(0.5 * count)
    assert saver.spent / now < 0.0055
    assert count >= 9


def test_a_full_disk_does_not_end_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = written(monkeypatch, fail=lambda step: 3 <= step <= 6)
    told = Told()
    outcome = train(Line(), settings(checkpoint_seconds=0.0), tmp_path, progress=told)
    assert outcome.ended == "budget"
    assert steps == [0, 1, 2, *range(7, 21), 20]
    complaints = [note for note in told.notes if "No space left" in note]
    assert len(complaints) == 4
    assert "the checkpoint of step 2 is still there, training goes on" in complaints[0]


@pytest.mark.parametrize("step", [0, 20])
def test_a_disk_that_takes_nothing_is_told_at_once_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    job = Line()
    written(monkeypatch, fail=lambda at: at == step)
    with pytest.raises(UserError, match="No space left"):
        train(job, settings(), tmp_path)
    assert job.steps == step


def test_a_checkpoint_never_holds_broken_weights(tmp_path: Path) -> None:
    job = Line()

    def poison(step: int) -> str:  # between a step and its checkpoint, as an optimizer's step would
        with torch.no_grad():
            job.b.fill_(float("inf"))
        return "sample"

    job.sample = poison  # type: ignore[method-assign]
    with pytest.raises(UserError, match=r"at step 5 .*not finite: weights b; .*the checkpoint of step 3"):
        train(job, settings(checkpoint_seconds=0.0), tmp_path)
    assert checkpoint.load(tmp_path / CHECKPOINT)[1]["step"] == 3


def test_history_survives_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path)
    history.add(step=1)
    assert history._file is not None
    os.close(os.dup(history._file.fileno()))
    history._file.close()  # the next write fails as on a full disk: half a line may be there
    with open(path, "ab") as file:
        file.write(b'{"st')
    history._file = open("/dev/full", "ab", buffering=0) if os.path.exists("/dev/full") else None  # noqa: SIM115
    history.add(step=2)
    history.add(step=3)
    assert len(read(path)) == 3  # not only when it is closed
    history.close()
    assert read(path) == [{"step": 1}, {"step": 2}, {"step": 3}]
    assert b'{"st\n' not in path.read_bytes()


HOLD = """
import sys, time
from pathlib import Path
from throughtime.training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_training_at_a_time_in_a_folder(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another training is at work in this folder"), locked(tmp_path):
            pass
        with locked(tmp_path / "other"), locked(None):
            pass
    finally:
        holder.kill()  # the lock goes with the process, however it ends
        holder.communicate()
    with locked(tmp_path):
        pass


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    key = "0123456789abcdef"
    ours = (f".model.safetensors.{key}.writing", f"checkpoints/.last.safetensors.{key}.writing")
    others = ("mine.writing", ".notes.writing", f".{key}.writing", f"checkpoints/.x.{key[:15]}.writing")
    for name in (*ours, *others):
        write_atomically(tmp_path / name, b"x")
    remove_temporaries(tmp_path)
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {Path(name).name for name in others}


def test_a_file_where_a_folder_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    for act in (lambda: make_folder(tmp_path / "x" / "y"), lambda: write_atomically(tmp_path / "x" / "y", b"")):
        with pytest.raises(UserError, match="cannot be made a folder"):
            act()


def test_every_line_is_the_same_wherever_the_run_was_cut(tmp_path: Path) -> None:
    def told(folder: Path) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
        return [{k: v for k, v in line.items() if k not in ("elapsed", "tokens_per_second")} for line in lines]

    chosen = settings(steps=23, validations=4, log_every=4, average=0.9, checkpoint_seconds=0.0)
    train(Line(), chosen, tmp_path / "whole")
    for cut in range(1, 24):
        job = Line()

        def stop(step: int, cut: int = cut) -> None:
            if step == cut:
                raise KeyboardInterrupt  # as abrupt as it gets inside a process

        job.after = stop
        folder = tmp_path / str(cut)
        with pytest.raises(KeyboardInterrupt):
            train(job, chosen, folder)
        train(Line(), chosen, folder, resume=True)
        assert told(folder) == told(tmp_path / "whole"), cut
