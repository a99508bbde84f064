"""From an ONNX graph to a graph of ours."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.model import Graph, ImportedModel, Place
from throughtime.interop.onnx.build import LENGTHS, WRITER
from throughtime.interop.onnx.importing import indices, loop, read, recurrent, scan
from throughtime.interop.onnx.importing.build import Builder, Elsewhere
from throughtime.interop.onnx.importing.call import Call
from throughtime.interop.onnx.importing.fold import FOLDS
from throughtime.interop.onnx.importing.operators import OPERATORS
from throughtime.interop.onnx.importing.values import BATCH, Axis, Fixed, Part, Reversed, View

PRIMES = (10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079, 10091, 10093, 10099, 10103, 10111, 10133, 10139)
"""What free sizes are stood for by; see values.py."""

_READS_STATES = {"RNN": (5,), "GRU": (5,), "LSTM": (5, 6)}
_MOVES = ("Identity", "Cast", "Slice", "Split", "Squeeze", "Unsqueeze", "Gather", "Transpose", "Reshape")


@dataclass(frozen=True)
class Feed:
    """An input of the file. axes: its axes; type: of its elements, as ONNX numbers them."""

    name: str
    axes: tuple[Axis, ...]
    type: int

    @property
    def order(self) -> list[int]:
        """How the axes of ours are to be turned for ONNX."""
        batch = next(k for k, axis in enumerate(self.axes) if axis and axis[0].key == BATCH)
        ours = [batch, *(k for k in range(len(self.axes)) if k != batch)]
        return [ours.index(k) for k in range(len(self.axes))]


@dataclass(frozen=True)
class Imported:
    """What an ONNX file became. feeds: its inputs in order. seen: place -> ONNX's name and how it is seen there.
    truths: a layer's name -> what ONNX's node says. primes: those that stand for free sizes beside the batch's.
    carried: a recurrent layer -> the inputs of the file that are its initial states. outside: those and
    the lengths, which the model takes apart. outputs: how the file sees what the model gives."""

    model: ImportedModel
    feeds: tuple[Feed, ...]
    seen: dict[Place, tuple[str, View]]
    truths: dict[str, Any]
    primes: frozenset[int]
    carried: dict[str, tuple[str, ...]]
    outside: frozenset[str]
    outputs: tuple[View, ...]


def convert(proto: Any, who: str) -> Imported:
    """The graph of a file. UserError names what is not known here, and where."""
    batch: dict[str, int] = {}
    for _ in range(40):
        try:
            return _Converter(proto, who, batch).run()
        except Elsewhere as found:
            axis, _, name = str(found).partition(" ")
            if batch.get(name) == int(axis):
                break
            batch[name] = int(axis)
    raise UserError(f"{who}: two nodes take different axes of one input as the batch, which is not known here")


class _Converter:
    """One try, with the axes of the inputs that are taken for the batch."""

    def __init__(self, proto: Any, who: str, batch: dict[str, int]) -> None:
        self.proto, self.who, self.batch = proto, who, batch
        self.graph, self.opset = proto.graph, read.opset(proto)
        uses = Counter(name for node in read.nodes(self.graph) for name in node.input)
        uses.update(one.name for one in self.graph.output)
        self.build = Builder(uses)
        sizes = {n for one in self.graph.initializer for n in one.dims}
        sizes |= {n.dim_value for one in self.graph.input for n in one.type.tensor_type.shape.dim}
        self.primes = [p for p in PRIMES if all(n % p for n in sizes if n)]
        self.named: dict[str, int] = {}

    def run(self) -> Imported:
        """Convert all."""
        build = self.build
        for tensor in self.graph.initializer:
            build.values[tensor.name] = self._at(tensor.name, lambda t=tensor: Fixed(read.array(t)))
        feeds = tuple(self._input(one) for one in self.graph.input if one.name not in build.values)
        if not feeds:
            raise UserError(f"{self.who}: it has no inputs; there is nothing to run")
        for number, node in enumerate(self.graph.node):
            if node.op_type in ("Loop", "If") and not node.domain:
                self._at(_where(node, number), lambda node=node: loop.check(node))
        for number, node in enumerate(self.graph.node):
            self._node(node, number)
        outputs: list[Place] = []
        views: list[View] = []
        states = {name.removesuffix("_0") for name in build.outside.values()}
        for one in self.graph.output:
            if one.name in states:
                continue
            outputs.append(self._at(one.name, lambda name=one.name: self._output(name)))
            views.append(build.view(one.name))
        for number, layer in enumerate(build.layers):
            if isinstance(layer, kinds.Input):
                build.layers[number] = self._input_layer(number, layer, feeds)
        return Imported(
            self._model(outputs),
            feeds,
            build.seen,
            build.truths,
            frozenset(build.primes),
            build.carried,
            frozenset(build.outside.values()),
            tuple(views),
        )

    def _at(self, place: str, make: Any) -> Any:
        try:
            return make()
        except UserError as error:
            raise UserError(f"{self.who}: {place[:80]}: {error}") from None
        except (ValueError, TypeError, LookupError, ArithmeticError, AssertionError, AttributeError) as error:
            line = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise UserError(f"{self.who}: {place[:80]}: it does not fit what it reads ({line})") from None

    def _model(self, outputs: list[Place]) -> ImportedModel:
        build = self.build
        if len(build.nodes) > 2000:
            raise UserError(f"{self.who}: it becomes {len(build.nodes)} layers, at most 2,000 are known here")
        graph = Graph(tuple(build.names), tuple(build.layers), tuple(build.nodes), tuple(outputs))
        each = {f"{n}.{name}": value for n, own in enumerate(build.weights) for name, value in own.items()}
        types = {str(value.dtype) for value in each.values()}
        if types - {"float32", "float64"}:
            raise UserError(
                f"{self.who}: its weights are of type {', '.join(sorted(types))}; only float32 is known here"
            )
        dtype = "float64" if types == {"float64"} else "float32"
        arrays = {name: np.ascontiguousarray(value, dtype) for name, value in each.items()}
        origin = {"format": "ONNX", "opset": self.opset, "writer": self.proto.producer_name[:80], "left": []}
        try:
            return ImportedModel(graph, arrays, origin)
        except UserError as error:
            raise UserError(f"{self.who}: {error}") from None

    def _input(self, one: Any) -> Feed:
        kind = one.type.tensor_type
        if not one.type.HasField("tensor_type") or not kind.HasField("shape"):
            raise UserError(f"{self.who}: input {one.name[:60]}: it does not say how many axes it has; export it anew")
        if kind.elem_type not in (1, 6, 7, 11):
            raise UserError(f"{self.who}: input {one.name[:60]}: only floats and integers are known here")
        dims = list(kind.shape.dim)
        if not 1 <= len(dims) <= 8:
            raise UserError(f"{self.who}: input {one.name[:60]}: expected 1 to 8 axes, got {len(dims)}")
        guess = self.batch.setdefault(one.name, self._guess(one.name, dims))
        axes: list[Axis] = []
        for k, dim in enumerate(dims):
            if k == guess:
                fixed = dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else 0
                axes.append((Part(BATCH, self._batch_size(fixed, dim.dim_param)),))
                continue
            part = Part(self.build.key(), self._size(dim, f"{one.name} {k}"))
            self.build.origins[part.key] = (one.name, k)
            axes.append((part,) if part.size > 1 else ())
        stored = (axes[guess], *(axis for k, axis in enumerate(axes) if k != guess))
        shape = tuple(
            None if axis and axis[0].size in self.build.primes else (axis[0].size if axis else 1) for axis in stored[1:]
        )
        if self._is_outside(one.name):
            place = (-1 - len(self.build.outside), 0)
            self.build.outside[place] = one.name
        else:
            (place,) = self.build.put(kinds.Input(shape), one.name, [])
        view = View(place, stored, tuple(axes), kind.elem_type in (6, 7), kind.elem_type in (6, 7))
        self.build.values[one.name] = view
        return Feed(one.name, tuple(axes), kind.elem_type)

    def _is_outside(self, name: str) -> bool:
        """Whether an input is a state or the lengths of a file that was written here, which `predict` takes apart."""
        if self.proto.producer_name != WRITER:
            return False
        return name == LENGTHS or (name.endswith("_0") and name[:-2] in {one.name for one in self.graph.output})

    def _batch_size(self, fixed: int, name: str) -> int:
        if "batch" not in self.__dict__.get("_sizes", {}):
            self._sizes = {"batch": fixed or self.primes.pop(0)}
            if name and not fixed:
                self.named[name] = self._sizes["batch"]
        return self._sizes["batch"]

    def _size(self, dim: Any, otherwise: str) -> int:
        if dim.HasField("dim_value") and dim.dim_value > 0:
            return int(dim.dim_value)
        name = dim.dim_param or otherwise
        if name not in self.named:
            if not self.primes:
                raise UserError(f"{self.who}: it has too many free sizes")
            self.named[name] = self.primes.pop(0)
            self.build.primes.add(self.named[name])
        return self.named[name]

    def _guess(self, name: str, dims: list[Any]) -> int:
        """Which axis of an input is the batch, most likely."""
        for k, dim in enumerate(dims):
            if dim.dim_param and self.named.get(dim.dim_param) == self.__dict__.get("_sizes", {}).get("batch", -1):
                return k
        return 1 if len(dims) == 3 and name in self._state_inputs() else 0

    def _state_inputs(self) -> set[str]:
        """The inputs that are initial states, perhaps a part of them."""
        makers = {name: node for node in self.graph.node for name in node.output}
        found = set()
        for node in self.graph.node:
            for place in _READS_STATES.get(node.op_type, ()):
                name = node.input[place] if len(node.input) > place else ""
                for _ in range(20):
                    maker = makers.get(name)
                    if maker is None or maker.op_type not in _MOVES or not maker.input:
                        break
                    name = maker.input[0]
                found.add(name)
        return found

    def _node(self, node: Any, number: int) -> None:
        where = _where(node, number)
        wanted = [name for name in node.input if name]
        missing = next((name for name in wanted if name not in self.build.values), None)
        if missing is not None:
            raise UserError(f"{self.who}: {where}: it reads {missing[:60]}, which nothing gives; the file is damaged")
        self._at(where, lambda: self._convert(node))

    def _convert(self, node: Any) -> None:
        build, op = self.build, node.op_type
        if node.domain not in ("", "ai.onnx"):
            raise UserError(f"the operator {node.domain[:60]}.{op[:60]} is of another domain and not known here")
        attributes = recurrent.attributes_of(node)
        values = [build.values[name] if name else None for name in node.input]
        name = node.name or f"{op} {node.output[0]}"
        call = Call(build, op, attributes, list(node.input), list(node.output), name, self.opset)
        if op == "Constant":
            build.values[node.output[0]] = Fixed(_constant(attributes))
        elif op in ("Shape", "Size") and isinstance(values[0], View | Reversed):
            seen = values[0].view if isinstance(values[0], Reversed) else values[0]
            shape = np.array(seen.shape, np.int64)
            chosen = shape[slice(attributes.get("start", 0), attributes.get("end"))]
            free = any(n % p == 0 for n in chosen for p in (*build.primes, self._sizes["batch"]) if p > 1)
            build.values[node.output[0]] = Fixed(chosen if op == "Shape" else np.array(shape.prod()), free)
        elif op in FOLDS and all(one is None or isinstance(one, Fixed) for one in values):
            given = [one for one in values if isinstance(one, Fixed) or one is None]
            free = any(one is not None and one.free for one in given)
            array = build.reckoner.fold(op, attributes, [None if one is None else one.array for one in given])
            build.values[node.output[0]] = Fixed(array, free and not self._known(array))
        elif indices.applies(op, attributes, values):
            build.values[node.output[0]] = indices.reckoned(op, attributes, values)
        elif op in recurrent.GATES:
            recurrent.convert(call)
        elif op == "Loop":
            loop.convert(call)
        elif op == "Scan":
            scan.convert(call)
        elif op in OPERATORS:
            OPERATORS[op](call)
        else:
            raise UserError("the operator is not known here; take it out")

    def _known(self, array: np.ndarray) -> bool:
        """Whether what was reckoned from free sizes tells nothing of them: one element of them that is fixed."""
        free = {*self.build.primes, self._sizes["batch"]}
        small = array.size <= 64 and array.dtype.kind in "iu"
        return small and all(n and all(abs(int(n)) % p for p in free if p > 1) for n in array.flat)

    def _output(self, name: str) -> Place:
        value = self.build.view(name)
        if value.whole:
            raise UserError("an output of integers is not known here")
        return self.build.usual(value, f"output {name}").place

    def _input_layer(self, number: int, layer: kinds.Input, feeds: tuple[Feed, ...]) -> kinds.Input:
        build = self.build
        places = {(n, 0) for n, node in enumerate(build.nodes) if node.layer == number}
        readers = [(build.layers[node.layer], node.inputs) for node in build.nodes if places & set(node.inputs)]
        name = build.names[number]
        if readers and all(isinstance(one, kinds.Lengths) and inputs[1] in places for one, inputs in readers):
            return layer.replaced(tokens=True, lengths=True)
        if readers and all(isinstance(one, kinds.Embedding) for one, _ in readers):
            return layer.replaced(tokens=True)
        feed = next(one for one in feeds if self.build.values[one.name].place in places)  # type: ignore[union-attr]
        if feed.type in (6, 7) and readers:
            raise UserError(f"{self.who}: input {name[:60]}: integers that are neither rows of a table nor lengths")
        return layer


def _where(node: Any, number: int) -> str:
    """A node's place in one line."""
    return f"node {number}, {node.op_type[:60]}{f' {node.name[:80]}' if node.name else ''}"


def _constant(attributes: dict[str, Any]) -> np.ndarray:
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64)):
        if name in attributes:
            return np.array(attributes[name], dtype)
    if "value_ints" in attributes:
        return np.array(attributes["value_ints"], np.int64)
    if not isinstance(attributes.get("value"), np.ndarray):
        raise UserError("a constant of text or of a sparse array is not known here")
    return np.asarray(attributes["value"])
