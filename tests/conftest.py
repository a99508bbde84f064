"""Work memory of the engine is filled with NaN in every test: what is read before it is written shows. Ctrl-C works."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("THROUGHTIME_POISON", "1")  # before throughtime is imported; subprocesses inherit it

# Threads that wait for each other in a spin cost more than models so small have to compute, the more so where tests run
# side by side. Tests of threads ask for theirs.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A shell that puts its commands in the background lets them ignore SIGINT, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPORTS = re.compile(r"tests/report/|test_report\.py::|::test_the_report_is_one_file")
"""Tests that look at pictures."""


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """A test's files need not outlast a loss of power. That they would is tested by what is called, and in processes of
    their own, where fsync is the system's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(scope="session", autouse=True)
def pictures_without_layout() -> Iterator[None]:
    """Where the parts of a picture stand is found by drawing it twice more. Tests of reports have it so; for the others
    it is drawn once, its parts where they stand by default."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        yield
        return
    engine = Figure.get_layout_engine

    def where_it_counts(self: Any) -> Any:
        return engine(self) if REPORTS.search(os.environ.get("PYTEST_CURRENT_TEST", "")) else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "get_layout_engine", where_it_counts)
        yield
