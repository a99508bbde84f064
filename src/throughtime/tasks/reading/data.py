"""Labelled texts in parts, and what a folder keeps of them and of what they decided."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from throughtime.errors import UserError
from throughtime.options import Checked


class Labelled(Protocol):
    """Texts with labels: data.labelled.Texts, data.tagged.Tagged."""

    def __len__(self) -> int: ...

    @property
    def where(self) -> str:
        """Where they come from, for errors."""

    @property
    def notes(self) -> list[str]:
        """What was found on reading them."""

    @property
    def sha256(self) -> str:
        """Of texts and labels."""

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        """All but a share, and that share."""

    def joined(self, other: Self) -> Self:
        """These and others behind them."""

    def take(self, indices: Any) -> Self:
        """Some of them."""


Kind = TypeVar("Kind", bound=Labelled)


@dataclass(frozen=True)
class Parts(Generic[Kind]):
    """learned: what is learned from. held: what is chosen by, none for nothing. whole: both, as they were given, but
    for texts to choose by that were handed over apart. test: what is scored, None for nothing. apart: whether `held`
    was handed over apart. file, sha256: of all that was given, files: where those are several; notes: on it. again:
    where training starts from a model that learned before, how many of `held`, the last ones, are from what that one
    was chosen by, None elsewhere; rest: what that one learned, but for what is learned again; None where it is not at
    hand."""

    learned: Kind
    held: Kind
    whole: Kind
    test: Kind | None
    apart: bool
    file: str | None
    sha256: str
    notes: list[str]
    again: int | None = None
    rest: Kind | None = None
    files: tuple[str, ...] = ()

    @property
    def known(self) -> Kind:
        """All that is known to have been learned, by this training or by the one that it starts from."""
        return self.learned if self.rest is None else self.learned.joined(self.rest)

    @property
    def data(self) -> TextsData:
        """What a record keeps of them."""
        return TextsData(self.file, self.sha256, len(self.whole), tuple(self.notes), files=self.files)

    def together(self) -> Parts[Kind]:
        """The same, but what is chosen by is learned, too."""
        if self.again is not None:  # what the earlier training was chosen by tells what is forgotten
            own = self.held.take(range(len(self.held) - self.again))
            return replace(self, learned=self.learned.joined(own), held=self.held.take([]))
        whole = self.whole.joined(self.held) if self.apart else self.whole
        return replace(self, learned=whole, whole=whole, held=whole.split(0.0, 0)[1])


class Parting(Protocol):
    """Options that say how texts are parted; see ReaderOptions."""

    @property
    def who(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def test(self) -> str | None: ...
    @property
    def validation(self) -> Any: ...
    @property
    def holdout(self) -> float: ...


def parts_of(
    source: Any,
    given: Kind,
    beside: Kind | None,
    options: Parting,
    read: Callable[[str], Kind],
    compare: Callable[[Kind, Kind], list[str]],
) -> Parts[Kind]:
    """What was given in parts, by the options.

    source: where it comes from; beside: texts to choose by that were handed over. read: makes texts of the files that
    the options name; compare: notes on two lots of texts that should have nothing in common.
    """
    notes, test = list(given.notes), None
    if options.test is not None:
        test = read(options.test)
        notes += [*(f"{test.where}: {note}" for note in test.notes), *compare(given, test)]
    # another seed than that of the validation part, which is cut from the rest in the same way
    whole, kept = given.split(options.holdout, options.seed + 1)
    learned, held = whole, beside
    if held is None and isinstance(options.validation, str):
        held = read(options.validation)
        notes += compare(whole, held)
    if held is None and options.validation is None:
        raise UserError(f"{options.who}: validation must be a share, a file or texts, got none; hand them over")
    apart = held is not None
    if held is None:
        learned, held = whole.split(options.validation, options.seed)
    scored = kept if test is None and options.holdout else test
    file = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    files = files_of(source)
    return Parts(learned, held, whole, scored, apart, file, given.sha256, notes, files=files)


def place_of(data: Any) -> Any:
    """Where texts are that a command is given: standard input, a file, or several."""
    if isinstance(data, list):
        return [Path(one) for one in data]
    return Path(data) if isinstance(data, str) and data != "-" else data


def in_a_line(data: Any) -> str:
    """The names of one file or several, or what else texts are from."""
    return ", ".join(map(str, data)) if isinstance(data, list) else str(data)


def files_of(source: Any) -> tuple[str, ...]:
    """The names of several files; none of anything else."""
    listed = isinstance(source, list | tuple) and all(isinstance(one, Path) for one in source)
    return tuple(map(str, source)) if listed else ()


def scored_elsewhere(options: Parting) -> dict[str, Any]:
    """What changes of the options of a new run: where a file is scored nothing else is kept apart for that."""
    return {} if options.test is None else {"holdout": 0.0}


@dataclass(frozen=True)
class Vectors(Checked):
    """What config.json keeps of the pretrained vectors that a model started from. file, sha256: what they were read
    from, kind: its format, rows: how many words it has. vocabulary, running: the shares that have a vector there, of
    the vocabulary and of the tokens that are learned from."""

    who = "vectors"

    file: str
    sha256: str
    kind: str = ""
    rows: int = 0
    vocabulary: float = 0.0
    running: float = 0.0


@dataclass(frozen=True)
class TextsData(Checked):
    """What config.json keeps of texts. file: where they were read from, None for lists, and for several files, which
    are in files; sha256: of all that was given. texts: how many were learned from or chosen by. notes: what is odd in
    them, and in what was made of them. without: options whose part of the model could not be built; the notes say why.
    vectors: None where it started from none."""

    who = "data"

    file: str | None = None
    sha256: str = ""
    texts: int = 0
    notes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    vectors: Vectors | None = None
    files: tuple[str, ...] = ()

    @property
    def from_files(self) -> bool:
        """Whether they were read from files, or from standard input."""
        return self.file is not None or bool(self.files)

    @property
    def origin(self) -> Path | list[Path] | None:
        """Where they were read from, if all of it is there; None elsewhere, and of standard input."""
        places = [Path(one) for one in self.files or (self.file,) if one not in (None, "-")]
        if not places or not all(place.exists() for place in places):
            return None
        return places if self.files else places[0]


def kept_apart(
    given: Kind,
    data: Any,
    about: TextsData,
    read: Callable[[Any], Kind],
    keys: Callable[[Kind], list[Hashable]],
    options: Parting,
) -> tuple[Kind, list[str]]:
    """Of some of the files that a training read those texts that it did not learn, and a note; all of others.

    data: where they are from. about: what the folder says of what was learned. read: reads that again.
    """
    source = about.origin
    places = [one.resolve() for one in (data if isinstance(data, list) else [data]) if isinstance(one, Path)]
    known = {one.resolve() for one in (source if isinstance(source, list) else [source]) if one is not None}
    if not places or not all({one, *one.parents} & known for one in places):
        return given, []
    whole = read(source)
    if whole.sha256 != about.sha256:
        return given, []
    learned = set(keys(whole.split(options.holdout, options.seed + 1)[0]))
    left = [i for i, key in enumerate(keys(given)) if key not in learned]
    if not left:
        raise UserError(f"{given.where}: the model learned from these texts, all of them; give others")
    return given.take(left), [f"{len(given) - len(left):,} of {len(given):,} texts were learned from: left out"]


@dataclass(frozen=True)
class Decided(Checked):
    """What the validation part decided. weights: of the recurrence and of linear models, by name, none where nothing
    was decided; linear_weights: of the linear models where they answer alone. threshold: the least probability of an
    answer that is sure, None where none was found. choices: how each linear model was fitted, for a second training.
    thresholds: of each label the probability from which it is said, where a text may have several."""

    who = "decided"

    weights: dict[str, float] = field(default_factory=dict)
    linear_weights: dict[str, float] = field(default_factory=dict)
    threshold: float | None = None
    choices: dict[str, dict[str, float]] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
