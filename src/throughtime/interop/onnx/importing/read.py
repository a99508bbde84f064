"""An ONNX file as a model in memory, arrays kept beside it included. Nothing in it is run or imported."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.storage.folder import on_disk, opened_file, read_file
from throughtime.storage.memory import check_memory

OLDEST_OPSET = 7
MOST_BYTES = (1 << 31) - 1
"""What protobuf can hold, 2 GiB."""
MOST_NODES = 50_000
MOST_DEPTH = 100
"""Functions that call each other."""


def read(path: Path) -> Any:
    """The model of a file, its external data inside, its functions written out; UserError says what is wrong."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise UserError(f"{path}: reading ONNX needs onnx: {needed('interop')}") from None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: an ONNX file has at most 2 GiB; write its arrays as external data")
        content = read_file(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise UserError(f"{path}: it is no ONNX file, or was cut short; write or fetch it anew") from None
    if not model.graph.node or not model.ir_version:
        raise UserError(f"{path}: it is no ONNX file, or holds no graph; write or fetch it anew")
    _check_versions(model, path)
    bring_in(model, path)
    if model.functions:
        from onnx.inliner import inline_local_functions

        _check_functions(model, path)
        try:
            model = inline_local_functions(model)
        except Exception as error:  # what it raises at broken functions is of many types
            raise UserError(f"{path}: its functions cannot be written out ({_line(error)})") from None
    if sum(1 for _ in nodes(model.graph)) > MOST_NODES:
        raise UserError(f"{path}: it has more than {MOST_NODES:,} nodes; too large")
    return model


def _check_functions(model: Any, path: Path) -> None:
    """UserError for functions that call themselves, or that written out would be too many nodes: each may call the next
    one twice."""
    bodies = {(one.domain, one.name, one.overload): one for one in model.functions}
    counts: dict[tuple[str, str, str], int] = {}

    def count(graph: Any, above: frozenset[tuple[str, str, str]]) -> int:
        total = 0
        for node in nodes(graph):
            key = (node.domain, node.op_type, node.overload)
            if key in above or len(above) > MOST_DEPTH:
                raise UserError(f"{path}: its function {node.op_type[:60]!r} calls itself; the file is damaged")
            if key in bodies and key not in counts:
                counts[key] = count(bodies[key], above | {key})
            total = min(total + counts.get(key, 1), MOST_NODES + 1)
        return total

    if count(model.graph, frozenset()) > MOST_NODES:
        raise UserError(f"{path}: with its functions written out it has more than {MOST_NODES:,} nodes; too large")


def opset(model: Any) -> int:
    """The version of the operators; 0 where the file does not tell."""
    return max((int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)


def _check_versions(model: Any, path: Path) -> None:
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if model.ir_version > onnx.IR_VERSION:
        raise UserError(
            f"{path}: its IR version is {model.ir_version}, the onnx installed reads up to {onnx.IR_VERSION}; update it"
        )
    if not OLDEST_OPSET <= opset(model) <= newest:
        raise UserError(f"{path}: expected opset {OLDEST_OPSET} to {newest}, got {opset(model)}; write it in another")


def nodes(graph: Any, depth: int = 0) -> Iterator[Any]:
    """Every node, those inside others included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [*([attribute.g] if attribute.type == attribute.GRAPH else []), *attribute.graphs]:
                if depth < 30:
                    yield from nodes(inner, depth + 1)


def tensors(graph: Any) -> Iterator[Any]:
    """Every array of a graph: initializers, and those of its nodes."""
    yield from graph.initializer
    for node in nodes(graph):
        for attribute in node.attribute:
            if attribute.type == attribute.TENSOR:
                yield attribute.t
            yield from attribute.tensors
            if attribute.type == attribute.GRAPH:
                yield from attribute.g.initializer


def bring_in(model: Any, path: Path) -> None:
    """Read the arrays that lie in other files of the model's folder; UserError for those that lie elsewhere."""
    total, there = 0, dict[Path, int]()
    for tensor in tensors(model.graph):
        if tensor.data_location != tensor.EXTERNAL:
            continue
        where = {one.key: one.value for one in tensor.external_data}
        file = _beside(path, where.get("location", ""), tensor.name)
        try:
            offset, size = int(where.get("offset", 0)), file.stat().st_size
            length = int(where.get("length", size - offset))
        except ValueError:
            raise UserError(f"{path}: where {tensor.name[:60]} lies is no number; the file is damaged") from None
        total += max(length, 0)
        if offset < 0 or length < 0 or offset + length > size:
            raise UserError(f"{file}: expected {length:,} bytes at {offset:,}, it has {size:,}; fetch it anew")
        if total > MOST_BYTES:
            raise UserError(f"{path}: its external data have more than 2 GiB; too large")
        there[file] = on_disk(file.stat())
        check_memory(str(path), total, sum(there.values()))
        with opened_file(file, whole=False) as stream:
            stream.seek(offset)
            tensor.raw_data = stream.read(length)
        tensor.data_location = tensor.DEFAULT
        del tensor.external_data[:]


def _beside(path: Path, location: str, name: str) -> Path:
    """A file in the model's own folder."""
    folder = path.resolve().parent
    plain = location.replace("\\", "/")
    if not location or "\0" in location or os.path.isabs(plain) or ".." in plain.split("/") or ":" in plain:
        raise UserError(f"{path}: {name[:60]} lies outside the file's folder, in {location[:80]!r}; refused")
    file = folder / plain
    if not file.is_file():
        raise UserError(f"{path}: {name[:60]} lies in {location[:80]!r}, which is missing; put it beside the file")
    if not file.resolve().is_relative_to(folder):
        raise UserError(f"{path}: {name[:60]} lies outside the file's folder, in {location[:80]!r}; refused")
    return file


def array(tensor: Any) -> np.ndarray:
    """The values of a tensor; UserError where they do not fit its shape."""
    from onnx import numpy_helper

    name = tensor.name[:60] or "a constant"
    if any(n < 0 for n in tensor.dims) or math.prod(tensor.dims) > MOST_BYTES:
        raise UserError(f"{name}: its shape is {list(tensor.dims)[:8]}; the file is damaged")
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:  # what it raises at damaged tensors is of many types
        raise UserError(f"{name}: its values do not fit its shape ({_line(error)}); the file is damaged") from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:150]
