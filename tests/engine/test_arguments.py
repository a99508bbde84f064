"""What is given to a call lives until it ends; what bounds memory is read once: lazy lists, copies, other threads."""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import make
from throughtime.engine.spec import spec as spec_of
from throughtime.recurrence import Recurrence
from throughtime.recurrence.schedule import schedule

ROOT = Path(__file__).parents[2]


def brief(values: np.ndarray, garbage: float = np.nan) -> np.ndarray:
    """The values in memory that holds garbage from the moment on when nobody holds the array."""
    memory = values.copy()
    array = memory[...]
    weakref.finalize(array, memory.fill, garbage)
    return array


class Lazy(Sequence[Any]):
    """Makes its arrays when they are asked for and keeps none, as the groups of HDF5 and safetensors do."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: Any) -> np.ndarray:
        return brief(self.arrays[index])


class Copies:
    """No array, but exports one: each time another copy, which nobody but the importer holds."""

    def __init__(self, values: np.ndarray, garbage: float = np.nan) -> None:
        self.values, self.garbage, self.exports = values, garbage, 0
        self.shape, self.ndim, self.dtype = values.shape, values.ndim, values.dtype

    def __dlpack__(self, **options: Any) -> Any:
        self.exports += 1
        return brief(self.values, self.garbage).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def problem(dtype: str = "float32", lookup: bool = False) -> Any:
    program = engine.compile(Recurrence(make("lstm").trace(), {"I": 20, "H": 24}), dtype, lookup=lookup)
    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal(s) * 0.3).astype(dtype) for s in program.array_shapes]
    x = rng.standard_normal((6, 5, 20)).astype(dtype)
    states = [rng.standard_normal((5, s)).astype(dtype) for s in program.state_sizes]
    return program, arrays, x, states, rng.standard_normal((6, 5, 24)).astype(dtype)


def flat(result: Any) -> Iterator[np.ndarray]:
    if isinstance(result, np.ndarray):
        yield result
    elif isinstance(result, tuple | list):
        for part in result:
            yield from flat(part)


def assert_same(mine: Any, theirs: Any) -> None:
    for a, b in zip(flat(mine), flat(theirs), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lazy_parameters_and_states_of_a_forward_pass(dtype: str) -> None:
    program, arrays, x, states, _ = problem(dtype)
    output, final, _ = program.forward(x, states, arrays)
    assert_same(program.forward(x, Lazy(states), Lazy(arrays))[:2], (output, final))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lazy_parameters_and_gradients_of_a_backward_pass(dtype: str) -> None:
    program, arrays, x, states, d = problem(dtype)
    _, _, tape = program.forward(x, states, arrays, training=True)
    wanted = program.backward(tape, x, arrays, d, states)
    assert_same(program.backward(tape, x, Lazy(arrays), d, Lazy(states)), wanted)


@pytest.mark.parametrize("packed", [False, True])
def test_inputs_and_gradients_that_are_exported_as_copies(packed: bool) -> None:
    program, arrays, x, states, d = problem()
    if packed:
        x, d, sizes = x.reshape(30, 20), d.reshape(30, 24), np.array([5, 5, 5, 5, 5, 5])
        output, final, tape = program.forward_packed(x, sizes, states, arrays, training=True)
        mine = program.forward_packed(Copies(x), sizes, states, arrays)
    else:
        output, final, tape = program.forward(x, states, arrays, training=True)
        mine = program.forward(Copies(x), states, arrays)
    assert_same(mine[:2], (output, final))
    wanted = program.backward(tape, x, arrays, d, None)
    assert_same(program.backward(tape, Copies(x), arrays, Copies(d), None), wanted)


def test_lazy_parameters_of_steppers_and_streams() -> None:
    program, arrays, x, _, _ = problem()
    for form in (None, "bfloat16", "int8"):
        wanted = program.stepper(arrays, 5, form).step(x[0])
        np.testing.assert_array_equal(program.stepper(Lazy(arrays), 5, form).step(x[0]), wanted)
        streams = program.streams(Lazy(arrays), weights=form)
        np.testing.assert_array_equal(streams.step([streams.join() for _ in range(5)], x[0]), wanted)


def test_ids_are_read_once() -> None:
    program, arrays, _, _, _ = problem(lookup=True)
    rng = np.random.default_rng(1)
    table, ids = rng.standard_normal((9, 20)).astype("float32"), rng.integers(1, 9, (6, 5))
    output, final, tape = program.forward_ids(ids, table, None, arrays, training=True)
    given = Copies(ids, 0)
    mine = program.forward_ids(given, table, None, arrays, training=True)
    assert given.exports == 1
    assert_same(mine[:2], (output, final))
    wanted = program.backward(tape, table, arrays, output, None)
    assert_same(program.backward(mine[2], table, arrays, output, None), wanted)
    assert given.exports == 2


def changed_by_another_thread() -> None:
    """Ids, tokens, lengths and batch sizes that are absurd half of the time: a value or an error, never a crash."""
    import threading

    program, arrays, _, _, _ = problem(lookup=True)
    table = np.ones((9, 20), "float32")
    ids, lengths, sizes = np.ones((400, 64), np.int64), np.full(64, 400), np.full(400, 64)
    tokens, stop = np.ones(64, np.int64), threading.Event()
    x, packed = np.ones((400, 64, 20), "float32"), np.ones((400 * 64, 20), "float32")
    streams = program.streams(arrays)
    streams.set_table(table)
    live = [streams.join() for _ in range(64)]

    def disturb() -> None:
        while not stop.is_set():
            for array, bad, good in (
                (ids, 1 << 40, 1),
                (tokens, 1 << 40, 1),
                (lengths, 1 << 40, 9),
                (sizes, 1 << 20, 64),
            ):
                array.fill(bad)
                array.fill(good)

    thread = threading.Thread(target=disturb)
    thread.start()
    done = dict.fromkeys(("ids", "lengths", "sizes", "tokens"), 0)
    calls = {
        "ids": lambda: program.forward_ids(ids, table, None, arrays, threads=2),
        "lengths": lambda: program.forward(x, None, arrays, lengths=lengths, threads=2),
        "sizes": lambda: program.forward_packed(packed, sizes, None, arrays, threads=2),
        "tokens": lambda: streams.step_tokens(live, tokens),
    }
    try:
        for _ in range(25):
            for name, call in calls.items():
                try:
                    call()
                    done[name] += 1
                except ValueError as error:
                    if not str(error).startswith("lstm: "):
                        raise
    finally:
        stop.set()
        thread.join()
    assert done["ids"], done


def test_another_thread_that_writes_does_no_harm() -> None:
    code = "from tests.engine import test_arguments as cases\ncases.changed_by_another_thread()\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_tape_of_another_program_is_refused() -> None:
    lstm, arrays, x, _, d = problem()
    _, _, tape = lstm.forward(x, None, arrays, training=True)
    gru = engine.compile(Recurrence(make("gru").trace(), {"I": 20, "H": 24}))
    others = [np.zeros(s, "float32") for s in gru.array_shapes]
    with pytest.raises(ValueError, match="gru: the tape is another program's; backward takes the one that") as error:
        gru.backward(tape, x, others, d, None)
    assert "\n" not in str(error.value)
    swapped = engine.compile(Recurrence(make("lstm").trace(), {"I": 20, "H": 24}), every=True)
    with pytest.raises(ValueError, match="lstm: the tape is another program's"):
        swapped.backward(tape, x, arrays, np.zeros((6, 5, 48), "float32"), None)


def test_a_tape_serves_the_same_program_compiled_again() -> None:
    program, arrays, x, _, d = problem()
    _, _, tape = program.forward(x, None, arrays, training=True)
    again = engine.Program(program.recurrence, program.dtype, None, False, False)
    assert again is not program
    assert_same(again.backward(tape, x, arrays, d, None), program.backward(tape, x, arrays, d, None))


def test_a_damaged_program_is_refused() -> None:
    """A phase that is too short, a list that a number empties while it is read."""
    _engine = engine._engine
    program = engine.compile(Recurrence(make("rnn").trace(), {"I": 3, "H": 4}))
    plan = schedule(program.recurrence, False, False, True)
    spec = spec_of(program.recurrence, plan, {name: ((i, 0),) for i, name in enumerate(program.trace.parameters)})

    class Clears:
        def __init__(self, target: list[Any]) -> None:
            self.target = target

        def __index__(self) -> int:
            self.target.clear()
            return 0

    width, hoisted, _ = spec["inference"]
    for bad in ([("product",)], [("tile", [])], [()], [("tile", [(0, 1)], 0)]):
        with pytest.raises((RuntimeError, ValueError, TypeError)):
            _engine.program(spec | {"inference": (width, hoisted, bad)})
    places = [(Clears([]), 0, 4)] * 3
    places[0][0].target = places
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        _engine.program(spec | {"places": places})


def misaligned(values: np.ndarray) -> np.ndarray:
    """The values a byte after where numbers begin, as a field of packed records lies."""
    array = np.ndarray(values.shape, values.dtype, bytearray(values.nbytes + 1), 1)
    array[...] = values
    assert not array.flags.aligned
    return array


def test_what_is_not_aligned_is_refused_and_integers_are_copied() -> None:
    program, arrays, x, states, d = problem()
    _, _, tape = program.forward(x, states, arrays, training=True)
    odd = [misaligned(array) for array in arrays]
    refused = {
        "x": lambda: program.forward(misaligned(x), states, arrays),
        "parameter arrays 0": lambda: program.forward(x, states, odd),
        "initial state 0": lambda: program.forward(x, [misaligned(one) for one in states], arrays),
        "d_output": lambda: program.backward(tape, x, arrays, misaligned(d), None),
        "gradient of the final state 0": lambda: program.backward(tape, x, arrays, d, [misaligned(s) for s in states]),
        "parameter arrays 0 ": lambda: program.stepper(odd),
    }
    for name, call in refused.items():
        with pytest.raises(ValueError, match=f"^lstm: {name.strip()} must be aligned in memory; give a copy$"):
            call()
    lengths = np.array([6, 3, 0, 1, 6])
    wanted = program.forward(x, states, arrays, lengths=lengths)[:2]
    assert_same(program.forward(x, states, arrays, lengths=misaligned(lengths))[:2], wanted)
    looked, table = problem(lookup=True)[0], x[0].copy()
    ids = np.arange(15).reshape(3, 5) % 5
    wanted = looked.forward_ids(ids, table, states, arrays)[:2]
    assert_same(looked.forward_ids(misaligned(ids), table, states, arrays)[:2], wanted)
