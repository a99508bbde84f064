"""What one can choose when lines are learned to be reversed."""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.options import option
from throughtime.tasks.options import StackOptions


@dataclass(frozen=True)
class ReverseOptions(StackOptions):
    """A reader in both directions, and its training."""

    who = "reverser"
    holdout: float = option(0.2, at_least=0, below=1, help="Share of the lines kept for the score.")


OPTIONS = ReverseOptions
