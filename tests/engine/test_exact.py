"""A row's result is bit for bit the same alone, in any batch, in any chunks and with any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime import engine
from throughtime.cells import PLAIN, make
from throughtime.recurrence import Recurrence

CELLS = sorted(PLAIN)


def setup(name: str, i: int, h: int, dtype: str = "float32", seed: int = 0):
    program = engine.compile(Recurrence(make(name).trace(), {"I": i, "H": h, "P": h // 2 + 1}), dtype)
    rng = np.random.default_rng(seed)
    arrays = [(rng.standard_normal(s) * 0.3).astype(dtype) for s in program.array_shapes]
    return program, arrays, rng


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("i", [5, 40])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_company_any_chunks_any_threads(name: str, i: int, data: st.DataObject) -> None:
    h = data.draw(st.sampled_from([1, 15, 16, 17, 33, 64]), "H")
    rows = data.draw(st.integers(1, 30), "B")
    steps = data.draw(st.integers(1, 12), "T")
    program, arrays, rng = setup(name, i, h, data.draw(st.sampled_from(["float32", "float64"]), "dtype"))
    x = rng.standard_normal((steps, rows, i)).astype(program.dtype)
    initial = tuple(rng.standard_normal((rows, s)).astype(program.dtype) for s in program.state_sizes)
    output, final, _ = program.forward(x, initial, arrays, threads=data.draw(st.integers(1, 4), "threads"))
    row = data.draw(st.integers(0, rows - 1), "row")
    cut = data.draw(st.integers(0, steps), "cut")
    state = tuple(s[row : row + 1] for s in initial)
    pieces = []
    for part in (x[:cut, row : row + 1], x[cut:, row : row + 1]):
        piece, state, _ = program.forward(part, state, arrays, training=data.draw(st.booleans(), "training"))
        pieces.append(piece)
    np.testing.assert_array_equal(np.concatenate(pieces)[:, 0], output[:, row])
    for mine, theirs in zip(state, final, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[row])


@pytest.mark.parametrize("name", CELLS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_padding_is_inert_and_lengths_are_exact(name: str, data: st.DataObject) -> None:
    rows, steps = data.draw(st.integers(1, 20), "B"), data.draw(st.integers(1, 9), "T")
    reverse = data.draw(st.booleans(), "reverse")
    lengths = np.array(data.draw(st.lists(st.integers(0, steps), min_size=rows, max_size=rows), "lengths"))
    program, arrays, rng = setup(name, 6, 19)
    x = rng.standard_normal((steps, rows, 6)).astype("float32")
    for row, length in enumerate(lengths):
        x[length:, row] = np.nan  # never read
    initial = tuple(rng.standard_normal((rows, s)).astype("float32") for s in program.state_sizes)
    output, final, tape = program.forward(
        x,
        initial,
        arrays,
        lengths=lengths,
        reverse=reverse,
        training=True,
        threads=data.draw(st.integers(1, 3), "threads"),
    )
    for row, length in enumerate(lengths):
        state = tuple(s[row : row + 1] for s in initial)
        alone, end, _ = program.forward(x[:length, row : row + 1], state, arrays, reverse=reverse)
        np.testing.assert_array_equal(output[:length, row], alone[:, 0])
        assert not output[length:, row].any()
        for mine, theirs in zip(final, end, strict=True):
            np.testing.assert_array_equal(mine[row], theirs[0])
    d_output = rng.standard_normal(output.shape).astype("float32")
    for row, length in enumerate(lengths):
        d_output[length:, row] = np.nan
    d_x, d_initial, d_arrays = program.backward(tape, x, arrays, d_output, None)
    assert d_x is not None
    for row, length in enumerate(lengths):
        assert not d_x[length:, row].any()
    for gradient in (d_x, *d_initial, *d_arrays):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", CELLS)
def test_gradients_repeat(name: str) -> None:
    program, arrays, rng = setup(name, 33, 40)
    x = rng.standard_normal((50, 24, 33)).astype("float32")
    d_output = rng.standard_normal((50, 24, program.output_size)).astype("float32")
    runs = []
    for _ in range(2):
        _, _, tape = program.forward(x, None, arrays, training=True, threads=2)
        runs.append(program.backward(tape, x, arrays, d_output, None, threads=2))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    for a, b in zip(runs[0][2], runs[1][2], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("i", [7, 50])
def test_stepper_equals_forward(name: str, i: int) -> None:
    program, arrays, rng = setup(name, i, 50)
    x = rng.standard_normal((9, 3, i)).astype("float32")
    output, final, _ = program.forward(x, None, arrays)
    stepper = program.stepper(arrays, batch=3)
    for t in range(9):
        np.testing.assert_array_equal(stepper.step(x[t]), output[t])
    for mine, theirs in zip(stepper.state, final, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    one = program.stepper(arrays)
    one.set_table(np.ascontiguousarray(x[:, 1]))
    for t in range(9):
        np.testing.assert_array_equal(one.step_token(t), output[t, 1])
    one.set_state(None)
    np.testing.assert_array_equal(one.step(x[0, 1]), output[0, 1])
    with pytest.raises(ValueError, match="token 9 is not in the table"):
        one.step_token(9)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("i", [5, 40])
def test_looked_up_input_equals_the_table_rows(name: str, i: int) -> None:
    program = engine.compile(Recurrence(make(name).trace(), {"I": i, "H": 20, "P": 7}), "float64", lookup=True)
    if not program.takes_ids:
        pytest.skip("reads its input itself, not only products with it")
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal(s) * 0.3 for s in program.array_shapes]
    table, ids = rng.standard_normal((11, i)), rng.integers(0, 11, (7, 6))
    d_output = rng.standard_normal((7, 6, program.output_size))
    for threads in (1, 2):
        output, final, tape = program.forward_ids(ids, table, None, arrays, training=True, threads=threads)
        x = table[ids]
        same, end, other = program.forward(x, None, arrays, training=True, threads=threads)
        np.testing.assert_array_equal(output, same)
        for mine, theirs in zip(final, end, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        d_table, d_initial, d_arrays = program.backward(tape, table, arrays, d_output, None, threads=threads)
        d_x, e_initial, e_arrays = program.backward(other, x, arrays, d_output, None, threads=threads)
        expected = np.zeros_like(table)
        np.add.at(expected, ids, d_x)
        np.testing.assert_allclose(d_table, expected, atol=1e-13)
        for mine, theirs in zip((*d_initial, *d_arrays), (*e_initial, *e_arrays), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-12)
    with pytest.raises(ValueError, match="is not in the table"):
        program.forward_ids(ids + 11, table, None, arrays)
