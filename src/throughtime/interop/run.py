"""How each layer runs, over NumPy arrays and the engine: whole sequences, masks, and states that go on.

A value comes with its mask: booleans (B, T), False where a step is left out, or None for none. What is masked is never
read by a recurrence; its state stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from throughtime import engine
from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.layers import Layer, Recurrent

Weights = dict[str, np.ndarray]
Array = np.ndarray


class Value(NamedTuple):
    """An array and its mask."""

    array: Any
    mask: Array | None = None


@dataclass
class Past:
    """What layers keep between the calls of a stream. states: by the layer's name, one array a state, in the order of
    `state_names`; last: what a recurrent layer gave at its last step. Empty at the beginning."""

    states: dict[str, list[Array]] = field(default_factory=dict)
    last: dict[str, Array] = field(default_factory=dict)


class Outcome(NamedTuple):
    """Of a recurrent layer over a sequence: its output (B, T, S) in the order of time, and its last states."""

    output: Array
    states: list[Array]


def recur(
    layer: Recurrent,
    weights: Weights,
    x: Array,
    mask: Array | None,
    initial: Sequence[Array] | None = None,
    before: Array | None = None,
) -> Outcome:
    """A recurrent layer over x (B, T, I). initial: (B, S_j) in the order of `state_names`, None for zeros. before: what
    it gave just before, (B, S), None for the beginning."""
    names = layer.state_names
    if initial is None:
        initial = [np.zeros((len(x), size), x.dtype) for *_, size in names]
    given = {(j, k): np.ascontiguousarray(s, x.dtype) for (j, k, _, _), s in zip(names, initial, strict=True)}
    packed, lengths, ranks = (x, None, None) if mask is None else _packed(x, mask, layer.back)
    below, last = packed, {}
    for j, cell in enumerate(layer.cells):
        program = engine.compile(cell, str(x.dtype))
        arrays = tuple(weights[f"{j}.{name}"] for name in cell.trace.parameters)
        start = tuple(given[j, k] for k in range(len(cell.state_sizes)))
        turned = np.ascontiguousarray(below).transpose(1, 0, 2)
        output, final, _ = program.forward(
            turned, start, arrays, lengths=lengths, reverse=layer.back, batch_first=True, threads=1
        )
        below = output.transpose(1, 0, 2)
        last.update({(j, k): one for k, one in enumerate(final)})
    output = below
    if mask is not None and ranks is not None:
        if before is None:
            top = layer.cells[-1]
            place = list(top.trace.states).index(top.trace.output)
            start_of_top = given[len(layer.cells) - 1, place]
            before = start_of_top if layer.begins else np.zeros_like(start_of_top)
        output = _unpacked(output, mask, ranks, before, layer.zero)
    return Outcome(output, [last[j, k] for j, k, _, _ in names])


def _packed(x: Array, mask: Array, back: bool) -> tuple[Array, Array, Array]:
    """The steps that are not masked, side by side from the start; how many there are; and for each step of the
    original the place of the one whose output it shows, -1 for none."""
    lengths = mask.sum(1)
    order = np.argsort(~mask, axis=1, kind="stable")
    packed = np.take_along_axis(x, order[..., None], 1)
    done = np.cumsum(mask, 1)
    ranks = done - 1
    if back:
        ranks = np.where(mask, done - 1, done)
        ranks = np.where(ranks < lengths[:, None], ranks, -1)
    return packed, lengths.astype(np.int64), ranks


def _unpacked(output: Array, mask: Array, ranks: Array, before: Array, zero: bool) -> Array:
    found = np.take_along_axis(output, np.maximum(ranks, 0)[..., None], 1) if output.shape[1] else output
    found = np.where((ranks < 0)[..., None], before[:, None], found)
    return np.asarray(np.where(mask[..., None], found, found.dtype.type(0)) if zero else found)


def shown(layer: Recurrent, output: Array) -> Array:
    """What a layer passes on of its outputs (B, T, S) in the order of time."""
    if not layer.sequences:
        return output[:, 0] if layer.back else output[:, -1]
    return output[:, ::-1] if layer.back and layer.turned else output


def _recurrent(
    layer: Recurrent, weights: Weights, values: Sequence[Value], name: str, past: Past | None
) -> list[Value]:
    x, mask = values[0]
    if x.ndim != 3:
        raise UserError(f"{name}: expected (B, T, I), got {x.shape}; the model is damaged")
    if layer.time_major:
        x, mask = x.swapaxes(0, 1), None if mask is None else mask.swapaxes(0, 1)
    initial: Sequence[Array] | None = [one.array for one in values[1:]] or None
    before = None
    if past is not None and name in past.states:
        initial, before = past.states[name], past.last[name]
    if not x.shape[1]:
        raise UserError(f"{name}: expected at least one step, got none")
    outcome = recur(layer, weights, x, mask, initial, before)
    if past is not None:
        past.states[name] = outcome.states
        past.last[name] = outcome.output[:, 0] if layer.back else outcome.output[:, -1]
    output = shown(layer, outcome.output)
    if layer.time_major and layer.sequences:
        output = output.swapaxes(0, 1)
    found = [Value(output, values[0].mask if layer.sequences else None)]
    return found + ([Value(one) for one in outcome.states] if layer.states else [])


def _bidirectional(
    layer: kinds.Bidirectional, weights: Weights, values: Sequence[Value], name: str, past: Past | None
) -> list[Value]:
    half = len(values) // 2
    given = {"ahead": [values[0], *values[1 : 1 + half]], "back": [values[0], *values[1 + half :]]}
    found = {}
    for way, one in (("ahead", layer.ahead), ("back", layer.back)):
        own = {key.removeprefix(f"{way}."): value for key, value in weights.items() if key.startswith(f"{way}.")}
        found[way] = _recurrent(one, own, given[way], f"{name}.{way}", past)
    mask = found["ahead"][0].mask
    ahead, back = found["ahead"][0].array, found["back"][0].array
    states = found["ahead"][1:] + found["back"][1:]
    if layer.merge == "none":
        return [Value(ahead, mask), Value(back, mask), *states]
    return [Value(combine(layer.merge, [ahead, back]), mask), *states]


def combine(how: str, arrays: Sequence[Array], axis: int = -1) -> Array:
    """Several arrays as one; see COMBINATIONS."""
    if how == "concat":
        return np.concatenate(arrays, axis)
    if how == "dot":
        return np.asarray(np.einsum("bi,bi->b", arrays[0], arrays[1])[:, None])
    rank = max(one.ndim for one in arrays)
    if any(one.ndim < rank for one in arrays):  # Keras puts the missing axes behind the batch
        arrays = [one.reshape(len(one), *[1] * (rank - one.ndim), *one.shape[1:]) for one in arrays]
    steps: dict[str, Callable[[Array, Array], Array]] = {"mul": np.multiply, "max": np.maximum, "min": np.minimum}
    steps |= {"sub": np.subtract}
    found = arrays[0]
    for one in arrays[1:]:
        found = steps.get(how, np.add)(found, one)
    return np.asarray(found / found.dtype.type(len(arrays)) if how == "ave" else found)


def _merge(layer: kinds.Merge, weights: Weights, values: Sequence[Value], name: str, past: Past | None) -> list[Value]:
    arrays, masks = [one.array for one in values], [one.mask for one in values]
    found = combine(layer.how, arrays, layer.axis)
    return [Value(found, _merged_mask(layer, arrays, masks))]


def _merged_mask(layer: kinds.Merge, arrays: Sequence[Array], masks: Sequence[Array | None]) -> Array | None:
    there = [one for one in masks if one is not None]
    if not there or layer.how == "dot":
        return None
    if layer.how == "concat":
        if layer.axis in (-1, arrays[0].ndim - 1):
            if len(there) < len(masks) and layer.masks == "any":
                return np.ones_like(there[0])  # what has no mask counts as there
        else:
            each = [np.ones(a.shape[:2], bool) if m is None else m for a, m in zip(arrays, masks, strict=True)]
            return np.concatenate(each, layer.axis)
    elif len(there) < len(masks) and layer.masks == "any":
        return None
    found = there[0]
    for one in there[1:]:
        found = found & one if layer.masks == "all" else found | one
    return found


def _embedding(
    layer: kinds.Embedding, weights: Weights, values: Sequence[Value], name: str, past: Past | None
) -> list[Value]:
    tokens = values[0].array
    if tokens.dtype.kind == "f":
        if not (tokens == np.floor(tokens)).all():
            raise UserError(f"{name}: expected numbers of rows, got fractions")
        tokens = tokens.astype(np.int64)
    if tokens.size and (tokens.min() < 0 or tokens.max() >= layer.rows):
        raise UserError(f"{name}: expected rows from 0 to {layer.rows - 1}, got {tokens.min()} to {tokens.max()}")
    mask = tokens != 0 if layer.mask_zero else values[0].mask
    return [Value(weights["table"][tokens], mask)]


def _masking(
    layer: kinds.Masking, weights: Weights, values: Sequence[Value], name: str, past: Past | None
) -> list[Value]:
    x = values[0].array
    there = (x != x.dtype.type(layer.value)).any(-1)
    return [Value(x * there[..., None].astype(x.dtype), there)]


def _pool(layer: kinds.Pool, weights: Weights, values: Sequence[Value], name: str, past: Past | None) -> list[Value]:
    x, mask = values[0]
    if layer.how == "max":
        return [Value(x.max(1, keepdims=layer.kept))]
    if mask is None:
        return [Value(x.mean(1, keepdims=layer.kept, dtype=x.dtype))]
    held = mask[..., None].astype(x.dtype)
    with np.errstate(invalid="ignore"):  # a row without a step has no mean, here as in Keras
        return [Value((x * held).sum(1, keepdims=layer.kept) / held.sum(1, keepdims=layer.kept))]


def _lengths(
    layer: kinds.Lengths, weights: Weights, values: Sequence[Value], name: str, past: Past | None
) -> list[Value]:
    x, steps = values[0].array, np.asarray(values[1].array)
    if steps.size and not (steps.min() >= 0 and steps.max() <= x.shape[1]):
        raise UserError(f"{name}: expected lengths from 0 to {x.shape[1]}, got {steps.min():g} to {steps.max():g}")
    return [Value(x, np.arange(x.shape[1]) < steps[:, None])]


def _last(layer: kinds.Last, weights: Weights, values: Sequence[Value], name: str, past: Past | None) -> list[Value]:
    x, mask = values[0]
    if mask is not None:
        raise UserError(
            f"{name}: the last step of rows of different lengths is not known here; give one length at a time"
        )
    return [Value(x[:, -1])]


def plain(layer: Layer, weights: Weights, x: Array) -> Array:
    """A layer without time and masks over an array."""
    if isinstance(layer, kinds.Dense):
        if x.shape[-1] != layer.inputs:
            raise UserError(f"dense: expected {layer.inputs} values at a place, got {x.shape}")
        with np.errstate(all="ignore"):  # see tasks/text/stream.py
            found = np.matmul(x, weights["W"].T)
        if layer.bias:
            found += weights["b"]
        return np.asarray(layer.f(found))
    if isinstance(layer, kinds.Activation):
        if layer.trained:
            return np.where(x > 0, x, x * weights["slope"])
        return np.asarray(layer.f(x))
    if isinstance(layer, kinds.BatchNorm):
        shape = [1] * x.ndim
        shape[layer.axis] = layer.size
        gain, bias, mean, variance = (weights[n].reshape(shape) for n in ("gain", "bias", "mean", "variance"))
        scale = gain / np.sqrt(variance + variance.dtype.type(layer.epsilon))
        return np.asarray((x - mean) * scale + bias)
    if isinstance(layer, kinds.LayerNorm):
        centred = x - x.mean(-1, keepdims=True)
        variance = np.square(centred).mean(-1, keepdims=True)
        return np.asarray(centred / np.sqrt(variance + x.dtype.type(layer.epsilon)) * weights["gain"] + weights["bias"])
    return _moved(layer, weights, x)


def _moved(layer: Layer, weights: Weights, x: Array) -> Array:
    """A layer that computes nothing."""
    if isinstance(layer, kinds.TimeDistributed):
        inner = plain(layer.layer, weights, x.reshape(-1, *x.shape[2:]))
        return inner.reshape(*x.shape[:2], *inner.shape[1:])
    if isinstance(layer, kinds.Reshape):
        return x.reshape(len(x), *layer.shape)
    if isinstance(layer, kinds.Flatten):
        return x.reshape(len(x), -1)
    if isinstance(layer, kinds.Permute):
        return x.transpose(0, *layer.order)
    if isinstance(layer, kinds.Repeat):
        return np.repeat(x[:, None], layer.steps, 1)
    if isinstance(layer, kinds.Identity | kinds.Unmasked):
        return x
    if isinstance(layer, kinds.Some):
        chosen = x[(slice(None),) * layer.axis + (slice(layer.first, layer.last),)]
        return chosen if layer.kept else chosen.squeeze(layer.axis)
    raise AssertionError(layer.kind)


_OWN: dict[str, Callable[..., list[Value]]] = {
    "recurrent": _recurrent,
    "bidirectional": _bidirectional,
    "merge": _merge,
    "embedding": _embedding,
    "masking": _masking,
    "pool": _pool,
    "lengths": _lengths,
    "last": _last,
}
"""The layers that see masks, states or several values."""


def apply(layer: Layer, weights: Weights, values: Sequence[Value], name: str, past: Past | None = None) -> list[Value]:
    """What a layer makes of its inputs. past: of a stream, changed in place. UserError where shapes do not fit."""
    try:
        if layer.kind in _OWN:
            return _OWN[layer.kind](layer, weights, values, name, past)
        (value,) = values
        return [Value(plain(layer, weights, value.array), None if layer.masked == "dropped" else value.mask)]
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(name) else f"{name}: {error}") from None
    except (ValueError, TypeError) as error:
        shapes = ", ".join(str(getattr(one.array, "shape", "")) for one in values)
        raise UserError(f"{name}: {layer.kind} does not take {shapes} ({str(error).splitlines()[0]})") from None
