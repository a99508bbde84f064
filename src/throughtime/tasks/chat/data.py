"""Conversations as pairs: what was said before, and the reply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from throughtime.data.dialogues import read_dialogues
from throughtime.data.pairs import Pairs
from throughtime.tasks.sequence.data import SequenceData, SequenceDecided, joined

__all__ = ["SequenceData", "SequenceDecided", "in_context", "read"]


def read(data: Any, source: str | None, target: str | None, encoding: str, turns: int) -> Pairs:
    """Pairs of the last turns and the reply, of whatever read_dialogues takes."""
    return in_context(data if isinstance(data, Pairs) else read_dialogues(data, source, target, encoding), turns)


def in_context(pairs: Pairs, turns: int) -> Pairs:
    """Replies to the last so many turns, as one text each."""
    if not pairs.before:
        return pairs
    return replace(pairs, sources=[joined(pairs.context(i)[-turns:]) for i in range(len(pairs))], before=[])
