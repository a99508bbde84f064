"""A recurrence compiled: whole sequences forward and backward through time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import throughtime.engine._engine as _engine
from throughtime.engine.arrays import Array, empty, integers
from throughtime.engine.spec import FrozenSources, Sources, array_shapes, spec
from throughtime.engine.stepper import Stepper
from throughtime.recurrence import Recurrence, Trace
from throughtime.recurrence.schedule import schedule

if TYPE_CHECKING:
    from throughtime.engine.streams import Streams

Result = tuple[Array, tuple[Array, ...], Any]
"""Output, final states, and a tape or None."""


class _Batch(NamedTuple):
    """How the rows of a call lie in its arrays; each part as the method that takes it says."""

    rows: int
    ids: Array | None = None
    lengths: Array | None = None
    batch_sizes: Array | None = None
    reverse: bool = False


class Program:
    """A recurrence, ready to run. Made by `compile`, whose arguments it bears.

    dtype: "float32" or "float64". state_sizes: (S_0, S_1, ...). output_state: which of them is the output.
    output_size: S, or that of all states side by side where the program was compiled for every one. input_size: of all
    inputs. array_shapes: shapes of the parameter arrays in order. takes_ids: whether `forward_ids` can be called.
    """

    def __init__(
        self, recurrence: Recurrence, dtype: str, sources: FrozenSources | None, lookup: bool, every: bool
    ) -> None:
        if dtype not in ("float32", "float64"):
            raise TypeError(f"{recurrence.name}: the engine computes in float32 or float64, got {dtype}")
        self.recurrence, self.dtype, self.sources, self.lookup, self.every = recurrence, dtype, sources, lookup, every
        self.array_shapes = array_shapes(recurrence.shapes, self._where)
        self._inference, self._training = self._compiled(training=False), None
        self.input_size = recurrence.input_width
        self.state_sizes = recurrence.state_sizes
        self.output_state = list(self.trace.states).index(self.trace.output)
        self.output_size = sum(self.state_sizes) if every else recurrence.output_size
        # a table is multiplied as it is, not a part of its columns
        self.takes_ids = bool(self._inference.foldable) and not self.trace.further
        self._forward = getattr(_engine, f"forward_{dtype}")
        self._backward = getattr(_engine, f"backward_{dtype}")

    @property
    def trace(self) -> Trace:
        """The recurrence's step."""
        return self.recurrence.trace

    @property
    def _where(self) -> Sources:
        if self.sources is None:
            return {name: ((i, 0),) for i, name in enumerate(self.trace.parameters)}
        return dict(self.sources)

    def _for_training(self) -> Any:
        """The program with its training passes, made when they are asked for."""
        if self._training is None:
            self._training = self._compiled(training=True)
        return self._training

    def _compiled(self, training: bool) -> Any:
        """The program in the engine; one for inference alone is there in a fraction of the time."""
        plan = schedule(self.recurrence, self.lookup, self.every, training)
        return _engine.program(spec(self.recurrence, plan, self._where))

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
    ) -> Result:
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
            raise ValueError(f"{self.recurrence.name}: x must be (T, B, I={self.input_size}), got {x.shape}")
        steps, rows = x.shape[:2]
        if batch_first:
            output = empty((rows, steps, self.output_size), self.dtype).transpose(1, 0, 2)
        else:
            output = empty((steps, rows, self.output_size), self.dtype)
        batch = _Batch(rows, None, None if lengths is None else integers("lengths", lengths), None, reverse)
        return self._run(x, batch, initial, arrays, output, training, threads)

    def forward_ids(
        self,
        ids: Array,
        table: Array,
        initial: Sequence[Array | None] | None,
        arrays: Sequence[Array],
        *,
        training: bool = False,
        threads: int = 1,
    ) -> Result:
        """As forward with x = table[ids]: an embedding folded into the recurrence, bit for bit the same output.

        ids: (T, B) int64. table: (V, I), contiguous. Only where `takes_ids`: the cell reads its input through products
        alone. These are computed once per table row instead of once per step; backward returns the table's gradient
        in place of d_x.
        """
        if not self.takes_ids:
            raise ValueError(f"{self.recurrence.name}: this program takes no looked-up input")
        steps, rows = ids.shape
        output = empty((steps, rows, self.output_size), self.dtype)
        return self._run(table, _Batch(rows, ids), initial, arrays, output, training, threads)

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
    ) -> Result:
        """As forward for rows sorted by length and stored step by step: data (N, I), batch_sizes (T,) -> (N, S)."""
        sizes = np.array(batch_sizes, np.int64)  # kept with the tape
        batch = _Batch(int(sizes[0]) if len(sizes) else 0, None, None, sizes, reverse)
        output = empty((data.shape[0], self.output_size), self.dtype)
        return self._run(data, batch, initial, arrays, output, training, threads)

    def _run(
        self,
        x: Array,
        batch: _Batch,
        initial: Sequence[Array | None] | None,
        arrays: Sequence[Array],
        output: Array,
        training: bool,
        threads: int,
    ) -> Result:
        final = tuple(np.empty((batch.rows, size), self.dtype) for size in self.state_sizes)
        program = self._for_training() if training else self._inference
        try:
            rule = (batch.lengths, batch.batch_sizes, batch.reverse)
            record = self._forward(program, (x, batch.ids), initial, arrays, rule, output, final, training, threads)
        except (TypeError, RuntimeError) as error:
            raise self._explain(error, x, *(initial or ()), *arrays) from error
        return output, final, (record, batch) if training else None

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
        record, batch = tape
        d_x = empty(x.shape, self.dtype) if needs_x else None
        d_initial = tuple(np.empty((batch.rows, size), self.dtype) for size in self.state_sizes)
        needs = needs_arrays if needs_arrays is not None else [True] * len(self.array_shapes)
        d_arrays = [
            empty(shape, self.dtype) if needed else None for shape, needed in zip(self.array_shapes, needs, strict=True)
        ]
        try:
            self._backward(
                *(self._for_training(), record, (x, batch.ids), arrays, batch.batch_sizes),
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
        make = getattr(_engine, f"Stepper_{self.dtype}")
        stepper = make(self._inference, arrays, batch, weights or self.dtype)
        return Stepper(stepper, batch, self.state_sizes, self.dtype)

    def streams(self, arrays: Sequence[Array], threads: int = 2, weights: str | None = None) -> Streams:
        """Many independent streams of single steps, stepped as one batch. weights: as for stepper."""
        from throughtime.engine.streams import Streams

        if type(threads) is not int or not 1 <= threads <= 1024:
            raise ValueError(f"{self.recurrence.name}: threads must lie between 1 and 1024, got {threads!r}")
        make = getattr(_engine, f"Streams_{self.dtype}")
        return Streams(make(self._inference, arrays, weights or self.dtype), self.recurrence, self.dtype, threads)

    def _explain(self, error: Exception, *values: Any) -> Exception:
        """A binding's refusal in words: the argument that is no array of the right dtype."""
        name = self.recurrence.name
        for value in values:
            if value is not None and not isinstance(value, np.ndarray):
                return TypeError(f"{name}: expected NumPy arrays, got {type(value).__name__}")
            if value is not None and value.dtype != self.dtype:
                return TypeError(f"{name}: expected {self.dtype} arrays, got {value.dtype}")
        return TypeError(f"{name}: arguments do not fit: {str(error).splitlines()[0]}")


def compile(
    recurrence: Recurrence,
    dtype: str = "float32",
    sources: Sources | FrozenSources | None = None,
    *,
    lookup: bool = False,
    every: bool = False,
) -> Program:
    """A program for a recurrence; the same one for equal arguments.

    sources: parameter name -> ((array number, first row), ...): where the parameter lies in the arrays given to each
    call. A vector may be the sum of several sources (its gradient goes to each) or of none (it is zero). Left out: one
    array per parameter, in the order of trace.parameters. lookup: for forward_ids (a narrow input is otherwise taken
    into the loop, where no table can stand for it). every: the output of a sequence is every state side by side, in the
    cell's order, instead of the one that is its output.
    Raises ValueError for sources that do not fit, TypeError for what is no Recurrence and for another dtype.

    Example:
        >>> import numpy as np
        >>> from throughtime import engine
        >>> from throughtime.cells import make
        >>> from throughtime.recurrence import Recurrence
        >>> program = engine.compile(Recurrence(make("gru").trace(), {"I": 3, "H": 4}))
        >>> arrays = [np.zeros(shape, "float32") for shape in program.array_shapes]
        >>> output, (h,), _ = program.forward(np.zeros((5, 2, 3), "float32"), None, arrays)
        >>> output.shape, h.shape
        ((5, 2, 4), (2, 4))
    """
    if not isinstance(recurrence, Recurrence):
        raise TypeError(f"compile: expected a Recurrence(trace, sizes), got {type(recurrence).__name__}")
    if sources is not None and not isinstance(sources, frozenset):
        sources = frozenset((name, tuple((array, row) for array, row in places)) for name, places in sources.items())
    return _program(recurrence, dtype, sources, lookup, every)


_program = lru_cache(maxsize=256)(Program)
