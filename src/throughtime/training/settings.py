"""How to train: the numbers a run is set up with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from throughtime.errors import UserError
from throughtime.options import Options, option

UNITS = ("minutes", "epochs", "steps")
"""What a budget may be in."""


def _no_clip(value: Any) -> Any:
    """0 is no limit, which None says."""
    if value is None or (value == 0 and not isinstance(value, bool)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError("a number from 0 up")
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(Options):
    """Everything the loop needs to know; UserError where a value is out of range.

    The learning rate reaches its peak after `warm_up` steps and falls along a cosine to `final_fraction` of it. beta_1,
    beta_2, weight_decay: of AdamW; only matrices decay. average: of the weights, exponential; where there is one it is
    what is validated and kept. validations: how often to validate in the whole run, the last one at its end. log_every:
    steps between lines of the history. checkpoint_seconds: the least time between two checkpoints, 0 for one after
    every step; where writing is slow they are further apart, so that they cost less than half a percent. attempts: how
    often to train in a budget of minutes, each time from the start and with more regularization, where the data are
    learned by heart before the time is up; attempt_steps: the most steps of the first one. learn_validation: where
    validation is best towards the end, what was kept for it is learned too.
    """

    who = "training"

    minutes: float | None = option(None, once=True, above=0, changeable=True, help="How long to train.")
    epochs: int | None = option(
        None, once=True, at_least=1, changeable=True, help="How often to go over what is learned, instead of minutes."
    )
    steps: int | None = option(
        None, once=True, at_least=1, changeable=True, help="How many steps to train, instead of minutes."
    )
    learning_rate: float = option(3e-3, once=True, above=0, changeable=True, help="The highest learning rate.")
    final_fraction: float = option(
        0.02, once=True, at_least=0, at_most=1, changeable=True, shell=False, help="Of the learning rate, at the end."
    )
    warm_up: int = option(
        100, once=True, at_least=0, changeable=True, shell=False, help="Steps until the highest learning rate."
    )
    clip: float | None = option(1.0, check=_no_clip, changeable=True, help="The largest gradient norm; 0 for no limit.")
    beta_1: float = option(0.9, at_least=0, below=1, changeable=True, shell=False, help="Of AdamW.")
    beta_2: float = option(0.99, at_least=0, below=1, changeable=True, shell=False, help="Of AdamW.")
    weight_decay: float = option(0.01, at_least=0, changeable=True, help="Of AdamW, for matrices.")
    average: float = option(
        0.0,
        once=True,
        at_least=0,
        below=1,
        changeable=True,
        help="Decay of the moving average of the weights; 0 for none.",
    )
    validations: int = option(
        16, once=True, at_least=1, changeable=True, shell=False, help="How often to validate in all."
    )
    patience: int | None = option(
        None, once=True, at_least=1, changeable=True, help="Stop after so many validations without a better one."
    )
    attempts: int = option(
        1, once=True, at_least=1, changeable=True, shell=False, help="The most trainings, each from the start."
    )
    attempt_steps: int | None = option(None, once=True, at_least=1, shell=False, help="Of the first attempt, at most.")
    learn_validation: bool = option(
        False, once=True, shell=False, help="Learn the validation part too, towards the end."
    )
    log_every: int = option(
        10, once=True, at_least=1, changeable=True, shell=False, help="Steps between lines of the history."
    )
    checkpoint_seconds: float = option(
        10.0, once=True, at_least=0, changeable=True, shell=False, help="The least time between two checkpoints."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [unit for unit in UNITS if getattr(self, unit) is not None]
        if len(given) > 1:
            raise UserError(f"{self.who}: give one budget, got {' and '.join(given)}")

    @property
    def unit(self) -> str:
        """What the budget is in; of none that is given, epochs."""
        return next((unit for unit in UNITS if getattr(self, unit) is not None), "epochs")

    @property
    def budget(self) -> float:
        """How long to train, in `unit`; 10 where nothing is said."""
        amount: float | None = getattr(self, self.unit)
        return 10 if amount is None else amount

    @property
    def budgeted(self) -> bool:
        """Whether a budget is given."""
        return any(getattr(self, unit) is not None for unit in UNITS)

    def replaced(self, **changes: Any) -> Self:
        """The same with other values; a budget takes the place of another one."""
        if any(changes.get(unit) is not None for unit in UNITS):
            changes = {**dict.fromkeys(UNITS), **changes}
        return super().replaced(**changes)
