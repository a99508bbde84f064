"""Sentences with a tag for each token, and perhaps an intent, with a line for whatever is wrong in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data import tag_schemes
from throughtime.data.composing import composed
from throughtime.data.label_notes import imbalance, never_seen
from throughtime.data.spans import spanned
from throughtime.data.table import read_table
from throughtime.data.tagged import Tagged
from throughtime.data.text import check_text
from throughtime.errors import UserError
from throughtime.tasks.reading.data import Parts, TextsData, parts_of
from throughtime.tasks.reading.lengths import cut_in_words, longest
from throughtime.tasks.tag import sources, spans
from throughtime.tasks.tag.found import INTENTS, TAGS, TOKENS, Choices, Found
from throughtime.tasks.tag.options import TaggerOptions

LANGUAGES = ("auto", "en", "zh")

_SPAN = re.compile(r"[BIES]-.+")


@dataclass(frozen=True)
class TaggedData(TextsData):
    """What config.json keeps of tagged texts. scheme: as Tagged has it. given_back: the share of texts whose tokens
    come back where the text is cut. form: "NFC" where they were composed so; models of an earlier version read them as
    they were."""

    scheme: str = "BIO"
    given_back: float | None = None
    form: str = ""


def tagged(tokens: Any, tags: Any = None, intents: Any = None, options: TaggerOptions | None = None) -> Tagged:
    """Tagged texts, from themselves, from lists, or from what read_tagged takes."""
    if isinstance(tokens, Tagged):
        return tokens
    options = options or TaggerOptions()
    if tags is not None:
        tokens = (tokens, tags) if intents is None else (tokens, tags, intents)
    return read_tagged(tokens, options.encoding, choices=chosen(options))


def chosen(options: TaggerOptions) -> Choices:
    """What options say of a source."""
    return Choices(options.token_column, options.tag_column, options.tag_names)


def parts(source: Any, given: Tagged, beside: Tagged | None, options: TaggerOptions) -> Parts[Tagged]:
    """What is learned from, chosen by and scored, by the options. beside: texts to choose by that were handed over."""

    def read(file: str) -> Tagged:
        return read_tagged(Path(file), options.encoding, choices=chosen(options))

    found = parts_of(source, given, beside, options, read, check_tagged_split)
    lengths = np.array([len(tokens) for tokens in found.learned.tokens])
    told = cut_in_words(lengths, "learned from in parts")
    notes = [*found.notes, told] if told else found.notes
    return replace(found, learned=found.learned.in_parts(longest(lengths)), notes=notes)


def read_tagged(source: Any, encoding: str = "utf-8", language: str = "auto", choices: Choices | None = None) -> Tagged:
    """Sentences with their tags from files, frames or lists.

    source: a file, a list of Paths, or a folder of files of one kind; of a token a line (CoNLL, CoNLL-U), its tag in
    the last column, and an empty line between sentences,
    the intents in comments (# intent = X) or in a file beside it, FILE.intent, a line each; a folder with the parallel
    files seq.in, seq.out and perhaps label; CSV with a word in each row; JSON, Parquet or a frame with tokens, tags or
    slots, and perhaps intent; texts with spans by characters, as spaCy, doccano, Rasa and Label Studio write them; a
    mapping of columns, or (tokens, tags) and (tokens, tags, intents) of lists. language: how sentences without marks
    between tokens are cut: zh by characters, en at spaces, auto by characters where the tags are as many as those and
    not as the words. choices: what is said of columns and names of tags.

    Tokens and texts are composed (NFC). Raises UserError with file and row for what cannot be.
    """
    if language not in LANGUAGES:
        raise UserError(f"language {language!r}: choose from {', '.join(LANGUAGES)}")
    choices = replace(choices or Choices(), language=language)
    several = sources.files_of(source)
    if several is not None:
        return together([_read(one, encoding, choices) for one in several])
    return _read(source, encoding, choices)


def _read(source: Any, encoding: str, choices: Choices) -> Tagged:
    """Sentences of one source."""
    if isinstance(source, str | Path):
        path = Path(source)
        language = choices.language
        found = (
            sources.folder_of(path, encoding, language) if path.is_dir() else sources.file_of(path, encoding, choices)
        )
    elif isinstance(source, dict):
        found = sources.columns_of(source, "data", 0, choices)
    elif isinstance(source, tuple) and len(source) in (2, 3):
        names = (TOKENS[0], TAGS[0], INTENTS[0])
        found = sources.columns_of(dict(zip(names, source, strict=False)), "data", 0, choices)
    elif isinstance(source, list):
        spanned_ = spanned(source, 0, "data")
        if spanned_ is None:
            raise UserError(
                "data: expected (tokens, tags) as a pair of lists, or texts with spans [(text, {'entities': ...})], "
                "got a list of something else"
            )
        found = spans.tokens_of(spanned_.rows, "data", spanned_.notes)
    elif hasattr(source, "column_names") and hasattr(source, "features"):  # a Dataset of Hugging Face
        names = source.column_names
        if isinstance(names, Mapping):
            raise UserError(f"data: holds the parts {', '.join(map(str, names))}; give one of them")
        choices = sources.named_of(choices, source.features)
        found = sources.columns_of({name: source[name] for name in names}, "data", 0, choices)
    elif hasattr(source, "columns"):
        table = read_table(source, encoding, "labels")
        found = sources.columns_of(table.columns, table.where, table.first_row, choices)
    else:
        raise UserError(
            f"data: expected a file, a folder, a mapping or (tokens, tags) or (tokens, tags, intents), "
            f"got {type(source).__name__}"
        )
    return _finished(found)


def together(each: Sequence[Tagged]) -> Tagged:
    """Sentences of several files, one behind the other; UserError where they do not go together."""
    first = each[0]
    where = first.where if len(each) == 1 else f"{first.where} and {len(each) - 1} more"
    marked = [one for one in each if any(tag != "O" for tags in one.tags for tag in tags)] or [first]
    for one in each:
        if one in marked and one.scheme != marked[0].scheme:
            raise UserError(
                f"{one.where}: the tags are of the scheme {one.scheme}, those of {marked[0].where} of "
                f"{marked[0].scheme}; write them alike"
            )
        if bool(one.intents) != bool(first.intents):
            has, lacks = ("intents", "none") if one.intents else ("no intents", "some")
            raise UserError(
                f"{one.where}: the texts have {has}, those of {first.where} {lacks}; give all of them or none"
            )
    found = first
    for one in each[1:]:
        found = found.joined(one)
    notes = [f"{one.where}: {note}" for one in each for note in one.notes] if len(each) > 1 else first.notes
    told = [f"{len(each):,} files, from {first.where} to {each[-1].where}"] if len(each) > 1 else []
    return replace(found, where=where, notes=[*told, *notes], scheme=marked[0].scheme)


def keys(texts: Tagged) -> list[Hashable]:
    """What tells whether two sentences are the same."""
    return [tuple(tokens) for tokens in texts.tokens]


def _finished(found: Found) -> Tagged:
    notes = list(found.notes)
    for i, (tokens, tags) in enumerate(zip(found.tokens, found.tags, strict=True)):
        if len(tokens) != len(tags):
            raise UserError(
                f"{found.place(i)}: {_count(len(tokens), 'token')} and {_count(len(tags), 'tag')}; each token needs one"
            )
        for t, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            if not isinstance(token, str) or not token:
                raise UserError(f"{found.place(i, t)}: expected a token, got {token!r}")
            if not tag:
                raise UserError(f"{found.place(i, t)}: the tag of {token!r} is missing")
            check_text(token + tag, found.place(i, t))
    found.tokens = [list(map(composed, tokens)) for tokens in found.tokens]
    found.tags = [list(map(composed, tags)) for tags in found.tags]
    found.texts = [None if text is None else composed(text) for text in found.texts]
    empty = [i for i, tokens in enumerate(found.tokens) if not tokens]
    if empty:
        word = "sentence" if len(empty) == 1 else "sentences"
        notes.append(f"{len(empty):,} {word} without a token, the first in row {found.rows[empty[0]]}: left out")
    kept = [i for i, tokens in enumerate(found.tokens) if tokens]
    if not kept:
        raise UserError(f"{found.where}: there are no sentences")
    found.tokens, found.tags = [found.tokens[i] for i in kept], [found.tags[i] for i in kept]
    found.rows, found.lines = [found.rows[i] for i in kept], found.lines and [found.lines[i] for i in kept]
    found.texts = [found.texts[i] for i in kept] if found.texts else [None] * len(kept)
    if found.intents is not None:
        found.intents = [found.intents[i] for i in kept]
        found.intents = [composed(intent) if isinstance(intent, str) else intent for intent in found.intents]
        for i, intent in enumerate(found.intents):
            if not intent:
                raise UserError(f"{found.place(i)}: the intent is missing")
            check_text(intent, found.place(i))
    found.tags, told = tag_schemes.settled(found.tags)
    notes += [told] if told else []
    scheme = _scheme(found)
    if scheme == "none" and any(tag == "O" for tags in found.tags for tag in tags):
        notes.append("tags mark no spans: each token's tag is learned by itself; spans begin with B- and go on with I-")
    if scheme != "none":
        notes += _unbegun(found)
        found.tags = [_begun(tags, scheme) for tags in found.tags]
    notes += imbalance(found.intents or [], "intent")
    notes += _repeated(found)
    return Tagged(found.tokens, found.tags, found.intents or [], found.where, notes, scheme, found.texts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _scheme(found: Found) -> str:
    """BIO or BIOES where most tags are such, UserError for one that is not then; "none" otherwise."""
    counts = Counter(tag for tags in found.tags for tag in tags)
    spans = {tag for tag in counts if _SPAN.fullmatch(tag)}
    other = sum(count for tag, count in counts.items() if tag not in spans and tag != "O")
    if (not spans and set(counts) != {"O"}) or 2 * other > sum(counts.values()):
        return "none"
    if other:
        for i, tags in enumerate(found.tags):
            for t, tag in enumerate(tags):
                if tag != "O" and tag not in spans:
                    raise UserError(
                        f"{found.place(i, t)}: expected O or a tag such as B-place or I-place as elsewhere, got {tag!r}"
                    )
    return "BIOES" if any(tag[0] in "ES" for tag in spans) else "BIO"


def _unbegun(found: Found) -> list[str]:
    """A note on spans that go on without having begun."""
    places = []
    for i, tags in enumerate(found.tags):
        for t, tag in enumerate(tags):
            before = tags[t - 1] if t else "O"
            if tag[0] in "IE" and not (before[0] in "BI" and before[2:] == tag[2:]):
                places.append((i, t))
    if not places:
        return []
    i, t = places[0]
    row = found.place(i, t).rsplit(" ", 1)[1]
    return [
        f"{_count(len(places), 'tag')} inside a span that was not begun, the first {found.tags[i][t]} in row {row}: "
        "counted as a start, as seqeval does"
    ]


def _begun(tags: list[str], scheme: str) -> list[str]:
    """Tags whose spans all begin with a B, or are an S alone: the same spans, in a form that can be decoded."""
    found = []
    for t, tag in enumerate(tags):
        before = tags[t - 1] if t else "O"
        if tag[0] in "IE" and not (before[0] in "BI" and before[2:] == tag[2:]):
            tag = ("S" if tag[0] == "E" and scheme == "BIOES" else "B") + tag[1:]
        found.append(tag)
    return found


def _repeated(found: Found) -> list[str]:
    first: dict[tuple[str, ...], int] = {}
    again, other = [], []
    for i, tokens in enumerate(found.tokens):
        a = first.setdefault(tuple(tokens), i)
        if a == i:
            continue
        again.append((a, i))
        if found.tags[a] != found.tags[i] or (found.intents and found.intents[a] != found.intents[i]):
            other.append((a, i))
    notes = []
    if again:
        a, b = again[0]
        verb = "repeat" if len(again) > 1 else "repeats"
        notes.append(
            f"{_count(len(again), 'sentence')} {verb} an earlier one, the first: row {found.rows[b]} is "
            f"row {found.rows[a]}"
        )
    if other:
        a, b = other[0]
        notes.append(
            f"{len(other):,} of them with other tags or another intent than at first: rows {found.rows[a]} and "
            f"{found.rows[b]}"
        )
    return notes


def check_tagged_split(train: Tagged, test: Tagged) -> list[str]:
    """Notes on what makes a score on test look better or worse than it is: its sentences that stand in train, its tags
    and intents that do not."""
    known: dict[tuple[str, ...], list[tuple[list[str], str]]] = {}
    for i, tokens in enumerate(train.tokens):
        known.setdefault(tuple(tokens), []).append((train.tags[i], train.intents[i] if train.intents else ""))
    both = train.intents and test.intents
    seen, other = 0, 0
    for i, tokens in enumerate(test.tokens):
        there = known.get(tuple(tokens), [])
        seen += bool(there)
        same = any(test.tags[i] == tags and (not both or test.intents[i] == intent) for tags, intent in there)
        other += bool(there) and not same
    notes = []
    if seen:
        under = f", {other:,} of them with other tags or another intent" if other else ""
        notes.append(
            f"{seen:,} of {_count(len(test), 'test sentence')} {'stand' if seen > 1 else 'stands'} in training as "
            f"well{under}; "
            f"look at the score on the other {len(test) - seen:,} too"
        )
    notes += never_seen(
        (tag for tags in train.tags for tag in tags), [tag for tags in test.tags for tag in tags], "tag"
    )
    return notes + never_seen(train.intents, test.intents, "intent")
