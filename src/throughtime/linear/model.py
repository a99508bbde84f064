"""A linear model over n-grams, with NumPy alone.

With x_f how often n-gram f stands in the text, s_f its scale and W, b the weights and the bias,

    v_f = s_f (1 + ln x_f)   or   s_f          of the n-grams that are there
    y = sum_f W_f v_f / |v| + b                without the division where rows are not normalised
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.ngrams import Ngrams
from throughtime.storage.parameters import check_finite

WEIGHTINGS = ("binary", "log")
"""What an n-gram's count becomes: 1, or 1 + ln of it."""

_TEXTS = 4096
"""Texts worked on at once."""

_VALUES = 1 << 22
"""Products of values and weights in memory at once, unless one text alone has more."""


Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""N-grams counted in compressed rows, see Ngrams.rows."""


class NgramModel:
    """Logits from n-grams. weights (F, C), bias (C,), scale (F,) or None for ones: float32. weighting: one of
    WEIGHTINGS. normalize: divide each text's values by their Euclidean norm. UserError where these do not fit."""

    def __init__(
        self,
        ngrams: Ngrams,
        weights: np.ndarray,
        bias: np.ndarray,
        scale: np.ndarray | None = None,
        weighting: str = "binary",
        normalize: bool = True,
    ) -> None:
        if weighting not in WEIGHTINGS:
            raise UserError(f"n-gram model: unknown weighting {weighting!r}: choose from {', '.join(WEIGHTINGS)}")
        if type(normalize) is not bool:
            raise UserError(f"n-gram model: expected normalize as true or false, got {normalize!r}")
        arrays = {"weights": weights, "bias": bias} | ({} if scale is None else {"scale": scale})
        shapes: dict[str, tuple[int, ...]] = {"weights": (ngrams.size, bias.size), "bias": (bias.size,)}
        for name, value in arrays.items():
            shape = shapes.get(name, (ngrams.size,))
            if value.shape != shape or value.dtype != np.float32:
                got = f"{value.shape} {value.dtype}"
                raise UserError(f"n-gram model: {name} must be {shape} float32, got {got}; the file is damaged")
        check_finite("n-gram model", arrays)
        self.ngrams, self.weights, self.bias, self.scale = ngrams, weights, bias, scale
        self.weighting, self.normalize = weighting, normalize
        self.choice: dict[str, float] = {}
        """How it was fitted, where that was chosen: C and temperature. Not kept."""

    @property
    def classes(self) -> int:
        return len(self.bias)

    def logits(self, texts: Iterable[str]) -> np.ndarray:
        """(N, C) float32. A text's row is the same to the last bit alone or among others."""
        remaining, parts = iter(texts), [np.zeros((0, self.classes))]
        while some := list(islice(remaining, _TEXTS)):
            parts.append(self._logits(self.ngrams.rows(some)))
        return np.concatenate(parts).astype(np.float32)

    def _logits(self, rows: Rows) -> np.ndarray:
        indptr, indices, counts = rows
        values = weighed(indptr, indices, counts, self.scale, self.weighting, self.normalize)
        part = np.tile(self.bias.astype(np.float64), (len(indptr) - 1, 1))
        for first, last in _groups(indptr, _VALUES // self.classes):
            here = slice(indptr[first], indptr[last])
            products = values[here, None] * self.weights[indices[here]]
            filled = first + np.flatnonzero(np.diff(indptr[first : last + 1]))
            if len(filled):
                part[filled] += np.add.reduceat(products, indptr[filled] - indptr[first], 0)
        return part

    def log_probabilities(self, texts: Iterable[str]) -> np.ndarray:
        """(N, C) float32, the log of the softmax of the logits."""
        return _log_softmax(self.logits(texts))

    def logits_of(self, rows: Rows) -> np.ndarray:
        """`logits` from what `ngrams.rows` gave, which models over the same n-grams can share."""
        return self._logits(rows).astype(np.float32)

    def log_probabilities_of(self, rows: Rows) -> np.ndarray:
        """The same from what `ngrams.rows` gave, which models over the same n-grams can share."""
        return _log_softmax(self._logits(rows).astype(np.float32))

    def arrays(self) -> dict[str, np.ndarray]:
        """What to keep as numbers: hashes, weights, bias, scale where there is one."""
        scale = {} if self.scale is None else {"scale": self.scale}
        return {**self.ngrams.arrays(), "weights": self.weights, "bias": self.bias, **scale}

    def to_json(self) -> dict[str, Any]:
        """What to keep as text."""
        return {"ngrams": self.ngrams.to_json(), "weighting": self.weighting, "normalize": self.normalize}

    @classmethod
    def from_json(cls, data: Any, arrays: Mapping[str, np.ndarray]) -> NgramModel:
        """Rebuild from `to_json` and `arrays`; UserError says what is damaged."""
        if not isinstance(data, dict) or data.keys() != {"ngrams", "weighting", "normalize"}:
            raise UserError("n-gram model: expected ngrams, weighting and normalize; the file is damaged")
        missing = {"hashes", "weights", "bias"} - arrays.keys()
        if missing or arrays.keys() - {"hashes", "weights", "bias", "scale"}:
            got = ", ".join(sorted(arrays)) or "nothing"
            raise UserError(
                f"n-gram model: expected hashes, weights, bias and perhaps scale, got {got}; the file is damaged"
            )
        ngrams = Ngrams.from_arrays(data["ngrams"], arrays)
        weights, bias, scale = arrays["weights"], arrays["bias"], arrays.get("scale")
        return cls(ngrams, weights, bias, scale, data["weighting"], data["normalize"])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(1, keepdims=True)
    logarithms: np.ndarray = (shifted - np.log(np.exp(shifted).sum(1, keepdims=True))).astype(np.float32)
    return logarithms


def weighed(
    indptr: np.ndarray,
    indices: np.ndarray,
    counts: np.ndarray,
    scale: np.ndarray | None = None,
    weighting: str = "binary",
    normalize: bool = True,
) -> np.ndarray:
    """The values v, float64, of n-grams counted in compressed rows; see Ngrams.rows."""
    values = 1 + np.log(counts) if weighting == "log" else np.ones(len(counts))
    if scale is not None:
        values = values * scale[indices]
    if normalize and len(values):
        filled = np.flatnonzero(np.diff(indptr))
        norms = np.ones(len(indptr) - 1)
        norms[filled] = np.sqrt(np.add.reduceat(values * values, indptr[filled]))
        norms[norms == 0] = 1
        values = values / np.repeat(norms, np.diff(indptr))
    return values


def _groups(indptr: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """Rows from, to: as many as have at most so many entries, one at least."""
    first = 0
    while first < len(indptr) - 1:
        last = int(np.searchsorted(indptr, indptr[first] + most, "right")) - 1
        last = min(max(last, first + 1), len(indptr) - 1)
        yield first, last
        first = last
