"""One stepper, or one set of streams, in the hands of several Python threads: right, or refused in one line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import make
from throughtime.recurrence import Recurrence

REFUSED = "lstm: another thread steps this stepper; give each thread one of its own, or set its state here first"
STEPS = 12


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads change as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def problem():
    program = engine.compile(Recurrence(make("lstm").trace(), {"I": 6, "H": 6}), lookup=True)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype("float32") for s in program.array_shapes]
    x = rng.standard_normal((STEPS, 6)).astype("float32")
    stepper = program.stepper(arrays)
    return program, arrays, x, [stepper.step(row).copy() for row in x]


def elsewhere(call: Callable[[], object]) -> object:
    """The result of a call in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def test_a_second_thread_is_refused_and_moves_nothing() -> None:
    program, arrays, x, wanted = problem()
    stepper = program.stepper(arrays)
    stepper.set_table(x)
    stepper.step(x[0])
    wide = program.stepper(arrays, batch=2)
    wide.set_table(x)
    wide.step(x[:2].copy())
    for call in (
        lambda: stepper.step(x[1]),
        lambda: stepper.step_token(1),
        lambda: stepper.set_table(x),
        lambda: wide.step(x[:2].copy()),
        lambda: wide.step_tokens(np.array([0, 1])),
    ):
        with pytest.raises(ValueError, match=f"^{REFUSED}$"):
            elsewhere(call)
    np.testing.assert_array_equal(elsewhere(lambda: stepper.state[0][0]), wanted[0])  # reading moves nothing
    np.testing.assert_array_equal(stepper.step(x[1]), wanted[1])


def test_a_stepper_may_be_made_in_one_thread_and_used_in_another() -> None:
    program, arrays, x, wanted = problem()
    stepper = program.stepper(arrays)
    stepper.set_table(x)
    np.testing.assert_array_equal(elsewhere(lambda: stepper.step_token(0)), wanted[0])


@pytest.mark.parametrize("batch", [1, 3])
def test_a_thread_takes_over_and_what_the_other_one_holds_stays(batch: int) -> None:
    program, arrays, x, wanted = problem()

    def rows(values: np.ndarray) -> np.ndarray:
        return values if batch == 1 else np.repeat(values[None], batch, 0)

    def handed_on() -> tuple[np.ndarray, object]:
        stepper = program.stepper(arrays, batch=batch)
        stepper.step(rows(x[0]))
        held = stepper.step(rows(x[1]))

        def go_on() -> np.ndarray:
            stepper.take_over()
            np.testing.assert_array_equal(stepper.step(rows(x[2])), rows(wanted[2]))
            return stepper.step(rows(x[3]))

        last = elsewhere(go_on)
        np.testing.assert_array_equal(held, rows(wanted[1]))
        with pytest.raises(ValueError, match="another thread"):
            stepper.step(rows(x[4]))
        stepper.set_state(None)
        np.testing.assert_array_equal(stepper.step(rows(x[0])), rows(wanted[0]))
        return held, last

    held, last = handed_on()  # the stepper is gone, the views are not
    np.testing.assert_array_equal(held, rows(wanted[1]))
    np.testing.assert_array_equal(last, rows(wanted[3]))


@pytest.mark.usefixtures("hasty")
def test_two_threads_at_once_are_right_or_refused() -> None:
    program, arrays, x, wanted = problem()
    stepper = program.stepper(arrays)
    found = {"right": 0, "refused": 0, "wrong": 0}

    def work() -> None:
        for _ in range(300):
            stepper.set_state(None)
            try:
                for row, want in zip(x, wanted, strict=True):
                    output = stepper.step(row)
                    total = sum(float(value) for value in output)  # looked at while others run
                    same = np.array_equal(output, want) and total == sum(float(value) for value in want)
                    found["right" if same else "wrong"] += 1
            except ValueError:
                found["refused"] += 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found["right"]
    assert not found["wrong"], found


@pytest.mark.usefixtures("hasty")
def test_streams_serve_threads_one_call_after_the_other() -> None:
    program, arrays, x, wanted = problem()
    streams = program.streams(arrays, threads=2)
    wrong: list[str] = []

    def work(number: int) -> None:
        try:
            for turn in range(40):
                stream = streams.join()
                for t, row in enumerate(x):
                    if not np.array_equal(streams.step([stream], row[None])[0], wanted[t]):
                        wrong.append(f"thread {number}, turn {turn}, step {t}")
                saved = streams.save(stream)
                streams.leave(stream)
                again = streams.join(saved)
                if not np.array_equal(streams.state(again)[0], wanted[-1]):
                    wrong.append(f"thread {number}, turn {turn}, saved")
                streams.leave(again)
        except Exception as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(streams) == 0


def test_streams_that_join_with_a_wrong_state_leave_nothing_behind() -> None:
    program, arrays, _, _ = problem()
    streams = program.streams(arrays)
    for state in ([np.zeros(3, "float32")], [np.zeros(6, "float32")], b"short"):
        with pytest.raises(ValueError, match="lstm"):
            streams.join(state)
    for state in ([np.zeros(3, "float32")] * 2, [np.zeros(6, "float32")]):
        with pytest.raises(ValueError, match="lstm"):
            streams._streams.join(state)
    assert streams.ids == []
