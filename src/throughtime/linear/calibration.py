"""The temperature that makes probabilities as sure as they are right."""

from __future__ import annotations

import numpy as np

_LEAST, _MOST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2


def temperature(logits: np.ndarray, truth: np.ndarray, prior: float = 0.0) -> float:
    """The T from 0.05 to 20 for which softmax(logits / T) has the least mean negative log-likelihood.

    logits: (N, C), log-probabilities serve as well. truth: (N,) class numbers; a label outside 0..C-1, never seen in
    training, says nothing about T and is left out. prior: how many texts the belief in T = 1 weighs, as (ln T)^2 each.
    1.0 without a text. The loss is convex in 1 / T; golden section on ln T.

    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    known = (truth >= 0) & (truth < logits.shape[1])
    if not known.any():
        return 1.0
    own = logits[known].astype(np.float64)
    own -= own.max(1, keepdims=True)
    right = own[np.arange(len(own)), truth[known]]

    def loss(log: float) -> float:
        scaled = own * np.exp(-log)
        nll = np.log(np.exp(scaled).sum(1)) - right * np.exp(-log)
        return float(nll.sum() + prior * log * log)

    low, high = float(np.log(_LEAST)), float(np.log(_MOST))
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    first, second = loss(one), loss(two)
    while high - low > 1e-5:
        if first <= second:
            high, two, second = two, one, first
            one = high - _GOLDEN * (high - low)
            first = loss(one)
        else:
            low, one, first = one, two, second
            two = low + _GOLDEN * (high - low)
            second = loss(two)
    return float(np.exp((low + high) / 2))
