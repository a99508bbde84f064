"""The engine's tests with its bindings and core built with sanitizers: arrays that lie, threads that write.

    python -m tests.engine.sanitized address BUILD [PYTEST ARGUMENTS]      addresses and undefined behaviour
    python -m tests.engine.sanitized thread BUILD [PYTEST ARGUMENTS]       races

BUILD: where CMake built the target _engine with THROUGHTIME_SANITIZE (make test-bindings). The sanitizer's library is
loaded before Python, in whose place malloc serves every object, and every process takes the engine from BUILD.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARIES = {"address": "libasan.so", "thread": "libtsan.so"}
TESTS = {
    "address": ["arguments", "engine", "exact", "narrow", "program", "shared", "streams"],
    "thread": ["shared", "streams", "exact"],
}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0:report_signal_unsafe=0",
}
TAKEN = """
import importlib.util, sys

class Taken:
    def find_spec(self, name, path=None, target=None):
        if name == "throughtime.engine._engine":
            return importlib.util.spec_from_file_location(name, {path!r})

sys.meta_path.insert(0, Taken())
"""
"""What every Python process does when it starts."""


def found(library: str) -> Path:
    """Where the compiler keeps a library."""
    compiler = os.environ.get("CXX", "g++")
    told = subprocess.run([compiler, f"-print-file-name={library}"], check=True, capture_output=True, text=True)
    path = Path(told.stdout.strip()).resolve()
    if not path.is_file():
        raise SystemExit(f"sanitized: {compiler} has no {library}")
    return path


def main() -> int:
    which, build, *rest = sys.argv[1:]
    engine = next(Path(build).resolve().glob("_engine*.so"))
    library = f"{found(LIBRARIES[which])}:{found('libstdc++.so.6')}"  # it looks for what throws when it is loaded
    tests = rest or [str(ROOT / "tests" / "engine" / f"test_{name}.py") for name in TESTS[which]]
    with tempfile.TemporaryDirectory() as place:
        Path(place, "sitecustomize.py").write_text(TAKEN.format(path=str(engine)), "utf-8")
        environment = {**os.environ, **OPTIONS, "LD_PRELOAD": library, "PYTHONMALLOC": "malloc"}
        environment |= {"PYTHONPATH": os.pathsep.join([place, str(ROOT)]), "OMP_NUM_THREADS": "1"}
        call = [sys.executable, "-m", "pytest", "-x", "-q", "--capture=sys", "-p", "no:cacheprovider", *tests]
        return subprocess.run(call, env=environment, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
