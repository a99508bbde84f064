"""What the classes that learn to make one sequence of another have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.data.shared_bpe import SharedBPE
from throughtime.errors import UserError
from throughtime.models import encoder_decoder
from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.storage.folder import TOKENIZER, read_json
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.choices import settled
from throughtime.tasks.earlier import Earlier
from throughtime.tasks.estimator import Estimator, Finished, Plan, Say, zeros
from throughtime.tasks.reading.data import Parts, scored_elsewhere
from throughtime.tasks.sequence import rule
from throughtime.tasks.sequence.cutting import ALL
from throughtime.tasks.sequence.data import Coded, SequenceData, bounds, pairs_of, parts
from throughtime.tasks.sequence.grounds import keeps
from throughtime.tasks.sequence.options import SequenceOptions
from throughtime.tasks.sequence.quality import overlap
from throughtime.tasks.sequence.stream import SequenceModel
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job

Chosen = TypeVar("Chosen", bound=SequenceOptions)


class Speaking(Protocol):
    """A trained model that makes one text of another."""

    def texts(self, texts: Iterable[str], **wishes: Any) -> list[str]:
        """The best answer to each text, in order."""

    def stream(self) -> Any:
        """Text after text."""


Running = TypeVar("Running", bound=Speaking)


@dataclass(frozen=True, kw_only=True)
class SequencePlan(Plan):
    """pieces: of both sides. learned, held: pairs in pieces."""

    pieces: SharedBPE
    learned: Coded
    held: Coded


class SequenceEstimator(Estimator[Chosen, Parts[Pairs], SequencePlan, Running]):
    """running: the class of a trained model."""

    running: ClassVar[type[Any]]
    unit = "pieces"
    beside: ClassVar[tuple[str, ...]] = (TOKENIZER,)

    def fit(
        self,
        sources: Any,
        targets: Any = None,
        out: str | Path | None = None,
        *,
        validation: Any = None,
        resume: bool = False,
        force: bool = False,
        quiet: bool = False,
        **changes: Any,
    ) -> Self:
        """Learn from texts and what is to be made of each.

        sources, targets: lists; or what read_pairs takes, without targets. validation: (sources, targets) or Pairs to
        choose by, or what the option of that name may be. out: the model's folder. resume: go on with the run there.
        force: replace the model there. changes: of options.
        """
        beside: Pairs | None = None
        if isinstance(validation, int | float | str | os.PathLike):
            changes["validation"] = validation
        elif validation is not None:
            beside, changes["validation"] = self._pairs(validation, None, self.options), None
        if not resume:
            changes |= scored_elsewhere(self.options.replaced(**changes))

        def read(options: Chosen) -> Parts[Pairs]:
            given = self._pairs(sources, targets, options)
            return self._parts(sources if targets is None else None, given, beside, options)

        return self._fit(read, out, resume, force, quiet, changes)

    def _pairs(self, sources: Any, targets: Any, options: SequenceOptions) -> Pairs:
        return pairs_of(sources, targets, options)

    def _parts(self, source: Any, given: Pairs, beside: Pairs | None, options: Chosen) -> Parts[Pairs]:
        return parts(source, given, beside, options)

    def fit_file(
        self, data: str, out: Path, resume: bool, force: bool, quiet: bool, changes: Mapping[str, object]
    ) -> Self:
        source = data if data == "-" else Path(data)
        return self.fit(source, out=out, resume=resume, force=force, quiet=quiet, **changes)

    def _settle(self, examples: Parts[Pairs], options: Chosen) -> tuple[Chosen, Sequence[Choice]]:
        learned, threads = examples.learned, options.threads or runs.torch_threads()
        read, words = (_words(side, options.longest) for side in (learned.sources, learned.targets))
        facts = rule.Facts(len(learned), words, threads, read=read)
        return settled(options, rule.choices(facts, options))

    def _build(self, examples: Parts[Pairs], options: Chosen) -> SequencePlan:
        learned = examples.learned
        return self._built(examples, options, SharedBPE.fit((learned.sources, learned.targets), options.vocabulary))

    def _grow(self, examples: Parts[Pairs], options: Chosen, earlier: Earlier) -> SequencePlan:
        return self._grown(examples, options, earlier.model, earlier)

    def _grown(self, examples: Parts[Pairs], options: Chosen, running: SequenceModel, earlier: Earlier) -> SequencePlan:
        """A model that starts as a running one is, in the pieces of that."""
        plan = self._built(examples, options, running.pieces)
        if plan.model != running.config:
            raise UserError(
                f"{options.who}: the model in {earlier.folder} does not fit what is to be learned; train anew"
            )
        values = {name: running.parameters[name] for name in plan.parameters}  # files have no order of their own
        return replace(plan, parameters=values)

    def _built(self, examples: Parts[Pairs], options: Chosen, pieces: SharedBPE) -> SequencePlan:
        """A new model over pieces."""
        learned = examples.learned
        coded, cut, left = Coded.of(learned, pieces).within(options.longest, self.running.reads)
        grounded, told = keeps(learned) if self.running.grounded else (False, "")
        notes = [*examples.notes, *([told] if told else [])]
        if left:
            notes.append(f"{left:,} of {len(learned):,} pairs are longer than {options.longest} pieces: not learned")
        if cut:
            notes.append(
                f"{cut:,} of {len(learned):,} sources are longer than {options.longest} pieces: of these the "
                f"{self.running.reads} is read"
            )
        if len(coded) < 2:
            raise UserError(f"{learned.where}: no pairs of at most {options.longest} pieces; give a larger --longest")
        slope, longest = bounds(coded)
        about = {**examples.data.to_json(), "notes": tuple(notes)}
        columns = learned.columns
        data = SequenceData(
            **about,
            source=columns[0],
            target=columns[1],
            slope=slope,
            longest=longest,
            read=options.longest if cut else None,
            grounded=grounded,
        )
        config = EncoderDecoderConfig.stack(
            pieces.size,
            options.embedding,
            options.traces(),
            options.hidden,
            heads=options.heads,
            copying=options.copying,
            dropout=options.drops(),
        )
        parameters = encoder_decoder.draw(config, np.random.default_rng(options.seed))
        parameters["output.b_y"] = _frequencies(coded, config)
        held = self._held(examples, pieces, options, data)
        files = {TOKENIZER: pieces.to_json()}
        return SequencePlan(config, data, parameters, files, pieces=pieces, learned=coded, held=held)

    def _rebuild(self, examples: Parts[Pairs], record: ModelRecord[Any, Any, Any, Any], folder: Path) -> SequencePlan:
        self._check_same(examples, record, folder)
        pieces = SharedBPE.from_json(read_json(folder / TOKENIZER))
        coded = Coded.of(examples.learned, pieces).within(record.options.longest, self._reads(record.data)).pairs
        held = self._held(examples, pieces, record.options, record.data)
        model, files = record.model, {TOKENIZER: pieces.to_json()}
        return SequencePlan(model, record.data, zeros(model), files, pieces=pieces, learned=coded, held=held)

    def _held(self, examples: Parts[Pairs], pieces: SharedBPE, options: SequenceOptions, data: SequenceData) -> Coded:
        return Coded.of(examples.held, pieces).within(options.longest, self._reads(data)).pairs

    def _reads(self, data: SequenceData) -> str:
        """What of long sources is learned from: where none was cut, none is, as in trainings of earlier versions."""
        reads: str = self.running.reads
        return ALL if data.read is None else reads

    def _job(self, examples: Parts[Pairs], plan: SequencePlan, options: Chosen, best: Best) -> tuple[Job, str]:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.sequence.job import SequenceJob

        config = replace(plan.model, dropout=options.drops())
        model = TorchModel(encoder_decoder, config, plan.parameters, options.seed)

        def sample() -> str | None:
            shown = examples.held.sources[:1]
            now = self._model(plan, options, model.arrays())
            return "".join(f"{text}\n    {now.texts([text], beam=1)[0]}" for text in shown) or None

        job = SequenceJob(model, plan.learned, plan.held, options, best.keep, sample)
        pairs = f"{len(plan.learned):,} pairs, {len(plan.held):,} to choose by"
        return job, f"{pairs}; {plan.pieces.size:,} pieces, {int(plan.learned.targets.lengths.sum()):,} of the targets"

    def _model(
        self, plan: SequencePlan, options: SequenceOptions, parameters: Mapping[str, np.ndarray], decided: Any = None
    ) -> Any:
        threads = options.threads or runs.torch_threads()
        return self.running(plan.model, parameters, plan.pieces, plan.data, decided, options.beam, threads)

    def _finish(
        self,
        examples: Parts[Pairs],
        plan: SequencePlan,
        options: Chosen,
        parameters: Mapping[str, np.ndarray],
        say: Say | None,
    ) -> Finished[Running]:
        from throughtime.tasks.sequence.decisions import decided

        model = self._model(plan, options, parameters)
        if say is None or not len(examples.held):
            return Finished(model, model.decided)
        found = decided(model, examples.held, say)
        return Finished(self._model(plan, options, parameters, found), found)

    def predict(self, sources: Sequence[str], **wishes: Any) -> list[str]:
        """What the model makes of each text. wishes: beam, prefix, terms, at_least; see stream.Wishes."""
        return self.fitted().texts(sources, **wishes)

    def score(self, sources: Any, targets: Any = None) -> float:
        """How much the answers have of the targets, from 0 to 1: the mean chrF of a pair; as `fit` takes them."""
        given = self._pairs(sources, targets, self.options)
        answers = self.fitted().texts(given.sources)
        return float(np.mean([overlap(*pair) for pair in zip(answers, given.targets, strict=True)]))

    def stream(self) -> Any:
        """Text after text, each by itself."""
        return self.fitted().stream()

    def notes(self) -> list[str]:
        """What is odd in the pairs it learned."""
        assert self.record is not None
        return list(self.record.data.notes)


def _words(texts: Sequence[str], most: int) -> float:
    """How many words texts have on average, or, without spaces, characters; of one at most so many count."""
    return sum(min(most, len(text.split()) if " " in text else len(text)) for text in texts) / max(1, len(texts))


def _frequencies(coded: Coded, config: EncoderDecoderConfig) -> np.ndarray:
    """The logarithm of how often each piece stands in the targets, for the output's bias at the start."""
    counts = np.bincount(coded.targets.flat, minlength=config.vocabulary).astype(np.float64)
    counts[config.edge] += len(coded)
    found: np.ndarray = np.log((counts + 0.1) / (counts + 0.1).sum()).astype(np.float32)
    return found
