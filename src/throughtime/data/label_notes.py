"""What is worth telling of labelled texts before anything learns them: repetitions, small classes, leaks."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.label_sets import flat

if TYPE_CHECKING:
    from throughtime.data.label_names import RawTexts
    from throughtime.data.labelled import Texts

FEW = 5
"""A class with fewer examples is said to have few."""

UNEVEN = 10
"""Times the smallest class from which the largest makes them uneven."""


LONG = 10_000
"""Characters from which a text is said to be long."""


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def imbalance(labels: Sequence[str], what: str = "class") -> list[str]:
    """Notes on classes of very different sizes and on small ones."""
    counts = Counter(labels).most_common()
    notes = []
    if counts and counts[0][1] > UNEVEN * counts[-1][1]:
        (most, many), (least, few) = counts[0], counts[-1]
        notes.append(
            f"uneven: {what} {most} has {counted(many, 'example')}, {least} {few:,}; accuracy alone says little, see F1"
        )
    small = [f"{name} ({count})" for name, count in sorted(counts, key=lambda pair: (pair[1], pair[0])) if count < FEW]
    if small:
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        notes.append(f"fewer than {FEW} examples of {what} {', '.join(small[:5])}{more}")
    return notes


def alike(labels: Iterable[str]) -> list[str]:
    """A note on labels that differ in nothing but case and white space."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(labels)):
        groups.setdefault(" ".join(name.casefold().split()), []).append(name)
    same = [names for names in groups.values() if len(names) > 1]
    if not same:
        return []
    more = f", and {len(same) - 1} more" if len(same) > 1 else ""
    return [f"labels that differ in case or space alone: {' and '.join(same[0])}{more}; they are told apart"]


def text_key(text: str) -> str:
    """What two texts have in common that are the same but for white space and how Unicode composes characters."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def text_keys(texts: Texts) -> list[Hashable]:
    """The keys of some texts."""
    return [text_key(text) for text in texts.texts]


def repeated(texts: list[str], labels: list[str], rows: Sequence[object]) -> list[str]:
    """Notes on texts that are there twice, and on those that are so under different labels."""
    hashes = np.fromiter((hash(text_key(text)) for text in texts), np.int64, len(texts))
    _, index, of = np.unique(hashes, return_index=True, return_inverse=True)
    first = index[of]
    del hashes, index, of
    again = np.flatnonzero(first != np.arange(len(texts)))
    same = [(key := text_key(texts[b])) != "" and key == text_key(texts[first[b]]) for b in again.tolist()]
    again = again[np.array(same, bool)]
    notes = []
    if len(again):
        a, b = int(first[again[0]]), int(again[0])
        verb = "repeat" if len(again) > 1 else "repeats"
        notes.append(f"{counted(len(again), 'text')} {verb} an earlier one, the first: row {rows[b]} is row {rows[a]}")
    other = [b for b in again.tolist() if labels and labels[first[b]] != labels[b]]
    if other:
        a, b = int(first[other[0]]), other[0]
        notes.append(
            f"{counted(len(set(first[other].tolist())), 'text')} under more than one label: row {rows[a]} is "
            f"{labels[a]}, row {rows[b]} {labels[b]}"
        )
    return notes


def unseen(train: Texts, test: Texts) -> np.ndarray:
    """(N,) bool: which texts of test are not in train, be it with other white space or another Unicode composition."""
    known = {text_key(text) for text in train.texts}
    return np.array([text_key(text) not in known for text in test.texts], bool)


def check_split(train: Texts, test: Texts) -> list[str]:
    """Notes on what makes a score on test look better or worse than it is: its texts that stand in train, its labels
    that do not."""
    labels: dict[str, set[str]] = {}
    for i, text in enumerate(train.texts):
        labels.setdefault(text_key(text), set()).update(train.labels[i : i + 1])
    new = unseen(train, test)
    notes = []
    if not new.all():
        seen = np.flatnonzero(~new)
        other = 0
        if train.labels and test.labels:
            other = sum(test.labels[i] not in labels[text_key(test.texts[i])] for i in seen)
        under = f", {other:,} of them under another label" if other else ""
        notes.append(
            f"{len(seen):,} of {counted(len(test), 'test text')} {'stand' if len(seen) > 1 else 'stands'} in training "
            f"as well{under}; "
            f"look at the score on the other {int(new.sum()):,} too"
        )
    return notes + never_seen(train.classes, flat(test.labels) if test.several else test.labels, "label")


def never_seen(train: Iterable[str], test: Sequence[str], what: str) -> list[str]:
    """A note on what occurs in test only; none where there is nothing to compare."""
    known = set(train)
    counts = Counter(one for one in test if one not in known) if known else Counter()
    if not counts:
        return []
    named = [f"{name} ({count:,})" for name, count in counts.most_common()]
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return [
        f"never seen in training: {what} {', '.join(named[:5])}{more}; "
        f"{sum(counts.values()):,} of test, which count as errors"
    ]


def named_notes(found: RawTexts, notes: Sequence[str], several: bool, known: Sequence[str]) -> list[str]:
    """Notes on a source, of several with its name where they are about rows of it; what is known is not said again."""
    named = [f"{found.where}: {note}" if several and " in row " in note else note for note in notes]
    return [note for note in named if note not in known]


class Places(Sequence[str]):
    """Where texts of several sources stand: their rows, and of what."""

    def __init__(self, found: Sequence[RawTexts], rows: Sequence[int], counts: Sequence[int]) -> None:
        self._names, self._rows, self._ends = [one.where for one in found], rows, np.cumsum(counts)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return f"{self._rows[place]} of {self._names[int(np.searchsorted(self._ends, place, 'right'))]}"


def long_ones(texts: list[str], rows: Sequence[object]) -> list[str]:
    """A note on very long texts."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    long = int((lengths > LONG).sum())
    if not long:
        return []
    most, row = int(lengths.max()), rows[int(lengths.argmax())]
    return [f"{counted(long, 'text')} of over {LONG:,} characters, the longest, of {most:,}, in row {row}"]
