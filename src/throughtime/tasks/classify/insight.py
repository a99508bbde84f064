"""Looking into a classifier: its gradients, what an answer rests on, what its gates did, what more texts bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.label_sets import LabelRule
from throughtime.data.labelled import Texts, read_texts
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.patients import refreshed
from throughtime.linear.ensemble import RECURRENCE
from throughtime.models import pooling
from throughtime.models.ops import Params
from throughtime.models.reader import embed, read
from throughtime.options import Json
from throughtime.runtime.readers import Reader
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.data import labelled, parts
from throughtime.tasks.classify.model import ClassifierConfig
from throughtime.tasks.classify.stream import SCHEMA, TextClassifier
from throughtime.tasks.classify.weights import truth_of
from throughtime.tasks.reading.data import Parts, in_a_line
from throughtime.tasks.reading.ensemble import team
from throughtime.tasks.reading.insight import (
    MOST_HELD,
    ReadingPatient,
    course,
    course_of,
    diagnose,
    see,
    seen_text,
    source_of,
    spaced,
    weightless,
)

__all__ = ["METRIC", "UNIT", "amount", "diagnose", "explain", "explained", "of_model", "patient"]


@dataclass
class ClassifierPatient(ReadingPatient):
    """truth: class numbers of what is learned, held_truth: of what is held."""

    truth: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    held_truth: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    classes: Sequence[str] = ()

    @property
    def arithmetic(self) -> Any:
        return classifier

    def member_job(self, reader: Reader, parameters: Mapping[str, np.ndarray], options: Any, keep: Any) -> Any:
        from throughtime.tasks.classify.job import job_of

        members = team(classifier, [self.part(reader)], {f"0.0.{n}": v for n, v in parameters.items()}, options)
        held = self.held_truth[:MOST_HELD]
        return job_of(members, self.truth, held, self.classes, options, keep)

    def end_losses(self, ops: Any, parameters: Params, inputs: Sequence[Any], rows: np.ndarray) -> Any:
        import torch

        config: ClassifierConfig = self.reader.config
        tokens, *rest = inputs
        x = embed(ops, config.reader, parameters, tokens)
        p = _at_end(ops, config, parameters, "pooling", read(ops, config.reader, parameters, x, tokens.lengths)[1])
        if config.above:
            (sentences,) = rest
            x = ops.lookup(p, sentences.places)
            _, states = config.upper.run(ops, parameters, x, None, sentences.counts)
            p = _at_end(ops, config, parameters, "pooling_above", config.upper.last(states))
        logits = ops.linear(p, parameters["output.W_py"], parameters["output.b_y"])
        truth = (self.held_truth if self.held else self.truth)[rows]
        if truth.ndim == 2:
            there = torch.from_numpy(truth).to(logits.dtype)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, there, reduction="none")
            return loss.mean(1)
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(truth), reduction="none")


def _at_end(ops: Any, config: ClassifierConfig, parameters: Params, name: str, final: Sequence[Any]) -> Any:
    """What pooling gives where it sees the last state of each direction alone."""
    import torch

    h = ops.concatenate(list(final))[None]
    ones = torch.ones(h.shape[1], dtype=torch.int64)
    return pooling.pool(ops, config.pooling, parameters, name, h, tuple(final), ones)


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> ReadingPatient:
    """The model in a folder with the texts it learned, or others. fresh: with newly drawn parameters."""
    from throughtime.tasks.load import load

    folder = Path(directory)
    record = SCHEMA.read(folder)
    source, options = source_of(record, folder, data)
    options = options.replaced(refit=False)
    texts = parts(source, labelled(source, None, options), None, options)
    found = _patient(load(folder), texts, record.options, course_of(folder, record.options))
    return refreshed(found) if fresh else found


def of_model(model: Any, data: Any = None) -> ReadingPatient:
    """A fitted Classifier as a patient, on the texts it was fitted on or on others, as `fit` takes them."""
    options, texts = model.record.options, model.examples
    if data is not None:
        usual = options.replaced(test=None, refit=False, validation=0.1, holdout=0.0)
        texts = parts(None, labelled(data, None, usual), None, usual)
    return _patient(model.model, texts, options, course(model.outcome.history, options))


def _patient(model: TextClassifier, texts: Parts[Texts], options: Any, past: Any) -> ClassifierPatient:
    reader, known = model.readers.readers[0], set(model.classes)
    some = [
        one if model.several else one.take([i for i, label in enumerate(one.labels) if label in known])
        for one in (texts.learned, texts.held)
    ]
    if not len(some[0]):
        raise UserError(f"{texts.learned.where}: none of the labels is a class of the model; give other texts")
    learned, held = ([reader.splitter.split(text) for text in one.texts] for one in some)
    truth, held_truth = (truth_of(one.labels, model.classes, model.several) for one in some)
    own = model.readers.own(0, 0)
    return ClassifierPatient(reader, own, learned, held, options, past, truth, held_truth, model.classes)


def explain(
    model: Any, text: str, target: str | None = None, methods: Sequence[str] = METHODS, reader: int = 0
) -> Explanation:
    """Why a classifier thinks of a text what it does, and what its gates did on the way.

    model: a TextClassifier, or a fitted Classifier. target: the class that is asked about, the answer where it is not
    given. methods: of attribution, the first is shown first. reader: which one is looked at, where a model has several;
    its first member is. Linear models that have a weight besides are not looked at; where the recurrence has none, the
    answer says so. Returns an Explanation. Raises UserError for a text of fewer than two tokens, a model of sentences
    or an unknown class. Needs torch and captum.
    """
    import torch

    from throughtime.models.ops_torch import TorchOps

    model = getattr(model, "model", model)
    one = model.readers.readers[reader]
    if one.config.above:
        raise UserError("explain: expected a model that reads a text as one, this one reads it sentence by sentence")
    text = model.composed(text)
    seen, ops = seen_text(model.readers, reader, one.splitter.split(text)), TorchOps()

    def logarithms(x: Any) -> Any:
        """(N, P, I) to the log probabilities (N, C)."""
        lengths = torch.full((len(x),), x.shape[1])
        logits = classifier.judge(ops, one.config, seen.own, x.transpose(0, 1), lengths)
        return torch.nn.functional.logsigmoid(logits) if model.several else torch.log_softmax(logits, -1)

    with torch.no_grad():
        likely = logarithms(seen.x[None])[0]
    shares = model.predict_probabilities([text])[0]
    if target is not None and target not in model.classes:
        raise UserError(f"explain: --target must be one of {', '.join(model.classes[:20])}, got {target!r}")
    wanted = int(shares.argmax()) if target is None else model.classes.index(target)
    question = Question(lambda x: logarithms(x)[:, wanted : wanted + 1], seen.x, seen.neutral, signed=True)
    answer = (
        f"{model.classes[wanted]!r} has a probability of {shares[wanted]:.1%}; to the recurrence that is looked at, "
        f"{float(likely[wanted].exp()):.1%}.{weightless(model.weights.get(RECURRENCE, 0.0))}"
    )
    shown, gates = spaced(one.splitter.shown(seen.tokens), text), see(model.readers, reader, seen.inputs)
    found = explain_question("text", question, shown, answer, gates, methods)
    statistics = [layer.statistics() for layer in found.seen]
    return replace(found, statistics=statistics, over=f"over {len(seen.tokens)} tokens")


def explained(directory: Path, data: str, options: Mapping[str, Json]) -> Explanation:
    """What `throughtime explain` does for a model's folder. data: the text, - for standard input."""
    from throughtime.data.text import read_text
    from throughtime.tasks.load import load

    for name in ("series", "step", "corpus"):
        if options.get(name) is not None:
            raise UserError(f"explain: --{name} is for other models, this one is a classifier; leave it out")
    text = read_text("-") if data == "-" else data
    return explain(load(directory), text, options.get("target"), options["methods"])


UNIT, METRIC = "texts", "error rate"
"""What a learning curve of labelled texts is over, and of."""


def amount(data: Path | list[Path], share: float, seed: int, options: Mapping[str, Json]) -> tuple[float, float]:
    """Learn from a share of the texts that are learned from, and score those kept apart: texts, error rate."""
    from throughtime.tasks.classify.estimator import Classifier
    from throughtime.tasks.classify.score import score

    if options.get("horizon") is not None:
        raise UserError("learning-curve: --horizon is for forecasts, these are labelled texts")
    learned, test = read_texts(data, rule=LabelRule(several=False)).split(0.2, 1)
    count = round(share * len(learned))
    if count < 50 or len(test) < 50:
        raise UserError(
            f"learning-curve: {in_a_line(data)}: {share:.3g} of it are {count} texts; give at least 50, and more points"
        )
    rows = np.sort(np.random.default_rng(seed).permutation(len(learned))[:count])
    names = ("minutes", "steps", "cell", "hidden", "layers", "threads")
    chosen = {name: options[name] for name in names if options.get(name) is not None}
    model = Classifier(seed=seed, ensemble_size=1, refit=False).fit(learned.take(rows), quiet=True, **chosen)
    found = score(model.fitted(), test, None)
    return float(count), max(1 - found["accuracy"], 0.5 / len(test))
