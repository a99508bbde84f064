"""How good a model is that makes one text of another, beside what needs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from throughtime.baselines import kept_words
from throughtime.baselines.text_scores import text_scores
from throughtime.baselines.verdict import verdict
from throughtime.data.pairs import Pairs, read_pairs
from throughtime.errors import UserError
from throughtime.linear.nearest import Nearest
from throughtime.options import Json
from throughtime.storage.record import Schema
from throughtime.tasks.sequence.alignment import by_word, word_spans
from throughtime.tasks.sequence.losses import losses
from throughtime.tasks.sequence.quality import CHRF, Measure, overlap
from throughtime.tasks.sequence.stream import SequenceModel, Wishes

WORST, SHOWN = 20, 3
"""Worst answers that are kept to read, and attentions that are drawn."""

_CONTROL = 1000
"""Pairs on which sources are exchanged."""

_READS = 0.05
"""By so much the loss is lower with the own source, where the source is read at all."""

_UNSEEN = 3
"""Words that training did not have, from which on texts count as one group."""

_DRAWN = 40
"""Words of a text whose attention is drawn, at most."""

MEASURES = {"bleu": "BLEU", "chrf": "chrF", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
"""What is measured of answers, and what it is called."""


Running = TypeVar("Running")


def score(
    model: SequenceModel,
    given: Pairs,
    learned: Pairs | None,
    baselines: Mapping[str, Sequence[str]],
    unit: str = "texts",
    measure: Measure = CHRF,
    said: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Everything an evaluation says. learned: what the model learned, None where it is not at hand; the nearest of its
    sources gives a baseline. baselines: others, name -> an answer to each source. measure: by which answers are told
    to be better or worse than others. said: the answers that are scored, where they are not the model's own alone."""
    answers = model.texts(given.sources) if said is None else list(said)
    quality = _quality(measure, answers, given.targets)
    groups = np.unique(given.near().groups, return_inverse=True)[1]
    evaluation: dict[str, Any] = {"texts": len(given), **figures(answers, given.targets, groups)}
    evaluation |= {
        "measure": measure.name,
        "overlap": _mean(quality),
        **_kept(answers, given, learned),
        "baselines": {},
    }
    if learned is not None and len(learned):
        places, _ = Nearest.fit(learned.sources).best(given.sources)
        baselines = {**baselines, "nearest training text": [learned.targets[int(i)] for i in places[:, 0]]}
    theirs = {}
    for name, own in baselines.items():
        theirs[name] = _quality(measure, own, given.targets)
        evaluation["baselines"][name] = {**figures(own, given.targets), "overlap": _mean(theirs[name])}
    if theirs:
        best = max(theirs, key=lambda name: float(theirs[name].mean()))
        error = f"1 - {measure.name}"
        evaluation["verdict"] = verdict(1 - quality, 1 - theirs[best], best, error, unit, groups).to_json()
    evaluation["distinct"] = len({*answers}) / max(1, len({*given.sources}))
    evaluation["exchanged"] = _exchanged(model, given)
    evaluation["by_length"] = _by_length(model, given.sources, quality)
    if learned is not None:
        evaluation["by_unseen"] = _by_unseen(given.sources, learned.sources, quality)
    evaluation["worst"] = [
        {"source": given.sources[i], "target": given.targets[i], "answer": answers[i], "overlap": float(quality[i])}
        for i in np.argsort(quality, kind="stable")[:WORST]
    ]
    evaluation["attention"] = _attention(model, given.sources)
    return evaluation


def _quality(measure: Measure, answers: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    return np.array([measure.of(*pair) for pair in zip(answers, targets, strict=True)])


def figures(answers: Sequence[str], targets: Sequence[str], groups: np.ndarray | None = None) -> dict[str, Json]:
    """BLEU with its signature, chrF and ROUGE, and the interval of BLEU where groups are given; nothing where the
    libraries for that are not installed."""
    try:
        found = text_scores(answers, targets, groups)
    except UserError as error:
        return {"unscored": str(error)}
    told: dict[str, Json] = {"bleu": found.bleu.value, "chrf": found.chrf.value}
    told |= {name: one.value for name, one in found.rouge.items()}
    if groups is not None:
        told |= {"bleu_low": found.bleu.low, "bleu_high": found.bleu.high}
        told["signature"] = f"BLEU {found.bleu.signature}; chrF {found.chrf.signature}"
    return told


def _kept(answers: Sequence[str], given: Pairs, learned: Pairs | None) -> dict[str, Json]:
    """What answers keep of numbers, names and addresses, and of words that are rare in what was learned."""
    found = {
        "names_from_source": kept_words.copied(answers, given.sources).to_json(),
        "names_kept": kept_words.carried_over(answers, given.sources, given.targets).to_json(),
    }
    if learned is not None:
        counts = kept_words.word_counts(learned.targets)
        found["rare_words"] = kept_words.rare_words(answers, given.targets, counts).to_json()
    return found


def evaluate_folder(
    schema: Schema[Any, Any, Any, Any],
    load: Callable[[Path], Running],
    measured: Callable[[Running, Pairs, Pairs | None], dict[str, Json]],
    directory: str | Path,
    data: str,
    encoding: str | None = None,
    read: Callable[[Any, Any, str], Pairs] | None = None,
) -> dict[str, Any]:
    """Score the model in a folder on pairs; of the file it was trained on only those that were kept apart. measured:
    scores a model on pairs beside those it learned. read: pairs by file, options and encoding; read_pairs where not
    given."""
    record = schema.read(directory)
    model, options, about = load(Path(directory)), record.options, record.data
    known = (about.source, about.target)
    place: Any = data if data == "-" else Path(data)

    def usual(file: Any, chosen: Any, by: str) -> Pairs:
        return read_pairs(file, chosen.source, chosen.target, by, known=known)

    read = read or usual
    given = read(place, options, encoding or options.encoding)
    learned: Pairs | None = None
    if about.file is not None and given.sha256 == about.sha256:
        if not options.holdout:
            raise UserError(f"{given.where}: the model learned from these pairs, all of them; give others")
        learned, given = given.split(options.holdout, options.seed + 1)
    elif isinstance(about.file, str) and about.file != "-":
        try:
            source = read(Path(about.file), options, options.encoding)
            learned = source.split(options.holdout, options.seed + 1)[0] if source.sha256 == about.sha256 else None
        except UserError:
            learned = None
    return {"data": str(data), **measured(model, given, learned)}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _exchanged(model: SequenceModel, given: Pairs) -> dict[str, Json] | None:
    """The loss with each text's own source, and with another's: a decoder that ignores its source does as well."""
    coded = [
        (model.asked(a).source, model.pieces.encode(b))
        for a, b in zip(given.sources[:_CONTROL], given.targets, strict=False)
    ]
    coded = [pair for pair in coded if len(pair[0]) and len(pair[1])]
    if len(coded) < 2:
        return None
    sources, targets = [pair[0] for pair in coded], [pair[1] for pair in coded]
    own, other = (losses(model, side, targets).sum(0) for side in (sources, [*sources[1:], sources[0]]))
    nats, exchanged = float(own[0] / own[1]), float(other[0] / other[1])
    ignores = exchanged < nats / (1 - _READS)
    does = "ignores" if ignores else "reads"
    told = (
        f"The model {does} its source: with another text's source its loss is {exchanged:.2f} nats a piece, with its "
    )
    told += f"own {nats:.2f}."
    return {"loss": nats, "exchanged": exchanged, "sentence": told}


def _by_length(model: SequenceModel, sources: Sequence[str], quality: np.ndarray) -> list[dict[str, Json]]:
    """The quality of answers to short and long sources, a quarter of the texts each."""
    lengths = np.array([len(model.pieces.encode(text)) for text in sources])
    found: list[dict[str, Json]] = []
    for some in np.array_split(np.argsort(lengths, kind="stable"), 4):
        if len(some):
            low, high = int(lengths[some].min()), int(lengths[some].max())
            found.append({"from": low, "to": high, "texts": len(some), "overlap": float(quality[some].mean())})
    return found


def _by_unseen(sources: Sequence[str], learned: Sequence[str], quality: np.ndarray) -> list[dict[str, Json]]:
    """The quality of answers to sources with so many different words that no source had in training."""
    known = kept_words.word_counts(learned)
    unseen = np.array([min(_UNSEEN, len(kept_words.word_counts([text]).keys() - known.keys())) for text in sources])
    return [
        {
            "words": count,
            "or_more": count == _UNSEEN,
            "texts": int((unseen == count).sum()),
            "overlap": float(quality[unseen == count].mean()),
        }
        for count in np.unique(unseen).tolist()
    ]


def _attention(model: SequenceModel, sources: Sequence[str]) -> list[dict[str, Json]]:
    """Where the model looked, word by word, for the first texts of some length."""
    found: list[dict[str, Json]] = []
    fitting = [text for text in sources if 4 <= len(text.split()) <= _DRAWN or " " not in text.strip()][:SHOWN]
    for text in fitting:
        looked = look(model, text)
        if looked is not None:
            found.append(looked)
    return found


def look(model: SequenceModel, text: str) -> dict[str, Json] | None:
    """The words of a source and of its answer, and the attention between them; None of a blank text."""
    text = text.strip()
    asked = model.asked(text)
    ids = asked.source
    if not len(ids):
        return None
    (answer, *_), *_ = model.search([asked], model.beam)
    said = model.pieces.decode(answer.ids)
    source, target = word_spans(text, ids, model.pieces), word_spans(said, answer.ids, model.pieces)
    shares = by_word(source, target, answer.shares[: len(answer.ids)])
    return {
        "source": [text[a:b] for a, b in source.places[:_DRAWN]],
        "target": [said[a:b] for a, b in target.places[:_DRAWN]],
        "shares": np.round(shares[:_DRAWN, :_DRAWN], 3).tolist(),
    }


def sureness(model: SequenceModel, given: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and quality (N,) of the answers to given texts."""
    sure, reached = [], []
    for one, target in zip(model.answer(given.sources, Wishes()), given.targets, strict=True):
        if one.outputs and one.outputs[0].sure is not None:
            sure.append(one.outputs[0].sure)
            reached.append(overlap(one.text, target))
    return np.array(sure), np.array(reached)
