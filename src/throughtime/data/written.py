"""Columns of text by their different values, so that what is the same is looked at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MISSING = frozenset(
    {
        "",
        "na",
        "n/a",
        "n.a.",
        "n.a",
        "#n/a",
        "#na",
        "nan",
        "-nan",
        "null",
        "none",
        "nil",
        "?",
        ":",
        "-",
        "--",
        "---",
        ".",
    }
    | {"..", "...", "–", "—", "nat", "<na>", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "missing"}
    | {"无", "缺失", "暂无", "\\n", "#nv", "#n/d", "#wert!", "#zahl!", "#bezug!", "#valeur!"}
)
"""What stands for a missing value, in lower case."""


NO_NUMBERS = frozenset(
    {
        "unknown",
        "unavailable",
        "not available",
        "no data",
        "nodata",
        "n.d.",
        "n.v.",
        "k.a.",
        "mq",
        "***",
        "****",
        "*****",
    }
)
"""What stands for a missing value among numbers; elsewhere it may be a text like others."""


def small(numbers: np.ndarray) -> np.ndarray:
    """The same whole numbers, none below 0, in as few bytes each as they need."""
    most = int(numbers.max()) if len(numbers) else 0
    return numbers.astype(np.min_scalar_type(most))


@dataclass(frozen=True)
class Text:
    """A column of texts. kinds: its different ones, without spaces around. codes: (N,) which of them each row has."""

    kinds: Sequence[str]
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def of(cls, values: Iterable[Any]) -> Text:
        """From what can be texts; None is none."""
        listed = values if isinstance(values, list | tuple) else list(values)
        places: dict[Any, int] = {value: n for n, value in enumerate(dict.fromkeys(listed))}
        codes = small(np.fromiter(map(places.__getitem__, listed), np.int64, len(listed)))
        return cls(["" if kind is None else str(kind).strip() for kind in places], codes)

    def row(self, kind: int) -> int:
        """The first place of a kind."""
        return int(np.argmax(self.codes == kind))

    def missing(self, marks: Iterable[str] = ()) -> np.ndarray:
        """Which of the kinds stand for a missing value. marks: further ones."""
        known = MISSING | {mark.lower() for mark in marks}
        return np.fromiter((kind.lower() in known for kind in self.kinds), bool, len(self.kinds))

    def some(self, rows: np.ndarray) -> Text:
        """Of some rows; kinds stay."""
        return Text(self.kinds, self.codes[rows])

    def values(self) -> np.ndarray:
        """(N,) of texts, objects."""
        table = np.empty(len(self.kinds), object)
        table[:] = self.kinds
        found: np.ndarray = table[self.codes]
        return found
