"""ONNX's nodes as ONNX defines them, from the file's own arrays in float64: what a conversion is held against.

Nothing here is shared with the conversion: gates are taken where ONNX keeps them, step by step, one after the other.
Source: github.com/onnx/onnx, docs/Operators.md, RNN, LSTM, GRU, Gather, MatMul, BatchNormalization.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from throughtime.interop.onnx.importing.cells import Kind
from throughtime.interop.onnx.importing.recurrent import Truth
from throughtime.interop.run import Value

Array = np.ndarray
Step = Callable[[Array, list[Array]], list[Array]]


def _f(kind: Kind, number: int, x: Array) -> Array:
    if kind.clip and number < 2:  # as ONNX Runtime does it: the memory is not clipped
        x = np.clip(x, -kind.clip, kind.clip)
    function = kind.functions[number]
    if function.name == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-x)))
    if function.name == "tanh":
        return np.asarray(np.tanh(x))
    return np.asarray(function(x))


def _step(truth: Truth, d: int) -> Step:
    kind, size = truth.ways[d], truth.r.shape[2]
    w, r, b = (np.asarray(one[d], np.float64) for one in (truth.w, truth.r, truth.b))
    wb, rb = np.split(b, 2)
    if not kind.after:  # two biases that are only ever added are one number in the file's own precision
        wb, rb = np.add(*np.split(truth.b[d], 2)).astype(np.float64), np.zeros_like(rb)
    p = None if truth.p is None else np.split(np.asarray(truth.p[d], np.float64), 3)

    def rnn(x: Array, states: list[Array]) -> list[Array]:
        return [_f(kind, 0, x @ w.T + states[0] @ r.T + wb + rb)]

    def gru(x: Array, states: list[Array]) -> list[Array]:
        (h,) = states
        xz, xr, xh = np.split(x @ w.T + wb, 3, -1)
        hz, hr, hh = np.split(h @ r.T + rb, 3, -1)
        z, reset = _f(kind, 0, xz + hz), _f(kind, 0, xr + hr)
        inner = reset * hh if kind.after else (reset * h) @ r[2 * size :].T + rb[2 * size :]
        return [(1 - z) * _f(kind, 1, xh + inner) + z * h]

    def lstm(x: Array, states: list[Array]) -> list[Array]:
        h, c = states
        i, o, f, n = np.split(x @ w.T + h @ r.T + wb + rb, 4, -1)
        if p is not None:
            i, f = i + p[0] * c, f + p[2] * c
        i = _f(kind, 0, i)
        f = 1 - i if kind.coupled else _f(kind, 0, f)
        c = f * c + i * _f(kind, 1, n)
        if p is not None:
            o = o + p[1] * c
        return [_f(kind, 0, o) * _f(kind, 2, c), c]

    return {"RNN": rnn, "GRU": gru, "LSTM": lstm}[kind.op]


def _way(truth: Truth, d: int, x: Array, mask: Array | None, states: list[Array]) -> tuple[Array, list[Array]]:
    """Outputs (B, T, H) in the order of time and the last states of one direction."""
    step, steps = _step(truth, d), range(x.shape[1])
    found = np.zeros((*x.shape[:2], truth.r.shape[2]))
    for t in reversed(steps) if truth.direction == "reverse" or d else steps:
        after = step(x[:, t], states)
        if mask is not None:
            held = mask[:, t, None]
            found[:, t] = np.where(held, after[0], 0)
            states = [np.where(held, new, old) for new, old in zip(after, states, strict=True)]
        else:
            found[:, t], states = after[0], after
    return found, states


def _recurrent(truth: Truth, values: Sequence[Value]) -> list[Value]:
    x, mask = values[0]
    count, each = len(truth.ways), 2 if truth.ways[0].op == "LSTM" else 1
    states = [one.array for one in values[1:]] or [np.zeros((len(x), truth.r.shape[2]))] * count * each
    outputs, finals = [], []
    for d in range(count):
        output, last = _way(truth, d, x, mask, list(states[d * each : (d + 1) * each]))
        outputs.append(output)
        finals += [Value(one) for one in last]
    return [Value(np.concatenate(outputs, -1), mask), *(finals if truth.finals else [])]


def evaluate(truth: Any, values: Sequence[Value]) -> list[Value] | None:
    """What ONNX makes of float64 inputs; None for what is not defined here."""
    x, mask = values[0]
    if isinstance(truth, Truth):
        return _recurrent(truth, values)
    if truth is None:
        return None
    if truth[0] == "Gather":
        return [Value(np.asarray(np.take(truth[1], x.astype(np.int64), axis=0), np.float64), mask)]
    if truth[0] == "MatMul":
        y = x @ np.asarray(truth[1], np.float64)
        return [Value(y if truth[2] is None else y + np.asarray(truth[2], np.float64), mask)]
    arrays, axis, epsilon = truth[1:]
    shape = [-1 if k == axis else 1 for k in range(x.ndim)]
    gain, bias, mean, variance = (np.asarray(one, np.float64).reshape(shape) for one in arrays)
    return [Value((x - mean) / np.sqrt(variance + epsilon) * gain + bias, mask)]
