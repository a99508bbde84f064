"""What a rule chooses where nobody did: an option, its value, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from throughtime.options import Json
from throughtime.tasks.options import TaskOptions
from throughtime.training.settings import UNITS

Chosen = TypeVar("Chosen", bound=TaskOptions)


class Choice(NamedTuple):
    """An option's name, the value that a rule gives it, and why, in a few words."""

    option: str
    value: Json
    why: str


def settled(options: Chosen, choices: Iterable[Choice]) -> tuple[Chosen, list[Choice]]:
    """Options with what a rule chose for those that nobody did, and which these are; a budget stays the one that was
    given, whatever its unit."""
    taken = [
        one
        for one in choices
        if getattr(options, one.option) is None and not (one.option in UNITS and options.budgeted)
    ]
    return options.replaced(**{one.option: one.value for one in taken}), taken
