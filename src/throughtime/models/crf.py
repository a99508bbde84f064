"""A conditional random field over the tags of a sequence: a score for each tag, and one for each pair in a row.

    score(y) = a_{y_1} + sum_t e_{t, y_t} + sum_t A_{y_{t-1}, y_t} + z_{y_T}
    p(y)     = exp score(y) / Z,        Z = sum over all y of exp score(y)

    alpha_1 = a + e_1        alpha_t = log(exp(alpha_{t-1})^T exp(A)) + e_t        log Z = log sum exp(alpha_T + z)

Sources: Lafferty et al. 2001 (ICML, pages 282 to 289); over a recurrence, Huang et al. 2015, arXiv:1508.01991, and
Lample et al. 2016, arXiv:1603.01360, section 2.2. The recursion runs on probabilities, so that a step is one product of
matrices, and on their logarithms where those would vanish.

`log_partition` and `score` are written once over `ops`; what a trained model needs, the best sequence and the
probabilities of each tag, is NumPy's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

FORBIDDEN = -1e4
"""The score of a pair that cannot be."""

_VANISHED = 1e-20
"""So small a sum of probabilities has lost some that float32 does not hold."""


def log_partition(ops: Any, emissions: Any, transitions: Any, first: Any, last: Any, lengths: Any) -> Any:
    """log Z of each row (B,), float32 as the emissions. emissions: (T, B, K), transitions: (K, K) from row to column,
    first, last: (K,), lengths: (B,)."""
    highest = ops.largest(ops.largest(transitions, 0), 0)
    pairs = ops.exp(transitions - highest)
    mask = ops.mask(lengths, len(emissions), emissions)
    alpha = emissions[0] + first
    for t in range(1, len(emissions)):
        most = ops.largest(alpha, 1)[:, None]
        inside = ops.exp(alpha - most) @ pairs
        if (inside > _VANISHED).all():
            after = ops.log(inside) + most + highest + emissions[t]
        else:
            ways = alpha[:, :, None] + transitions
            most = ops.largest(ways, 1)
            after = ops.log(ops.sum(ops.exp(ways - most[:, None]), 1)) + most + emissions[t]
        alpha = mask[t] * after + (1.0 - mask[t]) * alpha
    alpha = alpha + last
    most = ops.largest(alpha, 1)
    return ops.log(ops.sum(ops.exp(alpha - most[:, None]), 1)) + most


def allowed(tags: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What cannot be in BIO or BIOES: transitions (K, K), first (K,) and last (K,), 0 where allowed, else FORBIDDEN.

    Tags without such prefixes may follow each other in any order.
    """
    count = len(tags)
    pairs, first, last = np.zeros((count, count), np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32)
    kinds = [(tag[0], tag[2:]) if tag[1:2] == "-" and tag[0] in "BIES" else ("O", "") for tag in tags]
    closing = any(prefix in "ES" for prefix, _ in kinds)
    for j, (prefix, kind) in enumerate(kinds):
        goes_on = prefix in "IE"
        first[j] = FORBIDDEN * goes_on
        last[j] = FORBIDDEN * (closing and prefix in "BI")
        for i, (before, other) in enumerate(kinds):
            inside = before in "BI"
            if goes_on and not (inside and other == kind):
                pairs[i, j] = FORBIDDEN
            if closing and inside and not (goes_on and other == kind):
                pairs[i, j] = FORBIDDEN
    return pairs, first, last


def best(
    emissions: np.ndarray, transitions: np.ndarray, first: np.ndarray, last: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """The likeliest tags (T, B) int64 of each row, 0 behind its end: Viterbi 1967, doi:10.1109/TIT.1967.1054010."""
    steps, rows, count = emissions.shape
    score = emissions[0] + first
    came = np.zeros((steps, rows, count), np.int32)
    for t in range(1, steps):
        ways = score[:, :, None] + transitions
        came[t] = ways.argmax(1)
        after = np.take_along_axis(ways, came[t][:, None, :], 1)[:, 0] + emissions[t]
        score = np.where((t < lengths)[:, None], after, score)
    found, places = np.zeros((steps, rows), np.int64), np.arange(rows)
    tag = (score + last).argmax(1)
    for t in range(steps - 1, -1, -1):
        inside = t < lengths
        found[t, inside] = tag[inside]
        tag = np.where(inside & (t > 0), came[t, places, tag], tag)
    return found


def marginals(
    emissions: np.ndarray, transitions: np.ndarray, first: np.ndarray, last: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """The probability of each tag of each token, (T, B, K) float64, 0 behind a row's end: forward and backward."""
    steps, rows, count = emissions.shape
    scores, pairs = emissions.astype(np.float64), transitions.astype(np.float64)
    alpha, beta = np.zeros((steps, rows, count)), np.zeros((steps, rows, count))
    alpha[0] = scores[0] + first
    for t in range(1, steps):
        alpha[t] = np.logaddexp.reduce(alpha[t - 1][:, :, None] + pairs, 1) + scores[t]
    for t in range(steps - 1, -1, -1):
        ends = np.equal(lengths - 1, t)[:, None]
        onward = np.zeros((rows, count))
        if t + 1 < steps:
            onward = np.logaddexp.reduce(pairs + (scores[t + 1] + beta[t + 1])[:, None, :], 2)
        beta[t] = np.where(ends, last, onward)
    both = alpha + beta
    found: np.ndarray = np.exp(both - np.logaddexp.reduce(both, 2)[..., None])
    found[np.arange(steps)[:, None] >= lengths] = 0.0
    return found
