"""Naive-Bayes features: what the n-grams that end in a token say of the classes, for a recurrence to read.

With n-grams g of order n and r_gc naive Bayes' log-count ratio of class c,

    r_gc = ln((a_gc + 1) / (N_c + 2)) - ln((b_gc + 1) / (M_c + 2))
    v_tnc = (sum of r_gc over the n-grams g of order n that end in token t) / s_nc

where a_gc of the N_c texts of class c and b_gc of the M_c others have g (a text may be of several classes), and s_nc
is the deviation over all tokens that are learned from. In training a text's own features come from counts without it
and its like (in the manner of stacking: Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1), so that the recurrence
learns how far to trust it, what to make of a "not" before it and what it misses. For two classes there is one v of
each order, that of the second.

Source: the ratios, Wang and Manning 2012, aclanthology.org/P12-2018, section 2.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.data.splits import folds
from throughtime.errors import UserError
from throughtime.linear.ngrams import Ngrams
from throughtime.storage.parameters import check_finite

CONTEXT = 8
"""Tokens back that the n-grams ending in a token may reach."""

FOLDS = 8
"""Parts of the texts that are learned from; the features of each come from all others."""

WORDS, CHARACTERS, SIGNS = (1, 3), (1, 6), (1, 4)
"""The orders of n-grams of tokens, and of the characters of tokens; of tokens that are single characters."""


class NaiveBayesFeatures:
    """ngrams: known ones. ratios: (F, K) float32, r of each, K 1 for two classes, else their number. scale: (channels,)
    float32, by what each channel is divided. UserError where these do not fit."""

    def __init__(self, ngrams: Ngrams, ratios: np.ndarray, scale: np.ndarray | None = None) -> None:
        if ratios.ndim != 2 or len(ratios) != ngrams.size or ratios.dtype != np.float32:
            raise UserError(
                f"naive-Bayes features: expected ratios ({ngrams.size}, K) float32, got {ratios.shape}; damaged"
            )
        self.ngrams, self.ratios = ngrams, ratios
        self.scale = np.ones(self.channels, np.float32) if scale is None else scale
        if self.scale.shape != (self.channels,) or self.scale.dtype != np.float32:
            raise UserError(
                f"naive-Bayes features: expected a scale of {self.channels} values, float32; the file is damaged"
            )
        check_finite("naive-Bayes features", {"ratios": ratios, "scale": self.scale})
        if (self.scale <= 0).any():
            raise UserError("naive-Bayes features: expected scales above 0; the file is damaged")

    @property
    def orders(self) -> tuple[Any, Any]:
        """Of words and of characters the orders of the n-grams, None for none."""
        return self.ngrams.words, self.ngrams.characters

    @property
    def channels(self) -> int:
        """Values of a token: the ratios of every order."""
        orders = [kind for kind in (self.ngrams.words, self.ngrams.characters) if kind is not None]
        return sum(highest for _, highest in orders) * int(self.ratios.shape[1])

    @classmethod
    def fit(
        cls,
        tokens: Sequence[Sequence[str]],
        labels: Sequence[str],
        classes: Sequence[str],
        keys: Sequence[Hashable],
        seed: int,
        sets: np.ndarray | None = None,
    ) -> tuple[NaiveBayesFeatures, np.ndarray]:
        """The features by all texts together, and those of the texts themselves, (M, channels) float32, without them.

        tokens: of N texts. keys: (N,) texts of one key are left out together. sets: (N, C) bool, where a text
        may be of several classes; labels then say only what is spread evenly.
        """
        joined = _joined(tokens)[0]
        long = sum(len(token) > 1 for text in tokens for token in text) > 0.5 * sum(map(len, tokens))
        ngrams = Ngrams(WORDS if long else SIGNS, CHARACTERS if long else None, least=(1, 2)).fit(joined)
        indptr, indices, _ = ngrams.rows(joined)
        number = {name: i for i, name in enumerate(classes)}
        several = sets is not None
        truth = np.zeros(0, np.int64) if several else np.array([number[label] for label in labels])
        owner, count = np.repeat(np.arange(len(tokens)), np.diff(indptr)), len(classes)

        def counts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            inside = np.zeros(len(tokens), bool)
            inside[rows] = True
            mine = inside[owner]
            if sets is not None:
                return _counts_of_sets(sets, rows, indices[mine], owner[mine], ngrams.size)
            cells = indices[mine].astype(np.int64) * count + truth[owner[mine]]
            there = np.bincount(cells, minlength=ngrams.size * count).reshape(-1, count)
            return there, np.bincount(truth[rows], minlength=count)

        every = counts(np.arange(len(tokens)))
        whole = cls(ngrams, _ratios(*every, several))
        starts = np.concatenate([[0], np.cumsum([max(1, len(text)) for text in tokens])])
        apart = np.zeros((starts[-1], whole.channels), np.float32)
        for part in folds(keys, list(labels), min(FOLDS, len(set(keys))), seed):
            there, texts = counts(part)
            rest = cls(ngrams, _ratios(every[0] - there, every[1] - texts, several))
            places = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in part])
            apart[places] = rest.of([tokens[i] for i in part])
        deviation = apart.std(0)
        # what no other text has tells nothing here, but it will of the same texts when they are read again
        scale = np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
        return cls(ngrams, whole.ratios, scale), apart / scale

    def of(self, texts: Sequence[Sequence[str]]) -> np.ndarray:
        """(M, channels) float32 of all tokens of some texts, one after the other; a text without a token has one."""
        each = self.ratios.shape[1]
        words = 0 if self.ngrams.words is None else self.ngrams.words[1]
        joined, ends = _joined(texts)
        features = np.zeros((len(ends), self.channels), np.float32)
        for kind, order, ids, owner, last in self.ngrams.located(joined):
            if len(ids):
                # ends rise from token to token and from text to text
                token = np.searchsorted(ends, last + owner * _APART, "right")
                first = (order - 1 if kind == "words" else words + order - 1) * each
                low, high = int(token[0]), int(token[-1]) + 1
                for k in range(each):
                    sums = np.bincount(token - low, self.ratios[ids, k], high - low)
                    features[low:high, first + k] += sums.astype(np.float32)
        features /= self.scale
        return features

    def arrays(self) -> dict[str, np.ndarray]:
        """What to keep as numbers."""
        return {**self.ngrams.arrays(), "ratios": self.ratios, "scale": self.scale}

    def to_json(self) -> dict[str, Any]:
        """What to keep as text."""
        return {"ngrams": self.ngrams.to_json()}

    @classmethod
    def from_json(cls, data: Any, arrays: Mapping[str, np.ndarray]) -> NaiveBayesFeatures:
        """Rebuild from `to_json` and `arrays`; UserError says what is damaged."""
        if not isinstance(data, dict) or "ngrams" not in data or {"hashes", "ratios", "scale"} - arrays.keys():
            raise UserError("naive-Bayes features: expected n-grams, hashes, ratios and scale; the file is damaged")
        return cls(Ngrams.from_arrays(data["ngrams"], arrays), arrays["ratios"], arrays["scale"])


_APART = 1 << 40
"""More than a text has characters."""


def _counts_of_sets(
    sets: np.ndarray, rows: np.ndarray, indices: np.ndarray, owner: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many texts of each class, and last of all, have an n-gram, (F, C + 1), and how many there are, (C + 1,)."""
    every = np.concatenate([sets, np.ones((len(sets), 1), bool)], 1)
    there = np.stack([np.bincount(indices[own[owner]], minlength=size) for own in every.T], 1)
    return there, every[rows].sum(0)


def _ratios(there: np.ndarray, texts: np.ndarray, several: bool = False) -> np.ndarray:
    """r (F, K) from how many texts of each class have an n-gram, (F, C), and how many texts there are, (C,). several:
    texts may be of several classes; a last column is of all texts."""
    if several:
        (each, whole), (count, all_) = ((one[..., :-1], one[..., -1:]) for one in (there, texts))
        apart: np.ndarray = np.log((each + 1) / (count + 2)) - np.log((whole - each + 1) / (all_ - count + 2))
        apart[whole[:, 0] == 0] = 0.0
        return apart.astype(np.float32)
    others = there.sum(1, keepdims=True) - there
    ratios = np.log((there + 1) / (texts + 2)) - np.log((others + 1) / (texts.sum() - texts + 2))
    ratios[there.sum(1) == 0] = 0.0  # of what these texts do not have nothing is known
    needed: np.ndarray = (ratios[:, 1:] if ratios.shape[1] == 2 else ratios).astype(np.float32)
    return needed


def _joined(texts: Sequence[Sequence[str]]) -> tuple[list[str], np.ndarray]:
    """Tokens with a space between them, as n-grams see them, and the place of each token's end and the space after it,
    (M,) int64, counted within its text and moved on by _APART from text to text."""
    joined, ends = [], []
    for n, text in enumerate(texts):
        tokens = [" ".join(token.lower().split()) or _NOTHING for token in text] or [_NOTHING]
        joined.append(" ".join(tokens))
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens)) + 1
        ends.append(1 + lengths.cumsum() + n * _APART)
    return joined, np.concatenate(ends) if ends else np.zeros(0, np.int64)


_NOTHING = "\u0001"
"""A token without a letter."""
