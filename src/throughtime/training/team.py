"""Members that learn side by side, in processes or threads, in the same bits as one after the other.

Each member has its own parameters, gradient, optimizer and average, so that no step of one waits for another's. A few
steps are given to all at once; whoever is free takes the member that is furthest behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NamedTuple

import torch

from throughtime.training.average import Average
from throughtime.training.clipping import clip
from throughtime.training.job import Job, Learner, SideBySideJob, learners_of
from throughtime.training.processes import Processes, possible, share
from throughtime.training.settings import Settings


class Step(NamedTuple):
    """What came of a step: loss, gradient norm before it was clipped, whether it was, tokens; of several members the
    means. Where loss or norm is not finite the step was not taken."""

    loss: float
    norm: float
    struck: float
    tokens: int

    @property
    def finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.norm)


@dataclass(frozen=True)
class Order:
    """A step to take: its number from 0, the batch, the learning rate."""

    number: int
    batch: Any
    rate: float


class Member:
    """What learns by itself: a job's parameters with their optimizer and average. shared: they lie in memory that later
    copies of this process write, too."""

    def __init__(self, learner: Learner, settings: Settings, shared: bool = False) -> None:
        self.parameters, self._loss, self._clip = dict(learner.parameters), learner.loss, settings.clip
        self.part, self._generator = learner.part, learner.generator
        if shared:
            share(list(self.parameters.values()))
        self.optimizer = _optimizer(self.parameters, settings)
        self.average = Average(self.parameters, settings.average) if settings.average else None
        self._drawn = None if self._generator is None else self._generator.get_state()
        if shared:
            self._share()

    def _share(self) -> None:
        for parameter in self.parameters.values():  # what AdamW begins with
            zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
            self.optimizer.state[parameter] = {"step": torch.zeros((), dtype=torch.float32), **zeros}
        own = [value for state in self.optimizer.state.values() for value in state.values()]
        own += [] if self.average is None else self.average.values.values()
        share([*own, *([] if self._drawn is None else [self._drawn])])

    def leave(self) -> None:
        """Leave where the random generator is for another process."""
        if self._generator is not None and self._drawn is not None:
            self._drawn.copy_(self._generator.get_state())

    def follow(self) -> None:
        """Go on where another process left the random generator."""
        if self._generator is not None and self._drawn is not None:
            self._generator.set_state(self._drawn.clone())

    def step(self, order: Order) -> Step:
        """Learn from a batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = order.rate
        loss, tokens = self._loss(order.batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm, struck = clip([p.grad for p in self.parameters.values() if p.grad is not None], self._clip)
        done = Step(float(loss.detach()), norm, struck, tokens)
        if done.finite:
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            if self.average is not None:
                self.average.update(order.number + 1)
        return done


class Team:
    """The members of a job.

    threads: for all of them; where there are several members each has its share, one at least. processes: whether those
    who learn side by side are processes, not threads; None for where that is possible. `close` ends them.
    """

    def __init__(self, job: Job, settings: Settings, threads: int, processes: bool | None = None) -> None:
        learners = learners_of(job)
        self._job, self._workers = job, min(threads, len(learners))
        self._share = max(1, threads // max(1, len(learners)))
        self._apart = self.parallel and (possible() if processes is None else processes)
        self.members = [Member(learner, settings, self._apart) for learner in learners]
        self._pool: ThreadPoolExecutor | None = None
        self._processes: Processes | None = None

    @property
    def parallel(self) -> bool:
        """Whether members learn at the same time."""
        return self._workers > 1

    @property
    def together(self) -> int:
        """The fewest steps at once in which every thread has as many to take."""
        return self._workers // math.gcd(self._workers, len(self.members))

    def run(self, orders: Sequence[Order], pressed: Callable[[], bool] = lambda: False) -> list[Step]:
        """Take steps, all members the same ones; what came of each that all have taken.

        Where `pressed` says so no further one is begun. After a step that is not finite no later one is taken.
        """
        if self._apart and self._ready():
            return self._run_apart(orders, pressed)
        turn = _Turn(self.members, orders, pressed)
        if not self.parallel:
            turn.work()
            return turn.steps()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, "member", torch.set_num_threads, (self._share,))
        each = [self._pool.submit(turn.work) for _ in range(self._workers)]
        try:
            for one in each:
                one.result()
        finally:
            turn.stop()  # where one failed, or the person did not want to wait
        return turn.steps()

    def _ready(self) -> bool:
        """Whether there are processes; they begin as copies of the job as it is now."""
        if self._processes is None and possible():
            with suppress(OSError):
                self._processes = Processes(self._workers, self._share, self._work, self._take)
        return self._processes is not None

    def _run_apart(self, orders: Sequence[Order], pressed: Callable[[], bool]) -> list[Step]:
        assert self._processes is not None
        for one in self.members:
            one.leave()
        parts = [[replace(order, batch=one.part(order.batch)) for order in orders] for one in self.members]
        done = self._processes.run(parts, pressed)
        for one in self.members:
            one.follow()
        return _means(done)

    def _work(self, number: int, orders: Sequence[Order], wanted: Callable[[], bool]) -> list[Step]:
        """What another process does: take steps of a member."""
        member, done = self.members[number], list[Step]()
        member.follow()
        for order in orders:
            if not wanted():
                break
            done.append(member.step(order))
            if not done[-1].finite:
                break
        member.leave()
        return done

    def _take(self, news: Any) -> None:
        assert isinstance(self._job, SideBySideJob)
        self._job.take(news)

    def epoch_began(self) -> None:
        """Tell other processes what the job learns from now, where that is new."""
        if self._processes is not None and isinstance(self._job, SideBySideJob):
            news = self._job.news()
            if news is not None:
                self._processes.tell(news)

    def job_changed(self) -> None:
        """The job is another than it was: who works on a copy of it ends."""
        if self._processes is not None:
            self._processes.close()
            self._processes = None

    def averaged(self) -> ExitStack:
        """Inside, every member's parameters are their average, where there is one."""
        stack = ExitStack()
        for one in self.members:
            if one.average is not None:
                stack.enter_context(one.average.applied())
        return stack

    def state(self) -> dict[str, torch.Tensor]:
        """Averages and what optimizers remember, by name."""
        tensors: dict[str, torch.Tensor] = {}
        for one in self.members:
            if one.average is not None:
                tensors |= {f"average.{name}": value for name, value in one.average.values.items()}
            for name, parameter in one.parameters.items():
                for key, value in one.optimizer.state.get(parameter, {}).items():
                    tensors[f"optimizer.{key}.{name}"] = value
        return tensors

    @torch.no_grad()
    def restore(self, averages: Mapping[str, torch.Tensor], remembered: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` returned, its two parts; KeyError where that is of other members."""
        owners = {name: one for one in self.members for name in one.parameters}
        for name, value in averages.items():
            if (average := owners[name].average) is not None:
                average.values[name].copy_(value)
        for name, value in remembered.items():
            key, _, parameter = name.partition(".")
            owner = owners[parameter]
            state = owner.optimizer.state[owner.parameters[parameter]]
            if key in state:
                state[key].copy_(value)
            else:
                state[key] = value

    def close(self) -> None:
        """End the processes and threads; what a thread is at is finished first."""
        self.job_changed()
        if self._pool is not None:
            self._pool.shutdown()


class _Turn:
    """Some steps that all members take."""

    def __init__(self, members: Sequence[Member], orders: Sequence[Order], pressed: Callable[[], bool]) -> None:
        self._members, self._orders, self._pressed = members, orders, pressed
        self._done: list[list[Step]] = [[] for _ in members]
        self._busy = [False] * len(members)
        self._limit, self._lock = len(orders), Lock()

    def work(self) -> None:
        """Take one step after the other of the members that are furthest behind, until nobody needs another hand."""
        while (number := self._next()) is not None:
            own = self._done[number]
            try:
                step = self._members[number].step(self._orders[len(own)])
            except BaseException:
                self.stop()
                raise
            with self._lock:
                own.append(step)
                self._busy[number] = False
                if not step.finite:
                    self._limit = min(self._limit, len(own))

    def stop(self) -> None:
        """No further step is begun."""
        with self._lock:
            self._limit = 0

    def steps(self) -> list[Step]:
        """See _means."""
        return _means(self._done)

    def _next(self) -> int | None:
        with self._lock:
            if self._pressed():
                self._limit = min(
                    self._limit, max(len(own) + busy for own, busy in zip(self._done, self._busy, strict=True))
                )
            free = [m for m, busy in enumerate(self._busy) if not busy and len(self._done[m]) < self._limit]
            if not free:
                return None
            number = min(free, key=lambda m: len(self._done[m]))
            self._busy[number] = True
            return number


def _means(done: Sequence[Sequence[Step]]) -> list[Step]:
    """The means over members of the steps that all have taken."""
    return [_mean(some) for some in zip(*done, strict=False)]


def _mean(steps: Sequence[Step]) -> Step:
    count = len(steps)
    loss, norm, struck = (sum(values) / count for values in zip(*[one[:3] for one in steps], strict=True))
    return Step(loss, norm, struck, steps[0].tokens)


def _optimizer(parameters: Mapping[str, torch.Tensor], settings: Settings) -> torch.optim.AdamW:
    """AdamW over the parameters; matrices decay, vectors do not."""
    groups = [
        {"params": [p for p in parameters.values() if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters.values() if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    betas = (settings.beta_1, settings.beta_2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)
