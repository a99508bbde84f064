"""What tasks let people choose, as far as several have it; each task's own options are in its folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from throughtime.models.stack import LARGEST, MOST_LAYERS, Dropout
from throughtime.options import option
from throughtime.recurrence import Trace
from throughtime.training.settings import Settings


def path(value: Any) -> str:
    """The name of a file or folder; ValueError for what is none."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ValueError("the name of a file")
    return os.fspath(value) if isinstance(os.fspath(value), str) else os.fsdecode(value)


@dataclass(frozen=True, kw_only=True)
class TaskOptions(Settings):
    """What every task has: how to train, with what, and from where.

    start: the folder of a trained model whose training goes on with new data, in another folder (tasks/earlier.py).
    """

    batch: int = option(32, once=True, at_least=1, at_most=LARGEST, help="B, sequences a step.")
    seed: int = option(0, once=True, at_least=0, at_most=(1 << 63) - 1, help="Of everything random.")
    threads: int | None = option(
        None, once=True, at_least=1, at_most=1024, help="Threads to use; all cores where not given."
    )

    start: str | None = option(
        None, once=True, check=path, flag="--from", help="The folder of a trained model to start from, with new data."
    )

    def check(self) -> None:
        """UserError for what is wrong whatever is learned, and costs more than a look: said before data are read."""


def _typed_cells(text: str) -> Any:
    return text.split(",") if "," in text else text


def _cell_names(cell: Any) -> Any:
    """Cells as JSON can say them. A name in a folder is for people: no code is ever looked for by it."""
    if isinstance(cell, list | tuple):
        return [_cell_names(one) for one in cell]
    return cell if isinstance(cell, str) else getattr(cell, "name", None) or getattr(cell, "__name__", repr(cell))


@dataclass(frozen=True, kw_only=True)
class StackOptions(TaskOptions):
    """A stack of recurrences.

    cell: a name ("lstm", "rnn:relu"), a Cell, "file.py:ClassName", or a list of such, one for each layer.
    """

    cell: Any = option(
        "lstm",
        shapes=True,
        plain=_cell_names,
        parse=_typed_cells,
        help="A cell of the catalogue, rnn:relu, or file.py:ClassName; several, with commas, stack.",
    )
    hidden: int = option(
        128, shapes=True, at_least=1, at_most=LARGEST, help="H, the size of the hidden state of each direction."
    )
    layers: int = option(1, shapes=True, at_least=1, at_most=MOST_LAYERS, help="How many layers of the cell.")
    embedding: int = option(
        64, shapes=True, at_least=1, at_most=LARGEST, help="Values that what comes in becomes at each step."
    )
    chrono: float | None = option(
        None,
        above=2,
        below=1e9,
        help="Chrono initialisation: the longest time scale, in steps, that units of gated cells start with.",
    )
    dropout: float = option(0.0, at_least=0, below=1, help="Share of values dropped before the output layer.")

    def check(self) -> None:
        self.traces()

    def traces(self) -> list[Trace]:
        """The recurrences of all layers; UserError for a cell that is none. Never of options read from a folder."""
        from throughtime.models.resolve import trace_of

        cells: Sequence[Any] = self.cell if isinstance(self.cell, list | tuple) else [self.cell] * self.layers
        return [trace_of(one) for one in cells]


@dataclass(frozen=True, kw_only=True)
class DropoutOptions(StackOptions):
    """Dropout in every place of a stack."""

    embedding_dropout: float | None = option(
        None, at_least=0, below=1, help="Share dropped of the embeddings; as --dropout where not given."
    )
    layer_dropout: float | None = option(
        None, at_least=0, below=1, help="Share dropped between layers; as --dropout where not given."
    )
    weight_dropout: float = option(0.0, at_least=0, below=1, help="Share of the recurrent weights dropped.")
    variational: bool = option(False, help="Drop the same values at every step of a chunk.")

    def drops(self) -> Dropout:
        """All of it, as a model's configuration has it."""
        below = self.dropout if self.embedding_dropout is None else self.embedding_dropout
        between = self.dropout if self.layer_dropout is None else self.layer_dropout
        return Dropout(below, between, self.dropout, self.weight_dropout, self.variational)
