"""throughtime run of an imported model: numbers in and out; with its characters, text in and out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.interop.fixtures import calls, model_file
from throughtime import cli
from throughtime.interop import commands, folder
from throughtime.interop import layers as kinds
from throughtime.interop.convert import convert
from throughtime.interop.functions import Function
from throughtime.interop.model import Graph, ImportedModel, Node


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """The folder of a model of three values a step."""
    folder.save(convert(model_file("keras-2.0.9-lstm")).model, tmp_path / "m")
    return tmp_path / "m"


def said(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    assert cli.invoke(["run", *map(str, arguments)]) == status
    found = capsys.readouterr()
    return found.err if status else found.out


def test_numbers(tmp_path: Path, series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, wanted = calls("keras-2.0.9-lstm")[0][0][0], calls("keras-2.0.9-lstm")[0][1]
    np.save(tmp_path / "x.npy", x)
    said(capsys, series, tmp_path / "x.npy", "--out", tmp_path / "y.npy")
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted, rtol=0, atol=1e-5)
    np.savetxt(tmp_path / "x.csv", x[0], delimiter=",", header="a,b,c", comments="")
    rows = [[float(one) for one in line.split(",")] for line in said(capsys, series, tmp_path / "x.csv").splitlines()]
    np.testing.assert_allclose(rows, wanted[0], rtol=0, atol=1e-5)
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps(one.tolist()) for one in x))
    lines = [json.loads(line) for line in said(capsys, series, tmp_path / "x.jsonl").splitlines()]
    np.testing.assert_allclose(lines, wanted, rtol=0, atol=1e-5)


def test_wrong_numbers_are_one_line(tmp_path: Path, series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text, words in (
        ("a.csv", "1,2,3\n4,x,6\n", "a.csv:2: expected numbers, got 'x'"),
        ("a.csv", "1,2\n", "(batch, any, 3), got (1, 1, 2)"),
        ("a.csv", "1,2,3\n4,5\n", "rows of one length"),
        ("a.csv", "", "expected numbers"),
        ("a.jsonl", "[[1,2,3]]\n[[1,", "a.jsonl:2: expected a JSON list"),
        ("a.jsonl", "[[1,2,NaN]]", "finite"),
        ("a.txt", "1", "expected a .csv, .jsonl or .npy"),
        ("a.npy", "1", "it is damaged"),
    ):
        (tmp_path / name).write_text(text)
        assert words in said(capsys, series, tmp_path / name, status=2)
    assert "throughtime run" in said_of("evaluate", series, capsys)


def damaged(file: Path, how: str) -> None:
    """Something that is no array of numbers, under the name of one."""
    if how == "npz":
        with open(file, "wb") as opened:
            np.savez(opened, x=np.zeros((1, 4, 3)))
    elif how == "archive":
        file.write_bytes(b"PK\x03\x04" + b"x" * 99)
    elif how == "header":
        file.write_bytes(b"\x93NUMPY\x01\x00" + (27).to_bytes(2, "little") + b"{'descr': '<f4', 'shape': (" + b"\0" * 9)
    else:
        shape = (0, 4, 3) if how == "empty" else (1, 4, 3)
        np.save(file, np.full(shape, np.nan))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "1,2,3\n\n4,x,6\n", "a.csv:3: expected numbers, got 'x'"),
        ("a.csv", "1,2,3\r4,5,x\r", "a.csv:2: expected numbers, got 'x'"),
        ("a.csv", "1,2,3\n1,2," + "9" * 200_000 + "\n", "a.csv:2: expected numbers (field larger"),
        ("a.jsonl", "[[" + "1" * 5000 + ",2,3]]\n", "a.jsonl:1: expected a JSON list"),
        ("a.npy", "npz", "got several arrays"),
        ("a.npy", "archive", "it is damaged"),
        ("a.npy", "header", "it is damaged"),
        ("a.npy", "empty", "is empty"),
        ("a.npy", "nan", "expected finite numbers"),
    ],
)
def test_damaged_numbers_are_one_line(
    tmp_path: Path, series: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, words: str
) -> None:
    if name == "a.npy":
        damaged(tmp_path / name, content)
    else:
        (tmp_path / name).write_bytes(content.encode())
    found = said(capsys, series, tmp_path / name, status=2)
    assert words in found
    assert found.count("\n") == 1


def said_of(verb: str, place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.invoke([verb, str(place), "x"]) == 2
    return capsys.readouterr().err


def writer(place: Path, tokens: bool, steps: int | None, each: bool) -> Path:
    """The folder of a model whose next character is the one after the last: a, b, c, a, b ... It sees one step."""
    f = Function("softmax")
    first: tuple[kinds.Layer, ...] = (kinds.Embedding(3, 3),) if tokens else (kinds.Identity(),)
    last: tuple[kinds.Layer, ...] = () if each else (kinds.Last(),)
    every = (kinds.Input((steps,) if tokens else (steps, 3), tokens), *first, *last, kinds.Dense(3, 3, False, f))
    nodes = tuple(Node(n, ((n - 1, 0),) if n else ()) for n in range(len(every)))
    graph = Graph(tuple(f"n{n}" for n in range(len(every))), every, nodes, ((len(every) - 1, 0),))
    weights = {f"{len(every) - 1}.W": 20 * np.roll(np.eye(3, dtype="float32"), 1, 0)}
    folder.save(ImportedModel(graph, weights | ({"1.table": np.eye(3, dtype="float32")} if tokens else {})), place)
    (place.parent / "c.json").write_text('{"a": 0, "b": 1, "c": 2}')
    return place


@pytest.mark.parametrize(
    ("tokens", "steps", "each", "more"),
    [(True, None, True, []), (False, None, True, []), (True, 2, False, []), (False, None, False, ["--window", "2"])],
)
def test_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tokens: bool, steps: int | None, each: bool, more: list[str]
) -> None:
    place = writer(tmp_path / "m", tokens, steps, each)
    common = [place, "ab", "--characters", tmp_path / "c.json", "--length", "5", *more]
    assert said(capsys, *common).strip() == "cabca"
    assert said(capsys, *common, "--temperature", "0").strip() == "cabca"
    assert json.loads(said(capsys, *common, "--json")) == {"text": "cabca"}
    hot = [*common, "--temperature", "100", "--length", "40"]
    assert said(capsys, *hot) == said(capsys, *hot) != said(capsys, *hot, "--seed", "1")


def test_wrong_text_is_one_line(tmp_path: Path, series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = writer(tmp_path / "w", True, 2, False)
    file = tmp_path / "c.json"
    assert "got 'x'" in said(capsys, place, "ax", "--characters", file, status=2)
    assert "reads 2 characters at a time" in said(capsys, place, "a", "--characters", file, status=2)
    assert "does not end in chances" in said(capsys, series, "ab", "--characters", file, status=2)
    for text in ("[1]", '{"ab": 1}', '{"a": 1, "b": 1}', '{"a": "1"}', "{}"):
        (tmp_path / "d.json").write_text(text)
        assert "characters and their numbers" in said(
            capsys, place, "ab", "--characters", tmp_path / "d.json", status=2
        )
    (tmp_path / "d.json").write_text('{"\\ud800": 0, "a": 1, "b": 2}')
    assert "half of a surrogate pair" in said(capsys, place, "ab", "--characters", tmp_path / "d.json", status=2)
    for temperature in ("nan", "inf"):
        hot = ["--characters", file, "--temperature", temperature]
        assert "temperature" in said(capsys, place, "ab", *hot, status=2)


def changed(place: Path, weights: dict[str, np.ndarray], last: kinds.Layer | None = None, outputs: int = 1) -> Path:
    """The same folder with other weights, another last layer, or the last output several times."""
    model = folder.load(place)
    graph = model.graph
    layers = graph.layers if last is None else (*graph.layers[:-1], last)
    graph = Graph(graph.names, layers, graph.nodes, graph.outputs * outputs)
    folder.save(ImportedModel(graph, {**model.parameters, **weights}), place)
    return place


def test_what_a_model_cannot_say_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steep = {"2.W": 1000 * np.roll(np.eye(3, dtype="float32"), 1, 0)}
    place = changed(writer(tmp_path / "m", True, None, True), steep)
    (tmp_path / "d.json").write_text('{"a": 0, "b": 1}')
    for temperature in ("0", "1"):
        hot = ["--characters", tmp_path / "d.json", "--temperature", temperature]
        assert "gives no character a chance" in said(capsys, place, "ab", *hot, status=2)
    place = changed(writer(tmp_path / "n", True, None, True), {}, outputs=2)
    assert "several outputs" in said(capsys, place, "ab", "--characters", tmp_path / "c.json", status=2)
    huge = {"1.table": np.full((3, 3), 3e38, "float32"), "2.W": np.full((3, 3), 9, "float32")}
    place = changed(writer(tmp_path / "o", True, None, True), huge, kinds.Dense(3, 3, False, Function("identity")))
    (tmp_path / "x.jsonl").write_text("[0, 1]\n")
    assert "no finite numbers" in said(capsys, place, tmp_path / "x.jsonl", status=2)


def test_characters_of_a_large_vocabulary_take_little_memory() -> None:
    found = commands._encoded([3, 1], 10**6)
    assert found.shape == (2, 10**6)
    assert found.argmax(-1).tolist() == [3, 1]
    assert found.sum() == 2
