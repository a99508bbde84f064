"""Every cell of the catalogue against its formula written a second time, by hand, or another library's layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from throughtime import engine
from throughtime.cells import CATALOGUE, make
from throughtime.recurrence import Recurrence
from throughtime.recurrence.evaluate import sequence

Arrays = dict[str, np.ndarray]
Step = Callable[[Arrays, np.ndarray, list[np.ndarray]], list[np.ndarray]]
SIZES = {"I": 5, "H": 5, "P": 3}


def sigma(a: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-a))


def gate(p: Arrays, name: str, x: np.ndarray, h: np.ndarray, peephole: Any = 0.0) -> np.ndarray:
    """W_x x + W_h h + b + peephole, from one stacked product."""
    both = np.concatenate([p[f"W_x{name}"], p[f"W_h{name}"]], axis=1)
    return np.concatenate([x, h], axis=1) @ both.T + p[f"b_{name}"] + peephole


def peephole(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    h, c = s
    i, f = (sigma(gate(p, g, x, h, c * p[f"p_{g}"])) for g in "if")
    c = f * c + i * np.tanh(gate(p, "c", x, h))
    return [sigma(gate(p, "o", x, h, c * p["p_o"])) * np.tanh(c), c]


def coupled(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    h, c = s
    i = sigma(gate(p, "i", x, h))
    c = c + i * (np.tanh(gate(p, "c", x, h)) - c)
    return [sigma(gate(p, "o", x, h)) * np.tanh(c), c]


def norm(a: np.ndarray, gain: np.ndarray, bias: Any = 0.0) -> np.ndarray:
    given = torch.from_numpy(a), (a.shape[1],), torch.from_numpy(gain)
    return torch.nn.functional.layer_norm(*given).numpy() + bias


def layer_norm_lstm(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    h, c = s
    i, f, o, g = (
        norm(x @ p[f"W_x{n}"].T, p[f"a_x{n}"]) + norm(h @ p[f"W_h{n}"].T, p[f"a_h{n}"], p[f"b_{n}"]) for n in "ifoc"
    )
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return [sigma(o) * np.tanh(norm(c, p["a_c"], p["b_n"])), c]


def layer_norm_gru(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = s
    z, r = (
        sigma(norm(x @ p[f"W_x{n}"].T, p[f"a_x{n}"]) + norm(h @ p[f"W_h{n}"].T, p[f"a_h{n}"], p[f"b_{n}"]))
        for n in "zr"
    )
    kept = r * norm(h @ p["W_hh"].T, p["a_hh"], p["b_h"])
    n = np.tanh(norm(x @ p["W_xh"].T, p["a_xh"], p["b_x"]) + kept)
    return [h + z * (n - h)]


def mgu(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = s
    f = sigma(gate(p, "f", x, h))
    return [h + f * (np.tanh(gate(p, "h", x, f * h)) - h)]


def indrnn(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    return [np.maximum(x @ p["W_xh"].T + s[0] @ np.diag(p["u"]) + p["b_h"], 0.0)]


def sru(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    f, r = (sigma(x @ p[f"W_x{n}"].T + s[1] * p[f"v_{n}"] + p[f"b_{n}"]) for n in "fr")
    proposed = x @ p["W_xc"].T
    c = proposed + f * (s[1] - proposed)
    return [x + r * (c - x), c]


def min_gru(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    z = sigma(x @ p["W_xz"].T + p["b_z"])
    return [s[0] + z * (x @ p["W_xh"].T + p["b_h"] - s[0])]


def min_lstm(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    f, i = (sigma(x @ p[f"W_x{n}"].T + p[f"b_{n}"]) for n in "fi")
    share = f / (f + i)
    return [share * s[0] + (1.0 - share) * (x @ p["W_xh"].T + p["b_h"])]


def slstm(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    """Without the stabiliser, which cancels: the states times exp(m) are the plain ones."""
    h, c, n, m = s
    i, f = np.exp(gate(p, "i", x, h)), sigma(gate(p, "f", x, h))
    plain_c = f * c * np.exp(m) + i * np.tanh(gate(p, "z", x, h))
    plain_n = f * n * np.exp(m) + i
    with np.errstate(divide="ignore"):
        m = np.maximum(np.where(n > 0, np.log(f) + m, -np.inf), np.log(i))
    return [sigma(gate(p, "o", x, h)) * plain_c / plain_n, plain_c / np.exp(m), plain_n / np.exp(m), m]


def rg_lru(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    r, i = sigma(x @ p["W_xa"].T + p["b_a"]), sigma(x @ p["W_xi"].T + p["b_i"])
    a = sigma(p["decay"]) ** (8.0 * r)
    return [a * s[0] + np.sqrt(1.0 - a**2) * i * x]


def gru_d(p: Arrays, x: np.ndarray, s: list[np.ndarray]) -> list[np.ndarray]:
    """As eq. 3 to 14 go, gap by gap: what was seen is taken, the rest is filled in."""
    (x, m, d), (h, last) = np.split(x, 3, axis=1), s
    kept = np.minimum(1.0, np.exp(-d * p["w_gx"] - p["b_gx"]))
    u = m * x + (1.0 - m) * (p["x_mean"] + kept * (last - p["x_mean"]))
    h = h * np.minimum(1.0, np.exp(-(d @ p["W_gh"].T) - p["b_gh"]))
    z, r = (sigma(gate(p, n, u, h) + m @ p[f"V_m{n}"].T) for n in "zr")
    return [h + z * (np.tanh(gate(p, "h", u, r * h) + m @ p["V_mh"].T) - h), last + m * (x - last)]


FORMULAS: dict[str, Step] = {
    "peephole_lstm": peephole,
    "coupled_lstm": coupled,
    "layer_norm_lstm": layer_norm_lstm,
    "layer_norm_gru": layer_norm_gru,
    "mgu": mgu,
    "indrnn": indrnn,
    "sru": sru,
    "min_gru": min_gru,
    "min_lstm": min_lstm,
    "slstm": slstm,
    "rg_lru": rg_lru,
    "gru_d": gru_d,
}
ELSEWHERE = {"rnn", "lstm", "gru", "gru_reset_after", "projected_lstm"}
"""Compared with torch.nn's layers in tests/nn; gru, which torch has not, there and below."""


def test_no_cell_is_left_out() -> None:
    assert FORMULAS.keys() | ELSEWHERE == CATALOGUE.keys()


@pytest.mark.parametrize("name", FORMULAS)
def test_the_cell_is_its_formula(name: str) -> None:
    trace, rng = make(name).trace(), np.random.default_rng(4)
    shapes = trace.shapes(SIZES)
    p = {n: rng.standard_normal(shape) * 0.7 for n, shape in shapes.items()}
    x = 2.0 * rng.standard_normal((12, 3, trace.input_width(SIZES)))
    x[..., SIZES["I"] :] = rng.random(x[..., SIZES["I"] :].shape)  # masks and gaps
    zeros = [np.zeros((3, SIZES[size])) for size in trace.state_sizes.values()]
    states, wanted = zeros, []
    for step in x:
        states = FORMULAS[name](p, step, states)
        wanted.append(states[list(trace.states).index(trace.output)])
    for output, final in (
        sequence(trace, p, x, zeros),
        engine.compile(Recurrence(trace, SIZES), "float64").forward(x, None, list(p.values()))[:2],
    ):
        np.testing.assert_allclose(output, np.stack(wanted), atol=1e-12)
        for one, other in zip(final, states, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_gru_blends_as_printed() -> None:
    trace, rng = make("gru").trace(), np.random.default_rng(1)
    p = {n: rng.standard_normal(shape) for n, shape in trace.shapes(SIZES).items()}
    x, h = rng.standard_normal((2, 5)), rng.standard_normal((2, 5))
    z, r = sigma(gate(p, "z", x, h)), sigma(gate(p, "r", x, h))
    wanted = (1 - z) * h + z * np.tanh(gate(p, "h", x, r * h))
    np.testing.assert_allclose(sequence(trace, p, x[None], [h])[0][0], wanted, atol=1e-13)


def test_the_stabiliser_keeps_large_gates_finite() -> None:
    trace, rng = make("slstm").trace(), np.random.default_rng(2)
    p = {n: 100.0 * rng.standard_normal(shape) for n, shape in trace.shapes(SIZES).items()}
    x = rng.standard_normal((40, 2, SIZES["I"])).astype("float32")
    program = engine.compile(Recurrence(trace, SIZES), "float32")
    output, final, tape = program.forward(x, None, [a.astype("float32") for a in p.values()], training=True)
    d_x, _, gradients = program.backward(tape, x, [a.astype("float32") for a in p.values()], np.ones_like(output), None)
    for value in (output, *final, d_x, *gradients):
        assert np.isfinite(value).all()


def test_a_row_wider_than_a_tile_is_normalised_as_a_whole() -> None:
    trace, rng = make("layer_norm_lstm").trace(), np.random.default_rng(3)
    sizes = {"I": 7, "H": 1300}
    p = {n: rng.standard_normal(shape) * 0.05 for n, shape in trace.shapes(sizes).items()}
    x = rng.standard_normal((2, 3, 7))
    states = [np.zeros((3, 1300))] * 2
    output, _, _ = engine.compile(Recurrence(trace, sizes), "float64").forward(x, None, list(p.values()))
    np.testing.assert_allclose(output, sequence(trace, p, x, states)[0], atol=1e-12)
