"""Runs a recurrence over arrays: whole sequences forward and backward through time, and single steps.

NumPy arrays in, NumPy arrays out; no PyTorch. Letters: T steps, B rows, I input width, S_j width of state j, S width of
the state that is the output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.engine import _engine  # type: ignore[attr-defined]
from throughtime.recurrence import Trace
from throughtime.recurrence.program import Pass, Place, Product
from throughtime.recurrence.program import Program as Plan
from throughtime.recurrence.schedule import schedule

if TYPE_CHECKING:
    from throughtime.engine.streams import Streams

Sources = Mapping[str, tuple[tuple[int, int], ...]]
Array = np.ndarray[Any, Any]

LARGE = 1 << 17
"""Bytes from which the system gives fresh pages for an array, which cost more than writing them."""


def instruction_set() -> str:
    """The instruction set in use: base, avx2 or avx512. THROUGHTIME_ISA chooses a lower one at start."""
    return str(_engine.instruction_set())


def multiply_adds(rounds: int, threads: int = 1) -> float:
    """Do float32 multiply-adds on registers alone, `rounds` rounds on every thread; returns how many they were.

    Timed, it is the most that any product can reach on this processor: 2 operations each.
    """
    return float(_engine.multiply_adds(rounds, threads))


class Program:
    """A recurrence at given sizes, ready to run. Made by `compile`.

    trace: the recurrence. sizes: its sizes. dtype: "float32" or "float64".
    state_sizes: (S_0, S_1, ...). output_state: which of them is the output. output_size: S, or that of all states side
    by side where the program was compiled for every one. input_size: of all inputs. array_shapes: shapes of the
    parameter arrays in order.
    """

    def __init__(
        self,
        trace: Trace,
        sizes: Mapping[str, int],
        dtype: str,
        sources: Sources | None,
        lookup: bool = False,
        every: bool = False,
    ) -> None:
        if dtype not in ("float32", "float64"):
            raise TypeError(f"{trace.name}: the engine computes in float32 or float64, got {dtype}")
        self.trace, self.sizes, self.dtype = trace, dict(sizes), dtype
        shapes = trace.shapes(self.sizes)
        if sources is None:
            sources = {name: ((i, 0),) for i, name in enumerate(shapes)}
        self.sources = sources
        self.array_shapes = _array_shapes(shapes, sources)
        plan = schedule(trace, self.sizes, hoist=lookup, every=every)
        self.input_size = plan.input_width
        self.state_sizes = tuple(plan.state_widths)
        self.output_state = plan.output_state
        self.output_size = sum(self.state_sizes) if every else self.state_sizes[plan.output_state]
        self._compiled = _engine.program(_spec(trace.name, plan, shapes, sources, self.array_shapes))
        self.takes_ids = bool(self._compiled.foldable)
        self._forward = getattr(_engine, f"forward_{dtype}")
        self._backward = getattr(_engine, f"backward_{dtype}")
        self._stepper = getattr(_engine, f"Stepper_{dtype}")
        self._streams = getattr(_engine, f"Streams_{dtype}")

    def forward(
        self,
        x: Array,
        initial: Sequence[Array | None] | None,
        arrays: Sequence[Array],
        *,
        lengths: Array | None = None,
        reverse: bool = False,
        training: bool = False,
        batch_first: bool = False,
        threads: int = 1,
    ) -> tuple[Array, tuple[Array, ...], Any]:
        """Run over sequences.

        x: (T, B, I), any strides but the last axis contiguous; further inputs lie beside it on the last axis, in all
        `input_size` columns, and d_x has them all. initial: per state (B, S_j) or None for zeros.
        arrays: the parameter arrays. lengths: (B,) integers in [0, T]: what lies beyond is not read, and zero in the
        output; the final state is the one at each row's own end. reverse: from each row's end to its start.
        batch_first: lay the output out as (B, T, S) in memory. training: keep what backward needs.

        Returns the output (T, B, S), the final states (B, S_j), and a tape or None.
        Raises ValueError for wrong shapes, TypeError for a wrong dtype.
        """
        if x.ndim != 3:
            raise ValueError(f"{self.trace.name}: x must be (T, B, I={self.input_size}), got {x.shape}")
        steps, rows = x.shape[:2]
        if batch_first:
            output = _empty((rows, steps, self.output_size), self.dtype).transpose(1, 0, 2)
        else:
            output = _empty((steps, rows, self.output_size), self.dtype)
        return self._run(x, None, initial, arrays, output, rows, _lengths(lengths), None, reverse, training, threads)

    def forward_ids(
        self,
        ids: Array,
        table: Array,
        initial: Sequence[Array | None] | None,
        arrays: Sequence[Array],
        *,
        training: bool = False,
        threads: int = 1,
    ) -> tuple[Array, tuple[Array, ...], Any]:
        """As forward with x = table[ids]: an embedding folded into the recurrence, bit for bit the same output.

        ids: (T, B) int64. table: (V, I), contiguous. Only where `takes_ids`: the cell reads its input through products
        alone. These are computed once per table row instead of once per step; backward returns the table's gradient
        in place of d_x.
        """
        steps, rows = ids.shape
        output = _empty((steps, rows, self.output_size), self.dtype)
        return self._run(table, ids, initial, arrays, output, rows, None, None, False, training, threads)

    def forward_packed(
        self,
        data: Array,
        batch_sizes: Array,
        initial: Sequence[Array | None] | None,
        arrays: Sequence[Array],
        *,
        reverse: bool = False,
        training: bool = False,
        threads: int = 1,
    ) -> tuple[Array, tuple[Array, ...], Any]:
        """As forward for rows sorted by length and stored step by step: data (N, I), batch_sizes (T,) -> (N, S)."""
        sizes = np.array(batch_sizes, np.int64)  # kept with the tape
        rows = int(sizes[0]) if len(sizes) else 0
        output = _empty((data.shape[0], self.output_size), self.dtype)
        return self._run(data, None, initial, arrays, output, rows, None, sizes, reverse, training, threads)

    def _run(
        self,
        x: Array,
        ids: Array | None,
        initial: Sequence[Array | None] | None,
        arrays: Sequence[Array],
        output: Array,
        rows: int,
        lengths: Array | None,
        batch_sizes: Array | None,
        reverse: bool,
        training: bool,
        threads: int,
    ) -> tuple[Array, tuple[Array, ...], Any]:
        final = tuple(np.empty((rows, size), self.dtype) for size in self.state_sizes)
        try:
            rule = (lengths, batch_sizes, reverse)
            tape = self._forward(self._compiled, (x, ids), initial, arrays, rule, output, final, training, threads)
        except (TypeError, RuntimeError) as error:
            raise self._explain(error, x, *(initial or ()), *arrays) from error
        return output, final, None if tape is None else (tape, batch_sizes, ids, rows)

    def backward(
        self,
        tape: Any,
        x: Array,
        arrays: Sequence[Array],
        d_output: Array | None,
        d_final: Sequence[Array | None] | None,
        *,
        needs_x: bool = True,
        needs_arrays: Sequence[bool] | None = None,
        threads: int = 1,
    ) -> tuple[Array | None, tuple[Array, ...], list[Array | None]]:
        """Gradients through time, from those of what forward returned; a tape may be used more than once.

        x (after forward_ids: the table), arrays: as given to forward. d_output: like the output, any strides, None for
        zero. d_final: per state (B, S_j) or None. needs_arrays: which parameter arrays want a gradient; the product of
        the others is skipped.

        Returns d_x (or None), the initial states' gradients (B, S_j), and one gradient or None per parameter array.
        """
        compiled, batch_sizes, ids, rows = tape
        d_x = _empty(x.shape, self.dtype) if needs_x else None
        d_initial = tuple(np.empty((rows, size), self.dtype) for size in self.state_sizes)
        needs = needs_arrays if needs_arrays is not None else [True] * len(self.array_shapes)
        d_arrays = [
            _empty(shape, self.dtype) if needed else None
            for shape, needed in zip(self.array_shapes, needs, strict=True)
        ]
        try:
            self._backward(
                *(self._compiled, compiled, (x, ids), arrays, batch_sizes),
                *(d_output, d_final, (d_x, d_initial, d_arrays), threads),
            )
        except (TypeError, RuntimeError) as error:
            raise self._explain(error, x, *arrays, d_output, *(d_final or ())) from error
        return d_x, d_initial, d_arrays

    def stepper(self, arrays: Sequence[Array], batch: int = 1, weights: str | None = None) -> Stepper:
        """A stream of single steps for `batch` rows, from a zero state; packs the weights once.

        weights: how the packed matrices are kept, for a float32 program. "float32" (None): as they are. "bfloat16":
        half the memory to read, float32 sums. "int8": a quarter, one scale per matrix row; the vectors they meet are
        quantized at every step, one scale per row, and sums are exact. Biases and vectors stay float32.
        Raises ValueError for another form.
        """
        return Stepper(self, arrays, batch, weights)

    def streams(self, arrays: Sequence[Array], threads: int = 2, weights: str | None = None) -> Streams:
        """Many independent streams of single steps, stepped as one batch. weights: as for stepper."""
        from throughtime.engine.streams import Streams

        return Streams(self, arrays, threads, weights)

    def _explain(self, error: Exception, *values: Any) -> Exception:
        """A binding's refusal in words: the argument that is no array of the right dtype."""
        for value in values:
            if value is not None and not isinstance(value, np.ndarray):
                return TypeError(f"{self.trace.name}: expected NumPy arrays, got {type(value).__name__}")
            if value is not None and value.dtype != self.dtype:
                return TypeError(f"{self.trace.name}: expected {self.dtype} arrays, got {value.dtype}")
        return TypeError(f"{self.trace.name}: arguments do not fit: {str(error).splitlines()[0]}")


class Stepper:
    """One step at a time, with a state of its own. Made by Program.stepper.

    step(x): x (I,) for one row, else (B, I) contiguous -> the output state, a view that the next step overwrites.
    set_table(inputs): inputs (count, I); their products with the weights are computed once. Then step_token(i), or
    step_tokens(ids) for several rows, is step(inputs[i]).
    For one thread at a time, that which stepped first: ValueError in another one, unless it sets the state or calls
    take_over(), to go on from the state as it is; what was returned to the first one stays as it was then.
    """

    def __init__(self, program: Program, arrays: Sequence[Array], batch: int, weights: str | None = None) -> None:
        self._program, self._batch = program, batch
        stepper = program._stepper(program._compiled, arrays, batch, weights or program.dtype)
        self._stepper = stepper
        self.step, self.step_token, self.step_tokens = stepper.step, stepper.step_token, stepper.step_tokens
        self.set_table, self.take_over = stepper.set_table, stepper.take_over

    @property
    def state(self) -> tuple[Array, ...]:
        """Copies of the states, (B, S_j) each."""
        states = [np.empty((self._batch, size), self._program.dtype) for size in self._program.state_sizes]
        self._stepper.read_state(states)
        return tuple(states)

    def set_state(self, states: Sequence[Array] | None) -> None:
        """Set the states, (B, S_j) each; None for zeros."""
        if states is None:
            states = [np.zeros((self._batch, size), self._program.dtype) for size in self._program.state_sizes]
        self._stepper.write_state([np.ascontiguousarray(s, self._program.dtype) for s in states])


def compile(
    trace: Trace,
    sizes: Mapping[str, int],
    dtype: str = "float32",
    sources: Sources | None = None,
    *,
    lookup: bool = False,
    every: bool = False,
) -> Program:
    """A program for a traced recurrence at given sizes; cached.

    sizes: {"I": ..., "H": ..., ...}. sources: parameter name -> ((array number, first row), ...): where the parameter
    lies in the arrays given to each call. A vector may be the sum of several sources (its gradient goes to each) or of
    none (it is zero). Left out: one array per parameter, in the order of trace.parameters. lookup: for forward_ids
    (a narrow input is otherwise taken into the loop, where no table can stand for it). every: the output of a sequence
    is every state side by side, in the cell's order, instead of the one that is its output.
    Raises ValueError for missing sizes or sources that do not fit.
    """
    key = json.dumps(trace.to_json(), sort_keys=True)
    items = None if sources is None else tuple((name, tuple(map(tuple, s))) for name, s in sources.items())
    return _compile(key, tuple(sizes.items()), dtype, items, lookup, every, _Carrier(trace))


class _Carrier:
    """Takes the trace past the cache's key."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Carrier)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=256)
def _compile(
    key: str, sizes: tuple[tuple[str, int], ...], dtype: str, sources: Any, lookup: bool, every: bool, carrier: _Carrier
) -> Program:
    return Program(carrier.trace, dict(sizes), dtype, None if sources is None else dict(sources), lookup, every)


def _lengths(lengths: Array | None) -> Array | None:
    if lengths is None:
        return None
    values = np.asarray(lengths)
    if values.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, got {values.dtype}")
    return np.ascontiguousarray(values, np.int64)


def _empty(shape: tuple[int, ...], dtype: str) -> Array:
    """An uninitialised array; a large one in memory that earlier results have left."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return _engine.block(size).view(dtype).reshape(shape) if size >= LARGE else np.empty(shape, dtype)


def _array_shapes(shapes: Mapping[str, tuple[int, ...]], sources: Sources) -> list[tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        if name not in sources:
            raise ValueError(f"no source for parameter {name}")
        for array, first in sources[name]:
            rows = max(first + shape[0], found.get(array, (0,))[0])
            if array in found and found[array][1:] != shape[1:]:
                raise ValueError(f"array {array} is given two widths, by {name} and before")
            found[array] = (rows, *shape[1:])
    if sorted(found) != list(range(len(found))):
        raise ValueError(f"sources must number the arrays 0, 1, ..., got {sorted(found)}")
    return [found[i] for i in range(len(found))]


def _spec(name: str, plan: Plan, shapes: Any, sources: Sources, arrays: list[tuple[int, ...]]) -> dict[str, Any]:
    """The plan as the plain lists the bindings read."""

    def place(p: Place) -> tuple[int, int, int]:
        return (p.space, p.index, p.width)

    def product(p: Product) -> tuple[Any, ...]:
        return ("product", place(p.target), p.start, [(place(a), pack) for a, pack in p.segments])

    def sweep(p: Pass) -> tuple[Any, ...]:
        phases = [
            product(f) if isinstance(f, Product) else ("tile", f.instructions, f.temporaries) for f in p.phases
        ]  # fmt: skip
        return (p.width, [product(h) for h in p.hoisted], phases)

    return {
        "name": name,
        "input_width": plan.input_width,
        "state_widths": plan.state_widths,
        "output_state": plan.output_state,
        "every": plan.every,
        "parameters": [
            (rows, columns, list(sources[n])) for n, (rows, columns) in zip(shapes, plan.parameters, strict=True)
        ],
        "arrays": [(shape[0], shape[1] if len(shape) == 2 else 0) for shape in arrays],
        "constants": plan.constants,
        "places": [place(p) for p in plan.places],
        "packs": plan.packs,
        "biases": plan.biases,
        "inference": sweep(plan.inference),
        "training": sweep(plan.training),
        "backward": sweep(plan.backward),
        "summed": plan.summed,
        "weights": plan.weights,
        "vectors": plan.vectors,
        "input_products": [product(p) for p in plan.input_products],
        "input_elementwise": plan.input_elementwise,
    }
