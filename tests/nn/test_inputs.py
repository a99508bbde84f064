"""Cells that read more than x: engine, reference loop and a formula in torch, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from throughtime.nn import Recurrent, RecurrentCell, reference
from throughtime.recurrence import Cell, Matrix, Trace, sigmoid, tanh
from throughtime.tasks.text.model import LanguageConfig


class Gated(Cell):
    """Inputs of sizes of their own: one multiplied, one elementwise, one both, one never read."""

    inputs = {"a": "A", "k": "H", "b": "H", "unread": "A"}
    state = {"h": "H"}
    W_xh, W_ah = Matrix("H", "I"), Matrix("H", "A")
    W_bh = W_hh = Matrix("H", "H")

    def step(self, x: Any, a: Any, k: Any, b: Any, unread: Any, h: Any) -> Any:
        n = tanh(self.W_xh @ x + self.W_ah @ a + self.W_bh @ b + self.W_hh @ h)
        return k * h + sigmoid(b) * n


def gated(p: dict[str, Tensor], x: Tensor, a: Tensor, k: Tensor, b: Tensor, h: Tensor) -> Tensor:
    both = torch.cat([x, a, b, h], -1)
    n = torch.tanh(both @ torch.cat([p[f"W_{i}h"] for i in "xabh"], 1).T)
    return k * h + n / (1 + torch.exp(-b))


def gru_d(p: dict[str, Tensor], x: Tensor, m: Tensor, d: Tensor, h: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    fade = torch.exp(-torch.relu(p["w_gx"] * d + p["b_gx"]))
    x = torch.where(m > 0, x, fade * last + (1 - fade) * p["x_mean"])
    last = torch.where(m > 0, x, last)
    h = h * torch.exp(-torch.relu(linear(d, p["W_gh"], p["b_gh"])))
    z, r = (
        torch.sigmoid(linear(x, p[f"W_x{g}"], p[f"b_{g}"]) + linear(h, p[f"W_h{g}"]) + linear(m, p[f"V_m{g}"]))
        for g in "zr"
    )
    n = torch.tanh(linear(x, p["W_xh"], p["b_h"]) + linear(r * h, p["W_hh"]) + linear(m, p["V_mh"]))
    return (1 - z) * h + z * n, last


def module(cell: Any, i: int, **options: Any) -> Recurrent:
    layer = Recurrent(cell, i, 6, {"A": 4}, dtype=torch.float64, seed=0, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64) * 0.5)
    return layer


def gaps(i: int, steps: int = 7, rows: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(i)
    shape = (steps, rows, i)
    values = torch.randn(shape, dtype=torch.float64), torch.rand(shape).double().round(), torch.rand(shape).double() * 3
    return dict(zip("xmd", values, strict=True))


@pytest.mark.parametrize("i", [3, 40])
def test_gru_d_is_its_formula_in_torch(i: int) -> None:
    given = {n: v.requires_grad_(n != "m") for n, v in gaps(i).items()}
    layer = module("gru_d", i)
    p = dict(layer.named_parameters())
    h, last = torch.zeros(3, 6).double(), torch.zeros(3, i).double()
    wanted = []
    for x, m, d in zip(*given.values(), strict=True):
        h, last = gru_d(p, x, m, d, h, last)
        wanted.append(h)
    output, state = layer(given["x"], m=given["m"], d=given["d"])
    torch.testing.assert_close(output, torch.stack(wanted))
    torch.testing.assert_close(state.s, last)
    leaves = [given["x"], given["d"], *p.values()]
    weights = torch.randn_like(output)
    mine = torch.autograd.grad((output * weights).sum() + state.s.sum(), leaves)
    theirs = torch.autograd.grad((torch.stack(wanted) * weights).sum() + last.sum(), leaves)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("i", [3, 40])
@pytest.mark.parametrize("reverse", [False, True])
def test_inputs_of_any_size_against_the_formula_and_the_loop(i: int, reverse: bool) -> None:
    torch.manual_seed(1)
    layer = module(Gated, i, reverse=reverse)
    widths = {"x": i, "a": 4, "k": 6, "b": 6, "unread": 4}
    given = {n: torch.randn(5, 3, w, dtype=torch.float64, requires_grad=True) for n, w in widths.items()}
    lengths = torch.tensor([5, 0, 3])
    output, (final,) = layer(**given, lengths=lengths)
    p = dict(layer.named_parameters())
    loop, (end,) = reference.recurrence(
        layer.trace, torch.cat([*given.values()], -1), None, p, lengths=lengths, reverse=reverse
    )
    h = torch.zeros(6).double()
    for t in reversed(range(3)) if reverse else range(3):
        h = gated(p, *(given[n][t, 2] for n in "xakb"), h)
    torch.testing.assert_close(final[2], h)
    torch.testing.assert_close(output, loop)
    torch.testing.assert_close(final, end)
    leaves, weights = [*given.values(), *p.values()], torch.randn_like(output)
    mine = torch.autograd.grad((output * weights).sum() + final.sum(), leaves)
    theirs = torch.autograd.grad((loop * weights).sum() + end.sum(), leaves)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)
    assert not mine[4].any()


def test_layouts_and_single_steps_agree() -> None:
    given, layer = gaps(3), module("gru_d", 3)
    output, state = layer(**given)
    first = module("gru_d", 3, batch_first=True)
    first.load_state_dict(layer.state_dict())
    torch.testing.assert_close(first(**{n: v.transpose(0, 1) for n, v in given.items()})[0].transpose(0, 1), output)
    packed, _ = layer(**{n: pack_padded_sequence(v, [7, 7, 7]) for n, v in given.items()})
    torch.testing.assert_close(pad_packed_sequence(packed)[0], output)
    torch.testing.assert_close(layer(**{n: v[:, 1] for n, v in given.items()})[0], output[:, 1])
    cell = RecurrentCell("gru_d", 3, 6, dtype=torch.float64)
    cell.load_state_dict(layer.state_dict())
    step = None
    for t in range(7):
        step = cell(given["x"][t], step, m=given["m"][t], d=given["d"][t])
    torch.testing.assert_close(step.h, state.h)


def test_a_trace_with_inputs_survives_json() -> None:
    trace = Gated().trace()
    again = Trace.from_json(trace.to_json())
    assert again.inputs == trace.inputs
    assert list(again.inputs) == ["x", "a", "k", "b", "unread"]
    plain = trace.to_json()
    plain["further"] = {"a": plain["states"]["h"][0]}
    with pytest.raises(ValueError, match="input a is malformed"):
        Trace.from_json(plain)
    plain["further"] = {}
    with pytest.raises(ValueError, match="unknown input"):
        Trace.from_json(plain)


def test_what_is_refused() -> None:
    layer, given = module("gru_d", 3), gaps(3)
    with pytest.raises(TypeError, match="gru_d: takes the inputs m, d beside x, got m"):
        layer(given["x"], m=given["m"])
    with pytest.raises(TypeError, match="lstm: takes no input beside x, got m"):
        module("lstm", 3)(given["x"], m=given["m"])
    with pytest.raises(ValueError, match=r"d must be laid out as x, \(7, 3, I=3\)"):
        layer(given["x"], m=given["m"], d=given["d"][1:])
    with pytest.raises(ValueError, match="gru_d reads m, d beside x"):
        LanguageConfig.stack(9, 8, [layer.trace], 8)

    class Twice(Gated):
        inputs = {"h": "H"}

    with pytest.raises(ValueError, match="the input h needs another name"):
        Twice().trace()
