"""A model folder that is incomplete, damaged, foreign or hostile: one row for each way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.damage import CONFIG, EVALUATE, GONE, HISTORY, REPORT, RUN, TOKENIZER, WEIGHTS, Change, at
from throughtime import cli

READ_BY = [(CONFIG, RUN), (CONFIG, EVALUATE), (CONFIG, REPORT), (WEIGHTS, RUN), (TOKENIZER, RUN), (TOKENIZER, EVALUATE)]


@pytest.mark.parametrize(("name", "arguments"), READ_BY)
@pytest.mark.parametrize("how", ["gone", "empty", "folder", "garbage", "letters", "half", "nearly"])
def test_a_file_of_the_folder(model: Path, refuse: Any, name: str, arguments: list[str], how: str) -> None:
    path, raw = model / name, (model / name).read_bytes()
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how != "gone":
        content = {"garbage": bytes(range(256)) * 9, "letters": b"hello", "half": raw[: len(raw) // 2]}
        path.write_bytes({**content, "empty": b"", "nearly": raw[:-3]}[how])
    refuse(arguments, "expected a model folder" if name == CONFIG and how in ("gone", "folder") else name)


@pytest.mark.parametrize("arguments", [RUN, EVALUATE, REPORT])
def test_an_empty_folder(model: Path, refuse: Any, arguments: list[str]) -> None:
    shutil.rmtree(model)
    model.mkdir()
    refuse(arguments, "m: expected a model folder", "there is no config.json", "--out")


@pytest.mark.parametrize("how", ["gone", "folder"])
def test_a_report_needs_the_history(model: Path, refuse: Any, how: str) -> None:
    (model / HISTORY).unlink()
    if how == "folder":
        (model / HISTORY).mkdir()
    refuse(REPORT, HISTORY, "no such file")


def test_a_report_is_not_written_over_a_folder(model: Path, refuse: Any) -> None:
    (model / "report.html").unlink(missing_ok=True)
    (model / "report.html").mkdir()
    refuse(REPORT, "report.html", "cannot be written")


@pytest.mark.parametrize(
    "row",
    [
        "",
        "x",
        "[]",
        pytest.param("[" * 100_000, id="nested"),
        '{"step": "one", "loss": 1}',
        '{"step": 1, "loss": 1e999}',
        '{"step": ' + "9" * 5000,
        '{"step": 3, "evaluation": {"nats_per_token": 1, "baselines": [3]}}',
        '{"step": 3, "sample": "\\ud800"}',
        '{"step": 3, "validation_loss": ' + "9" * 400 + "}",
    ],
)
def test_a_report_leaves_out_what_it_cannot_read(model: Path, row: str) -> None:
    with open(model / HISTORY, "a", encoding="utf-8") as file:
        file.write(row + "\n")
    assert cli.invoke(["report", str(model)]) == 0


SIZES, TRACE = ("model", "layers", 0, "sizes"), ("model", "layers", 0, "trace")
NODE = (*TRACE, "nodes")
HUGE = 10**400

CONFIGS: dict[str, tuple[Change, list[str]]] = {
    "newer": (at("format_version", to=3), ["format_version 2, got 3", "update throughtime"]),
    "no version": (at("format_version", to=GONE), ["config.json", "throughtime"]),
    "another task": (at("task", to="sing"), ["unknown task 'sing'", "text"]),
    "a task of the wrong type": (at("task", to=["text"]), ["the name of a task"]),
    "no model": (at("model", to=GONE), ["model missing"]),
    "model a list": (at("model", to=[]), ["missing"]),
    "layers a number": (at("model", "layers", to=3), ["layers must be a list"]),
    "no layers": (at("model", "layers", to=[]), ["at least one layer"]),
    "many layers": (at("model", "layers", to=[{}] * 1000), ["layers", "100"]),
    "a layer of null": (at("model", "layers", to=[None]), ["trace and sizes"]),
    "start too high": (at("model", "start", to=10**6), ["start", "1000000"]),
    "start negative": (at("model", "start", to=-1), ["start"]),
    "start a text": (at("model", "start", to="a"), ["start"]),
    "tied a number": (at("model", "tied", to=1), ["tied must be true or false"]),
    "tied": (at("model", "tied", to=True), ["output.W_hy unknown"]),
    "dropout a list": (at("model", "dropout", to=[1]), ["dropout"]),
    "dropout unknown": (at("model", "dropout", to={"x": 1}), ["dropout is malformed"]),
    "dropout of 1": (at("model", "dropout", "input", to=1), ["dropout: input must be a share"]),
    "dropout a text": (at("model", "dropout", "variational", to="no"), ["variational"]),
    **{
        f"{name} {value!r:.9}": (at("model", name, to=value), [f"{name} must be a positive integer"])
        for name in ("vocabulary", "embedding")
        for value in (0, -1, 10**12, HUGE, 1.5, True, "8", None, [], {})
    },
    **{
        f"H {value!r:.9}": (at(*SIZES, "H", to=value), ["size H must be"])
        for value in (0, -1, 10**12, HUGE, 1.5, True, "8", [], {})
    },
    "H is missing": (at(*SIZES, "H", to=GONE), ["size H is missing"]),
    "a large H": (at(*SIZES, "H", to=1_000_000), ["need about", "this machine has"]),
    "another H": (at(*SIZES, "H", to=9), ["must be (9, 4), got (8, 4)"]),
    "another I": (at(*SIZES, "I", to=5), ["takes I=5, what comes in has 4"]),
    "another vocabulary": (at("model", "vocabulary", to=7), ["embedding must be (7, 4)"]),
    "a further size": (at(*SIZES, "M", to=[1]), ["size M"]),
    "trace a text": (at(*TRACE, to="lstm"), ["expected an object"]),
    "no nodes": (at(*NODE, to=[]), ["list of nodes"]),
    "ten thousand nodes": (at(*NODE, to=[["neg", [0], "H", None, None]] * 10**4), ["512"]),
    "a node of nothing": (at(*NODE, 3, to=[]), ["node 3 must be [op, args, size, value, name]"]),
    "unknown operation": (at(*NODE, 5, 0, to="system"), ["node 5", "unknown operation 'system'"]),
    "an operation of lists": (at(*NODE, 5, 0, to=[["add"]]), ["node 5", "unknown operation"]),
    "a cycle": (at(*NODE, 4, 1, to=[5, 5]), ["node 4", "earlier nodes"]),
    "itself": (at(*NODE, 4, 1, to=[4, 4]), ["node 4", "earlier nodes"]),
    "a negative argument": (at(*NODE, 4, 1, to=[-1, 0]), ["node 4", "earlier nodes"]),
    "one argument": (at(*NODE, 4, to=["mul", [0], "H", None, None]), ["takes 2 arguments, got 1"]),
    "a leaf with arguments": (at(*NODE, 4, to=["input", [0], "I", None, "y"]), ["takes 0 arguments, got 1"]),
    "sizes that do not fit": (at(*NODE, 4, to=["add", [0, 1], "H", None, None]), ["combines the sizes"]),
    "a second input": (at(*NODE, 4, to=["input", [], "I", None, "y"]), ["unknown input y"]),
    "an infinite constant": (at(*NODE, 4, to=["const", [], None, HUGE, None]), ["node 4", "constant"]),
    "a text as a constant": (at(*NODE, 4, to=["const", [], None, "1", None]), ["node 4", "constant"]),
    "a derivative": (at(*NODE, 4, to=["dtanh", [1, 1], "H", None, None]), ["dtanh does not belong into a step"]),
    "states a list": (at(*TRACE, "states", to=[]), ["states must be an object"]),
    "no states": (at(*TRACE, "states", to={}), ["output must be one of the states"]),
    "a state of one node": (at(*TRACE, "states", "h", to=[1]), ["state h must be two nodes"]),
    "a state from nowhere": (at(*TRACE, "states", "h", to=[1, 10**6]), ["1000000 is no node"]),
    "an output of nothing": (at(*TRACE, "output", to="y"), ["output must be one of the states"]),
    "input no node": (at(*TRACE, "input", to=None), ["None is no node"]),
    "parameters a text": (at(*TRACE, "parameters", to="W"), ["parameters must be an object"]),
    "a parameter of three sizes": (at(*TRACE, "parameters", "W_xi", to=["H", "H", "I"]), ["W_xi", "one or two sizes"]),
    "a parameter of another shape": (at(*TRACE, "parameters", "W_xi", to=["I", "H"]), ["W_xi is not declared"]),
    "a gate from nowhere": (at(*TRACE, "gates", "i", to="x"), ["'x' is no node"]),
    "a name of control characters": (at(*TRACE, "name", to="\x1b[31m\n"), ["name must be text"]),
    "half a surrogate pair": (at(*TRACE, "name", to="\ud800"), ["half of a surrogate pair"]),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_configuration(model: Path, refuse: Any, name: str) -> None:
    change, words = CONFIGS[name]
    config = json.loads((model / CONFIG).read_text("utf-8"))
    change(config)
    (model / CONFIG).write_text(json.dumps(config))
    refuse(RUN, *words)
    refuse(EVALUATE, *words)


@pytest.mark.parametrize("section", ["options", "data", "decided"])
@pytest.mark.parametrize("value", [GONE, None, [], "x"])
def test_the_other_sections_are_needed_too(model: Path, refuse: Any, section: str, value: Any) -> None:
    config = json.loads((model / CONFIG).read_text("utf-8"))
    at(section, to=value)(config)
    (model / CONFIG).write_text(json.dumps(config))
    for verb in (RUN, EVALUATE, ["report", "m"]):
        refuse(verb, "config.json", f"{section} missing" if value is GONE else "expected an object")


JSONS: dict[str, tuple[str, list[str]]] = {
    "a number": ("3", ["config.json"]),
    "deeply nested": ('{"format_version": ' + "[" * 200_000, ["config.json", "nested"]),
    "not a number": ('{"format_version": NaN}', ["config.json", "NaN"]),
    "infinity": ('{"format_version": 1, "task": -Infinity}', ["config.json", "-Infinity"]),
    "a key twice": ('{"format_version": 1, "format_version": 1}', ["config.json", "format_version", "twice"]),
    "a very long integer": ('{"format_version": ' + "1" * 10_000 + "}", ["config.json"]),
    "of a foreign tool": ('{"architectures": ["GPT2"], "model_type": "gpt2"}', ["not written by throughtime"]),
}


@pytest.mark.parametrize("arguments", [RUN, EVALUATE, REPORT], ids=["run", "evaluate", "report"])
@pytest.mark.parametrize("name", JSONS)
def test_a_configuration_that_is_hardly_json(model: Path, refuse: Any, name: str, arguments: list[str]) -> None:
    text, words = JSONS[name]
    (model / CONFIG).write_text(text, "utf-8")
    refuse(arguments, *words)
