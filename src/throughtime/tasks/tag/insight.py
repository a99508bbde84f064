"""Looking into a tagger: its gradients, what an answer rests on, what its gates did, what more texts bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from throughtime.data.tagged import Tagged
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.patients import refreshed
from throughtime.linear.ensemble import RECURRENCE
from throughtime.models import crf
from throughtime.models.ops import Params
from throughtime.models.reader import embed, read
from throughtime.options import Json
from throughtime.runtime.readers import Reader
from throughtime.tasks.reading.data import Parts, in_a_line
from throughtime.tasks.reading.ensemble import team
from throughtime.tasks.reading.insight import (
    MOST_HELD,
    ReadingPatient,
    Text,
    course,
    course_of,
    diagnose,
    see,
    seen_text,
    source_of,
    spaced,
    weightless,
)
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.data import parts, read_tagged, tagged
from throughtime.tasks.tag.model import TaggerConfig, TaggerEnsemble
from throughtime.tasks.tag.stream import SCHEMA, TokenTagger

__all__ = ["METRIC", "UNIT", "amount", "diagnose", "explain", "explained", "of_model", "patient"]


@dataclass
class TaggerPatient(ReadingPatient):
    """names: of tags and intents. texts, held_texts: what `learned` and `held` are the tokens of."""

    names: TaggerEnsemble | None = None
    texts: Tagged = field(default_factory=lambda: Tagged([], [], []))
    held_texts: Tagged = field(default_factory=lambda: Tagged([], [], []))

    @property
    def arithmetic(self) -> Any:
        return tagger

    def member_job(self, reader: Reader, parameters: Mapping[str, np.ndarray], options: Any, keep: Any) -> Any:
        from throughtime.tasks.tag.job import LossJudgedJob

        assert self.names is not None
        members = team(tagger, [self.part(reader)], {f"0.0.{n}": v for n, v in parameters.items()}, options)
        held = self.held_texts.take(range(min(MOST_HELD, len(self.held_texts))))
        return LossJudgedJob(members, self.names, reader, self.texts, held, options, keep)

    def end_losses(self, ops: Any, parameters: Params, inputs: Sequence[Any], rows: np.ndarray) -> Any:
        import torch
        from torch.nn.functional import cross_entropy

        assert self.names is not None
        config: TaggerConfig = self.reader.config
        (tokens,) = inputs
        x = embed(ops, config.reader, parameters, tokens)
        _, final = read(ops, config.reader, parameters, x, tokens.lengths)
        h, ones = ops.concatenate(list(final))[None], torch.ones(len(rows), dtype=torch.int64)
        scores, logits = tagger.answer(ops, config, parameters, h, final, ones)
        texts, last = (self.held_texts if self.held else self.texts), int(tokens.lengths[0]) - 1
        wanted = torch.tensor([self.names.tags.index(texts.tags[row][last]) for row in rows])
        losses = cross_entropy(scores[0], wanted, reduction="none")
        if logits is None:
            return losses
        intents = torch.tensor([self.names.intents.index(texts.intents[row]) for row in rows])
        return losses + cross_entropy(logits, intents, reduction="none")


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> ReadingPatient:
    """The model in a folder with the texts it learned, or others. fresh: with newly drawn parameters."""
    from throughtime.tasks.load import load

    folder = Path(directory)
    record = SCHEMA.read(folder)
    source, options = source_of(record, folder, data)
    texts = parts(source, tagged(source, options=options), None, options)
    found = _patient(load(folder), texts, record, course_of(folder, record.options))
    return refreshed(found) if fresh else found


def of_model(model: Any, data: Any = None) -> ReadingPatient:
    """A fitted Tagger as a patient, on the texts it was fitted on or on others, (tokens, tags, intents)."""
    options, texts = model.record.options, model.examples
    if data is not None:
        usual = options.replaced(test=None, validation=0.1, holdout=0.0)
        texts = parts(None, tagged(data, options=usual), None, usual)
    return _patient(model.model, texts, model.record, course(model.outcome.history, options))


def _patient(model: TokenTagger, texts: Parts[Tagged], record: Any, past: Any) -> TaggerPatient:
    learned, held = (_known(one, model) for one in (texts.learned, texts.held))
    if not len(learned):
        raise UserError(f"{texts.learned.where}: no text has tags and an intent that the model knows; give other texts")
    reader, own = model.readers.readers[0], model.readers.own(0, 0)
    return TaggerPatient(reader, own, learned.tokens, held.tokens, record.options, past, record.model, learned, held)


def _known(texts: Tagged, model: TokenTagger) -> Tagged:
    """The texts whose tags and intents the model knows."""
    tags, intents = {*model.tags}, {*model.intents}
    sound = [i for i, own in enumerate(texts.tags) if tags.issuperset(own)]
    if intents:
        sound = [i for i in sound if texts.intents and texts.intents[i] in intents]
    return texts.take(sound)


class _Asked(NamedTuple):
    """What is asked of a text: log p of it, (N, 1), from what the recurrences read, (N, P, I); and the answer, with
    a place for the probability that the member that is looked at gives it."""

    logarithm: Callable[[Any], Any]
    answer: str


def explain(model: Any, text: str, target: str | None = None, methods: Sequence[str] = METHODS) -> Explanation:
    """Why a tagger makes of a text what it does, and what its gates did on the way.

    model: a TokenTagger, or a fitted Tagger. target: a token of the text, whose tag is asked about (where it stands
    first), or an intent; not given: the text's intent, of a model without intents the tag of the first token that is
    marked. methods: of attribution, the first is shown first. Returns an Explanation; its first member is looked at.
    Raises UserError for a text of fewer than two tokens or an unknown target. Needs torch and captum.
    """
    import torch

    model = getattr(model, "model", model)
    seen = seen_text(model.readers, 0, model.tokens(text))
    (tagging,) = model.tag([seen.tokens])
    if target is None and not model.intents:
        marked = [t for t, tag in enumerate(tagging.tags) if tag != "O"]
        asked = _tag(model, seen, tagging, marked[0] if marked else 0)
    elif target in seen.tokens:
        asked = _tag(model, seen, tagging, seen.tokens.index(target))
    elif model.intents and (target is None or target in model.intents):
        asked = _intent(model, seen, tagging, target)
    else:
        intents = f" or one of {', '.join(model.intents[:20])}" if model.intents else ""
        raise UserError(f"explain: --target must be a token of the text{intents}, got {target!r}")
    with torch.no_grad():
        likely = float(asked.logarithm(seen.x[None])[0, 0].exp())
    question = Question(asked.logarithm, seen.x, seen.neutral, signed=True)
    shown, gates = spaced(seen.tokens, text), see(model.readers, 0, seen.inputs)
    found = explain_question("text", question, shown, asked.answer.format(likely=f"{likely:.1%}"), gates, methods)
    statistics = [layer.statistics() for layer in found.seen]
    return replace(found, statistics=statistics, over=f"over {len(seen.tokens)} tokens")


def _tag(model: TokenTagger, seen: Text, tagging: Any, place: int) -> _Asked:
    """The tag of a token: log p by forward and backward over the conditional random field, of which only that tag is
    left at its place."""
    import torch

    from throughtime.models.ops_torch import TorchOps

    ops, config = TorchOps(), seen.reader.config
    tag = model.tags.index(tagging.tags[place])
    allowed = [torch.from_numpy(one) for one in crf.allowed(model.tags)]
    own = [seen.own[f"crf.{name}"] for name in ("transitions", "first", "last")] if config.crf else [0.0, 0.0, 0.0]
    pairs, first, last = (one + other for one, other in zip(allowed, own, strict=True))
    others = torch.full((len(model.tags),), crf.FORBIDDEN)
    others[tag] = 0.0

    def logarithm(x: Any) -> Any:
        lengths = torch.full((len(x),), x.shape[1])
        scores, _ = tagger.mark(ops, config, seen.own, x.transpose(0, 1), lengths)
        places = torch.zeros(len(scores), 1, 1)
        places[place] = 1.0
        only = scores + places * others
        sums = [crf.log_partition(ops, one, pairs, first, last, lengths) for one in (only, scores)]
        return (sums[0] - sums[1])[:, None]

    token, share = seen.tokens[place], tagging.sure[place]
    answer = f"{token!r} is tagged {model.tags[tag]} with a probability of {share:.1%}; to the member that is looked "
    return _Asked(logarithm, _quoted(answer) + "at, {likely}.")


def _intent(model: TokenTagger, seen: Text, tagging: Any, target: str | None) -> _Asked:
    """An intent of the whole text."""
    import torch

    from throughtime.models.ops_torch import TorchOps

    ops, name = TorchOps(), target or tagging.intent
    wanted = model.intents.index(name)

    def logarithm(x: Any) -> Any:
        lengths = torch.full((len(x),), x.shape[1])
        _, logits = tagger.mark(ops, seen.reader.config, seen.own, x.transpose(0, 1), lengths)
        return torch.log_softmax(logits, -1)[:, wanted : wanted + 1]

    answer = f"The intent {name!r} has a probability of {tagging.intents[name]:.1%}; to the recurrence that is looked "
    return _Asked(logarithm, _quoted(answer) + "at, {likely}." + weightless(model.weights.get(RECURRENCE, 0.0)))


def _quoted(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def explained(directory: Path, data: str, options: Mapping[str, Json]) -> Explanation:
    """What `throughtime explain` does for a model's folder. data: the text, - for standard input."""
    from throughtime.data.text import read_text
    from throughtime.tasks.load import load

    for name in ("series", "step", "corpus"):
        if options.get(name) is not None:
            raise UserError(f"explain: --{name} is for other models, this one is a tagger; leave it out")
    text = read_text("-").strip() if data == "-" else data
    return explain(load(directory), text, options.get("target"), options["methods"])


UNIT, METRIC = "texts", "1 - slot F1"
"""What a learning curve of tagged texts is over, and of."""


def amount(data: Path | list[Path], share: float, seed: int, options: Mapping[str, Json]) -> tuple[float, float]:
    """Learn from a share of the texts that are learned from, and score those kept apart: texts, 1 - slot F1."""
    from throughtime.tasks.tag.estimator import Tagger
    from throughtime.tasks.tag.score import score

    if options.get("horizon") is not None:
        raise UserError("learning-curve: --horizon is for forecasts, these are tagged texts")
    learned, test = read_tagged(data).split(0.2, 1)
    count = round(share * len(learned))
    if count < 50 or len(test) < 50:
        raise UserError(
            f"learning-curve: {in_a_line(data)}: {share:.3g} of it are {count} texts; give at least 50, and more points"
        )
    rows = np.sort(np.random.default_rng(seed).permutation(len(learned))[:count])
    names = ("minutes", "steps", "cell", "hidden", "layers", "threads")
    chosen = {name: options[name] for name in names if options.get(name) is not None}
    model = Tagger(seed=seed, ensemble_size=1).fit(learned.take(rows), quiet=True, **chosen)
    found = score(model.fitted(), test, {})
    return float(count), max(
        1 - found.get("slot_f1", found["token_accuracy"]), 0.5 / max(1, sum(map(len, test.tokens)))
    )
