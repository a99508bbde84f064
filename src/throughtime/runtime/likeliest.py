"""What may come next in an answer: the likeliest pieces of many rows, without sorting a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError
from throughtime.models.encoder_decoder import Decoded, EncoderDecoderConfig
from throughtime.models.ops import Ops, Params

_PARTS = 16
"""Pieces whose largest probability is looked at first: so many, far from each other."""


_TOGETHER = 32
"""Rows that are gone through at once: so few that they stay in the processor's cache."""

Candidate = tuple[int, int, float]
"""Which of several answers goes on, with which piece, and the probability of that."""


@dataclass
class Continuations:
    """Probabilities (R, V) of the next piece of each row. shares: (R, T), the attention. sources: (T, B), the pieces of
    the sources; row r reads source r mod B. gate: (R,) the share of what is not copied, None where nothing is."""

    probabilities: np.ndarray
    shares: np.ndarray
    sources: np.ndarray
    gate: np.ndarray | None
    _ranked: tuple[np.ndarray, np.ndarray] | None = None
    _lists: tuple[list[list[int]], list[list[float]]] | None = None

    def share(self, row: int, token: int) -> float:
        """The probability of a piece."""
        return float(self.probabilities[row, token])

    def best(self, row: int, count: int) -> tuple[list[int], list[float]]:
        """The likeliest pieces of a row, best first, of equals the first; and their probabilities."""
        tokens, likely = self.ranked(count)
        if self._lists is None:
            self._lists = tokens.tolist(), likely.tolist()
        return self._lists[0][row][:count], self._lists[1][row][:count]

    def ranked(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(R, N) the likeliest pieces of every row, as `best` has them, at least so many where there are so many; and
        their probabilities."""
        count = min(count, self.probabilities.shape[1])
        if self._ranked is None or count > self._ranked[0].shape[1]:
            self._ranked, self._lists = self._rank(count), None
        return self._ranked

    def _rank(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows, size = self.probabilities.shape
        width = size // _PARTS
        whole, most = width * _PARTS, min(count, width)
        places = np.broadcast_to(np.arange(whole, size), (rows, size - whole))
        if most:
            # the likeliest pieces stand in the columns with the highest largest ones
            highest = self.probabilities[:, :whole].reshape(rows, _PARTS, width).max(1)
            among = np.argpartition(highest, width - most, axis=1)[:, width - most :]
            inside = (among[:, :, None] + width * np.arange(_PARTS)).reshape(rows, -1)
            places = np.concatenate([inside, places], 1)
        values = np.take_along_axis(self.probabilities, places, 1)
        some = np.argpartition(values, values.shape[1] - count, axis=1)[:, values.shape[1] - count :]
        found = np.sort(np.take_along_axis(places, some, 1), axis=1)
        values = np.take_along_axis(self.probabilities, found, 1)
        order = np.argsort(-values, axis=1, kind="stable")
        return np.take_along_axis(found, order, 1), np.take_along_axis(values, order, 1)

    def candidates(self, before: np.ndarray, beam: int, edge: int) -> list[list[Candidate]]:
        """How the answers to each source may best go on, best first: some more than a beam needs.

        before: (L, B), log p of the answers, which are rows l B + b; minus infinity where there is none.
        """
        count = 2 * beam + 2
        tokens, shares = (one[:, :count] for one in self.ranked(count))
        ends = np.where((tokens == edge).any(1), 0.0, self.probabilities[:, edge])[:, None]  # is always looked at
        tokens = np.concatenate([tokens, np.full(ends.shape, edge, tokens.dtype)], 1)
        shares = np.concatenate([shares, ends], 1).astype(np.float64)
        (answers, sources), width = before.shape, tokens.shape[1]
        logs = np.where(shares > 0, np.log(np.maximum(shares, 1e-30)), -np.inf) + before.reshape(-1, 1)
        total, tokens, shares = (
            one.reshape(answers, sources, width).transpose(1, 0, 2).reshape(sources, -1)
            for one in (logs, tokens, shares)
        )
        order = np.argsort(-total, axis=1, kind="stable")[:, : 3 * beam + 4]
        total, tokens, shares = (np.take_along_axis(one, order, 1) for one in (total, tokens, shares))
        some = (total > -np.inf).sum(1).tolist()
        lists = [(order // width).tolist(), tokens.tolist(), shares.tolist()]
        return [list(zip(*(one[b][: some[b]] for one in lists), strict=True)) for b in range(sources)]

    def copied(self, rows: Sequence[int], tokens: Sequence[int]) -> np.ndarray:
        """(N,) how much of the probability of each piece comes from copying it. rows, tokens: (N,)."""
        if self.gate is None or not len(rows):
            return np.zeros(len(rows))
        own, said = np.asarray(rows), np.asarray(tokens)
        place, which = np.nonzero(self.sources[:, own % self.sources.shape[1]] == said)
        # one after the other, so that what else is looked at changes no bit
        mass = np.bincount(which, self.shares[own[which], place], len(own))
        likely = np.maximum(self.probabilities[own, said].astype(np.float64), 1e-30)
        found: np.ndarray = (1.0 - self.gate[own].astype(np.float64)) * mass / likely
        return found


def continuations(
    ops: Ops, config: EncoderDecoderConfig, parameters: Params, said: Decoded, sources: np.ndarray, count: int
) -> Continuations:
    """What a decoder says after one step, as probabilities. sources: (T, B). count: B. UserError where they are no
    numbers."""
    logits = ops.linear(said.readout, parameters["embedding"], parameters["output.b_y"])[0]
    shares = said.shares.reshape(-1, said.shares.shape[-1])
    gate, sums = None, np.empty((len(logits), 1), logits.dtype)
    with np.errstate(all="ignore"):
        if said.gate is not None:
            gate = 1.0 / (1.0 + np.exp(-said.gate[0, :, 0]))
        for first in range(0, len(logits), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            part = logits[some]
            part -= part.max(-1, keepdims=True)
            np.exp(part, out=part)
            sums[some] = part.sum(-1, keepdims=True)
            part *= (1.0 if gate is None else gate[some, None]) / sums[some]
    if not np.isfinite(sums).all() or (gate is not None and not np.isfinite(gate).all()):
        raise UserError("the model's output is not finite; its training diverged or its file is damaged")
    if gate is not None:
        each = np.broadcast_to(np.arange(len(logits))[:, None], shares.shape)
        ids = sources.T[np.arange(len(logits)) % count]
        np.add.at(logits, (each, ids), shares * (1.0 - gate)[:, None])
    return Continuations(logits, shares, sources, gate)
