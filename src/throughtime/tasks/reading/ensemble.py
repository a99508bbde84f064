"""The members of a model that reads, about to be trained: what each sees, what it starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.models.examples import Examples
from throughtime.models.stack import Stack
from throughtime.runtime.readers import Reader, own, prefix
from throughtime.storage.memory import machine_memory, readable
from throughtime.tasks.estimator import Plan
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.reading.model import Ensemble
from throughtime.tasks.reading.options import ReaderOptions

if TYPE_CHECKING:
    from throughtime.tasks.reading.job import Member

_BYTES = 20
"""That a parameter takes in training: itself, its gradient, two moments and its average."""


@dataclass(frozen=True)
class Part:
    """A reader to be trained: what it sees of the texts to learn from and of those held back (None: there are none),
    and how often each id of each column stands in what it learns from."""

    reader: Reader
    learned: Examples
    held: Examples | None
    counts: Sequence[np.ndarray]

    @classmethod
    def of(
        cls,
        reader: Reader,
        learned: Sequence[Sequence[str]],
        held: Sequence[Sequence[str]],
        values: np.ndarray | None = None,
    ) -> Part:
        """From texts that are cut into tokens. values: the naive-Bayes features of those that are learned from."""
        examples = reader.of_tokens(learned, values)
        ids = examples.encoded.ids
        counts = [np.bincount(ids[:, i], minlength=size) for i, size in enumerate(reader.columns.sizes)]
        return cls(reader, examples, reader.of_tokens(held) if held else None, counts)


@dataclass(frozen=True, kw_only=True)
class ReadingPlan(Plan):
    """parts: of each reader. before: what an earlier training decided, whose validation part is learned, too."""

    parts: list[Part]
    before: Decided = field(default_factory=Decided)

    @property
    def readers(self) -> list[Reader]:
        """What is to be trained."""
        return [part.reader for part in self.parts]


def columns_of(
    splitter: Splitter, learned: Sequence[Sequence[str]], kinds: Sequence[str], spelling: bool, most: int
) -> Columns:
    """The columns of tokens; of a language model's tokenizer all that it knows."""
    if splitter.kind == "tokenizer":
        return Columns(("token",), [[str(id) for id in range(splitter.tokenizer.size)]])
    return Columns.fit(learned, kinds, spelling, most=most)[0]


def draw(arithmetic: Any, model: Ensemble[Any], options: ReaderOptions) -> dict[str, np.ndarray]:
    """Every member's parameters at the start; UserError where this machine's memory is too small to train them."""
    _check_memory(model.parameters)
    parameters: dict[str, np.ndarray] = {}
    for r, config in enumerate(model.readers):
        for m in range(model.ensemble_size):
            drawn = arithmetic.initial_parameters(config, np.random.default_rng([options.seed, r, m]))
            if options.chrono is not None:
                _chrono(config.reader.recurrences, drawn, options.chrono, options.seed + 100 * m)
            parameters.update({prefix(r, m) + name: value for name, value in drawn.items()})
    return parameters


def _chrono(stack: Stack, parameters: dict[str, np.ndarray], longest: float, seed: int) -> None:
    """The time scales of every recurrence's units spread from 2 to `longest` steps, the same in both directions."""
    from throughtime.insight.chrono import remember

    for i, directions in enumerate(stack.layers):
        for d, layer in enumerate(directions):
            changed = remember(layer.trace, layer.sizes, stack.own(parameters, i, d), longest, seed + i)
            parameters.update({stack.start(i, d) + name: value for name, value in changed.items()})


def _check_memory(count: int) -> None:
    memory, needed = machine_memory(), count * _BYTES
    if memory is not None and needed > memory:
        raise UserError(
            f"{count:,} parameters need about {readable(needed)} to train, this machine has {readable(memory)}; lower "
            "--hidden, --embedding, --layers or --ensemble-size"
        )


def team(
    arithmetic: Any, parts: Sequence[Part], parameters: Mapping[str, np.ndarray], options: ReaderOptions
) -> list[Member]:
    """The members as they learn, side by side."""
    from throughtime.models.ops_torch import TorchModel
    from throughtime.tasks.reading.job import Member

    return [
        Member(
            TorchModel(arithmetic, part.reader.config, own(parameters, r, m), options.seed + 1000 * r + m),
            part.learned,
            part.held,
            part.counts,
            prefix(r, m),
        )
        for r, part in enumerate(parts)
        for m in range(options.ensemble_size)
    ]


def hello(plan: ReadingPlan, learned: int, held: int, kinds: str) -> str:
    """What is told of a training when it begins: notes on the data, what is trained on what. kinds: of answers."""
    reader = plan.readers[0].config.reader
    cells = ", ".join("+".join(layer.name for layer in directions) for directions in reader.layers)
    units = " and ".join(one.splitter.kind for one in plan.readers)
    times = f"{plan.model.ensemble_size} times " if plan.model.ensemble_size > 1 else ""
    line = f"{times}{cells} over {units}; {learned:,} texts to learn from, {held:,} to choose by, {kinds}"
    return "\n".join([*(f"data: {note}" for note in plan.data.notes), line])
