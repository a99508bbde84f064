"""What is measured between two lines of the history."""

from __future__ import annotations

import numpy as np

from throughtime.training.meters import Meters


def test_meters_give_means_and_start_again() -> None:
    meters = Meters(10.0)
    meters.add(2.0, 1.0, True, 100, 0.1)
    meters.add(4.0, 3.0, False, 100, 0.2)
    line = meters.close(12.0)
    assert line == {
        "loss": 3.0,
        "gradient_norm": 2.0,
        "clipped": 0.5,
        "learning_rate": 0.2,
        "tokens_per_second": 100.0,
        "elapsed": 12.0,
    }
    meters.add(1.0, 1.0, False, 50.25, 0.2)  # type: ignore[arg-type]
    line = meters.close(13.0)
    assert line["loss"] == 1.0
    assert line["tokens_per_second"] == 50.2
    assert np.isclose(meters.smooth, 0.95 * (0.95 * 2.0 + 0.05 * 4.0) + 0.05)
