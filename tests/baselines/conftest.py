"""What tests of baselines share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from throughtime.baselines import statistical
from throughtime.baselines.statistical import Statistical, fit_all


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process for all histories: what it imports costs more than what it does here."""
    monkeypatch.setattr(statistical, "_MOST_PROCESSES", 1)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fitted, without a process of its own that imports statsforecast anew."""

    def fitted(self: Statistical, ends: Sequence[np.ndarray]) -> np.ndarray:
        return fit_all(
            ends, self.horizon, 1000.0, lambda one: statistical._fit(self._kind, self.season, self.horizon, one)
        )

    monkeypatch.setattr(Statistical, "_fitted", fitted)
