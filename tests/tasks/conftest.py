"""What tests of several tasks are run with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.misuse import Outcome
from throughtime import cli
from throughtime.linear import fit


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn, which takes its time."""
    monkeypatch.setattr(fit, "find_spec", lambda name: None)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Any:
    """Runs a command."""

    def run(*arguments: Any) -> Outcome:
        capfd.readouterr()
        status = cli.invoke([str(a) for a in arguments])
        return Outcome(status, *capfd.readouterr())

    return run
