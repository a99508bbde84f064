"""The masks of Keras 3's functional models, which stand in the config as operations and are given to layers by name.

A layer of ours has its mask with its value. A mask that is given must be the one that its input has anyway; any other
one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from throughtime.interop import layers as kinds
from throughtime.interop.keras.config import LayerConfig, is_operation
from throughtime.interop.layers import Layer
from throughtime.interop.model import Place
from throughtime.options import Json


@dataclass(frozen=True)
class Mask:
    """Where values are not a number. place: the values; number: which; steps: whether one value of a step is enough."""

    place: Place
    number: float
    steps: bool = False


def makes_mask(layer: LayerConfig) -> bool:
    """Whether a layer of the config is an operation of which masks are made."""
    return is_operation(layer) and layer.cls in ("NotEqual", "Any")


def number_of(layer: LayerConfig, raw: Json) -> float | None:
    """The number that NotEqual holds values against; None for Any. UserError for what makes no mask of a sequence."""
    arguments = raw.get("args") if isinstance(raw, dict) else None
    given = len(arguments) if isinstance(arguments, list) else 0
    if layer.cls == "Any":
        if given != 1 or layer.get("axis") not in (-1, [-1]) or layer.flag("keepdims"):
            raise layer.error("only a mask over the last axis is known here")
        return None
    number = arguments[1] if isinstance(arguments, list) and given == 2 else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise layer.error("only a mask of values that differ from a number is known here")
    return float(number)


def own_mask(layer: Layer, inputs: Sequence[Place], masks: Mapping[Place, Mask]) -> Mask | None:
    """The mask that a layer's first value has; None for none, or for one that no config gives in such words."""
    below = masks.get(inputs[0]) if inputs else None
    if isinstance(layer, kinds.Masking):
        return Mask(inputs[0], layer.value, True)
    if isinstance(layer, kinds.Embedding) and layer.mask_zero:
        return Mask(inputs[0], 0.0)
    if isinstance(layer, kinds.Recurrent | kinds.Bidirectional):
        first = layer.ahead if isinstance(layer, kinds.Bidirectional) else layer
        return below if first.sequences else None
    if isinstance(layer, kinds.Merge):
        return below if all(masks.get(one) == below for one in inputs) else None
    return None if layer.masked == "dropped" else below
