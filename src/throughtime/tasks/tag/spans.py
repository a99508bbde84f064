"""Tokens and tags of texts whose spans are given by places of characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from throughtime.data.pieces import split_words
from throughtime.data.spans import Spanned, sound
from throughtime.errors import UserError
from throughtime.tasks.tag.found import Found


def tokens_of(rows: Sequence[Spanned], where: str, notes: Sequence[str] = ()) -> Found:
    """Tokens and BIO tags of texts with spans. A token that a span ends within is cut there, with a note."""
    found = Found(where, notes=list(notes))
    cut: list[int] = []
    intents = [one.intent for one in rows]
    for one in rows:
        place = f"{where}: row {one.row}"
        spans = sound(one, place)
        edges = {edge for start, end, _ in spans for edge in (start, end)}
        tokens, tags = [], []
        for _, start, end in split_words(one.text):
            borders = [start, *sorted(edge for edge in edges if start < edge < end), end]
            cut += [one.row] if len(borders) > 2 else []
            for low, high in pairwise(borders):
                span = next(((s, e, k) for s, e, k in spans if s <= low and high <= e), None)
                tokens.append(one.text[low:high])
                tags.append("O" if span is None else f"{'B' if span[0] == low else 'I'}-{span[2]}")
        found.tokens.append(tokens)
        found.tags.append(tags)
        found.texts.append(one.text)
        found.rows.append(one.row)
    if any(intents):
        if missing := [one.row for one in rows if one.intent is None]:
            raise UserError(f"{where}: row {missing[0]}: this text has no intent, others have; give each one or none")
        found.intents = [str(intent) for intent in intents]
    found.notes.append(f"spans by characters: {sum(len(one.spans) for one in rows):,} in {len(rows):,} texts")
    if cut:
        found.notes.append(
            f"{len(cut):,} word{'s' if len(cut) > 1 else ''} cut where a span ends inside, the first in row {cut[0]}"
        )
    return found
