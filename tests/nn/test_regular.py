"""Zoneout and dropout around any cell: against formulas with the very masks, over every way a batch may come."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import throughtime.cells as cells
from tests.nn.helpers import assert_gradients, assert_outputs, gradients
from throughtime.nn import Recurrent, reference, regular
from throughtime.recurrence.wrap import recurrent_matrices

T, B, I, H = 6, 5, 3, 4  # noqa: E741
EVERYTHING: dict[str, Any] = {
    "zoneout": {"h": 0.3},
    "recurrent_dropout": 0.5,
    "input_dropout": 0.3,
    "weight_dropout": 0.4,
}


class Drawn:
    """Keeps what a layer draws at its next call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chosen: list[Tensor] = []
        self.masks: list[Tensor] = []
        real_chosen, real_mask = regular.chosen, regular.dropout_mask

        def chosen(*args: Any) -> Tensor:
            self.chosen.append(real_chosen(*args))
            return self.chosen[-1]

        def mask(*args: Any) -> Tensor:
            self.masks.append(real_mask(*args))
            return self.masks[-1]

        monkeypatch.setattr(regular, "chosen", chosen)
        monkeypatch.setattr(regular, "dropout_mask", mask)


def layer_of(name: str, **options: Any) -> Recurrent:
    return Recurrent(name, I, H, {"P": 2}, seed=0, dtype=torch.float64, **options)


def test_lstm_with_everything_is_its_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    layer = layer_of("lstm", **(EVERYTHING | {"zoneout": {"h": 0.3, "c": 0.5}}))
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    drawn = Drawn(monkeypatch)
    output, final = layer(x)
    zone_h, zone_c = drawn.chosen
    assert zone_h.shape == zone_c.shape == (T, B, H)
    weights = dict(zip(recurrent_matrices(layer.trace), drawn.masks[:4], strict=True))
    input_mask, state_mask = drawn.masks[4:]
    assert (input_mask.shape, state_mask.shape) == ((B, I), (B, H))  # one for all steps
    p = {n: v * weights.get(n, 1.0) for n, v in layer.named_parameters()}
    h = c = x.new_zeros(B, H)
    outputs = []
    for t in range(T):
        a = {g: (x[t] * input_mask) @ p[f"W_x{g}"].T + (h * state_mask) @ p[f"W_h{g}"].T + p[f"b_{g}"] for g in "ifoc"}
        new = torch.sigmoid(a["f"]) * c + torch.sigmoid(a["i"]) * torch.tanh(a["c"])
        shown = torch.sigmoid(a["o"]) * torch.tanh(new)
        c, h = torch.where(zone_c[t], c, new), torch.where(zone_h[t], h, shown)
        outputs.append(h)
    expected = (torch.stack(outputs), (h, c))
    assert_outputs((output, final), expected)
    wanted = [x, *layer.parameters()]
    assert_gradients(gradients((output, final), wanted), gradients(expected, wanted))


def test_gru_with_dropout_is_its_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(4)
    layer = layer_of("gru", recurrent_dropout=0.5)
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    drawn = Drawn(monkeypatch)
    output, _ = layer(x)
    (mask,) = drawn.masks
    p, h, outputs = dict(layer.named_parameters()), x.new_zeros(B, H), []
    for t in range(T):
        k = h * mask
        z, r = (torch.sigmoid(x[t] @ p[f"W_x{g}"].T + k @ p[f"W_h{g}"].T + p[f"b_{g}"]) for g in "zr")
        n = torch.tanh(x[t] @ p["W_xh"].T + (r * k) @ p["W_hh"].T + p["b_h"])
        h = (1 - z) * h + z * n
        outputs.append(h)
    assert_outputs(output, torch.stack(outputs))
    wanted = [x, *layer.parameters()]
    assert_gradients(gradients(output, wanted), gradients(torch.stack(outputs), wanted))


@pytest.mark.parametrize("name", cells.PLAIN)
def test_every_cell_against_the_reference_loop(name: str) -> None:
    torch.manual_seed(5)
    trace = cells.make(name).trace()
    products = bool(recurrent_matrices(trace))
    shares = {"recurrent_dropout": 0.3, "weight_dropout": 0.2} if products else {}
    width = I if "H" in trace.symbols else H
    layer = Recurrent(name, width, H, {"P": 2}, seed=0, dtype=torch.float64, zoneout=0.25, input_dropout=0.2, **shares)
    assert layer.regular is not None
    x = torch.randn(T, B, width, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([6, 3, 0, 5, 1])
    generator = torch.get_rng_state()
    output, final = layer(x, lengths=lengths)
    torch.set_rng_state(generator)
    arrays = layer.regular.arrays([getattr(layer, n) for n in layer.trace.parameters])
    data = layer.regular.inputs(x, None, 1)
    wrapped = layer.regular.training.trace
    zeros = tuple(x.new_zeros(B, layer.recurrence.sizes[size]) for size in wrapped.state_sizes.values())
    parameters = dict(zip(wrapped.parameters, arrays, strict=True))
    expected = reference.recurrence(wrapped, data, zeros, parameters, lengths)
    assert_outputs((output, final), expected)
    wanted = [x, *layer.parameters()]
    assert_gradients(gradients((output, final), wanted), gradients(expected, wanted))


def test_evaluation_takes_the_expectation() -> None:
    torch.manual_seed(6)
    layer, x = layer_of("gru", **EVERYTHING).eval(), torch.randn(T, B, I, dtype=torch.float64)
    share, p = round(0.3 * 256) / 256, dict(layer.named_parameters())
    h = x.new_zeros(B, H)
    for t in range(T):
        z, r = (torch.sigmoid(x[t] @ p[f"W_x{g}"].T + h @ p[f"W_h{g}"].T + p[f"b_{g}"]) for g in "zr")
        n = torch.tanh(x[t] @ p["W_xh"].T + (r * h) @ p["W_hh"].T + p["b_h"])
        h = share * h + (1 - share) * ((1 - z) * h + z * n)
    generator = torch.get_rng_state()
    assert_outputs(layer(x)[1].h, h)
    assert torch.equal(torch.get_rng_state(), generator)  # nothing is drawn


def test_shares_are_what_they_say() -> None:
    torch.manual_seed(7)
    x = torch.ones(50, 40, I)
    layer = Recurrent("rnn", I, 32, seed=0, zoneout=0.25, recurrent_dropout=0.5)
    assert layer.regular is not None
    data = layer.regular.inputs(x, None, 1)
    dropped, zoned = data[..., I : I + 32], data[..., I + 32 :]
    assert abs(float(zoned.mean()) - 0.25) < 0.01
    assert not torch.equal(zoned[0], zoned[1])
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert abs(float(dropped[0].mean()) - 1.0) < 0.1
    assert torch.equal(dropped[0], dropped[-1])
    assert not torch.equal(dropped[0, 0], dropped[0, 1])
    assert not torch.equal(layer.regular.inputs(x, None, 1), data)  # the next call draws anew


@pytest.mark.parametrize("form", ["batch_first", "packed", "alone", "resets", "last", "reverse", "learned"])
def test_every_form_of_a_batch(form: str) -> None:
    """The masks of the plain call, laid out as the form wants them, give the plain call's numbers."""
    torch.manual_seed(8)
    options: dict[str, Any] = {"zoneout": 0.3, "recurrent_dropout": 0.4, "input_dropout": 0.3}
    kind = {
        "batch_first": form == "batch_first",
        "reverse": form == "reverse",
        "output": "last" if form == "last" else "all",
    }
    layer = layer_of("lstm", initial="learned" if form == "learned" else "zero", **kind, **options)
    assert layer.regular is not None
    lengths = torch.tensor([6, 5, 4, 2, 1])
    x = torch.randn(T, B, I, dtype=torch.float64)
    masks = layer.regular.inputs(torch.ones_like(x), None, 1)
    data = torch.cat([x * masks[..., :I], masks[..., I:]], -1)

    def drawn(given: Tensor, rows: Tensor | None, axis: int) -> Tensor:
        if rows is not None:
            assert torch.equal(rows, torch.cat([torch.arange(int(n)) for n in packed.batch_sizes]))
            return pack_padded_sequence(data, lengths).data
        found = data.transpose(0, 1) if axis == 0 else data
        return found[:, :1] if form == "alone" else found

    plain = copy.deepcopy(layer)
    object.__setattr__(layer.regular, "inputs", drawn)
    object.__setattr__(plain.regular, "inputs", lambda given, rows, axis: data)
    plain.batch_first = False
    packed = pack_padded_sequence(x, lengths)
    resets = torch.rand(T, B) < 0.3
    if form == "packed":
        found, expected = layer(packed)[0].data, pack_padded_sequence(plain(x, lengths=lengths)[0], lengths).data
    elif form == "alone":
        found, expected = layer(x[:, 0])[0], plain(x)[0][:, 0]
    elif form == "resets":
        found = layer(x, lengths=lengths, resets=resets)[0][:, 1]
        pieces, start = [], 0
        for t in [*resets[1:5, 1].nonzero().flatten().add(1).tolist(), 5]:
            part = data[start:t]
            object.__setattr__(plain.regular, "inputs", lambda given, rows, axis, part=part: part)
            pieces.append(plain(x[start:t])[0][:, 1])
            start = t
        found, expected = found[:5], torch.cat(pieces)
    elif form == "batch_first":
        found, expected = layer(x.transpose(0, 1), lengths=lengths)[0].transpose(0, 1), plain(x, lengths=lengths)[0]
    else:
        found, expected = layer(x, lengths=lengths)[0], plain(x, lengths=lengths)[0]
    assert_outputs(found, expected)


def test_a_packed_row_keeps_its_mask() -> None:
    torch.manual_seed(9)
    layer = layer_of("gru", input_dropout=0.5)
    assert layer.regular is not None
    lengths = torch.tensor([2, 6, 4])
    packed = pack_padded_sequence(torch.ones(T, 3, I), lengths, enforce_sorted=False)
    seen: list[Tensor] = []
    real = type(layer.regular).inputs

    def inputs(data: Tensor, rows: Tensor | None, axis: int) -> Tensor:
        seen.append(real(layer.regular, data, rows, axis))  # type: ignore[arg-type]
        return seen[-1]

    object.__setattr__(layer.regular, "inputs", inputs)
    layer.double()(packed._replace(data=packed.data.double()))
    rows = torch.cat([torch.arange(int(n)) for n in packed.batch_sizes])
    for row in range(3):
        mine = seen[0][rows == row]
        assert len(mine) == sorted(lengths.tolist())[::-1][row]
        assert (mine == mine[0]).all()


def test_no_shares_is_the_plain_layer() -> None:
    x = torch.randn(T, B, I)
    plain = Recurrent("lstm", I, H, seed=0)
    layer = Recurrent("lstm", I, H, seed=0, zoneout={"h": 0.0}, recurrent_dropout=0.0)
    assert layer.regular is None
    assert torch.equal(layer(x)[0], plain(x)[0])
    assert list(Recurrent("lstm", I, H, zoneout=0.1).state_dict()) == list(plain.state_dict())


def test_the_seed_repeats_a_call() -> None:
    layer, x = layer_of("lstm", **EVERYTHING), torch.randn(T, B, I, dtype=torch.float64)
    outputs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outputs.append(layer(x)[0])
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("lstm", {"zoneout": 1.0}, "lstm: zoneout of h must be a share, at least 0 and below 1, got 1.0"),
        ("lstm", {"zoneout": {"x": 0.1}}, "lstm: no state 'x', its states are h, c"),
        ("gru", {"recurrent_dropout": -0.1}, "gru: recurrent_dropout must be a share"),
        ("gru", {"input_dropout": True}, "gru: input_dropout must be a share"),
        ("gru", {"weight_dropout": "much"}, "gru: weight_dropout must be a share"),
        ("min_gru", {"weight_dropout": 0.1}, "min_gru: weight_dropout needs a matrix on the state"),
        ("min_gru", {"recurrent_dropout": 0.1}, "min_gru: recurrent dropout needs a matrix product with a state"),
    ],
)
def test_refusals(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Recurrent(name, I, H, **options)


def test_a_compiled_layer_trains_with_masks() -> None:
    torch.manual_seed(10)
    layer, x = Recurrent("gru", I, H, seed=0, **EVERYTHING), torch.randn(T, B, I, requires_grad=True)
    run = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert run(x)[0].shape == (T, B, H)
    gradient = torch.autograd.grad(run(x)[0].sum(), x)[0]
    assert gradient.shape == x.shape
    assert bool((gradient == 0).all(0).any())  # a dropped input of a row gets nothing, at any step


def test_a_compiled_layer_that_is_used_has_no_masks() -> None:
    layer = Recurrent("lstm", I, H, seed=0, zoneout={"h": 0.25, "c": 0.5}).eval()
    x = torch.randn(T, B, I, requires_grad=True)
    run = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert torch.equal(run(x)[0], layer(x)[0])
    assert torch.equal(torch.autograd.grad(run(x)[0].sum(), x)[0], torch.autograd.grad(layer(x)[0].sum(), x)[0])
