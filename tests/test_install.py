"""`pip install .` alone works without compiler and torch; a build that finds no compiler says what to install.

packaging/smoke_test.py holds what an installation must do; `make wheel` and cibuildwheel run the same file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

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


PIP = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]


def pins() -> dict[str, str]:
    """Name -> version of everything constraints.txt pins."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def sources() -> set[str]:
    """What the Makefile lets come as a source archive."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(next(line for line in makefile.splitlines() if line.startswith("SOURCES :=")).split()[2:])


def from_wheels(names: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Whether pip would install these, pinned, from wheels alone; nothing is installed."""
    known = pins()
    wanted = [f"{name}=={known.get(name, name)}" for name in names]
    call = [*PIP, "--only-binary", ":all:", *wanted]
    return subprocess.run(call, capture_output=True, text=True, env=TOOLS | {"PIP_NO_CACHE_DIR": "1"})


@pytest.fixture(scope="module")
def index() -> None:
    if from_wheels(["idna"]).returncode:
        pytest.skip("no package index can be reached")


@pytest.mark.slow
@pytest.mark.skipif("CHECK_PINS" not in os.environ, reason="`make check` asks the index for every pin, half a minute")
def test_every_pinned_package_has_a_wheel(index: None) -> None:
    done = from_wheels(sorted(set(pins()) - sources()))
    assert done.returncode == 0, done.stderr
    without = from_wheels(sorted(sources()))
    assert "No matching distribution" in without.stderr, "what SOURCES names has a wheel by now: take it out"


def test_only_named_packages_may_come_as_source() -> None:
    lines = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ").splitlines()
    install = next(line for line in lines if line.startswith("INSTALL :="))
    assert "--only-binary :all: --no-binary $(SOURCES)" in install
    assert "-c constraints.txt" in install
    assert sources() == {"jieba"}
    others = [line for line in lines if "pip install" in line and not line.startswith("INSTALL :=")]
    assert [line.split("pip install")[1].split() for line in others] == [
        ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r", "packaging/bill.txt"]
    ]
    bill = (ROOT / "packaging" / "bill.txt").read_text("utf-8").splitlines()
    assert all("==" in line for line in bill if not line.startswith("#"))
    assert "PIP_NO_CACHE_DIR=1" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_what_a_build_fetches_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    known = {name.replace("_", "-"): version for name, version in pins().items()}
    wanted = dict(one.split("==") for one in project["build-system"]["requires"])
    settings = project["tool"]["cibuildwheel"]["config-settings"]
    wanted |= {name.removesuffix(".version"): said.removeprefix("==") for name, said in settings.items()}
    assert wanted == {name: known[name] for name in wanted}
    assert {"nanobind", "scikit-build-core", "cmake", "ninja"} <= wanted.keys()


def test_torch_is_installed_alone_and_first() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").split("$(VENV)/.requirements:")[1].split("\n\n")[0]
    installs = [line.strip() for line in recipe.splitlines() if "$(INSTALL)" in line]
    assert installs[0] == "$(INSTALL) torch"
    assert pins()["torch"] == "2.13.0"


def test_what_comes_as_source_runs_without_a_warning() -> None:
    code = "import jieba, logging; jieba.setLogLevel(logging.WARNING); print(*jieba.cut('我来到北京'))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["我", "来到", "北京"], done.stderr


def test_the_demonstration_needs_no_development_tools() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "\ndemo: program\n" in makefile
    program = makefile.split("$(VENV)/.program:")[1].split("\n\n")[0]
    assert "dev" not in program.split("[")[1]
    done = subprocess.run([sys.executable, str(ROOT / "packaging" / "extra.py"), "dev"], capture_output=True, text=True)
    assert done.stdout.split() == extras["dev"]
    for tool in ("pytest", "mypy", "ruff", "hypothesis"):
        others = [need for name, needs in extras.items() if name != "dev" for need in needs]
        assert not any(need.startswith(tool) for need in others)


def test_a_hint_names_what_this_was_installed_from(monkeypatch: pytest.MonkeyPatch) -> None:
    from throughtime import errors

    def said(address: str | None) -> str:
        text = None if address is None else json.dumps({"url": address})
        fake = SimpleNamespace(read_text=lambda name: text if name == "direct_url.json" else None)
        monkeypatch.setattr(metadata, "distribution", lambda name: fake)
        return errors.needed("train")

    assert said("file:///home/a%20b/throughtime") == "pip install '/home/a b/throughtime[train]'"
    assert said("file:///tmp/throughtime-0.1.0-py3-none-any.whl").endswith("any.whl[train]'")
    assert said(None) == said("https://example.org/x.whl") == "pip install 'throughtime[train]'"
    monkeypatch.setattr(metadata, "distribution", lambda name: metadata.Distribution.from_name("no such package"))
    assert errors.needed("train") == "pip install 'throughtime[train]'"


def test_the_clone_has_every_file_its_readme_names() -> None:
    for page in ("README.md", "README.zh.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text("utf-8")
        named = set(re.findall(r"\b(?:docs|examples|packaging|benchmarks|tests|cpp)/[\w./-]*\w", text))
        named |= {f"benchmarks/{module}.py" for module in re.findall(r"python -m benchmarks\.(\w+)", text)}
        assert not [name for name in named if not (ROOT / name).exists()], page
