"""Looking into a classifier: what an answer rests on, what its gates did, what more texts would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.labelled import read_texts
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.gates import GateOps, Seen
from throughtime.models.reader import Tokens, embed
from throughtime.tasks.classify import model as classifier

LONGEST = 400
"""Tokens of a text that an answer is attributed to; of a longer one the first so many."""


def explain(
    model: Any, text: str, target: str | None = None, methods: Sequence[str] = METHODS, reader: int = 0
) -> Explanation:
    """Why a classifier thinks of a text what it does, and what its gates did on the way.

    model: a TextClassifier, or a fitted Classifier. target: the class that is asked about, the answer where it is not
    given. methods: of attribution, the first is shown first. reader: which one is looked at, where a model has several;
    its first member is. Linear models that have a say besides are not looked at. Returns an Explanation. Raises
    UserError for a text of fewer than two tokens, a model of sentences or an unknown class. Needs torch and captum.
    """
    import torch

    from throughtime.models.ops_torch import TorchOps

    model = getattr(model, "model", model)
    one = model.readers.readers[reader]
    if one.config.above:
        raise UserError("explain: expected a model that reads a text as one, this one reads it sentence by sentence")
    tokens = one.splitter.split(text)[:LONGEST]
    if len(tokens) < 2:
        raise UserError(f"explain: expected a text of at least two tokens, got {len(tokens)}")
    own = {name: torch.tensor(value) for name, value in model.readers.own(reader, 0).items()}
    inputs = one.of_tokens([tokens]).inputs(np.arange(1))[0]
    given = Tokens(*[None if part is None else torch.from_numpy(part) for part in inputs])
    ops = TorchOps()

    def logarithms(x: Any) -> Any:
        """(N, P, I) to the log probabilities (N, C)."""
        lengths = torch.full((len(x),), x.shape[1])
        return torch.log_softmax(classifier.judge(ops, one.config, own, x.transpose(0, 1), lengths), -1)

    with torch.no_grad():
        x = embed(ops, one.config.reader, own, given)[:, 0]
        likely = logarithms(x[None])[0]
    answer = model.predict_probabilities([text])[0]
    if target is not None and target not in model.classes:
        raise UserError(f"explain: --target must be one of {', '.join(model.classes[:20])}, got {target!r}")
    wanted = int(answer.argmax()) if target is None else model.classes.index(target)
    # in place of a token that is not there: an unknown one, of which nothing is known
    blank = Tokens(torch.zeros_like(given.ids[:, :1]), torch.ones(1, dtype=torch.int64))
    if given.spelled is not None:
        offsets = torch.zeros(2, dtype=torch.int64)
        blank = blank._replace(spelled=torch.zeros(1, 1, dtype=torch.int64), pieces=given.pieces[:0], offsets=offsets)
    if given.values is not None:
        blank = blank._replace(values=torch.zeros_like(given.values[:1]))
    with torch.no_grad():
        neutral = embed(ops, one.config.reader, own, blank)[0].expand(len(tokens), -1)
    question = Question(lambda x: logarithms(x)[:, wanted : wanted + 1], x, neutral, signed=True)
    told = (
        f"{model.classes[wanted]!r} has a probability of {answer[wanted]:.1%}; to the recurrence that is looked at, "
        f"{float(likely[wanted].exp()):.1%}."
    )
    seen = see(model, reader, inputs)
    parts = _spaced(one.splitter.shown(tokens), text)
    found = explain_question("text", question, parts, told, seen, methods)
    return replace(found, statistics=[layer.statistics() for layer in seen], over=f"over {len(tokens)} tokens")


def see(model: Any, reader: int, inputs: Tokens) -> list[Seen]:
    """What the recurrences of a reader's first member do over one text: states and gates, (T, 1, N), by direction."""
    ops = GateOps()
    one = model.readers.readers[reader]
    classifier.forward(ops, one.config, model.readers.own(reader, 0), inputs)
    return ops.seen


def _spaced(tokens: Sequence[str], text: str) -> list[str]:
    """Tokens with the white space before them, where they stand in the text so."""
    found, at = [], 0
    for token in tokens:
        place = text.find(token, at)
        if place < 0:
            found.append(token)
            continue
        found.append(text[at:place] + token if not text[at:place].strip() else token)
        at = place + len(token)
    return found


def explained(directory: Path, data: str, options: Mapping[str, Any]) -> Explanation:
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


def amount(data: str, share: float, seed: int, options: Mapping[str, Any]) -> tuple[float, float]:
    """Learn from a share of the texts that are learned from, and score those kept apart: texts, error rate."""
    from throughtime.tasks.classify.estimator import Classifier
    from throughtime.tasks.classify.score import score
    from throughtime.tasks.classify.train import split

    if options.get("horizon") is not None:
        raise UserError("learning-curve: --horizon is for forecasts, these are labelled texts")
    learned, test = split(read_texts(data), 0.2, 0)
    assert test is not None
    count = round(share * len(learned))
    if count < 50 or len(test) < 50:
        raise UserError(
            f"learning-curve: {data}: {share:.3g} of it are {count} texts; give at least 50, and more points"
        )
    rows = np.sort(np.random.default_rng(seed).permutation(len(learned))[:count])
    fit = {name: options[name] for name in ("minutes", "steps") if options.get(name) is not None}
    own = {name: options[name] for name in ("cell", "hidden", "layers", "threads") if options.get(name) is not None}
    model = Classifier(seed=seed, **own).fit(learned.take(rows), **fit)
    assert model.model is not None
    found = score(model.model, test, model.config["classify"].get("fusion_without_recurrence", {}), None)
    return float(count), max(1 - found["accuracy"], 0.5 / len(test))
