"""The commands, run in this process: what they print, where, and with which exit status."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from throughtime import cli
from throughtime.cells import CATALOGUE
from throughtime.cli import VERBS
from throughtime.errors import needed
from throughtime.report import console as output
from throughtime.tasks import TASKS

TEXT = ("the cat sat on the mat, the dog ate the cat; " * 60 + "\n") * 3
TINY = ["--steps", "12", "--hidden", "8", "--embedding", "4", "--batch", "4", "--window", "8", "--threads", "1"]


class Outcome:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: Any) -> Outcome:
        capfd.readouterr()
        status = cli.invoke([str(a) for a in arguments])
        return Outcome(status, *capfd.readouterr())

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a trained model, and the text it learned."""
    folder = tmp_path_factory.mktemp("model")
    file = folder / "text.txt"
    file.write_text(TEXT, "utf-8")
    assert cli.invoke(["train", "text", str(file), "--out", str(folder / "m"), *TINY]) == 0
    return folder / "m", file


def test_the_help_of_train_names_the_tasks(call: Any) -> None:
    answer = call("train", "--help")
    assert answer.status == 0
    for name, task in TASKS.items():
        assert name in answer.out
        assert task.help in answer.out
    for name in TASKS:
        assert "--out" in call("train", name, "--help").out


def test_help_names_every_verb(call: Any) -> None:
    for arguments in (["--help"], ["-h"], []):
        answer = call(*arguments)
        assert answer.status == 0
        assert all(f"throughtime {verb}" in answer.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(call: Any, verb: str) -> None:
    answer = call(verb, *(["text"] if verb == "train" else []), "--help")
    assert answer.status == 0
    assert "--json" in answer.out
    assert "Usage: throughtime" in answer.out


@pytest.mark.parametrize(
    "arguments", [["--help"], ["cells"], ["cells", "lstm"], ["run", "--help"], ["train", "--help"]]
)
def test_nothing_heavy_is_imported_before_it_is_used(arguments: list[str]) -> None:
    heavy = "torch", "matplotlib", "tokenizers", "jinja2", "rich", "safetensors"
    code = (
        "import sys, throughtime.cli as c\n"
        f"assert c.invoke({arguments!r}) == 0\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_what_matplotlib_says_of_its_cache_is_no_news_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    """Where a home directory cannot be written it warns in two lines of its own."""
    assert cli.invoke(["cells", "lstm"]) == 0
    capfd.readouterr()
    logging.getLogger("matplotlib").warning("mkdir -p failed")
    assert capfd.readouterr().err == ""


def test_help_needs_neither_numpy_nor_typer() -> None:
    code = "import sys, throughtime.cli as c; c.invoke(['--help']); assert not {'numpy', 'typer'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "throughtime", "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"throughtime: unknown verb 'nothing': choose from {', '.join(VERBS)}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Missing argument 'DIR'"),
        (["run", "/no/such/folder"], "expected a model folder"),
        (["report", "/no/such/folder"], "expected a model folder"),
        (["evaluate", "/no/such/folder", "f"], "expected a model folder"),
        (["cells", "elman"], "unknown cell 'elman': choose from rnn, lstm, gru, gru_reset_after"),
        (["cells", "rnn:sine"], "f must be one of tanh, relu"),
        (["cells", "lstm:relu"], "lstm takes no option"),
        (["cells", "lstm", "--hidden", "0"], "size H must be a positive integer, got 0"),
        (["cells", "--wrong"], "--wrong"),
        (["train", "text", "no-such-file", "--out", "/tmp/never"], "no such file"),
        (["train", "text", "f", "--out", "/tmp/never", "--size", "M"], "expected a name and a number such as M=32"),
        (["train", "text", "f", "--out", "/tmp/never", "--steps", "many"], "'--steps'"),
        (["train", "sing"], "sing"),
    ],
)
def test_a_users_error_is_one_line_and_status_2(call: Any, arguments: list[str], message: str) -> None:
    answer = call(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("throughtime: ")
    assert answer.err.count("\n") == 1
    assert message in answer.err


def test_a_fault_of_ours_is_status_1(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from throughtime.cells import describe

    def break_it() -> list[str]:
        raise KeyError("lost")

    monkeypatch.setattr(describe, "catalogue_lines", break_it)
    answer = call("cells")
    assert answer.status == 1
    assert answer.err.count("\n") == 1
    assert "KeyError: 'lost' (a fault of ours" in answer.err
    monkeypatch.setenv("THROUGHTIME_DEBUG", "1")
    assert "break_it" in call("cells").err


def test_a_missing_package_is_named(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from throughtime.cells import describe

    def need() -> list[str]:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(describe, "catalogue_lines", need)
    answer = call("cells")
    assert answer.status == 2
    assert f"cells needs torch: {needed('train')}" in answer.err


def test_ctrl_c_is_status_130(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from throughtime.cells import describe

    def stop() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(describe, "catalogue_lines", stop)
    answer = call("cells")
    assert answer.status == 130
    assert answer.err.strip() == "throughtime: stopped"


def test_cells_lists_and_shows(call: Any) -> None:
    assert [line.split()[0] for line in call("cells").out.splitlines()[: len(CATALOGUE)]] == list(CATALOGUE)
    page = call("cells", "gru", "--latex", "--input", 3, "--hidden", 5).out
    assert "at I = 3, H = 5" in page
    assert r"r_{t} \odot h_{t-1}" in page
    assert call("cells", "rnn:relu", "--json").json["equations"] == ["h = relu(W_xh x + W_hh h' + b_h)"]
    assert [cell["name"] for cell in call("cells", "--json").json["cells"]] == list(CATALOGUE)


def test_cells_shows_a_cell_of_the_users_own(call: Any, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "from throughtime.recurrence import Cell, Matrix, tanh\n\n\n"
        "class Own(Cell):\n"
        '    """A cell of my own."""\n\n'
        '    state = {"h": "H"}\n'
        '    W, U = Matrix("H", "I"), Matrix("H", "H")\n\n'
        "    def step(self, x, h):\n"
        "        return tanh(self.W @ x + self.U @ h)\n"
    )
    page = call("cells", f"{file}:Own").out
    assert page.startswith("Own: A cell of my own.")
    assert "h = tanh(W x + U h')" in page
    answer = call("cells", f"{file}:Other")
    assert answer.status == 2
    assert "Own" in answer.err


def test_training_leaves_a_model_and_a_report(call: Any, model: tuple[Path, Path]) -> None:
    folder, _ = model
    assert {"config.json", "model.safetensors", "tokenizer.json", "history.jsonl", "report.html"} <= set(
        os.listdir(folder)
    )
    assert "gram" in (folder / "report.html").read_text("utf-8")


def test_training_prints_one_json_object(call: Any, model: tuple[Path, Path], tmp_path: Path) -> None:
    _, file = model
    answer = call(
        "train", "text", file, "--out", tmp_path / "j", *TINY, "--clip", 0, "--cell", "rnn:relu,gru", "--json"
    )
    assert answer.status == 0
    assert answer.out.count("\n") == 1
    assert answer.json["steps"] == 12
    assert answer.json["evaluation"]["nats_per_character"] > 0
    config = json.loads((tmp_path / "j" / "config.json").read_text("utf-8"))
    assert [layer["cell"] for layer in config["model"]["layers"]] == ["rnn", "gru"]
    assert config["options"]["clip"] is None
    assert Path(answer.json["report"]).is_file()


def test_training_does_not_overwrite(call: Any, model: tuple[Path, Path]) -> None:
    folder, file = model
    answer = call("train", "text", file, "--out", folder, *TINY)
    assert answer.status == 2
    assert "--force" in answer.err
    assert "--resume" in answer.err


def test_writing(call: Any, model: tuple[Path, Path]) -> None:
    folder, _ = model
    first = call("run", folder, "the ", "--length", 40, "--seed", 3)
    assert first.status == 0
    assert first.out.startswith("the ")
    assert len(first.out) == 4 + 40 + 1
    assert call("run", folder, "--prompt", "the ", "--length", 40, "--seed", 3).out == first.out
    assert call("run", folder, "the ", "--length", 40, "--seed", 4).out != first.out
    answer = call("run", folder, "the ", "--length", 40, "--seed", 3, "--samples", 2, "--json").json
    assert "the " + answer["samples"][0] + "\n" == first.out
    assert len(answer["samples"]) == 2
    assert answer["characters_per_second"] > 0
    both = call("run", folder, "the ", "--length", 40, "--seed", 3, "--samples", 2).out
    assert both == f"--- sample 1 of 2\nthe {answer['samples'][0]}\n--- sample 2 of 2\nthe {answer['samples'][1]}\n"
    assert call("run", folder, "the ", "--length", 0).out == "the \n"


def test_writing_names_unknown_characters(call: Any, model: tuple[Path, Path]) -> None:
    answer = call("run", model[0], "月")
    assert answer.status == 2
    assert "'月'" in answer.err
    assert answer.out == ""


def test_evaluating(call: Any, model: tuple[Path, Path]) -> None:
    folder, file = model
    values = call("evaluate", folder, file, "--json").json
    assert values["part"] == "test"
    assert set(values["baselines"]) == {"uniform", "unigram", "ngram"}
    assert {"nats_per_character", "bits_per_character", "perplexity"} <= set(values)
    assert call("evaluate", folder, file, "--part", "validation", "--json").json["part"] == "validation"
    page = call("evaluate", folder, file).out
    assert f"this model  {values['nats_per_character']:>14.4f}" in page
    assert "-gram" in page


def test_reporting(call: Any, model: tuple[Path, Path]) -> None:
    path = model[0] / "report.html"
    path.unlink()
    assert call("report", model[0]).out.strip() == str(path)
    assert path.is_file()
    assert call("report", model[0], "--json").json == {"report": str(path)}


def test_json_knows_no_nan(capfd: pytest.CaptureFixture[str]) -> None:
    output.print_json({"a": float("nan"), "b": [1.5, float("inf")], "c": {"月": (1,)}})
    assert capfd.readouterr().out == '{"a": null, "b": [1.5, null], "c": {"月": [1]}}\n'


def test_run_takes_narrow_weights(call: Any, model: tuple[Path, Path]) -> None:
    for form in ("float32", "bfloat16", "int8"):
        answer = call("run", model[0], "a", "--weights", form, "--length", 5, "--seed", 1, "--json")
        assert answer.status == 0
        assert len(answer.json["samples"][0]) == 5
    answer = call("run", model[0], "a", "--weights", "int3")
    assert (answer.status, answer.out) == (2, "")
    assert "weights: expected float32, bfloat16, int8, got 'int3'" in answer.err
