"""Three members of an ensemble that learn side by side, steps per second, against the same one after the other.

    python -m benchmarks.members

Two threads. One after the other: a loss of all members, its gradient, one optimizer, with both threads for every
operation. Side by side: training/team.py. Sentences of 8 words, as a home assistant hears them, and reviews of 110
characters. First it is checked that side by side on two threads gives the same parameters as on one, bit for bit.
"""

from __future__ import annotations

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


def same_bits(make: Any) -> bool:
    """Whether two threads and one give the same parameters."""
    found = []
    for threads in (1, THREADS):
        torch.set_num_threads(1)
        job = make()
        team = Team(job.learners(), SETTINGS, threads)
        team.run(orders_of(job, 0))
        team.close()
        found.append([value.detach().clone() for value in job.parameters().values()])
    torch.set_num_threads(THREADS)
    return all(torch.equal(one, other) for one, other in zip(*found, strict=True))


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
            raise SystemExit("benchmarks.members: two threads give other parameters than one")
        side = make()
        team = Team(side.learners(), SETTINGS, THREADS)
        runs: dict[str, Any] = {"one after the other": Jointly(make()), "side by side": team}
        times: dict[str, list[float]] = {key: [] for key in runs}
        for number in range(ROUNDS + 2):
            orders = orders_of(side, number)
            for key, run in runs.items():
                time.sleep(0.1)  # threads of the other one spin for a while
                began = time.perf_counter()
                run.run(orders)
                if number >= 2:
                    times[key].append((time.perf_counter() - began) / STEPS)
        team.close()
        ratios = sorted(b / a for a, b in zip(times["side by side"], times["one after the other"], strict=True))
        speeds = {f"{key}, steps/s": 1 / float(np.median(values)) for key, values in times.items()}
        rows.append({"what": name, **speeds, "ratio": ratios[len(ratios) // 2], "least": ratios[0], "most": ratios[-1]})
    timing.report("members", rows)


if __name__ == "__main__":
    main()
