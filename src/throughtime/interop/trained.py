"""Models that were trained here as a graph of layers, to be shipped elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.model import Graph, ImportedModel, Node
from throughtime.models.stack import Stack


def graph_of(model: Any, who: str) -> ImportedModel:
    """The graph of a model that `throughtime.load` gave: an imported one, or a language model, whose answer is the
    logits of the next token. UserError where its task is another one."""
    if isinstance(model, ImportedModel):
        return model
    config: Any = getattr(model, "config", None)
    if not all(hasattr(config, name) for name in ("vocabulary", "embedding", "recurrences")):
        raise UserError(f"{who}: expected a text model or an imported one; models of other tasks are more than layers")
    parameters = dict(model.parameters)
    table = parameters["embedding"]
    weight = table if config.tied else parameters["output.W_hy"]
    if "output.W_hp" in parameters:
        weight = weight @ parameters["output.W_hp"]
    names, layers = (
        ["tokens", "embedding"],
        [kinds.Input((None,), True), kinds.Embedding(rows=len(table), width=int(table.shape[1]))],
    )
    weights = {"1.table": np.asarray(table)}
    _add(config.recurrences, parameters, names, layers, weights)
    last = len(layers)
    layers.append(kinds.Dense(int(weight.shape[1]), int(weight.shape[0])))
    weights |= {f"{last}.W": np.asarray(weight), f"{last}.b": np.asarray(parameters["output.b_y"])}
    return _chain([*names, "output"], layers, weights)


def stack_model(stack: Stack, parameters: dict[str, np.ndarray]) -> ImportedModel:
    """A stack of recurrences alone, over (B, T, I): the output of its last layer at every step."""
    lowest = stack.layers[0][0]
    names, layers = ["x"], [kinds.Input((None, lowest.input_width))]
    weights: dict[str, np.ndarray] = {}
    _add(stack, parameters, names, layers, weights)
    return _chain(names, layers, weights)


def _add(
    stack: Stack,
    parameters: dict[str, np.ndarray],
    names: list[str],
    layers: list[Any],
    weights: dict[str, np.ndarray],
) -> None:
    """The layers of a stack, behind what there is."""
    for i, directions in enumerate(stack.layers):
        each = [
            kinds.Recurrent(cells=(one,), back=d == 1, sequences=True, zero=True) for d, one in enumerate(directions)
        ]
        number = len(layers)
        names.append(f"layer{i}")
        layers.append(each[0] if len(each) == 1 else kinds.Bidirectional(each[0], each[1]))
        for d in range(len(each)):
            way = "" if len(each) == 1 else ("ahead.", "back.")[d]
            own = stack.own(parameters, i, d)
            weights.update({f"{number}.{way}0.{name}": np.asarray(value) for name, value in own.items()})


def _chain(names: list[str], layers: list[Any], weights: dict[str, np.ndarray]) -> ImportedModel:
    nodes = tuple(Node(n, ((n - 1, 0),) if n else ()) for n in range(len(layers)))
    graph = Graph(tuple(names), tuple(layers), nodes, ((len(layers) - 1, 0),))
    return ImportedModel(graph, weights, {"format": "throughtime"})
