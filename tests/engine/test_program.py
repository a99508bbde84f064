"""What a program is made from, when it is made, and what of it is made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throughtime import engine
from throughtime.cells import CATALOGUE, make
from throughtime.engine import program as programs
from throughtime.recurrence import Cell, Matrix, Recurrence, Trace, tanh

SIZES = {"I": 5, "H": 5, "P": 3}


def arrays_of(program: engine.Program, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(shape) * 0.3).astype(program.dtype) for shape in program.array_shapes]


def test_one_program_for_equal_arguments() -> None:
    one = engine.compile(Recurrence(make("gru").trace(), SIZES))
    assert engine.compile(Recurrence(make("gru").trace(), dict(reversed(SIZES.items())))) is one
    assert engine.compile(Recurrence.from_json(one.recurrence.to_json())) is one
    others = [
        engine.compile(Recurrence(make("gru").trace(), SIZES | {"H": 6})),
        engine.compile(one.recurrence, "float64"),
        engine.compile(one.recurrence, lookup=True),
        engine.compile(one.recurrence, every=True),
        engine.compile(one.recurrence, sources={name: ((i, 0),) for i, name in enumerate(one.trace.parameters)}),
    ]
    assert len({id(program) for program in (one, *others)}) == 6


def test_cells_that_differ_in_their_order_alone() -> None:
    """Arrays come in the order of declaration, so two orders are two programs."""

    def trace(*names: str) -> Trace:
        def step(self: Any, x: Any, h: Any) -> Any:
            return tanh(self.A @ x + self.B @ h)

        return type(
            "Mine", (Cell,), {"state": {"h": "I"}, "step": step, **dict.fromkeys(names, Matrix("I", "I"))}
        )().trace()

    x = np.ones((3, 2, 4), "float32")
    outputs = []
    for names in ("AB", "BA"):
        program = engine.compile(Recurrence(trace(*names), {"I": 4}))
        named = dict(zip("AB", arrays_of(program), strict=True))
        outputs.append(program.forward(x, None, [named[name] for name in names])[0])
    np.testing.assert_array_equal(*outputs)


def test_sources_in_any_order_and_form() -> None:
    gru = Recurrence(make("gru").trace(), SIZES)
    where = {name: ((i, 0),) for i, name in enumerate(gru.shapes)}
    one = engine.compile(gru, sources=where)
    assert engine.compile(gru, sources={name: [[i, 0]] for name, ((i, _),) in reversed(where.items())}) is one  # type: ignore[misc]
    assert one.sources is not None
    assert engine.compile(gru, sources=one.sources) is one


def test_a_trace_is_no_recurrence() -> None:
    with pytest.raises(TypeError, match=r"compile: expected a Recurrence\(trace, sizes\), got Trace"):
        engine.compile(make("gru").trace(), SIZES)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_inference_runs_is_all_that_is_made_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    plain = programs.schedule

    def counted(recurrence: Recurrence, hoist: bool, every: bool, training: bool) -> Any:
        made.append(training)
        return plain(recurrence, hoist, every, training)

    monkeypatch.setattr(programs, "schedule", counted)
    program = engine.Program(Recurrence(make(name).trace(), SIZES), "float32", None, False, False)
    arrays = arrays_of(program)
    x = np.ones((4, 3, program.input_size), "float32")
    output, final, tape = program.forward(x, None, arrays)
    program.stepper(arrays).step(x[0, 0])
    program.streams(arrays).join()
    assert made == [False]
    assert tape is None
    for _ in range(2):
        trained, last, tape = program.forward(x, None, arrays, training=True)
        program.backward(tape, x, arrays, np.ones_like(output), None)
    assert made == [False, True]
    np.testing.assert_array_equal(output, trained)
    for one, other in zip(final, last, strict=True):
        np.testing.assert_array_equal(one, other)


class Beside(Cell):
    """Reads two inputs, each through a product: half a table's columns are no table."""

    state = {"h": "H"}
    inputs = {"m": "I"}
    W, V = Matrix("H", "I"), Matrix("H", "I")

    def step(self, x: Any, m: Any, h: Any) -> Any:
        return tanh(self.W @ x + self.V @ m) + h


@pytest.mark.parametrize("cell", [*map(make, CATALOGUE), Beside()], ids=lambda cell: cell.name)
def test_a_table_stands_for_the_input_where_the_whole_program_allows_it(cell: Cell) -> None:
    program = engine.compile(Recurrence(cell.trace(), SIZES), lookup=True)
    assert program.takes_ids == bool(program._compiled(training=True).foldable)
    ids, table = np.zeros((2, 3), np.int64), np.ones((4, program.input_size), "float32")
    if program.takes_ids:
        output, _, _ = program.forward_ids(ids, table, None, arrays_of(program))
        np.testing.assert_array_equal(output, program.forward(table[ids], None, arrays_of(program))[0])
    else:
        with pytest.raises(ValueError, match=f"{cell.name}: this program takes no looked-up input"):
            program.forward_ids(ids, table, None, arrays_of(program))
