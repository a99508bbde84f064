"""What every model that learns to read texts has in common, from its options to its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.folder import forget, write_linear, write_seen
from throughtime.models.resolve import trace_of
from throughtime.models.stack import LARGEST, Dropout
from throughtime.runtime.readers import Reader, described, write_evidence
from throughtime.storage.folder import CONFIG, FORMAT_VERSION, TOKENIZER, WEIGHTS, write_json, write_weights
from throughtime.tasks.reading import members as reading
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.recurrence import Trace
    from throughtime.training.loop import Outcome
    from throughtime.training.settings import Settings


Running = TypeVar("Running")
"""What runs without torch once it is learned."""


class Learner(Generic[Running]):
    """The part of Classifier and Tagger that is the same.

    who: speaks in errors. task: its name, and that of its section of config.json. kept: options that make it again for
    a run that goes on, beside SHARED; its cells are with its readers. `fit` calls begin, again for a run that goes on,
    settle for a new one, and makes `model`, which runs without torch.
    """

    who: ClassVar[str]
    task: ClassVar[str]
    kept: ClassVar[tuple[str, ...]]
    model: Running | None

    def take(
        self,
        cell: Any,
        layers: int,
        dropout: Dropout | Mapping[str, Any],
        *,
        hidden: int,
        embedding: int,
        both: bool,
        members: int,
        wide: bool,
        word_dropout: float,
        rare_dropout: float,
        label_smoothing: float,
        sure: float,
        vocabulary: int,
        memory: float | None,
        seed: int,
        threads: int | None,
    ) -> None:
        """Take over what every reader has; UserError where a value is out of range."""
        for name, value, least, most in (
            ("hidden", hidden, 1, LARGEST),
            ("layers", layers, 1, reading.MOST_LAYERS),
            ("embedding", embedding, 1, LARGEST),
            ("members", members, 1, reading.MOST_MEMBERS),
            ("vocabulary", vocabulary, 1, 10_000_000),
            ("seed", seed, 0, (1 << 63) - 1),
            *([("threads", threads, 1, 1024)] if threads is not None else []),
        ):
            reading.check_count(self.who, name, value, least, most)
        shares = {"word_dropout": word_dropout, "rare_dropout": rare_dropout, "label_smoothing": label_smoothing}
        for name, share in {**shares, "sure": sure}.items():
            reading.check_share(self.who, name, share)
        cells = list(cell) if isinstance(cell, list | tuple) else [cell] * layers
        self.traces: list[Trace] = [trace_of(one) for one in cells]
        self.hidden, self.embedding, self.both, self.members, self.wide = hidden, embedding, both, members, wide
        self.dropout = reading.dropout_of(dropout)
        self.word_dropout, self.rare_dropout, self.label_smoothing = word_dropout, rare_dropout, label_smoothing
        self.sure, self.vocabulary, self.memory, self.seed, self.threads = sure, vocabulary, memory, seed, threads
        self.model = None
        self.outcome: Outcome | None = None
        self.config: dict[str, Any] = {}
        self.seen: np.ndarray | None = None  # digests of the texts it learned from

    def begin(
        self, out: str | Path | None, batch: int, resume: bool, force: bool
    ) -> tuple[Path | None, runs.Stored | None]:
        """Before anything is read: the folder, and the run to go on with, None for a new one. UserError where neither
        can be."""
        runs.need_torch()
        reading.check_count(self.who, "batch", batch, 1, LARGEST)
        folder = Path(out) if out is not None else None
        if not resume:
            runs.refuse_existing(folder, force)
            return folder, None
        return folder, runs.stored(folder)

    def again(self, run: runs.Stored, sha256: str) -> None:
        """Become the learner that began a run; UserError where it learned other texts, or is damaged."""
        if run.data.get("sha256") != sha256:
            raise UserError(f"{self.who}: the run in {run.folder} learns other texts; give those, or a new --out")
        try:
            self.__init__(**run.config[self.task]["options"], seed=run.own["seed"])  # type: ignore[misc]
        except (KeyError, TypeError) as error:
            raise UserError(f"{run.folder}: expected the settings of a {self.task} model, {error}; damaged") from None

    def settle(
        self,
        readers: Sequence[Reader],
        arithmetic: Any,
        settings: Settings,
        batch: int,
        section: Mapping[str, Any],
        data: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write down everything in `config`; returns tokenizer.json. section: the task's own, data: about the texts."""
        model, tokens, count = reading.sizes(readers, self.members, arithmetic)
        own = {"batch": batch, "seed": self.seed, "threads": self.threads, "word_dropout": self.word_dropout}
        self.config = {
            "format_version": FORMAT_VERSION,
            "task": self.task,
            "model": model,
            "parameters": count,
            self.task: {**section, "options": self._options()},
            "training": {**settings.to_json(), **own, "rare_dropout": self.rare_dropout},
            "data": dict(data),
        }
        return tokens

    def _options(self) -> dict[str, Any]:
        drop = self.dropout
        fields = {name: getattr(drop, name) for name in ("input", "between", "output", "weight", "variational")}
        found: dict[str, Any] = {name: getattr(self, name) for name in (*SHARED, *self.kept)}
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
        return {**found, "dropout": fields}

    def torch_threads(self) -> int:
        """How many threads training takes."""
        import torch

        return self.threads or torch.get_num_threads()

    def fitted(self) -> Running:
        """The running model; UserError before there is one."""
        if self.model is None:
            raise UserError(f"{self.who}: expected a fitted model; call fit first, or throughtime.load a saved one")
        return self.model

    def save(self, directory: str | Path) -> Self:
        """Write the model's folder; throughtime.load reads it, without torch. Returns itself."""
        model: Any = self.fitted()
        folder = Path(directory)
        # a save that is cut off leaves no folder that loads as something else
        (folder / CONFIG).unlink(missing_ok=True)
        forget(folder)
        write_weights(folder / WEIGHTS, model.readers.parameters)
        write_json(folder / TOKENIZER, described(model.readers.readers, model.readers.members)[1])
        write_evidence(folder, model.readers.readers)
        write_linear(folder, model.linear)
        if self.seen is not None:
            write_seen(folder, self.seen)
        write_json(folder / CONFIG, self.config)
        return self


SHARED = (
    *("hidden", "embedding", "both", "members", "wide", "word_dropout", "rare_dropout", "label_smoothing"),
    *("sure", "vocabulary", "memory", "threads"),
)
"""The options of every learner."""


def validated(who: str, share: Any, least: bool) -> float:
    """A share kept for validation; UserError where it is none. least: whether it may be 0."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1 or (not share and not least):
        low = "from 0 to below 1" if least else "between 0 and 1"
        raise UserError(f"{who}: validation must be a share {low}, or texts, got {share!r}")
    return float(share)
