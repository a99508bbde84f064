"""Three members of an ensemble that learn side by side, steps per second, against the same one after the other.

    python -m benchmarks.members

Two cores, in alternation. One after the other: a loss of all members, its gradient, one optimizer, with both threads
for every operation; and, on one thread, each member by itself. Side by side: training/team.py, in threads and in
processes. Sentences of 8 words, as a home assistant hears them, and reviews of 110 characters. First it is checked that
side by side gives the same parameters as on one thread, bit for bit, both ways.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np
import torch

from benchmarks import timing
from benchmarks.reading_speed import TimedJob, texts
from throughtime.models.examples import Examples
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import ReaderConfig
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import ClassifierConfig
from throughtime.tasks.reading.job import Member
from throughtime.tasks.reading.options import ReaderOptions
from throughtime.training.settings import Settings
from throughtime.training.team import Order, Team

ROUNDS, STEPS, MEMBERS, THREADS = 9, 10, 3, 2
SETTINGS = Settings(average=0.995)
CASES = (
    ("sentences of 8 words", 5_000, 8, 12, 64, 64, 64),
    ("reviews of 110 characters", 4_500, 110, 600, 64, 64, 64),
)


def job_of(examples: Examples, config: ClassifierConfig, vocabulary: int, batch: int) -> TimedJob:
    """Three members that begin with weights of their own."""
    members = []
    for m in range(MEMBERS):
        model = TorchModel(classifier, config, classifier.initial_parameters(config, np.random.default_rng(m)), m)
        members.append(Member(model, examples, None, [np.ones(vocabulary, np.int64)], f"0.{m}."))
    job = TimedJob(members, ReaderOptions(batch=batch), lambda *_: None)
    job.truth = torch.from_numpy(np.random.default_rng(0).integers(0, 2, len(examples)))
    return job


class Jointly:
    """All members in one step."""

    def __init__(self, job: TimedJob) -> None:
        self.job = job
        self.optimizer = torch.optim.AdamW(job.parameters().values(), lr=1e-3, fused=True)

    def run(self, orders: list[Order]) -> None:
        """Take the steps."""
        for order in orders:
            loss, _ = self.job.loss(order.batch)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.optimizer.zero_grad()


def orders_of(job: TimedJob, number: int) -> list[Order]:
    """The steps of a round."""
    epoch = job.epoch(number)
    return [Order(number * STEPS + i, epoch[i], 1e-3) for i in range(STEPS)]


WAYS: dict[str, tuple[int, bool]] = {
    "one thread": (1, False),
    "threads": (THREADS, False),
    "processes": (THREADS, True),
}
"""Threads of a team, and whether they are processes."""


class OneThread:
    """A team of one thread, in a process that has more."""

    def __init__(self, team: Team) -> None:
        self.team = team

    def run(self, orders: list[Order]) -> None:
        """Take the steps."""
        torch.set_num_threads(1)
        self.team.run(orders)
        torch.set_num_threads(THREADS)


def same_bits(make: Any) -> bool:
    """Whether threads and processes give the parameters that one thread does."""
    found = []
    for threads, processes in WAYS.values():
        torch.set_num_threads(1)
        job = make()
        team = Team(job, SETTINGS, threads, processes)
        team.run(orders_of(job, 0))
        team.close()
        found.append([value.detach().clone() for value in job.parameters().values()])
    torch.set_num_threads(THREADS)
    return all(torch.equal(*pair) for other in found[1:] for pair in zip(found[0], other, strict=True))


def main() -> None:
    torch.set_num_threads(THREADS)
    rows = []
    for name, vocabulary, mean, most, width, hidden, batch in CASES:
        examples = texts(np.random.default_rng(0), 4000, vocabulary, mean, most)
        columns, dropout = [("word", vocabulary, width)], Dropout(input=0.5, output=0.5)
        reader = ReaderConfig.stack("members", columns, [trace_of("lstm")], hidden, True, dropout=dropout)
        config = ClassifierConfig(reader, 2)

        def make(
            examples: Any = examples, config: Any = config, size: int = vocabulary, batch: int = batch
        ) -> TimedJob:
            return job_of(examples, config, size, batch)

        if not same_bits(make):
            raise SystemExit("benchmarks.members: side by side gives other parameters than one after the other")
        source = make()
        teams = {key: Team(make(), SETTINGS, threads, processes) for key, (threads, processes) in WAYS.items()}
        runs: dict[str, Any] = {"one after the other": Jointly(make()), **teams}
        runs["one thread"] = OneThread(teams["one thread"])
        times: dict[str, list[float]] = {key: [] for key in runs}
        for number in range(ROUNDS + 2):
            orders = orders_of(source, number)
            for key, run in runs.items():
                time.sleep(0.1)  # threads of the other one spin for a while
                own = copy.deepcopy(orders)  # random generators, which a step moves on
                began = time.perf_counter()
                run.run(own)
                if number >= 2:
                    times[key].append((time.perf_counter() - began) / STEPS)
        for team in teams.values():
            team.close()
        rows.append({"what": name, **{f"{key}, steps/s": 1 / timing.median(each) for key, each in times.items()}})
        for key in ("threads", "processes"):
            rows[-1][f"{key}, times as fast"] = timing.ratio(times["one after the other"], times[key])
            rows[-1][f"{key}, spread"] = timing.spread(times[key])
    timing.report("members", rows)


if __name__ == "__main__":
    main()
