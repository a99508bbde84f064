"""A text and its parts: what is learned from, what is validated on, what is never seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np

from throughtime.data import tokenizers
from throughtime.data.text import is_file, looks_like_path, read_text
from throughtime.errors import UserError
from throughtime.options import Checked
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
    same characters whoever wrote it. Raises UserError for shares out of range.
    """

    text: str
    file: str | None = None
    validation: float | None = 0.05
    holdout: float = 0.1
    blocks: int | None = 1
    form: str = ""

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
    ) -> Text:
        """From a Path, a folder's or several files', joined by line ends; or from a string: the name of a file that
        exists, or else the text itself. UserError for a string that looks like the name of a file that is not there.

        form: how characters are composed, "NFC" or "" for as they are.
        """
        text, file = _read(source, encoding)
        if form and not text.isascii():
            text = _composed(text)
        return cls(text, file, validation, holdout, blocks, form)

    @classmethod
    def by(cls, source: Any, options: TextOptions, form: str) -> Text:
        """Cut as the options of a folder say; in those that say nothing of blocks there was one."""
        blocks = options.validation_blocks or 1
        return cls.of(source, options.encoding, options.validation, options.holdout, blocks, form)

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
        if part == "learned":
            return [(0, test)]
        if part in ("test", "all"):
            return [(test if part == "test" else 0, length)]
        if part not in ("train", "validation"):
            raise UserError(f"part {part!r}: choose from {', '.join(PARTS)}")
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
        return TextData(self.file, self.sha256, len(self.text), self.form)


@dataclass(frozen=True)
class TextData(Checked):
    """What config.json keeps of a text: not the text, but what tells whether another one is the same."""

    who = "data"

    file: str | None = None
    sha256: str = ""
    characters: int = 0
    form: str = ""

    def still(self, options: TextOptions) -> Text | None:
        """The text, cut as it was, where its file is still there and the same; a file named in a folder may be
        anything."""
        try:
            if self.file is None or self.file == "-" or not Path(self.file).exists():
                return None
            text = Text.by(Path(self.file), options, self.form)
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


def _composed(text: str) -> str:
    """A text in NFC, composed a few lines at a time: nothing is composed over a line's end."""
    pieces, first = [], 0
    while first < len(text):
        end = text.find("\n", first + _BLOCK) + 1 or len(text)
        pieces.append(normalize("NFC", text[first:end]))
        first = end
    return "".join(pieces)


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


def _read(source: Any, encoding: str) -> tuple[str, str | None]:
    """A text, and the file or folder it is from."""
    if isinstance(source, list | tuple) and source and all(isinstance(one, Path) for one in source):
        return _joined(list(source), encoding), None
    if isinstance(source, str) and not is_file(source):
        if not source:
            raise UserError("text: expected a text or a file, got an empty string")
        if looks_like_path(source):
            raise UserError(
                f"{source[:60]}: no such file; check the path, or end the text with a line end if it is a text"
            )
        return source, None
    if not isinstance(source, str | Path):
        raise UserError(f"text: expected a text, a Path or a list of Paths, got {type(source).__name__}")
    path = Path(source)
    if str(source) == "-" or not path.is_dir():
        return read_text(source, encoding), str(source)
    files = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    if not files:
        raise UserError(f"{path}: expected a text file, got a folder without one; name a file")
    return _joined(files, encoding), str(source)


def _joined(files: list[Path], encoding: str) -> str:
    """The texts of files, each with a line end behind it; files without a text count for nothing."""
    parts = [read_text(one, encoding) for one in files if one.stat().st_size or len(files) == 1]
    return "".join(part if part.endswith("\n") else part + "\n" for part in parts)
