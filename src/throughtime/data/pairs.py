"""Pairs of texts, one to be made from the other: translations, summaries, answers, replies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.lines import tidy
from throughtime.data.near import Near, near
from throughtime.data.pair_columns import Meant, RawPairs, of_columns, of_lists
from throughtime.data.pair_notes import look
from throughtime.data.pair_sources import of_file, of_two, sides_of
from throughtime.data.splits import grouped_split
from throughtime.data.text import named
from throughtime.errors import UserError

_NAMED = 3
"""Rows that a note names at most."""


@dataclass(frozen=True)
class Pairs:
    """Texts, and what is to be made of each, or nothing where there are no targets.

    where: for errors. rows: how an editor counts each pair. notes: what was found on reading them. columns: the names,
    or places, of both sides; None where there are none. before: of conversations, the turns before each source, oldest
    first; empty where there are none. groups: the number of each pair's conversation; empty likewise.
    """

    sources: list[str]
    targets: list[str]
    where: str = "data"
    rows: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: tuple[str | None, str | None] = (None, None)
    before: list[tuple[str, ...]] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sources)

    def context(self, i: int) -> tuple[str, ...]:
        """The turns that lead to a pair's target, oldest first, the source last."""
        return (*self.before[i], self.sources[i]) if self.before else (self.sources[i],)

    def take(self, indices: Iterable[int] | np.ndarray) -> Pairs:
        """Some of the pairs in the order given, without the notes, which are about all of them."""
        chosen = [int(i) for i in indices]
        rows = self.rows or list(range(len(self)))
        return Pairs(
            [self.sources[i] for i in chosen],
            [self.targets[i] for i in chosen] if self.targets else [],
            self.where,
            [rows[i] for i in chosen],
            [],
            self.columns,
            [self.before[i] for i in chosen] if self.before else [],
            [self.groups[i] for i in chosen] if self.groups else [],
        )

    def split(self, share: float, seed: int) -> tuple[Pairs, Pairs]:
        """All but a share of the pairs, and that share: pairs of which a side is nearly the same, and conversations,
        are on one side. The part that is held back has a note on what a plain shuffle would have leaked."""
        if not share:
            return self, self.take([])
        found = self.near()
        groups, told = found.groups, found.sentence(share, seed)
        if np.bincount(groups).max() > (1 - share) * len(self):
            groups = self._alike(found)
            told = (
                f"split: nearly all of the {len(self):,} pairs hang together by sides that are nearly the same, so "
                "that only those that are the same stay together; the score says little of other texts"
            )
        rows, kept = grouped_split(groups.tolist(), None, share, seed, self.where)
        return self.take(rows), replace(self.take(kept), notes=[told])

    def _alike(self, found: Near) -> np.ndarray:
        """(N,) one number for pairs or conversations of which all is the same."""
        together = np.stack(found.same, 1)
        if self.groups:
            return np.unique(together, axis=0, return_inverse=True)[1].reshape(-1)
        both = [f"{source}\0{target}" for source, target in zip(self.sources, self.targets, strict=True)]
        return np.unique(np.array(both), return_inverse=True)[1].reshape(-1)

    def near(self) -> Near:
        """Which pairs belong on one side of a split; of conversations, which share most of what is said in them."""
        if not self.groups:
            return near([self.sources, self.targets] if self.targets else [self.sources])
        said: dict[int, list[str]] = {}
        for i, group in enumerate(self.groups):
            turns = said.setdefault(group, [])
            turns += [*(self.context(i) if not turns else ()), self.targets[i]]
        numbers = {group: i for i, group in enumerate(said)}
        whole = near([[" ".join(turns) for turns in said.values()]])
        of = np.array([numbers[group] for group in self.groups], np.int64)
        first = np.unique(of, return_index=True)[1]
        return Near(first[whole.groups][of], tuple(same[of] for same in whole.same), first[whole.edges])

    def joined(self, other: Pairs) -> Pairs:
        """These pairs and others behind them."""
        first = max(self.groups, default=-1) + 1
        groups = self.groups + [first + group for group in other.groups] if self.groups and other.groups else []
        before = self.before + other.before if self.before and other.before else []
        return Pairs(
            self.sources + other.sources, self.targets + other.targets, self.where, [], [], self.columns, before, groups
        )

    @property
    def sha256(self) -> str:
        """Of both sides and what comes before, wherever they were read from."""
        content = [self.sources, self.targets, *([self.before] if self.before else [])]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def read_pairs(
    data: Any,
    source: str | None = None,
    target: str | None = None,
    encoding: str = "utf-8",
    paired: bool = True,
    known: tuple[str | None, str | None] = (None, None),
) -> Pairs:
    """Pairs of texts from files, frames, mappings or lists.

    data: two files of one text a line, as a list of two paths, as a folder or a beginning of a name whose files end in
    ".SOURCE" and ".TARGET" (train.de, train.en), or as one of them with `target` naming the other; a TSV, CSV, JSON or
    Parquet file; "-" for standard input; a frame, a mapping of columns, or a pair (sources, targets). source, target:
    columns, also those of an object within each row ({"translation": {"de": ..., "en": ...}}); their places from 0
    where there is no header; found by usual names where not given. encoding: of text files. paired: whether each source
    must have its target; where not, targets are left out and each line or row is a source. known: the columns that
    training read, which are taken where they are there.

    Case, accents and punctuation stay; a text is composed (NFC), without white space around it. Pairs of which a side
    is empty are left out, which a note says; others tell of equal sides and lengths that do not fit. Raises UserError
    with file and line for what cannot be, also where languages are swapped or lines have moved apart.
    """
    meant = Meant(source, target, paired, known)
    data = named(data, "lists of sources and targets, or a file as a pathlib.Path") if _no_name(data, meant) else data
    two = sides_of(data, meant)
    if two is not None:
        raw = of_two(two, encoding)
    elif isinstance(data, str | Path):
        raw = of_file(data, meant, encoding)
    elif isinstance(data, list | tuple | np.ndarray) or (hasattr(data, "to_list") and not hasattr(data, "columns")):
        raw = of_lists(list(data), paired)
    else:
        raw = of_columns(data, meant, encoding)
    return finished(raw, paired)


def _no_name(data: Any, meant: Meant) -> bool:
    """Whether a string is neither a file nor the beginning of the names of two."""
    return isinstance(data, str) and sides_of(data, meant) is None


def finished(raw: RawPairs, paired: bool = True) -> Pairs:
    """Pairs as they were found, as pairs of texts: tidied, without those of which a side is empty."""
    sources = [_text(value, raw, i) for i, value in enumerate(raw.sources)]
    targets = [_text(value, raw, i) for i, value in enumerate(raw.targets)] if paired else []
    notes = list(raw.notes)
    if raw.odd:
        more = f" and {len(raw.odd) - 1:,} more of such" if len(raw.odd) > 1 else ""
        notes.append(f"{raw.odd[0]} inside a line{more}: read as a space")
    pairs = Pairs(sources, targets, raw.where, list(raw.rows), notes, raw.columns)
    gone = [i for i in range(len(sources)) if paired and not (sources[i] and targets[i])]
    if gone:
        shown = ", ".join(f"{raw.rows[i]:,}" for i in gone[:_NAMED]) + (", ..." if len(gone) > _NAMED else "")
        what = f"pair has an empty side (row {shown})" if len(gone) == 1 else f"pairs have an empty side (rows {shown})"
        left = sorted(set(range(len(sources))).difference(gone))
        pairs = replace(pairs.take(left), notes=[*notes, f"{len(gone):,} {what}: left out"])
    if not len(pairs):
        raise UserError(f"{raw.where}: there are no {'pairs of texts' if paired else 'texts'}")
    return replace(pairs, notes=[*pairs.notes, *look(pairs)])


def _text(value: Any, raw: RawPairs, i: int) -> str:
    """A cell as text; "" where it is missing."""
    if isinstance(value, str):
        text = value
    elif (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    ):
        return ""
    elif isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        text = str(int(value)) if float(value).is_integer() else str(value)
    else:
        raise UserError(f"{raw.where}: row {raw.rows[i]:,}: expected a text, got {type(value).__name__}")
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text if not text.isascii()):
        raise UserError(f"{raw.where}: row {raw.rows[i]:,}: a NUL or half of a surrogate pair, no text; take it out")
    return tidy(text)
