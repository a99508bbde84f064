"""Parameters of a model that knows more than it did: new tokens, classes and tags have rows of their own.

What was learned stays where it was. A new row starts at the mean of the old ones, where a softmax has no preference,
and apart from it by a share of their deviation, so that rows differ. Source: the mean, Hewitt 2021,
nlp.stanford.edu/~johnhew/vocab-expansion.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_APART = {"embedding": 1.0, "columns.": 1.0, "pieces": 1.0, "output.W": 0.1, "intent.W": 0.1}
"""What a parameter's own name begins with, and by how many deviations its new rows differ; those of others do not."""

_WITHIN = ("layers.", "above.")
"""Recurrences, whose new inputs start without a weight."""


def grown(
    old: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...]],
    rng: np.random.Generator,
    inputs: np.ndarray | None = None,
    tied: bool = False,
) -> dict[str, np.ndarray]:
    """The parameters of a model, name -> array, in larger shapes.

    old: as they were. shapes: name -> shape, of as many axes, none shorter. inputs: (I,) where each input of the lowest
    recurrences was before stands now, None where it stays in front. tied: whether the embedding is an output layer.
    """
    return {name: _one(name, old[name], shape, rng, inputs, tied) for name, shape in shapes.items()}


def _one(
    name: str, old: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator, inputs: np.ndarray | None, tied: bool
) -> np.ndarray:
    if old.shape == shape and (inputs is None or not name.startswith(_WITHIN)):
        return np.array(old)
    places = [np.arange(size) for size in old.shape]
    if name.startswith(_WITHIN):
        found = np.zeros(shape, old.dtype)
        if inputs is not None:
            places = [
                inputs if size != new else place for place, size, new in zip(places, old.shape, shape, strict=True)
            ]
    else:
        apart = next((share for start, share in _APART.items() if name.startswith(start)), 0.0)
        apart = 0.1 if tied and name == "embedding" else apart
        mean, deviation = old.mean(0, keepdims=True), old.std(0, keepdims=True)
        if old.ndim > 1 and old.shape[1] != shape[1]:  # pairs: new in both
            mean, deviation = old.mean(keepdims=True), old.std(keepdims=True)
        found = np.ascontiguousarray(np.broadcast_to(mean, shape)).astype(old.dtype)
        if apart:
            found += (apart * deviation * rng.standard_normal(shape)).astype(old.dtype)
    found[np.ix_(*places)] = old
    return found
