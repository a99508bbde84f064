"""How well a language model predicts a text, next to the simple baselines. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.ngram import baselines
from throughtime.baselines.verdict import verdict
from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps, nats
from throughtime.options import Json
from throughtime.storage.environment import cores
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.model import LanguageConfig, State, forward
from throughtime.tasks.text.stream import SCHEMA, load

_LOGITS = 4_000_000
"""Values of logits held at once."""

_STRETCHES, _SHORTEST, _LONGEST = 40, 20, 500
"""Stretches of a text that is scored, in each of which tokens are hard or easy together; tokens that one has."""

NOTHING = 1e-3
"""Nats that leave nothing to be better at."""


def log_probabilities(
    config: LanguageConfig, parameters: Mapping[str, np.ndarray], ids: np.ndarray, threads: int = 1
) -> np.ndarray:
    """ln p of ids[1:] by the recurrence, (N - 1,) float32, each predicted from all before it, with the state carried
    from chunk to chunk."""
    ops = NumpyOps(threads)
    chunk = max(64, min(4096, _LOGITS // config.vocabulary))
    state: State | None = None
    found: list[np.ndarray] = []
    for first in range(0, len(ids) - 1, chunk):
        tokens = ids[first : first + chunk + 1, None]
        logits, state = forward(ops, config, parameters, tokens[:-1], state)
        found.append(-nats(ops, logits, tokens[1:]).reshape(-1))
    return np.concatenate(found)


def score(config: LanguageConfig, parameters: Mapping[str, np.ndarray], ids: np.ndarray, threads: int = 1) -> float:
    """Sum of -ln p over ids[1:] by the recurrence."""
    return -float(log_probabilities(config, parameters, ids, threads).sum(dtype=np.float64))


def nats_of(model: Any, ids: np.ndarray, threads: int = 1) -> tuple[float, float]:
    """Sum of -ln p over ids[1:] by a TextModel, and by its recurrence alone."""
    both, alone = _log_p(model, ids, threads)
    return _nats(both), _nats(alone)


def _log_p(model: Any, ids: np.ndarray, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """ln p of ids[1:] by a TextModel, and by its recurrence alone."""
    alone = log_probabilities(model.config, model.parameters, ids, threads)
    return alone if model.ngram is None else model.ngram.together(alone, ids), alone


def _nats(log_p: np.ndarray) -> float:
    return -float(log_p.sum(dtype=np.float64))


def evaluate(
    model: Any,
    text: Text,
    part: str | None = None,
    training: Text | None = None,
    threads: int | None = None,
    ignore_unknown: bool = False,
) -> dict[str, Any]:
    """The model's figures on a part of a text, and the baselines'.

    model: a TextModel. training: the text it was trained on; None if that is not at hand, which leaves only the
    uniform baseline. part: "train", "validation", "test" (the default for the text the model was trained on), or
    "all" (the default for another text, which has no other part). threads: None for every core.

    The first token of a part is predicted from the one before it; where there is none it is not predicted and not
    counted. Returns nats_per_character, bits_per_character, nats_per_token, perplexity (per token), baselines,
    characters, tokens and part; with bytes as tokens also nats_per_byte and bits_per_byte; where the vocabulary is
    limited unknown_tokens, a share: they are easy to predict and make the other figures look better than they are;
    where an n-gram model joins in the figures of `recurrence`; beside more than the uniform baseline a verdict, over
    stretches of the text.
    ignore_unknown: leave characters of another text out that the model does not know, a share unknown_characters.
    """
    same = training is not None and training.sha256 == text.sha256
    if same:
        assert training is not None
        text = training
    elif part not in (None, "all"):
        raise UserError(f"part {part!r}: only the text the model was trained on has it; leave the part out")
    part = part or ("test" if same and text.part("test") else "all")
    tokenizer, left_out = model.tokenizer, None
    if ignore_unknown and not same:
        known = tokenizers.known_part(tokenizer, text.text)
        left_out, text = 1 - len(known) / max(1, len(text.text)), replace(text, text=known)
    own, before = text.ids(part, tokenizer), text.before(part, tokenizer)
    ids = np.concatenate([before, own])
    if len(ids) < 2:
        who, has = text.file or "evaluate", f"{len(own)} token{'s' * (len(own) != 1)}"
        raise UserError(f"{who}: the part {part!r} has {has}, expected at least 2; use a longer text")
    tokens = len(ids) - 1
    characters = len(text.part(part)) - (0 if len(before) else len(tokenizer.decode(own[:1])))
    both, recurrence = _log_p(model, ids, threads or cores())
    total, alone = _nats(both), _nats(recurrence)
    result = {"part": part, "characters": characters, "tokens": tokens, **figures(total / tokens, tokens, characters)}
    if tokenizer.kind == "bytes":
        result |= {"nats_per_byte": total / tokens, "bits_per_byte": total / tokens / math.log(2)}
    if model.ngram is not None:
        result["recurrence"] = figures(alone / tokens, tokens, characters)
    if left_out is not None:
        result["unknown_characters"] = left_out
    unknown = tokenizers.unknown_ids(tokenizer)
    if unknown:
        result["unknown_tokens"] = float(np.isin(ids[1:], unknown).mean())
    each: dict[str, np.ndarray] = {}
    rows = _baselines(model, text, part, training, own, each)
    result["baselines"] = {
        name: {**row, **figures(row["nats_per_token"], tokens, characters)} for name, row in rows.items()
    }
    if each:
        result["verdict"] = _verdict(both, each, {name: label_of(name, rows[name]) for name in each})
    return result


def _verdict(ours: np.ndarray, theirs: Mapping[str, np.ndarray], labels: Mapping[str, str]) -> dict[str, Json]:
    """Against the best of the baselines that learned, from ln p of the same tokens: as baselines.verdict has it."""
    name = max(theirs, key=lambda one: float(theirs[one].mean()))
    pair, label = (_stretches(ours), _stretches(theirs[name][-len(ours) :])), f"the {labels[name]} model"
    return verdict(*pair, label, "the loss", "stretches of text", negligible=NOTHING).to_json()


def label_of(name: str, row: Mapping[str, Any]) -> str:
    """What a baseline is called."""
    order = row.get("order")
    return f"{order}-gram" if name == "ngram" and order else name.replace("_", " ")


def _stretches(log_p: np.ndarray) -> np.ndarray:
    """(S, 2): nats and tokens of each stretch of a text, from ln p (N,) of its tokens."""
    size = min(_LONGEST, max(_SHORTEST, -(-len(log_p) // _STRETCHES)))
    firsts = np.arange(0, len(log_p), size)
    counts = np.diff([*firsts, len(log_p)])
    return np.stack([-np.add.reduceat(log_p, firsts, dtype=np.float64), counts], 1)


def figures(nats_per_token: float, tokens: int, characters: int) -> dict[str, float]:
    """The same loss in every unit."""
    nats_per_character = nats_per_token * tokens / max(1, characters)
    return {
        "nats_per_character": nats_per_character,
        "bits_per_character": nats_per_character / math.log(2),
        "nats_per_token": nats_per_token,
        "perplexity": math.exp(min(700.0, nats_per_token)),
    }


def _baselines(
    model: Any, text: Text, part: str, training: Text | None, own: np.ndarray, each: dict[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Uniform always; unigram and n-gram only where they have not seen what they are scored on. each: takes their ln p
    of each token."""
    uniform = {"uniform": {"nats_per_token": math.log(model.config.vocabulary)}}
    same = training is not None and training.sha256 == text.sha256
    if training is None or (same and part in ("train", "all")):
        return uniform
    train = training.compact("train", model.tokenizer)
    validation = training.ids("validation", model.tokenizer)
    if same and part == "validation":
        validation = validation[:0]
    if not len(train) or not len(own):
        return uniform
    return baselines(train, validation, own, model.config.vocabulary, each)


def evaluate_folder(
    directory: str | Path,
    file: str | Path | Sequence[str | Path],
    part: str | None = None,
    encoding: str = "utf-8",
    ignore_unknown: bool = False,
) -> dict[str, Any]:
    """Score the model in a folder on a file; what `throughtime evaluate` does. Needs no torch.

    The test part is scored where the file is the one the model was trained on, else all of it. For another file
    the unigram and n-gram baselines need the training file, where it still is.
    """
    record = SCHEMA.read(directory)
    model, options = load(Path(directory)), record.options
    files = [file] if isinstance(file, str | Path) else list(file)
    source: Any = [Path(one) for one in files] if len(files) > 1 or str(files[0]) != "-" else "-"
    text = Text.of(source, encoding, form=record.data.form)
    threads = None if options.threads is None else min(options.threads, cores())
    if text.sha256 == record.data.sha256:
        blocks = options.validation_blocks or 1
        cut = replace(text, validation=options.validation, holdout=options.holdout, blocks=blocks)
        learned: Text | None = replace(cut, edges=record.data.edges)
    else:
        learned = record.data.still(options)
    return {"file": ", ".join(map(str, files)), **evaluate(model, text, part, learned, threads, ignore_unknown)}
