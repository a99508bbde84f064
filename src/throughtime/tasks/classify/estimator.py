"""The classifier of texts, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from throughtime.data.labelled import Texts, read_texts, text_key
from throughtime.data.splits import grouped_split
from throughtime.data.splitter import UNITS, Splitter
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE, decide, fuse, log_softmax, told
from throughtime.linear.folder import digests, forget, write_linear, write_seen
from throughtime.linear.model import Wide
from throughtime.linear.naive_bayes import Evidence
from throughtime.models.pooling import KINDS
from throughtime.models.reader import ReaderConfig
from throughtime.models.resolve import declared
from throughtime.models.stack import Dropout, Stack
from throughtime.runtime.readers import Reader, Readers, prefix, readers_of, write_evidence
from throughtime.storage.folder import CONFIG, TOKENIZER, write_json
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import WHO, ClassifierConfig, above
from throughtime.tasks.classify.text_classifier import TextClassifier
from throughtime.tasks.reading import members as reading
from throughtime.tasks.reading.embeddings import near as near_tokens
from throughtime.tasks.reading.estimator import Learner, validated
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.tasks.classify.stream import Opinion
    from throughtime.tasks.text.stream import TextModel
    from throughtime.training.settings import Settings

EPOCHS = 4
"""How long training takes where nothing is said."""

HAN = 0.3
"""The share of characters without a space between words from which texts are read character by character."""

DECIDED = ("fusion", "fusion_without_recurrence", "threshold", "sure", "choices")
"""What is decided on the validation part."""

EVIDENCE = ("on", "off", "both")

_MANY = 500
"""Classes from which labels that hardly repeat are no classes, but names or numbers."""

_EVIDENCE = 100_000_000
"""Tokens times classes up to which there is evidence: some 10 values of 4 bytes for each in memory, several times."""

EVIDENT = ("words", "characters", "jieba")
"""Units that have evidence: their n-grams can be read."""

COLUMNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "words": (("word",), True),
    "characters": (("token", "pair_before"), False),
    "jieba": (("token",), True),
    "subwords": (("token",), False),
    "tokenizer": (("token",), False),
}
"""What is seen of each unit, and whether it is spelled out too. Evidence has the pairs of characters already; with both
they are learned by heart."""


class Classifier(Learner[TextClassifier]):
    """What a text is about: sentiment, topic, intent; learned from examples.

    cell, layers, hidden: of the recurrence. both: it reads from the start and from the end; False reads forward only,
    so that texts can be followed as they arrive. units: "words", "characters", "jieba" or "subwords", or several, whose
    members then decide together; None takes characters where texts are written without spaces, words elsewhere.
    embedding: values of a unit. pooling: some of max, mean, attention, last. sentences: read long texts sentence by
    sentence, with a recurrence over sentences. members: models side by side of each unit, whose mean is the answer.
    wide: let linear models over n-grams have a say, as much as helps on the validation part; needs scikit-learn.
    evidence: "on": the recurrence reads beside each token what the n-grams that end there say of the classes
    (linear/naive_bayes.py), unless texts and classes are too many for memory; "off"; or "both": members of either kind
    decide together. near: embeddings start from which
    tokens stand near which others (tasks/reading/embeddings.py), if SciPy is there. dropout: a Dropout.
    word_dropout: the share of units forgotten in training, rare_dropout: of those that occur once. label_smoothing: the
    share of belief spread over all classes. balanced: every class weighs the same in training, however frequent.
    sure: how often answers that are sure should be right; see `predict`. vocabulary: of each column at most. start: the
    folder of a language model of words or characters (throughtime train text) whose tokens, embedding and recurrence
    the forward direction starts from. memory: the longest time scale, in tokens, that units of gated cells start with.
    seed: of everything random. threads: None for all that torch takes.

    Example (not run):
        model = throughtime.Classifier().fit(texts, labels)
        model.predict(["what a wonderful film"])  # ["positive"]
    """

    who, task = WHO, "classify"
    kept = ("sentences", "evidence", "near", "balanced", "pooling")

    def __init__(
        self,
        cell: Any = "lstm",
        hidden: int = 64,
        layers: int = 1,
        embedding: int = 64,
        units: str | Sequence[str] | None = None,
        both: bool = True,
        pooling: Sequence[str] = ("max", "mean", "attention"),
        sentences: bool = False,
        members: int = 1,
        wide: bool = True,
        evidence: str = "on",
        near: bool = True,
        dropout: Dropout | Mapping[str, Any] | None = None,
        word_dropout: float = 0.2,
        rare_dropout: float = 0.0,
        label_smoothing: float = 0.1,
        balanced: bool = False,
        sure: float = 0.95,
        vocabulary: int = 200_000,
        start: str | Path | None = None,
        memory: float | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        usual = {"input": 0.6, "between": 0.3, "output": 0.5}
        self.take(
            cell,
            layers,
            usual if dropout is None else dropout,
            hidden=hidden,
            embedding=embedding,
            both=both,
            members=members,
            wide=wide,
            word_dropout=word_dropout,
            rare_dropout=rare_dropout,
            label_smoothing=label_smoothing,
            sure=sure,
            vocabulary=vocabulary,
            memory=memory,
            seed=seed,
            threads=threads,
        )
        own = [units] if isinstance(units, str) else None if units is None else list(units)
        if own is not None and (not own or wrong(own)):
            raise UserError(f"{WHO}: units must be some of {', '.join(UNITS)}, each once, got {units!r}")
        if not pooling or set(pooling) - set(KINDS) or len(set(pooling)) != len(pooling):
            raise UserError(f"{WHO}: pooling must be some of {', '.join(KINDS)}, each once, got {list(pooling)!r}")
        if sentences and own is not None and "subwords" in own:
            raise UserError(f"{WHO}: sentences are found in words, characters or jieba, not in subwords; choose others")
        if start is not None and (own is not None or sentences):
            raise UserError(f"{WHO}: a start brings its own units and reads texts as one; leave units, sentences out")
        if evidence not in EVIDENCE:
            raise UserError(f"{WHO}: evidence must be one of {', '.join(EVIDENCE)}, got {evidence!r}")
        self.units, self.pooling, self.sentences = own, tuple(pooling), sentences
        self.evidence, self.near, self.balanced = evidence, near, balanced
        self.start = None if start is None else str(start)

    def fit(
        self,
        texts: Any,
        labels: Sequence[str] | None = None,
        out: str | Path | None = None,
        *,
        validation: float | tuple[Sequence[str], Sequence[str]] = 0.1,
        decided: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
        minutes: float | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        batch: int = 64,
        resume: bool = False,
        force: bool = False,
        quiet: bool = True,
        **settings: Any,
    ) -> Classifier:
        """Learn from texts and their labels.

        texts, labels: lists; or a file, a frame, as read_texts takes them, without labels. out: a folder for the model,
        its history and checkpoints; None keeps all in memory. validation: the share kept apart to choose by, texts that
        are the same on one side, or (texts, labels); 0: everything is learned from and the last parameters are kept.
        decided: then, what was decided on the validation part of another classifier, its config["classify"]: who has
        how much to say, and the threshold. about: JSON kept in config.json's data. Budget: one of minutes,
        epochs or steps. resume: go on with the run in `out`, with the same texts. force: overwrite what is in `out`.
        quiet: no progress. settings: further fields of training.settings.Settings. Returns itself.
        """
        folder, run = self.begin(out, batch, resume, force)
        budget = runs.budget(minutes, epochs, steps)
        given = texts if isinstance(texts, Texts) else read_texts((texts, labels) if labels is not None else texts)
        if run is not None:
            self.again(run, given.sha256)
            if not isinstance(validation, tuple):
                validation = cast(float, run.data.get("validation"))
        learned, held = self._parts(given, validation)
        classes = sorted({*learned.labels, *held.labels})
        if len(set(learned.labels)) < 2:
            only = learned.labels[0]
            raise UserError(f"{given.where}: there is one class to learn from, {only!r}; nothing to tell apart")
        if len(classes) > _MANY and len(classes) > len(learned) / 2:
            raise UserError(
                f"{given.where}: {len(classes):,} different labels of {len(learned):,} texts are no classes; name the "
                "column of the labels"
            )
        if run is not None:
            return self._resume(run, learned, held, classes, budget, settings, quiet)
        chosen = runs.settings_of(
            budget or reading.epochs(len(learned), batch, EPOCHS), {**reading.DEFAULTS, **settings}
        )
        start = self._started()
        units = self.units or [_units(learned.texts)]
        kinds = {"on": (True,), "off": (False,), "both": (True, False)}[self.evidence]
        parts = [
            self._part(unit, learned, held, classes, start, evident)
            for unit in (["tokenizer"] if start else units)
            for evident in (kinds if unit in EVIDENT and not start else (False,))
        ]
        readers = [part.reader for part in parts]
        parameters = reading.drawn(classifier, readers, self.members, self.seed, self.memory)
        if start:
            _take_over(parameters, start, self.members)
        elif self.near:
            _bring_near(parameters, parts, self.members, self.seed)
        data = {
            **(about or {}),
            "sha256": given.sha256,
            "texts": len(given),
            "classes": {name: learned.labels.count(name) for name in classes},
            "validation": None if isinstance(validation, tuple) else validation,
            "notes": list((about or {}).get("notes", given.notes)),
        }
        tokens = self.settle(readers, classifier, chosen, batch, {"classes": classes, **_kept(decided, held)}, data)
        with runs.begun(folder, force, self.config, {TOKENIZER: tokens}, self.torch_threads()):
            return self._train(parts, parameters, learned, held, chosen, folder, False, quiet)

    def _resume(
        self, run: runs.Stored, learned: Texts, held: Texts, classes: list[str], budget: Any, settings: Any, quiet: bool
    ) -> Classifier:
        if run.config["classify"].get("classes") != classes:
            raise UserError(f"{WHO}: the run in {run.folder} tells other classes apart; give its texts")
        readers, _ = readers_of(WHO, ClassifierConfig, run.folder, run.config)
        parts = []
        for one in readers:
            tokens, kept = self._tokens(one.splitter, learned, held)
            values = None if one.evidence is None else self._evidence(tokens, learned, classes)[1]
            parts.append(reading.Part.of(one, tokens, kept, values))
        parameters = reading.zeros(readers, self.members)
        with run.gone_on(budget, settings) as (self.config, chosen):
            return self._train(parts, parameters, learned, held, chosen, run.folder, True, quiet)

    def _parts(self, given: Texts, validation: Any) -> tuple[Texts, Texts]:
        """What is learned from, and what is chosen by."""
        if isinstance(validation, tuple):
            held = (
                read_texts(validation, keep_empty=True, several=False)
                if not isinstance(validation[0], Texts)
                else validation[0]
            )
            return given, held
        share = validated(WHO, validation, least=True)
        if not share:
            return given, given.take([])
        keys = [text_key(text) for text in given.texts]
        rows, kept = grouped_split(keys, given.labels, share, self.seed)
        return given.take(rows), given.take(kept)

    def _tokens(self, splitter: Splitter, learned: Texts, held: Texts) -> tuple[list[list[str]], list[list[str]]]:
        return [splitter.split(text) for text in learned.texts], [splitter.split(text) for text in held.texts]

    def _evidence(
        self, tokens: Sequence[Sequence[str]], learned: Texts, classes: Sequence[str]
    ) -> tuple[Evidence, np.ndarray]:
        keys = [text_key(text) for text in learned.texts]
        return Evidence.learned(tokens, learned.labels, classes, keys, self.seed)

    def _part(
        self,
        unit: str,
        learned: Texts,
        held: Texts,
        classes: Sequence[str],
        start: TextModel | None,
        evident: bool,
    ) -> reading.Part:
        splitter = Splitter("tokenizer", start.tokenizer) if start else Splitter.fit(unit, learned.texts)
        tokens, kept = self._tokens(splitter, learned, held)
        kinds, spelling = COLUMNS[unit]
        if evident and unit == "characters":
            kinds = ("token",)
        columns = reading.seen(splitter, tokens, kinds, spelling, self.vocabulary)
        evidence, values = None, None
        if evident and sum(map(len, tokens)) * len(classes) <= _EVIDENCE:
            evidence, values = self._evidence(tokens, learned, classes)
        embedding, hidden, traces = self.embedding, self.hidden, self.traces
        if start:
            embedding, traces = start.config.embedding, [layer.trace for layer in start.config.layers]
            traces = [one for trace in traces if (one := declared(trace)) is not None]
            hidden = start.config.layers[0].output_size
        config = ReaderConfig.stack(
            WHO,
            [(name, size, embedding) for name, size in zip(columns.kinds, columns.sizes, strict=True)],
            traces,
            hidden,
            self.both,
            pieces=(len(columns.pieces), embedding) if columns.pieces else (0, 0),
            added=True,
            dropout=self.dropout,
            values=0 if evidence is None else evidence.channels,
        )
        over = (
            Stack.of(self.traces[-1:], above(self.pooling, config), hidden, self.both).layers if self.sentences else ()
        )
        reader = Reader(splitter, columns, ClassifierConfig(config, len(classes), self.pooling, over), evidence)
        return reading.Part.of(reader, tokens, kept, values)

    def _started(self) -> TextModel | None:
        """The language model to start from."""
        if self.start is None:
            return None
        from throughtime.tasks.load import load
        from throughtime.tasks.text.stream import TextModel

        model = load(self.start)
        if not isinstance(model, TextModel) or model.tokenizer.kind not in ("characters", "words"):
            raise UserError(
                f"{self.start}: a start must be a language model of words or characters; make one with throughtime "
                "train text FILE --tokens words"
            )
        for layer in model.config.layers:
            if declared(layer.trace) is None or set(layer.sizes) != {"I", "H"}:
                raise UserError(
                    f"{self.start}: a start must have cells of the catalogue without sizes of their own, its "
                    f"{layer.name} is none; train another"
                )
        widths = {layer.output_size for layer in model.config.layers}
        if len(widths) > 1 or (self.both and len(model.config.layers) > 1):
            raise UserError(
                f"{self.start}: a start must have layers of one size, and only one of them where texts are read from "
                "both ends; train another, or give --forward"
            )
        return model

    def _train(
        self,
        parts: Sequence[reading.Part],
        parameters: Mapping[str, np.ndarray],
        learned: Texts,
        held: Texts,
        settings: Settings,
        folder: Path | None,
        resume: bool,
        quiet: bool,
    ) -> Classifier:
        import torch
        from torch.nn.functional import cross_entropy

        from throughtime.training.progress import choose

        classes, readers = self.config["classify"]["classes"], [part.reader for part in parts]
        if folder is not None:
            if not resume:
                forget(folder)
            write_evidence(folder, readers)
        place = {name: i for i, name in enumerate(classes)}
        truth = np.array([place[label] for label in learned.labels])
        kept = np.array([place[label] for label in held.labels])
        targets = torch.from_numpy(truth)
        weights = None
        if self.balanced:
            counts = np.maximum(1, np.bincount(truth, minlength=len(classes)))
            weights = torch.from_numpy((len(truth) / (len(classes) * counts)).astype(np.float32))

        def loss(model: Any, logits: Any, tokens: Any, rows: np.ndarray) -> Any:
            own = targets[torch.from_numpy(rows)]
            return cross_entropy(logits, own, weights, reduction="none", label_smoothing=self.label_smoothing)

        def judge(outputs: Sequence[Sequence[tuple[np.ndarray, Any]]], models: Any) -> float:
            total = np.zeros((len(held), len(classes)))
            for one in outputs:
                for rows, logits in one:
                    total[rows] += log_softmax(logits.numpy().astype(np.float64))
            return float(-log_softmax(total / len(outputs))[np.arange(len(kept)), kept].mean())

        def hello(progress: Any, sizes: str) -> None:
            for found in self.config["data"].get("notes", ()):
                progress.note(f"data: {found}")
            cells = ", ".join("+".join(layer.name for layer in both) for both in readers[0].config.reader.layers)
            units = " and ".join(reader.splitter.kind for reader in readers)
            times = f"{self.members} times " if self.members > 1 else ""
            progress.note(
                f"{times}{cells} over {units}; {len(learned):,} texts to learn from, {len(held):,} to choose by, "
                f"{len(classes)} classes; {sizes}"
            )

        self.outcome, best = reading.learn(
            *(classifier, parts, self.members, parameters, loss, judge, self.config, settings),
            *(folder, resume, quiet, self.torch_threads(), hello),
        )
        members = Readers(WHO, classifier, readers, self.members, best, self.torch_threads())
        self.model = TextClassifier(members, classes)
        if self.outcome.ended != "interrupted":
            self._decide(self.model, learned, held, kept, folder, choose(quiet).note)
        return self

    def _decide(
        self, model: TextClassifier, learned: Texts, held: Texts, truth: np.ndarray, folder: Path | None, say: Any
    ) -> None:
        """Fit the linear models, and say on the validation part who has how much to say, and when an answer is sure."""
        from throughtime.linear import metrics
        from throughtime.linear.fit import fit_baselines

        own = self.config["classify"]
        if not len(held):
            own.update(own.pop("decided", {}))
        linear: dict[str, Wide] = fit_baselines(
            *(learned.texts, learned.labels, held.texts, held.labels, model.classes, say),
            chosen=own.get("choices") if not len(held) else None,
        )
        model.linear = linear
        if not len(held):
            model.fusion = {
                n: w for n, w in own.get("fusion", {}).items() if n in (RECURRENCE, *linear)
            } or model.fusion
            model.threshold = own.get("threshold")
            own["fusion"] = model.fusion
            self._write_beside(linear, learned, folder)
            return
        apart = {name: one.log_probabilities(held.texts).astype(np.float64) for name, one in linear.items()}
        parts = {RECURRENCE: model.recurrence(held.texts), **apart}
        fusion, without = decide(parts[RECURRENCE], apart, truth, self.wide)
        found = np.exp(fuse({name: parts[name] for name in fusion}, fusion))
        right = found.argmax(1) == truth
        threshold = metrics.coverage_at(found.max(1), right, self.sure)
        own.update({"fusion": fusion, "fusion_without_recurrence": without, "threshold": threshold, "sure": self.sure})
        own["choices"] = {name: one.choice for name, one in linear.items() if one.choice}
        model.fusion, model.threshold = fusion, threshold
        say(f"validation accuracy {right.mean():.2%}, decided by {told(fusion)}")
        self._write_beside(linear, learned, folder)

    def _write_beside(self, linear: Mapping[str, Wide], learned: Texts, folder: Path | None) -> None:
        self.seen = digests(learned.texts)
        if folder is not None:
            write_linear(folder, linear)
            write_seen(folder, self.seen)
            write_json(folder / CONFIG, self.config)

    @property
    def classes(self) -> list[str]:
        """The classes' names, in the order of the probabilities."""
        return self.fitted().classes

    def predict(self, texts: Iterable[str], sure: bool = False) -> list[str]:
        """The likeliest class of each text. sure: "out of scope" where the probability is below the threshold from
        which answers on the validation part were right as often as `sure` of the constructor says."""
        return self.fitted().predict(texts, sure)

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """Probabilities (N, C) float64, in the order of `classes`."""
        return self.fitted().predict_probabilities(texts)

    def stream(self) -> Opinion:
        """A text as it arrives, and the running opinion of it; of a model that reads forward, both=False."""
        return self.fitted().stream()

    def evaluate(self, texts: Any, labels: Sequence[str] | None = None) -> dict[str, Any]:
        """Accuracy, macro F1, calibration error and more beside the baselines, with a verdict; see
        throughtime.tasks.classify.train.evaluate."""
        from throughtime.tasks.classify.score import score

        given = texts
        if not isinstance(texts, Texts):
            source = (texts, labels) if labels is not None else texts
            given = read_texts(source, keep_empty=True, several=False)
        own = self.config["classify"]
        return score(self.fitted(), given, own.get("fusion_without_recurrence", {}), None)


def _kept(decided: Mapping[str, Any] | None, held: Texts) -> dict[str, Any]:
    """What a run without a validation part keeps until it ends, of what was decided elsewhere."""
    if decided is None or len(held):
        return {}
    return {"decided": {name: decided[name] for name in DECIDED if decided.get(name) is not None}}


def wrong(units: Sequence[Any]) -> bool:
    """Whether units are not all known ones, each once."""
    return any(unit not in UNITS for unit in units) or len(set(units)) != len(units)


def _units(texts: Sequence[str]) -> str:
    """What texts are read in where nobody said."""
    sample = "".join(texts[:2000])
    han = sum("\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" for sign in sample)
    return "characters" if han > HAN * max(1, len(sample)) else "words"


def _bring_near(parameters: dict[str, np.ndarray], parts: Sequence[reading.Part], members: int, seed: int) -> None:
    """Start the embeddings of the first columns from which tokens stand near which."""
    for r, part in enumerate(parts):
        name, size, width = part.reader.config.reader.columns[0]
        table = near_tokens(part.learned.encoded, size, width, seed)
        for m in range(members if table is not None else 0):
            parameters[prefix(r, m) + f"columns.{name}"] = np.array(table)


def _take_over(parameters: dict[str, np.ndarray], start: TextModel, members: int) -> None:
    """The embedding and the recurrences of a language model, as the start of the forward direction."""
    table = start.parameters["embedding"]
    for m in range(members):
        own = partial("0.{}.{}".format, m)
        parameters[own("columns.token")] = np.concatenate([table.mean(0, keepdims=True), table]).astype(np.float32)
        for i, layer in enumerate(start.config.layers):
            for name in layer.trace.parameters:
                value = start.parameters[f"layers.{i}.{name}"]
                parameters[own(f"layers.{i}.ahead.{name}")] = value.astype(np.float32)
