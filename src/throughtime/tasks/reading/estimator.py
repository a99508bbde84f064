"""What the classes that learn to read texts have in common."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.folder import FILES
from throughtime.runtime.readers import Reader, Readers, read_readers, reader_files
from throughtime.storage.folder import TOKENIZER
from throughtime.storage.record import ModelRecord
from throughtime.tasks.estimator import Estimator
from throughtime.tasks.reading.data import Kind, Parts
from throughtime.tasks.reading.ensemble import Part, ReadingPlan, settled
from throughtime.tasks.reading.options import ReaderOptions
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.insight.diagnosis import Diagnosis

Chosen = TypeVar("Chosen", bound=ReaderOptions)
Running = TypeVar("Running")


class ReadingEstimator(Estimator[Chosen, Parts[Kind], ReadingPlan, Running]):
    """arithmetic: the module of the task's model. epochs: how long training takes where nothing is said. A task writes
    what Estimator asks for, and how a reader sees the texts."""

    arithmetic: Any
    epochs: int
    unit = "texts"
    beside = (TOKENIZER, *FILES)

    @abstractmethod
    def _part(self, reader: Reader, examples: Parts[Kind], options: Chosen) -> Part:
        """What a reader of a folder sees of the texts that are learned from and chosen by."""

    def _beside(self, validation: Any, changes: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Of what `fit` is told to choose by: texts, None for none that were handed over, and changes of options."""
        if validation is None:
            return None, dict(changes)
        if isinstance(validation, int | float | str | os.PathLike):
            return None, {**changes, "validation": validation}
        return self._judged(validation), {**changes, "validation": None}

    @abstractmethod
    def _judged(self, source: Any) -> Kind:
        """Texts to choose by that were handed over."""

    def _settle(self, examples: Parts[Kind], options: Chosen) -> Chosen:
        return settled(options, len(examples.learned), self.epochs)

    def _rebuild(self, examples: Parts[Kind], record: ModelRecord[Any, Any, Any, Any], folder: Path) -> ReadingPlan:
        if examples.sha256 != record.data.sha256:
            who = record.options.who
            raise UserError(f"{who}: the run in {folder} learns other texts; give those, or a new --out")
        parts = [self._part(one, examples, record.options) for one in read_readers(folder, record.model.readers)]
        parameters = {name: np.zeros(shape, np.float32) for name, shape in record.model.shapes.items()}
        files = reader_files([part.reader for part in parts])
        return ReadingPlan(record.model, record.data, parameters, files, parts=parts)

    def _readers(self, plan: ReadingPlan, options: Chosen, parameters: Mapping[str, np.ndarray]) -> Readers:
        """The trained members, as they run."""
        threads = options.threads or runs.torch_threads()
        size = plan.model.ensemble_size
        return Readers(options.who, self.arithmetic, plan.readers, size, parameters, threads)

    def notes(self) -> list[str]:
        """What is odd in the texts it learned, and what of the model could not be built."""
        assert self.record is not None
        return list(self.record.data.notes)

    def diagnose(
        self, steps: int | None = None, rows: int | None = None, attempt: int = 0, quiet: bool = True
    ) -> Diagnosis:
        """Whether the gradient vanishes or explodes, how long the memory is, what gates do, and what helps; of the
        first member, on texts that were chosen by, or learned from where there are none.

        steps, rows: T and B of the batch, as many tokens as the texts have and 32 where not given. attempt: steps of
        the short runs in which remedies are tried, 0 for none. Returns a Diagnosis: prints as text, `.to_json()`.
        Needs torch.
        """
        from throughtime.tasks import part
        from throughtime.training.progress import choose

        self.fitted()
        insight = part(self.schema.task, "insight")
        found: Diagnosis = insight.diagnose(insight.of_model(self), steps, rows, attempt, choose(quiet).note)
        return found
