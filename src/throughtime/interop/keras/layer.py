"""Each of Keras's layers as one of ours, with its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from throughtime.interop import layers as kinds
from throughtime.interop.keras import recurrent
from throughtime.interop.keras.config import LayerConfig, activation_layer, is_operation
from throughtime.interop.keras.recurrent import Weights
from throughtime.interop.keras.weights import RECURRENT, cells_of
from throughtime.interop.layers import Layer

Made = tuple[Layer, Weights]
Arrays = Sequence[np.ndarray]

IDENTITIES: tuple[str, ...] = (
    "Dropout",
    "SpatialDropout1D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
)
IDENTITIES += ("Identity",)

_OPERATIONS = ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Softmax", "Concatenate")
"""The operations of Keras 3 that are what the layers of these names are; others bear a layer's name alone."""


def convert(layer: LayerConfig, arrays: Arrays) -> Made:
    """A layer and its parameters; UserError names what is not known here, and where it stands."""
    check_dtype(layer)
    if layer.cls in IDENTITIES:
        return kinds.Identity(), {}
    if layer.cls in RECURRENT:
        return _recurrent(layer, arrays)
    if is_operation(layer) and layer.cls not in _OPERATIONS:
        raise layer.error(f"the operation {layer.cls[:60]} of keras.ops is not known here; replace it by a layer")
    f = activation_layer(layer)
    if f is not None:
        return kinds.Activation(f), {}
    maker = _MAKERS.get(layer.cls)
    if maker is None:
        why = " it is code of its own, which is never run;" if layer.cls in ("Lambda", "TFOpLambda") else ""
        raise layer.error(f"this layer is not known here;{why} take it out, and put what it does around the model")
    return maker(layer, arrays)


def check_dtype(layer: LayerConfig) -> None:
    """UserError where a layer computes in a type that has other results."""
    value = layer.get("dtype")
    if isinstance(value, dict):
        inside = value.get("config")
        value = inside.get("name") if isinstance(inside, dict) else value.get("class_name")
    if value not in (None, "float32", "float64", "int32", "int64", "uint8", "bool", "int8", "int16"):
        raise layer.error(f"it computes in {str(value)[:40]!r}, expected float32; save it with that")


def _recurrent(layer: LayerConfig, arrays: Arrays) -> Made:
    cells = cells_of(layer) if layer.cls == "RNN" else [layer]
    found: list[Any] = []
    weights: Weights = {}
    left = list(arrays)
    for j, cell in enumerate(cells):
        count = 3 if recurrent.units(cell) and cell.flag("use_bias", otherwise=True) else 2
        if len(cells) == 1:
            count = len(left)
        made, own = recurrent.convert(cell, left[:count])
        left = left[count:]
        found.append(made)
        weights |= recurrent.named(own, f"{j}.")
    if left:
        raise layer.error(f"the file has {len(left)} arrays more than its cells; damaged")
    stacked = layer.get("cell")
    inside = stacked.get("config") if isinstance(stacked, dict) else None
    reverse = bool(inside.get("reverse_state_order")) if isinstance(inside, dict) else False
    if layer.cls == "RNN" and len(cells) > 1 and layer.writer.major == 2 and layer.writer.version < (2, 2, 3):
        reverse = True  # before 2.2.3 there was no such choice
    writer = layer.writer
    begins = writer.backend == "tensorflow" and (2,) <= writer.version < (2, 3) and not writer.text.endswith("-tf")
    made_layer = kinds.Recurrent(
        cells=tuple(found),
        back=layer.flag("go_backwards"),
        sequences=layer.flag("return_sequences"),
        turned=True,
        states=layer.flag("return_state"),
        stateful=layer.flag("stateful"),
        zero=layer.flag("zero_output_for_mask"),
        time_major=layer.flag("time_major"),
        last_first=reverse,
        begins=begins and not layer.flag("unroll"),
    )
    return made_layer, weights


def _bidirectional(layer: LayerConfig, arrays: Arrays) -> Made:
    ahead = layer.inner()
    if ahead.cls not in RECURRENT:
        raise layer.error(f"expected a recurrent layer in it, got {ahead.cls[:60]}; this layer is not known here")
    back = layer.inner("backward_layer") if isinstance(layer.get("backward_layer"), dict) else None
    half = len(arrays) // 2
    if 2 * half != len(arrays):
        raise layer.error(f"expected as many arrays for both directions, got {len(arrays)} in all; damaged")
    first, own = _recurrent(ahead, arrays[:half])
    second, others = _recurrent(back or ahead, arrays[half:])
    assert isinstance(first, kinds.Recurrent)
    assert isinstance(second, kinds.Recurrent)
    if back is None:
        second = second.replaced(back=not first.back)
    writer = layer.writer
    if (writer.version >= (2, 4) and writer.major == 2) or writer.text.endswith("-tf"):
        # tf.keras overrules the layers' own option (tf_keras/src/layers/rnn/bidirectional.py)
        first, second = first.replaced(zero=first.sequences), second.replaced(zero=second.sequences)
    merge = layer.get("merge_mode", otherwise="concat")
    merges = {"concat": "concat", "sum": "sum", "mul": "mul", "ave": "ave", None: "none"}
    if merge not in merges:
        raise layer.error(f"expected merge_mode as concat, sum, mul, ave or null, got {merge!r}")
    if first.back or not second.back:
        raise layer.error("its first direction reads from the end; exchange the two")
    # the second direction's sequence is turned back into the order of time
    found = kinds.Bidirectional(first, second.replaced(turned=False), merges[merge])
    return found, recurrent.named(own, "ahead.") | recurrent.named(others, "back.")


def _dense(layer: LayerConfig, arrays: Arrays) -> Made:
    bias = layer.flag("use_bias", "bias", otherwise=True)
    units = layer.size("units", "output_dim")
    right = len(arrays) == 1 + bias and arrays[0].ndim == 2 and arrays[0].shape[1] == units
    if not right or (bias and arrays[1].shape != (units,)):
        raise layer.error(
            f"expected a kernel for {units} units, got {', '.join(str(a.shape) for a in arrays) or 'none'}"
        )
    f = layer.activation("activation", otherwise="linear")
    weights = {"W": np.ascontiguousarray(arrays[0].T)} | ({"b": arrays[1]} if bias else {})
    return kinds.Dense(int(arrays[0].shape[0]), units, bias, f), weights


def _embedding(layer: LayerConfig, arrays: Arrays) -> Made:
    size = (layer.size("input_dim"), layer.size("output_dim"))
    if len(arrays) != 1 or arrays[0].shape != size:
        raise layer.error(f"expected a table {size}, got {', '.join(str(a.shape) for a in arrays) or 'none'}")
    return kinds.Embedding(*size, layer.flag("mask_zero")), {"table": arrays[0]}


def _masking(layer: LayerConfig, arrays: Arrays) -> Made:
    return kinds.Masking(layer.number("mask_value", otherwise=0.0)), {}


def _batch_norm(layer: LayerConfig, arrays: Arrays) -> Made:
    if layer.get("mode", otherwise=0) != 0:
        raise layer.error(f"its mode {layer.get('mode')!r} normalises by what is in a batch; only mode 0 is known here")
    names = [n for n, has in (("gain", layer.flag("scale", otherwise=True)),) if has]
    names += ["bias"] if layer.flag("center", otherwise=True) else []
    names += ["mean", "variance"]
    if len(arrays) != len(names) or any(a.ndim != 1 or a.shape != arrays[0].shape for a in arrays):
        raise layer.error(f"expected {len(names)} vectors of one size, got {', '.join(str(a.shape) for a in arrays)}")
    weights = dict(zip(names, arrays, strict=True))
    like = weights["mean"]
    weights.setdefault("gain", np.ones_like(like))
    weights.setdefault("bias", np.zeros_like(like))
    axis = layer.get("axis", otherwise=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if type(axis) is not int:
        raise layer.error(f"expected one axis, got {axis!r}")
    return kinds.BatchNorm(len(like), axis, layer.number("epsilon", otherwise=1e-3)), weights


def _layer_norm(layer: LayerConfig, arrays: Arrays) -> Made:
    if layer.get("axis", otherwise=-1) not in (-1, [-1], [2], 2) or layer.flag("rms_scaling"):
        raise layer.error("only normalisation over the last axis is known here")
    names = ["gain"] if layer.flag("scale", otherwise=True) else []
    names += ["bias"] if layer.flag("center", otherwise=True) else []
    if not names or len(arrays) != len(names) or any(a.ndim != 1 for a in arrays):
        raise layer.error(f"expected {len(names)} vectors, got {', '.join(str(a.shape) for a in arrays) or 'none'}")
    weights = dict(zip(names, arrays, strict=True))
    weights.setdefault("gain", np.ones_like(arrays[0]))
    weights.setdefault("bias", np.zeros_like(arrays[0]))
    return kinds.LayerNorm(len(arrays[0]), layer.number("epsilon", otherwise=1e-3)), weights


def _prelu(layer: LayerConfig, arrays: Arrays) -> Made:
    if len(arrays) != 1:
        raise layer.error(f"expected one array of slopes, got {len(arrays)}")
    return kinds.Activation(trained=list(arrays[0].shape)), {"slope": arrays[0]}


def _time_distributed(layer: LayerConfig, arrays: Arrays) -> Made:
    inner, weights = convert(layer.inner(), arrays)
    if isinstance(inner, kinds.Recurrent | kinds.Bidirectional | kinds.Embedding):
        raise layer.error(f"a {inner.kind} layer at every step is not known here")
    return kinds.TimeDistributed(inner), weights


def _time_distributed_dense(layer: LayerConfig, arrays: Arrays) -> Made:
    inner, weights = _dense(layer, arrays)
    return kinds.TimeDistributed(inner), weights


def _shape(layer: LayerConfig, name: str) -> list[Any]:
    value = layer.get(name)
    if not isinstance(value, list):
        raise layer.error(f"expected {name} as a list, got {value!r}")
    return [-1 if one is None else one for one in value]


def _reshape(layer: LayerConfig, arrays: Arrays) -> Made:
    return kinds.Reshape(_shape(layer, "target_shape")), {}


def _flatten(layer: LayerConfig, arrays: Arrays) -> Made:
    if layer.get("data_format", otherwise="channels_last") != "channels_last":
        raise layer.error("expected data_format as channels_last")
    return kinds.Flatten(), {}


def _permute(layer: LayerConfig, arrays: Arrays) -> Made:
    return kinds.Permute(_shape(layer, "dims")), {}


def _repeat(layer: LayerConfig, arrays: Arrays) -> Made:
    return kinds.Repeat(layer.size("n")), {}


def _pool(how: str) -> Callable[[LayerConfig, Arrays], Made]:
    def make(layer: LayerConfig, arrays: Arrays) -> Made:
        if layer.get("data_format", otherwise="channels_last") != "channels_last":
            raise layer.error("expected data_format as channels_last")
        return kinds.Pool(how, layer.flag("keepdims")), {}

    return make


def _merge(how: str) -> Callable[[LayerConfig, Arrays], Made]:
    def make(layer: LayerConfig, arrays: Arrays) -> Made:
        axis = layer.get("axis", otherwise=-1)
        if type(axis) is not int:
            raise layer.error(f"expected axis as a number, got {axis!r}")
        return kinds.Merge(how, axis, "any" if layer.writer.major >= 3 else "all"), {}

    return make


def _old_merge(layer: LayerConfig, arrays: Arrays) -> Made:
    mode = layer.get("mode", otherwise="sum")
    if mode not in ("sum", "mul", "concat", "ave", "max") or layer.get("layers"):
        raise layer.error(f"a merge of mode {str(mode)[:40]!r} is not known here")
    axis = layer.get("concat_axis", otherwise=-1)
    if type(axis) is not int:
        raise layer.error(f"expected concat_axis as a number, got {axis!r}")
    return kinds.Merge(mode, axis), {}


_MAKERS: dict[str, Callable[[LayerConfig, Arrays], Made]] = {
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Embedding": _embedding,
    "Masking": _masking,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "PReLU": _prelu,
    "TimeDistributed": _time_distributed,
    "TimeDistributedDense": _time_distributed_dense,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Permute": _permute,
    "RepeatVector": _repeat,
    "GlobalMaxPooling1D": _pool("max"),
    "GlobalAveragePooling1D": _pool("ave"),
    "Concatenate": _merge("concat"),
    "Add": _merge("sum"),
    "Subtract": _merge("sub"),
    "Multiply": _merge("mul"),
    "Average": _merge("ave"),
    "Maximum": _merge("max"),
    "Minimum": _merge("min"),
    "Merge": _old_merge,
}
"""The layers that are known, besides the recurrent ones and those that are functions."""
