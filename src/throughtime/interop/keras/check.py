"""A model as a .keras or .h5 file, written only where it comes back as the same model."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.interop import layers as kinds
from throughtime.interop.convert import convert
from throughtime.interop.keras.weights import snake
from throughtime.interop.keras.write import Made, Writer
from throughtime.interop.model import ImportedModel, Place
from throughtime.interop.parity import SINGLE, difference, trials
from throughtime.options import Json
from throughtime.storage.folder import passing_folder, write_atomically

STEPS = (1, 2, 7, 40)
VERSION, OLD_VERSION = "3.0.0", "2.15.0"
"""The Kerases whose formats are written."""


def write(model: ImportedModel, file: Path) -> dict[str, Json]:
    """Write FILE, .keras (Keras 3) or .h5 (Keras 2; Keras 3 reads it too); what was found. UserError where Keras has no
    such layer, and where it does not come back."""
    if file.suffix.lower() not in (".keras", ".h5", ".hdf5"):
        raise UserError(f"{file}: expected a name that ends with .keras or .h5")
    if model.dtype != "float32":
        raise UserError(f"{file}: the model computes in {model.dtype}, Keras in float32; import it as float32 first")
    try:
        import h5py  # noqa: F401
    except ImportError:
        raise UserError(f"{file}: writing HDF5 needs h5py: {needed('interop')}") from None
    modern = file.suffix.lower() == ".keras"
    layers, left = _made(model, modern)
    content = _zipped(model, layers) if modern else _hdf5(model, layers)
    error = _error(model, content, ".keras" if modern else ".h5", file)
    if not error <= SINGLE:
        raise UserError(
            f"{file}: it comes back with a difference of {error:.2g}; nothing was written, please report this"
        )
    write_atomically(file, content)
    found: dict[str, Json] = {"error": error, "bytes": len(content), "layers": len(layers)}
    return found | ({"left": "; ".join(left)} if left else {})


def _made(model: ImportedModel, modern: bool) -> tuple[dict[int, tuple[str, Made]], list[str]]:
    """The layers by their numbers, with names that Keras takes; and what does not travel."""
    graph, writer = model.graph, Writer(modern, model.graph.masked)
    found: dict[int, tuple[str, Made]] = {}
    names: set[str] = set()
    for number, (layer, name) in enumerate(zip(graph.layers, graph.names, strict=True)):
        own = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).strip("_.-")[:80] or "layer"
        own = own if own not in names else f"{own}_{number}"
        while own in names:
            own += "_"
        names.add(own)
        if isinstance(layer, kinds.Input):
            if not layer.shape or None in layer.shape[1:]:
                raise UserError(f"{name}: Keras wants all sizes of an input but its length, got {layer.shape}")
            found[number] = own, Made("InputLayer", {})
        else:
            found[number] = own, writer.make(layer, model.layer_weights(number), name)
    return found, [made.left for _, made in found.values() if made.left]


def _configs(model: ImportedModel, layers: dict[int, tuple[str, Made]], modern: bool) -> dict[str, Json]:
    """The config of the functional model."""
    graph = model.graph
    calls: dict[int, list[Json]] = {number: [] for number in layers}
    places: list[tuple[str, int]] = []

    def tensor(place: Place) -> Json:
        name, call = places[place[0]]
        history = [name, call, place[1]]
        if not modern:
            return [*history, {}]
        about = {"shape": [None], "dtype": "float32", "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": about}

    for node in graph.nodes:
        name, made = layers[node.layer]
        places.append((name, len(calls[node.layer]) if made.cls != "InputLayer" else 0))
        if made.cls == "InputLayer":
            continue
        given = [tensor(place) for place in node.inputs]
        if not modern:
            calls[node.layer].append(given)
        elif isinstance(graph.layers[node.layer], kinds.Merge):
            calls[node.layer].append({"args": [given], "kwargs": {}})
        else:
            states = {"initial_state": given[1:]} if len(given) > 1 else {}
            calls[node.layer].append({"args": given[:1], "kwargs": states})
    rows = [_row(model, number, *layers[number], calls[number], modern) for number in layers]
    ends = [[*places[n], v] for n, v in graph.outputs]
    starts = [[layers[graph.nodes[n].layer][0], 0, 0] for n in graph.inputs]
    return {"name": "model", "trainable": True, "layers": rows, "input_layers": starts, "output_layers": ends}


def _row(model: ImportedModel, number: int, name: str, made: Made, calls: list[Json], modern: bool) -> Json:
    layer, values = model.graph.layers[number], {"name": name, "trainable": True, "dtype": "float32", **made.values}
    if isinstance(layer, kinds.Input):
        shape = [None, *layer.shape]
        values = {"name": name, "dtype": "int32" if layer.tokens else "float32", "sparse": False}
        values["batch_shape" if modern else "batch_input_shape"] = shape
    row: dict[str, Json] = {"class_name": made.cls, "config": values, "name": name, "inbound_nodes": calls}
    return row | ({"module": "keras.layers", "registered_name": None} if modern else {})


def _zipped(model: ImportedModel, layers: dict[int, tuple[str, Made]]) -> bytes:
    import h5py

    inner = io.BytesIO()
    used: dict[str, int] = {}
    with h5py.File(inner, "w") as file:
        file.create_group("vars")
        for name, made in layers.values():
            base = snake(made.cls)
            used[base] = used.get(base, -1) + 1
            group = file.create_group(f"layers/{base}_{used[base]}" if used[base] else f"layers/{base}")
            group.require_group("vars").attrs["name"] = name
            for part, arrays in made.parts.items():
                place = group.require_group(f"{part}/vars" if part else "vars")
                for k, array in enumerate(arrays):
                    place.create_dataset(str(k), data=np.ascontiguousarray(array, np.float32))
    config = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": _configs(model, layers, True),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in (
            ("metadata.json", json.dumps({"keras_version": VERSION, "date_saved": "2024-01-01@00:00:00"}).encode()),
            ("config.json", json.dumps({**config, "registered_name": "Functional"}).encode()),
            ("model.weights.h5", inner.getvalue()),
        ):
            archive.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def _hdf5(model: ImportedModel, layers: dict[int, tuple[str, Made]]) -> bytes:
    import h5py

    buffer = io.BytesIO()
    config = {"class_name": "Functional", "config": _configs(model, layers, False)}
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        root = file.create_group("model_weights")
        for place in (file, root):
            place.attrs["keras_version"], place.attrs["backend"] = OLD_VERSION, "tensorflow"
        _texts(root, "layer_names", [name for name, _ in layers.values()])
        for name, made in layers.values():
            group = root.create_group(name)
            names = [f"{name}/{k}:0" for k in range(len(made.arrays))]
            _texts(group, "weight_names", names)
            for path, array in zip(names, made.arrays, strict=True):
                group.create_dataset(path, data=np.ascontiguousarray(array, np.float32))
    return buffer.getvalue()


def _texts(group: Any, name: str, values: Sequence[str]) -> None:
    """An attribute that is a list; in pieces where it would be more than HDF5 holds in one, as Keras does."""
    rows = [value.encode() for value in values]
    pieces = [rows[k : k + 200] for k in range(0, len(rows), 200)]
    for k, piece in enumerate(pieces if len(pieces) > 1 else []):
        group.attrs[f"{name}{k}"] = np.array(piece)
    if len(pieces) <= 1:
        group.attrs[name] = np.array(rows) if rows else np.array([], "S1")


def _error(model: ImportedModel, content: bytes, suffix: str, file: Path) -> float:
    """How much the file's model differs from ours once it is read again, by the reader that is proven against Keras's
    own files, and how far it is from Keras's equations."""
    with passing_folder() as folder:
        place = folder / f"model{suffix}"
        place.write_bytes(content)
        try:
            conversion = convert(place)
        except UserError as error:
            words = str(error).replace(str(place), str(file))
            raise UserError(f"{words}; nothing was written, please report this model") from None
    if not conversion.proof().good:
        return math.inf
    worst = 0.0
    for trial in trials(model, 3, STEPS):
        ours, theirs = model.predict(*trial.inputs), conversion.model.predict(*trial.inputs)
        each = (ours, theirs) if isinstance(ours, list) else ([ours], [theirs])
        for a, b in zip(*each, strict=True):
            error_ = difference(b, a)
            worst = math.inf if math.isnan(error_) else max(worst, error_)
    return worst
