"""Work memory of the engine is filled with NaN in every test: what is read before it is written shows. Ctrl-C works."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

os.environ.setdefault("THROUGHTIME_POISON", "1")  # before throughtime is imported; subprocesses inherit it

# Threads that wait for each other in a spin cost more than models so small have to compute, the more so where tests run
# side by side. Tests of threads ask for theirs.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A shell that puts its commands in the background lets them ignore SIGINT, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """A test's files need not outlast a loss of power. That they would is tested by what is called, and in processes of
    their own, where fsync is the system's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield
