"""Streams are steppers of their own in one batch: bit for bit, whoever joins, steps and leaves."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import PLAIN, make
from throughtime.recurrence import Recurrence

SIZES = {"I": 5, "H": 19, "P": 7}


def made(name, dtype="float32", sizes=SIZES):
    program = engine.compile(Recurrence(make(name).trace(), sizes), dtype)
    rng = np.random.default_rng(3)
    return program, [(rng.standard_normal(s) * 0.5).astype(dtype) for s in program.array_shapes], sizes["I"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PLAIN)
def test_a_life_of_streams_equals_steppers_of_their_own(name, dtype):
    program, arrays, width = made(name, dtype)
    rng = np.random.default_rng(4)
    streams, alone = program.streams(arrays, threads=2), {}
    for turn in range(40):
        for _ in range(rng.integers(0, 12)):
            alone[streams.join()] = program.stepper(arrays)
        for stream in rng.permutation(list(alone))[: rng.integers(0, 4) if turn % 9 else 30]:
            streams.leave(int(stream))
            del alone[int(stream)]
        chosen = streams.ids if turn % 3 == 0 else rng.permutation(list(alone))[: rng.integers(0, len(alone) + 1)]
        x = rng.standard_normal((len(chosen), width)).astype(dtype)
        y = streams.step(chosen, x)
        assert len(streams) == len(alone)
        for row, stream in enumerate(chosen):
            np.testing.assert_array_equal(y[row], alone[int(stream)].step(x[row]))
    for stream, stepper in alone.items():
        for a, b in zip(streams.state(stream), stepper.state, strict=True):
            np.testing.assert_array_equal(a, b[0])


def test_many_rows_on_two_threads_change_nothing():
    program, arrays, width = made("lstm", sizes={"I": 40, "H": 64})
    streams, single = program.streams(arrays, threads=2), program.streams(arrays, threads=1)
    ids = [streams.join() for _ in range(500)]
    assert ids == [single.join() for _ in range(500)]
    rng = np.random.default_rng(0)
    stepper = program.stepper(arrays, batch=500)
    for _ in range(3):
        x = rng.standard_normal((500, width)).astype("float32")
        y = streams.step(ids, x)
        np.testing.assert_array_equal(y, single.step(ids, x))
        np.testing.assert_array_equal(y, stepper.step(x))


@pytest.mark.parametrize("width", [5, 64])  # taken into the loop, or products of their own
@pytest.mark.parametrize("lookup", [False, True])
def test_tokens_stand_for_rows_of_the_table(width, lookup):
    program = engine.compile(Recurrence(make("gru").trace(), {"I": width, "H": 12}), lookup=lookup)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype("float32") for s in program.array_shapes]
    table = rng.standard_normal((9, width)).astype("float32")
    streams, plain = program.streams(arrays), program.streams(arrays)
    streams.set_table(table)
    ids = [streams.join() for _ in range(130)]
    assert [plain.join() for _ in ids] == ids
    for _ in range(3):
        chosen, tokens = rng.permutation(ids)[:120], rng.integers(0, 9, 120)
        np.testing.assert_array_equal(streams.step_tokens(chosen, tokens), plain.step(chosen, table[tokens]))


def test_a_state_goes_out_and_in_again():
    program, arrays, width = made("lstm")
    streams = program.streams(arrays)
    a, b = streams.join(), streams.join()
    x = np.random.default_rng(0).standard_normal((2, width)).astype("float32")
    streams.step([a, b], x)
    saved, states = streams.save(b), streams.state(b)
    assert len(saved) == 2 * 19 * 4
    expected = streams.step({b: x[0]})[b]
    streams.leave(b)
    back, again = streams.join(saved), streams.join(states)
    assert len({a, b, back, again}) == 4
    y = streams.step({again: x[0], back: x[0]})
    np.testing.assert_array_equal(y[back], expected)
    np.testing.assert_array_equal(y[again], expected)
    assert streams.step({}) == {}


def test_a_stream_that_joins_late_starts_at_zero():
    program, arrays, width = made("gru")
    streams = program.streams(arrays)
    first = streams.join()
    streams.step([first], np.ones((1, width), "float32"))
    streams.leave(first)
    for state in streams.state(streams.join()):
        np.testing.assert_array_equal(state, 0)


def test_bad_input_is_refused_and_moves_no_stream():
    program, arrays, width = made("lstm")
    streams = program.streams(arrays)
    a, b = streams.join(), streams.join()
    x = np.ones((2, width), "float32")
    before = streams.state(a)
    for ids, given, message in [
        ([a, 7], x, r"ids must be live streams, each once, got 7 at 1"),
        ([b, b], x, r"got 1 at 1"),
        ([a], x, r"x must be \(streams=1, I=5\), got \(2, 5\)"),
        ([a, b], x[:, :4], r"x must be"),
        ([[a, b]], x, r"ids must be \(n,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            streams.step(ids, given)
    for given in (x.astype("float64"), x.tolist(), None):
        with pytest.raises(TypeError, match="x must be a float32 array"):
            streams.step([a, b], given)
    with pytest.raises(TypeError, match="ids must be integers"):
        streams.step([0.0, 1.0], x)
    with pytest.raises(ValueError, match="no live stream 9"):
        streams.leave(9)
    with pytest.raises(ValueError, match="no live stream"):
        streams.state(-1)
    with pytest.raises(ValueError, match="must have 152 bytes, got 3"):
        streams.join(b"abc")
    with pytest.raises(ValueError, match="states must be"):
        streams.join([np.zeros(3, "float32")])
    with pytest.raises(ValueError, match="token 0 is not in the table"):
        streams.step_tokens([a], [0])
    with pytest.raises(ValueError, match="threads"):
        program.streams(arrays, threads=0)
    assert len(streams) == 2
    for p, q in zip(before, streams.state(a), strict=True):
        np.testing.assert_array_equal(p, q)
