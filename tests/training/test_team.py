"""Members that learn side by side, in threads or processes: the same bits as one after the other, stopped or not."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from throughtime.errors import UserError
from throughtime.storage.folder import CHECKPOINT
from throughtime.training import checkpoint, team
from throughtime.training.job import SideBySideJob
from throughtime.training.loop import Outcome, train
from throughtime.training.processes import Processes, possible, share
from throughtime.training.settings import Settings
from throughtime.training.team import Order, Step, Team

POINTS = torch.from_numpy(np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32))


class Small(torch.nn.Module):
    """A layer whose inputs are dropped at random."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.W = torch.nn.Parameter(torch.randn(4, 3, generator=self.generator))
        self.b = torch.nn.Parameter(torch.zeros(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = torch.rand(x.shape, generator=self.generator) < 0.7
        return torch.tanh((x * kept) @ self.W.T + self.b)

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: value.detach().numpy() for name, value in self.named_parameters()}


class Small3(SideBySideJob):
    """Some members, each with rows of its own. at_loss: called with a member's number and how often it was asked.

    asked: how often each was, whoever was it; who: the number of the thread that was asked last, process: its process.
    """

    steps_per_epoch = 7

    def __init__(self, seeds: tuple[int, ...] = (1, 2, 3), at_loss: Callable[[int, int], float] | None = None) -> None:
        self.kept: list[dict[str, np.ndarray]] = []
        models: Any = {f"{seed}.": Small(seed) for seed in seeds}
        super().__init__(models, lambda arrays, note: self.kept.append(arrays))
        self.seeds, self.at_loss = seeds, at_loss
        self.asked, self.who, self.process, self.share = torch.zeros(4, len(seeds), dtype=torch.int64).unbind()
        share([self.asked, self.who, self.process, self.share])

    def epoch(self, number: int) -> list[list[np.ndarray]]:
        rng = {seed: np.random.default_rng([seed, number]) for seed in self.seeds}
        return [[rng[seed].integers(0, 60, 8 + seed) for seed in self.seeds] for _ in range(self.steps_per_epoch)]

    def member_loss(self, number: int, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        self.asked[number] += 1
        self.who[number], self.process[number] = threading.get_native_id(), os.getpid()
        self.share[number] = torch.get_num_threads()
        factor = 1.0 if self.at_loss is None else self.at_loss(number, int(self.asked[number]))
        model: Any = list(self.models.values())[number]
        x = POINTS[torch.from_numpy(batch)]
        return ((model(x) - 3 * x.sum(1, keepdim=True)) ** 2).mean() * factor, len(batch)

    def validate(self) -> float | None:
        with self.judged():
            return float(sum(float(p.detach().abs().sum()) for p in self.parameters().values()))


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before, interval = torch.get_num_threads(), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)
    torch.set_num_threads(before)


@pytest.fixture(params=["threads", "processes"])
def apart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether those who learn side by side are processes."""
    if request.param == "processes" and not possible():
        pytest.skip("this process cannot be copied here")
    if request.param == "threads":
        monkeypatch.setattr(team, "possible", lambda: False)
    return bool(request.param == "processes")


def run(job: Small3, threads: int, folder: Path | None = None, resume: bool = False, **options: Any) -> Outcome:
    torch.set_num_threads(threads)
    chosen = {"steps": 45, "warm_up": 5, "validations": 4, "log_every": 6, "average": 0.9, "clip": 0.5, **options}
    return train(job, Settings(**chosen), folder, resume)


def lines(outcome: Outcome) -> list[dict[str, Any]]:
    clock = {"elapsed", "tokens_per_second"}
    return [{k: v for k, v in line.items() if k not in clock} for line in outcome.history]


def same(one: Small3, other: Small3) -> None:
    assert len(one.kept) == len(other.kept) > 0
    for own, their in zip(one.kept, other.kept, strict=True):
        assert all(np.array_equal(own[name], their[name]) for name in own)
    for name, value in one.parameters().items():
        assert torch.equal(value, other.parameters()[name]), name


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_side_by_side_is_one_after_the_other(threads: int, apart: bool) -> None:
    alone, together = Small3(), Small3()
    wanted, found = run(alone, 1), run(together, threads)
    assert set(alone.who.tolist()) == {threading.get_native_id()}
    assert threading.get_native_id() not in together.who.tolist()
    assert (os.getpid() not in together.process.tolist()) == apart
    same(alone, together)
    assert lines(wanted) == lines(found)
    assert wanted.clipped == found.clipped > 0


def test_a_member_learns_as_if_there_were_no_others() -> None:
    together, alone = Small3(), Small3((2,))
    run(together, 2)
    run(alone, 2)
    for name, value in alone.parameters().items():
        assert torch.equal(value, together.parameters()[name])


@pytest.mark.parametrize("stop", [1, 40, 77])
def test_ctrl_c_leaves_all_members_at_one_step_to_go_on_from(tmp_path: Path, stop: int, apart: bool) -> None:
    whole, process = Small3(), os.getpid()

    def press(number: int, asked: int) -> float:
        if (number, asked) == (stop % 3, stop // 3 + 1):
            os.kill(process, signal.SIGINT)
        return 1.0

    wanted = run(whole, 2, tmp_path / "whole")
    first = run(Small3(at_loss=press), 2, tmp_path / "stopped")
    assert first.ended == "interrupted"
    assert first.steps < wanted.steps
    numbers = checkpoint.load(tmp_path / "stopped" / CHECKPOINT)[1]
    assert numbers["step"] == first.steps
    rest = Small3()
    found = run(rest, 2, tmp_path / "stopped", resume=True)
    for name, value in whole.parameters().items():
        assert torch.equal(value, rest.parameters()[name]), name
    assert [line for line in lines(found) if "loss" in line] == [line for line in lines(wanted) if "loss" in line]


def test_a_signal_to_all_is_heeded_by_the_one_that_trains() -> None:
    here = os.getpid()

    def signalled(number: int, asked: int) -> float:
        if asked == 3 and os.getpid() != here:
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), ending)
        return 1.0

    assert run(Small3(at_loss=signalled), 2).ended == "budget"


def test_a_loss_that_is_no_number_ends_it_before_it_reaches_the_weights(apart: bool) -> None:
    job = Small3(at_loss=lambda number, asked: float("nan") if (number, asked) == (1, 9) else 1.0)
    with pytest.raises(UserError, match="at step 9 "):
        run(job, 2)
    assert all(bool(torch.isfinite(value).all()) for value in job.parameters().values())


def test_an_error_of_one_member_is_told_and_nobody_stays(apart: bool) -> None:
    def fail(number: int, asked: int) -> float:
        if (number, asked) == (2, 5):
            raise UserError("broken")
        return 1.0

    before, job = threading.active_count(), Small3(at_loss=fail)
    with pytest.raises(UserError, match=r"^broken$"):
        run(job, 2)
    assert threading.active_count() == before
    if apart:
        nobody_is_left(job)


def nobody_is_left(job: Small3) -> None:
    """No process that learned is there any more, not even as one that nobody waited for."""
    pids = set(job.process.tolist()) - {0, os.getpid()}
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_process_that_is_ended_is_told_in_one_line() -> None:
    if not possible():
        pytest.skip("this process cannot be copied here")
    here = os.getpid()

    def die(number: int, asked: int) -> float:
        if (number, asked) == (1, 4) and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    job = Small3(at_loss=die)
    with pytest.raises(UserError, match=r"^training: a process .* was ended by signal 9; .*--threads 1"):
        run(job, 2)
    nobody_is_left(job)


class Renewed(Small3):
    """What is learned from is other in every epoch, and when what was held back is learned too."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = self.other = 1.0
        self.told: list[int] = []

    def epoch(self, number: int) -> list[list[np.ndarray]]:
        self.factor = 1.0 + number
        return super().epoch(number)

    def member_loss(self, number: int, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        loss, count = super().member_loss(number, batch)
        return loss * self.factor * self.other, count

    def news(self) -> float:
        return self.factor

    def take(self, news: float) -> None:
        self.factor = news

    def learn_validation(self) -> None:
        self.other = 0.25


def test_processes_learn_from_what_the_job_has_become(apart: bool) -> None:
    alone, together = Renewed(), Renewed()
    alone.near = together.near = 100.0
    wanted = run(alone, 1, learn_validation=True, validations=10)
    found = run(together, 2, learn_validation=True, validations=10)
    assert alone.other == together.other == 0.25
    same(alone, together)
    assert lines(wanted) == lines(found)


@pytest.mark.skipif(sys.platform != "linux", reason="members learn in processes on Linux")
def test_a_process_whose_master_is_gone_ends_at_once() -> None:
    def sleep(number: int, orders: object, wanted: object) -> list[Any]:
        time.sleep(600)
        return []

    found = Processes(2, 1, sleep, lambda news: None)
    first, second = found._pids
    for end in found._ends:
        end.send((0, 0, []))
    found._ends[0].close()  # as the system does where the other side is killed; the second process is a copy of it
    try:
        for _ in range(1000):
            ended, status = os.waitpid(first, os.WNOHANG)
            if ended:
                break
            time.sleep(0.01)
        assert (ended, status) == (first, 0)
        assert os.waitpid(second, os.WNOHANG)[0] == 0
    finally:
        found.close()


def test_minutes_end_in_time(apart: bool) -> None:
    outcome = run(Small3(), 2, steps=None, minutes=0.02)
    assert 0.6 < outcome.seconds < 2.5


def test_every_thread_has_as_many_steps() -> None:
    def together(members: int, threads: int) -> int:
        team = Team(Small3(tuple(range(1, members + 1))), Settings(), threads)
        team.close()
        return team.together

    shapes = [(1, 4), (3, 1), (3, 2), (4, 2), (3, 3), (2, 8), (5, 4)]
    assert [together(*shape) for shape in shapes] == [1, 1, 2, 1, 1, 1, 4]


def test_each_thread_computes_with_its_share_of_the_threads(apart: bool) -> None:
    job = Small3((1, 2))
    run(job, 6, steps=4)
    assert set(job.share.tolist()) == {3}
    job = Small3((1, 2, 3))
    run(job, 2, steps=4)
    assert set(job.share.tolist()) == {1}


def test_nobody_runs_ahead_of_what_is_asked(apart: bool) -> None:
    job = Small3()
    team = Team(job, Settings(), 2)
    orders = [Order(number, job.epoch(0)[number], 1e-3) for number in range(5)]
    assert len(team.run(orders)) == 5
    assert set(job.asked.tolist()) == {5}
    assert team.run(orders, lambda: True) == []
    team.close()


def test_a_step_of_several_is_their_mean() -> None:
    told = iter([Step(1.0, 2.0, True, 8), Step(3.0, 4.0, False, 8)])
    team = Team(Small3(()), Settings(), 1)
    team.members = [SimpleNamespace(step=lambda order: next(told)) for _ in range(2)]  # type: ignore[misc]
    assert team.run([Order(0, None, 0.1)]) == [Step(2.0, 3.0, 0.5, 8)]
