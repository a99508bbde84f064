"""A model that came from elsewhere: layers in a graph, their weights, and how it runs, as a batch and as a stream."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.layers import Layer, layer_from_json, layer_to_json
from throughtime.interop.run import Past, Value, apply
from throughtime.options import Json
from throughtime.recurrence.graph import is_name
from throughtime.runtime.stream import Stream, check_shapes
from throughtime.storage.parameters import check_finite, check_parameters

WHO = "imported model"
MOST_LAYERS = 2000

Place = tuple[int, int]
"""A node and which of its values."""


@dataclass(frozen=True)
class Node:
    """A layer at work. layer: its place among the layers; inputs: what it reads, each of an earlier node."""

    layer: int
    inputs: tuple[Place, ...]


@dataclass(frozen=True)
class Graph:
    """Layers, and what each reads. names: of the layers, each once. nodes: inputs first, then as they run; a layer may
    run more than once. outputs: what the model answers. UserError where they do not fit together."""

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Place, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.layers) <= MOST_LAYERS or len(self.names) != len(self.layers):
            raise UserError(f"{WHO}: expected 1 to {MOST_LAYERS} layers with a name each; the file is damaged")
        if not all(is_name(name) for name in self.names) or len(set(self.names)) != len(self.names):
            raise UserError(f"{WHO}: expected each layer to have a name of its own; the file is damaged")
        if len(self.nodes) > MOST_LAYERS or not self.outputs:
            raise UserError(f"{WHO}: expected at most {MOST_LAYERS} nodes and at least one output")
        counts: list[int] = []
        for number, node in enumerate(self.nodes):
            if not 0 <= node.layer < len(self.layers):
                raise UserError(f"{WHO}: node {number} is of no layer; the file is damaged")
            self._check(node.inputs, counts)
            layer = self.layers[node.layer]
            if (layer.kind == "input") != (not node.inputs):
                raise UserError(f"{WHO}: {self.names[node.layer]} must read something, unless it is an input")
            counts.append(layer.count)
        self._check(self.outputs, counts)
        if not self.inputs:
            raise UserError(f"{WHO}: expected an input, there is none")

    def _check(self, places: Sequence[Place], counts: Sequence[int]) -> None:
        for node, value in places:
            if not 0 <= node < len(counts) or not 0 <= value < counts[node]:
                raise UserError(f"{WHO}: {reprlib.repr((node, value))} is no earlier value; the file is damaged")

    @property
    def inputs(self) -> list[int]:
        """The nodes at which something comes in."""
        return [n for n, node in enumerate(self.nodes) if self.layers[node.layer].kind == "input"]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of all parameters, "3.0.W_xi"."""
        return {f"{i}.{name}": shape for i, layer in enumerate(self.layers) for name, shape in layer.shapes.items()}

    @property
    def masked(self) -> bool:
        """Whether a layer leaves steps out by their values."""
        return any(
            isinstance(one, kinds.Masking) or (isinstance(one, kinds.Embedding) and one.mask_zero)
            for one in self.layers
        )

    def to_json(self) -> Json:
        """Plain values."""
        return {
            "layers": [{"name": n, **layer_to_json(one)} for n, one in zip(self.names, self.layers, strict=True)],
            "nodes": [[node.layer, [list(place) for place in node.inputs]] for node in self.nodes],
            "outputs": [list(place) for place in self.outputs],
        }

    @classmethod
    def from_json(cls, data: Json) -> Graph:
        """Rebuild from `to_json`; UserError says what is wrong."""
        if not isinstance(data, dict) or not all(isinstance(data.get(k), list) for k in ("layers", "nodes", "outputs")):
            raise UserError(f"{WHO}: expected lists of layers, nodes and outputs; config.json is damaged")
        rows = data["layers"]
        if len(rows) > MOST_LAYERS or not all(isinstance(row, dict) and "name" in row for row in rows):
            raise UserError(f"{WHO}: expected at most {MOST_LAYERS} layers with names; config.json is damaged")
        layers = tuple(layer_from_json({k: v for k, v in row.items() if k != "name"}) for row in rows)
        try:
            nodes = tuple(Node(_index(layer), _places(inputs)) for layer, inputs in data["nodes"])
            outputs = _places(data["outputs"])
        except (TypeError, ValueError) as error:
            raise UserError(f"{WHO}: nodes are malformed ({error}); config.json is damaged") from None
        return cls(tuple(row["name"] for row in rows), layers, nodes, outputs)


def _index(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"expected a number, got {reprlib.repr(value)}")
    return value


def _places(values: Any) -> tuple[Place, ...]:
    return tuple((_index(node), _index(value)) for node, value in values)


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """A graph with its weights, ready to run; no framework is needed.

    graph: the layers. parameters: "3.0.W_xi" -> array. origin: where it came from, in a few plain values.
    Raises UserError where they do not fit together.
    """

    graph: Graph
    parameters: Mapping[str, np.ndarray]
    origin: Mapping[str, Json] = field(default_factory=dict)
    _weights: list[dict[str, np.ndarray]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameters(WHO, self.graph.shapes, self.parameters)
        check_finite(WHO, self.parameters)
        each: list[dict[str, np.ndarray]] = [{} for _ in self.graph.layers]
        for name, value in self.parameters.items():
            layer, _, own = name.partition(".")
            each[int(layer)][own] = np.ascontiguousarray(value)
        object.__setattr__(self, "_weights", each)

    @property
    def dtype(self) -> str:
        """ "float32" or "float64"."""
        return str(next(iter(self.parameters.values())).dtype) if self.parameters else "float32"

    def as_type(self, dtype: str) -> ImportedModel:
        """The same, computing in another type."""
        arrays = {name: value.astype(dtype) for name, value in self.parameters.items()}
        return ImportedModel(self.graph, arrays, self.origin)

    def layer_weights(self, layer: int) -> dict[str, np.ndarray]:
        """The parameters of a layer by its own names."""
        return dict(self._weights[layer])

    def predict(self, *inputs: Any, past: Past | None = None, lengths: Any = None) -> Any:
        """What the model answers to a batch: an array, or a list where it has several outputs.

        inputs: (B, T, I) or tokens (B, T), as its input layers say. past: what an earlier call left, to go on from; it
        is changed. lengths: (B,), steps of each row; what lies behind is not read. Layers that are stateful elsewhere
        begin anew in every call without past.
        Raises UserError for inputs of the wrong number or shape.
        """
        values = self.values(inputs, past, lengths=lengths)
        found = [values[node][value].array for node, value in self.graph.outputs]
        return found[0] if len(found) == 1 else found

    def values(
        self,
        inputs: Sequence[Any],
        past: Past | None = None,
        lengths: Any = None,
    ) -> list[list[Value]]:
        """All values of every node, with their masks; arguments as for predict."""
        graph, given = self.graph, list(self._checked(inputs))
        found: list[list[Value]] = []
        for node in graph.nodes:
            layer = graph.layers[node.layer]
            if isinstance(layer, kinds.Input):
                array = given.pop(0)
                mask = None if lengths is None else np.arange(array.shape[1]) < np.asarray(lengths)[:, None]
                values = [Value(array, mask)]
            else:
                read = [found[n][v] for n, v in node.inputs]
                values = apply(layer, self._weights[node.layer], read, graph.names[node.layer], past)
            found.append(values)
        return found

    def _checked(self, inputs: Sequence[Any]) -> list[np.ndarray]:
        wanted = [self.graph.layers[self.graph.nodes[n].layer] for n in self.graph.inputs]
        if len(inputs) != len(wanted):
            raise UserError(f"{WHO}: expected {len(wanted)} inputs, got {len(inputs)}")
        found = []
        for layer, value in zip(wanted, inputs, strict=True):
            assert isinstance(layer, kinds.Input)
            array = np.asarray(value)
            if array.dtype.kind not in "fiub":
                raise UserError(f"{WHO}: expected an input of numbers, got {array.dtype}")
            fits = array.ndim == 1 + len(layer.shape) and all(
                n is None or n == have for n, have in zip(layer.shape, array.shape[1:], strict=True)
            )
            if not fits:
                shape = ", ".join("any" if n is None else str(n) for n in layer.shape)
                raise UserError(f"{WHO}: expected an input of shape (batch, {shape}), got {array.shape}")
            found.append(array if layer.tokens else np.ascontiguousarray(array, self.dtype))
        return found

    def stream(self) -> ImportedStream:
        """One input as it arrives; UserError names a layer that needs the whole sequence."""
        return ImportedStream(self)


class ImportedStream(Stream[Any, Any]):
    """A model that follows one sequence: `feed` takes its next steps, (T, I) or tokens (T,), and returns what the model
    says of all so far: an answer a step, (T, S), or the last one, (S,), where the model answers once a sequence."""

    kind = "imported"

    def __init__(self, model: ImportedModel) -> None:
        graph = model.graph
        for name, layer in zip(graph.names, graph.layers, strict=True):
            backward = isinstance(layer, kinds.Recurrent) and (layer.back or layer.time_major)
            if layer.whole or backward:
                raise UserError(f"{name}: {layer.kind} needs the whole sequence, the model cannot stream; call predict")
        if len(graph.inputs) != 1:
            raise UserError(f"{WHO}: a stream has one input, the model takes {len(graph.inputs)}; call predict")
        self.model, self._past = model, Past()
        one = graph.layers[graph.nodes[graph.inputs[0]].layer]
        assert isinstance(one, kinds.Input)
        self._shape, self._tokens = one.shape, one.tokens
        self._free = ImportedModel(_free(graph), model.parameters, model.origin)
        self._quick = _quick(model)

    def feed(self, value: Any) -> Any:
        """Take in the next steps; the model's answer."""
        steps = np.asarray(value)[None]
        found = self._free.predict(steps, past=self._past)
        return [one[0] for one in found] if isinstance(found, list) else found[0]

    def step(self, x: Any) -> np.ndarray:
        """One step of a chain of recurrent layers, embeddings and dense layers, as quickly as it goes: x (I,) of the
        model's dtype, or a token. The answer (S,), valid until the next step. It has a state of its own, which `feed`
        does not share; UserError where the model is no such chain."""
        if self._quick is None:
            raise UserError(f"{WHO}: it is no plain chain of layers; call feed")
        for one in self._quick:
            x = one(x)
        return x  # type: ignore[no-any-return]

    def state(self) -> tuple[dict[str, np.ndarray], Json]:
        """The states of the recurrent layers, and what they gave last."""
        past = self._past
        arrays = {f"{name}/{i}": one.copy() for name, each in past.states.items() for i, one in enumerate(each)}
        return arrays | {f"{name}/last": np.array(one) for name, one in past.last.items()}, None

    def set_state(self, state: Any) -> None:
        if state is None:
            self._past = Past()
            self._quick = _quick(self.model)
            return
        arrays = state[0]
        wanted: dict[str, np.ndarray] = {}
        past = Past()
        for name, layer in zip(self.model.graph.names, self.model.graph.layers, strict=True):
            if isinstance(layer, kinds.Recurrent) and arrays:
                sizes = [size for *_, size in layer.state_names]
                wanted |= {f"{name}/{i}": np.zeros((1, n), self.model.dtype) for i, n in enumerate(sizes)}
                wanted[f"{name}/last"] = np.zeros((1, layer.size), self.model.dtype)
        check_shapes(arrays, wanted)
        for key, one in arrays.items():
            name, _, part = key.rpartition("/")
            if part == "last":
                past.last[name] = one
                past.states[name] = [
                    arrays[f"{name}/{i}"] for i in range(sum(k.startswith(f"{name}/") for k in arrays) - 1)
                ]
        self._past = past


def _free(graph: Graph) -> Graph:
    """The same graph, its input of any length."""
    layers = tuple(
        kinds.Input((None, *one.shape[1:]), one.tokens) if isinstance(one, kinds.Input) else one for one in graph.layers
    )
    return Graph(graph.names, layers, graph.nodes, graph.outputs)


def _quick(model: ImportedModel) -> list[Callable[[Any], np.ndarray]] | None:
    """The steps of a chain, one after the other; None where the model is none."""
    from throughtime import engine

    graph = model.graph
    chain = all(
        node.inputs == ((number - 1, 0),) if number else not node.inputs for number, node in enumerate(graph.nodes)
    )
    if not chain or graph.outputs != ((len(graph.nodes) - 1, 0),) or graph.masked:
        return None
    steps: list[Callable[[Any], np.ndarray]] = []
    for node in graph.nodes[1:]:
        layer, weights = graph.layers[node.layer], model.layer_weights(node.layer)
        if isinstance(layer, kinds.TimeDistributed):
            layer = layer.layer
        if isinstance(layer, kinds.Recurrent):
            for j, cell in enumerate(layer.cells):
                arrays = tuple(weights[f"{j}.{name}"] for name in cell.trace.parameters)
                steps.append(engine.compile(cell, model.dtype).stepper(arrays).step)
        elif isinstance(layer, kinds.Embedding):
            steps.append(weights["table"].__getitem__)
        elif isinstance(layer, kinds.Dense):
            steps.append(_dense(layer, weights))
        elif isinstance(layer, kinds.Activation) and not layer.trained:
            steps.append(layer.f)
        elif not isinstance(layer, kinds.Identity):
            return None
    return steps


def _dense(layer: kinds.Dense, weights: Mapping[str, np.ndarray]) -> Callable[[Any], np.ndarray]:
    matrix, bias, f = weights["W"], weights.get("b"), layer.f
    plain = f.name == "identity"

    def step(x: np.ndarray) -> np.ndarray:
        y: np.ndarray = matrix @ x
        if bias is not None:
            y += bias
        return y if plain else f(y)

    return step
