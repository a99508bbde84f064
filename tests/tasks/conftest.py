"""What tests of several tasks are run with."""

from __future__ import annotations

import pytest

from throughtime.linear import fit


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn, which takes its time."""
    monkeypatch.setattr(fit, "find_spec", lambda name: None)
