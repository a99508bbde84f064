"""output="states": every state of every step, with gradients, over every way a batch may come."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import throughtime.cells as cells
from tests.nn.helpers import assert_gradients, assert_outputs, gradients
from throughtime import engine
from throughtime.nn import Recurrent, reference
from throughtime.recurrence import Recurrence

STEPS, ROWS, WIDTH, HIDDEN = 6, 5, 3, 4
LENGTHS = torch.tensor([6, 3, 0, 5, 1])


def pair(name: str, dtype: torch.dtype = torch.float64, **options: Any) -> tuple[Recurrent, Recurrent, Tensor]:
    """A layer that shows every state, the same one that shows its output, and an input for both."""
    torch.manual_seed(1)
    trace = cells.make(name).trace()
    width = WIDTH if "H" in trace.symbols else HIDDEN
    every, plain = (
        Recurrent(name, width, HIDDEN, {"P": 2}, output=output, seed=0, dtype=dtype, **options)
        for output in ("states", "all")
    )
    return every, plain, torch.randn(STEPS, ROWS, width, dtype=dtype, requires_grad=True)


def steps_of(layer: Recurrent, x: Tensor, lengths: Tensor) -> list[Tensor]:
    """The states (T, B, S_j), zero behind the lengths, from runs of one step each."""
    found: list[list[Tensor]] = [[] for _ in layer.trace.states]
    state = None
    for t in range(len(x)):
        inside = t < lengths
        state = layer(x[t : t + 1], state, inside.long())[1]
        for values, each in zip(found, state, strict=True):
            values.append(torch.where(inside[:, None], each, 0.0))
    return [torch.stack(values) for values in found]


@pytest.mark.parametrize("name", cells.PLAIN)
def test_every_cell_against_single_steps(name: str) -> None:
    every, plain, x = pair(name)
    states, final = every(x, lengths=LENGTHS)
    assert states._fields == tuple(every.trace.states)
    expected = steps_of(plain, x, LENGTHS)
    assert_outputs(states, expected)
    assert_outputs(final, plain(x, lengths=LENGTHS)[1])
    assert torch.equal(getattr(states, every.trace.output), plain(x, lengths=LENGTHS)[0])  # to the bit
    assert_gradients(
        gradients((*states, *final), [x, *every.parameters()]),
        gradients((*expected, *plain(x, lengths=LENGTHS)[1]), [x, *plain.parameters()]),
    )


def test_lstm_against_torchs_own_cell() -> None:
    layer = Recurrent("lstm", WIDTH, HIDDEN, output="states", seed=0)
    theirs = torch.nn.LSTMCell(WIDTH, HIDDEN)
    p = dict(layer.named_parameters())
    with torch.no_grad():
        for there, here in (("weight_ih", "W_x"), ("weight_hh", "W_h"), ("bias_ih", "b_")):
            getattr(theirs, there).copy_(torch.cat([p[f"{here}{gate}"] for gate in "ifco"]))
        theirs.bias_hh.zero_()
    x = torch.randn(STEPS, ROWS, WIDTH)
    states, h, c = layer(x)[0], torch.zeros(ROWS, HIDDEN), torch.zeros(ROWS, HIDDEN)
    for t in range(STEPS):
        h, c = theirs(x[t], (h, c))
        assert_outputs((states.h[t], states.c[t]), (h, c))


@pytest.mark.parametrize("name", ["lstm", "projected_lstm", "slstm"])
def test_the_reference_loop_shows_the_same(name: str) -> None:
    every, _, x = pair(name, reverse=True)
    states, final = every(x, lengths=LENGTHS)
    parameters = {n: getattr(every, n) for n in every.trace.parameters}
    expected = reference.recurrence(every.trace, x, None, parameters, LENGTHS, reverse=True, every=True)
    assert_outputs((torch.cat(tuple(states), -1), *final), (expected[0], *expected[1]))
    wanted = [x, *every.parameters()]
    assert_gradients(gradients((torch.cat(tuple(states), -1), *final), wanted), gradients(expected, wanted))


def test_second_derivatives_go_through_every_state() -> None:
    every, _, x = pair("lstm")

    def loss(x: Tensor) -> Tensor:
        states, _ = every(x)
        return (states.c * states.h).sum()

    assert torch.autograd.gradgradcheck(loss, x[:2, :2].detach().requires_grad_())


@pytest.mark.parametrize("form", ["batch_first", "packed", "alone", "resets", "learned", "zoneout"])
def test_every_form_of_a_batch(form: str) -> None:
    options: dict[str, Any] = {"initial": "learned"} if form == "learned" else {}
    options |= {"zoneout": 0.3} if form == "zoneout" else {}
    every, plain, x = pair("lstm", batch_first=form == "batch_first", **options)
    call: dict[str, Any] = {"lengths": LENGTHS}
    found: Any
    if form == "alone":
        found = every(x[:, 0])[0]
        assert found.c.shape == (STEPS, HIDDEN)
        expected = [each[:, 0] for each in pair("lstm")[0](x)[0]]
    elif form == "packed":
        packed = pack_padded_sequence(x, LENGTHS.clamp(min=1), enforce_sorted=False)
        found = every(packed)[0]
        assert isinstance(found.c, PackedSequence)
        states = every(x, lengths=LENGTHS.clamp(min=1))[0]
        expected = [pack_padded_sequence(s, LENGTHS.clamp(min=1), enforce_sorted=False).data for s in states]
        found = [each.data for each in found]
    elif form == "batch_first":
        found = [each.transpose(0, 1) for each in every(x.transpose(0, 1), lengths=LENGTHS)[0]]
        expected = steps_of(pair("lstm")[1], x, LENGTHS)
    elif form == "resets":
        resets = torch.rand(STEPS, ROWS) < 0.3
        found = every(x, resets=resets)[0]
        state, expected = None, [[], []]
        for t in range(STEPS):
            if state is not None:
                state = state.reset(resets[t].nonzero().flatten())
            state = plain(x[t : t + 1], state)[1]
            for values, each in zip(expected, state, strict=True):
                values.append(each)
        expected = [torch.stack(values) for values in expected]
    else:
        every.eval(), plain.eval()
        found, expected = every(x, **call)[0], steps_of(plain, x, LENGTHS)
    assert_outputs(list(found), list(expected))


def test_rows_and_threads_do_not_change_a_bit() -> None:
    torch.manual_seed(2)
    program = engine.compile(Recurrence(cells.make("lstm").trace(), {"I": 40, "H": 33}), every=True)
    assert program.output_size == 66
    arrays = [torch.randn(shape).numpy() * 0.3 for shape in program.array_shapes]
    x = torch.randn(9, 31, 40).numpy()
    whole = program.forward(x, None, arrays, threads=2)[0]
    for row in (0, 13, 30):
        alone = program.forward(x[:, row : row + 1], None, arrays)[0]
        assert (whole[:, row : row + 1] == alone).all()


def test_compiled_and_per_sample() -> None:
    every, _, x = pair("lstm", torch.float32)
    run = torch.compile(every, fullgraph=True, backend="aot_eager")
    assert_outputs(tuple(run(x)[0]), tuple(every(x)[0]))
    mapped = torch.func.vmap(lambda one: tuple(every(one)[0]))(x.detach().transpose(0, 1))
    assert_outputs([each.transpose(0, 1) for each in mapped], tuple(every(x)[0]))
    with torch.autocast("cpu"):
        assert every(x)[0].c.dtype == torch.bfloat16


def test_no_steps() -> None:
    every, _, x = pair("lstm")
    states, _ = every(x[:0])
    assert [tuple(each.shape) for each in states] == [(0, ROWS, HIDDEN)] * 2


def test_another_word() -> None:
    with pytest.raises(ValueError, match='output must be "all", "last" or "states", got \'every\''):
        Recurrent("lstm", 3, 4, output="every")
