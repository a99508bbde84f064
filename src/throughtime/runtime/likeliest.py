"""What may come next in an answer: the likeliest pieces of many rows, without sorting a vocabulary."""

from __future__ import annotations

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
    _order: dict[int, np.ndarray] = field(default_factory=dict)

    def share(self, row: int, token: int) -> float:
        """The probability of a piece."""
        return float(self.probabilities[row, token])

    def tokens(self, row: int, count: int) -> list[int]:
        """The likeliest pieces of a row, best first; of equals the first."""
        if not self._order:
            self._rank(count)
        found: list[int] = self._order[row][:count].tolist()
        return found

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
        self._order = dict(enumerate(found))

    def copied(self, row: int, token: int) -> float:
        """How much of a piece's probability comes from copying it."""
        if self.gate is None:
            return 0.0
        there = self.sources[:, row % self.sources.shape[1]] == token
        mass = float(self.shares[row, : len(there)][there].sum()) if there.any() else 0.0
        return (1.0 - float(self.gate[row])) * mass / max(self.share(row, token), 1e-30)


def continuations(
    ops: Ops, config: EncoderDecoderConfig, parameters: Params, said: Decoded, sources: np.ndarray, count: int
) -> Continuations:
    """What a decoder says after one step, as probabilities. sources: (T, B). count: B. UserError where they are no
    numbers."""
    logits = ops.linear(said.readout, parameters["embedding"], parameters["output.b_y"])[0]
    with np.errstate(all="ignore"):
        logits = logits - logits.max(-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(-1, keepdims=True)
    if not np.isfinite(logits).all():
        raise UserError("the model's output is not finite; its training diverged or its file is damaged")
    shares = said.shares.reshape(-1, said.shares.shape[-1])
    gate = None
    if said.gate is not None:
        with np.errstate(all="ignore"):
            gate = 1.0 / (1.0 + np.exp(-said.gate[0, :, 0]))
        logits *= gate[:, None]
        each = np.broadcast_to(np.arange(len(logits))[:, None], shares.shape)
        ids = sources.T[np.arange(len(logits)) % count]
        np.add.at(logits, (each, ids), shares * (1.0 - gate)[:, None])
    return Continuations(logits, shares, sources, gate)
