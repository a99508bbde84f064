"""A file or folder that Keras wrote: its model's config, its arrays, and what wrote it."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from throughtime.errors import UserError
from throughtime.interop.keras.bundle import Bundle
from throughtime.interop.keras.config import LayerConfig, Writer, all_layers, layer_config, plain
from throughtime.interop.keras.hdf5 import opened
from throughtime.interop.keras.protobuf import number, parts, text
from throughtime.interop.keras.weights import Arrays, legacy, modern, saved
from throughtime.options import Json
from throughtime.storage.archive import check_packing
from throughtime.storage.folder import check_file, opened_file, read_file, read_json
from throughtime.storage.memory import check_memory

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


@dataclass(frozen=True)
class Source:
    """A model of Keras as it was found. model: its config. arrays: of each layer. left: what did not travel."""

    model: LayerConfig
    arrays: Arrays
    writer: Writer
    left: list[str] = field(default_factory=list)


def read(path: Path, config: Path | None = None) -> Source:
    """A .h5, .hdf5, .keras or .weights.h5 file, or a SavedModel's folder. config: the model as JSON, where the file
    holds weights only. UserError says what is missing or damaged."""
    if path.is_dir():
        return _saved_model(path, config)
    if not path.exists():
        raise UserError(f"{path}: there is no such file; check the path")
    with opened_file(path) as file:
        head = file.read(4)
    return _zipped(path, config) if head == b"PK\x03\x04" else _hdf5(path, config)


def _hdf5(path: Path, config: Path | None) -> Source:
    with opened(path, str(path)) as store:
        raw = store.text("", "model_config")
        root = "model_weights" if store.has("model_weights") else ""
        version = store.text("", "keras_version") or store.text(root, "keras_version")
        backend = store.text("", "backend") or store.text(root, "backend")
        found = _json(raw, f"{path}: model_config") if raw is not None else None
        if config is not None:
            found = read_json(config)
        if found is None:
            layers = store.texts(root, "layer_names") or store.names("layers")
            listed = f" of the layers {', '.join(layers[:6])}" if layers else ""
            raise UserError(
                f"{path}: it holds weights only{listed}, and not what is done with them; give the model's JSON, which "
                "model.to_json() writes, with --config"
            )
        writer = _writer(found, version, backend)
        model = layer_config(plain(_unwrapped(found)), str(path), writer)
        left = ["optimizer state"] if store.has("optimizer_weights") or store.has("optimizer") else []
        is_modern = store.attribute(root, "layer_names") is None and any(
            store.has(one) for one in ("layers", "_layer_checkpoint_dependencies")
        )
        arrays = modern(store, model) if is_modern else legacy(store, root, model)
    return Source(model, arrays, writer, left + _left(model))


def _unwrapped(raw: Json) -> Json:
    """The config of a model in a dump that has it one level deeper."""
    return raw["model_config"] if isinstance(raw, dict) and "model_config" in raw else raw


def _writer(raw: Json, version: str | None, backend: str | None) -> Writer:
    """What wrote a file: as it says, or as its config does, or as its way of writing shows."""
    inside = raw if isinstance(raw, dict) else {}
    found = version or inside.get("keras_version")
    if not isinstance(found, str):
        said = json.dumps(raw)[:200_000]
        found = "1" if '"output_dim"' in said and '"units"' not in said and '"embeddings_' not in said else None
        modern = '"registered_name"' in said and '"batch_input_shape"' not in said
        if found is None and ('"batch_shape"' in said or modern):
            found = "3"
    other = inside.get("backend")
    return Writer.of(found, backend or (other if isinstance(other, str) else None))


def _left(model: LayerConfig) -> list[str]:
    """What a model had that is not needed to run it."""
    names = ("Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout")
    return ["dropout"] if any(one.cls in names for one in all_layers(model)) else []


def _json(content: str | bytes, who: str) -> Json:
    try:
        return json.loads(content)
    except RecursionError:
        raise UserError(f"{who}: it is nested too deeply; damaged") from None
    except ValueError as error:
        raise UserError(f"{who}: expected JSON, {error}; damaged") from None


def _zipped(path: Path, config: Path | None) -> Source:
    size = check_file(path).st_size
    try:
        with zipfile.ZipFile(io.BytesIO(read_file(path))) as archive:
            inside = {one.filename: one for one in archive.infolist()}
            others = [name for name in inside if name.endswith(".keras")]
            if _CONFIG not in inside and len(others) == 1:
                return _archive(io.BytesIO(_member(archive, others[0], path, size)), path, size, config)
        return _archive(io.BytesIO(read_file(path)), path, size, config)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UserError(f"{path}: expected a .keras file, {str(error)[:200]}; it is damaged") from None


def _member(archive: zipfile.ZipFile, name: str, path: Path, size: int) -> bytes:
    """A file in an archive; UserError where it would become too large."""
    about = archive.getinfo(name)
    check_packing(about)
    check_memory(f"{path}: {name[:80]}", about.file_size, size)
    with archive.open(about) as file:
        content = file.read(about.file_size + 1)
    if len(content) > about.file_size:
        raise UserError(f"{path}: {name[:80]} is larger than it says; the file is damaged")
    return content


def _archive(data: io.BytesIO, path: Path, size: int, config: Path | None) -> Source:
    with zipfile.ZipFile(data) as archive:
        names = archive.namelist()
        if _CONFIG not in names or _WEIGHTS not in names:
            what = "sharded weights" if any("weights" in name for name in names) else f"no {_CONFIG} or {_WEIGHTS}"
            raise UserError(f"{path}: expected a .keras file of one piece, it has {what}; save it anew with Keras")
        raw = _json(_member(archive, _CONFIG, path, size), f"{path}: {_CONFIG}")
        about = _json(_member(archive, _METADATA, path, size), f"{path}: {_METADATA}") if _METADATA in names else {}
        content = _member(archive, _WEIGHTS, path, size)
    version = about.get("keras_version") if isinstance(about, dict) else None
    if config is not None:
        raw = read_json(config)
    writer = _writer(raw, version if isinstance(version, str) else None, None)
    model = layer_config(plain(raw), str(path), writer)
    with opened(io.BytesIO(content), f"{path}: {_WEIGHTS}") as store:
        arrays = modern(store, model)
        left = ["optimizer state"] if store.has("optimizer") else []
    return Source(model, arrays, writer, left + _left(model))


def _saved_model(path: Path, config: Path | None) -> Source:
    raw = read_json(config) if config is not None else _metadata(path)
    writer = _writer(raw, None, "tensorflow")
    model = layer_config(plain(_unwrapped(raw)), str(path), writer)
    bundle = Bundle(path / "variables")
    left = ["optimizer state"] if any("OPTIMIZER_SLOT" in key or "optimizer" in key for key in bundle.entries) else []
    return Source(model, saved(bundle, model), writer, left + _left(model))


def _metadata(path: Path) -> Json:
    """What a SavedModel says of its Keras model: in keras_metadata.pb since TensorFlow 2.5, before in saved_model.pb
    (saved_metadata.proto; saved_object_graph.proto)."""
    own = path / "keras_metadata.pb"
    try:
        if own.is_file():
            content = read_file(own)
            if not content:
                raise UserError(f"{own}: it is empty, so the layers are not known; give the model's JSON with --config")
            for node in parts(content, 1):
                if number(node, 2) == 0 and text(node, 4).startswith("_tf_keras"):
                    return _json(text(node, 5), str(own))
        else:
            content = read_file(path / "saved_model.pb")
            for graph in parts(content, 2):
                for objects in parts(graph, 7):
                    nodes = parts(objects, 1)
                    user = parts(nodes[0], 4) if nodes else []
                    if user and text(user[0], 1).startswith("_tf_keras"):
                        return _json(text(user[0], 3), str(path / "saved_model.pb"))
    except OSError as error:
        raise UserError(f"{path}: no SavedModel, {error.strerror or error}; expected saved_model.pb in it") from None
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None
    raise UserError(
        f"{path}: the SavedModel does not say its layers, only a graph; give the model's JSON with --config"
    )
