"""`pip install .` alone: an environment without torch imports the package, loads a saved model and writes with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = """
import sys, throughtime
model = throughtime.load(sys.argv[1])
text = "".join(model.write("The ", length=50, seed=3))
assert "torch" not in sys.modules and len(text) == 50, text
sys.stdout.write(text)
try:
    import torch
except ImportError:
    pass
else:
    raise SystemExit("this environment has torch")
try:
    throughtime.LanguageModel().fit("abc" * 500, steps=1)
except ValueError as error:
    assert "PyTorch" in str(error), error
else:
    raise SystemExit("training without PyTorch did not say so")
"""


def test_installed_alone_it_loads_and_writes(tmp_path: Path) -> None:
    from throughtime import LanguageModel, load

    text = "The quick brown fox jumps over the lazy dog. " * 60
    LanguageModel(hidden=24, embedding=8).fit(text, tmp_path / "model", steps=5, batch=4, window=16)
    expected = "".join(load(tmp_path / "model").write("The ", length=50, seed=3))
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    constraints = str(ROOT / "constraints.txt")
    # the wheel is built here, where the build tools are; the new environment only installs it
    tools = clean | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{clean.get('PATH', '')}"}
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "-w", str(tmp_path), str(ROOT)], check=True, env=tools)
    wheel = next(tmp_path.glob("throughtime-*.whl"))
    if wheel.stat().st_size > 5_000_000:
        pytest.fail(f"the wheel has {wheel.stat().st_size} bytes")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, str(wheel)], check=True, env=clean)
    done = subprocess.run(
        [python, "-c", CODE, str(tmp_path / "model")], capture_output=True, text=True, env=clean, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected
    shown = subprocess.run(
        [
            str(environment / "bin" / "throughtime"),
            "run",
            str(tmp_path / "model"),
            "The ",
            "--length",
            "20",
            "--seed",
            "1",
        ],
        capture_output=True,
        text=True,
        env=clean,
        cwd=tmp_path,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("The ")
