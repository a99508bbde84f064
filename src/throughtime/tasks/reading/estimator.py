"""What the classes that learn to read texts have in common."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from throughtime.linear.folder import FILES
from throughtime.runtime.readers import Reader, Readers, read_readers, reader_files
from throughtime.storage.folder import TOKENIZER
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.choices import settled
from throughtime.tasks.earlier import Earlier
from throughtime.tasks.estimator import Estimator, zeros
from throughtime.tasks.reading.data import Kind, Parts, place_of
from throughtime.tasks.reading.ensemble import Part, ReadingPlan
from throughtime.tasks.reading.options import ReaderOptions
from throughtime.tasks.reading.rehearsal import recalled, rehearsed, without
from throughtime.tasks.reading.rule import Facts, as_wide_as_vectors
from throughtime.tasks.reading.speed import seconds_a_text
from throughtime.training import run as runs

Chosen = TypeVar("Chosen", bound=ReaderOptions)
Running = TypeVar("Running")


class ReadingEstimator(Estimator[Chosen, Parts[Kind], ReadingPlan, Running]):
    """arithmetic: the module of the task's model. A task writes what Estimator asks for, how a reader sees the texts,
    and what its rule goes by and says."""

    arithmetic: Any
    unit = "texts"
    _once: Parts[Kind] | None = None
    beside = (TOKENIZER, *FILES)

    @abstractmethod
    def _parts_of(self, source: Path | list[Path], options: Chosen) -> Parts[Kind]:
        """The parts of a file or of several, by the options."""

    @abstractmethod
    def _keys(self, texts: Kind) -> list[Hashable]:
        """What tells whether two texts are the same."""

    @abstractmethod
    def _learned_before(self, texts: Kind) -> np.ndarray:
        """(N,) which of some texts the earlier model is known to have learned."""

    @abstractmethod
    def _check_start(self, examples: Parts[Kind], record: ModelRecord[Any, Any, Any, Any]) -> None:
        """UserError where what is to be learned does not go with an earlier model."""

    def _recall(self, earlier: Earlier, examples: Parts[Kind]) -> Parts[Kind] | None:
        if examples.again is None:  # of two trainings the first
            found = recalled(earlier.record, self.schema, self._parts_of)
            self._once = None if found is None else without(found, examples, self._keys)
        return self._once

    def _rehearse(self, examples: Parts[Kind], recalled: Parts[Kind] | None) -> Parts[Kind]:
        if examples.again is not None:
            return examples
        assert self._earlier is not None
        self._recalled = recalled
        self._check_start(examples, self._earlier.record)
        return rehearsed(examples, recalled, self._learned_before, str(self._earlier.folder))

    @abstractmethod
    def _part(self, reader: Reader, examples: Parts[Kind], options: Chosen) -> Part:
        """What a reader of a folder sees of the texts that are learned from and chosen by."""

    def _beside(self, validation: Any, changes: Mapping[str, object]) -> tuple[Any, dict[str, Any]]:
        """Of what `fit` is told to choose by: texts, None for none that were handed over, and changes of options."""
        if validation is None:
            return None, dict(changes)
        if isinstance(validation, int | float | str | os.PathLike):
            return None, {**changes, "validation": validation}
        return self._judged(validation), {**changes, "validation": None}

    @abstractmethod
    def _judged(self, source: Any) -> Kind:
        """Texts to choose by that were handed over."""

    @abstractmethod
    def _facts(self, examples: Parts[Kind], options: Chosen) -> Facts:
        """What the rule goes by."""

    @abstractmethod
    def _choices(self, facts: Facts, options: Chosen) -> list[Choice]:
        """What the rule says."""

    def fit_file(
        self, data: str | list[str], out: Path, resume: bool, force: bool, quiet: bool, changes: Mapping[str, object]
    ) -> Self:
        fit: Any = self.fit  # type: ignore[attr-defined]
        source = place_of(data)
        fitted: Self = fit(source, out=out, resume=resume, force=force, quiet=quiet, **changes)
        return fitted

    def _settle(self, examples: Parts[Kind], options: Chosen) -> tuple[Chosen, Sequence[Choice]]:
        facts = self._facts(examples, options)
        if options.minutes is not None:
            sized, _ = settled(options, as_wide_as_vectors(self._choices(facts, options), options))
            sizes = (sized.batch, sized.embedding or 64, sized.hidden or 64, sized.layers)
            facts = replace(facts, seconds=seconds_a_text(facts.length, *sizes))
        return settled(options, as_wide_as_vectors(self._choices(facts, options), options))

    def _rebuild(self, examples: Parts[Kind], record: ModelRecord[Any, Any, Any, Any], folder: Path) -> ReadingPlan:
        self._check_same(examples, record, folder)
        parts = [self._part(one, examples, record.options) for one in read_readers(folder, record.model.readers)]
        files = reader_files([part.reader for part in parts])
        return ReadingPlan(record.model, record.data, zeros(record.model), files, parts=parts)

    def _readers(self, plan: ReadingPlan, options: Chosen, parameters: Mapping[str, np.ndarray]) -> Readers:
        """The trained members, as they run."""
        threads = options.threads or runs.torch_threads()
        size = plan.model.ensemble_size
        return Readers(options.who, self.arithmetic, plan.readers, size, parameters, threads)

    def notes(self) -> list[str]:
        """What is odd in the texts it learned, and what of the model could not be built."""
        assert self.record is not None
        return list(self.record.data.notes)
