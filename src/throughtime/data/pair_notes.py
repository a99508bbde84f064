"""What is worth telling of pairs before anything learns them: sides that are equal, swapped, moved apart or do not fit,
and texts that stand in two parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from throughtime.data.alignment import first_break
from throughtime.data.label_notes import counted, text_key
from throughtime.data.languages import likeness, resemblance
from throughtime.errors import UserError

if TYPE_CHECKING:
    from throughtime.data.pairs import Pairs

_SPREADS, _FOLD = 6.0, 4.0
"""How many standard deviations, and how many times, a pair's ratio of lengths is from the usual one where it does not
fit."""

_MANY = 20
"""Pairs from which anything is said of their lengths or languages."""

_SHOWN = 40

_SAME = 0.9
"""The share of pairs with equal sides from which no pairs were meant; of corrections, most are equal."""

_ENOUGH = 12.0
"""Nats that must speak for a place, where it is known that lines are missing."""


def look(pairs: Pairs) -> list[str]:
    """Notes on pairs with both sides; UserError where they cannot be meant so: most sides equal, languages swapped,
    lines moved apart."""
    if not pairs.targets:
        return []
    notes = _equal(pairs)
    _check_languages(pairs)
    _check_order(pairs)
    return notes + _lengths(pairs)


def _equal(pairs: Pairs) -> list[str]:
    same = [i for i in range(len(pairs)) if pairs.sources[i] == pairs.targets[i]]
    if len(same) > _SAME * len(pairs):
        raise UserError(
            f"{pairs.where}: both sides are the same text in {len(same):,} of {counted(len(pairs), 'pair')}; name "
            "other columns or files"
        )
    if not same:
        return []
    verb = "has" if len(same) == 1 else "have"
    return [
        f"{counted(len(same), 'pair')} {verb} the same text on both sides, the first in row {_row(pairs, same[0]):,}"
    ]


def _check_languages(pairs: Pairs) -> None:
    """UserError where both names are those of languages and the texts are in the other one."""
    names = pairs.columns
    if len(pairs) < _MANY or None in names:
        return
    own, crossed = [], []
    for name, texts, others in zip(names, (pairs.sources, pairs.targets), (pairs.targets, pairs.sources), strict=True):
        straight, other = likeness(str(name), texts), likeness(str(name), others)
        if straight is not None and other is not None:
            own.append(straight)
            crossed.append(other)
    if own and all(b > 0.05 and b > 3 * a for a, b in zip(own, crossed, strict=True)):
        raise UserError(
            f"{pairs.where}: the languages are swapped: what is named {names[0]} reads like {names[1]} and the other "
            f"way round, such as row {_row(pairs, 0):,}: {_short(pairs.sources[0])} beside {_short(pairs.targets[0])}"
        )


def _check_order(pairs: Pairs) -> None:
    found = None if pairs.groups else first_break(pairs.sources, pairs.targets)
    if found is not None:
        at = min(found.at, len(pairs) - 1)
        raise UserError(
            f"{pairs.where}: the sides stop matching at about row {_row(pairs, at):,}: from there on targets fit "
            f"sources {counted(abs(found.shift), 'row')} {'before' if found.shift > 0 else 'after'} them, such as "
            f"{_short(pairs.sources[at])} beside {_short(pairs.targets[at])}; put in what is missing"
        )


def place_of_break(sources: Sequence[str], targets: Sequence[str]) -> str:
    """Where lines of sides of different lengths stop matching, in words; nothing where that cannot be told."""
    found = first_break(sources, targets, _ENOUGH)
    if found is None:
        return ""
    at = min(found.at, len(sources) - 1, len(targets) - 1)
    return f"; they stop matching at about line {at + 1:,}: {_short(sources[at])} beside {_short(targets[at])}"


def _lengths(pairs: Pairs) -> list[str]:
    """A note on pairs of which one side is far too long or short for the other."""
    if len(pairs) < _MANY:
        return []
    sizes = np.array([[len(a), len(b)] for a, b in zip(pairs.sources, pairs.targets, strict=True)], float)
    ratios = np.log((sizes[:, 1] + 2) / (sizes[:, 0] + 2))
    apart = np.abs(ratios - np.median(ratios))
    odd = np.flatnonzero(apart > max(_SPREADS * 1.4826 * float(np.median(apart)), np.log(_FOLD)))
    if not len(odd):
        return []
    worst = int(odd[apart[odd].argmax()])
    verb = "has" if len(odd) == 1 else "have"
    return [
        f"{counted(len(odd), 'pair')} {verb} lengths that hardly fit, the worst in row {_row(pairs, worst):,}: "
        f"{int(sizes[worst, 0]):,} characters beside {int(sizes[worst, 1]):,}; they may not belong together"
    ]


def check_parts(train: Pairs, test: Pairs) -> list[str]:
    """Notes on what stands in training and in what is scored; UserError where that has its sides swapped."""
    if train.targets and test.targets and min(len(train), len(test)) >= _MANY:
        straight = resemblance(train.sources, test.sources) + resemblance(train.targets, test.targets)
        crossed = resemblance(train.sources, test.targets) + resemblance(train.targets, test.sources)
        if crossed > straight + 0.1 and crossed > 1.1 * straight:
            raise UserError(
                f"{test.where}: its sides are swapped: its sources read like the targets of {train.where}, and the "
                "other way round"
            )
    known = {text_key(text) for text in train.sources}
    seen = [i for i, text in enumerate(test.sources) if text_key(text) in known]
    if not seen:
        return []
    answers = {(text_key(a), text_key(b)) for a, b in zip(train.sources, train.targets, strict=True)}
    same = sum((text_key(test.sources[i]), text_key(test.targets[i])) in answers for i in seen) if test.targets else 0
    also = f", {same:,} of them with the same target" if same else ""
    verb = "stands" if len(seen) == 1 else "stand"
    return [
        f"{len(seen):,} of {counted(len(test), 'source')} that are scored {verb} in training as well{also}; look at "
        f"the score on the other {len(test) - len(seen):,} too"
    ]


def _row(pairs: Pairs, i: int) -> int:
    return pairs.rows[i] if pairs.rows else i


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
