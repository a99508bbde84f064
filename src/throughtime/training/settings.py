"""How to train: the numbers a run is set up with."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from throughtime.errors import UserError
from throughtime.training.schedule import KINDS


@dataclass(frozen=True)
class Settings:
    """Everything the loop needs to know; UserError where a value is out of range.

    budget, unit: how long to train, in "epochs", "steps" or "minutes".
    learning_rate: its peak, reached after `warm_up` steps and falling along a cosine to `final_fraction` of it.
    clip: the largest allowed global norm of the gradient, None for no limit.
    beta_1, beta_2, weight_decay: of AdamW; only matrices decay.
    average: the decay per step of an exponential moving average of the weights, 0 for none; where there is one it is
    what is validated and kept.
    validations: how often to validate in the whole run, the last one at its end. patience: stop after so many
    validations without a better one, None for never.
    log_every: steps between lines of the history. checkpoint_seconds: the least time between two checkpoints, 0 for one
    after every step; where writing is slow they are further apart, so that they cost less than half a percent.
    """

    budget: float = 10.0
    unit: str = "epochs"
    learning_rate: float = 3e-3
    final_fraction: float = 0.02
    warm_up: int = 100
    clip: float | None = 1.0
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.01
    average: float = 0.0
    validations: int = 16
    patience: int | None = None
    log_every: int = 10
    checkpoint_seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.unit not in KINDS:
            raise UserError(f"training: unknown unit {self.unit!r}: choose from {', '.join(KINDS)}")
        if not _number(self.budget) or self.budget <= 0 or (self.unit != "minutes" and self.budget != int(self.budget)):
            wanted = "a number above 0" if self.unit == "minutes" else "a positive integer"
            raise UserError(f"training: {self.unit} must be {wanted}, got {self.budget!r}")
        if not _number(self.learning_rate) or self.learning_rate <= 0:
            raise UserError(f"training: learning_rate must be above 0, got {self.learning_rate!r}")
        if self.clip is not None and (not _number(self.clip) or self.clip <= 0):
            raise UserError(f"training: clip must be above 0, or None for no limit, got {self.clip!r}")
        for name in ("beta_1", "beta_2", "average"):
            if not _number(getattr(self, name)) or not 0 <= getattr(self, name) < 1:
                raise UserError(f"training: {name} must be at least 0 and below 1, got {getattr(self, name)!r}")
        if not _number(self.final_fraction) or not 0 <= self.final_fraction <= 1:
            raise UserError(f"training: final_fraction must be between 0 and 1, got {self.final_fraction!r}")
        if not _number(self.checkpoint_seconds) or self.checkpoint_seconds < 0:
            raise UserError(f"training: checkpoint_seconds must not be negative, got {self.checkpoint_seconds!r}")
        if not _number(self.weight_decay) or self.weight_decay < 0:
            raise UserError(f"training: weight_decay must not be negative, got {self.weight_decay!r}")
        for name, least in (("warm_up", 0), ("validations", 1), ("log_every", 1), ("patience", 1)):
            value = getattr(self, name)
            if not (name == "patience" and value is None) and (type(value) is not int or value < least):
                raise UserError(f"training: {name} must be an integer from {least} up, got {value!r}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Settings:
        """Rebuild from `to_json`; UserError says what is wrong."""
        try:
            return cls(**data)
        except TypeError as error:
            raise UserError(f"training: the stored settings are malformed ({error})") from None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
