"""A converted model with what its original defines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from throughtime.interop.model import ImportedModel
from throughtime.interop.parity import Parity, Reference, compare


@dataclass(frozen=True)
class Conversion:
    """A converted model, and what its original defines of each layer."""

    model: ImportedModel
    reference: Reference
    stored: Sequence[tuple[Any, Any]] = ()
    """Inputs and outputs that the original's own framework has computed."""

    def proof(
        self, model: ImportedModel | None = None, stored: Sequence[tuple[Any, Any]] = (), whole: bool = False
    ) -> Parity:
        """Hold a model (this one where none is given) against the original. whole: with sequences of 1,000 steps,
        however many weights it has."""
        return compare(model or self.model, self.model, self.reference, [*self.stored, *stored], whole)
