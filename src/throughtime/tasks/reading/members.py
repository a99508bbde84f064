"""What training any model that reads texts has in common: its options, its members, its run."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.models.examples import Examples
from throughtime.models.stack import Dropout
from throughtime.runtime.readers import Reader, described, prefix
from throughtime.storage.memory import machine_memory, readable
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.tasks.reading.job import Judge, Loss
    from throughtime.training.loop import Outcome
    from throughtime.training.settings import Settings

DEFAULTS = {"learning_rate": 3e-3, "average": 0.995, "weight_decay": 0.01}
"""Settings of training where nothing is said."""

MOST_MEMBERS, MOST_LAYERS = 99, 20

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
        held: Sequence[Sequence[str]] | None,
        values: np.ndarray | None = None,
    ) -> Part:
        """From texts that are cut into tokens. values: the evidence of those that are learned from."""
        examples = reader.of_tokens(learned, values)
        ids = examples.encoded.ids
        counts = [np.bincount(ids[:, i], minlength=size) for i, size in enumerate(reader.columns.sizes)]
        return cls(reader, examples, reader.of_tokens(held) if held else None, counts)


def seen(
    splitter: Splitter, learned: Sequence[Sequence[str]], kinds: Sequence[str], spelling: bool, most: int
) -> Columns:
    """The columns of tokens; of a language model's tokenizer all that it knows."""
    if splitter.kind == "tokenizer":
        return Columns(("token",), [[str(id) for id in range(splitter.tokenizer.size)]])
    return Columns.fit(learned, kinds, spelling, most=most)[0]


def drawn(
    arithmetic: Any, readers: Sequence[Reader], members: int, seed: int, memory: float | None
) -> dict[str, np.ndarray]:
    """Every member's parameters at the start. memory: see Classifier."""
    from throughtime.insight.chrono import with_memory

    _check_memory(members * sum(math.prod(shape) for one in readers for shape in one.config.shapes.values()))
    found: dict[str, np.ndarray] = {}
    for r, reader in enumerate(readers):
        for m in range(members):
            own = arithmetic.initial_parameters(reader.config, np.random.default_rng([seed, r, m]))
            for i, both in enumerate(reader.config.reader.layers):
                for direction, layer in zip(("ahead", "back"), both, strict=False):
                    start = f"layers.{i}.{direction}."
                    cell = {f"layers.0.{n}": own[start + n] for n in layer.trace.parameters}
                    changed = with_memory((layer,), cell, memory, seed + 100 * m + i)
                    own.update({start + n: changed[f"layers.0.{n}"] for n in layer.trace.parameters})
            found.update({prefix(r, m) + name: value for name, value in own.items()})
    return found


def _check_memory(count: int) -> None:
    """UserError where so many parameters cannot be trained in this machine's memory."""
    memory, needed = machine_memory(), count * _BYTES
    if memory is not None and needed > memory:
        raise UserError(
            f"{count:,} parameters need about {readable(needed)} to train, this machine has {readable(memory)}; lower "
            "--hidden, --embedding, --layers or --members"
        )


def learn(
    arithmetic: Any,
    parts: Sequence[Part],
    members: int,
    parameters: Mapping[str, np.ndarray],
    loss: Loss,
    judge: Judge,
    config: Mapping[str, Any],
    settings: Settings,
    folder: Path | None,
    resume: bool,
    quiet: bool,
    threads: int,
    note: Callable[[Any, str], None],
    renew: Callable[[int], Sequence[Examples]] | None = None,
) -> tuple[Outcome, dict[str, np.ndarray]]:
    """Train all members side by side; how it went, and the best parameters. note: (progress, sizes) says hello.

    renew: see ReadingJob."""
    from throughtime.models.ops_torch import TorchModel
    from throughtime.storage.folder import WEIGHTS
    from throughtime.tasks.reading.job import Member, ReadingJob
    from throughtime.training.best import Best
    from throughtime.training.progress import choose

    run = config["training"]
    progress = choose(quiet, "texts")
    best = Best(folder / WEIGHTS if folder else None, progress.note)
    team = []
    for r, part in enumerate(parts):
        for m in range(members):
            start = prefix(r, m)
            own = {n[len(start) :]: value for n, value in parameters.items() if n.startswith(start)}
            model = TorchModel(arithmetic, part.reader.config, own, run["seed"] + 1000 * r + m)
            team.append(Member(model, part.learned, part.held, part.counts, start))
    job = ReadingJob(
        team, loss, judge, run["batch"], run["seed"], best.keep, run["word_dropout"], run["rare_dropout"], renew
    )
    note(progress, f"{config['parameters']:,} parameters; {settings.budget:g} {settings.unit} on {threads} threads")
    outcome = runs.learn(job, settings, folder, resume, progress, threads, best)
    return outcome, best.parameters()


def sizes(readers: Sequence[Reader], members: int, arithmetic: Any) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Their part of config.json, tokenizer.json, and how many parameters there are."""
    model, tokens = described(readers, members)
    count = members * sum(math.prod(shape) for one in readers for shape in one.config.shapes.values())
    return model, tokens, count


def zeros(readers: Sequence[Reader], members: int) -> dict[str, np.ndarray]:
    """Parameters of the right shapes, for a checkpoint to fill."""
    return {
        prefix(r, m) + name: np.zeros(shape, np.float32)
        for r, reader in enumerate(readers)
        for m in range(members)
        for name, shape in reader.config.shapes.items()
    }


def epochs(texts: int, batch: int, usual: int) -> tuple[int, str]:
    """The budget where nothing is said: the usual epochs; of few texts as many as make 300 steps, 60 at most."""
    steps = max(1, -(-texts // batch))
    return max(usual, min(_MOST_EPOCHS, -(-_LEAST_STEPS // steps))), "epochs"


_LEAST_STEPS, _MOST_EPOCHS = 300, 60


def check_count(who: str, name: str, value: Any, least: int, most: int) -> None:
    """UserError unless an option is an integer in a range."""
    if type(value) is not int or not least <= value <= most:
        raise UserError(f"{who}: {name} must be an integer from {least} to {most:,}, got {reprlib.repr(value)}")


def check_share(who: str, name: str, value: Any) -> float:
    """UserError unless an option is a share."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise UserError(f"{who}: {name} must be a share from 0 to below 1, got {reprlib.repr(value)}")
    return float(value)


def dropout_of(value: Any) -> Dropout:
    """A Dropout, from one or from a mapping of its fields."""
    if isinstance(value, Dropout):
        return value
    try:
        return Dropout(**value)
    except TypeError as error:
        raise UserError(f"dropout: {error}; expected some of input, between, output, variational") from None
