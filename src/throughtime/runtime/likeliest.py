"""What may come next in an answer: the likeliest pieces of many rows, without sorting a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from throughtime.errors import UserError
from throughtime.models.encoder_decoder import Decoded, EncoderDecoderConfig
from throughtime.models.ops import Ops, Params

_BLOCK = 64
"""Pieces whose largest probability is looked at first."""


@dataclass
class Continuations:
    """Probabilities (R, V) of the next piece of each row. shares: (R, T), the attention. sources: (T, B), the pieces of
    the sources; row r reads source r mod B. gate: (R,) the share of what is not copied, None where nothing is."""

    probabilities: np.ndarray
    shares: np.ndarray
    sources: np.ndarray
    gate: np.ndarray | None
    _count: int = 0
    _tokens: list[list[int]] = field(default_factory=list)
    _likely: list[list[float]] = field(default_factory=list)

    def share(self, row: int, token: int) -> float:
        """The probability of a piece."""
        return float(self.probabilities[row, token])

    def best(self, row: int, count: int) -> tuple[list[int], list[float]]:
        """The likeliest pieces of a row, best first, of equals the first; and their probabilities."""
        if count > self._count:
            self._rank(count)
        return self._tokens[row][:count], self._likely[row][:count]

    def _rank(self, count: int) -> None:
        rows, size = self.probabilities.shape
        count = min(count, size)
        blocks = -(-size // _BLOCK)
        whole = size // _BLOCK * _BLOCK
        highest = np.zeros((rows, blocks), self.probabilities.dtype)
        highest[:, : size // _BLOCK] = self.probabilities[:, :whole].reshape(rows, -1, _BLOCK).max(-1)
        if whole < size:
            highest[:, -1] = self.probabilities[:, whole:].max(-1)
        most = min(count, blocks)
        among = np.sort(np.argpartition(-highest, most - 1, axis=1)[:, :most], axis=1)
        places = (among[:, :, None] * _BLOCK + np.arange(_BLOCK)).reshape(rows, -1)
        inside = places < size
        values = np.where(inside, np.take_along_axis(self.probabilities, np.minimum(places, size - 1), 1), -1.0)
        some = np.sort(np.argpartition(-values, min(count, values.shape[1]) - 1, axis=1)[:, :count], axis=1)
        best = np.argsort(-np.take_along_axis(values, some, 1), axis=1, kind="stable")
        found = np.take_along_axis(places, np.take_along_axis(some, best, 1), 1)
        self._count = count
        self._tokens = found.tolist()
        self._likely = np.take_along_axis(self.probabilities, found, 1).tolist()

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
    gate = None
    with np.errstate(all="ignore"):
        logits -= logits.max(-1, keepdims=True)
        np.exp(logits, out=logits)
        sums = logits.sum(-1, keepdims=True)
        if said.gate is not None:
            gate = 1.0 / (1.0 + np.exp(-said.gate[0, :, 0]))
        logits *= (1.0 if gate is None else gate[:, None]) / sums
    if not np.isfinite(sums).all() or (gate is not None and not np.isfinite(gate).all()):
        raise UserError("the model's output is not finite; its training diverged or its file is damaged")
    if gate is not None:
        each = np.broadcast_to(np.arange(len(logits))[:, None], shares.shape)
        ids = sources.T[np.arange(len(logits)) % count]
        np.add.at(logits, (each, ids), shares * (1.0 - gate)[:, None])
    return Continuations(logits, shares, sources, gate)
