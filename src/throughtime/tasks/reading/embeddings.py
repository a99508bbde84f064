"""PMI-SVD embeddings: tokens that stand near the same others start alike, from the training texts alone.

With n_ij how often token j stands within five tokens of token i, each time weighed by 1 / distance,

    m_ij = max(0, ln(n_ij (sum_j n_j^0.75) / (n_i n_j^0.75)))        n_i = sum_j n_ij
    U S V = the largest singular values of m                          embedding_i ~ U_i S^0.5

Source: Levy, Goldberg and Dagan 2015, doi:10.1162/tacl_a_00134, sections 2.1, 3.2 and 3.3.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from throughtime.data.columns import UNKNOWN, Encoded

_WINDOW, _SMOOTHING, _POWER = 5, 0.75, 0.5

_OTHERS = 5000
"""The most frequent tokens that others are described by; ids are in the order of frequency."""

_TOKENS = 10_000_000
"""Tokens that are looked at, the first ones."""

DEVIATION = 0.2
"""Of the values."""


MISSING = "PMI-SVD embeddings: left out, SciPy is not installed"
"""What is told where they cannot be computed."""


def available() -> bool:
    """Whether they can be computed here."""
    return find_spec("scipy") is not None


def pmi_embeddings(encoded: Encoded, size: int, width: int, seed: int) -> np.ndarray | None:
    """An embedding (size, width) float32 for the ids of the first column; None where there are too few different tokens
    for that. The unknown one is zero. Needs SciPy."""
    others = min(_OTHERS, size)
    if width >= min(size, others) - 1:
        return None
    counts = _counts(encoded, size, others)
    if counts.sum() < size:
        return None
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import ArpackError, svds

    entries = counts.tocoo()
    rows = np.asarray(entries.sum(1)).ravel() + 1e-9
    columns = np.asarray(entries.sum(0)).ravel() ** _SMOOTHING + 1e-9
    values = np.log(entries.data * columns.sum() / (rows[entries.row] * columns[entries.col]))
    above = values > 0
    matrix = coo_matrix((values[above], (entries.row[above], entries.col[above])), (size, others)).tocsr()
    start = np.random.default_rng(seed).standard_normal(min(size, others))
    try:
        left, singular, _ = svds(matrix, k=width, v0=start)
    except ArpackError:  # a matrix with hardly anything in it
        return None
    table = left * np.maximum(singular, 0.0) ** _POWER
    deviation = float(table.std())
    if not np.isfinite(deviation) or deviation <= 0:
        return None
    table *= DEVIATION / deviation
    table[UNKNOWN] = 0.0
    scaled: np.ndarray = table.astype(np.float32)
    return scaled


def _counts(encoded: Encoded, size: int, others: int) -> Any:
    """n, a sparse matrix (size, others): how often the most frequent tokens stand near each."""
    from scipy.sparse import coo_matrix, csr_matrix

    most = encoded.starts[np.searchsorted(encoded.starts, _TOKENS, "right") - 1] if len(encoded.ids) > _TOKENS else None
    ids = encoded.ids[:most, 0].astype(np.int64)
    text = np.repeat(np.arange(len(encoded)), encoded.lengths)[: len(ids)]
    total: Any = csr_matrix((size, others))
    for distance in range(1, _WINDOW + 1):
        one, other = ids[:-distance], ids[distance:]
        here = (text[:-distance] == text[distance:]) & (one != UNKNOWN) & (other != UNKNOWN)
        for i, j in ((one[here], other[here]), (other[here], one[here])):
            near = j < others
            weights = np.full(int(near.sum()), 1.0 / distance)
            total = total + coo_matrix((weights, (i[near], j[near])), (size, others)).tocsr()
    return total
