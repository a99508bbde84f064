"""A text and its parts: what is learned from, what is validated on, what is never seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.text import read_text
from throughtime.errors import UserError
from throughtime.options import Checked

PARTS = ("train", "validation", "test", "all")

_CONTEXT = 64
"""Characters before a part that are encoded to find the token before it."""


@dataclass(frozen=True)
class Text:
    """A text, cut by characters: the last `holdout` share is test, the last `validation` share of the rest validation.

    file: where it was read from, None if it was given as a string. Raises UserError for shares out of range.
    """

    text: str
    file: str | None = None
    validation: float = 0.05
    holdout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("validation", "holdout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise UserError(f"text: {name} must be a share, at least 0 and below 1, got {value!r}")

    @classmethod
    def of(cls, source: str | Path, encoding: str = "utf-8", validation: float = 0.05, holdout: float = 0.1) -> Text:
        """From a path, or from a string: the name of a file that exists, or else the text itself."""
        if isinstance(source, Path) or _is_file(source):
            return cls(read_text(source, encoding), str(source), validation, holdout)
        if not source:
            raise UserError("text: expected a text or a file, got an empty string")
        return cls(source, None, validation, holdout)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def bounds(self, part: str) -> tuple[int, int]:
        """First character of a part and the one after its last; UserError lists the parts."""
        length = len(self.text)
        test = int(length * (1.0 - self.holdout))
        validation = int(test * (1.0 - self.validation))
        known = {"train": (0, validation), "validation": (validation, test), "test": (test, length), "all": (0, length)}
        if part not in known:
            raise UserError(f"part {part!r}: choose from {', '.join(PARTS)}")
        return known[part]

    def part(self, name: str) -> str:
        """The characters of a part."""
        first, end = self.bounds(name)
        return self.text[first:end]

    def ids(self, name: str, tokenizer: Any) -> np.ndarray:
        """The tokens of a part, int32."""
        found: np.ndarray = tokenizer.encode(self.part(name)) if self.part(name) else np.zeros(0, np.int32)
        return found

    def before(self, name: str, tokenizer: Any) -> np.ndarray:
        """The token before a part: (1,), or (0,) where the part is at the beginning."""
        first, _ = self.bounds(name)
        if not first:
            return np.zeros(0, np.int32)
        found: np.ndarray = tokenizer.encode(self.text[max(0, first - _CONTEXT) : first])[-1:]
        return found

    @property
    def data(self) -> TextData:
        """What the record keeps of it."""
        return TextData(self.file, self.sha256, len(self.text))


@dataclass(frozen=True)
class TextData(Checked):
    """What config.json keeps of a text: not the text, but what tells whether another one is the same."""

    who = "data"

    file: str | None = None
    sha256: str = ""
    characters: int = 0

    def still(self, encoding: str, validation: float, holdout: float) -> Text | None:
        """The text, where its file is still there and the same; a file named in a folder may be anything."""
        try:
            if self.file is None or self.file == "-" or not Path(self.file).is_file():
                return None
            text = Text.of(Path(self.file), encoding, validation, holdout)
        except (UserError, ValueError, OSError):
            return None
        return text if text.sha256 == self.sha256 else None


def _is_file(source: str) -> bool:
    if source == "-":
        return True
    if not source or "\n" in source or len(source) > 4096:
        return False
    try:
        return Path(source).exists()
    except (OSError, ValueError):
        return False
