"""The loop: its budgets, what it keeps, how it stops, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.toy import Line
from throughtime.errors import UserError
from throughtime.training.history import read
from throughtime.training.loop import train
from throughtime.training.progress import Silent
from throughtime.training.settings import Settings


def settings(steps: int = 40, **options: Any) -> Settings:
    return Settings(**{"steps": steps, "warm_up": 5, "log_every": 4, "validations": 4, **options})


def test_it_learns_and_tells(tmp_path: Path) -> None:
    job = Line()
    outcome = train(job, settings(300, learning_rate=0.1), tmp_path)
    assert outcome.ended == "budget"
    assert (outcome.steps, len(job.seen), outcome.tokens) == (300, 300, 4800)
    assert outcome.best is not None
    assert outcome.best < 0.01
    lines = read(tmp_path / "history.jsonl")
    assert lines == json.loads(json.dumps(outcome.history))
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(4, 301, 4))
    assert steps[-1]["loss"] < 0.1 * steps[0]["loss"]
    assert {"gradient_norm", "clipped", "learning_rate", "tokens_per_second", "elapsed", "epoch"} <= steps[0].keys()
    assert sum(4 * line["clipped"] for line in steps) == pytest.approx(300 * outcome.clipped)
    assert 0 < outcome.clipped < 1
    validated = [line["step"] for line in lines if "validation_loss" in line]
    assert validated == [25, 75, 150, 225, 300]
    assert [line["step"] for line in lines if "sample" in line] == validated


@pytest.mark.parametrize(
    ("near", "losses", "learned"),
    [
        (0.0, [4.0, 3.0, 2.0, 1.0, 0.9, 0.8], 52),  # at the first validation of the last fifth
        (0.0, [4.0, 3.0, 1.0, 1.02, 1.01, 1.0], None),
        (0.05, [4.0, 3.0, 1.0, 1.02, 1.01, 1.0], 52),
        (0.05, [4.0, 3.0, 1.0, 1.2, 1.06, 1.04], None),
        (0.05, [-1.0, -2.0, -4.0, -3.7, -3.9, -3.9], 58),  # a log likelihood
    ],
)
def test_what_validation_had_is_learned_late_and_near_its_best(
    near: float, losses: list[float], learned: int | None
) -> None:
    job = Line(validation=[9.0, 8.0, 7.0, 6.0, 5.0, *losses])
    job.near = near
    outcome = train(job, settings(64, validations=10, learn_validation=True))
    assert (job.all_from, outcome.steps) == (learned, 64)


def test_epochs_are_walked_through_in_order() -> None:
    job = Line()
    assert train(job, Settings(epochs=3)).steps == 21
    assert job.seen == [(epoch, i) for epoch in range(3) for i in range(7)]
    assert job.begun == [0, 7, 14]


def test_minutes_end_in_time() -> None:
    job = Line()
    outcome = train(job, Settings(minutes=0.02))  # 1.2 seconds
    assert 0.9 < outcome.seconds < 2.0
    assert outcome.steps > 50


def test_slow_validation_does_not_eat_the_minutes() -> None:
    job = Line()
    slow, count = job.validate, 0

    def validate() -> float | None:
        nonlocal count
        count += 1
        time.sleep(0.1)
        return slow()

    job.validate = validate  # type: ignore[method-assign]
    outcome = train(job, Settings(minutes=0.03))  # 1.8 seconds
    assert count == 2
    assert outcome.seconds < 2.6


def test_the_best_is_kept_and_patience_ends_the_run() -> None:
    job = Line(validation=[5.0, 4.0, 4.5, 4.2, 4.1])
    outcome = train(job, settings(400, validations=40, patience=3))
    assert outcome.ended == "patience"
    assert [(step, loss) for step, loss, _ in job.kept] == [(4, 5.0), (10, 4.0)]
    assert (outcome.best, outcome.best_step, outcome.steps) == (4.0, 10, 40)


def test_it_says_which_validation_was_the_best_so_far() -> None:
    said: list[str] = []

    class Told(Silent):
        def note(self, text: str) -> None:
            said.append(text)

    train(Line(validation=[5.0, 4.0, 4.5, 3.0, 3.5]), settings(), progress=Told())
    told = [text.partition(": ")[2] for text in said if "validation loss" in text]
    assert told == [
        "validation loss 5.0000 (best)",
        "validation loss 4.0000 (best)",
        "validation loss 4.5000",
        "validation loss 3.0000 (best)",
        "validation loss 3.5000",
    ]


def test_of_equal_validations_the_later_is_kept_but_counts_as_none_that_is_better() -> None:
    job = Line(validation=[5.0, 4.0, 4.5, 4.0, 4.0])
    outcome = train(job, settings(400, validations=40, patience=3))
    assert outcome.ended == "patience"
    assert [(step, loss) for step, loss, _ in job.kept] == [(4, 5.0), (10, 4.0), (30, 4.0), (40, 4.0)]
    assert (outcome.best, outcome.best_step, outcome.steps) == (4.0, 40, 40)
    assert not outcome.warnings  # it has not risen


def test_a_validation_that_rises_is_told() -> None:
    (told,) = train(Line(validation=[5.0, 4.0, 4.5, 4.0, 4.1] + [4.2] * 40), settings(60, validations=6)).warnings
    assert "4.0000, of step 30" in told


def test_without_validation_the_last_is_kept() -> None:
    job = Line()
    job.validate = lambda: None  # type: ignore[method-assign]
    assert train(job, settings()).best is None
    assert job.kept[-1][0] == 40
    np.testing.assert_array_equal(job.kept[-1][2], job.w.detach().numpy())


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("stop", [9, 14, 23])
def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path: Path, stop: int, average: float) -> None:
    chosen = settings(average=average)
    whole = Line()
    wanted = train(whole, chosen, tmp_path / "whole")
    first = Line()
    first.after = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == stop else None
    stopped = train(first, chosen, tmp_path / "parts")
    assert stopped.ended == "interrupted"
    assert stop <= stopped.steps <= stop + 1
    second = Line()
    outcome = train(second, chosen, tmp_path / "parts", resume=True)
    assert (outcome.steps, outcome.best, outcome.tokens) == (40, wanted.best, wanted.tokens)
    assert first.seen + second.seen == whole.seen
    assert torch.equal(second.w, whole.w)
    np.testing.assert_array_equal(second.kept[-1][2], whole.kept[-1][2])
    one, two = _losses(tmp_path / "whole"), _losses(tmp_path / "parts")
    assert one[-2:] == two[-2:]


def _losses(folder: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read(folder / "history.jsonl") if "loss" in line]


def test_lines_behind_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    train(Line(), settings(8), tmp_path)
    with open(tmp_path / "history.jsonl", "a") as file:
        file.write('{"step": 9, "loss": 1.0}\n{"step": 10, "lo')
    train(Line(), settings(12), tmp_path, resume=True)
    assert [step for step, _ in _losses(tmp_path)] == [4, 8, 12]


def test_a_larger_budget_goes_on(tmp_path: Path) -> None:
    train(Line(), settings(8), tmp_path)
    job = Line()
    outcome = train(job, settings(20), tmp_path, resume=True)
    assert outcome.steps == 20
    assert len(job.seen) == 12


def test_the_time_before_counts(tmp_path: Path) -> None:
    first = Line()
    first.after = lambda step: time.sleep(0.2) if step == 2 else None
    train(first, settings(4), tmp_path)
    assert train(Line(), settings(5), tmp_path, resume=True).seconds > 0.2


def test_a_loss_that_is_no_number_stops_the_run_before_it_reaches_the_weights() -> None:
    job = Line(bad=30)
    with pytest.raises(UserError, match=r"the loss became nan at step 30 .*the best model, of step 20, is kept"):
        train(job, settings())
    assert torch.isfinite(job.w).all()
    with pytest.raises(UserError, match=r"at step 1 .*there is no model yet"):
        train(Line(bad=1), settings())


def test_the_average_is_what_is_validated_and_kept() -> None:
    job = Line()
    train(job, settings(average=0.9, learning_rate=0.05, final_fraction=1.0))
    assert not np.array_equal(job.kept[-1][2], job.w.detach().numpy())
    assert np.linalg.norm(job.kept[-1][2]) < np.linalg.norm(job.w.detach().numpy())  # it lags behind


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    train(Line(), settings(8), tmp_path)
    job = Line()
    job.w = torch.zeros(4, 2, requires_grad=True)
    with pytest.raises(UserError, match="does not fit the model"):
        train(job, settings(12), tmp_path, resume=True)
    with pytest.raises(UserError, match="no checkpoint to go on from"):
        train(Line(), settings(12), tmp_path / "empty", resume=True)
    with pytest.raises(UserError, match="a folder with a checkpoint is needed"):
        train(Line(), settings(12), None, resume=True)
