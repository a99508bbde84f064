"""Choosing the next token from its logits: greedy, temperature, top-k, top-p."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from throughtime.errors import UserError

_BLOCK = 32768
"""Random values drawn at once."""

_COLDEST = 1e-6
"""The lowest temperature that single precision can tell from greedy."""


class Sampler:
    """Draws tokens from softmax(logits / temperature), cut to the likeliest ones.

    vocabulary: V. temperature: above 0; 0 is greedy. top_k: only the k likeliest. top_p: only the likeliest that
    together reach probability p (after top_k). seed: an integer or integers, None for a new one every time.
    greedy: always the likeliest. Raises UserError for values outside their range.

    One draw is argmax(logits / temperature + g), g independent Gumbel values, which has the softmax's distribution
    without computing it (Gumbel 1954; Maddison et al. 2014, arXiv:1411.0030). Each draw uses V values of g, so the
    draws depend on the seed alone.
    """

    def __init__(
        self,
        vocabulary: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | Sequence[int] | None = None,
        greedy: bool = False,
    ) -> None:
        if not _is_number(temperature) or not 0 <= temperature < math.inf:
            raise UserError(f"temperature: expected a number from 0 (greedy) up, got {temperature!r}")
        if top_k is not None and (type(top_k) is not int or top_k < 1):
            raise UserError(f"top_k: expected a positive integer, got {top_k!r}")
        if top_p is not None and (not _is_number(top_p) or not 0 < top_p <= 1):
            raise UserError(f"top_p: expected a share above 0 and at most 1, got {top_p!r}")
        seeds = [seed] if seed is None or isinstance(seed, int | str) else list(seed)
        if seed is not None and not all(type(one) is int and one >= 0 for one in seeds):
            raise UserError(f"seed: expected an integer from 0 up, got {seed!r}")
        self.vocabulary = vocabulary
        self.greedy = greedy or temperature < _COLDEST or top_k == 1
        self._scale = np.float32(1.0 if self.greedy else 1.0 / temperature)
        self._top_k = top_k if top_k is not None and top_k < vocabulary else None
        self._top_p = top_p if top_p is not None and top_p < 1 else None
        self._rng = np.random.default_rng(seed)
        self._scores = np.empty(vocabulary, np.float32)
        self._rows: list[np.ndarray] = []

    def draw(self, logits: np.ndarray) -> int:
        """One token for logits (V,), float32; they are not changed. UserError where they are not numbers."""
        if self.greedy:
            return self._checked(logits, int(logits.argmax()))
        if not self._rows:
            self._refill()
        noise = self._rows.pop()
        scores = self._scores
        np.multiply(logits, self._scale, scores)
        if self._top_k is None and self._top_p is None:
            np.subtract(scores, noise, scores)
            return self._checked(scores, int(scores.argmax()))
        kept = self._kept(scores)
        return self._checked(scores, int(kept[(scores[kept] - noise[kept]).argmax()]))

    def _checked(self, scores: np.ndarray, token: int) -> int:
        """The token, if its score is a number: argmax finds a NaN wherever there is one."""
        if not math.isfinite(scores[token]):
            raise UserError("sampling: the model's output is not finite; its training diverged or its file is damaged")
        return token

    def _kept(self, scores: np.ndarray) -> np.ndarray:
        """The tokens that may be drawn."""
        kept = np.arange(self.vocabulary)
        if self._top_k is not None:
            kept = np.argpartition(scores, -self._top_k)[-self._top_k :]
        if self._top_p is not None:
            kept = kept[np.argsort(-scores[kept], kind="stable")]
            p = np.exp(scores[kept] - scores[kept[0]])
            reached = np.cumsum(p)
            kept = kept[: int(np.searchsorted(reached, self._top_p * reached[-1])) + 1]
        return kept

    def _refill(self) -> None:
        """Draw a block of -g, the logarithm of exponential values; in float64, whose tail is long enough."""
        rows = max(1, _BLOCK // self.vocabulary)
        noise = np.log(self._rng.standard_exponential((rows, self.vocabulary))).astype(np.float32)
        self._rows = list(noise[::-1])


def until(pieces: Iterator[str], stop: str) -> Iterator[str]:
    """The pieces up to the stop text; what may be its beginning is held back until that is decided."""
    held = ""
    for piece in pieces:
        held += piece
        found = held.find(stop)
        if found >= 0:
            if found:
                yield held[:found]
            return
        keep = next(k for k in range(min(len(stop) - 1, len(held)), -1, -1) if held.endswith(stop[:k]))
        if keep < len(held):
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
