"""From a file of another framework to a model of ours, with its proof."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.conversion import Conversion
from throughtime.interop.model import ImportedModel
from throughtime.interop.parity import Parity
from throughtime.interop.run import Value
from throughtime.storage.archive import check_archive
from throughtime.storage.folder import on_disk, opened_file


def load(
    path: str | PathLike[str], config: str | PathLike[str] | None = None, layers: str | None = None
) -> ImportedModel:
    """A model of another framework, ready to run and to stream; or one that was imported before, from its folder.

    config: the model as JSON, where the file holds weights only. layers: the modules of a state_dict as they run,
    "embed=embedding, rnn=lstm, last, fc=linear".
    Raises UserError where it cannot be read, and where the conversion does not agree with its original.

    Example (not run):
        model = throughtime.interop.load("old.h5")
        model.predict(x), model.stream().feed(step)
    """
    from throughtime.interop import folder

    place = Path(path)
    if (place / "config.json").is_file() and (place / "model.safetensors").is_file():
        return folder.load(place)
    conversion = convert(place, None if config is None else Path(config), layers)
    proven(conversion, place)
    return conversion.model


def proven(conversion: Conversion, path: Path, stored: Sequence[tuple[Any, Any]] = ()) -> Parity:
    """The proof of a conversion; UserError where it fails."""
    found = conversion.proof(stored=stored)
    if not found.good:
        raise UserError(f"{path}: the conversion is {found.verdict}; nothing was written, please report this file")
    return found


def convert(path: Path, config: Path | None = None, layers: str | None = None) -> Conversion:
    """A file or a SavedModel's folder, converted; UserError names what is not known here. Arguments as for load."""
    suffix = path.suffix.lower()
    if not path.exists():
        raise UserError(f"{path}: there is no such file; check the path")
    if suffix in STATE_DICTS:
        return _state_dict(path, config, layers)
    if layers is not None:
        raise UserError(f"{path}: --layers describes a state_dict, {', '.join(STATE_DICTS)}; leave it out")
    if path.is_dir() or suffix in (".h5", ".hdf5", ".keras", ".zip"):
        return _keras(path, config)
    maker = _OTHERS.get(suffix)
    if maker is None:
        known = ".h5, .hdf5, .keras, a SavedModel's folder, " + ", ".join((*STATE_DICTS, *_OTHERS))
        raise UserError(f"{path}: expected one of {known}; name another file")
    return maker(path, config)


def _keras(path: Path, config: Path | None) -> Conversion:
    from throughtime.interop.keras.graph import build
    from throughtime.interop.keras.reference import evaluate
    from throughtime.interop.keras.source import read

    source = read(path, config)
    model, configs = build(source)

    wide: dict[str, list[np.ndarray]] = {}

    def reference(name: str, values: Sequence[Value]) -> list[Value] | None:
        layer = configs.get(name)
        if layer is None:
            return None
        if name not in wide:  # of a table only the rows that are read are converted
            own = source.arrays.get(name, [])
            wide[name] = own if layer.cls == "Embedding" else [np.asarray(one, np.float64) for one in own]
        return evaluate(layer, wide[name], values)

    return Conversion(model, reference)


STATE_DICTS = (".pt", ".pth", ".safetensors")
"""How the names of files with a state_dict of PyTorch end."""


def _state_dict(path: Path, config: Path | None, layers: str | None) -> Conversion:
    from throughtime.interop.pytorch import build, describe, reference, source

    state = source.read(path)
    steps = describe.steps_of(path, state.tensors, config, layers)
    model, made = build.build(path, state, steps)
    return Conversion(model, reference.layer_reference(made), reference.stored(model, steps, state.tensors))


def _onnx(path: Path, config: Path | None) -> Conversion:
    from throughtime.interop.onnx.importing.proof import load as load_onnx

    if config is not None:
        raise UserError(f"{path}: an ONNX file holds its graph, it takes no --config")
    return load_onnx(path)


_OTHERS: dict[str, Callable[[Path, Path | None], Conversion]] = {".onnx": _onnx}
"""Suffix -> what reads such a file."""


def read_stored(path: Path) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Inputs and outputs of calls in a .npz: x0, x1 ... and y0, y1 ... of one call. UserError where it is damaged."""
    try:
        with opened_file(path) as file:
            check_archive(str(path), file, on_disk(os.fstat(file.fileno())))
            with np.load(file, allow_pickle=False) as arrays:
                inputs = [arrays[name] for name in _in_order(arrays.files, "x")]
                outputs = [arrays[name] for name in _in_order(arrays.files, "y")]
    except UserError:
        raise
    except Exception as error:  # what zipfile and NumPy raise at damaged files is of many types
        raise UserError(f"{path}: expected a .npz of arrays, {str(error)[:200]}; it is damaged") from None
    if not inputs:
        raise UserError(f"{path}: expected inputs x0, x1, ... and outputs y0, y1, ..., got no input")
    return [(inputs, outputs)]


def _in_order(names: Sequence[str], letter: str) -> list[str]:
    """The names that begin with a letter, x2 before x10."""
    return sorted((one for one in names if one.startswith(letter)), key=lambda one: (len(one), one))
