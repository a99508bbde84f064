"""From the states of a text's tokens to one vector.

    max        the largest of each unit over the tokens
    mean       the mean over the tokens
    attention  sum_t a_t h_t, a = softmax over t of w_a . h_t
    last       the state after the last token, and of the other direction that before the first

Sources: attention as a pooling, Yang et al. 2016, doi:10.18653/v1/N16-1174, equations 5 to 7, here without the inner
layer, so that it can be taken in token by token; max and mean beside the last state, Howard and Ruder 2018,
arXiv:1801.06146, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from throughtime.models.ops import Ops, Params
from throughtime.recurrence import Recurrence

_FAR = 1e4
"""So far below others lies what must not be chosen."""


def pool(ops: Ops, kinds: Sequence[str], parameters: Params, prefix: str, h: Any, final: Any, lengths: Any) -> Any:
    """(B, P): the poolings side by side. h: (T, B, S), final: the last output by direction, lengths: (B,)."""
    mask = ops.mask(lengths, len(h), h)
    beyond = (mask - 1.0) * _FAR
    return ops.concatenate([_KINDS[kind](ops, parameters, prefix, h, final, mask, beyond) for kind in kinds])


def attention(ops: Ops, parameters: Params, prefix: str, h: Any, lengths: Any) -> Any:
    """(T, B): the share of each token."""
    beyond = (ops.mask(lengths, len(h), h) - 1.0) * _FAR
    return ops.softmax(ops.linear(h, parameters[f"{prefix}.w_a"], None) + beyond, 0)[..., 0]


def widths(kinds: Sequence[str], layers: Sequence[Recurrence]) -> int:
    """P, of the poolings over a top layer."""
    return len(kinds) * sum(layer.output_size for layer in layers)


def shapes(kinds: Sequence[str], prefix: str, width: int) -> dict[str, tuple[int, ...]]:
    """Parameters of the poolings over states of some width."""
    return {f"{prefix}.w_a": (1, width)} if "attention" in kinds else {}


def _max(ops: Ops, parameters: Any, prefix: str, h: Any, final: Any, mask: Any, beyond: Any) -> Any:
    return ops.largest(h + beyond, 0)


def _mean(ops: Ops, parameters: Any, prefix: str, h: Any, final: Any, mask: Any, beyond: Any) -> Any:
    return ops.sum(h, 0) / ops.sum(mask, 0)


def _attention(ops: Ops, parameters: Any, prefix: str, h: Any, final: Any, mask: Any, beyond: Any) -> Any:
    shares = ops.softmax(ops.linear(h, parameters[f"{prefix}.w_a"], None) + beyond, 0)
    return ops.sum(shares * h, 0)


def _last(ops: Ops, parameters: Any, prefix: str, h: Any, final: Any, mask: Any, beyond: Any) -> Any:
    return ops.concatenate(list(final))


_KINDS: dict[str, Callable[..., Any]] = {"max": _max, "mean": _mean, "attention": _attention, "last": _last}

KINDS = tuple(_KINDS)
"""Every pooling by its name."""
