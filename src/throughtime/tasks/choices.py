"""What a rule chooses where nobody did: an option, its value, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from throughtime.storage.record import Choice
from throughtime.tasks.options import TaskOptions
from throughtime.training.settings import UNITS

Chosen = TypeVar("Chosen", bound=TaskOptions)


def settled(options: Chosen, choices: Iterable[Choice]) -> tuple[Chosen, list[Choice]]:
    """Options with what a rule chose for those that nobody did, and which these are; a budget stays the one that was
    given, whatever its unit."""
    taken = [
        one for one in choices if getattr(options, one.name) is None and not (one.name in UNITS and options.budgeted)
    ]
    return options.replaced(**{one.name: one.value for one in taken}), taken
