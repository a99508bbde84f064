"""Going on with a run from the command line: what may change, what may not, and what a stop leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.forked import Forked, needed
from throughtime import cli, load
from throughtime.storage.folder import CHECKPOINT

TEXT = ("the cat sat on the mat, the dog ate the cat; " * 60 + "\n") * 3
SIZE = ["--hidden", "8", "--embedding", "4", "--batch", "4", "--window", "8", "--threads", "1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "text.txt").write_text(TEXT, "utf-8")
    start = ["train", "text", str(folder / "text.txt"), "--out", str(folder / "m"), "--steps", "12", *SIZE]
    assert cli.invoke(start) == 0
    return folder / "text.txt", folder / "m"


def config(folder: Path) -> Any:
    return json.loads((folder / "config.json").read_text())["options"]


def test_budget_and_rate_may_change(run: tuple[Path, Path]) -> None:
    more = ["--resume", "--steps", "20", "--learning-rate", "1e-3", "--clip", "0.5", "--patience", "9"]
    assert cli.invoke(["train", "text", str(run[0]), "--out", str(run[1]), *more]) == 0
    kept = config(run[1])
    assert (kept["steps"], kept["learning_rate"], kept["clip"], kept["patience"]) == (20, 1e-3, 0.5, 9)
    lines = [json.loads(line) for line in (run[1] / "history.jsonl").read_text().splitlines()]
    assert max(line["step"] for line in lines) == 20


@pytest.mark.parametrize(
    "option", [["--hidden", "16"], ["--cell", "gru"], ["--seed", "1"], ["--tied"], ["--threads", "2"], ["--force"]]
)
def test_the_model_and_the_data_may_not(
    run: tuple[Path, Path], option: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = config(run[1])
    capfd.readouterr()
    assert cli.invoke(["train", "text", str(run[0]), "--out", str(run[1]), "--resume", *option]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    words = "not both" if option == ["--force"] else f"a run that goes on keeps its {option[0][2:]}; leave it out"
    assert words in said
    assert config(run[1]) == before


def test_the_same_command_begins_and_goes_on(run: tuple[Path, Path], tmp_path: Path) -> None:
    start = ["train", "text", str(run[0]), "--out", str(tmp_path / "m"), "--steps", "3", *SIZE, "--resume"]
    assert cli.invoke(start) == 0  # there was nothing
    assert config(tmp_path / "m")["steps"] == 3
    assert cli.invoke(start) == 0  # with options that are the same
    assert cli.invoke([*start, "--steps", "5"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "m" / "history.jsonl").read_text().splitlines()]
    assert max(line["step"] for line in lines) == 5
    for name in (CHECKPOINT, "model.safetensors"):  # as if it was killed before there was anything to go on with
        (tmp_path / "m" / name).unlink()
    assert cli.invoke(start) == 0
    assert load(tmp_path / "m").config.vocabulary > 1


def test_a_model_without_a_checkpoint_is_not_replaced(
    run: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start = ["train", "text", str(run[0]), "--out", str(tmp_path / "m"), "--steps", "3", *SIZE]
    assert cli.invoke(start) == 0
    (tmp_path / "m" / CHECKPOINT).unlink()
    assert cli.invoke([*start, "--resume"]) == 2
    assert "there is no checkpoint to go on from; start again with --force" in capfd.readouterr().err


@needed
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_model_and_says_how_to_go_on(
    run: tuple[Path, Path], tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "m"
    process = Forked(tmp_path, ["train", "text", str(run[0]), "--out", str(folder), "--minutes", "5", *SIZE])
    process.until((folder / CHECKPOINT).exists)
    began = time.monotonic()
    assert process.stop(number, 30) == 128 + number
    assert time.monotonic() - began < 10
    told = process.texts[1]
    assert "Traceback" not in told
    assert f"the best model is in {folder}, go on with --resume" in told
    assert len("".join(load(folder).write("the", length=5, seed=0))) == 5
    done = json.loads((folder / "config.json").read_text())
    assert done["environment"]["threads"] == 1
    assert cli.invoke(["train", "text", str(run[0]), "--out", str(folder), "--resume", "--steps", "30"]) == 0


def test_a_process_of_its_own_stops_too(run: tuple[Path, Path], tmp_path: Path) -> None:
    """From the start of Python to its exit status."""
    start = ["train", "text", str(run[0]), "--out", str(tmp_path / "m"), "--minutes", "5", *SIZE]
    process = subprocess.Popen(
        [sys.executable, "-m", "throughtime", *start], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "m" / CHECKPOINT).exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "Traceback" not in told
    assert "go on with --resume" in told
