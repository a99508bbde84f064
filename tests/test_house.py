"""The rules of the house: imports point downward, the runtime knows no torch, text names no machine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import throughtime

ROOT = Path(throughtime.__file__).parent
ORDER = [
    {"errors"},
    {"recurrence"},
    {"cells"},
    {"engine"},
    {"storage"},
    {"data"},
    {"baselines"},
    {"linear"},
    {"models"},
    {"runtime"},
    {"nn"},
    {"training"},
    {"insight"},
    {"report"},
    {"tasks"},
    {"cli"},
]
LEVEL = {name: i for i, names in enumerate(ORDER) for name in names}
UPWARD = {
    ("models/ops_torch.py", "nn"),  # the operations for torch are what nn offers
    ("cells/describe.py", "cells"),
}
NO_TORCH = ("errors", "recurrence", "cells", "engine", "storage", "data", "baselines", "linear", "models", "runtime")
NO_TORCH += ("report", "tasks", "cli")


def imports(file: Path) -> set[str]:
    """Parts of throughtime that a file imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "throughtime" and len(parts) > 1 and parts[1] in LEVEL:
                found.add(parts[1])
    return found


FILES = [f for f in sorted(ROOT.rglob("*.py")) if f.parent != ROOT]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_downward(file: Path) -> None:
    place = str(file.relative_to(ROOT))
    part = place.split("/")[0]
    assert part in LEVEL, f"{part} has no place in the order"
    for other in imports(file):
        assert LEVEL[other] <= LEVEL[part] or (place, other) in UPWARD, f"{place} imports {other}"


def test_the_runtime_does_not_import_torch() -> None:
    modules = ", ".join(f"throughtime.{name}" for name in NO_TORCH)
    code = f"import sys, {modules}; assert 'torch' not in sys.modules, 'torch was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
