"""What one can choose when replies are learned."""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.options import by_rule, option
from throughtime.tasks.sequence.options import SequenceOptions

CHOOSE, GENERATE, BOTH = "choose", "generate", "both"
MODES = (CHOOSE, GENERATE, BOTH)

WRITTEN, CHOSEN = 3, 100
"""Turns that are read before a reply is written, and before one is chosen, where nobody says how many."""


@dataclass(frozen=True, kw_only=True)
class ChatOptions(SequenceOptions):
    """A model that replies, and its training; see SequenceOptions. turns: of what was said before, the last so many are
    read; None for WRITTEN and CHOSEN. mode: where replies come from."""

    who = "chat"
    weight_decay: float = by_rule(SequenceOptions, "weight_decay")
    beta_2: float = by_rule(SequenceOptions, "beta_2")
    turns: int | None = option(
        None,
        at_least=1,
        at_most=CHOSEN,
        help=f"Turns that are read; where not given {WRITTEN} to write a reply, {CHOSEN} to choose one.",
    )
    mode: str = option(
        None,
        choices=MODES,
        chosen=True,
        shapes=True,
        help="Replies are chosen from those of DATA, or generated, or generated where none fits.",
    )

    @property
    def written_turns(self) -> int:
        """Turns that are read before a reply is written."""
        return self.turns or WRITTEN

    @property
    def most_turns(self) -> int:
        """Turns that are read at most, by whatever replies."""
        return self.turns or CHOSEN


OPTIONS = ChatOptions
