"""Looking inside models that read texts: what they are diagnosed on, short runs of them, and what an answer rests on.

A diagnosis asks how a gradient at the end of a text flows back through it. The answers of these models come from the
states of all tokens, each with a way of its own to the loss, which would hide that. So what is differentiated is the
loss that the model has where its output layers see the last state of each direction alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.sentences import sentences
from throughtime.errors import UserError
from throughtime.insight.diagnosis import Diagnosis, examine
from throughtime.insight.gates import GateOps, Seen
from throughtime.insight.patients import Trained, redeclared
from throughtime.insight.remedies import Change
from throughtime.insight.symptoms import Course
from throughtime.models.examples import Examples
from throughtime.models.ops import Params
from throughtime.models.reader import Tokens, embed
from throughtime.models.stack import Stack
from throughtime.options import Json
from throughtime.recurrence import Trace
from throughtime.runtime.readers import Reader, Readers
from throughtime.storage.folder import HISTORY
from throughtime.storage.record import ModelRecord
from throughtime.tasks.reading.ensemble import Part
from throughtime.tasks.reading.options import ReaderOptions
from throughtime.training.history import read
from throughtime.training.settings import Settings

STEPS, ROWS = 200, 32
"""Of the batch that is looked at, at most, where nothing is said."""

LONGEST = 400
"""Tokens of a text that an answer is attributed to; of a longer one the first so many."""

MOST_HELD = 1000
"""Texts by which short runs are judged."""


@dataclass
class ReadingPatient(Trained):
    """The first member of a model that reads, with texts. reader: how it sees them; parameters: of that member.

    learned, held: the texts' tokens, to learn from and to judge by. A task says how it trains and what its loss is.
    """

    reader: Reader
    parameters: Mapping[str, np.ndarray]
    learned: list[list[str]]
    held: list[list[str]]
    options: Any
    course: Course

    @property
    @abstractmethod
    def arithmetic(self) -> Any:
        """The module of the task's model."""

    @abstractmethod
    def member_job(self, reader: Reader, parameters: Mapping[str, np.ndarray], options: Any, keep: Any) -> Any:
        """The training of one member, judged by its loss on what is held."""

    @abstractmethod
    def end_losses(self, ops: Any, parameters: Params, inputs: Sequence[Any], rows: np.ndarray) -> Any:
        """The loss (B,) of texts where the output layers see the last state of each direction alone. rows: which texts
        of `looked`."""

    @property
    def stacks(self) -> list[Stack]:
        """Its recurrences, those over sentences last."""
        config = self.reader.config
        return [config.reader.recurrences, *([config.upper] if getattr(config, "above", ()) else [])]

    @property
    def looked(self) -> list[list[str]]:
        """The texts that are looked at: held ones, where there are any."""
        return self.held or self.learned

    def layers(self) -> Sequence[tuple[str, Trace, Mapping[str, int]]]:
        return [(start, layer.trace, layer.sizes) for stack in self.stacks for start, layer in stack.named]

    def with_cell(self, cell: str | None) -> Any | None:
        """The configuration of this model, with its own or another cell, whose initial values are known; None where
        they are not."""
        config = self.reader.config
        stacks = [redeclared(stack, cell) for stack in self.stacks]
        if any(stack is None for stack in stacks):
            return None
        lower, *upper = (stack.layers for stack in stacks if stack is not None)
        above = {"above": upper[0]} if upper else {}
        return replace(config, reader=replace(config.reader, layers=lower), **above)

    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        config = self.with_cell(cell)
        if config is None:
            return None
        rng = np.random.default_rng([self.options.seed, 0, 0])
        drawn: Mapping[str, np.ndarray] = self.arithmetic.initial_parameters(config, rng)
        return drawn

    @property
    def training(self) -> Settings:
        found: Settings = self.options.part(Settings)
        return found

    def job(self, change: Change, keep: Callable[[Any, Any], None] = lambda *_: None) -> Any:
        """The training of this member with a change, for the loop. keep: see the loop's Job."""
        config, values = self.start(self.reader.config, change)
        reader = replace(self.reader, config=config)
        options = self.options.replaced(seed=self.options.seed + change.order, ensemble_size=1)
        return self.member_job(reader, values, options, keep)

    def part(self, reader: Reader) -> Part:
        """What a member sees of the texts."""
        return Part.of(reader, self.learned, self.held[:MOST_HELD])

    def losses(self, steps: int, rows: int) -> Callable[[Any], Any]:
        """Runs the model over the beginnings of some of the longest texts, all of one length, of at most so many
        tokens."""
        import torch

        from throughtime.tasks.reading.job import tensors

        lengths = np.array([len(tokens) for tokens in self.looked])
        order = np.argsort(-lengths, kind="stable")[:rows]
        order = order[lengths[order] >= 2]
        if not len(order):
            raise UserError("diagnose: expected texts of at least two tokens; give longer ones")
        length = min(steps, int(lengths[order[-1]]))
        cut = [self.looked[row][:length] for row in order]
        inputs = [tensors(one) for one in _examples(self.reader, cut).inputs(np.arange(len(cut))) if one is not None]
        values = {name: torch.tensor(value).requires_grad_() for name, value in self.parameters.items()}
        return lambda ops: self.end_losses(ops, values, inputs, order)


def diagnose(
    patient: ReadingPatient,
    steps: int | None = None,
    rows: int | None = None,
    attempt: int = 0,
    note: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """See `Estimator.diagnose`; of the first member of the first reader."""
    return examine(patient, patient.losses(steps or STEPS, rows or ROWS), attempt, note)


def course_of(folder: Path, options: ReaderOptions) -> Course:
    """How the training in a folder went."""
    lines = read(folder / HISTORY) if (folder / HISTORY).is_file() else []
    return course(lines, options)


def course(history: Sequence[Mapping[str, Json]], options: ReaderOptions) -> Course:
    """How a training went; its texts were not cut."""
    return Course.of(history, options.part(Settings), None)


def source_of(record: ModelRecord[Any, Any, Any, Any], folder: Path, data: str | None) -> tuple[str, Any]:
    """Where a diagnosis takes its texts from, and the options by which they are split: those of training, for what was
    learned there. UserError where it is nowhere."""
    own, options = record.data.origin, record.options.replaced(test=None)
    if data is None and own is None:
        place = ", ".join(record.data.files) or record.data.file or "any known place"
        raise UserError(f"{folder}: the texts it learned are not at {place}; give some: throughtime diagnose DIR FILE")
    apart = isinstance(options.validation, str) and not Path(options.validation).exists()
    if data is not None or options.validation is None or apart:
        usual = type(options).option("validation").default
        options = options.replaced(validation=usual)
    return (own if data is None else data), options


def _examples(reader: Reader, texts: Sequence[Sequence[str]]) -> Examples:
    """Texts of one length as a reader sees them; where it reads sentence by sentence, in sentences of one length."""
    examples = reader.of_tokens(texts)
    if examples.firsts is None:
        return examples
    length = len(texts[0])
    usual = int(np.median([len(one) for text in texts for one in sentences(text)]))
    each = max(1, min(usual, length // 2))
    count = length // each
    pieces = [text[s * each : (s + 1) * each] for text in texts for s in range(count)]
    cut = Examples.of(reader.columns, pieces, values=None if reader.features is None else reader.features.of(pieces))
    return replace(cut, firsts=np.arange(len(texts) + 1) * count)


@dataclass(frozen=True)
class Text:
    """A text as the first member of a reader sees it.

    own: its parameters, tensors. tokens, inputs: of the text. x: (P, I), what the lowest recurrences read of each
    token; neutral: the same of tokens of which nothing is known.
    """

    reader: Reader
    own: Params
    tokens: list[str]
    inputs: Tokens
    x: Any
    neutral: Any


def seen_text(readers: Readers, number: int, tokens: Sequence[str]) -> Text:
    """A text that is cut into tokens, at least two of them, as a reader's first member sees it."""
    import torch

    from throughtime.models.ops_torch import TorchOps
    from throughtime.tasks.reading.job import tensors

    tokens = list(tokens)[:LONGEST]
    if len(tokens) < 2:
        raise UserError(f"explain: expected a text of at least two tokens, got {len(tokens)}")
    reader, ops = readers.readers[number], TorchOps()
    own = {name: torch.tensor(value) for name, value in readers.own(number, 0).items()}
    inputs = reader.of_tokens([tokens]).inputs(np.arange(1))[0]
    read: Tokens = tensors(inputs)
    # in place of a token that is not there: an unknown one, of which nothing is known
    blank = Tokens(torch.zeros_like(read.ids[:, :1]), torch.ones(1, dtype=torch.int64))
    if read.spelled is not None:
        offsets = torch.zeros(2, dtype=torch.int64)
        blank = blank._replace(spelled=torch.zeros(1, 1, dtype=torch.int64), pieces=read.pieces[:0], offsets=offsets)
    if read.values is not None:
        blank = blank._replace(values=torch.zeros_like(read.values[:1]))
    with torch.no_grad():
        x = embed(ops, reader.config.reader, own, read)[:, 0]
        neutral = embed(ops, reader.config.reader, own, blank)[0].expand(len(tokens), -1)
    return Text(reader, own, tokens, inputs, x, neutral)


def see(readers: Readers, reader: int, inputs: Tokens) -> list[Seen]:
    """What the recurrences of a reader's first member do over one text: states and gates, (T, 1, N), by direction."""
    ops = GateOps()
    readers.arithmetic.forward(ops, readers.readers[reader].config, readers.own(reader, 0), inputs)
    return ops.seen


def weightless(weight: float) -> str:
    """What is to be said where the recurrence has no weight in an answer that it is asked about all the same."""
    if weight:
        return ""
    return " The recurrence has no weight in this answer, linear models give it alone: what follows is only about it."


def spaced(tokens: Sequence[str], text: str) -> list[str]:
    """Tokens with the white space before them, where they stand in the text so."""
    parts, at = [], 0
    for token in tokens:
        place = text.find(token, at)
        if place < 0:
            parts.append(token)
            continue
        parts.append(text[at:place] + token if not text[at:place].strip() else token)
        at = place + len(token)
    return parts
