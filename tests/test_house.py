"""The rules of the house: imports point downward and in no circle, what runs a model knows no torch, code stays small.

The numbers below are what there is; they may be lowered, never raised.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import throughtime
from throughtime.tasks import TASKS

ROOT = Path(throughtime.__file__).parent
TESTS = Path(__file__).parent
CPP = TESTS.parent / "cpp"
ORDER = (
    *("errors", "options", "recurrence", "cells", "engine", "storage", "data", "baselines", "linear", "models"),
    *("runtime", "nn", "training", "insight", "report", "interop", "tasks", "cli"),
)
LEVEL = {name: level for level, name in enumerate(ORDER)}
UPWARD = {
    ("models/ops_torch.py", "nn"),  # the operations for torch are what nn offers
}

LONG_FUNCTION, LONG_FILE, MANY_PARAMETERS = 80, 400, 10
LONG_FUNCTIONS: dict[str, int] = {}
"""Functions of more lines, with their lines."""
LONG_FILES: dict[str, int] = {}
WIDE_FUNCTIONS = 5
"""How many functions have more parameters."""
UNTYPED = 32
"""Parameters that are dict[str, Any] or Mapping[str, Any]."""
WORD_DROPOUT = 5
"""How often an option stands in the source: declared, helped out with an error, used."""
CIRCLES = 0

WITH_TORCH = {
    "models/ops_torch.py": "the operations for torch",
    "nn": "modules for torch",
    "training": "the loop; what starts it imports torch when it is called",
    "insight": "derivatives of models",
    "tasks/*/job.py": "what the loop trains",
    "tasks/*/insight.py": "derivatives of models",
    "tasks/forecast/loss.py": "of what the loop trains",
}
"""What may import torch at its top; nothing else, not even through others."""

PLAN = {"__init__", "commands", "data", "demo", "estimator", "insight", "job", "model", "options", "report", "score"}
PLAN |= {"stream"}
"""The files of a task's folder; what else there is only this task has."""


def module(file: Path) -> str:
    """The dotted name of a source file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(["throughtime", *(parts[:-1] if parts[-1] == "__init__" else parts)])


FILES = {module(file): file for file in sorted(ROOT.rglob("*.py"))}
INNER = {name: file for name, file in FILES.items() if name not in ("throughtime", "throughtime.__main__")}


def place(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def documentation(node: ast.AST) -> set[ast.AST]:
    """The strings of a file that only people read."""
    texts = set()
    for one in ast.walk(node):
        for line in getattr(one, "body", []) if not isinstance(one, ast.Lambda | ast.IfExp) else []:
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                texts.add(line.value)
    return texts


def type_checking(node: ast.AST) -> set[ast.AST]:
    """What only type checkers see."""
    return {
        inner
        for one in ast.walk(node)
        if isinstance(one, ast.If) and "TYPE_CHECKING" in ast.unparse(one.test)
        for line in one.body
        for inner in ast.walk(line)
    }


@cache
def imports(file: Path, checked: bool = True) -> frozenset[str]:
    """Modules of throughtime that a file imports at any depth of its code, or names in a string, such as code that
    another process runs. checked: with what is imported for type checkers only."""
    node = tree(file)
    unseen = documentation(node) | (set() if checked else type_checking(node))
    found: set[str] = set()
    for one in ast.walk(node):
        if one in unseen:
            continue
        if isinstance(one, ast.ImportFrom) and one.module and one.module.split(".")[0] == "throughtime":
            for alias in one.names:
                inner = f"{one.module}.{alias.name}"
                found.add(inner if inner in FILES else one.module)
        elif isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names if alias.name.split(".")[0] == "throughtime"}
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            for name in re.findall(r"\bthroughtime(?:\.\w+)+", one.value):
                found |= {name if name in FILES else name.rpartition(".")[0]} & FILES.keys()
    return frozenset(found - {module(file), "throughtime"})


@pytest.mark.parametrize("file", INNER.values(), ids=place)
def test_imports_point_downward(file: Path) -> None:
    part = module(file).split(".")[1]
    assert part in LEVEL, f"{part} has no place in the order"
    for other in imports(file):
        named = other.split(".")[1]
        assert LEVEL[named] <= LEVEL[part] or (place(file), named) in UPWARD, f"{place(file)} imports {other}"


@pytest.mark.parametrize("file", [f for f in INNER.values() if place(f).startswith("tasks/")], ids=place)
def test_tasks_do_not_import_each_other(file: Path) -> None:
    own = module(file).split(".")[2] if module(file).count(".") > 1 else None
    for other in imports(file):
        task = other.split(".")[2] if other.startswith("throughtime.tasks.") else None
        assert task not in TASKS or task == own, f"{place(file)} imports {other}"


def test_imports_in_strings_are_seen(tmp_path: Path) -> None:
    file = ROOT / "x.py"
    code = (
        "import_module('throughtime.nn.modules')\ncode = 'import throughtime.cells; print(1)'\n'''throughtime.cli'''\n"
    )
    node = ast.parse(code + 'def f():\n    "see throughtime.report"\n    part = f"throughtime.tasks.{name}.job"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "tree", lambda _: node)
        assert imports.__wrapped__(file) == {"throughtime.nn.modules", "throughtime.cells", "throughtime.tasks"}


def circles() -> list[set[str]]:
    """Sets of modules that import each other in a circle, at any depth of their code."""
    reached: dict[str, set[str]] = {}
    direct = {name: imports(file, checked=False) & INNER.keys() for name, file in INNER.items()}
    for name in direct:
        seen, ahead = set[str](), [*direct[name]]
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += direct[one]
        reached[name] = seen
    found: list[set[str]] = []
    for name, seen in reached.items():
        circle = {one for one in seen if name in reached[one]} | {name}
        if name in seen and circle not in found:
            found.append(circle)
    return found


def test_nothing_is_imported_in_a_circle() -> None:
    assert len(circles()) <= CIRCLES, circles()


def allowed(name: str) -> bool:
    """Whether a module may import torch at its top."""
    file = FILES[name].relative_to(ROOT)
    return any(file.match(pattern) or str(file).startswith(f"{pattern}/") for pattern in WITH_TORCH)


def test_what_runs_a_model_does_not_import_torch() -> None:
    names = [name for name in FILES if not allowed(name) and name != "throughtime.__main__"]
    code = f"""
import sys, importlib
sys.modules["torch"] = None
for name in {names}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the source, with its place."""
    for file in FILES.values():
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{place(file)}:{node.name}", node


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    all_ = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [one for one in all_ if one.arg not in ("self", "cls")]


def compiled() -> Iterator[tuple[str, int]]:
    """Functions of the C++ source that stand at the left, and their lines: with its format, a block of them begins and
    ends there."""
    for file in sorted(CPP.rglob("*.*")):
        if file.suffix not in (".cpp", ".h"):
            continue
        begun, name = 0, ""
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if line.endswith("{") and line[0] not in " }#/" and "(" in line and not begun:
                begun, name = number, line
            elif line.startswith("}") and begun:
                yield f"{file.name}: {name}", number - begun + 1
                begun = 0


def test_functions_are_short() -> None:
    lines = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}
    lines |= dict(compiled())
    long = {name: count for name, count in lines.items() if count > LONG_FUNCTION}
    assert set(long) <= set(LONG_FUNCTIONS), {n: c for n, c in long.items() if n not in LONG_FUNCTIONS}
    assert all(count <= LONG_FUNCTIONS[name] for name, count in long.items())
    assert set(LONG_FUNCTIONS) <= set(long), "shorter by now: take it out"


def test_functions_take_few_values() -> None:
    wide = {name: len(parameters(node)) for name, node in functions() if len(parameters(node)) > MANY_PARAMETERS}
    assert len(wide) <= WIDE_FUNCTIONS, wide


def test_files_are_short() -> None:
    sources = {place(file): file for file in FILES.values()}
    sources |= {file.name: file for file in CPP.rglob("*.*") if file.suffix in (".cpp", ".h")}
    lines = {name: len(file.read_text("utf-8").splitlines()) for name, file in sources.items()}
    long = {name: count for name, count in lines.items() if count > LONG_FILE}
    assert set(long) <= set(LONG_FILES), {n: c for n, c in long.items() if n not in LONG_FILES}
    assert all(count <= LONG_FILES[name] for name, count in long.items())
    assert set(LONG_FILES) <= set(long), "shorter by now: take it out"


def test_what_is_passed_around_has_a_type() -> None:
    untyped = Counter(
        name.split(":")[0]
        for name, node in functions()
        for one in parameters(node)
        if one.annotation is not None
        and re.search(r"\b(dict|Mapping)\[str, Any\]", ast.unparse(one.annotation).replace("'", ""))
    )
    assert sum(untyped.values()) <= UNTYPED, untyped.most_common()


def test_an_option_stands_in_few_places() -> None:
    found = [f"{place(file)}:{n}" for file in FILES.values() for n, line in lines_of(file) if "word_dropout" in line]
    assert len(found) <= WORD_DROPOUT, found


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    return enumerate(file.read_text("utf-8").splitlines(), 1)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_the_files_of_every_task(task: str) -> None:
    there = {file.stem for file in (ROOT / "tasks" / task).glob("*.py")}
    assert not PLAN - there


THEMES = {
    *("baselines/series", "cells/formulas", "cli/bad_folder", "cli/bad_input", "cli/bad_options"),
    *("cli/bad_texts", "cli/bad_weights"),
    *("cli/commands", "cli/insight", "cli/resume", "cli/streams", "data/series_files"),
    *("engine/arguments", "engine/engine", "engine/exact", "engine/leaks", "engine/narrow"),
    *("engine/processes", "engine/shared", "models/reader_ops"),
    *("nn/compile", "nn/cuda", "nn/every_state", "nn/inputs", "nn/torch_parity", "runtime/lazy"),
    *("data/file_memory", "data/text_files", "tasks/classify/as_people_have_them", "tasks/classify/twice"),
    *("interop/onnx/importing", "tasks/chat/modes", "tasks/tag/composing"),
    *("tasks/text/threads", "training/kill"),
}
"""Test modules about several modules; besides the contract, which every task has."""
ASIDE = {"fuzz", "golden", "hostile", "toy"}


def test_tests_stand_where_what_they_test_stands() -> None:
    strangers = []
    for file in sorted(TESTS.rglob("test_*.py")):
        where = file.relative_to(TESTS).parent
        if where == Path(".") or where.parts[0] in ASIDE:
            continue
        assert (ROOT / where).is_dir(), f"{where} is no part of the source"
        name = file.stem.removeprefix("test_")
        known = name == "contract" or f"{where}/{name}" in THEMES
        if not known and not (ROOT / where / f"{name}.py").is_file():
            strangers.append(f"{where}/{name}")
    assert not strangers


def test_actions_of_workflows_are_pinned_by_commit() -> None:
    used = [
        line.split("uses:")[1].strip()
        for path in (TESTS.parent / ".github" / "workflows").glob("*.yml")
        for line in path.read_text("utf-8").splitlines()
        if "uses:" in line
    ]
    loose = [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)]
    assert used
    assert not loose
