"""The nodes of a loop's body, with columns of a product taken as products with columns of its matrix.

TensorFlow computes the gates in one product and cuts it (Split, Slice); a step of the recurrence language has a matrix
for each gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.onnx.importing.fold import FOLDS, bounds, fold
from throughtime.interop.onnx.importing.read import array
from throughtime.interop.onnx.importing.recurrent import attributes_of
from throughtime.interop.onnx.importing.values import Fixed, Known

_EACH = ("Add", "Sub", "Mul", "Div", "Max", "Min")
_ONE = ("Sigmoid", "Tanh", "Relu", "Exp", "Log", "Sqrt", "Softplus", "Neg", "Identity", "Clip", "HardSigmoid", "Cast")


class Columns:
    """A body. names: of values -> what they are called around it, or of equal ones; known: the values around it.
    going: the name of whether the loop goes on."""

    def __init__(self, body: Any, names: Mapping[str, str], known: Mapping[str, Known]) -> None:
        self.names, self._known = dict(names), known
        self.makers: dict[str, Any] = {}
        self.going = body.input[1].name
        self._arrays: dict[str, np.ndarray] = {one.name: array(one) for one in body.initializer}
        self._cut: dict[tuple[str, int, int], str] = {}
        self._of_step: set[str] = set()
        self._widths: dict[str, int] = {}
        for node in body.node:
            for name in node.output:
                self.makers[name] = node

    def plain(self, name: str) -> str:
        """A value's name behind those that are equal to it."""
        for _ in range(1000):
            maker = self.makers.get(name)
            if name in self.names:
                name = self.names[name]
            elif maker is not None and maker.op_type == "Identity":
                name = maker.input[0]
            else:
                break
        return name

    def fixed(self, name: str) -> np.ndarray | None:
        """The array of a name, reckoned where the body only reckons with arrays; None where it is of the step."""
        name = self.plain(name)
        if name in self._arrays:
            return self._arrays[name]
        around = self._known.get(name)
        if isinstance(around, Fixed):
            return None if around.free else around.array
        maker = self.makers.get(name)
        if maker is None or name in self._of_step:
            return None
        found = self._reckoned(maker, name)
        if found is not None:
            self._arrays[name] = found
        else:
            self._of_step.add(name)
        return found

    def _reckoned(self, maker: Any, name: str) -> np.ndarray | None:
        a = attributes_of(maker)
        if maker.op_type == "Constant":
            return np.asarray(a["value"]) if isinstance(a.get("value"), np.ndarray) else None
        given = [self.fixed(one) if one else None for one in maker.input]
        if any(one is None for one, own in zip(given, maker.input, strict=True) if own):
            return None
        if maker.op_type == "Split" and given[0] is not None:
            sizes = given[1] if len(given) > 1 and given[1] is not None else a.get("split")
            cuts = len(maker.output) if sizes is None else np.cumsum(sizes)[:-1]
            return np.asarray(np.split(given[0], cuts, a.get("axis", 0))[list(maker.output).index(name)])
        return fold(maker.op_type, a, given) if maker.op_type in FOLDS else None

    def width(self, name: str) -> int:
        """How many columns a value of the step has; 0 where that is not known."""
        name = self.plain(name)
        if name not in self._widths:
            self._widths[name] = self._width(name)
        return self._widths[name]

    def _width(self, name: str) -> int:
        known, maker = self.fixed(name), self.makers.get(name)
        if known is not None:
            return int(known.shape[-1]) if known.ndim else 1
        if maker is None:
            return 0
        if maker.op_type == "MatMul":
            return self.width(maker.input[1])
        if maker.op_type in _EACH or maker.op_type in _ONE:
            return max(self.width(one) for one in maker.input if one)
        if maker.op_type in ("Split", "Slice"):
            start, end = self._part(maker, name)
            return end - start
        return 0

    def _part(self, maker: Any, name: str) -> tuple[int, int]:
        """Which columns of its input a Split or a Slice gives."""
        a, whole = attributes_of(maker), self.width(maker.input[0])
        rest = [self.fixed(one) if one else None for one in maker.input[1:]]
        if any(one is None for one, own in zip(rest, maker.input[1:], strict=True) if own) or not whole:
            raise UserError("in its body, values are cut where the columns are not fixed")
        if maker.op_type == "Split":
            place, count = list(maker.output).index(name), len(maker.output)
            sizes = a.get("split") if not rest else rest[0]
            edges = np.cumsum([0, *([whole // count] * count if sizes is None else sizes)]).tolist()
            if a.get("axis", 0) not in (-1, 1) or edges[-1] != whole:
                raise UserError("in its body, a Split is not of the columns")
            return edges[place], edges[place + 1]
        start, end = 0, whole
        for axis, part in bounds(a, [None, *rest], 2).items():
            if axis == 1 and part.step == 1:
                start, end, _ = part.indices(whole)
            elif (part.start, part.step) != (0, 1) or (part.stop or 0) < (1 << 31) - 1:
                raise UserError("in its body, a Slice takes rows, or columns with gaps")
        return start, end

    def cut(self, name: str, start: int, end: int) -> str:
        """The name of columns start to end of a value, with the nodes that make them."""
        name = self.plain(name)
        key = (name, start, end)
        if key in self._cut:
            return self._cut[key]
        own = f"{name}[{start}:{end}]"
        known, maker = self.fixed(name), self.makers.get(name)
        if known is not None:
            self._arrays[own] = known[..., start:end] if known.ndim and known.shape[-1] > 1 else known
        elif (start, end) == (0, self.width(name)):
            own = name
        elif maker is None:
            raise UserError("in its body, columns are taken of a state or of what comes in, which is not known here")
        elif maker.op_type in ("Split", "Slice"):
            first, _ = self._part(maker, name)
            own = self.cut(maker.input[0], first + start, first + end)
        elif maker.op_type == "MatMul":
            self._copy(maker, own, [maker.input[0], self.cut(maker.input[1], start, end)])
        elif maker.op_type in _EACH:
            self._copy(maker, own, [self.cut(one, start, end) for one in maker.input])
        elif maker.op_type in _ONE:
            self._copy(maker, own, [self.cut(maker.input[0], start, end), *maker.input[1:]])
        else:
            raise UserError(f"in its body, columns are taken of a {maker.op_type[:40]}, which is not known here")
        self._cut[key] = own
        return own

    def _copy(self, maker: Any, name: str, inputs: Sequence[str]) -> None:
        from onnx import NodeProto

        node = NodeProto()
        node.CopyFrom(maker)
        del node.input[:], node.output[:]
        node.input.extend(inputs)
        node.output.append(name)
        self.makers[name] = node

    def needed(self, ends: Sequence[str], leaves: set[str]) -> tuple[list[Any], list[Any]]:
        """The nodes behind some values, in order, and the arrays that they read. leaves: what the step is given."""
        from onnx import numpy_helper

        nodes: list[Any] = []
        arrays: dict[str, np.ndarray] = {}
        done: set[str] = set()
        waiting = [self.plain(one) for one in reversed(ends)]
        while waiting:
            name = waiting[-1]
            known = self.fixed(name)
            if name in done or name in leaves or known is not None:
                if known is not None and name not in leaves:
                    arrays[name] = known
                done.add(waiting.pop())
                continue
            node = self._node(name)
            inputs = [self.plain(one) if one else "" for one in node.input]
            missing = [one for one in inputs if one and one not in done and one not in leaves]
            if missing:
                if len(waiting) > 10_000:
                    raise UserError("in its body, values wait for each other; the file is damaged")
                waiting += missing[::-1]
                continue
            self._emit(node, name, inputs, nodes, arrays)
            done.add(waiting.pop())
        return nodes, [numpy_helper.from_array(np.ascontiguousarray(value), key) for key, value in arrays.items()]

    def _node(self, name: str) -> Any:
        """The node of a value; that of its columns where it is some of another's."""
        for _ in range(100):
            maker = self.makers.get(name)
            if maker is None:
                raise UserError(f"in its body, {name[:60]} is read, which is no fixed array and nothing of the step")
            if maker.op_type not in ("Split", "Slice"):
                return maker
            start, end = self._part(maker, name)
            other = self.cut(maker.input[0], start, end)
            self.names[name] = other
            name = self.plain(other)
        raise UserError("in its body, values are cut too often; the file is damaged")

    def _emit(self, node: Any, name: str, inputs: list[str], nodes: list[Any], arrays: dict[str, np.ndarray]) -> None:
        from onnx import helper

        if node.op_type == "Clip":  # the language of recurrences has the two halves of it
            a, here = attributes_of(node), inputs[0]
            low, high = (inputs[k] if len(inputs) > k else "" for k in (1, 2))
            for op, limit, own in (("Max", low, "min"), ("Min", high, "max")):
                if own in a:
                    limit = f"{name}.{own}"
                    arrays[limit] = np.array(a[own], np.float32)
                if limit:
                    nodes.append(helper.make_node(op, [here, limit], [f"{name}.{op}"]))
                    here = f"{name}.{op}"
            nodes.append(helper.make_node("Identity", [here], [name]))
            return
        made = helper.make_node(node.op_type, inputs, [name])
        made.attribute.extend(node.attribute)
        nodes.append(made)
