"""C out: every cell, functions, masks, eight bits, language and imported models; what is refused; a wrong file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.fixtures import model_file
from tests.interop.onnx.test_check import layers_of
from tests.tasks.text.small import AddsItsInput, make
from throughtime import cli
from throughtime.cells import CATALOGUE
from throughtime.cells import make as make_cell
from throughtime.errors import UserError
from throughtime.interop import folder
from throughtime.interop import layers as kinds
from throughtime.interop.c import check, files
from throughtime.interop.c.check import write
from throughtime.interop.c.language import equation
from throughtime.interop.c.source import narrow, widened
from throughtime.interop.convert import convert
from throughtime.interop.functions import DEFAULTS, Function
from throughtime.interop.model import Graph, ImportedModel, Node
from throughtime.interop.trained import stack_model
from throughtime.models.ngram import NGram
from throughtime.models.stack import Stack
from throughtime.recurrence import Recurrence
from throughtime.tasks.text.stream import TextModel

pytestmark = pytest.mark.skipif(check.find_compiler() is None, reason="no C compiler")


def chain(*layers: Any, names: tuple[str, ...] = (), seed: int = 2) -> ImportedModel:
    """Layers one after the other, with random weights."""
    nodes = tuple(Node(n, ((n - 1, 0),) if n else ()) for n in range(len(layers)))
    graph = Graph(names or tuple(f"n{k}" for k in range(len(layers))), layers, nodes, ((len(layers) - 1, 0),))
    rng = np.random.default_rng(seed)
    weights = {n: (rng.standard_normal(shape) * 0.5).astype("float32") for n, shape in graph.shapes.items()}
    return ImportedModel(graph, {n: np.abs(v) if n.endswith("variance") else v for n, v in weights.items()})


def recurrent(name: str, below: int, hidden: int, **rest: Any) -> kinds.Recurrent:
    return kinds.Recurrent((Recurrence(make_cell(name).trace(), {"I": below, "H": hidden}),), **rest)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_cell(tmp_path: Path, name: str) -> None:
    model = layers_of(name, False, 1 if CATALOGUE[name].inputs else 2)
    found = write(model, tmp_path / "a.c", "m")
    assert found["error"] <= 1e-5
    assert found["warnings"] == 0
    assert write(model, tmp_path / "b.c", "m", int8=True)["error"] <= 1e-5


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_after"])
def test_64_units_are_within_a_millionth_and_small(tmp_path: Path, name: str) -> None:
    stack = Stack.of([make_cell(name).trace()], 16, 64)
    model = stack_model(stack, stack.draw(np.random.default_rng(1)))
    found = write(model, tmp_path / "a.c", "m")
    assert found["error"] <= 1e-6
    assert found["steps"] == sum(check.STEPS)
    assert found["warnings"] == 0
    compiler = check.find_compiler()
    assert compiler is not None
    subprocess.run([*compiler, "-std=c99", "-Os", "-c", "a.c"], cwd=tmp_path, check=True)
    if shutil.which("size") and shutil.which("nm"):
        sizes = subprocess.run(["size", "a.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        text, data, zeros = map(int, sizes.splitlines()[1].split()[:3])
        assert text - int(str(found["weights"])) < 2048
        assert data == zeros == 0
        wanted = subprocess.run(["nm", "-u", "a.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert set(re.findall(r"U (\w+)", wanted)) <= {"memcpy", "memset"}  # no libm, no malloc


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("names", [["gru"], ["lstm", "gru_reset_after"], [AddsItsInput]])
def test_language_models(tmp_path: Path, names: list[Any], int8: bool) -> None:
    model = make(names, tied=names == ["gru"], scale=1.0)
    found = write(model, tmp_path / "own.c", "m", int8)
    assert found["error"] <= 1e-5
    assert found["warnings"] == 0
    assert f"#define OWN_TOKENS {model.config.vocabulary}" in (tmp_path / "own.h").read_text()


def test_an_n_gram_model_stays_behind_and_is_told(tmp_path: Path) -> None:
    model = make(["gru"], scale=1.0)
    size = model.config.vocabulary
    grams = NGram(np.full(size, 1 / size, np.float32), [], np.array([0.5], np.float32))
    both = TextModel(model.config, model.parameters, model.tokenizer, ngram=grams)
    found = write(both, tmp_path / "a.c", "m")
    assert found["error"] <= 1e-5
    assert "recurrence alone" in str(found["left out"])
    assert "n-gram model" in (tmp_path / "a.h").read_text()


def test_a_token_that_is_none_changes_nothing(tmp_path: Path) -> None:
    write(make(["gru"], scale=1.0), tmp_path / "a.c", "m")
    (tmp_path / "main.c").write_text(
        '#include "a.h"\n#include <string.h>\n'
        "static a_state s, t; static float y[A_OUTPUTS];\n"
        "int main(void) { a_reset(&s); if (a_step(&s, 1, y) != 0) return 1; memcpy(&t, &s, sizeof s);\n"
        "if (a_step(&s, -1, y) != -1 || a_step(&s, A_TOKENS, y) != -1) return 2;\n"
        "return memcmp(&t, &s, sizeof s) != 0; }\n"
    )
    compiler = check.find_compiler()
    assert compiler is not None
    subprocess.run([*compiler, "main.c", "a.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_function(tmp_path: Path, name: str) -> None:
    inner: tuple[Any, ...] = (kinds.Dense(3, 4, f=Function(name)),)
    if name in ("sqrt", "logarithm", "reciprocal"):  # of what is positive only
        inner = (kinds.Activation(Function("softplus")), kinds.Activation(Function(name)))
    found = write(chain(kinds.Input((None, 3)), *inner, kinds.Dense(inner[0].units if len(inner) == 1 else 3, 2)),
                  tmp_path / "a.c", "m")  # fmt: skip
    assert found["error"] <= 2e-6
    assert found["warnings"] == 0


@pytest.mark.parametrize(
    "f",
    [
        Function("relu", (0.2, 1.0, 0.3)), Function("relu", (0.2,)), Function("elu", (0.3,)), Function("gelu", (1.0,)),
        Function("celu", (0.7,)), Function("hard_sigmoid", (1 / 6, 0.5)), Function("affine", (-2.0, 1e-3)),
    ],
    ids=str,
)  # fmt: skip
def test_functions_with_arguments(tmp_path: Path, f: Function) -> None:
    found = write(chain(kinds.Input((None, 3)), kinds.Activation(f)), tmp_path / "a.c", "m")
    assert found["error"] <= 1e-6
    assert found["warnings"] == 0


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_steps_that_are_left_out(tmp_path: Path, zero: bool, last: bool) -> None:
    two = (recurrent("gru", 3, 5, sequences=True, zero=zero), recurrent("lstm", 5, 4, sequences=not last, zero=zero))
    head = (kinds.Dense(4, 2),)
    assert write(chain(kinds.Input((None, 3)), kinds.Masking(), *two, *head), tmp_path / "a.c", "m")["error"] <= 1e-6
    tokens = (kinds.Input((None,), True), kinds.Embedding(4, 3, mask_zero=True))
    for int8 in (False, True):
        assert write(chain(*tokens, *two, *head), tmp_path / "b.c", "m", int8)["error"] <= 1e-6


def test_layers_without_time(tmp_path: Path) -> None:
    layers = (
        kinds.BatchNorm(3), kinds.LayerNorm(3), kinds.Identity(), kinds.Activation(trained=(1, 3)),
        kinds.TimeDistributed(kinds.Dense(3, 4, bias=False)), recurrent("rnn", 4, 3),
    )  # fmt: skip
    found = write(chain(kinds.Input((None, 3)), *layers), tmp_path / "a.c", "m")
    assert found["error"] <= 1e-6
    assert found["warnings"] == 0


@pytest.mark.parametrize("how", ["concat", "sum", "mul", "ave", "max", "min", "sub"])
def test_two_branches_and_two_answers(tmp_path: Path, how: str) -> None:
    layers = (
        kinds.Input((None, 3)), recurrent("gru", 3, 4, sequences=True, states=True),
        recurrent("lstm", 3, 4, sequences=True), kinds.Merge(how),
    )  # fmt: skip
    nodes = (Node(0, ()), Node(1, ((0, 0),)), Node(2, ((0, 0),)), Node(3, ((1, 0), (2, 0))))
    graph = Graph(("x", "a", "b", "m"), layers, nodes, ((3, 0), (1, 1)))
    rng = np.random.default_rng(1)
    drawn = {n: (rng.standard_normal(shape) * 0.5).astype("float32") for n, shape in graph.shapes.items()}
    found = write(ImportedModel(graph, drawn), tmp_path / "a.c", "m")
    assert found["error"] <= 1e-6
    assert found["warnings"] == 0
    assert "#define A_OUTPUTS1 4" in (tmp_path / "a.h").read_text()


@pytest.mark.parametrize("name", ["keras-1.0.8-lstm", "keras-2.3.1-gru_fused", "keras-3-embedding", "tf_keras-nested"])
def test_imported_models(tmp_path: Path, name: str) -> None:
    found = write(convert(model_file(name)).model, tmp_path / "a.c", "m")
    assert found["error"] <= 1e-6
    assert found["warnings"] == 0


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((kinds.Input((None, 3)), recurrent("gru", 3, 4, back=True)), "whole sequence"),
        ((kinds.Input((None, 3)), kinds.Pool()), "whole sequence"),
        ((kinds.Input((None, None)), recurrent("gru", 3, 4)), "width of its input"),
        ((kinds.Input((3,)), kinds.Dense(3, 4)), r"expected steps of values, \(T, I\)"),
        ((kinds.Input((None,), True), kinds.Activation(Function("tanh"))), "activation over tokens"),
        ((kinds.Input((None, 3)), kinds.Activation(Function("softmax", (1.0,)))), "softmax along that axis"),
        ((kinds.Input((None, 3)), kinds.Dense(2, 4)), "expected 2 values at a step, got 3"),
        ((kinds.Input((None, 3)), recurrent("gru", 3, 4), recurrent("gru", 4, 4)), "over what is no sequence"),
        ((kinds.Input((None, 2100)), kinds.Dense(2100, 2100)), "expected at most 4,194,304 weights for C"),
        ((kinds.Input((None, 3)), kinds.Identity()), "an answer of a layer, got the input"),
    ],
)
def test_what_is_refused(tmp_path: Path, layers: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        write(chain(*layers), tmp_path / "a.c", "m")
    assert list(tmp_path.iterdir()) == []


def test_a_bidirectional_model_and_one_of_another_task(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="layer0: bidirectional needs the whole sequence"):
        write(layers_of("gru", True, 1), tmp_path / "a.c", "m")
    with pytest.raises(UserError, match="expected a text model or an imported one"):
        write(object(), tmp_path / "a.c", "m")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("0.5f * tt_tanh(0.5f * x) + 0.5f", "0.5f * tt_tanh(0.5f * x) + 0.4f"), ("return scale.value", "return 0")],
)
def test_code_that_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str
) -> None:
    honest = files.code

    def sabotaged(*arguments: Any) -> str:
        text = honest(*arguments)
        assert right in text
        return text.replace(right, wrong)

    monkeypatch.setattr(check, "code", sabotaged)
    with pytest.raises(UserError, match=r"the compiled C differs by .*; nothing was written"):
        write(layers_of("lstm", False, 1), tmp_path / "a.c", "m")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_magnifies_roundings_is_compared_while_it_has_one_answer(tmp_path: Path) -> None:
    found = write(layers_of("gru", False, 1, 16, 64), tmp_path / "a.c", "m")  # weights three times too large
    assert found["error"] <= 1e-5
    assert check.FEWEST <= found["steps"] < sum(check.STEPS)  # type: ignore[operator]


def test_a_model_without_one_answer_is_refused(tmp_path: Path) -> None:
    model = layers_of("gru", False, 1, 16, 64)
    wild = ImportedModel(model.graph, {n: 20 * v for n, v in model.parameters.items()}, model.origin)
    with pytest.raises(UserError, match=r"its own float32 and float64 agree for .* of 700 steps only"):
        write(wild, tmp_path / "a.c", "m")


def test_without_a_compiler_it_is_said_that_nothing_was_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "find_compiler", lambda: None)
    found = write(layers_of("lstm", False, 1), tmp_path / "a.c", "m")
    assert "not proved" in str(found["proof"])
    assert "error" not in found
    assert "NOT PROVED" in (tmp_path / "a.h").read_text()


def test_a_compiler_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(UserError, match=r"false failed .*; set CC to a C compiler"):
        write(layers_of("lstm", False, 1), tmp_path / "a.c", "m")


def test_names_of_strangers_stay_text(tmp_path: Path) -> None:
    cell = Recurrence(make_cell("gru").trace(), {"I": 3, "H": 4})
    data = json.loads(json.dumps(cell.to_json()).replace('"W_xh"', '"x[1];}\\u00e9"').replace('"h"', '"*/ int"'))
    layer = kinds.Recurrent((Recurrence.from_json(data),), sequences=True)
    names = ("in */ #error", 'a"\\b??/', "??/ */ system(0);")
    found = write(chain(kinds.Input((None, 3)), layer, kinds.Dense(4, 2), names=names), tmp_path / "int.c", "m")
    assert found["error"] <= 1e-6
    assert found["warnings"] == 0
    text = (tmp_path / "int.c").read_text()
    assert "#error" not in text
    assert "system(" not in text


def test_what_stands_in_a_comment_cannot_end_it() -> None:
    for text in ("a */ b", "a ** / b", "a **/ b", "a /* b", "a *\u00e9/ b", "a */*/ b", "\n#error", "??/"):
        said = f"/* {equation(text)} */"
        assert said.index("*/") == len(said) - 2
        assert "/*" not in said[2:]
        assert "\n" not in said
        assert "?" not in said


@pytest.mark.parametrize("name", ["a.txt", 'a".c', "a\n.c"])
def test_file_names_that_c_cannot_include(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"ends with \.c|cannot be included"):
        write(layers_of("rnn", False, 1), tmp_path / name, "m")


def test_eight_bits_keep_each_row_to_half_a_step() -> None:
    matrix = np.random.default_rng(0).standard_normal((5, 7)).astype("float32")
    matrix[2] = 0
    values, scale = narrow(matrix)
    assert values.dtype == np.int8
    assert np.abs(values).max(1).tolist() == [127, 127, 0, 127, 127]
    assert (np.abs(widened(matrix) - matrix) <= scale[:, None] * 0.5001).all()


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder.save(layers_of("gru", False, 1), tmp_path / "m")
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "c", "--int8", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["error"] <= 1e-5
    assert 0 < found["int8 difference"] < 0.1
    assert (tmp_path / "m.c").exists()
    header = (tmp_path / "m.h").read_text()
    assert "each weight is off by at most" in header
    assert "Largest difference from the float32 model" in header
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "c", "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b.c").exists()
    assert "error" in capfd.readouterr().out
    assert cli.invoke(["export", str(tmp_path / "m"), "--to", "onnx", "--int8"]) == 2
    assert "--int8 is for --to c" in capfd.readouterr().err
