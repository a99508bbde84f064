"""Weights of 8 and 16 bits: what they compute, how far from float32 it is, and that rows stay independent."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import PLAIN, make
from throughtime.recurrence import Cell, Matrix, Recurrence


class Linear(Cell):
    """h = W x: one product and nothing else, so that it can be computed by hand."""

    state = {"h": "H"}
    W = Matrix("H", "I")

    def step(self, x, h):
        return self.W @ x + 0.0 * h


def by_hand(w, x, form):
    """W x with W (and x) rounded first, in float64. bfloat16: 8 significant bits. int8: 127 steps to the largest."""
    if form == "bfloat16":
        mantissa, exponent = np.frexp(w.astype("float64"))
        return np.ldexp(np.rint(mantissa * 256), exponent - 8) @ x.astype("float64")
    rows, scale = np.abs(w).max(1).astype("float64") / 127, np.abs(x).max() / 127.0
    return np.rint(w / rows[:, None]) @ np.rint(x / scale) * rows * scale


@pytest.mark.parametrize("form", ["bfloat16", "int8"])
@pytest.mark.parametrize(("width", "hidden"), [(1, 1), (3, 33), (64, 31), (65, 32), (130, 257), (37, 128)])
def test_a_product_is_the_one_of_the_rounded_weights(form, width, hidden):
    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((hidden, width)).astype("float32"), rng.standard_normal(width).astype("float32")
    program = engine.compile(Recurrence(Linear().trace(), {"I": width, "H": hidden}))
    got = program.stepper([w], weights=form).step(x)
    exact = by_hand(w, x, form)
    tolerance = 2e-6 * np.abs(exact).max() + 1e-6
    if form == "int8":  # a value halfway between two steps may go either way
        tolerance += 1.01 * np.abs(x).max() / 127 * np.abs(w).max() / 127 * 2
    np.testing.assert_allclose(got, exact, rtol=0, atol=tolerance)
    assert not np.array_equal(got, program.stepper([w]).step(x)) or width == 1


LIMIT = {"bfloat16": 0.02, "int8": 0.04}
"""Largest distance of an output from float32's over 12 steps, weights uniform in +-1/sqrt(H): about twice the worst."""


@pytest.mark.parametrize("form", LIMIT)
@pytest.mark.parametrize("name", PLAIN)
def test_every_cell_stays_near_float32(name, form):
    hidden = 40
    program = engine.compile(Recurrence(make(name).trace(), {"I": hidden, "H": hidden, "P": 24}))
    rng = np.random.default_rng(1)
    arrays = [rng.uniform(-1, 1, s).astype("float32") / np.float32(np.sqrt(hidden)) for s in program.array_shapes]
    full, narrow = program.stepper(arrays, 9), program.stepper(arrays, 9, weights=form)
    worst = 0.0
    for _ in range(12):
        x = rng.standard_normal((9, hidden)).astype("float32")
        expected, got = full.step(x).copy(), narrow.step(x)
        worst = max(worst, float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max())))
    assert worst <= LIMIT[form]
    assert worst > 0


@pytest.mark.parametrize("form", LIMIT)
@pytest.mark.parametrize("name", PLAIN)
def test_a_row_is_the_same_in_any_company(name, form):
    program = engine.compile(Recurrence(make(name).trace(), {"I": 21, "H": 21, "P": 7}))
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal(s).astype("float32") for s in program.array_shapes]
    alone = [program.stepper(arrays, weights=form) for _ in range(13)]
    batch, streams = program.stepper(arrays, 13, weights=form), program.streams(arrays, weights=form)
    ids = [streams.join() for _ in alone]
    for _ in range(4):
        x = rng.standard_normal((13, 21)).astype("float32") * np.logspace(-3, 3, 13, dtype="float32")[:, None]
        expected = np.stack([s.step(row) for s, row in zip(alone, x, strict=True)])
        np.testing.assert_array_equal(batch.step(x), expected)
        np.testing.assert_array_equal(streams.step(ids, x), expected)


@pytest.mark.parametrize("form", LIMIT)
@pytest.mark.parametrize("lookup", [False, True])
def test_tokens_stand_for_rows_of_the_table(form, lookup):
    program = engine.compile(Recurrence(make("lstm").trace(), {"I": 20, "H": 37}), lookup=lookup)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype("float32") for s in program.array_shapes]
    table = rng.standard_normal((11, 20)).astype("float32")
    a, b = (program.stepper(arrays, weights=form) for _ in range(2))
    a.set_table(table)
    for token in (3, 10, 0):
        np.testing.assert_array_equal(a.step_token(token), b.step(table[token]))


@pytest.mark.parametrize("form", LIMIT)
def test_what_is_not_finite_shows(form):
    rng = np.random.default_rng(0)
    program = engine.compile(Recurrence(Linear().trace(), {"I": 9, "H": 40}))
    w, x = rng.standard_normal((40, 9)).astype("float32"), rng.standard_normal((3, 9)).astype("float32")
    x[1, 4] = np.nan
    got = program.stepper([w], 3, weights=form).step(x)
    assert np.isnan(got[1]).all()
    assert np.isfinite(got[[0, 2]]).all()
    w[35, 2] = np.nan
    got = program.stepper([w], 3, weights=form).step(x)
    assert np.isnan(got[0, 35])
    assert np.isfinite(np.delete(got[0], 35)).all()
    zero = program.stepper([np.zeros_like(w)], 3, weights=form).step(np.zeros_like(x))
    np.testing.assert_array_equal(zero, 0)


PRINT = """
import numpy as np
from throughtime import engine
from throughtime.cells import make
from throughtime.recurrence import Recurrence
program = engine.compile(Recurrence(make("gru").trace(), {"I": 50, "H": 45}))
rng = np.random.default_rng(0)
arrays = [rng.standard_normal(s).astype("float32") * 0.3 for s in program.array_shapes]
stepper = program.stepper(arrays, 3, weights="FORM")
for _ in range(3):
    y = stepper.step(rng.standard_normal((3, 50)).astype("float32"))
print(engine.instruction_set(), *np.round(y.ravel().astype("float64"), 4))
"""


@pytest.mark.parametrize("form", LIMIT)
def test_every_instruction_set_computes_the_same(form):
    found = {}
    for isa in ("base", "avx2", "avx512"):
        done = subprocess.run(
            [sys.executable, "-c", PRINT.replace("FORM", form)],
            env={**os.environ, "THROUGHTIME_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        )
        name, *values = done.stdout.split()
        found[name] = np.array(values, float)
    for values in found.values():
        np.testing.assert_allclose(values, found["base"], rtol=0, atol=5e-3 if form == "int8" else 2e-4)


def test_bad_forms_are_refused():
    program = engine.compile(Recurrence(make("rnn").trace(), {"I": 3, "H": 4}))
    arrays = [np.zeros(s, "float32") for s in program.array_shapes]
    with pytest.raises(ValueError, match="no weights int4, but float32, bfloat16, int8"):
        program.stepper(arrays, weights="int4")
    with pytest.raises(ValueError, match="no weights float64"):
        program.streams(arrays, weights="float64")
    double = engine.compile(Recurrence(make("rnn").trace(), {"I": 3, "H": 4}), "float64")
    with pytest.raises(ValueError, match="no weights int8 in a float64 program"):
        double.stepper([a.astype("float64") for a in arrays], weights="int8")
    deep = engine.compile(Recurrence(Linear().trace(), {"I": 65537, "H": 1}))
    with pytest.raises(ValueError, match="65,536"):
        deep.stepper([np.zeros((1, 65537), "float32")], weights="int8")
