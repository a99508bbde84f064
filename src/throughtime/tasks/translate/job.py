"""Training a translator: throughtime.tasks.sequence.job."""

from throughtime.tasks.sequence.job import SequenceJob

__all__ = ["SequenceJob"]
