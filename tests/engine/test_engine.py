"""What the engine promises beyond equality with the reference (tests/nn holds that)."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import CATALOGUE, make
from throughtime.recurrence import (
    Cell,
    Matrix,
    Recurrence,
    Vector,
    exp,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    sqrt,
    tanh,
)

RNG = np.random.default_rng(5)


class Everything(Cell):
    """Every operation, two states of different sizes, x and parameters used elementwise, two product levels."""

    state = {"h": "H", "m": "P", "u": "I"}
    W_a = W_b = Matrix("H", "I")
    R_a = R_b = Matrix("H", "H")
    M_a = Matrix("H", "P")
    Q = Matrix("P", "H")
    b, s = Vector("H"), Vector("H", init=0.5)
    k = Vector("I", init=0.3)

    def step(self, x, h, m, u):
        a = sigmoid(self.W_a @ x + self.R_a @ h + self.b + self.M_a @ m)
        e = exp(-softplus(self.W_b @ x)) * self.s
        g = tanh(self.R_b @ (a * h) + e) / (1.5 + a)
        q = maximum(minimum(g, 0.7 * a), h - 1.0) + relu(g - 0.1)
        new = q * sqrt(1.0 + a * a) - log(1.0 + e * e)
        proj = self.Q @ (new * a)
        return new, proj + 0.5 * m, self.k * x + u / 2 - x * u


def numeric(program, x, initial, arrays, weights):
    def loss():
        output, final, _ = program.forward(x, initial, arrays, training=False)
        return float((output * weights[0]).sum() + sum((f * w).sum() for f, w in zip(final, weights[1], strict=True)))

    def slope(array):
        out = np.zeros(array.shape)
        for index in np.ndindex(*array.shape):
            kept = array[index]
            array[index] = kept + 1e-6
            up = loss()
            array[index] = kept - 1e-6
            out[index] = (up - loss()) / 2e-6
            array[index] = kept
        return out

    return slope(x), [slope(i) for i in initial], [slope(a) for a in arrays]


@pytest.mark.parametrize(
    "cell", [*(make(n) for n in CATALOGUE), make("rnn", f="relu"), Everything()], ids=lambda c: c.name
)
@pytest.mark.parametrize("i", [3, 34])
def test_gradients_against_differences(cell: Cell, i: int) -> None:
    program = engine.compile(Recurrence(cell.trace(), {"I": i, "H": 4, "P": 3}), "float64")
    arrays = [RNG.standard_normal(s) * 0.4 for s in program.array_shapes]
    x = RNG.standard_normal((3, 2, program.input_size))
    initial = tuple(RNG.standard_normal((2, s)) for s in program.state_sizes)
    output, final, tape = program.forward(x, initial, arrays, training=True)
    weights = (RNG.standard_normal(output.shape), [RNG.standard_normal(f.shape) for f in final])
    d_x, d_initial, d_arrays = program.backward(tape, x, arrays, weights[0], weights[1])
    n_x, n_initial, n_arrays = numeric(program, x, initial, arrays, weights)
    np.testing.assert_allclose(d_x, n_x, atol=2e-8)
    for mine, theirs in zip([*d_initial, *d_arrays], [*n_initial, *n_arrays], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-8)


def test_a_tape_serves_twice_and_unneeded_gradients_are_skipped() -> None:
    program = engine.compile(Recurrence(make("gru").trace(), {"I": 40, "H": 20}))
    arrays = [RNG.standard_normal(s).astype("float32") for s in program.array_shapes]
    x = RNG.standard_normal((5, 4, 40)).astype("float32")
    d = RNG.standard_normal((5, 4, 20)).astype("float32")
    _, _, tape = program.forward(x, None, arrays, training=True)
    first = program.backward(tape, x, arrays, d, None)
    needs = [n.startswith("W_h") for n in program.trace.parameters]
    d_x, _, second = program.backward(tape, x, arrays, d, None, needs_x=False, needs_arrays=needs)
    assert d_x is None
    for needed, a, b in zip(needs, first[2], second, strict=True):
        assert (b is not None) == needed
        if needed:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("steps", "rows"), [(0, 3), (4, 0), (0, 0)])
def test_nothing_to_do(steps: int, rows: int) -> None:
    program = engine.compile(Recurrence(make("lstm").trace(), {"I": 3, "H": 5}))
    arrays = [RNG.standard_normal(s).astype("float32") for s in program.array_shapes]
    x = np.empty((steps, rows, 3), "float32")
    initial = tuple(RNG.standard_normal((rows, 5)).astype("float32") for _ in range(2))
    output, final, tape = program.forward(x, initial, arrays, training=True, threads=2)
    assert output.shape == (steps, rows, 5)
    d = tuple(np.ones((rows, 5), "float32") for _ in range(2))
    d_x, d_initial, d_arrays = program.backward(tape, x, arrays, None, d, threads=2)
    for a, b in zip(final, initial, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(d_initial, d, strict=True):
        np.testing.assert_array_equal(a, b)
    assert d_x is not None
    assert d_x.shape == x.shape
    assert not any(g.any() for g in d_arrays)


def test_nan_passes_and_denormals_do_not_slow_or_leak() -> None:
    program = engine.compile(Recurrence(make("rnn").trace(), {"I": 2, "H": 3}))
    arrays = [RNG.standard_normal(s).astype("float32") for s in program.array_shapes]
    x = np.zeros((2, 2, 2), "float32")
    x[0, 1, 0] = np.nan
    output, _, _ = program.forward(x, None, arrays)
    assert np.isfinite(output[:, 0]).all()
    assert np.isnan(output[:, 1]).all()
    tiny = np.float32(1e-40)
    assert tiny * np.float32(1.0) != 0  # the calling thread's mode is as it was


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 3.0), ("float64", 3.0)])
def test_activations_to_a_few_units_in_the_last_place(dtype: str, limit: float) -> None:
    class Map(Cell):
        state = {"s": "I", "t": "I", "e": "I"}

        def step(self, x, s, t, e):
            return sigmoid(x), tanh(x), exp(x)

    x = np.concatenate([np.linspace(-30, 30, 4001), np.logspace(-12, 1, 500), -np.logspace(-12, 1, 500)]).astype(dtype)
    program = engine.compile(Recurrence(Map().trace(), {"I": len(x)}), dtype)
    _, (s, t, e), _ = program.forward(x[None, None], None, [])
    exact = x.astype(np.longdouble)
    for mine, true in ((s, 1 / (1 + np.exp(-exact))), (t, np.tanh(exact)), (e, np.exp(exact))):
        error = np.abs(mine[0] - true) / np.spacing(np.abs(true).astype(dtype))
        assert error.max() < limit
    ends = np.array([np.inf, -np.inf, 1e4, -1e4, np.nan], dtype)
    program = engine.compile(Recurrence(Map().trace(), {"I": 5}), dtype)
    _, (s, t, e), _ = program.forward(ends[None, None], None, [])
    np.testing.assert_allclose(s[0], [1, 0, 1, 0, np.nan], atol=1e-37)
    np.testing.assert_allclose(t[0], [1, -1, 1, -1, np.nan])
    np.testing.assert_array_equal(e[0], [np.inf, 0, np.inf, 0, np.nan])


def bad_calls():
    program = engine.compile(Recurrence(make("gru").trace(), {"I": 3, "H": 5}))
    arrays = [np.zeros(s, "float32") for s in program.array_shapes]
    x = np.zeros((2, 4, 3), "float32")
    yield "width", ValueError, lambda: program.forward(x[:, :, :2].copy(), None, arrays)
    yield "rank", ValueError, lambda: program.forward(x[0], None, arrays)
    yield "dtype", TypeError, lambda: program.forward(x.astype("float64"), None, arrays)
    yield "no array", TypeError, lambda: program.forward(x, [[0.0]], arrays)
    yield "state", ValueError, lambda: program.forward(x, (np.zeros((4, 6), "float32"),), arrays)
    yield "states", ValueError, lambda: program.forward(x, (), arrays)
    yield "array", ValueError, lambda: program.forward(x, None, [*arrays[:-1], np.zeros(4, "float32")])
    yield "arrays", ValueError, lambda: program.forward(x, None, arrays[:-1])
    yield "stride", ValueError, lambda: program.forward(np.zeros((2, 4, 6), "float32")[:, :, ::2], None, arrays)
    yield "length", ValueError, lambda: program.forward(x, None, arrays, lengths=np.array([1, 2, 3, 0]))
    yield "lengths", ValueError, lambda: program.forward(x, None, arrays, lengths=np.array([1, 2]))
    yield "float lengths", TypeError, lambda: program.forward(x, None, arrays, lengths=np.ones(4))
    yield "threads", ValueError, lambda: program.forward(x, None, arrays, threads=0)
    yield "batch sizes", ValueError, lambda: program.forward_packed(x[0], np.array([1, 3]), None, arrays)
    yield "packed rows", ValueError, lambda: program.forward_packed(x[0], np.array([3, 2]), None, arrays)
    _, _, tape = program.forward(x, None, arrays, training=True)
    d = np.zeros((2, 4, 5), "float32")
    yield "d_output", ValueError, lambda: program.backward(tape, x, arrays, d[:1], None)
    yield "other x", ValueError, lambda: program.backward(tape, x[:1], arrays, d, None)
    yield "d_final", ValueError, lambda: program.backward(tape, x, arrays, d, (d[0, :3],))
    yield "size", ValueError, lambda: engine.compile(Recurrence(make("gru").trace(), {"I": 3}))
    yield "zero size", ValueError, lambda: engine.compile(Recurrence(make("gru").trace(), {"I": 3, "H": 0}))
    yield "half", TypeError, lambda: engine.compile(Recurrence(make("gru").trace(), {"I": 3, "H": 5}), "float16")


@pytest.mark.parametrize(("what", "error", "call"), [pytest.param(*b, id=b[0]) for b in bad_calls()])
def test_wrong_use_is_an_exception(what: str, error: type[Exception], call) -> None:
    with pytest.raises(error, match=r"gru|lengths|expected|float"):
        call()


@pytest.mark.parametrize("isa", ["base", "avx2"])
def test_lower_instruction_sets_agree(isa: str) -> None:
    code = (
        "import numpy as np, sys; from throughtime import engine; from throughtime.cells import make\n"
        "from throughtime.recurrence import Recurrence\n"
        "rng=np.random.default_rng(0); p=engine.compile(Recurrence(make('gru').trace(), {'I':40,'H':37}))\n"
        "a=[(rng.standard_normal(s)*.3).astype('f4') for s in p.array_shapes]; "
        "x=rng.standard_normal((6,13,40)).astype('f4')\n"
        "o,_,t=p.forward(x,None,a,training=True); g=p.backward(t,x,a,np.ones_like(o),None)\n"
        "np.savez(sys.stdout.buffer, o, g[0], *g[2])"
    )
    results = []
    for wanted in (isa, "avx512"):
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"THROUGHTIME_ISA": wanted}, capture_output=True, check=True
        )
        import io

        results.append(list(np.load(io.BytesIO(done.stdout)).values()))
    for mine, best in zip(*results, strict=True):
        np.testing.assert_allclose(mine, best, atol=2e-5, rtol=2e-5)


def test_threads_without_torch_and_after_a_fork() -> None:
    code = (
        "import numpy as np, os, sys; from throughtime import engine; from throughtime.cells import make\n"
        "from throughtime.recurrence import Recurrence\n"
        "assert 'torch' not in sys.modules\n"
        "rng=np.random.default_rng(0); p=engine.compile(Recurrence(make('lstm').trace(), {'I':64,'H':64}))\n"
        "a=[(rng.standard_normal(s)*.3).astype('f4') for s in p.array_shapes]; "
        "x=rng.standard_normal((30,13,64)).astype('f4')\n"
        "one=p.forward(x,None,a,threads=1)[0]\n"
        "for n in (2,3,2): assert (p.forward(x,None,a,threads=n)[0]==one).all()\n"
        "child=os.fork()\n"
        "if child==0: os._exit(0 if (p.forward(x,None,a,threads=2)[0]==one).all() else 1)\n"
        "assert os.waitpid(child,0)[1]==0; assert (p.forward(x,None,a,threads=2)[0]==one).all()"
    )
    env = os.environ | {"THROUGHTIME_POISON": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=env)
