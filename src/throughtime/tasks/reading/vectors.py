"""The start of embeddings from pretrained word vectors.

A token of the vocabulary starts from the vector of how it is written in the texts, of several ways the most frequent
one that the file has, else from that of its lower case. All are scaled by one factor, so that their mean square is that
of the start they take the place of. The other tokens keep that start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping, Sequence

import numpy as np

from throughtime.data.columns import KINDS, Columns
from throughtime.data.vectors import WordVectors, read_vectors
from throughtime.errors import UserError
from throughtime.runtime.readers import Reader, prefix
from throughtime.tasks.reading.data import Vectors
from throughtime.tasks.reading.ensemble import Part
from throughtime.tasks.reading.options import ReaderOptions

WRITTEN = ("word", "token")
"""Columns whose entries are words or characters, as they are written or nearly so."""

NUMBERED = ("subwords", "tokenizer")
"""Units whose tokens are the ids of a tokenizer."""


def start_from_vectors(
    parameters: MutableMapping[str, np.ndarray],
    parts: Sequence[Part],
    tokens: Callable[[Reader], Iterable[Sequence[str]]],
    options: ReaderOptions,
) -> tuple[Vectors, str]:
    """Let the embeddings of the first columns start from the vectors that the options name.

    parameters: of all members as they would start without, changed in place. tokens: what a reader learns from, cut.
    Returns what the record keeps, and a note. Raises UserError where nothing has a vector.
    """
    assert options.vectors is not None
    parts_by_number = {
        r: part
        for r, part in enumerate(parts)
        if part.reader.columns.kinds[0] in WRITTEN and part.reader.splitter.kind not in NUMBERED
    }
    if not parts_by_number:
        raise UserError(
            f"{options.who}: vectors are of words or characters, and what is read first of each token is neither; "
            "leave --vectors out, or choose other units or columns"
        )
    forms = {r: forms_of(part.reader.columns, tokens(part.reader)) for r, part in parts_by_number.items()}
    file = read_vectors(options.vectors, {form for each in forms.values() for one in each for form in one})
    there = {
        r: [next((form for form in one if form in file.values), None) for one in each] for r, each in forms.items()
    }
    if not any(form is not None for each in there.values() for form in each):
        raise UserError(
            f"{options.vectors}: none of its {file.rows:,} words stands in the texts; give vectors of their language"
        )
    vocabulary, running = np.zeros(2), np.zeros(2)  # with a vector, and all
    for r, part in parts_by_number.items():
        known, counts = np.array([form is not None for form in there[r]], bool), part.counts[0]
        vocabulary += known.sum(), len(known)
        running += counts[1:][known].sum(), counts.sum()
        _put(parameters, r, part, [form for form in there[r] if form is not None], known, file, options)
    kept = Vectors(
        options.vectors,
        file.sha256,
        file.kind,
        file.rows,
        float(vocabulary[0] / vocabulary[1]),
        float(running[0] / running[1]),
    )
    units = {part.reader.splitter.kind for part in parts_by_number.values()}
    what = "words" if units <= {"words", "jieba"} else "characters" if units == {"characters"} else "tokens"
    note = (
        f"vectors: {options.vectors} ({file.kind}, {file.width:,} values) has {vocabulary[0]:,.0f} of "
        f"{vocabulary[1]:,.0f} {what} of the vocabulary ({kept.vocabulary:.1%}), {kept.running:.1%} of the running "
        f"{what}"
    )
    return kept, note + (f"; {file.cut:,} of its words end inside a character" if file.cut else "")


def forms_of(columns: Columns, tokens: Iterable[Sequence[str]]) -> list[list[str]]:
    """Of each entry of the first column the words to look for, the best first."""
    counts = Counter(token for text in tokens for token in text)
    written: dict[str, list[str]] = {}
    different = list(counts)
    for token, entry in zip(different, KINDS[columns.kinds[0]](different, []), strict=True):
        written.setdefault(entry, []).append(token)
    found = []
    for entry in columns.vocabularies[0]:
        forms = sorted(written.get(entry, []), key=lambda form: (-counts[form], form))
        found.append(list(dict.fromkeys([*forms, *[form.lower() for form in forms], entry])))
    return found


def _put(
    parameters: MutableMapping[str, np.ndarray],
    r: int,
    part: Part,
    forms: Sequence[str],
    known: np.ndarray,
    file: WordVectors,
    options: ReaderOptions,
) -> None:
    """The vectors of words into the tables of a reader's members. forms: of the entries that are known."""
    name, _, width = part.reader.config.reader.columns[0]
    if width != file.width:
        raise UserError(f"{options.vectors}: has changed, its vectors have {file.width:,} values; start again")
    if not forms:
        return
    table = np.stack([file.values[form] for form in forms]).astype(np.float64)
    size = np.sqrt(np.mean(table**2))
    if not size:
        raise UserError(f"{options.vectors}: the vectors of all words that stand in the texts are 0; give others")
    rows = 1 + np.flatnonzero(known)
    for m in range(options.ensemble_size):
        usual = parameters[prefix(r, m) + f"columns.{name}"]
        started = np.array(usual)
        started[rows] = table * (np.sqrt(np.mean(np.square(usual[1:], dtype=np.float64))) / size)
        parameters[prefix(r, m) + f"columns.{name}"] = started
