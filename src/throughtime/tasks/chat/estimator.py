"""The chat, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.errors import UserError
from throughtime.models.stack import Dropout
from throughtime.storage.folder import TOKENIZER, File, read_json
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.chat import rule
from throughtime.tasks.chat.data import ChatDecided, SequenceData, apart, read, to_write
from throughtime.tasks.chat.model import CHOOSER, ChatConfig, choosers, generators
from throughtime.tasks.chat.options import BOTH, CHOOSE, GENERATE, ChatOptions
from throughtime.tasks.chat.score import score
from throughtime.tasks.chat.stream import SCHEMA, Generator, TextChat
from throughtime.tasks.choices import settled
from throughtime.tasks.choosing import chooser as files
from throughtime.tasks.choosing import learn as choosing
from throughtime.tasks.choosing import model as encoders
from throughtime.tasks.choosing.data import Vocabulary
from throughtime.tasks.choosing.options import ChooserOptions
from throughtime.tasks.earlier import Earlier
from throughtime.tasks.estimator import Finished, Plan, Say, zeros
from throughtime.tasks.habits import Habits
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.sequence.data import parts
from throughtime.tasks.sequence.estimator import SequenceEstimator, SequencePlan
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job


@dataclass(frozen=True, kw_only=True)
class ChatPlan(Plan):
    """generator: of what writes replies, vocabulary: of what chooses them; None where there is none. free: whether the
    validation part decides where replies come from."""

    generator: SequencePlan | None
    vocabulary: Vocabulary | None
    free: bool


class Chat(SequenceEstimator[ChatOptions, TextChat]):
    """Replies to what was said, learned from conversations, or from questions and answers.

    Its options are those of throughtime.tasks.chat.options.ChatOptions, by name.

    Example (not run):
        model = throughtime.Chat().fit([["Hello", "Hi, how are you?", "Fine."], ["Hello there", "Good day."]])
        model.reply(["Hello"])
    """

    schema = SCHEMA
    running = Generator
    habits = Habits(answers=False)
    beside = (TOKENIZER, files.FILE, files.WEIGHTS)
    _cell_is_free = False

    def _pairs(self, sources: Any, targets: Any, options: Any) -> Pairs:
        data = sources if targets is None else (sources, targets)
        return read(data, options.source, options.target, options.encoding, options.most_turns)

    def _parts(self, source: Any, given: Pairs, beside: Pairs | None, options: ChatOptions) -> Parts[Pairs]:
        def file(name: str) -> Pairs:
            return read(Path(name), options.source, options.target, options.encoding, options.most_turns)

        return parts(source, given, beside, options, file)

    def _new(self, examples: Parts[Pairs], options: ChatOptions, said: Collection[str]) -> Any:
        self._cell_is_free = self._earlier is None and "cell" not in said
        return super()._new(examples, options, said)

    def _settle(self, examples: Parts[Pairs], options: ChatOptions) -> tuple[ChatOptions, Sequence[Choice]]:
        options, first = settled(options, [rule.mode(examples.whole)])
        if options.mode == CHOOSE:
            options, more = settled(options, rule.of_chooser(examples.learned, options))
            if self._cell_is_free:
                more, options = [rule.cell(), *more], options.replaced(cell=rule.cell().value)
            first = [*first, *more]
        else:
            options, more = settled(options, rule.of_generator())
            first = [*first, *more]
        options, rest = super()._settle(examples, options)
        return options, [*first, *(() if options.mode == CHOOSE else rest)]

    def _build(self, examples: Parts[Pairs], options: ChatOptions) -> Any:
        generator = None if options.mode == CHOOSE else super()._build(to_write(examples, options), options)
        if options.mode == GENERATE:
            return self._plan(examples, options, generator, None)
        learned = apart(examples.learned)
        words = Vocabulary.fit([*learned.sources, *learned.targets])
        config = self._sizes(words, options)
        drawn = encoders.draw(config, np.random.default_rng(options.seed))
        return self._plan(examples, options, generator, files.Encoders(words, config, drawn))

    def _sizes(self, vocabulary: Vocabulary, options: ChatOptions) -> encoders.ChooserConfig:
        """Of the encoders."""
        free = {choice.name for choice in self.chosen} | ({"cell"} if self._cell_is_free else set())
        own: ChatOptions | ChooserOptions = options if options.mode == CHOOSE else rule.beside(options, free)
        return choosing.sizes(vocabulary, own.traces(), own.embedding, own.hidden, _drops(own))

    def _grow(self, examples: Parts[Pairs], options: ChatOptions, earlier: Earlier) -> Any:
        running: TextChat = earlier.model
        generator: SequencePlan | None = None
        if running.generator is not None:
            generator = self._grown(to_write(examples, options), options, running.generator, earlier)
        known = None if running.chooser is None else running.chooser.encoders
        if known is not None and options.mode == CHOOSE:
            known = replace(known, config=replace(known.config, dropout=_drops(options)))
        plan = self._plan(examples, options, generator, known)
        if plan.model != earlier.record.model:
            raise UserError(
                f"{options.who}: the model in {earlier.folder} does not fit what is to be learned; train anew"
            )
        values = {name: running.parameters[name] for name in plan.parameters}  # files have no order of their own
        return replace(plan, parameters=values)

    def _plan(
        self,
        examples: Parts[Pairs],
        options: ChatOptions,
        generator: SequencePlan | None,
        first: files.Encoders | None,
    ) -> ChatPlan:
        """A model of what writes replies and of what chooses them by encoders that learn yet."""
        drawn = {} if generator is None else dict(generator.parameters)
        beside: dict[str, File] = {} if generator is None else dict(generator.files)
        if first is not None:
            # in the order of the shapes, as a run that goes on has them: sums over all depend on it
            drawn |= {CHOOSER + name: first.parameters[name] for name in first.config.shapes}
            chooser = choosing.untrained(first, apart(examples.learned), _answering(examples))
            beside |= chooser.files(trained=False, encoders=False)
        columns = examples.learned.columns
        data = SequenceData(**examples.data.to_json(), source=columns[0], target=columns[1])
        return ChatPlan(
            ChatConfig(None if generator is None else generator.model, None if first is None else first.config),
            data if generator is None else generator.data,
            drawn,
            beside,
            generator=generator,
            vocabulary=None if first is None else first.vocabulary,
            free=_free(self.chosen),
        )

    def _rebuild(self, examples: Parts[Pairs], record: ModelRecord[Any, Any, Any, Any], folder: Path) -> Any:
        self._check_same(examples, record, folder)
        model: ChatConfig = record.model
        generator: SequencePlan | None = None
        vocabulary: Vocabulary | None = None
        beside: dict[str, File] = {}
        if model.generator is not None:
            generator = super()._rebuild(
                to_write(examples, record.options), replace(record, model=model.generator), folder
            )
            beside = dict(generator.files)
        if model.chooser is not None:
            kept = read_json(folder / files.FILE)
            vocabulary = Vocabulary.from_json(kept.get("vocabulary") if isinstance(kept, dict) else None)
        return ChatPlan(
            model,
            record.data,
            zeros(model),
            beside,
            generator=generator,
            vocabulary=vocabulary,
            free=_free(record.choices),
        )

    def _job(self, examples: Parts[Pairs], plan: Any, options: ChatOptions, best: Best) -> tuple[Job, str]:
        from throughtime.tasks.chat.job import BothJob, under

        if plan.vocabulary is None:
            return super()._job(examples, plan.generator, options, best)
        chooser = self._chooser_job(examples, plan, options, under(best.keep))
        hello = f"{len(examples.learned):,} pairs, {len(examples.held):,} to choose by; {plan.vocabulary.size:,} words"
        if plan.generator is None:
            return chooser, hello
        own = replace(plan.generator, parameters=generators(plan.parameters))
        generator, hello = super()._job(to_write(examples, options), own, options, best)
        both: Any = BothJob(generator, chooser, best.keep)  # type: ignore[arg-type]
        return both, hello

    def _chooser_job(self, examples: Parts[Pairs], plan: ChatPlan, options: ChatOptions, keep: Any) -> Any:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.choosing.job import ChooserJob, CodedPairs

        assert plan.vocabulary is not None
        learned, held = apart(examples.learned), apart(examples.held)
        model = TorchModel(encoders, plan.model.chooser, choosers(plan.parameters), options.seed)
        coded = CodedPairs.of(learned, plan.vocabulary), CodedPairs.of(held, plan.vocabulary)
        size = options.batch if options.mode == CHOOSE else rule.USUAL.batch
        return ChooserJob(model, *coded, choosing.candidates(held, options.seed), size, options.seed, keep)

    def _finish(
        self,
        examples: Parts[Pairs],
        plan: Any,
        options: ChatOptions,
        parameters: Mapping[str, np.ndarray],
        say: Say | None,
    ) -> Any:
        from throughtime.tasks.chat.decisions import best_mode, of_chat, threshold

        written: Any = None
        decided = ChatDecided()
        if plan.generator is not None:
            read = to_write(examples, options)
            written = super()._finish(read, plan.generator, options, generators(parameters), say)
            least = threshold(written.model, read.held, say) if say is not None else 0.0
            decided = of_chat(written.decided, threshold=least)
        if plan.vocabulary is None:
            return Finished(self._assembled(plan, options, parameters, None, decided), decided)
        trained = files.Encoders(plan.vocabulary, plan.model.chooser, choosers(parameters))
        learned, held, every = apart(examples.learned), apart(examples.held), _answering(examples)
        if say is None:
            chooser = choosing.untrained(trained, learned, every, True)
            return Finished(self._assembled(plan, options, parameters, chooser, decided), decided)
        if plan.free:  # what is held back is no answer yet
            known = choosing.complete(trained, learned, held, learned, options.seed)
            mode = best_mode(self._assembled(plan, options, parameters, known, decided), examples.held, say)
            decided = replace(decided, mode=mode)
        chooser = choosing.complete(trained, learned, held, every, options.seed, say)
        kept = chooser.files(encoders=False)
        decided = replace(decided, chooser=files.fingerprint(kept))
        return Finished(self._assembled(plan, options, parameters, chooser, decided), decided, kept)

    def _assembled(
        self, plan: ChatPlan, options: ChatOptions, parameters: Mapping[str, np.ndarray], chooser: Any,
        decided: ChatDecided,
    ) -> TextChat:  # fmt: skip
        record = ModelRecord("chat", plan.model, options, plan.data, decided, 0)
        pieces = None if plan.generator is None else plan.generator.pieces
        return TextChat.assembled(record, parameters, pieces, chooser, options.threads or runs.torch_threads())

    def reply(self, said: Sequence[str], last: str | None = None) -> str:
        """The reply to what was said, oldest first, "" where none is known. last: the model's own last reply, which is
        not given again."""
        return self.fitted().reply(said, last).text

    def score_held_out(self, say: Any) -> dict[str, Any] | None:
        assert self.examples is not None
        if self.examples.test is None:
            return None
        return score(self.fitted(), self.examples.test, self.examples.whole)


def _drops(options: ChatOptions | ChooserOptions) -> Dropout:
    """Of the encoders."""
    return Dropout(options.dropout, 0.0, options.dropout)


def _free(choices: Sequence[Choice]) -> bool:
    """Whether nobody said where replies come from, and the data do not say it either."""
    return any(choice.name == "mode" and choice.value == BOTH for choice in choices)


def _answering(examples: Parts[Pairs]) -> Pairs:
    """The pairs whose replies can be chosen. Of questions with answers all of them, also those by which it is scored,
    for nobody else has their answers; of conversations those that are learned or chosen by."""
    pairs = examples.whole.joined(examples.held) if examples.apart else examples.whole
    if not pairs.groups and examples.test is not None and examples.test.where == pairs.where:
        pairs = pairs.joined(examples.test)
    return apart(pairs)
