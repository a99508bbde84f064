"""What a stranger's folder or file can do: nothing but be refused in one line."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.misuse import Outcome, check_refusal, make_classifier, make_forecaster, make_model, make_tagger
from tests.hostile.cases import BEGUN, CASES, GOLDEN, QUICK, model
from throughtime import cli

MEMORY, SECONDS = 2 << 30, 20

LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
from throughtime.cli import main
main(sys.argv[1:])
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and devices of Linux")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with what nothing may touch, and with code that nothing may run."""
    for name in ("outside", "temporary"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"mine")
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'outside' / 'ran')!r}, 'w')\nX = 1\n")
    return tmp_path


def seen(tree: Path) -> dict[str, Any]:
    """Every file below a folder: kind, size, time of its last change, and what is in it where it is small."""
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(tree):
        for path in (Path(folder, name) for name in [*folders, *files]):
            about = path.lstat()
            small = stat.S_ISREG(about.st_mode) and about.st_size < 1 << 20
            found[str(path)] = (about.st_mode, about.st_size, about.st_mtime_ns, path.read_bytes() if small else b"")
    return found


def limited(tree: Path, arguments: list[str]) -> Outcome:
    """What a command leaves that has 2 GB and 20 s."""
    home = {name: str(tree / "temporary") for name in ("TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME")}
    call = [sys.executable, "-W", "ignore", "-c", LIMITED, *arguments]
    where: Any = {"cwd": tree, "env": {**os.environ, **home, "MALLOC_ARENA_MAX": "1"}}
    done = subprocess.run(call, capture_output=True, text=True, timeout=10 * SECONDS, check=False, **where)
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60
    assert set(CASES) >= QUICK


HUNGRY = ("pipe", "device", "sparse", "zero", "gzip", "Parquet", "deep", "key of its own")
"""Words in the names of cases that would take time or memory; the others are asked in this process."""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in CASES if name not in QUICK or any(word in name for word in HUNGRY)])
def test_a_hostile_case_with_little_memory_and_time(tree: Path, name: str) -> None:
    arguments, words = CASES[name](tree)
    before = seen(tree)
    outcome = limited(tree, arguments)
    if name in BEGUN:
        outcome.err = outcome.err.splitlines(keepends=True)[-1]
    check_refusal(outcome, words)
    assert {path: what for path, what in seen(tree).items() if "/temporary/" not in path} == before


@pytest.mark.parametrize("name", sorted(QUICK))
def test_a_hostile_case(tree: Path, name: str, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, words = CASES[name](tree)
    before = seen(tree)
    monkeypatch.chdir(tree)
    capfd.readouterr()
    check_refusal(Outcome(cli.invoke(arguments), *capfd.readouterr()), words)
    assert seen(tree) == before


LINKS = {
    "report.html": ("text", ["report", "m"]),
    "forecast.csv": ("forecast", ["run", "m"]),
    "forecast.png": ("forecast", ["run", "m"]),
}


@pytest.mark.parametrize("name", LINKS)
def test_what_is_written_replaces_a_planted_link(tree: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task, arguments = LINKS[name]
    link = model(tree, task) / name
    link.unlink(missing_ok=True)
    link.symlink_to(tree / "outside" / "file")
    monkeypatch.chdir(tree)
    assert cli.invoke(arguments) == 0
    assert link.is_file()
    assert not link.is_symlink()
    assert (tree / "outside" / "file").read_bytes() == b"mine"
    assert os.listdir(tree / "outside") == ["file"]


def test_labels_are_written_in_the_place_of_a_planted_link(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model(tree, "classify")
    (tree / "labels.csv").symlink_to(tree / "outside" / "file")
    (tree / ".labels.csv.writing").symlink_to(tree / "outside" / "file")
    (tree / "texts.txt").write_text("a good film\nbad\n")
    monkeypatch.chdir(tree)
    assert cli.invoke(["run", "m", "--file", "texts.txt", "--out", "labels.csv"]) == 0
    assert (tree / "labels.csv").read_text().startswith("label,probability")
    assert (tree / ".labels.csv.writing").is_symlink()
    assert (tree / "outside" / "file").read_bytes() == b"mine"


MAKE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "text": (make_model, "text.txt"),
    "classify": (make_classifier, "texts.csv"),
    "tag": (make_tagger, "slots.conll"),
    "forecast": (make_forecaster, "series.csv"),
}


@pytest.mark.parametrize("task", [pytest.param(task, marks=pytest.mark.slow) for task in MAKE])
def test_training_that_goes_on_runs_nothing_that_a_folder_names(tree: Path, task: str) -> None:
    make, data = MAKE[task]
    folder = make(tree)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    for cell in ("evil.py:X", str(tree / "evil.py:X"), ["evil.py:X"]):
        config["options"]["cell"] = cell
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        call = ["train", task, str(tree / data), "--out", str(folder), "--resume", "--steps", "14"]
        with contextlib.chdir(tree):
            assert cli.invoke(call) in (0, 2)
            assert cli.invoke(["report", str(folder)]) in (0, 2)
        assert os.listdir(tree / "outside") == ["file"]


def test_the_golden_folders_are_no_cases_of_their_own() -> None:
    """What is planted is a copy."""
    assert not [path for path in GOLDEN.rglob("*") if path.is_symlink() or not (path.is_dir() or path.is_file())]
