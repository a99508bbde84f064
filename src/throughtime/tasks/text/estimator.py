"""The language model of a text, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.grown import grown
from throughtime.models.resolve import declared
from throughtime.recurrence import Recurrence
from throughtime.storage.folder import TOKENIZER, read_json
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.earlier import Earlier, Memory
from throughtime.tasks.estimator import Estimator, Finished, Plan, Say, zeros
from throughtime.tasks.habits import Habits, folder_of
from throughtime.tasks.text import ensemble, rule
from throughtime.tasks.text.data import Judged, Text, TextData, TextDecided, stands_in
from throughtime.tasks.text.model import LanguageConfig, initial_parameters
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.score import evaluate, nats_of
from throughtime.tasks.text.stream import NGRAM, SCHEMA, TextModel
from throughtime.tasks.text.turn import Piece
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job
    from throughtime.training.streams import Streams

MOST = 100_000
"""Tokens of an earlier text by which it is measured what is forgotten of it."""

LEAST = 20
"""Characters to learn from, where nobody chose what is kept apart of so short a text."""


@dataclass(frozen=True, kw_only=True)
class TextPlan(Plan):
    """tokenizer: of the text. streams: of the part that is learned. judged: what the validation part said of it."""

    tokenizer: Any
    streams: Streams
    judged: Judged


class LanguageModel(Estimator[TextOptions, Text, TextPlan, TextModel]):
    """A model of text: which token comes next, learned from examples.

    Its options are those of throughtime.tasks.text.options.TextOptions, by name.

    Example (not run):
        model = throughtime.LanguageModel(hidden=128).fit("shakespeare.txt", minutes=1)
        print(model.evaluate()["bits_per_character"], "".join(model.write("ROMEO:", length=300)))
        model.save("runs/shakespeare")
    """

    schema = SCHEMA
    unit = "tokens"
    beside = (TOKENIZER, NGRAM)
    habits = Habits(answers=False)

    def fit(
        self,
        text: str | Path | Sequence[str | Path],
        out: str | Path | None = None,
        *,
        resume: bool = False,
        force: bool = False,
        quiet: bool = False,
        **changes: Any,
    ) -> LanguageModel:
        """Learn a text.

        text: the text itself, or a file (a Path, or a string that names one), a folder of files, several Paths or
        several texts, none of which is in two parts where `text_unit` is text. out: a folder for the model, its history
        and checkpoints; None keeps all in memory. resume: go on with what is in `out`, with its own model and options.
        force: overwrite what is in `out`. quiet: no progress. changes: options in place of the constructor's; of a run
        that goes on only some can be (a budget, rates, patience). start, among them: the folder of a model to train on
        from. Returns itself. Raises UserError where something does not fit, or where another training is at work in
        `out`.
        """

        def read(options: TextOptions) -> Text:
            if resume:
                return Text.by(text, options, runs.stored(self.schema, folder_of(options.who, out)).data)
            shares = options.validation, options.holdout, options.validation_blocks
            return Text.of(text, options.encoding, *shares, unit=options.text_unit)

        return self._fit(read, out, resume, force, quiet, changes)

    def fit_file(
        self, data: Any, out: Path, resume: bool, force: bool, quiet: bool, changes: Mapping[str, object]
    ) -> LanguageModel:
        source = data if data == "-" else [Path(one) for one in data] if isinstance(data, list) else Path(data)
        return self.fit(source, out, resume=resume, force=force, quiet=quiet, **changes)

    def _settle(self, examples: Text, options: TextOptions) -> tuple[TextOptions, Sequence[Choice]]:
        if not examples.part("train"):
            count = len(examples.text)
            raise UserError(f"text: of {count} characters none is left to learn from; use a longer text")
        if options.validation is None and (count := len(examples.part("train"))) < LEAST:
            raise UserError(f"text: expected at least {LEAST} characters to learn from, got {count}; use a longer text")
        corpus = rule.Corpus.of(examples.part("train"), examples.text, options)
        cut = options.replaced(
            validation=examples.validation, validation_blocks=examples.blocks, text_unit=examples.unit
        )
        settled, choices = rule.settle(corpus, cut, options.threads or runs.torch_threads())
        if options.validation is None:
            why = f"{len(examples.part('validation')):,} characters in {examples.blocks} blocks"
            choices = [*choices, Choice("validation", examples.validation, why)]
        if options.text_unit is None and examples.unit == "text":
            choices = [*choices, Choice("text_unit", "text", "each is a small share of all: none is in two parts")]
        return settled, choices

    def _build(self, examples: Text, options: TextOptions) -> TextPlan:
        # Every character of the file is in the alphabet, so that the held-out parts can be scored.
        base = examples.text if options.tokens == "characters" else examples.part("train")
        tokenizer = tokenizers.fit(options.tokens, base, size=options.vocabulary)
        sizes = options.traces(), options.hidden, options.sizes, options.drops(), options.tied
        config = LanguageConfig.stack(tokenizer.size, options.embedding, *sizes)
        streams = _streams(examples.compact("train", tokenizer), options)
        counts = streams.counts(tokenizer.size)
        parameters = _drawn(config, counts, options, options.seed)
        config = replace(config, start=_start(tokenizer, counts))
        files = {TOKENIZER: tokenizer.to_json()}
        return TextPlan(config, examples.data, parameters, files, tokenizer=tokenizer, streams=streams, judged=Judged())

    def _grow(self, examples: Text, options: TextOptions, earlier: Earlier) -> TextPlan:
        old: LanguageConfig = earlier.record.model
        base = examples.text if options.tokens == "characters" else examples.part("train")
        tokenizer = tokenizers.grown(earlier.model.tokenizer, base, options.vocabulary)
        config = replace(old, vocabulary=tokenizer.size, dropout=options.drops())
        rng = np.random.default_rng(options.seed)
        parameters = grown(earlier.model.parameters, config.shapes, rng, tied=config.tied)
        streams = _streams(examples.compact("train", tokenizer), options)
        counts = streams.counts(tokenizer.size)
        new = slice(old.vocabulary, None)  # how frequent each is, as a training anew begins
        parameters["output.b_y"][new] = np.log((counts[new] + 1) / (counts.sum() + len(counts)))
        files = {TOKENIZER: tokenizer.to_json()}
        return TextPlan(config, examples.data, parameters, files, tokenizer=tokenizer, streams=streams, judged=Judged())

    def _recall(self, earlier: Earlier, examples: Text) -> Text | None:
        data: TextData = earlier.record.data
        return data.still(earlier.record.options)

    def _memory(self, model: TextModel, recalled: Text, examples: Text) -> Memory | str:
        assert self._earlier is not None
        learned = self._earlier.record.options.learn_validation  # then only the test part was never learned
        name = "test" if learned else "validation"
        if len(recalled.part(name)) < LEAST:
            return f"the earlier training kept no {name} part"
        if stands_in(recalled.part(name), examples.part("learned")):
            return f"its {name} part stands in what is learned now"
        known = tokenizers.known_part(model.tokenizer, recalled.text)
        if not len(recalled.before(name, model.tokenizer)) or len(known) < len(recalled.text):
            ids = model.tokenizer.encode(tokenizers.known_part(model.tokenizer, recalled.part(name)))
        else:
            ids = np.concatenate([recalled.before(name, model.tokenizer), recalled.ids(name, model.tokenizer)])
        total, _ = nats_of(model, ids[: MOST + 1])
        part = model.tokenizer.decode(ids[1 : MOST + 1])
        return Memory("nats per character", f"{len(part):,} characters of its {name} part", total / max(1, len(part)))

    def _rebuild(self, examples: Text, record: ModelRecord[Any, Any, Any, Any], folder: Path) -> TextPlan:
        if examples.sha256 != record.data.sha256:
            where = examples.file or "text"
            raise UserError(f"{where}: the run in {folder} learns another text; give that one, or a new --out")
        tokenizer = tokenizers.from_json(read_json(folder / TOKENIZER))
        options = record.options
        streams = _streams(examples.compact("train", tokenizer), options)
        files = {TOKENIZER: tokenizer.to_json()}
        parameters = zeros(record.model)
        return TextPlan(
            record.model, record.data, parameters, files, tokenizer=tokenizer, streams=streams, judged=Judged()
        )

    def _job(self, examples: Text, plan: TextPlan, options: TextOptions, best: Best) -> tuple[Job, str]:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.text import model as language
        from throughtime.tasks.text.job import Course, TextJob

        config, tokenizer = plan.model, plan.tokenizer
        held = _held(examples, tokenizer)
        counts = plan.streams.counts(tokenizer.size)
        whole = None
        if options.learn_validation and len(held) > 1:
            whole = _streams(examples.compact("learned", tokenizer), options)

        drawable = _drawable(config)

        def anew(attempt: int) -> Mapping[str, np.ndarray]:
            assert drawable is not None
            return _drawn(drawable, counts, options, options.seed + attempt)

        course = Course(plan.streams, held, whole, None if drawable is None else anew, plan.judged)
        sample = _sampler(config, tokenizer, options.seed)
        model = TorchModel(language, config, plan.parameters, options.seed)
        cells = ", ".join(f"{layer.name} {layer.output_size}" for layer in config.layers)
        count, size = len(plan.streams.ids), tokenizer.size
        hello = f"{cells}; {count:,} {tokenizer.kind} to learn from, vocabulary {size:,}"
        return TextJob(model, course, best.keep, sample), hello

    def _finish(
        self,
        examples: Text,
        plan: TextPlan,
        options: TextOptions,
        parameters: Mapping[str, np.ndarray],
        say: Say | None,
    ) -> Finished[TextModel]:
        ngram, decided = None, TextDecided()
        if options.ngram and say is not None:
            threads = options.threads or runs.torch_threads()
            recurrence = ensemble.Recurrence(plan.model, parameters, plan.judged, threads)
            held, spread = _held(examples, plan.tokenizer), (examples.blocks or 1) > 1
            ngram, decided = ensemble.joined(recurrence, plan.streams.ids, held, say, spread)
        model = TextModel(plan.model, parameters, plan.tokenizer, form=examples.form, ngram=ngram)
        return Finished(model, decided, {} if ngram is None else {NGRAM: ngram.arrays()})

    def notes(self) -> list[str]:
        """In what order files were read."""
        return [] if self.examples is None else list(self.examples.notes)

    def write(self, prompt: str = "", length: int = 500, **options: Any) -> Iterator[Piece]:
        """Continue the prompt; yields text as it is produced. Options: see TextModel.write."""
        return self.fitted().write(prompt, length, **options)

    def evaluate(
        self,
        text: str | Path | None = None,
        part: str | None = None,
        encoding: str = "utf-8",
        ignore_unknown: bool = False,
    ) -> dict[str, Any]:
        """How well a text is predicted, next to the simple baselines; see throughtime.tasks.text.score.evaluate.

        text: a file or the text itself; None is the text it was fitted on. part: "train", "validation", "test" (the
        default for the text it was fitted on) or "all" (the default, and the only one, for another). ignore_unknown:
        leave characters out that the model does not know; their share is among the figures.
        """
        model = self.fitted()
        assert self.examples is not None
        assert self.record is not None
        scored = self.examples if text is None else Text.of(text, encoding, form=self.examples.form)
        return evaluate(model, scored, part, self.examples, self.record.options.threads, ignore_unknown)

    def score(self, text: Any, y: Any = None) -> float:
        """Of the logarithm of a text's probability the mean of a character, in nats: the higher, the better. text: as
        `fit` takes it; y: none. Characters that the model does not know are left out."""
        return -float(self.evaluate(text, ignore_unknown=True)["nats_per_character"])

    def score_held_out(self, say: Say) -> dict[str, Any] | None:
        """The scores of the part that nothing was chosen by; None where there is none."""
        assert self.examples is not None
        return self.evaluate() if self.examples.part("test") else None


def _held(examples: Text, tokenizer: Any) -> np.ndarray:
    """The tokens of the validation part, behind the one before it."""
    return np.concatenate([examples.before("validation", tokenizer), examples.ids("validation", tokenizer)])


def _streams(ids: np.ndarray, options: TextOptions) -> Streams:
    from throughtime.training.streams import Streams

    return Streams(ids, options.batch, options.window, options.seed)


def _drawable(config: LanguageConfig) -> LanguageConfig | None:
    """The same of recurrences that say how their parameters are drawn; None of a folder's with a cell of the user's
    own, whose source is not asked for."""
    traces = [declared(layer.trace) for layer in config.layers]
    if any(trace is None for trace in traces):
        return None
    pairs = zip(config.layers, traces, strict=True)
    return replace(config, layers=tuple(Recurrence(trace, layer.sizes) for layer, trace in pairs if trace is not None))


def _drawn(config: LanguageConfig, counts: np.ndarray, options: TextOptions, seed: int) -> dict[str, np.ndarray]:
    """The parameters a training begins with; the output's bias says how frequent each token is."""
    from throughtime.insight.chrono import chrono

    parameters = chrono(
        config.layers, initial_parameters(config, np.random.default_rng(seed)), options.chrono, options.seed
    )
    parameters["output.b_y"] = np.log((counts + 1) / (counts.sum() + len(counts))).astype(np.float32)
    return parameters


def _sampler(config: LanguageConfig, tokenizer: Any, seed: int) -> Callable[[dict[str, np.ndarray], int], str | None]:
    """Writes a sample with parameters, at a step of the training."""

    def sample(arrays: dict[str, np.ndarray], step: int) -> str | None:
        try:
            with np.errstate(all="ignore"):
                writer = TextModel(config, arrays, tokenizer)
                return "".join(writer.write(length=200, temperature=0.8, seed=seed + step))
        except UserError:  # weights so large that the output overflows: no end of a training
            return None

    return sample


def _start(tokenizer: Any, counts: np.ndarray) -> int:
    """The token that stands before an empty prompt: a line end if the text has any, else the most frequent token."""
    try:
        ids = tokenizer.encode("\n")
    except UserError:
        ids = []
    return int(ids[0]) if len(ids) == 1 and counts[ids[0]] > 0 else int(counts.argmax())
