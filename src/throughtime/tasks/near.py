"""Embeddings to start from: tokens that stand near the same others get similar ones, from the training texts alone.

With n_ij how often token j stands within five tokens of token i, each time weighed by 1 / distance,

    m_ij = max(0, ln(n_ij (sum_j n_j^0.75) / (n_i n_j^0.75)))        n_i = sum_j n_ij
    U S V = the largest singular values of m                          embedding_i ~ U_i S^0.5

Source: Levy, Goldberg and Dagan 2015, doi:10.1162/tacl_a_00134, sections 2.1, 3.2 and 3.3.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from throughtime.data.columns import UNKNOWN, Encoded

_WINDOW, _SMOOTHING, _POWER = 5, 0.75, 0.5

_OTHERS = 5000
"""The most frequent tokens that others are described by; ids are in the order of frequency."""

DEVIATION = 0.2
"""Of the values."""


def near(encoded: Encoded, size: int, width: int, seed: int) -> np.ndarray | None:
    """An embedding (size, width) float32 for the ids of the first column; None where SciPy is missing, or there are too
    few different tokens for that. The unknown one is zero."""
    others = min(_OTHERS, size)
    if find_spec("scipy") is None or width >= min(size, others) - 1:
        return None
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import svds

    ids = encoded.ids[:, 0].astype(np.int64)
    text = np.repeat(np.arange(len(encoded)), encoded.lengths)
    rows, columns, weights = [], [], []
    for distance in range(1, _WINDOW + 1):
        one, other = ids[:-distance], ids[distance:]
        here = (text[:-distance] == text[distance:]) & (one != UNKNOWN) & (other != UNKNOWN)
        for i, j in ((one[here], other[here]), (other[here], one[here])):
            rows.append(i[j < others])
            columns.append(j[j < others])
            weights.append(np.full(len(rows[-1]), 1.0 / distance))
    if sum(map(len, rows)) < size:
        return None
    counts = coo_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), (size, others))
    counts = counts.tocsr().tocoo()
    own = np.asarray(counts.sum(1)).ravel() + 1e-9
    theirs = np.asarray(counts.sum(0)).ravel() ** _SMOOTHING + 1e-9
    values = np.log(counts.data * theirs.sum() / (own[counts.row] * theirs[counts.col]))
    kept = values > 0
    matrix = coo_matrix((values[kept], (counts.row[kept], counts.col[kept])), (size, others)).tocsr()
    start = np.random.default_rng(seed).standard_normal(min(size, others))
    left, singular, _ = svds(matrix, k=width, v0=start)
    found = left * np.maximum(singular, 0.0) ** _POWER
    deviation = float(found.std())
    if not np.isfinite(deviation) or deviation <= 0:
        return None
    found *= DEVIATION / deviation
    found[UNKNOWN] = 0.0
    table: np.ndarray = found.astype(np.float32)
    return table
