"""How good replies are, how often the right one is known among ten, and how often none is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.data.pairs import Pairs
from throughtime.linear.nearest import Nearest
from throughtime.tasks.chat.data import apart, read
from throughtime.tasks.chat.options import CHOOSE, ChatOptions
from throughtime.tasks.chat.stream import SCHEMA, Generator, TextChat, load
from throughtime.tasks.choosing.chooser import Chooser
from throughtime.tasks.choosing.learn import among_others, asked_otherwise
from throughtime.tasks.sequence.losses import losses
from throughtime.tasks.sequence.quality import overlap
from throughtime.tasks.sequence.score import MEASURES as EVERY
from throughtime.tasks.sequence.score import WORST, figures
from throughtime.tasks.sequence.score import evaluate_folder as evaluate_any
from throughtime.tasks.sequence.score import score as score_any

MEASURES = {"among_ten": "right one among ten, %", **{name: EVERY[name] for name in ("chrf", "bleu")}}
"""What is shown of replies, and what it is called."""

TEN, _ASKED = 10, 200
"""Replies to choose among, and how often that is asked."""

_AGAIN = 300
"""Questions of training that are asked in other words, at most."""

_FEWEST = 5
"""Questions of which a share is told."""

TFIDF = "TF-IDF"


def score(model: TextChat, given: Pairs, learned: Pairs | None) -> dict[str, Any]:
    """Everything an evaluation says of pairs. learned: what baselines know, None for nothing."""
    scored = _without(model, given, learned)
    answers = list(scored.answer(given.sources))
    texts = [one.outputs[0].text if one.outputs else "" for one in answers]
    refused = np.array([bool(one.why) for one in answers], bool)
    known = None if learned is None else _read_to_write(model, learned)
    if model.generator is not None and model.mode != CHOOSE:
        found = score_any(model.generator, _read_to_write(model, given), known, {}, "replies", said=texts)
    else:
        found = _chosen(texts, _read_to_write(model, given), known)
    found |= {"mode": model.mode, "refused": float(refused.mean()) if len(refused) else 0.0}
    _among(found, scored, given, learned)
    sentences = [f"{found['refused']:.1%} of what is said is answered with not knowing."]
    if model.mode == CHOOSE and model.chooser is not None and not given.groups:
        sentences += _known(found, model.chooser, scored.chooser, given, learned, refused)
    return {**found, "sentences": sentences}


def _read_to_write(model: TextChat, pairs: Pairs) -> Pairs:
    """Pairs with as much of what was said as a written reply rests on."""
    return replace(pairs, sources=[model.latest(text) for text in pairs.sources])


def _without(model: TextChat, given: Pairs, learned: Pairs | None) -> TextChat:
    """The model without what is scored: its answers are those of what was learned alone."""
    if model.chooser is None or learned is None or not len(learned):
        return model
    others = among_others(model.chooser, apart(learned), learned.targets)
    return TextChat(
        model.config, model.parameters, model.generator, others, model.decided, model.mode, model.turns, model.written
    )


def _chosen(texts: Sequence[str], given: Pairs, learned: Pairs | None) -> dict[str, Any]:
    """Of chosen replies what is said of written ones, as far as there is such a thing."""
    quality = np.array([overlap(*pair) for pair in zip(texts, given.targets, strict=True)])
    groups = np.unique(given.near().groups, return_inverse=True)[1]
    found: dict[str, Any] = {"texts": len(given), **figures(texts, given.targets, groups)}
    found |= {"overlap": float(quality.mean()) if len(quality) else 0.0, "baselines": {}}
    if learned is not None and len(learned):
        places, _ = Nearest.fit(learned.sources).best(given.sources)
        nearest = [learned.targets[int(i)] for i in places[:, 0]]
        theirs = np.array([overlap(*pair) for pair in zip(nearest, given.targets, strict=True)])
        name = "nearest training text"
        found["baselines"][name] = {**figures(nearest, given.targets), "overlap": float(theirs.mean())}
        found["verdict"] = verdict(1 - quality, 1 - theirs, name, "1 - chrF", "replies", groups).to_json()
    found["distinct"] = len({*texts}) / max(1, len({*given.sources}))
    found["worst"] = [
        {"source": given.sources[i], "target": given.targets[i], "answer": texts[i], "overlap": float(quality[i])}
        for i in np.argsort(quality, kind="stable")[:WORST]
    ]
    return found


def _among(found: dict[str, Any], model: TextChat, given: Pairs, learned: Pairs | None) -> None:
    """How often the right reply is found among ten: by the model, and by TF-IDF."""
    rows = drawn(given)
    if not len(rows):
        return
    fits = None
    if model.mode == CHOOSE and model.chooser is not None and learned is not None and len(learned):
        fits = _chooser_fits(among_others(model.chooser, apart(learned), given.targets), given, rows)
    elif model.mode != CHOOSE and model.generator is not None:
        fits = written_fits(model.generator, _read_to_write(model, given), rows)
    if fits is None:
        return
    hits = _right(fits)
    found["among_ten"] = 100 * float(hits.mean())
    if learned is None or not len(learned):
        return
    theirs = _right(_tfidf_fits(given, learned, rows))
    found["baselines"][TFIDF] = {"among_ten": 100 * float(theirs.mean())}
    groups = np.array(given.groups or range(len(given)))[rows[:, 0]]
    if model.mode == CHOOSE:
        found["verdict"] = verdict(1.0 - hits, 1.0 - theirs, TFIDF, "error rate", "replies among ten", groups).to_json()


def drawn(given: Pairs, seed: int = 0) -> np.ndarray:
    """(N, 10) numbers of replies: the right one, then nine of other conversations that are other texts; none where
    there are too few."""
    rng, groups = np.random.default_rng(seed), np.array(given.groups or range(len(given)))
    asked: list[list[int]] = []
    for i in rng.permutation(len(given))[:_ASKED]:
        others = [int(one) for one in np.flatnonzero(groups != groups[i]) if given.targets[one] != given.targets[i]]
        if len(others) >= TEN - 1 and given.sources[i].strip():
            asked.append([int(i), *(int(one) for one in rng.choice(others, TEN - 1, replace=False))])
    return np.array(asked, np.int64).reshape(-1, TEN)


def _right(fits: np.ndarray) -> np.ndarray:
    """(N,) whether the first of the candidates (N, C) fits best, alone."""
    best: np.ndarray = np.asarray((fits[:, 1:] < fits[:, :1]).all(1))
    return best


def written_fits(model: Generator, given: Pairs, rows: np.ndarray) -> np.ndarray | None:
    """(N, C) how likely the model finds candidates, piece by piece; None where a source has no pieces."""
    coded = [model.pieces.encode(text) for text in given.targets]
    cuts = [model.cut(given.sources[row[0]]).parts for row in rows]
    if not all(cuts):
        return None
    nats = losses(model, [cut[0][1] for cut in cuts for _ in range(TEN)], [coded[one] for row in rows for one in row])
    found: np.ndarray = -(nats[:, 0] / nats[:, 1]).reshape(len(rows), TEN)
    return found


def _chooser_fits(chooser: Chooser, given: Pairs, rows: np.ndarray) -> np.ndarray:
    """(N, C) what a chooser among the given replies says of candidates."""
    places = {text: i for i, text in enumerate(chooser.answers)}
    of, asked = np.array([places[text] for text in given.targets]), apart(given)
    return np.stack([chooser.scores(chooser.parts(asked.context(row[0]))[0])[of[row]] for row in rows])


def _tfidf_fits(given: Pairs, learned: Pairs, rows: np.ndarray) -> np.ndarray:
    """(N, C) how near candidates are to what was said, all turns of it."""
    index = Nearest.fit(given.targets, like=Nearest.fit([*learned.sources, *learned.targets]))
    near = index.similarities([given.sources[row[0]].replace("\n", " ") for row in rows])
    return np.stack([one[row] for one, row in zip(near, rows, strict=True)])


def _known(
    found: dict[str, Any],
    chooser: Chooser,
    without: Chooser | None,
    given: Pairs,
    learned: Pairs | None,
    refused: np.ndarray,
) -> list[str]:
    """Whether a chooser knows its own questions asked in other words, and does not know foreign ones; in sentences."""
    said: list[str] = []
    known = {*(without or chooser).answers}
    foreign = np.array([text not in known for text in given.targets], bool)
    if learned is not None and foreign.sum() >= _FEWEST:
        found["foreign_refused"] = float(refused[foreign].mean())
        said.append(f"Of {foreign.sum():,} questions without an answer it refuses {found['foreign_refused']:.1%}.")
    if learned is None or len(learned) < _FEWEST:
        return said
    rng = np.random.default_rng(1)
    rows = rng.permutation(len(learned))[:_AGAIN]
    asked = [chooser.choose([asked_otherwise(learned.sources[i], rng)]) for i in rows]
    right = np.array([one.text == learned.targets[i] for one, i in zip(asked, rows, strict=True)])
    lost = np.array([not one.known for one in asked])[right]
    found["asked_otherwise"] = {"questions": len(rows), "right": float(right.mean())}
    told = f"Of {len(rows):,} own questions, three words in ten left out, it finds the answer of {right.mean():.1%}"
    if len(lost):
        found["asked_otherwise"]["lost"] = float(lost.mean())
        told += f", and says of {lost.mean():.1%} of those that it does not know"
    return [*said, told + "."]


def evaluate_folder(directory: str | Path, data: str, encoding: str | None = None) -> dict[str, Any]:
    """Score the model in a folder on conversations; what `throughtime evaluate` does. Needs no torch."""
    return evaluate_any(SCHEMA, load, score, directory, data, encoding, _read)


def _read(place: Any, options: ChatOptions, encoding: str) -> Pairs:
    return read(place, options.source, options.target, encoding, options.most_turns)
