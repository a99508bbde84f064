"""Memory does not grow: thousands of calls leave the resident set where it was after the first ones."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import throughtime
from throughtime import cells, engine
from throughtime.data import tokenizers
from throughtime.recurrence import Recurrence
from throughtime.storage.folder import TOKENIZER, WEIGHTS, write_json, write_weights
from throughtime.storage.record import ModelRecord, Nothing
from throughtime.tasks.text import model as language
from throughtime.tasks.text.data import TextData
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.options import TextOptions

ROOT = Path(__file__).parents[2]
STATM = Path("/proc/self/statm")
BOUND = 1 << 20
"""Bytes the resident set may grow by: less than a hundred bytes a call at 10,000 calls, a page of work memory each
would be 40 times as much."""


def resident() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def assert_no_growth(call: Callable[[], object], warm: int, count: int) -> None:
    for _ in range(warm):
        call()
    before = resident()
    for _ in range(count):
        call()
    grown = resident() - before
    assert grown <= BOUND, f"{count} calls left {grown} bytes, {grown / count:.0f} each; at most {BOUND} are allowed"


def problem():
    program = engine.compile(Recurrence(cells.make("lstm").trace(), {"I": 5, "H": 7}))
    arrays = [np.full(s, 0.1, "float32") for s in program.array_shapes]
    return program, arrays, np.ones((3, 4, 5), "float32"), np.ones((3, 4, 7), "float32")


def both_passes() -> None:
    program, arrays, x, d = problem()
    lengths = np.array([3, 0, 2, 1])

    def call() -> None:
        _, _, tape = program.forward(x, None, arrays, lengths=lengths, training=True, threads=2)
        program.backward(tape, x, arrays, d, None, threads=2)

    assert_no_growth(call, 1000, 10_000)


def tapes_nobody_uses() -> None:
    program, arrays, x, _ = problem()
    assert_no_growth(lambda: program.forward(x, None, arrays, training=True), 1000, 10_000)


def steps() -> None:
    program, arrays, x, _ = problem()
    stepper, wide = program.stepper(arrays), program.stepper(arrays, batch=4)

    def call() -> None:
        stepper.step(x[0, 0])
        wide.step(x[0])
        stepper.set_state(stepper.state)

    assert_no_growth(call, 1000, 10_000)


def steppers() -> None:
    program, arrays, x, _ = problem()

    def call() -> None:
        stepper = program.stepper(arrays)
        stepper.set_table(x[0])
        stepper.step_token(1)

    assert_no_growth(call, 1000, 10_000)


def programs() -> None:
    recurrence = Recurrence(cells.make("gru").trace(), {"I": 40, "H": 9})
    x = np.zeros((1, 1, 40), "float32")
    arrays = [np.zeros(shape, "float32") for shape in recurrence.shapes.values()]

    def call() -> None:
        program = engine.Program(recurrence, "float32", None, False, False)
        program.forward(x, None, arrays, training=True)  # which compiles what gradients take

    assert_no_growth(call, 100, 1000)


def errors() -> None:
    program, arrays, x, d = problem()
    _, _, tape = program.forward(x, None, arrays, training=True)
    stepper = program.stepper(arrays)
    stepper.set_table(x[0])
    wrong: list[Callable[[], object]] = [
        lambda: program.forward(x[:, :, :3], None, arrays),
        lambda: program.forward(x.astype("float64"), None, arrays),
        lambda: program.forward(x, None, arrays[:-1]),
        lambda: program.forward(x, None, arrays, lengths=np.array([9, 9, 9, 9])),
        lambda: program.forward(x, None, arrays, threads=0),
        lambda: program.forward_packed(x[0], np.array([1, 3]), None, arrays),
        lambda: program.backward(tape, x, arrays, d[:1], None),
        lambda: program.backward(tape, x, [], d, None),
        lambda: program.stepper(arrays, batch=0),
        lambda: stepper.set_table(x[0, :0]),
        lambda: stepper.step(x[0]),
        lambda: stepper.step_token(99),
        lambda: engine._engine.program({"name": "nothing"}),
    ]

    def call() -> None:
        for refused in wrong:
            try:
                refused()
            except (ValueError, TypeError, KeyError, MemoryError, RuntimeError):
                continue
            raise AssertionError("a wrong call went through")

    assert_no_growth(call, 200, 2000)


def callers_that_come_and_go() -> None:
    program, arrays, x, _ = problem()
    x = np.ones((40, 300, 5), "float32")

    def call() -> None:
        thread = threading.Thread(target=lambda: program.forward(x, None, arrays, threads=2))
        thread.start()
        thread.join()

    assert_no_growth(call, 50, 300)


def models() -> None:
    tokenizer = tokenizers.fit("characters", "the quick brown fox jumps over the lazy dog")
    config = LanguageConfig.stack(tokenizer.size, 8, [cells.make("lstm").trace(), cells.make("gru").trace()], 12)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        write_weights(path / WEIGHTS, language.initial_parameters(config, np.random.default_rng(0)))
        write_json(path / TOKENIZER, tokenizer.to_json())
        ModelRecord("text", config, TextOptions(), TextData(), Nothing(), config.count).write(path)
        assert_no_growth(lambda: throughtime.load(path).step(1), 300, 400)  # the heap settles within some 200


@pytest.mark.skipif(not STATM.exists(), reason="the resident set is read from /proc")
@pytest.mark.parametrize(
    "case", [both_passes, tapes_nobody_uses, steps, steppers, programs, errors, callers_that_come_and_go, models]
)
def test_memory_stays(case: Callable[[], None]) -> None:
    code = f"from tests.engine import test_leaks as cases\ncases.{case.__name__}()\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
