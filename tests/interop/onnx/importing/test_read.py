"""ONNX files of a stranger: functions without end, arrays that lie elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from throughtime.errors import UserError
from throughtime.interop.onnx.importing.read import read

onnx = pytest.importorskip("onnx")
helper = onnx.helper
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]


def written(path: Path, nodes: list[object], functions: list[object] = (), arrays: list[object] = ()) -> Path:  # type: ignore[assignment]
    floats = onnx.TensorProto.FLOAT
    x, y = (helper.make_tensor_value_info(name, floats, ["b", 4]) for name in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y], list(arrays))
    model = helper.make_model(graph, functions=list(functions), opset_imports=OPSETS, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def test_functions_that_each_call_the_next_one_twice(tmp_path: Path) -> None:
    functions = []
    for n in range(30):
        twice = [helper.make_node(f"f{n + 1}", [a], [b], domain="own") for a, b in ("ab", "bc")]
        body = twice if n < 29 else [helper.make_node("Relu", ["a"], ["c"])]
        functions.append(helper.make_function("own", f"f{n}", ["a"], ["c"], body, OPSETS))
    file = written(tmp_path / "a.onnx", [helper.make_node("f0", ["x"], ["y"], domain="own")], functions)
    with pytest.raises(UserError, match="with its functions written out it has more than 50,000 nodes"):
        read(file)


def test_a_function_that_calls_itself(tmp_path: Path) -> None:
    body = [helper.make_node("f", ["a"], ["c"], domain="own")]
    functions = [helper.make_function("own", "f", ["a"], ["c"], body, OPSETS)]
    file = written(tmp_path / "a.onnx", [helper.make_node("f", ["x"], ["y"], domain="own")], functions)
    with pytest.raises(UserError, match="its function 'f' calls itself"):
        read(file)


def test_arrays_in_a_sparse_file(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"")
    os.truncate(tmp_path / "w.bin", 1_600_000_000)
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[4, 100_000_000])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    file = written(tmp_path / "a.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], arrays=[tensor])
    with pytest.raises(UserError, match=r"would take 1\.6 GB of memory"):
        read(file)
