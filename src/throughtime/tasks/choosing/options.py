"""How the encoders of a chooser are learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughtime.options import option, redefined
from throughtime.tasks.options import StackOptions


@dataclass(frozen=True, kw_only=True)
class ChooserOptions(StackOptions):
    """Two readers in both directions, and their training."""

    who = "chooser"

    cell: Any = redefined(StackOptions, "cell", default="gru")
    hidden: int = redefined(StackOptions, "hidden", default=96)
    embedding: int = redefined(StackOptions, "embedding", default=96)
    dropout: float = redefined(StackOptions, "dropout", default=0.4)
    batch: int = redefined(StackOptions, "batch", default=96)
    validation: float = option(0.1, at_least=0, below=1, help="Share of the pairs to choose by.")
