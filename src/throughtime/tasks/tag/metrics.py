"""Spans that tags mark, and how many are found, counted as conlleval and seqeval's default mode do.

A span's score needs its type and both ends right. Tags are O, or B, I, E, S, alone or with "-" and a type: BIO, IOB1,
BIOES and mixtures. What no scheme allows, such as an I after an O, begins a span all the same.

Source: Tjong Kim Sang and Buchholz 2000, aclanthology.org/W00-0726, and its conlleval; seqeval 1.2.2, get_entities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from throughtime.errors import UserError

SCHEMES = ("bare",)
"""Besides None: in "bare" every tag but O is a type, and a run of the same tag is a span."""

Span = tuple[str, int, int]
"""Type, first and last token. "_" is the type of tags without one."""

_ENDS = {"BB", "BS", "BO", "IB", "IS", "IO"}
_STARTS = {"EE", "EI", "SE", "SI", "OE", "OI"}


def scheme_of(tags: Iterable[Sequence[str]]) -> str | None:
    """None where every tag is O or begins with B, I, E or S (and "-"), "bare" otherwise."""
    return None if all(_is_chunk(tag) for tag in {tag for sentence in tags for tag in sentence}) else "bare"


def spans(tags: Sequence[str], scheme: str | None = None) -> list[Span]:
    """The spans of a sentence, in order. scheme: None, or one of SCHEMES. Raises UserError for other tags."""
    if scheme is not None and scheme not in SCHEMES:
        raise UserError(f"tags: unknown scheme {scheme!r}: choose from None, {', '.join(SCHEMES)}")
    return list(_runs(tags) if scheme else _chunks(tags))


def span_scores(
    truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], scheme: str | None = None
) -> dict[str, Any]:
    """Precision, recall and F1 over all spans, 0 where nothing is there to divide by.

    Returns precision, recall, f1, support (spans in truth), and types: the same four for each type by its name.
    """
    _same_lengths("spans", truth, predicted)
    there: Counter[str] = Counter()
    said: Counter[str] = Counter()
    both: Counter[str] = Counter()
    for true, own in zip(truth, predicted, strict=True):
        wanted, found = set(spans(true, scheme)), set(spans(own, scheme))
        there.update(one[0] for one in wanted)
        said.update(one[0] for one in found)
        both.update(one[0] for one in wanted & found)
    types = {name: _scores(both[name], said[name], there[name]) for name in sorted(there.keys() | said.keys())}
    return {**_scores(both.total(), said.total(), there.total()), "types": types}


def tag_scores(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Of each tag precision, recall, f1 and support (tokens in truth): of tags that mark no spans."""
    _same_lengths("tags", truth, predicted)
    pairs = Counter(pair for true, own in zip(truth, predicted, strict=True) for pair in zip(true, own, strict=True))
    there: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for (one, other), count in pairs.items():
        there[one] += count
        said[other] += count
    return {name: _scores(pairs[name, name], said[name], there[name]) for name in sorted(there.keys() | said.keys())}


def slot_f1(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], scheme: str | None = None) -> float:
    """The F1 over all spans."""
    return float(span_scores(truth, predicted, scheme)["f1"])


def token_accuracy(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """The share of tokens with the right tag; 0 without a token."""
    _same_lengths("tags", truth, predicted)
    right = [a == b for one, other in zip(truth, predicted, strict=True) for a, b in zip(one, other, strict=True)]
    return sum(right) / max(1, len(right))


def sentence_accuracy(
    truth_tags: Sequence[Sequence[str]],
    predicted_tags: Sequence[Sequence[str]],
    truth_intents: Sequence[str] | None = None,
    predicted_intents: Sequence[str] | None = None,
) -> float:
    """The share of sentences with every tag right, and the intent where there are any; 0 without a sentence."""
    _same_lengths("sentences", truth_tags, predicted_tags)
    right = [list(one) == list(other) for one, other in zip(truth_tags, predicted_tags, strict=True)]
    if truth_intents is not None or predicted_intents is not None:
        intents = [list(one or ()) for one in (truth_intents, predicted_intents)]
        if {len(one) for one in intents} != {len(right)}:
            got = f"{len(intents[0])} and {len(intents[1])}"
            raise UserError(f"sentences: expected an intent for each of {len(right)} sentences, got {got}")
        right = [own and one == other for own, one, other in zip(right, *intents, strict=True)]
    return sum(right) / len(right) if right else 0.0


def _chunks(tags: Sequence[str]) -> Iterator[Span]:
    before, old, start = "O", "", 0
    for i, tag in enumerate([*tags, "O"]):
        if not _is_chunk(tag):
            raise UserError(
                f"tags: expected O, B-type, I-type, E-type or S-type, got {tag!r}; scheme 'bare' takes tags as they are"
            )
        part, kind = tag[0], tag[2:] or "_"
        other = old != kind
        if before in "ES" or before + part in _ENDS or (before != "O" and other):
            yield old, start, i - 1
        if part in "BS" or before + part in _STARTS or (part != "O" and other):
            start = i
        before, old = part, kind


def _runs(tags: Sequence[str]) -> Iterator[Span]:
    start = 0
    for i in range(1, len(tags) + 1):
        if i == len(tags) or tags[i] != tags[start]:
            if tags[start] != "O":
                yield tags[start], start, i - 1
            start = i


def _is_chunk(tag: str) -> bool:
    return tag == "O" or (tag[:1] in ("B", "I", "E", "S") and tag[1:2] in ("", "-"))


def _scores(both: int, said: int, there: int) -> dict[str, Any]:
    precision, recall = both / max(1, said), both / max(1, there)
    f1 = 2 * both / max(1, said + there)
    return {"precision": precision, "recall": recall, "f1": f1, "support": there}


def _same_lengths(what: str, truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> None:
    if len(truth) != len(predicted):
        raise UserError(f"{what}: expected as many predicted sentences as true ones, got {len(predicted)}")
    for i, (one, other) in enumerate(zip(truth, predicted, strict=True), 1):
        if len(one) != len(other):
            raise UserError(f"{what}: sentence {i} has {len(one)} tags, {len(other)} are predicted")
