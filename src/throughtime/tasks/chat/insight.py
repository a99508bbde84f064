"""Looking into a model that chats: what writes replies as throughtime.tasks.sequence.insight does, and why a reply was
chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from throughtime.data.pairs import Pairs
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.gates import GateOps
from throughtime.insight.patients import refreshed
from throughtime.options import Json
from throughtime.tasks.chat.data import read, to_write, turns_of
from throughtime.tasks.chat.options import ChatOptions
from throughtime.tasks.chat.stream import SCHEMA, TextChat, load
from throughtime.tasks.choosing import model as arithmetic
from throughtime.tasks.choosing.chooser import RECURRENCE, Chooser
from throughtime.tasks.choosing.data import batch
from throughtime.tasks.sequence import insight
from throughtime.tasks.sequence.insight import METRIC, UNIT, SequencePatient, diagnose

__all__ = ["METRIC", "UNIT", "amount", "diagnose", "explain", "explained", "of_model", "patient"]


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> SequencePatient:
    """What writes replies in a folder, with the pairs it learned, or others. fresh: with newly drawn parameters."""

    def pairs(place: Any, options: ChatOptions) -> Pairs:
        return read(place, options.source, options.target, options.encoding, options.most_turns)

    found = insight.patient(SCHEMA, lambda folder: load(folder).writer("diagnose"), directory, data, pairs, to_write)
    return refreshed(found) if fresh else found


def of_model(model: Any, data: Any = None) -> SequencePatient:
    """What writes replies of a fitted model as a patient, on the pairs it was fitted on or on others."""
    return insight.of_model(model, data, model.fitted().writer("diagnose"), to_write)


def explain(model: Any, text: str, target: str | None = None, methods: Sequence[str] = METHODS) -> Explanation:
    """Why a model replies to a text as it does. A reply that is written: see throughtime.tasks.sequence.insight. One
    that is chosen: what each word does to the share that the reply has among all, through the recurrence; what TF-IDF
    and neighbours say is held as it is. target: then another of the answers."""
    if hasattr(model, "fitted"):
        model = model.fitted()
    chat: TextChat = getattr(model, "model", model)
    if chat.chooser is None:
        return insight.explain(chat.writer("explain"), chat.latest(text), target, methods)
    turns = turns_of(text)[-chat.turns :]
    if not turns:
        raise UserError("explain: expected something said, got nothing")
    chosen = chat.chooser.choose(turns)
    if chat.generator is not None and not chosen.known and target not in chat.chooser.answers:
        return insight.explain(chat.generator, chat.latest(text), target, methods)
    return _choice(chat.chooser, turns, target or chosen.text, methods)


def _choice(chooser: Chooser, turns: Sequence[str], answer: str, methods: Sequence[str]) -> Explanation:
    """Why an answer is chosen, by the words of what was said."""
    import torch

    from throughtime.models.ops_torch import TorchOps

    if answer not in chooser.answers:
        raise UserError(f"explain: --target must be one of the {len(chooser.answers):,} answers, got {answer[:80]!r}")
    encoders, ops, place = chooser.encoders, TorchOps(), chooser.answers.index(answer)
    ids, ago, lengths = batch(encoders.vocabulary.contexts([turns]))
    if len(ids) < 2:
        raise UserError(f"explain: expected at least two words, got {len(ids)}")
    values = {name: torch.tensor(value) for name, value in encoders.parameters.items()}
    parts, _ = chooser.parts(turns)
    weight = chooser.weights[RECURRENCE] * encoders.scale
    rest = torch.tensor(chooser.scores({**parts, RECURRENCE: 0.0 * parts[RECURRENCE]}))
    vectors = torch.tensor(chooser.vectors)

    def logarithm(x: Any) -> Any:
        whole = torch.full((len(x),), x.shape[1])
        said = arithmetic.encode(ops, encoders.config, values, "context", x.transpose(0, 1), whole)
        return torch.log_softmax(rest + weight * (said @ vectors.T), -1)[:, place, None]

    with torch.no_grad():
        x = arithmetic.embed(ops, values, torch.from_numpy(ids), torch.from_numpy(ago))[:, 0]
        share = float(logarithm(x[None])[0, 0].exp())
    question = Question(logarithm, x, x.mean(0, keepdim=True).expand(len(x), -1), signed=True)
    looking = GateOps()
    arithmetic.forward(looking, encoders.config, encoders.parameters, "context", ids, ago, lengths)
    shown = encoders.vocabulary.shown(turns)
    told = f"{answer[:200]!r} has {share:.1%} of what all {len(chooser.answers):,} answers share; words weigh here "
    told += "through the recurrence, what TF-IDF and neighbours say is held as it is."
    return explain_question("text", question, shown, told, looking.seen, methods)


def explained(directory: Path, data: str, options: Mapping[str, Json]) -> Explanation:
    """What `throughtime explain` does for a model's folder. data: the text, - for standard input."""
    return insight.explained(load(directory), data, options, explain)


def amount(data: Path | list[Path], share: float, seed: int, options: Mapping[str, Json]) -> tuple[float, float]:
    """Learn from a share of the pairs, and score those kept apart: pairs, 1 - chrF."""
    from throughtime.tasks.chat.estimator import Chat

    usual = ChatOptions()
    return insight.amount(
        Chat, data, share, seed, options, lambda file: read(file, None, None, usual.encoding, usual.most_turns)
    )
