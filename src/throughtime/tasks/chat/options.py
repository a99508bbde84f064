"""What one can choose when replies are learned."""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.options import option
from throughtime.tasks.sequence.options import SequenceOptions

CHOOSE, GENERATE, BOTH = "choose", "generate", "both"
MODES = (CHOOSE, GENERATE, BOTH)


@dataclass(frozen=True, kw_only=True)
class ChatOptions(SequenceOptions):
    """A model that replies, and its training; see SequenceOptions. turns: of what was said before, the last so many are
    read. mode: where replies come from."""

    who = "chat"
    turns: int = option(3, at_least=1, at_most=100, help="Turns that are read before a reply.")
    mode: str = option(
        None,
        choices=MODES,
        chosen=True,
        shapes=True,
        help="Replies are chosen from those of DATA, or generated, or generated where none fits.",
    )


OPTIONS = ChatOptions
