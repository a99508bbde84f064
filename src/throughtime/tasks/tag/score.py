"""How good a tagger is, beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.data.spacing import places as found_places
from throughtime.data.splitter import given_back
from throughtime.data.tagged import Tagged, places_together, together
from throughtime.errors import UserError
from throughtime.linear import metrics as label_metrics
from throughtime.linear.ensemble import RECURRENCE
from throughtime.options import Json
from throughtime.tasks.reading.control import in_words, order_effect
from throughtime.tasks.reading.data import in_a_line, kept_apart, place_of
from throughtime.tasks.reading.verdicts import headline, recurrence_beside
from throughtime.tasks.tag import metrics as tag_metrics
from throughtime.tasks.tag.baselines import Baseline
from throughtime.tasks.tag.baselines import baselines as fit_baselines
from throughtime.tasks.tag.data import chosen, keys, read_tagged
from throughtime.tasks.tag.options import TaggerOptions
from throughtime.tasks.tag.stream import SCHEMA, Tagging, TokenTagger, load

MISTAKES = 20
"""The most confident mistakes that are kept to read."""

_CONTROL = 1000
"""Texts in which the order of the tokens is shuffled."""


def score(model: TokenTagger, given: Tagged, baselines: Mapping[str, Baseline]) -> dict[str, Any]:
    """Everything an evaluation says of tagged texts. baselines: name -> what has a `tag` (tasks/tag/baselines.py)."""
    taggings = list(model.tag(given.tokens))
    tags = [one.tags for one in taggings]
    groups = np.unique([" ".join(tokens) for tokens in given.tokens], return_inverse=True)[1]
    plain = tag_metrics.scheme_of([*given.tags, model.tags]) is not None
    evaluation: dict[str, Any] = {
        "texts": len(given),
        "tokens": sum(map(len, given.tokens)),
        **_figures(given.tags, tags, plain),
        "by_kind": tag_metrics.tag_scores(given.tags, tags) if plain else
        tag_metrics.span_scores(given.tags, tags)["types"],
        "baselines": {},
    }  # fmt: skip
    ours = _errors(given.tags, tags, plain)
    theirs = {}
    for name, one in baselines.items():
        answers = one.tag(given.tokens)
        theirs[name] = _errors(given.tags, answers, plain)
        found = _figures(given.tags, answers, plain)
        evaluation["baselines"][name] = {key: found[key] for key in ("slot_f1", "token_accuracy") if key in found}
    if theirs:
        key, loss = ("token_accuracy", "error rate of tokens") if plain else ("slot_f1", "1 - F1")
        best = max(theirs, key=lambda name: evaluation["baselines"][name][key])
        evaluation["verdict"] = verdict(ours, theirs[best], best, loss, "texts", groups).to_json()
    evaluation["from_text"] = _from_text(model, given, taggings, plain)
    intents = [one.intent or "" for one in taggings] if model.intents and given.intents else None
    wrong = np.zeros(len(given), bool)
    if intents is not None:
        wrong = np.array(intents) != np.array(given.intents)
        evaluation |= _intents(model, given, taggings)
        _beside(model, given, wrong, evaluation, groups)
        evaluation["recurrence"] = _recurrence(model, given, wrong, groups)
    judged = {"Tags" if plain else "Slots": evaluation.get("verdict")}
    if intents is not None:
        judged["Intents"] = evaluation.get("intent_verdict")
    evaluation["headline"] = headline(judged)
    whole = given.intents if intents is not None else None
    evaluation["sentence_accuracy"] = tag_metrics.sentence_accuracy(given.tags, tags, whole, intents)
    evaluation["shuffled"] = _control(model, given, tags, groups)
    evaluation["mistakes"] = _mistakes(given, taggings, ours[:, 0], wrong)
    return evaluation


def evaluate_folder(
    directory: str | Path,
    data: Any,
    encoding: str | None = None,
    seconds: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Score the model in a folder on tagged texts; what `throughtime evaluate` does. Needs no torch.

    Of the file it was trained on, only the texts that were kept apart are scored. Beside it stand the linear models of
    intents, and, where the file it was trained on still is, the baselines of tags. encoding: as in training where not
    given. seconds: how long the linear-chain CRF may take, as TaggerOptions has it where not given. say: told what goes
    on.
    """
    usual = TaggerOptions.option("seconds")
    seconds = usual.checked(TaggerOptions.who, usual.default if seconds is None else seconds)
    record = SCHEMA.read(directory)
    model, options, about = load(Path(directory)), record.options, record.data
    source = place_of(data)

    def read(place: Any) -> Tagged:
        return read_tagged(place, encoding or options.encoding, choices=chosen(options))

    given = read(source)
    notes, left = given.notes, list[str]()
    learned: Tagged | None = None
    if about.from_files and given.sha256 == about.sha256:
        if not options.holdout:
            raise UserError(f"{given.where}: the model learned from these texts, all of them; give others")
        learned, given = given.split(options.holdout, options.seed + 1)
    elif (whole := _still(about.origin, options)) is not None and whole.sha256 == about.sha256:
        learned, _ = whole.split(options.holdout, options.seed + 1)
        given, left = kept_apart(given, source, about, lambda _: whole, keys, options)
    validation = options.validation
    held = _still(Path(validation), options) if isinstance(validation, str) else None
    beside = {} if learned is None else fit_baselines(learned, held, seconds, options.seed, say)
    return {"data": in_a_line(data), "notes": [*notes, *left], **score(model, given, beside)}


def _still(source: Path | list[Path] | None, options: TaggerOptions) -> Tagged | None:
    """The tagged texts of files that training read; None where they are there no longer."""
    try:
        return None if source is None else read_tagged(source, options.encoding, choices=chosen(options))
    except UserError:
        return None


def _intents(model: TokenTagger, given: Tagged, taggings: Sequence[Tagging]) -> dict[str, Json]:
    """How far the probabilities of intents can be relied on, and which are taken for which."""
    shares = np.array([[one.intents.get(name, 0.0) for name in model.intents] for one in taggings])
    place = {name: i for i, name in enumerate(model.intents)}
    truth = np.array([place.get(name, -1) for name in given.intents])
    return {
        "intents": model.intents,
        "confusion": label_metrics.confusion(truth, shares.argmax(1), len(place)).tolist(),
        "calibration_error": label_metrics.calibration_error(shares, truth),
    }


def _beside(
    model: TokenTagger, given: Tagged, wrong: np.ndarray, evaluation: dict[str, Json], groups: np.ndarray
) -> None:
    """Add the intents' accuracy, beside the linear models. wrong: (N,) which intents are."""
    truth, names = np.array(given.intents), np.array(model.intents)
    evaluation["intent_accuracy"] = float(1 - wrong.mean())
    texts = [together(one) for one in given.tokens]
    errors = {}
    for name, one in model.linear.items():
        errors[name] = names[one.log_probabilities(texts).argmax(1)] != truth
        evaluation["baselines"].setdefault(name, {})["intent_accuracy"] = float(1 - errors[name].mean())
    if errors:
        best = min(errors, key=lambda name: errors[name].sum())
        losses = wrong.astype(np.float64), errors[best].astype(np.float64)
        evaluation["intent_verdict"] = verdict(*losses, best, "error rate of intents", "texts", groups).to_json()


def _recurrence(model: TokenTagger, given: Tagged, wrong: np.ndarray, groups: np.ndarray) -> dict[str, Json]:
    """What the recurrence knows of intents, beside the linear models. wrong: (N,) which intents are."""
    texts, place = [together(one) for one in given.tokens], {name: i for i, name in enumerate(model.intents)}
    truth = np.array([place.get(name, -1) for name in given.intents])
    parts = {name: one.log_probabilities(texts).astype(np.float64) for name, one in model.linear.items()}
    parts[RECURRENCE] = np.zeros((len(given), len(model.intents)))
    for rows, _, _, logits in model.scores(given.tokens):
        parts[RECURRENCE][rows] = logits
    return recurrence_beside(parts, truth, wrong.astype(np.float64), model.weights, model.linear_weights, groups)


def _figures(truth: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], plain: bool) -> dict[str, float]:
    """How much is right. plain: the tags mark no spans, and tokens alone are counted."""
    found = {}
    if not plain:
        slots = tag_metrics.span_scores(truth, answers)
        found = {"slot_f1": slots["f1"], "slot_precision": slots["precision"], "slot_recall": slots["recall"]}
    return {**found, "token_accuracy": _share(_tokens_right(truth, answers))}


def _from_text(model: TokenTagger, given: Tagged, taggings: Sequence[Tagging], plain: bool) -> dict[str, Any]:
    """What is right where the model is given texts and cuts them itself, as `run` does.

    Compared are spans, or tokens, by their characters. given_back: the share of texts whose tokens come back.
    """
    texts = given.written
    places = [placed(text, tokens) for text, tokens in zip(texts, given.tokens, strict=True)]
    splitter = model.readers.readers[0].splitter
    other = [n for n, same in enumerate(given_back(splitter, texts, given.tokens)) if not same]
    again = dict(zip(other, model.tag([texts[n] for n in other], sure=False), strict=True))
    wanted, answered = [], []
    for n, tagging in enumerate(taggings):
        own = again.get(n)
        wanted.append(_by_characters(given.tags[n], places[n], plain))
        found = (tagging.tags, places[n]) if own is None else (own.tags, own.places)
        answered.append(_by_characters(*found, plain))
    right = sum(len(one & two) for one, two in zip(wanted, answered, strict=True))
    there, said = sum(map(len, wanted)), sum(map(len, answered))
    share = 1 - len(other) / max(1, len(given))
    figure = {"token_accuracy": right / max(1, there)} if plain else {"slot_f1": 2 * right / max(1, there + said)}
    (name, value) = next(iter(figure.items()))
    what = "tokens right" if plain else "slot F1"
    sentence = f"Cut from plain text, {share:.1%} of the texts give their tokens back; {what} is then {value:.2%}."
    return {"given_back": share, name: value, "sentence": sentence}


def placed(text: str, tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Where tokens stand in a text; of tokens that are not all in it, as if it were they together."""
    found = found_places(text, tokens)
    return places_together(tokens) if found is None else found


def _by_characters(tags: Sequence[str], places: Sequence[tuple[int, int]], plain: bool) -> set[tuple[str, int, int]]:
    """Kind, first character and the one behind the last of each span, or of each token."""
    if plain:
        return {(tag, start, end) for tag, (start, end) in zip(tags, places, strict=True)}
    return {(kind, places[first][0], places[last][1]) for kind, first, last in tag_metrics.spans(tags)}


def _errors(truth: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], plain: bool) -> np.ndarray:
    """(N, 2), of each text the spans that are wrong or missing, and those plus twice the right ones; the first by the
    second, both summed, is 1 - F1. plain: the tokens with a wrong tag, and all."""
    if plain:
        counts = _tokens_right(truth, answers).astype(np.float64)
        return np.stack([counts[:, 1] - counts[:, 0], counts[:, 1]], 1)
    errors = []
    for one, other in zip(truth, answers, strict=True):
        right, answered = set(tag_metrics.spans(one)), set(tag_metrics.spans(other))
        errors.append((len(right ^ answered), len(right) + len(answered)))
    return np.array(errors, np.float64).reshape(-1, 2)


def _tokens_right(truth: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> np.ndarray:
    """(N, 2), of each text how many tokens have the right tag, and how many there are."""
    pairs = zip(truth, answers, strict=True)
    counts = [(sum(a == b for a, b in zip(one, other, strict=True)), len(one)) for one, other in pairs]
    return np.array(counts, np.int64).reshape(-1, 2)


def _share(counts: np.ndarray) -> float:
    right, there = counts.sum(0)
    return int(right) / max(1, int(there))


def _control(model: TokenTagger, given: Tagged, tags: Sequence[Sequence[str]], groups: np.ndarray) -> dict[str, Any]:
    """Texts whose tokens stand in a random order, each with its own tag still wanted: how many tokens are right."""
    rng = np.random.default_rng(0)
    rows = list(range(len(given)))
    if len(rows) > _CONTROL:
        rows = np.sort(rng.choice(len(given), _CONTROL, replace=False)).tolist()
    orders = [rng.permutation(len(given.tokens[row])) for row in rows]
    mixed = [[given.tokens[row][i] for i in order] for row, order in zip(rows, orders, strict=True)]
    wanted = [[given.tags[row][i] for i in order] for row, order in zip(rows, orders, strict=True)]
    ordered = _tokens_right([given.tags[row] for row in rows], [tags[row] for row in rows])
    shuffled = _tokens_right(wanted, model.predict(mixed)[0])
    effect = order_effect(ordered, shuffled, groups[rows])
    share, own = _share(shuffled), _share(ordered)
    told = (
        f"With the tokens of each text in a random order the model tags {share:.1%} of them right instead of {own:.1%}"
    )
    return {"token_accuracy": share, "texts": len(rows), **effect, "sentence": f"{told}: {in_words(effect)}"}


def _mistakes(
    given: Tagged, taggings: Sequence[Tagging], errors: np.ndarray, wrong: np.ndarray
) -> list[dict[str, Any]]:
    """The texts with a wrong tag or intent that the model is surest of."""
    rows = np.flatnonzero((errors > 0) | wrong)
    sure = np.array([min(taggings[row].sure, default=1.0) for row in rows.tolist()])
    chosen = [int(row) for row in rows[np.argsort(-sure, kind="stable")][:MISTAKES]]
    return [
        {
            "text": together(given.tokens[row]),
            "tags": given.tags[row],
            "answer": taggings[row].tags,
            "tokens": given.tokens[row],
            "intent": given.intents[row] if given.intents else None,
            "intent_answer": taggings[row].intent,
            "probability": float(min(taggings[row].sure, default=1.0)),
        }
        for row in chosen
    ]
