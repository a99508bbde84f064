"""Where a layer's arrays lie: in the HDF5 of Keras 1 and 2, in that of Keras 3, and in a SavedModel."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.keras.bundle import OBJECTS, Bundle, Object, objects
from throughtime.interop.keras.config import LayerConfig, inner_layers, is_model, layer_config, repeated_model
from throughtime.interop.keras.hdf5 import Store
from throughtime.options import Json

Arrays = dict[str, list[np.ndarray]]
"""Layer -> its arrays in Keras's order; layers inside models are "outer/inner"."""

_NUMBER = re.compile(r"[0-9]{1,6}")
"""What numbers the arrays and cells of a layer."""

RECURRENT = ("SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU", "RNN")
WITH_WEIGHTS: tuple[str, ...] = (
    *RECURRENT,
    "Bidirectional",
    "TimeDistributed",
    "TimeDistributedDense",
    "Dense",
    "Embedding",
)
WITH_WEIGHTS += ("BatchNormalization", "LayerNormalization", "PReLU")


def legacy(store: Store, root: str, model: LayerConfig) -> Arrays:
    """Of HDF5 as Keras 1 and 2 write it, and Keras 3 still does: groups by layer, which say their arrays in order."""
    listed = store.texts(root, "layer_names")
    if listed is None:
        if store.has(f"{root}/layer_0"):
            raise UserError(f"{store.who}: it is of Keras 0, before there were layer names; save it with Keras 1 first")
        raise UserError(f"{store.who}: it says no layer_names; the file holds no weights of Keras")
    names = {name: store.texts(f"{root}/{name}", "weight_names") or [] for name in listed}
    layers = inner_layers(model)
    there = [name for name in listed if names[name]]
    wanted = [one for one in layers if one.name in names] if all(_known(one, names) for one in layers) else None
    if wanted is None:  # names that differ from run to run: the order says it, as in Keras itself
        with_weights = [one for one in layers if is_model(one) or one.cls in WITH_WEIGHTS]
        if len(with_weights) != len(there):
            missing = [one.name for one in with_weights if one.name not in names]
            raise UserError(
                f"{store.who}: the model has {len(with_weights)} layers with weights, the file {len(there)}; "
                f"missing: {', '.join(missing[:5]) or 'none by name'}"
            )
        pairs = list(zip(with_weights, there, strict=True))
    else:
        pairs = [(one, one.name) for one in wanted]
    found: Arrays = {}
    for layer, name in pairs:
        arrays = [store.array(f"{root}/{name}/{path}") for path in names[name]]
        inner = layer if is_model(layer) else repeated_model(layer)
        if inner is not None:
            found.update(_split(inner, names[name], arrays))
        else:
            found[layer.name] = arrays
    return found


def _known(layer: LayerConfig, names: dict[str, list[str]]) -> bool:
    return layer.name in names or not (is_model(layer) or layer.cls in WITH_WEIGHTS)


def _split(model: LayerConfig, names: Sequence[str], arrays: Sequence[np.ndarray]) -> Arrays:
    """The arrays of a model among layers, which stand in one list: all that are trained first, then all that are not,
    each in the order of the layers."""
    found: Arrays = {}
    kept = [i for i, name in enumerate(names) if not re.search(r"moving_|running_", name)]
    fixed = [i for i in range(len(names)) if i not in kept]
    layers = [one for one in _flat(model, f"{model.name}/") if one.cls in WITH_WEIGHTS]
    taken = 0
    for layer in layers:
        count = _count(layer, names, kept[taken:])
        own = [arrays[i] for i in kept[taken : taken + count]]
        taken += count
        if layer.cls == "BatchNormalization":
            own += [arrays[i] for i in fixed[:2]]
            fixed = fixed[2:]
        found[layer.name] = own
    if taken != len(kept) or fixed:
        raise model.error(f"its {len(arrays)} arrays do not fit its layers; damaged, or of another model")
    return found


def _flat(model: LayerConfig, prefix: str) -> list[LayerConfig]:
    found: list[LayerConfig] = []
    for layer in inner_layers(model, prefix):
        found += _flat(layer, f"{layer.name}/") if is_model(layer) else [layer]
    return found


def _count(layer: LayerConfig, names: Sequence[str], left: Sequence[int]) -> int:
    """How many trained arrays a layer has: those whose names begin alike."""
    own = layer.name.rpartition("/")[2]
    start = [i for i in left if own in re.split(r"[/:]|_[WUb](?:_|:|$)|_(?:gamma|beta)", names[i])]
    if start:
        return len(start)
    by_class = {"Embedding": 1, "Dense": 2 if layer.flag("use_bias", "bias", otherwise=True) else 1}
    if layer.cls in by_class:
        return by_class[layer.cls]
    raise layer.error("its arrays cannot be told from those of other layers; save the inner model by itself")


def _arrays(store: Store, path: str) -> list[np.ndarray] | None:
    """The arrays of a group "vars", by their numbers; None where there is none."""
    there = store.names(f"{path}/vars")
    if not store.has(f"{path}/vars"):
        return None
    numbers = sorted(int(name) for name in there if _NUMBER.fullmatch(name))
    return [store.array(f"{path}/vars/{i}") for i in numbers]


def snake(cls: str) -> str:
    """Keras's names of groups: "SimpleRNN" -> "simple_rnn"."""
    name = re.sub(r"\W+", "", cls)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def modern(store: Store, model: LayerConfig, root: str = "", prefix: str = "") -> Arrays:
    """Of the HDF5 in a .keras file, or of a .weights.h5: groups by class and number."""
    place = next((p for p in ("layers", "_layer_checkpoint_dependencies") if store.has(f"{root}/{p}")), None)
    layers = inner_layers(model, prefix)
    if place is None:
        if any(one.cls in WITH_WEIGHTS or is_model(one) for one in layers):
            raise UserError(f"{store.who}: {root or 'it'} holds no layers; the file is incomplete")
        return {}
    found: Arrays = {}
    used: dict[str, int] = {}
    for layer in layers:
        base = snake(layer.cls)
        used[base] = used.get(base, -1) + 1
        group = base if not used[base] else f"{base}_{used[base]}"
        path = f"{root}/{place}/{group}"
        if is_model(layer):
            found.update(modern(store, layer, path, f"{layer.name}/"))
        elif (inner := repeated_model(layer)) is not None:
            found.update(modern(store, inner, f"{path}/layer", f"{inner.name}/"))
        elif layer.cls in WITH_WEIGHTS:
            found[layer.name] = _modern_layer(store, layer, path)
    return found


def _modern_layer(store: Store, layer: LayerConfig, path: str) -> list[np.ndarray]:
    def first(*paths: str) -> list[np.ndarray]:
        for one in paths:
            arrays = _arrays(store, f"{path}/{one}" if one else path)
            if arrays:
                return arrays
        return []

    if layer.cls == "Bidirectional":
        ahead = first("forward_layer/cell", "layer/cell", "forward_layer")
        back = first("backward_layer/cell", "backward_layer")
        found = ahead + back
    elif layer.cls == "TimeDistributed":
        found = first("layer", "")
    elif layer.cls in RECURRENT:
        found = first("cell", "")
        if not found:
            names = store.names(f"{path}/cell/cells")
            order = sorted(names, key=lambda n: _place(layer, n))
            found = [one for name in order for one in first(f"cell/cells/{name}")]
    else:
        found = first("")
    if not found:
        raise layer.error(f"there are no arrays at {path}; the file is incomplete")
    return found


def _place(layer: LayerConfig, group: str) -> int:
    """Which of the stacked cells a group is: they are numbered by class."""
    used: dict[str, int] = {}
    for number, cell in enumerate(cells_of(layer)):
        base = snake(cell.cls)
        used[base] = used.get(base, -1) + 1
        if group == (base if not used[base] else f"{base}_{used[base]}"):
            return number
    return 1 << 20


def cells_of(layer: LayerConfig) -> list[LayerConfig]:
    """The cells of an RNN, bottom first."""
    cell = layer.get("cell")
    rows: Json
    if isinstance(cell, list):
        rows = cell
    elif isinstance(cell, dict) and cell.get("class_name") == "StackedRNNCells":
        inside = cell.get("config")
        rows = inside.get("cells") if isinstance(inside, dict) else None
    else:
        return [layer.inner("cell")]
    if not isinstance(rows, list) or not 0 < len(rows) <= 100:
        raise layer.error("expected a list of cells; the config is damaged")
    return [layer_config(row, layer.own, layer.writer, f"{layer.name}/") for row in rows]


_PARTS = {
    "Embedding": ("embeddings",),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "LayerNormalization": ("gamma", "beta"),
    "PReLU": ("alpha",),
}
_USUAL = ("kernel", "recurrent_kernel", "bias")


def saved(bundle: Bundle, model: LayerConfig) -> Arrays:
    """Of a SavedModel, by its object graph; whatever the variables are called there, its nodes say where each lies."""
    nodes = objects(bundle.text(OBJECTS))
    if not nodes:
        raise UserError(f"{model.own}: its bundle of variables has no object graph; the SavedModel is incomplete")
    return _saved_model(bundle, nodes, 0, model, "")


def _saved_model(bundle: Bundle, nodes: Sequence[Object], root: int, model: LayerConfig, prefix: str) -> Arrays:
    found: Arrays = {}
    children = _node(nodes, root, model).children
    wanted = [one for one in inner_layers(model, prefix) if one.cls in WITH_WEIGHTS or is_model(one)]
    for number, layer in enumerate(wanted):
        child = children.get(f"layer_with_weights-{number}")
        if child is None:
            raise layer.error("the SavedModel has no such layer with weights; it is incomplete")
        if is_model(layer):
            found.update(_saved_model(bundle, nodes, child, layer, f"{layer.name}/"))
        else:
            found[layer.name] = _saved_layer(bundle, nodes, child, layer)
    return found


def _node(nodes: Sequence[Object], number: int, layer: LayerConfig) -> Object:
    if not 0 <= number < len(nodes):
        raise layer.error("the SavedModel's object graph is damaged")
    return nodes[number]


def _saved_layer(bundle: Bundle, nodes: Sequence[Object], at: int, layer: LayerConfig) -> list[np.ndarray]:
    def down(node: int, *names: str) -> int | None:
        here: int | None = node
        for name in names:
            here = None if here is None else _node(nodes, here, layer).children.get(name)
        return here

    def arrays(node: int | None, names: Sequence[str]) -> list[np.ndarray]:
        found = []
        for name in names:
            child = None if node is None else down(node, name)
            if child is not None and (key := _node(nodes, child, layer).variable):
                found.append(bundle.array(key))
        return found

    def cell(node: int | None) -> list[np.ndarray]:
        if node is None:
            raise layer.error("the SavedModel has not all of its parts; it is incomplete")
        inside = down(node, "cell")
        inside = node if inside is None else inside
        stacked = down(inside, "cells")
        if stacked is None:
            return arrays(inside, _USUAL)
        several = sorted((n for n in _node(nodes, stacked, layer).children if _NUMBER.fullmatch(n)), key=int)
        return [one for n in several for one in arrays(down(stacked, n), _USUAL)]

    handlers: dict[str, Callable[[], list[np.ndarray]]] = {
        "Bidirectional": lambda: cell(down(at, "forward_layer")) + cell(down(at, "backward_layer")),
        "TimeDistributed": lambda: arrays(down(at, "layer"), _PARTS.get(layer.inner().cls, _USUAL)),
    }
    if layer.cls in RECURRENT:
        return cell(at)
    return handlers[layer.cls]() if layer.cls in handlers else arrays(at, _PARTS.get(layer.cls, _USUAL))
