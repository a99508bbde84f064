"""What is measured between two lines of the history."""

from __future__ import annotations

import math
from typing import Any

from throughtime.options import Json


class Meters:
    """What has been measured since the last line of the history, and a smoothed loss to show."""

    def __init__(self, now: float) -> None:
        self.smooth = math.nan
        self._reset(now)

    def _reset(self, now: float) -> None:
        self.start, self.steps, self.tokens, self.loss, self.norm, self.struck, self.rate = (
            now,
            0,
            0,
            0.0,
            0.0,
            0.0,
            0.0,
        )

    def add(self, loss: float, norm: float, struck: float, tokens: int, rate: float) -> None:
        self.smooth = loss if math.isnan(self.smooth) else 0.95 * self.smooth + 0.05 * loss
        self.steps, self.tokens, self.rate = self.steps + 1, self.tokens + tokens, rate
        self.loss, self.norm, self.struck = self.loss + loss, self.norm + norm, self.struck + struck

    def speed(self, now: float) -> float:
        """Tokens per second since the last line."""
        return self.tokens / max(1e-9, now - self.start)

    def close(self, now: float) -> dict[str, Any]:
        """The means since the last line; measuring begins anew."""
        line = {
            "loss": self.loss / self.steps,
            "gradient_norm": self.norm / self.steps,
            "clipped": self.struck / self.steps,
            "learning_rate": self.rate,
            "tokens_per_second": round(self.speed(now), 1),
            "elapsed": round(now, 3),
        }
        self._reset(now)
        return line

    def to_json(self, now: float) -> dict[str, Any]:
        """What has been measured at an interruption; `now` as given to its other methods."""
        kept = {name: getattr(self, name) for name in _MEASURED}
        return {**kept, "since": now - self.start, "smooth": None if math.isnan(self.smooth) else self.smooth}

    def restore(self, data: dict[str, Json], now: float) -> None:
        """Go on with what `to_json` returned."""
        for name in _MEASURED:
            setattr(self, name, data[name])
        self.start = now - data["since"]
        self.smooth = math.nan if data["smooth"] is None else data["smooth"]


_MEASURED = ("steps", "tokens", "loss", "norm", "struck", "rate")
