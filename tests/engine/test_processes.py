"""The engine among threads and processes: the same bits, and nobody hangs.

Each case runs in an interpreter of its own, with and without PyTorch's OpenMP threads in it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import make
from throughtime.recurrence import Recurrence

ROOT = Path(__file__).parents[2]
FORK = "fork" in multiprocessing.get_all_start_methods()


@cache
def problem():
    """A program large enough for several threads to be used, and what it is given."""
    program = engine.compile(Recurrence(make("lstm").trace(), {"I": 48, "H": 40}))
    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal(s) * 0.2).astype("float32") for s in program.array_shapes]
    x = rng.standard_normal((20, 9, 48)).astype("float32")
    return program, arrays, x, rng.standard_normal((20, 9, 40)).astype("float32")


def outcome(threads: int) -> list[np.ndarray]:
    """Everything that the engine returns for the problem: both passes and a stream."""
    program, arrays, x, d_output = problem()
    output, final, tape = program.forward(x, None, arrays, training=True, threads=threads)
    d_x, d_initial, d_arrays = program.backward(tape, x, arrays, d_output, None, threads=threads)
    stepper = program.stepper(arrays, batch=9)
    steps = [stepper.step(x[t]).copy() for t in range(len(x))]
    return [output, *final, d_x, *d_initial, *d_arrays, *steps, *stepper.state]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(a, b, strict=True))


def digest(threads: int) -> bytes:
    """The outcome as bytes, to be sent between processes."""
    return b"".join(part.tobytes() for part in outcome(threads))


def among_threads(count: int, body: Callable[[], None], meanwhile: Callable[[], None] = lambda: None) -> list[str]:
    """Runs body in `count` threads, and something else meanwhile; what went wrong in them."""
    wrong: list[str] = []

    def guarded() -> None:
        try:
            body()
        except BaseException as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    finally:
        for thread in threads:
            thread.join()
    return wrong


def threads_on_one_program() -> None:
    wanted = {n: outcome(n) for n in (1, 2, 3)}

    def body() -> None:
        for n in (1, 2, 3, 2) * 5:
            assert same(outcome(n), wanted[n]), f"{n} threads"

    assert not among_threads(8, body)


def child_agrees(wanted: dict[int, list[np.ndarray]]) -> bool:
    """Fork; does the child, within its time, compute the same?"""
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a child that waits for a lock nobody opens ends here
        code = 1
        try:
            code = 0 if all(same(outcome(n), values) for n, values in wanted.items()) else 2
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def fork_after_use() -> None:
    wanted = {n: outcome(n) for n in (1, 2, 3)}
    assert child_agrees(wanted)
    assert same(outcome(3), wanted[3])


def fork_while_threads_work() -> None:
    wanted = {n: outcome(n) for n in (1, 2)}
    stop = threading.Event()
    small = engine.compile(Recurrence(make("rnn").trace(), {"I": 1, "H": 1}))  # hardly more than the engine's locks
    ones = [np.ones(shape, "float32") for shape in small.array_shapes]

    def body() -> None:
        while not stop.is_set():
            assert same(outcome(2), wanted[2])
            for _ in range(300):
                small.forward(np.ones((1, 1, 1), "float32"), None, ones)

    children: list[bool] = []

    def meanwhile() -> None:
        try:
            children.extend(child_agrees(wanted) for _ in range(40))
        finally:
            stop.set()

    assert not among_threads(4, body, meanwhile)
    assert all(children), f"{children.count(False)} of {len(children)} children failed or hung"


def threads_that_come_and_go() -> None:
    wanted = outcome(2)

    def body() -> None:
        assert same(outcome(2), wanted)

    for _ in range(15):
        assert not among_threads(3, body)


@pytest.mark.parametrize("torch", [False, pytest.param(True, marks=pytest.mark.long)], ids=["alone", "with torch"])
@pytest.mark.parametrize(
    "case",
    [
        threads_on_one_program,
        threads_that_come_and_go,
        pytest.param(fork_after_use, marks=pytest.mark.skipif(not FORK, reason="no fork here")),
        pytest.param(fork_while_threads_work, marks=pytest.mark.skipif(not FORK, reason="no fork here")),
    ],
)
def test_same_bits(case: Callable[[], None], torch: bool) -> None:
    if torch:
        pytest.importorskip("torch")
    code = (
        f"{'import torch; torch.ones(300, 300) @ torch.ones(300, 300)' if torch else 'import sys'}\n"
        f"from tests.engine import test_processes as cases\ncases.{case.__name__}()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_worker_processes_compute_the_same(method: str) -> None:
    wanted = [digest(1), digest(2)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(digest, [1, 2]).get(timeout=90) == wanted


class Runs:
    """A data set whose items are computed in the worker: by a module of nn and by the engine with threads."""

    def __init__(self, module) -> None:
        self.module = module

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int):
        import torch

        x = torch.full((20, 9, 48), 0.1 * index)
        output, _ = self.module(x)
        grown = torch.from_numpy(problem()[0].forward(x.numpy(), None, problem()[1], threads=2)[0])
        return output.detach(), grown


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes:UserWarning")
@pytest.mark.parametrize("method", [m for m in multiprocessing.get_all_start_methods() if m != "forkserver"])
def test_a_data_loader_runs_recurrences_in_its_workers(method: str) -> None:
    torch = pytest.importorskip("torch")
    from throughtime.nn import Recurrent

    data = Runs(Recurrent("gru", 48, 40, seed=0))
    wanted = [data[i] for i in range(len(data))]
    workers = torch.utils.data.DataLoader(
        data, batch_size=None, num_workers=2, timeout=90, multiprocessing_context=method
    )
    for mine, theirs in zip(workers, wanted, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert torch.equal(a, b)
