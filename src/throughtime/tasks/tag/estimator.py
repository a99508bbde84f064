"""The tagger of tokens, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.composing import FORM
from throughtime.data.splitter import Splitter
from throughtime.data.tagged import Tagged, together
from throughtime.errors import UserError
from throughtime.linear import fit
from throughtime.linear.ensemble import in_words
from throughtime.linear.folder import linear_files
from throughtime.models.grown import grown
from throughtime.models.reader import ReaderConfig
from throughtime.runtime.readers import Reader, prefix, reader_files
from throughtime.runtime.readers import own as own_parameters
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.earlier import Earlier, Memory
from throughtime.tasks.estimator import Finished, Say
from throughtime.tasks.reading.data import Decided, Parts, scored_elsewhere
from throughtime.tasks.reading.decisions import decided
from throughtime.tasks.reading.ensemble import Part, ReadingPlan, columns_of, draw, hello, team
from throughtime.tasks.reading.estimator import ReadingEstimator
from throughtime.tasks.reading.rehearsal import recalled
from throughtime.tasks.reading.rule import Facts, linear_seconds
from throughtime.tasks.reading.vectors import start_from_vectors
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag import rule
from throughtime.tasks.tag.baselines import baselines
from throughtime.tasks.tag.data import TaggedData, keys, parts, tagged
from throughtime.tasks.tag.metrics import scheme_of, slot_f1, token_accuracy
from throughtime.tasks.tag.model import WHO, TaggerConfig, TaggerEnsemble
from throughtime.tasks.tag.options import TaggerOptions
from throughtime.tasks.tag.score import score
from throughtime.tasks.tag.splitting import splitter_of, unit_of
from throughtime.tasks.tag.stream import SCHEMA, TaggerStream, Tagging, TokenTagger
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job

COLUMNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "words": (("word",), True),
    "characters": (("token", "pair_before", "pair_after"), False),
}
"""What is seen of tokens that are words, and that are single characters, and whether they are spelled out too."""


class Tagger(ReadingEstimator[TaggerOptions, Tagged, TokenTagger]):
    """A label for each token of a text, slots or entities, and an intent for the whole; learned from examples.

    Its options are those of throughtime.tasks.tag.options.TaggerOptions, by name.

    Example (not run):
        model = throughtime.Tagger().fit(tokens, tags, intents)
        model.predict([["turn", "on", "the", "lamp"]])
    """

    schema = SCHEMA
    arithmetic = tagger

    def fit(
        self,
        tokens: Any,
        tags: Sequence[Sequence[str]] | None = None,
        intents: Sequence[str] | None = None,
        out: str | Path | None = None,
        *,
        validation: Any = None,
        resume: bool = False,
        force: bool = False,
        quiet: bool = False,
        **changes: Any,
    ) -> Tagger:
        """Learn from tokens, their tags and, where there are some, the texts' intents.

        tokens, tags, intents: lists; or what read_tagged takes, without tags. validation: Tagged to choose by, or what
        the option of that name may be. The rest is as for Classifier.fit.
        """
        beside, changes = self._beside(validation, changes)
        if not resume:
            changes |= scored_elsewhere(self.options.replaced(**changes))

        def read(options: TaggerOptions) -> Parts[Tagged]:
            return parts(tokens, tagged(tokens, tags, intents, options), beside, options)

        return self._fit(read, out, resume, force, quiet, changes)

    def _judged(self, source: Any) -> Tagged:
        return tagged(source, options=self.options)

    def _facts(self, examples: Parts[Tagged], options: TaggerOptions) -> Facts:
        learned, threads = examples.learned, options.threads or runs.torch_threads()
        length = sum(map(len, learned.tokens)) / max(1, len(learned))
        words = unit_of(learned.tokens) == "words"
        return Facts(len(learned), length, words, len(set(learned.intents)), examples.apart, threads)

    def _choices(self, facts: Facts, options: TaggerOptions) -> list[Choice]:
        return rule.choices(facts, options)

    def _build(self, examples: Parts[Tagged], options: TaggerOptions) -> ReadingPlan:
        learned, held = examples.learned, examples.held
        if learned.intents and not held.intents:
            raise UserError(f"{held.where}: the texts to choose by have no intents, those to learn from have")
        tags = sorted({tag for text in learned.tags for tag in text}, key=lambda tag: (tag != "O", tag[2:], tag))
        intents = sorted(set(learned.intents))
        if len(intents) == 1:
            raise UserError(
                f"{learned.where}: there is one intent, {intents[0]!r}; nothing to tell apart, leave it out"
            )
        splitter, back = splitter_of(learned, held)
        reader = _reader(learned, options, len(tags), len(intents), splitter)
        model = TaggerEnsemble((reader.config,), options.ensemble_size, tuple(tags), tuple(intents))
        without = {}
        if options.linear_models and intents and not fit.available():
            without["linear_models"] = fit.MISSING
        parameters, part = draw(tagger, model, options), Part.of(reader, learned.tokens, held.tokens)
        vectors, told = None, list[str]()
        if options.vectors is not None:
            vectors, note = start_from_vectors(parameters, [part], lambda _: learned.tokens, options)
            told = [note]
        if len(tags) == 1 and not intents:
            told.append(f"every token has the tag {tags[0]!r}; there is nothing to tell apart")
        notes = (*examples.notes, *told, *without.values())
        data = TaggedData(
            **{**examples.data.to_json(), "notes": notes, "without": tuple(without), "vectors": vectors},
            scheme=learned.scheme,
            given_back=back,
            form=FORM,
        )
        return ReadingPlan(model, data, parameters, reader_files([reader]), parts=[part])

    def _grow(self, examples: Parts[Tagged], options: TaggerOptions, earlier: Earlier) -> ReadingPlan:
        old: TaggerEnsemble = earlier.record.model
        learned, (before,) = examples.learned, earlier.model.readers.readers
        tags = (*old.tags, *sorted({tag for text in learned.tags for tag in text} - set(old.tags)))
        intents = (*old.intents, *sorted(set(learned.intents) - set(old.intents)))
        columns = before.columns.grown(learned.tokens, options.vocabulary)
        own = before.config.reader
        sized = tuple((name, size, width) for (name, _, width), size in zip(own.columns, columns.sizes, strict=True))
        pieces = (len(columns.pieces), own.pieces[1]) if columns.pieces else (0, 0)
        config = replace(own, columns=sized, pieces=pieces, dropout=options.drops())
        sizes = replace(before.config, reader=config, tags=len(tags), intents=len(intents))
        reader = Reader(before.splitter, columns, sizes)
        parameters = {}
        for m in range(old.ensemble_size):
            rng = np.random.default_rng([options.seed, 0, m])
            found = grown(own_parameters(earlier.model.parameters, 0, m), sizes.shapes, rng)
            parameters.update({prefix(0, m) + name: value for name, value in found.items()})
        new = [*tags[len(old.tags) :], *intents[len(old.intents) :]]
        notes = [*examples.notes, *([f"new tags and intents: {', '.join(new[:10])}"] if new else [])]
        kept = {"notes": tuple(notes), "without": earlier.record.data.without}
        data = TaggedData(
            **{**examples.data.to_json(), **kept},
            scheme=learned.scheme if earlier.record.data.scheme == "BIO" else earlier.record.data.scheme,
            given_back=earlier.record.data.given_back,
            form=FORM,
        )
        model, part = TaggerEnsemble((sizes,), old.ensemble_size, tags, intents), self._part(reader, examples, options)
        return ReadingPlan(model, data, parameters, reader_files([reader]), parts=[part])

    def _parts_of(self, source: Path | list[Path], options: TaggerOptions) -> Parts[Tagged]:
        return parts(source, tagged(source, options=options), None, options)

    def _keys(self, texts: Tagged) -> list[Hashable]:
        return keys(texts)

    def _learned_before(self, texts: Tagged) -> np.ndarray:
        # what was learned and stands here too was taken out of what is recalled, so that it is read again
        before = None if self._earlier is None else recalled(self._earlier.record, self.schema, self._parts_of)
        known = set() if before is None else set(self._keys(before.learned))
        return np.array([key in known for key in self._keys(texts)], bool)

    def _check_start(self, examples: Parts[Tagged], record: ModelRecord[Any, Any, Any, Any]) -> None:
        learned, model = examples.learned, record.model
        if bool(learned.intents) != bool(model.intents):
            has, lacks = ("intents", "has none") if learned.intents else ("no intents", "tells them")
            raise UserError(
                f"{learned.where}: the texts have {has}, the model to start from {lacks}; give texts as it had"
            )
        spans = {"BIO": {"BIO"}, "BIOES": {"BIO", "BIOES"}, "none": {"none"}}[record.data.scheme]
        if learned.scheme not in spans:
            raise UserError(
                f"{learned.where}: the tags are of the scheme {learned.scheme}, those of the model to start from of "
                f"{record.data.scheme}; write them so"
            )

    def _memory(self, model: TokenTagger, recalled: Parts[Tagged], examples: Parts[Tagged]) -> Memory | str:
        kept = recalled.held
        if not len(kept):
            return "the earlier training kept no part that is not learned now"
        tags, _ = model.predict(kept.tokens)
        of = f"{len(kept):,} texts of its validation part"
        if scheme_of([*kept.tags, model.tags]) is None:
            return Memory("span F1", of, slot_f1(kept.tags, tags))
        return Memory("token accuracy", of, token_accuracy(kept.tags, tags))

    def _part(self, reader: Reader, examples: Parts[Tagged], options: TaggerOptions) -> Part:
        return Part.of(reader, examples.learned.tokens, examples.held.tokens)

    def _job(self, examples: Parts[Tagged], plan: ReadingPlan, options: TaggerOptions, best: Best) -> tuple[Job, str]:
        from throughtime.tasks.tag.job import TaggerJob

        learned, held, names = examples.learned, examples.held, plan.model
        kinds = f"{len(names.tags)} tags, {len(names.intents)} intents"
        members = team(tagger, plan.parts, plan.parameters, options)
        job = TaggerJob(members, names, plan.readers[0], learned, held, options, best.keep)
        return job, hello(plan, len(learned), len(held), kinds)

    def _finish(
        self,
        examples: Parts[Tagged],
        plan: ReadingPlan,
        options: TaggerOptions,
        parameters: Mapping[str, np.ndarray],
        say: Say | None,
    ) -> Finished[TokenTagger]:
        readers, names = self._readers(plan, options, parameters), plan.model
        model = TokenTagger(readers, names.tags, names.intents, form=plan.data.form)
        if say is None:
            return Finished(model, Decided())
        if not names.intents:
            return Finished(model, Decided(), linear_files({}))
        learned, held = examples.learned, examples.held
        texts, kept = ([together(one) for one in some.tokens] for some in (learned, held))
        apart, seconds = (kept, held.intents), linear_seconds(options)
        linear = fit.fit_linear_models(texts, learned.intents, apart, names.intents, say, seconds=seconds)
        recurrence = np.zeros((len(held), len(names.intents)))
        for rows, _, _, logits in model.scores(held.tokens):
            recurrence[rows] = logits
        found, _ = decided(recurrence, linear, kept, fit.numbers(held.intents, names.intents), options, self._earlier)
        say(f"intents are decided by {in_words(found.weights)}")
        model = TokenTagger(readers, names.tags, names.intents, linear, found, plan.data.form)
        return Finished(model, found, linear_files(linear))

    @property
    def classes_(self) -> np.ndarray:
        """The tags, in the order of the scores."""
        return np.array(self.fitted().tags)

    def score(
        self, tokens: Any, tags: Sequence[Sequence[str]] | None = None, intents: Sequence[str] | None = None
    ) -> float:
        """F1 of the spans, or the share of tokens with the right tag where tags mark none; as `fit` takes them."""
        given = tagged(tokens, tags, intents, self.options)
        found, _ = self.fitted().predict(given.tokens)
        return token_accuracy(given.tags, found) if self.fitted().plain else slot_f1(given.tags, found)

    def predict(self, tokens: Sequence[str | Sequence[str]]) -> tuple[list[list[str]], list[str]]:
        """The tags of each text's tokens, and the intents (an empty list where there are none). tokens: lists of
        tokens, or plain texts, which are cut as those of training were; `tag` says into what and where."""
        return self.fitted().predict(tokens)

    def tag(self, texts: Iterable[str | Sequence[str]], scope: bool = False) -> list[Tagging]:
        """Texts, or tokens, understood: tags with their probabilities, spans, intents.

        scope: "out of scope" in place of an intent whose probability is below the threshold from which those on the
        validation part were right as often as the option `sure` says.
        """
        return list(self.fitted().tag(texts, scope=scope))

    def stream(self) -> TaggerStream:
        """Texts one by one, each understood by itself."""
        return self.fitted().stream()

    def evaluate(
        self, tokens: Any, tags: Sequence[Sequence[str]] | None = None, intents: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Slot F1, intent accuracy and sentence accuracy beside the linear models of intents; see
        throughtime.tasks.tag.score.score."""
        return score(self.fitted(), tagged(tokens, tags, intents, self.options), {})

    def score_held_out(self, say: Say) -> dict[str, Any] | None:
        assert self.examples is not None
        assert self.record is not None
        examples, options = self.examples, self.record.options
        if examples.test is None:
            return None
        held = examples.held if examples.apart else None
        return score(self.fitted(), examples.test, baselines(examples.whole, held, options.seconds, options.seed, say))


def _reader(learned: Tagged, options: TaggerOptions, tags: int, intents: int, splitter: Splitter) -> Reader:
    """A new reader of what is learned from. tags, intents: their numbers. splitter: what texts are cut with."""
    unit = unit_of(learned.tokens)
    kinds, spelling = COLUMNS[unit]
    kinds = kinds if options.columns is None else options.columns
    spelling = spelling if options.spelling is None else options.spelling
    columns = columns_of(splitter, learned.tokens, kinds, spelling, options.vocabulary)
    widths = [options.embedding] + [max(1, options.embedding // 2)] * (len(kinds) - 1)
    config = ReaderConfig.stack(
        WHO,
        list(zip(columns.kinds, columns.sizes, widths, strict=True)),
        options.traces(),
        options.hidden,
        options.bidirectional,
        pieces=(len(columns.pieces), max(1, 2 * options.embedding // 3)) if columns.pieces else (0, 0),
        dropout=options.drops(),
    )
    sizes = TaggerConfig(config, tags, intents, crf=options.crf, stacked=options.stacked and intents > 0)
    return Reader(splitter, columns, sizes)
