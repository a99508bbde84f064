"""The engine under autograd: against the reference, in every way gradients can be asked for."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import throughtime.cells
from tests.nn.helpers import Everything, assert_gradients, assert_outputs, gradients
from throughtime import engine
from throughtime.nn import functional, reference
from throughtime.nn.call import Layer
from throughtime.recurrence import Cell, Recurrence

# steps, batch, input, hidden: one step, one row, odd sizes, one past the vector width, one past a tile
SIZES = [(1, 1, 1, 1), (1, 5, 3, 8), (7, 1, 9, 9), (6, 3, 17, 17), (5, 7, 2, 33), (9, 13, 40, 24)]


class Case:
    """A cell with its arrays and a batch, as leaves of one dtype."""

    def __init__(self, cell: str, sizes: tuple[int, int, int, int], dtype: torch.dtype = torch.float64) -> None:
        steps, batch, inputs, hidden = sizes
        self.trace = throughtime.cells.make(cell).trace()
        named = {"I": inputs, "H": hidden, "P": hidden // 2 + 1}
        self.program = engine.compile(Recurrence(self.trace, named), dtype=str(dtype).removeprefix("torch."))
        drawn = self.trace.initial_parameters(named, np.random.default_rng(0), np.float64)
        self.parameters = {n: torch.tensor(a, dtype=dtype).requires_grad_() for n, a in drawn.items()}
        self.x = torch.randn(steps, batch, inputs, dtype=dtype).requires_grad_()
        widths = [named[size] for size in self.trace.state_sizes.values()]
        self.initial = [torch.randn(batch, width, dtype=dtype).requires_grad_() for width in widths]
        self.leaves = [self.x, *self.initial, *self.parameters.values()]

    def engine(self, lengths: Any = None, reverse: bool = False, x: Any = None) -> Any:
        x = self.x if x is None else x
        return functional.recurrence(self.program, x, self.initial, list(self.parameters.values()), lengths, reverse)

    def reference(self, lengths: Any = None, reverse: bool = False, x: Any = None) -> Any:
        x = self.x if x is None else x
        return reference.recurrence(self.trace, x, self.initial, self.parameters, lengths, reverse)


@pytest.mark.parametrize("cell", throughtime.cells.PLAIN)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_equals_the_reference(cell: str, sizes: Any, reverse: bool, dtype: torch.dtype) -> None:
    case = Case(cell, sizes, dtype)
    for lengths in (None, torch.arange(sizes[1]) * 5 % (sizes[0] + 1)):
        ours, theirs = case.engine(lengths, reverse), case.reference(lengths, reverse)
        assert_outputs(ours, theirs)
        assert_gradients(gradients(ours, case.leaves), gradients(theirs, case.leaves))


def test_runs_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("gru", (3, 2, 2, 3))
    monkeypatch.setattr(reference, "recurrence", None)
    gradients(case.engine(), case.leaves)
    with torch.no_grad():
        case.engine()


@pytest.mark.parametrize("cell", throughtime.cells.PLAIN)
def test_finite_differences(cell: str) -> None:
    case = Case(cell, (3, 2, 2, 3))

    def run(*leaves: Any) -> Any:
        n = 1 + len(case.initial)
        output, final = functional.recurrence(case.program, leaves[0], leaves[1:n], leaves[n:], [3, 1])
        return output, *final

    assert torch.autograd.gradcheck(run, case.leaves)
    assert torch.autograd.gradgradcheck(run, case.leaves, fast_mode=True)


def test_initial_state_made_from_the_input() -> None:
    case = Case("gru", (4, 2, 3, 3))

    def penalty(run: Any) -> Any:
        case.initial = [torch.tanh(case.x[0])]
        output, _ = run()
        (d_x,) = torch.autograd.grad(output.pow(2).sum(), case.x, create_graph=True)
        return torch.autograd.grad(d_x.pow(2).sum(), case.x)

    assert_gradients(penalty(case.engine), penalty(case.reference))


def test_one_output_alone() -> None:
    case = Case("lstm", (4, 3, 2, 5))
    for pick in (lambda r: r[0], lambda r: r[1][0], lambda r: r[1][1]):
        assert_gradients(gradients(pick(case.engine()), case.leaves), gradients(pick(case.reference()), case.leaves))


def test_backward_twice() -> None:
    case = Case("lstm", (4, 3, 2, 5))
    output, _ = case.engine()
    loss = output.sum()
    first = torch.autograd.grad(loss, case.leaves, retain_graph=True)
    second = torch.autograd.grad(loss, case.leaves)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, case.leaves)


def test_two_calls_interleaved() -> None:
    a, b = Case("gru", (4, 3, 2, 5)), Case("gru", (4, 3, 2, 5))
    outputs = a.engine(), b.engine()
    found = gradients(outputs[0], a.leaves), gradients(outputs[1], b.leaves)
    assert_gradients(found[0], gradients(a.reference(), a.leaves))
    assert_gradients(found[1], gradients(b.reference(), b.leaves))


def test_strange_strides() -> None:
    case = Case("lstm", (4, 3, 6, 5))
    wide = torch.randn(3, 6, 8, dtype=torch.float64)
    for x in (
        wide.permute(2, 0, 1)[::2],  # last axis not contiguous
        torch.randn(3, 4, 6, dtype=torch.float64).transpose(0, 1),
        torch.randn(4, 6, dtype=torch.float64)[:, None].expand(4, 3, 6),
        torch.randn(1, dtype=torch.float64).expand(4, 3, 6),
        torch.randn(4, 3, 6, dtype=torch.complex128).conj().imag,
    ):
        x = x.detach().requires_grad_()
        wanted = [x, *case.leaves[1:]]
        ours, theirs = case.engine(x=x), case.reference(x=x)
        assert_outputs(ours, theirs)
        for loss in (
            lambda r: r[0].sum() + r[1][0].sum(),  # expanded gradients
            lambda r: (r[0].permute(2, 1, 0) * torch.arange(4.0, dtype=torch.float64)).sum(),
            lambda r: r[0][-1, 0, 2:].sum(),
        ):
            assert_gradients(torch.autograd.grad(loss(ours), wanted, retain_graph=True, allow_unused=True,
                                                 materialize_grads=True),
                             torch.autograd.grad(loss(theirs), wanted, retain_graph=True, allow_unused=True,
                                                 materialize_grads=True))  # fmt: skip


def test_transposed_weights() -> None:
    case = Case("gru", (4, 3, 5, 5))
    turned = {n: (p.detach().t().requires_grad_() if p.dim() == 2 else p) for n, p in case.parameters.items()}
    ours = functional.recurrence(case.program, case.x, None, list(turned.values()))
    theirs = reference.recurrence(case.trace, case.x, None, turned)
    assert_outputs(ours, theirs)
    assert_gradients(gradients(ours, [*turned.values()]), gradients(theirs, [*turned.values()]))


class Recording:
    """A program that notes what was asked of it."""

    def __init__(self, program: Any) -> None:
        self.program, self.trainings, self.asked = program, [], []

    def forward(self, *args: Any, **options: Any) -> Any:
        self.trainings.append(options["training"])
        return self.program.forward(*args, **options)

    def backward(self, *args: Any, **options: Any) -> Any:
        self.asked.append((options["needs_x"], tuple(options["needs_arrays"])))
        self.given = args[3:5]
        return self.program.backward(*args, **options)


def test_frozen_parts_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("gru", (4, 3, 2, 5))
    expected = dict(zip(case.parameters, gradients(case.reference(), list(case.parameters.values())), strict=True))
    recording = Recording(case.program)
    monkeypatch.setattr(Layer, "program", lambda layer, dtype, lookup: recording)
    case.x.requires_grad_(False)
    for name, parameter in case.parameters.items():
        parameter.requires_grad_(name == "W_hz")
    found = gradients(case.engine(), [case.parameters["W_hz"]])
    assert recording.asked == [(False, tuple(name == "W_hz" for name in case.parameters))]
    assert_gradients(found, [expected["W_hz"]])
    with torch.no_grad():
        case.engine()
    for leaf in case.leaves:
        leaf.requires_grad_(False)
    assert not case.engine()[0].requires_grad
    assert recording.trainings == [True, False, False]


def test_gradients_nobody_has_are_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("lstm", (4, 3, 2, 5))
    recording = Recording(case.program)
    monkeypatch.setattr(Layer, "program", lambda layer, dtype, lookup: recording)
    case.engine()[1][1].sum().backward()
    d_output, (d_h, d_c) = recording.given
    assert d_output is None
    assert d_h is None
    assert d_c.all()
    case.engine()[0].sum().backward()
    assert recording.given[0].all()
    assert recording.given[1] is None


def test_changed_weights_are_noticed() -> None:
    case = Case("gru", (4, 3, 2, 5))
    output, _ = case.engine()
    with torch.no_grad():
        case.parameters["W_hz"].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


def test_output_may_be_overwritten() -> None:
    case = Case("lstm", (4, 3, 2, 5))
    (output, final), (same, _) = case.engine(), case.reference()
    ours, theirs = gradients(output.mul_(3), case.leaves), gradients(same * 3, case.leaves)
    assert_gradients(ours, theirs)
    del final


def test_gradients_share_no_memory() -> None:
    module_sources = {"W_xh": ((0, 0),), "W_hh": ((1, 0),), "b_h": ((2, 0), (3, 0))}
    trace = throughtime.cells.make("rnn").trace()
    program = engine.compile(Recurrence(trace, {"I": 2, "H": 3}), dtype="float64", sources=module_sources)
    arrays = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((3, 2), (3, 3), (3,), (3,))]
    output, _ = functional.recurrence(program, torch.randn(4, 2, 2, dtype=torch.float64), None, arrays)
    output.sum().backward()
    a, b = arrays[2].grad, arrays[3].grad
    assert a is not None
    assert b is not None
    assert torch.equal(a, b)
    assert a.data_ptr() != b.data_ptr()


def test_tape_is_released_by_the_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tape:
        pass

    tapes = []
    case = Case("gru", (4, 3, 2, 5))

    class Program(Recording):
        def forward(self, *args: Any, **options: Any) -> Any:
            output, final, tape = self.program.forward(*args, **options)
            holder = Tape()
            holder.tape = tape  # type: ignore[attr-defined]
            tapes.append(weakref.ref(holder))
            return output, final, holder

        def backward(self, tape: Any, *args: Any, **options: Any) -> Any:
            return self.program.backward(tape.tape, *args, **options)

    recording = Program(case.program)
    monkeypatch.setattr(Layer, "program", lambda layer, dtype, lookup: recording)
    output, _ = case.engine()
    loss = output.sum()
    loss.backward(retain_graph=True)
    gc.collect()
    assert tapes[0]() is not None
    loss.backward()
    gc.collect()
    assert tapes[0]() is None


def test_batched_gradients() -> None:
    case = Case("gru", (3, 2, 2, 3))
    directions = torch.randn(5, 3, 2, 3, dtype=torch.float64)
    ours = torch.autograd.grad(case.engine()[0], case.leaves, directions, is_grads_batched=True)
    theirs = torch.autograd.grad(case.reference()[0], case.leaves, directions, is_grads_batched=True)
    assert_gradients(ours, theirs)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # forward mode's own import
def test_func_transforms_and_forward_mode() -> None:
    case = Case("gru", (3, 2, 2, 3))
    x, tangent = case.x.detach(), torch.randn(3, 2, 2, dtype=torch.float64)
    arrays = [p.detach() for p in case.parameters.values()]

    def loss(x: Any) -> Any:
        return functional.recurrence(case.program, x, None, arrays)[0].pow(2).sum()

    x.requires_grad_()
    (expected,) = torch.autograd.grad(loss(x), x)
    x = x.detach()
    assert_gradients([torch.func.grad(loss)(x)], [expected])
    slope = torch.func.jvp(loss, (x,), (tangent,))[1]
    assert torch.isclose(slope, (expected * tangent).sum())
    rows = torch.func.vmap(lambda row: functional.recurrence(case.program, row[:, None], None, arrays)[0])(
        x.transpose(0, 1)
    )
    assert_outputs(rows[:, :, 0].transpose(0, 1), functional.recurrence(case.program, x, None, arrays)[0])


def test_checkpointing_and_hooks() -> None:
    from torch.utils.checkpoint import checkpoint

    case = Case("gru", (3, 2, 2, 3))
    run = lambda x: case.engine(x=x)[0]  # noqa: E731
    ours = gradients(checkpoint(run, case.x, use_reentrant=False), case.leaves)
    assert_gradients(ours, gradients(case.reference()[0], case.leaves))


def test_empty_batch_and_no_steps() -> None:
    case = Case("gru", (0, 2, 2, 3))
    output, (h,) = case.engine()
    assert output.shape == (0, 2, 3)
    assert torch.equal(h, case.initial[0])
    case = Case("gru", (4, 0, 2, 3))
    output, (h,) = case.engine()
    assert output.shape == (4, 0, 3)
    assert h.shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_other_dtypes(dtype: torch.dtype) -> None:
    case = Case("lstm", (3, 2, 2, 4))
    arrays = [p.detach().to(dtype) for p in case.parameters.values()]
    output, _ = functional.recurrence(case.program, case.x.detach().to(dtype), None, arrays)
    case.initial = [torch.zeros_like(s) for s in case.initial]
    assert output.dtype is dtype
    assert float((output.double() - case.reference()[0]).detach().abs().max()) < 0.05


def test_pickled_without_its_program() -> None:
    case = Case("gru", (3, 2, 2, 3))
    layer = Layer(case.program.recurrence, every=True)
    layer.program(torch.float64)
    copy = pickle.loads(pickle.dumps(layer))
    assert copy == layer
    assert copy.program(torch.float64) is layer.program(torch.float64)
    case.program = pickle.loads(pickle.dumps(Layer(case.program.recurrence)))
    assert_outputs(case.engine(), case.reference())


def test_cell_of_ones_own() -> None:
    cell: Cell = Everything()
    case = Case("gru", (5, 3, 4, 6))
    case.trace = cell.trace()
    case.program = engine.compile(Recurrence(case.trace, {"I": 4, "H": 6}), dtype="float64")
    drawn = case.trace.initial_parameters({"I": 4, "H": 6}, np.random.default_rng(0), np.float64)
    case.parameters = {n: torch.tensor(a).requires_grad_() for n, a in drawn.items()}
    case.initial = [torch.randn(3, 6, dtype=torch.float64).requires_grad_() for _ in range(2)]
    leaves = [case.x, *case.initial, *case.parameters.values()]
    ours, theirs = case.engine([5, 0, 3]), case.reference(torch.tensor([5, 0, 3]))
    assert_outputs(ours, theirs)
    assert_gradients(gradients(ours, leaves), gradients(theirs, leaves))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_a_program_for_every_state_shows_every_state_on_every_path(dtype: torch.dtype) -> None:
    recurrence = Recurrence(throughtime.cells.make("lstm").trace(), {"I": 3, "H": 4})
    program = engine.compile(recurrence, every=True)
    arrays = [torch.randn(shape).to(dtype) for shape in program.array_shapes]
    x, named = torch.randn(5, 2, 3).to(dtype), dict(zip(recurrence.shapes, arrays, strict=True))
    output, final = functional.recurrence(program, x, None, arrays)
    expected = reference.recurrence(recurrence.trace, x, None, named, every=True)
    assert output.shape == (5, 2, 8)
    assert_outputs([v.float() for v in (output, *final)], [v.float() for v in (expected[0], *expected[1])])
    resets = torch.zeros(5, 2, dtype=torch.bool)
    assert torch.equal(functional.recurrence(program, x, None, arrays, resets=resets)[0], output)
    assert functional.recurrence(program, x[:0], None, arrays, resets=resets[:0])[0].shape == (0, 2, 8)


def test_a_program_for_every_state_under_vmap_and_twice_differentiated() -> None:
    lstm = Recurrence(throughtime.cells.make("lstm").trace(), {"I": 3, "H": 4})
    program = engine.compile(lstm, "float64", every=True)
    arrays = [torch.randn(shape, dtype=torch.float64) * 0.3 for shape in program.array_shapes]

    def run(x: Any) -> Any:
        return functional.recurrence(program, x, None, arrays)[0]

    x = torch.randn(5, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.func.vmap(run)(x).shape == (5, 3, 2, 8)
    assert torch.autograd.gradgradcheck(run, x[0, :2].detach().requires_grad_())
