"""Conversations, and questions with answers, as pairs of what was said and the reply; what the validation decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from throughtime.data.dialogues import read_dialogues
from throughtime.data.pairs import Pairs
from throughtime.errors import UserError
from throughtime.tasks.chat.options import MODES, ChatOptions
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.sequence.data import SequenceData, SequenceDecided, joined

__all__ = [
    "ChatDecided",
    "SequenceData",
    "SequenceDecided",
    "apart",
    "in_context",
    "latest",
    "latest_of",
    "read",
    "to_write",
    "turns_of",
]


@dataclass(frozen=True)
class ChatDecided(SequenceDecided):
    """See SequenceDecided. mode: where replies come from, "" for what the options say. threshold: the confidence from
    which a generated reply is said. chooser: the SHA-256 of what the chooser's files hold, "" where they are not
    decided yet."""

    mode: str = ""
    threshold: float = 0.0
    chooser: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in ("", *MODES) or not 0 <= self.threshold <= 1:
            raise UserError(f"{self.who}: expected a mode and a share; config.json is damaged")


def read(data: Any, source: str | None, target: str | None, encoding: str, turns: int) -> Pairs:
    """Pairs of the last turns and the reply, of whatever read_dialogues takes."""
    return in_context(data if isinstance(data, Pairs) else read_dialogues(data, source, target, encoding), turns)


def in_context(pairs: Pairs, turns: int) -> Pairs:
    """Replies to the last so many turns, as one text each."""
    if not pairs.before:
        return pairs
    return replace(pairs, sources=[joined(pairs.context(i)[-turns:]) for i in range(len(pairs))], before=[])


def turns_of(text: str) -> list[str]:
    """The turns of what was joined, oldest first, none of them blank."""
    return [turn for turn in text.split("\n") if turn.strip()]


def latest(pairs: Pairs, turns: int) -> Pairs:
    """The same with the last so many turns of what was joined."""
    return replace(pairs, sources=[latest_of(text, turns) for text in pairs.sources])


def to_write(examples: Parts[Pairs], options: ChatOptions) -> Parts[Pairs]:
    """What is learned as it is read to write a reply."""
    if options.turns:
        return examples  # they are read so
    turns = options.written_turns
    return replace(examples, learned=latest(examples.learned, turns), held=latest(examples.held, turns))


def latest_of(text: str, turns: int) -> str:
    """The last so many lines of a text."""
    lines = text.split("\n")
    return text if len(lines) <= turns else joined(lines[-turns:])


def apart(pairs: Pairs) -> Pairs:
    """The same with the last turn as the source, and those before it apart, as a chooser reads them."""
    every: Sequence[Sequence[str]] = [turns_of(text) or [text] for text in pairs.sources]
    return replace(pairs, sources=[turns[-1] for turns in every], before=[tuple(turns[:-1]) for turns in every])
