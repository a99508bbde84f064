"""`pip install .` alone works without compiler and torch; a build that finds no compiler says what to install.

packaging/smoke_test.py holds what an installation must do; `make wheel` and cibuildwheel run the same file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "CXX", "CC")} | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
}
"""The environment to build in: the build tools are those beside this Python."""

BUILD = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]


def test_installed_alone_it_loads_and_writes(tmp_path: Path) -> None:
    from throughtime import LanguageModel, load

    text = "The quick brown fox jumps over the lazy dog. " * 60
    model, written = tmp_path / "model", tmp_path / "written.txt"
    LanguageModel(hidden=24, embedding=8).fit(text, model, steps=5, batch=4, window=16)
    written.write_text("".join(load(model).write("The ", length=50, seed=3)), "utf-8")
    subprocess.run([*BUILD, "--quiet", "-w", str(tmp_path), str(ROOT)], check=True, env=TOOLS)
    wheel = next(tmp_path.glob("throughtime-*.whl"))
    check = [sys.executable, str(ROOT / "packaging" / "check_wheel.py"), str(wheel)]
    done = subprocess.run([*check, str(model), str(written)], capture_output=True, text=True, env=TOOLS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the smoke test passed" in done.stdout
    assert "not installed (needed for training" in done.stdout


def test_the_smoke_test_refuses_an_environment_with_torch() -> None:
    smoke = [sys.executable, str(ROOT / "packaging" / "smoke_test.py")]
    done = subprocess.run(smoke, capture_output=True, text=True)
    assert done.returncode == 1
    assert "smoke test: this environment has torch" in done.stderr


def test_cibuildwheel_runs_the_same_smoke_test() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["cibuildwheel"]
    named = settings["test-command"].split()[-1]
    assert Path(named.format(project=ROOT)).is_file()


def test_building_without_a_compiler_says_what_to_install(tmp_path: Path) -> None:
    place = f"--config-settings=build-dir={tmp_path / 'build'}"
    without = TOOLS | {"CXX": "false"}
    done = subprocess.run([*BUILD, place, "-w", str(tmp_path), str(ROOT)], capture_output=True, text=True, env=without)
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "no working C++ compiler found" in line]
    assert len(lines) == 1, done.stdout + done.stderr
    for remedy in ("apt install g++", "xcode-select --install"):
        assert remedy in lines[0]


def test_make_setup_without_a_compiler_stops_before_anything_is_fetched(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    without = {k: v for k, v in TOOLS.items() if not k.startswith("MAKE")} | {"PATH": str(empty)}
    done = subprocess.run([make, "setup", f"VENV={venv}"], capture_output=True, text=True, env=without, cwd=ROOT)
    assert done.returncode != 0
    first = done.stderr.splitlines()[0]
    assert "no working C++17 compiler found" in first
    assert "apt install g++" in first
    assert not venv.exists()
