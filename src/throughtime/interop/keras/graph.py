"""A model of Keras as a graph of ours: sequential and functional models, and models inside models."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.keras.config import LayerConfig, inner_layers, is_model, repeated_model
from throughtime.interop.keras.layer import convert
from throughtime.interop.keras.masks import Mask, makes_mask, number_of, own_mask
from throughtime.interop.keras.source import Source
from throughtime.interop.layers import Layer
from throughtime.interop.model import Graph, ImportedModel, Node, Place
from throughtime.options import Json


@dataclass
class _Builder:
    """What has been made so far. layers: by name, with its number; made: layer and parameters by number."""

    source: Source
    names: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    configs: dict[str, LayerConfig] = field(default_factory=dict)
    masks: dict[Place, Mask] = field(default_factory=dict)

    def layer(self, config: LayerConfig) -> int:
        """The number of a layer, made where it is not there yet."""
        if config.name in self.names:
            return self.names.index(config.name)
        made, weights = convert(config, self.source.arrays.get(config.name, []))
        number = len(self.names)
        self.names.append(config.name)
        self.layers.append(made)
        self.configs[config.name] = config
        self.parameters |= {f"{number}.{name}": value for name, value in weights.items()}
        return number

    def call(self, config: LayerConfig, inputs: Sequence[Place]) -> list[Place]:
        """A layer, or a model, at work; the places of its values."""
        if is_model(config):
            return self.model(config, f"{config.name}/", inputs)
        if (inner := repeated_model(config)) is not None:
            return self.every_step(config, inner, inputs)
        number = self.layer(config)
        layer = self.layers[number]
        wanted = {"merge": 100, "recurrent": 100, "bidirectional": 100}.get(layer.kind, 1)
        if not 0 < len(inputs) <= wanted:
            raise config.error(f"it is given {len(inputs)} values; such calls are not known here")
        self._check_states(config, layer, len(inputs) - 1)
        self.nodes.append(Node(number, tuple(inputs)))
        if len(self.nodes) > 2000:
            raise config.error("the model has more than 2,000 calls of layers; too large")
        places = [(len(self.nodes) - 1, value) for value in range(layer.count)]
        if (mask := own_mask(layer, inputs, self.masks)) is not None:
            self.masks.update(dict.fromkeys(places[: _masked_values(layer)], mask))
        return places

    def every_step(self, config: LayerConfig, inner: LayerConfig, inputs: Sequence[Place]) -> list[Place]:
        """A sequential model at every step: each of its layers at every step."""
        here = list(inputs)
        if "input_layers" in inner.values:
            raise config.error("a functional model at every step is not known here, only a sequential one")
        for one in inner_layers(inner, f"{inner.name}/"):
            if is_model(one):
                raise config.error("a model inside the model at every step is not known here")
            if one.cls != "InputLayer":
                row: Json = {"class_name": one.cls, "config": one.values}
                values: dict[str, Json] = {"layer": row, "dtype": one.get("dtype")}
                here = self.call(LayerConfig(one.name, "TimeDistributed", values, [], one.own, one.writer), here)
        return here

    def mask(self, config: LayerConfig, raw: Json, source: Place | Mask) -> Mask:
        """The mask that an operation makes of values, or of another mask."""
        number = number_of(config, raw)
        if number is None and isinstance(source, Mask) and not source.steps:
            return Mask(source.place, source.number, True)
        if number is None or isinstance(source, Mask):
            raise config.error("such a mask is not known here")
        return Mask(source, number)

    @staticmethod
    def _check_states(config: LayerConfig, layer: Layer, given: int) -> None:
        if isinstance(layer, kinds.Recurrent) and given not in (0, len(layer.state_names)):
            raise config.error(f"it is given {given} initial states, it has {len(layer.state_names)}")
        if isinstance(layer, kinds.Bidirectional):
            both = len(layer.ahead.state_names) + len(layer.back.state_names)
            if given not in (0, both):
                raise config.error(f"it is given {given} initial states, it has {both}")

    def input(self, name: str, shape: Json, config: LayerConfig) -> Place:
        """An input layer of a shape with the batch."""
        if not isinstance(shape, list) or len(shape) < 2:
            raise config.error(f"expected the shape of an input, got {reprlib.repr(shape)}")
        self.names.append(name)
        self.layers.append(kinds.Input(shape[1:]))
        self.nodes.append(Node(len(self.layers) - 1, ()))
        return len(self.nodes) - 1, 0

    def model(self, config: LayerConfig, prefix: str, given: Sequence[Place] | None) -> list[Place]:
        """All layers of a model. given: what it reads; None for the outermost model, which has inputs."""
        functional = "input_layers" in config.values
        return (self._functional if functional else self._sequential)(config, prefix, given)

    def _sequential(self, config: LayerConfig, prefix: str, given: Sequence[Place] | None) -> list[Place]:
        layers = inner_layers(config, prefix)
        if given is None:
            first = layers[0]
            if first.cls == "InputLayer":
                layers = layers[1:]
            shape = self._first_shape(config, first)
            given = [self.input(f"{prefix}{first.name if first.cls == 'InputLayer' else 'input'}", shape, first)]
        elif layers and layers[0].cls == "InputLayer":
            layers = layers[1:]
        here = list(given)
        for layer in layers:
            if layer.cls == "Merge":
                raise layer.error("a merge at the start of a sequential model is not known here")
            here = self.call(layer, here[:1])
        return here

    def _first_shape(self, model: LayerConfig, layer: LayerConfig) -> Json:
        """The shape that a sequential model reads: as it says, or as its first arrays show."""
        inner = layer
        while is_model(inner):
            inner = inner_layers(inner)[0]
        shape = inner.get("batch_input_shape", "batch_shape") or model.get("build_input_shape")
        if isinstance(shape, list):
            return shape
        if inner.cls == "Embedding":
            return [None, None]
        arrays = self.source.arrays.get(layer.name) or self.source.arrays.get(f"{layer.name}/{inner.name}") or []
        if inner.cls in ("Dense", "BatchNormalization") and arrays:
            raise layer.error("the model does not say the shape of its input; add batch_input_shape to its first layer")
        if arrays and arrays[0].ndim == 2:
            return [None, None, int(arrays[0].shape[0])]
        size = inner.get("input_dim")
        if type(size) is int:
            return [None, inner.get("input_length"), size]
        raise layer.error("the model does not say the shape of its input; add batch_input_shape to its first layer")

    def _functional(self, config: LayerConfig, prefix: str, given: Sequence[Place] | None) -> list[Place]:
        layers = {one.name.removeprefix(prefix): one for one in inner_layers(config, prefix)}
        entries = _references(config, config.get("input_layers"))
        values: dict[tuple[str, int], list[Place]] = {}
        for number, (name, _, _) in enumerate(entries):
            layer = _known(config, layers, name)
            if given is None:
                values[name, 0] = [self.input(layer.name, layer.get("batch_input_shape", "batch_shape"), layer)]
            elif number < len(given):
                values[name, 0] = [given[number]]
            else:
                raise config.error(f"it is given {len(given)} values, it has {len(entries)} inputs")
        made: dict[tuple[str, int], Mask] = {}
        waiting = [
            (name, number, calls)
            for name, layer in layers.items()
            for number, calls in enumerate(_calls(layer))
            if (name, 0) not in values
        ]
        wanted = _references(config, config.get("output_layers"))
        first = {name: _first_call(name, layer, waiting, wanted) for name, layer in layers.items()}
        while waiting:
            left = []
            for name, number, calls in waiting:
                if makes_mask(layers[name]):
                    source = made.get(calls[0][:2]) or _value(values, calls[0])
                    if source is None:
                        left.append((name, number, calls))
                    else:
                        made[name, number] = self.mask(layers[name], layers[name].inbound[number], source)
                    continue
                given_mask = next((one[:2] for one in calls if one[2] == MASK), None)
                references = [one for one in calls if one[2] != MASK]
                places = [place for one in references if (place := _value(values, one)) is not None]
                if len(places) < len(references) or (given_mask is not None and given_mask not in made):
                    left.append((name, number, calls))
                    continue
                if given_mask is not None and made[given_mask] != self.masks.get(places[0]):
                    raise layers[name].error("it is called with a mask that is not its input's own; not known here")
                values[name, first[name] + number] = self.call(layers[name], places)
            if len(left) == len(waiting):
                raise config.error(
                    f"its layers wait for each other: {', '.join(one[0][:40] for one in left[:4])}; damaged"
                )
            waiting = left
        outputs = [place for one in wanted if (place := _value(values, one)) is not None]
        if len(outputs) < len(wanted):
            raise config.error("an output is of no layer; the config is damaged")
        return outputs


Reference = tuple[str, int, int]
"""A layer, its call, and which of its values."""


MASK = -1
"""In the place of a value's number: that the reference is the mask which a call is given."""


def _masked_values(layer: Layer) -> int:
    """How many of a layer's values, the first ones, bear its mask."""
    return 2 if isinstance(layer, kinds.Bidirectional) and layer.merge == "none" else 1


def _first_call(
    name: str, layer: LayerConfig, calls: Sequence[tuple[str, int, list[Reference]]], ends: Sequence[Reference]
) -> int:
    """The number of a layer's first call. A model's is 1 with most writers, 0 being its own making, and 0 with Keras 3
    where it is sequential: as the references show."""
    if not is_model(layer):
        return 0
    count = sum(one == name for one, _, _ in calls)
    read = [
        call for references in (*(given for _, _, given in calls), ends) for own, call, _ in references if own == name
    ]
    return int(max(read, default=0) >= count)


def _known(config: LayerConfig, layers: dict[str, LayerConfig], name: str) -> LayerConfig:
    if name not in layers:
        raise config.error(f"there is no layer {name[:60]!r}; the config is damaged")
    return layers[name]


def _value(values: dict[tuple[str, int], list[Place]], reference: Reference) -> Place | None:
    name, call, value = reference
    found = values.get((name, call))
    return found[value] if found is not None and 0 <= value < len(found) else None


def _references(config: LayerConfig, value: Json) -> list[Reference]:
    """What input_layers and output_layers say: a list of references, or one."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    if not isinstance(value, list):
        raise config.error(f"expected references to layers, got {reprlib.repr(value)}; damaged")
    return [_reference(config, one) for one in value]


def _reference(config: LayerConfig, value: Json) -> Reference:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        inside = value.get("config")
        value = inside.get("keras_history") if isinstance(inside, dict) else None
    right = isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str)
    if not right or type(value[1]) is not int or type(value[2]) is not int:
        raise config.error(f"expected a reference to a layer, got {reprlib.repr(value)}; damaged")
    return value[0], value[1], value[2]


def _calls(layer: LayerConfig) -> list[list[Reference]]:
    """What a layer reads in each of its calls."""
    if not isinstance(layer.inbound, list):
        raise layer.error("its inbound_nodes are no list; damaged")
    return [_call(layer, one) for one in layer.inbound]


def _read_by_mask(layer: LayerConfig, raw: Json) -> list[Reference]:
    """What an operation that makes a mask reads: the first of its arguments."""
    arguments = raw.get("args") if isinstance(raw, dict) else None
    if not isinstance(arguments, list) or not arguments:
        raise layer.error("its inbound_nodes are malformed; damaged")
    return [_reference(layer, arguments[0])]


def _call(layer: LayerConfig, raw: Json) -> list[Reference]:
    found: list[Reference] = []
    if makes_mask(layer):
        return _read_by_mask(layer, raw)
    if isinstance(raw, dict):  # Keras 3
        for one in raw.get("args", []):
            found += _tensors(layer, one)
        return found + _further(layer, raw.get("kwargs"))
    rows = [raw] if isinstance(raw, list) and raw and isinstance(raw[0], str) else raw
    if not isinstance(rows, list):
        raise layer.error(f"its inbound_nodes are malformed: {reprlib.repr(raw)}")
    for row in rows:
        found.append(_reference(layer, row))
        if len(row) > 3:
            found += _further(layer, row[3])
    return found


def _tensors(layer: LayerConfig, value: Json) -> list[Reference]:
    if value is None:
        return []
    if isinstance(value, list) and not (len(value) in (3, 4) and isinstance(value[0], str)):
        return [one for part in value for one in _tensors(layer, part)]
    return [_reference(layer, value)]


def _further(layer: LayerConfig, value: Json) -> list[Reference]:
    """What a call is given by name; UserError for what would change its result."""
    if not isinstance(value, dict):
        return []
    found = []
    for name, one in value.items():
        if name == "initial_state":
            found += _tensors(layer, one)
        elif name == "mask" and isinstance(one, dict):
            source, call, _ = _reference(layer, one)
            found.append((source, call, MASK))
        elif name == "training" and one in (None, False):
            continue
        elif one is not None:
            raise layer.error(f"it is called with {name[:40]}, which is not known here")
    return found


def build(source: Source) -> tuple[ImportedModel, dict[str, LayerConfig]]:
    """The model, and the config of each of its layers by name; UserError names what is not known here."""
    builder = _Builder(source)
    outputs = builder.model(source.model, "", None)
    layers = list(builder.layers)
    for number in range(len(layers)):
        layer = layers[number]
        if isinstance(layer, kinds.Input):
            layers[number] = layer.replaced(tokens=_only_embedded(builder, number))
    graph = Graph(tuple(builder.names), tuple(layers), tuple(builder.nodes), tuple(outputs))
    kinds_of = {str(value.dtype) for value in builder.parameters.values()}
    dtype = "float64" if "float64" in kinds_of else "float32"
    parameters = {name: value.astype(dtype, copy=False) for name, value in builder.parameters.items()}
    origin = {"format": "Keras", "version": source.writer.text, "backend": source.writer.backend}
    try:
        return ImportedModel(graph, parameters, origin | {"left": source.left}), builder.configs
    except UserError as error:
        raise UserError(f"{source.model.own}: {error}") from None


def _only_embedded(builder: _Builder, layer: int) -> bool:
    """Whether all that reads an input are embeddings, perhaps after what changes nothing."""
    sources = {n for n, node in enumerate(builder.nodes) if node.layer == layer}
    readers = [node for node in builder.nodes if any(n in sources for n, _ in node.inputs)]
    return bool(readers) and all(builder.layers[node.layer].kind == "embedding" for node in readers)
