"""What a trained encoder-decoder gives to targets that are known, in nats; no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.models.encoder_decoder import Decoded, Pieces, forward
from throughtime.models.ragged_ids import RaggedIds
from throughtime.runtime.ragged import batches
from throughtime.tasks.sequence.stream import SequenceModel

_CELLS, _ROWS = 2048, 64
"""Pieces and pairs looked at once: their logits are as many times the vocabulary."""


def losses(model: SequenceModel, sources: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> np.ndarray:
    """(N, 2): nats of each target, the edge included, and how many pieces that is. None of the sources is empty."""
    config, parameters, ops = model.config, model.parameters, model.ops
    ids, wanted = RaggedIds.of(sources), RaggedIds.of(targets)
    found = np.zeros((len(ids), 2))
    for rows in batches(np.maximum(ids.lengths, wanted.lengths + 1), _CELLS, _ROWS):
        lengths = wanted.lengths[rows] + 1
        tokens = ids.padded(rows)
        read = Pieces(tokens, ids.lengths[rows])
        said: Decoded = forward(ops, config, parameters, read, Pieces(wanted.padded(rows, before=config.edge), lengths))
        truth = wanted.padded(rows, behind=config.edge)
        logits = ops.log_softmax(ops.linear(said.readout, parameters["embedding"], parameters["output.b_y"]))
        likely = np.exp(np.take_along_axis(logits, truth[..., None], -1)[..., 0])
        if said.gate is not None:
            gate = 1.0 / (1.0 + np.exp(-said.gate[..., 0]))
            mass = (said.shares * (truth[..., None] == tokens.T)).sum(-1)
            likely = gate * likely + (1 - gate) * mass
        inside = np.arange(len(truth))[:, None] < lengths
        found[rows, 0] = np.where(inside, -np.log(np.maximum(likely, 1e-30)), 0.0).sum(0)
        found[rows, 1] = lengths
    return found
