"""Does the engine compute right on this machine? Every cell of the catalogue against the NumPy reference, in a moment.

It guards against what no test suite sees: a processor whose instruction set no test ran on, a broken build, a NumPy
that does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime import engine
from throughtime.cells import CATALOGUE, make
from throughtime.recurrence import Recurrence, Trace
from throughtime.recurrence.evaluate import sequence

OUTPUT = 1e-5
"""The largest difference allowed between the engine's float32 output and the reference's float64 output."""

GRADIENT = 1e-4
"""The same for float32 gradients against float64 ones, relative to the largest entry of each."""

SLOPE = 1e-6
"""The same for a slope from float64 gradients against the difference of two reference passes, relative."""

STEPS, ROWS, HIDDEN = 9, 7, 33
WIDTHS = (5, 40)
"""I: an input taken into the loop, and one whose products run ahead of it."""

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Finding:
    """What one cell's check found.

    output, gradient, slope: the errors described at the limits above. exact: rows alone, chunks, threads and single
    steps gave the same bits as one pass over the batch.
    """

    cell: str
    output: float
    gradient: float
    slope: float
    exact: bool

    @property
    def good(self) -> bool:
        """Within the limits; not a number is not."""
        return self.output <= OUTPUT and self.gradient <= GRADIENT and self.slope <= SLOPE and self.exact


def check(names: Sequence[str] = tuple(CATALOGUE)) -> list[Finding]:
    """Check cells of the catalogue; the worst over both input widths of each."""
    found = []
    for name in names:
        trace = make(name).trace()
        each = [_check(trace, name, width) for width in WIDTHS]
        # max() would drop a NaN that comes second
        worst = {key: float(np.max([getattr(f, key) for f in each])) for key in ("output", "gradient", "slope")}
        found.append(Finding(name, **worst, exact=all(f.exact for f in each)))
    return found


def _check(trace: Trace, name: str, width: int) -> Finding:
    rng = np.random.default_rng(1)
    sizes = {"I": width, "H": HIDDEN, "P": HIDDEN // 2}
    program = engine.compile(Recurrence(trace, sizes))
    x = rng.standard_normal((STEPS, ROWS, program.input_size)).astype("float32")
    x[..., width:] = rng.random(x[..., width:].shape)  # masks and gaps
    initial = [rng.standard_normal((ROWS, s)).astype("float32") for s in program.state_sizes]
    arrays = [(rng.standard_normal(s) * 0.3).astype("float32") for s in program.array_shapes]
    d_output = rng.standard_normal((STEPS, ROWS, program.output_size)).astype("float32")
    wide = [a.astype("float64") for a in (x, d_output, *initial, *arrays)]

    output, final, tape = program.forward(x, initial, arrays, training=True)
    d_x, d_initial, d_arrays = program.backward(tape, x, arrays, d_output, None)
    expected, ends = _reference(trace, wide)
    exact_slope, gradients = _slope(trace, sizes, wide, rng)
    narrow = [d_x, *d_initial, *d_arrays]
    return Finding(
        name,
        output=_worst([output, *final], [expected, *ends]),
        gradient=_worst([g for g in narrow if g is not None], gradients, relative=True),
        slope=exact_slope,
        exact=_exact(program, x, initial, arrays, output, final),
    )


def _reference(trace: Trace, wide: Arrays) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    count = len(trace.states)
    x, _, initial, arrays = wide[0], wide[1], wide[2 : 2 + count], wide[2 + count :]
    return sequence(trace, dict(zip(trace.parameters, arrays, strict=True)), x, initial)


def _slope(trace: Trace, sizes: dict[str, int], wide: Arrays, rng: np.random.Generator) -> tuple[float, Arrays]:
    """Relative error of the float64 gradients' slope along a random direction, and these gradients."""
    program = engine.compile(Recurrence(trace, sizes), "float64")
    count = len(trace.states)
    x, d_output, initial, arrays = wide[0], wide[1], wide[2 : 2 + count], wide[2 + count :]
    _, _, tape = program.forward(x, initial, arrays, training=True)
    d_x, d_initial, d_arrays = program.backward(tape, x, arrays, d_output, None)
    gradients = [g for g in (d_x, *d_initial, *d_arrays) if g is not None]
    places = [x, *initial, *arrays]
    direction = [rng.standard_normal(p.shape) for p in places]

    def loss(distance: float) -> float:
        moved = [p + distance * d for p, d in zip(places, direction, strict=True)]
        return float((_reference(trace, [moved[0], d_output, *moved[1:]])[0] * d_output).sum())

    step = 1e-5
    measured = (loss(step) - loss(-step)) / (2 * step)
    told = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
    return abs(told - measured) / max(abs(measured), 1.0), gradients


def _exact(
    program: engine.Program, x: np.ndarray, initial: Arrays, arrays: Arrays, output: np.ndarray, final: Sequence[object]
) -> bool:
    """Two threads, two chunks, one row alone and single steps: all bit for bit what one pass over the batch gave."""
    same = [(program.forward(x, initial, arrays, threads=2)[0], output)]
    cut = STEPS // 2
    first, state, _ = program.forward(x[:cut], initial, arrays)
    second, end, _ = program.forward(x[cut:], state, arrays)
    same += [(first, output[:cut]), (second, output[cut:]), *zip(end, final, strict=True)]  # type: ignore[list-item]
    row = [s[2:3] for s in initial]
    same.append((program.forward(x[:, 2:3], row, arrays)[0], output[:, 2:3]))
    stepper = program.stepper(arrays, batch=ROWS)
    stepper.set_state(initial)
    same += [(np.array(stepper.step(x[t])), output[t]) for t in range(STEPS)]
    return all(np.array_equal(a, b) for a, b in same)


def _worst(mine: Sequence[np.ndarray], theirs: Sequence[np.ndarray], relative: bool = False) -> float:
    """The largest difference; relative: to the largest entry of each of theirs. NaN stays NaN."""
    errors = []
    for a, b in zip(mine, theirs, strict=True):
        scale = max(float(np.abs(b).max()), 1e-30) if relative else 1.0
        errors.append(float(np.abs(a - b).max()) / scale)
    return float(np.max(errors))
