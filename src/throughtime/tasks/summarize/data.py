"""What is kept of summaries: throughtime.tasks.sequence.data."""

from throughtime.tasks.sequence.data import SequenceData, SequenceDecided

__all__ = ["SequenceData", "SequenceDecided"]
