"""The classifier of texts, in scikit-learn's habits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.label_notes import text_keys
from throughtime.data.label_sets import LabelRule
from throughtime.data.label_values import TEXT, matched, restored
from throughtime.data.labelled import Texts
from throughtime.errors import UserError
from throughtime.linear import several
from throughtime.linear.ensemble import RECURRENCE, in_words
from throughtime.linear.fit import fit_linear_models
from throughtime.linear.folder import SEEN, digests, linear_files, read_seen
from throughtime.runtime.readers import Reader
from throughtime.storage.folder import CHECKPOINT, CONFIG, HISTORY
from throughtime.storage.record import Choice, ModelRecord, Start
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify import rule
from throughtime.tasks.classify.build import build, seen, unit_of
from throughtime.tasks.classify.data import classes_of, judged, labelled, parts, rule_of
from throughtime.tasks.classify.growing import grow, seen_again, taken_over
from throughtime.tasks.classify.incremental import ClassifierStream
from throughtime.tasks.classify.label_sets import decided_sets
from throughtime.tasks.classify.model import WHO
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.classify.score import evaluated
from throughtime.tasks.classify.stream import SCHEMA, LabelSetClassifier, TextClassifier
from throughtime.tasks.classify.weights import class_weights, of_texts, truth_of
from throughtime.tasks.earlier import Earlier, Memory
from throughtime.tasks.estimator import Finished, Say
from throughtime.tasks.habits import Habits, folder_of
from throughtime.tasks.reading.data import Decided, Parts, scored_elsewhere
from throughtime.tasks.reading.decisions import decided
from throughtime.tasks.reading.ensemble import Part, ReadingPlan, hello, team
from throughtime.tasks.reading.estimator import ReadingEstimator
from throughtime.tasks.reading.lengths import cut_in_words
from throughtime.tasks.reading.rule import Facts, linear_seconds
from throughtime.training import run as runs
from throughtime.training.settings import UNITS

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job

CHOICE = "choice"
"""Of a folder whose model was trained twice, the one by which it was decided what weighs how much."""

SAMPLE = 2000
"""Texts whose lengths are looked at."""


class Classifier(ReadingEstimator[ClassifierOptions, Texts, TextClassifier]):
    """What a text is about: sentiment, topic, intent; learned from examples.

    Its options are those of throughtime.tasks.classify.options.ClassifierOptions, by name.

    Example (not run):
        model = throughtime.Classifier().fit(texts, labels)
        model.predict(["what a wonderful film"])  # ["positive"]
    """

    schema = SCHEMA
    arithmetic = classifier
    starts = ("text",)
    habits = Habits("classifier", several=True)
    _first_of_two = False  # whether the training is one
    _told: Start | None = None  # of the first of two trainings, where those start from another model
    _classes: Sequence[str] | None = None  # of the run that goes on, where it started from another model

    def fit(
        self,
        texts: Any,
        labels: Sequence[Any] | None = None,
        out: str | Path | None = None,
        *,
        validation: Any = None,
        resume: bool = False,
        force: bool = False,
        quiet: bool = False,
        **changes: Any,
    ) -> Classifier:
        """Learn from texts and their labels.

        texts, labels: lists; or a file, a frame, as read_texts takes them, without labels. out: a folder for the model,
        its history and checkpoints; None keeps all in memory. validation: texts to choose by, (texts, labels), or what
        the option of that name may be: a share of the texts, those that are the same on one side, or a file; 0:
        everything is learned from and the last parameters are kept. resume: go on with the run in `out`, with the same
        texts. force: overwrite what is in `out`. quiet: no progress. changes: options in place of the constructor's; of
        a run that goes on only some can be (a budget, rates, patience). Returns itself. Raises UserError where
        something does not fit, or where another training is at work in `out`.
        """
        beside, changes = self._beside(validation, changes)
        folder, self._told = folder_of(WHO, out), None

        def read(options: ClassifierOptions) -> Parts[Texts]:
            return parts(texts, labelled(texts, labels, options), beside, options)

        if resume:
            begun = folder is not None and not (folder / CHECKPOINT).exists() and (folder / CHOICE / CONFIG).exists()
            if begun:
                return self._fit_twice(read, folder, True, quiet, changes)
            return self._fit(read, out, resume, force, quiet, changes)
        runs.need_torch()
        runs.refuse_existing(folder, force)  # before anything is said of the data
        options = self.options.replaced(**changes)
        changes |= scored_elsewhere(options)
        options = self._begin(options.replaced(**scored_elsewhere(options)), folder, self._said | changes.keys())
        examples = read(options.replaced(refit=False))
        gone = self._earlier is not None and self._recall(self._earlier, examples) is None
        twice = rule.refit(self._facts(examples, options), options, gone)
        wanted = twice.value if options.refit is None else options.refit
        self._known = [twice] if options.refit is None else []
        if wanted:
            if folder is not None and force:
                runs.clear(folder, self.beside)  # so that going on finds this run, and no earlier one
            self._fit_twice(lambda options: examples, folder, False, quiet, changes)
        else:
            self._fit(lambda options: examples, out, False, force, quiet, {**changes, "refit": False})
        return self

    def _fit_twice(
        self,
        read: Callable[[ClassifierOptions], Parts[Texts]],
        folder: Path | None,
        resume: bool,
        quiet: bool,
        changes: Mapping[str, object],
    ) -> Classifier:
        """Once all is decided, on the validation texts too; the first model is in the folder's `choice`. resume: go on
        with the first training. Minutes are for both together."""
        from throughtime.training.progress import choose

        own: dict[str, Any] = {name: value for name, value in changes.items() if name != "refit"}
        minutes = own.get("minutes", None if resume else self.options.replaced(**own).minutes)
        if minutes is not None:
            own["minutes"] = ClassifierOptions.option("minutes").checked(WHO, minutes) / 2
        if not resume:
            own["refit"] = False
        self._first_of_two = True
        try:
            self._fit(read, None if folder is None else folder / CHOICE, resume, not resume, quiet, own)
        finally:
            self._first_of_two = False
        assert self.outcome is not None
        assert self.examples is not None
        assert self.record is not None
        if self.outcome.ended == "interrupted":
            there = "start again"
            if folder is not None:  # what there is, runs
                self.save(folder)
                shutil.copyfile(folder / CHOICE / HISTORY, folder / HISTORY)
                self.folder, there = folder, f"the best model is in {folder}, go on with --resume"
            choose(quiet).note(f"stopped in the first of two trainings: {there}")
            return self
        options, self._known, self._told = self.record.options, self.chosen, self.record.start
        examples = self.examples
        if examples.again is not None and self._told is not None and Path(self._told.folder).name == CHOICE:
            examples = replace(
                examples, again=0
            )  # what the earlier model learned in the end is learned again, all of it
        examples = examples.together()
        same = {one.name: getattr(options, one.name) for one in options.declared()}
        if self.outcome.ended == "patience":  # nothing would stop the second one: as long as the first took to its best
            more = len(examples.learned) / max(1, len(self.examples.learned))
            same |= {**dict.fromkeys(UNITS), "steps": max(1, round(self.outcome.best_step * more)), "patience": None}
        self._fit(lambda options: examples, folder, False, resume, quiet, {**same, "refit": True})
        return self

    def _judged(self, source: Any) -> Texts:
        if isinstance(source, tuple) and len(source) == 2 and not any(isinstance(one, str) for one in source):
            return judged(*source, rule=self._rule())
        known = (None, None) if self.model is None else self.model.data.known
        return judged(source, known=known, rule=self._rule())

    def _rule(self) -> LabelRule:
        """How labels beside those that are learned are read."""
        if self.model is not None:
            return rule_of(self.model)
        return LabelRule(several=self.options.multi_label, separator=self.options.label_separator)

    def _facts(self, examples: Parts[Texts], options: ClassifierOptions) -> Facts:
        sample = examples.learned.texts[:SAMPLE]
        words = "words" in (options.units or [unit_of(sample)])
        tokens = sum(len(text.split()) if words else len(text) for text in sample)
        threads, classes = options.threads or runs.torch_threads(), len(examples.learned.classes)
        length = tokens / max(1, len(sample))
        return Facts(len(examples.learned), length, words, classes, examples.apart, threads)

    def _choices(self, facts: Facts, options: ClassifierOptions) -> list[Choice]:
        return rule.choices(facts, options)

    def _build(self, examples: Parts[Texts], options: ClassifierOptions) -> ReadingPlan:
        plan = build(examples, options)
        if not options.refit:
            return plan
        assert self.record is not None  # of the first of two trainings
        before, now = self.record.data.vectors, plan.data.vectors
        if before is not None and before.sha256 != now.sha256:
            raise UserError(f"{now.file}: has changed since the first of two trainings; put it back to go on")
        return replace(plan, before=self.record.decided)

    def _grow(self, examples: Parts[Texts], options: ClassifierOptions, earlier: Earlier) -> ReadingPlan:
        plan = grow(examples, options, earlier)
        if not options.refit:
            return plan
        assert self.record is not None  # of the first of two trainings
        return replace(plan, before=self.record.decided)

    def _start_of(self, options: ClassifierOptions, start: str) -> str:
        # of two trainings the first starts from the first of the earlier ones, which has not learned what it was chosen
        # by: that tells weights and what is forgotten once more
        first = Path(start) / CHOICE
        return str(first) if self._first_of_two and (first / CONFIG).exists() else start

    def _remembered(self, model: TextClassifier | None, examples: Parts[Texts], start: Start | None) -> Start | None:
        found, told = super()._remembered(model, examples, start), self._told
        if start is not None or found is None or found.before is not None or told is None or told.before is None:
            return found
        of = f"{told.of}, in the first of two trainings"
        return replace(found, measure=told.measure, of=of, before=told.before, after=told.after, note="")

    def _parts_of(self, source: Path | list[Path], options: ClassifierOptions) -> Parts[Texts]:
        if options.validation is None:  # texts that were handed over, and are nowhere now
            options = options.replaced(validation=0.0)
        return parts(source, labelled(source, None, options), None, options)

    def _keys(self, texts: Texts) -> list[Hashable]:
        return text_keys(texts)

    def _learned_before(self, texts: Texts) -> np.ndarray:
        return np.isin(digests(texts.texts), self._seen())

    def _seen(self) -> np.ndarray:
        """Digests of what the earlier model learned."""
        seen = None if self._earlier is None else read_seen(self._earlier.folder)
        return np.zeros(0, np.uint64) if seen is None else seen

    def _check_start(self, examples: Parts[Texts], record: ModelRecord[Any, Any, Any, Any]) -> None:
        if record.model.several or examples.whole.several:
            raise UserError(
                f"{examples.whole.where}: a training that starts from a classifier takes one label a text, here "
                f"{'the model' if record.model.several else 'a text'} has several; leave --from out, and train anew"
            )
        old, new = record.data.labels, examples.whole.kind
        if old not in (TEXT, new):
            raise UserError(
                f"{examples.whole.where}: the labels are {new}, those of the model to start from {old}; give them so"
            )

    def _memory(self, model: TextClassifier, recalled: Parts[Texts], examples: Parts[Texts]) -> Memory | str:
        assert self._earlier is not None
        unseen = len(recalled.held) and not self._earlier.record.options.refit
        kept, name = (recalled.held, "validation") if unseen else (recalled.test, "test")
        if kept is None or not len(kept):
            return "the earlier training kept no part that is not learned now"
        right = np.mean([a == b for (a, _), b in zip(model.label(kept.texts), kept.labels, strict=True)])
        return Memory("accuracy", f"{len(kept):,} texts of its {name} part", float(right))

    def _rebuild(self, examples: Parts[Texts], record: ModelRecord[Any, Any, Any, Any], folder: Path) -> ReadingPlan:
        self._classes = record.model.classes if self._earlier is not None else None
        plan = super()._rebuild(examples, record, folder)
        if self._classes is None and list(plan.model.classes) != classes_of(examples):
            raise UserError(f"{WHO}: the run in {folder} tells other classes apart; give its texts")
        return replace(plan, before=SCHEMA.read(folder / CHOICE).decided) if record.options.refit else plan

    def _part(self, reader: Reader, examples: Parts[Texts], options: ClassifierOptions) -> Part:
        if self._classes is not None:
            return seen_again(reader, examples, self._classes, options.seed)
        return seen(reader, examples, classes_of(examples), options)

    def _job(
        self, examples: Parts[Texts], plan: ReadingPlan, options: ClassifierOptions, best: Best
    ) -> tuple[Job, str]:
        from throughtime.tasks.classify.job import job_of

        classes, members = plan.model.classes, team(classifier, plan.parts, plan.parameters, options)
        learned, held = (truth_of(one.labels, classes, plan.model.several) for one in (examples.learned, examples.held))
        what = f"{len(classes)} labels, several a text" if plan.model.several else f"{len(classes)} classes"
        line = hello(plan, len(learned), len(held), what)
        for part in plan.parts if plan.parts[0].learned.firsts is None else []:
            told = cut_in_words(part.learned.lengths, "learned from by their first and last {half:,}")
            line += f"\n{told}" if told else ""
        return job_of(members, learned, held, classes, options, best.keep), line

    def _finish(
        self,
        examples: Parts[Texts],
        plan: ReadingPlan,
        options: ClassifierOptions,
        parameters: Mapping[str, np.ndarray],
        say: Say | None,
    ) -> Finished[TextClassifier]:
        readers, classes = self._readers(plan, options, parameters), plan.model.classes
        kind = LabelSetClassifier if plan.model.several else TextClassifier
        model = kind(readers, classes, data=plan.data)
        if say is None:
            return Finished(model, Decided())
        held = examples.held
        apart = (held.texts, held.labels) if len(held) else None
        known, seconds = examples.known, linear_seconds(options)
        truth = truth_of(known.labels, classes, model.several)
        weights = of_texts(class_weights(options, classes, truth), truth)
        fit = several.fit_linear_models if model.several else fit_linear_models
        linear = fit(known.texts, known.labels, apart, classes, say, plan.before.choices, weights, seconds)
        if self._earlier is not None and examples.rest is None:
            linear |= taken_over(self._earlier.model, len(classes))
        if apart is None:
            there = {name: weight for name, weight in plan.before.weights.items() if name in (RECURRENCE, *linear)}
            found = replace(plan.before, weights=there or {RECURRENCE: 1.0})
        elif model.several:
            truth = truth_of(held.labels, classes, True)
            found, figure = decided_sets(model.recurrence(held.texts), linear, held.texts, truth, options, classes)
            say(f"validation micro F1 {figure:.2%}, decided by {in_words(found.weights)}")
        else:
            truth = truth_of(held.labels, classes, False)
            earlier = None if examples.again else self._earlier  # else what it was chosen by speaks for itself
            found, right = decided(model.recurrence(held.texts), linear, held.texts, truth, options, earlier)
            say(f"validation accuracy {right:.2%}, decided by {in_words(found.weights)}")
        files = {**linear_files(linear), SEEN: {"digests": np.union1d(digests(known.texts), self._seen())}}
        return Finished(kind(readers, classes, linear, found, plan.data), found, files)

    @property
    def classes(self) -> list[str]:
        """The classes' names, in the order of the probabilities."""
        return self.fitted().classes

    @property
    def classes_(self) -> np.ndarray:
        """The classes as labels were, integers or truths too, in the order of the probabilities."""
        return np.array(self.fitted().labels)

    def score(self, texts: Any, labels: Sequence[Any] | None = None) -> float:
        """The share of texts whose class is right, of several all of them; texts, labels: as `fit` takes them."""
        given = self._judged((texts, labels) if labels is not None else texts)
        if self.fitted().several:
            return float(evaluated(self.fitted(), given, None)["subset_accuracy"])
        answers = self.fitted().predict(given.texts)
        own = restored(matched(given.labels, self.classes), self.fitted().data.labels)
        return float(np.mean([a == b for a, b in zip(answers, own, strict=True)]))

    def predict(self, texts: Any, sure: bool = False) -> list[Any]:
        """The likeliest class of each text, of the type that labels had; of models of several labels a list of them, or
        a row of 0 and 1 where labels were such a matrix. texts: whatever `fit` takes. sure: "out of
        scope" where the probability is below the threshold from which answers on the validation part were right as
        often as the option `sure` says."""
        return self.fitted().predict(texts, sure)

    def predict_proba(self, texts: Any) -> np.ndarray:
        """Probabilities (N, C) float64, in the order of `classes`."""
        return self.fitted().predict_probabilities(texts)

    def stream(self) -> ClassifierStream:
        """A text as it arrives, and the probabilities so far; of a model that reads forward, bidirectional=False."""
        return self.fitted().stream()

    def evaluate(self, texts: Any, labels: Sequence[Any] | None = None) -> dict[str, Any]:
        """Accuracy, macro F1, calibration error and more beside the baselines, with a verdict; see
        throughtime.tasks.classify.score.score."""
        model = self.fitted()
        return evaluated(model, judged(texts, labels, model.data.known, rule_of(model)), None)

    def score_held_out(self, say: Say) -> dict[str, Any] | None:
        assert self.examples is not None
        test, learned = self.examples.test, np.union1d(digests(self.examples.known.texts), self._seen())
        return None if test is None else evaluated(self.fitted(), test, learned)
