"""A text and its parts: what is learned from, what is validated on, what is never seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.options import Checked
from throughtime.tasks.text import units
from throughtime.tasks.text.options import TextOptions

PARTS = ("train", "validation", "test", "all")

FORM = "NFC"
"""How the characters of a text are composed before it is learned."""

_BLOCK = 1 << 20
"""Characters that are looked at at once, so that no second copy of a long text is made."""

_CONTEXT = 64
"""Characters before a part that are encoded to find the token before it."""


def usual_validation(length: int) -> float:
    """The share of a learning part of so many characters that is kept to choose by: 20,000 characters of it, at least
    a hundredth and at most a tenth. Too short a part for that is learned whole."""
    return 0.0 if length < 400 else round(min(0.1, max(0.01, 20_000 / length)), 4)


def usual_blocks(characters: int) -> int:
    """In how many blocks so many characters of validation are spread over the learning part."""
    return max(1, min(20, characters // 500))


@dataclass(frozen=True)
class Text:
    """A text, cut by characters: the last `holdout` share is test, the `validation` share of the rest validation.

    file: where it was read from, None if it was given as a string. validation: None for what suits the length. blocks:
    the validation part is so many stretches, each in the middle of an equal part of what is not test, so that no region
    of it is unseen and none is closer to the test part than the rest; 1 for a single one at its end. None: as suits
    the validation part. form: "NFC" where characters are composed as Unicode wants it, so that the same text is the
    same characters whoever wrote it. unit: what parts keep whole, of UNITS; where that is not characters, edges: first
    and end of each stretch of the validation part, then where the test part begins. files: the names of several. notes:
    what was found on reading. Raises UserError for shares out of range.
    """

    text: str
    file: str | None = None
    validation: float | None = 0.05
    holdout: float = 0.1
    blocks: int | None = 1
    form: str = ""
    unit: str = "characters"
    edges: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("validation", "holdout"):
            value = getattr(self, name)
            if name == "validation" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise UserError(f"text: {name} must be a share, at least 0 and below 1, got {value!r}")
        learned = int(len(self.text) * (1.0 - self.holdout))
        if self.validation is None:
            object.__setattr__(self, "validation", usual_validation(learned))
        if self.blocks is None:
            object.__setattr__(self, "blocks", usual_blocks(int(learned * (self.validation or 0.0))))

    @classmethod
    def of(
        cls,
        source: Any,
        encoding: str = "utf-8",
        validation: float | None = 0.05,
        holdout: float = 0.1,
        blocks: int | None = 1,
        form: str = FORM,
        unit: str | None = "characters",
    ) -> Text:
        """From a Path, a folder's or several files', or several texts, joined by line ends; or from a string: the name
        of a file that exists, or else the text itself. UserError for a string that looks like the name of a file that
        is not there.

        form: how characters are composed, "NFC" or "" for as they are. unit: of UNITS, None for texts where each of
        several is a small share of all.
        """
        found = units.read(source, encoding, form)
        kept = found.unit(unit)
        text = cls(found.text, found.file, validation, holdout, blocks, form, kept, (), found.files, found.notes)
        if kept == "characters":
            return text
        shares = text.validation or 0.0, text.holdout
        return replace(text, edges=units.edges(found.units(kept), len(text.text), shares, text.blocks or 1))

    @classmethod
    def by(cls, source: Any, options: TextOptions, data: TextData) -> Text:
        """Cut as a folder says, of the text it learned where it was cut; in those that say nothing of blocks there was
        one."""
        blocks = options.validation_blocks or 1
        text = cls.of(source, options.encoding, options.validation, options.holdout, blocks, data.form)
        return replace(text, edges=data.edges) if text.sha256 == data.sha256 else text

    @property
    def sha256(self) -> str:
        found = hashlib.sha256()
        for first in range(0, len(self.text), _BLOCK):
            found.update(self.text[first : first + _BLOCK].encode("utf-8", "surrogatepass"))
        return found.hexdigest()

    def stretches(self, part: str) -> list[tuple[int, int]]:
        """First character of each stretch of a part, or of "learned", the training and the validation part in their
        order, and the one after its last; UserError lists the parts."""
        length = len(self.text)
        test, share, blocks = int(length * (1.0 - self.holdout)), self.validation or 0.0, self.blocks or 1
        if self.edges:
            test = self.edges[-1]
        if part == "learned":
            return [(0, test)]
        if part in ("test", "all"):
            return [(test if part == "test" else 0, length)]
        if part not in ("train", "validation"):
            raise UserError(f"part {part!r}: choose from {', '.join(PARTS)}")
        if self.edges:
            bounds = [0, *self.edges]
            odd = zip(bounds[1:-1:2], bounds[2:-1:2], strict=True)
            found = list(odd if part == "validation" else zip(bounds[::2], bounds[1::2], strict=True))
            return [(first, end) for first, end in found if first < end] or [(test, test)]
        if blocks == 1:
            first = int(test * (1.0 - share))
            return [(0, first) if part == "train" else (first, test)]
        each = int(test * share / blocks)
        starts = [int(test * (2 * i + 1) / (2 * blocks)) - each // 2 for i in range(blocks)]
        if part == "validation":
            return [(first, first + each) for first in starts]
        ends = [0, *(first + each for first in starts)]
        return list(zip(ends, [*starts, test], strict=True))

    def part(self, name: str) -> str:
        """The characters of a part, its stretches one after the other."""
        return "".join(self.text[first:end] for first, end in self.stretches(name))

    def compact(self, name: str, tokenizer: Any) -> np.ndarray:
        """The tokens of a part, or of "learned", as small integers, for what is large."""
        return tokenizers.compact(tokenizer, self.text, self.stretches(name))

    def ids(self, name: str, tokenizer: Any) -> np.ndarray:
        """The tokens of a part, int32."""
        found: np.ndarray = tokenizer.encode(self.part(name)) if self.part(name) else np.zeros(0, np.int32)
        return found

    def before(self, name: str, tokenizer: Any) -> np.ndarray:
        """The token before a part: (1,), or (0,) where the part is at the beginning."""
        first = self.stretches(name)[0][0]
        if not first:
            return np.zeros(0, np.int32)
        found: np.ndarray = tokenizer.encode(self.text[max(0, first - _CONTEXT) : first])[-1:]
        return found

    @property
    def data(self) -> TextData:
        """What the record keeps of it."""
        return TextData(self.file, self.sha256, len(self.text), self.form, self.files, self.edges)


@dataclass(frozen=True)
class TextData(Checked):
    """What config.json keeps of a text: not the text, but what tells whether another one is the same, and where it was
    cut if not by characters alone (Text.edges)."""

    who = "data"

    file: str | None = None
    sha256: str = ""
    characters: int = 0
    form: str = ""
    files: tuple[str, ...] = ()
    edges: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        bounds = [0, *self.edges, self.characters]
        if self.edges and (len(self.edges) % 2 == 0 or bounds != sorted(bounds)):
            raise UserError("data: expected edges of parts in their order, within the text; config.json is damaged")

    @property
    def source(self) -> Path | list[Path] | None:
        """Where the text was read from; None where it was given, or came from standard input."""
        if self.files:
            return [Path(one) for one in self.files]
        return None if self.file is None or self.file == "-" else Path(self.file)

    def still(self, options: TextOptions) -> Text | None:
        """The text, cut as it was, where its file is still there and the same; a file named in a folder may be
        anything."""
        try:
            source = self.source
            if source is None or not all(one.exists() for one in (source if isinstance(source, list) else [source])):
                return None
            text = Text.by(source, options, self)
        except (UserError, ValueError, OSError):
            return None
        return text if text.sha256 == self.sha256 else None


_PIECE, _PIECES = 64, 200
"""Characters of a piece of a text by which it is found in another, and how many are looked for."""


def stands_in(part: str, other: str) -> bool:
    """Whether more than a tenth of a text's pieces, evenly spread, stand in another one."""
    starts = np.unique(np.linspace(0, max(0, len(part) - _PIECE), _PIECES).astype(int))
    found = sum(part[first : first + _PIECE] in other for first in starts.tolist())
    return 10 * found > len(starts)


@dataclass(frozen=True)
class TextDecided(Checked):
    """What the validation part said.

    ngram: whether an n-gram model joins in; order, smoothing, grams: which, and how many n-grams it holds. validation:
    nats per token there of the `recurrence`, the `ngram` and `both`.
    """

    who = "decided"

    ngram: bool = False
    order: int = 0
    smoothing: str = ""
    grams: int = 0
    validation: dict[str, float] | None = None


class Judged:
    """What the validation part said of the parameters that were kept, before it was learned itself.

    log_p: (N,) ln p of the validation tokens by the recurrence, in their order; None where that is not known.
    """

    log_p: np.ndarray | None = None
