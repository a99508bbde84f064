"""The layers a model that came from elsewhere is made of: what each is, and the weights it has. How they run: run.py.

Arrays of a model are (B, T, ...) as Keras has them; parameters bear the names and shapes of the house.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any, ClassVar

from throughtime.errors import UserError
from throughtime.interop.functions import Function
from throughtime.options import Checked, Json, option
from throughtime.recurrence import LARGEST, Recurrence

MOST_CELLS = 100
MERGES = ("concat", "sum", "mul", "ave", "none")
"""What two directions become: side by side, their sum, product or mean, or two outputs."""

COMBINATIONS = ("concat", "sum", "mul", "ave", "max", "min", "sub", "dot")

Shapes = dict[str, tuple[int, ...]]


def _function(value: Any) -> Function:
    return Function.from_json(value)


def _size(value: Any) -> int:
    if type(value) is not int or not 0 < value <= LARGEST:
        raise ValueError(f"an integer from 1 to {LARGEST:,}")
    return value


def _shape(value: Any) -> tuple[int | None, ...]:
    """Sizes, None for a free one; -1 is told by the others."""
    right = isinstance(value, list | tuple) and len(value) <= 8
    if not right or any(one is not None and (type(one) is not int or not -1 <= one <= LARGEST) for one in value):
        raise ValueError("a list of at most 8 sizes")
    return tuple(value)


def _plain_function(value: Function) -> Json:
    return value.to_json()


IDENTITY = Function("identity")


@dataclass(frozen=True)
class Layer(Checked):
    """A layer. kind: its name in files. masked: what becomes of a mask, "kept", "dropped", or "own", the layer's own
    rule. whole: whether it needs all steps before it can say anything, so that it cannot stream."""

    who: ClassVar[str] = "layer"
    kind: ClassVar[str] = ""
    masked: ClassVar[str] = "kept"
    whole: ClassVar[bool] = False

    @property
    def shapes(self) -> Shapes:
        """The names and shapes of its parameters."""
        return {}

    @property
    def count(self) -> int:
        """How many values it returns."""
        return 1


@dataclass(frozen=True)
class Input(Layer):
    """What comes in. shape: without the batch, None for a free size. tokens: whether it is numbers of rows."""

    kind: ClassVar[str] = "input"
    shape: Any = option((), check=_shape, plain=list)
    tokens: bool = False


def _cells(value: Any) -> tuple[Recurrence, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_CELLS:
        raise ValueError(f"1 to {MOST_CELLS} recurrences")
    return tuple(one if isinstance(one, Recurrence) else Recurrence.from_json(one) for one in value)


@dataclass(frozen=True)
class Recurrent(Layer):
    """Cells that read a sequence, each the output of the one before it.

    cells: bottom first. back: whether it reads from the end. sequences: all steps or the last one. turned: a sequence
    read from the end stays in the order in which it was read. states: whether the last states are further outputs.
    stateful: whether it goes on where the last call ended. zero: what is masked gives zeros; otherwise it repeats what
    came before. time_major: its input and output are (T, B, ...). last_first: the states of the last cell come first.
    begins: before the first step that is not masked it gives zeros, or with True its initial state.
    """

    kind: ClassVar[str] = "recurrent"
    masked: ClassVar[str] = "own"
    cells: Any = option(check=_cells, plain=lambda cells: [one.to_json() for one in cells])
    back: bool = False
    sequences: bool = False
    turned: bool = False
    states: bool = False
    stateful: bool = False
    zero: bool = False
    time_major: bool = False
    last_first: bool = False
    begins: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for below, above in zip(self.cells, self.cells[1:], strict=False):
            if above.input_size != below.output_size:
                raise UserError(
                    f"recurrent: a cell takes I={above.input_size}, what comes in has {below.output_size}; damaged?"
                )
        if any(one.trace.further for one in self.cells[1:]):
            raise UserError("recurrent: only the lowest cell may read more than x")

    @property
    def shapes(self) -> Shapes:
        return {f"{j}.{name}": shape for j, cell in enumerate(self.cells) for name, shape in cell.shapes.items()}

    @property
    def state_names(self) -> list[tuple[int, int, str, int]]:
        """Cell, place in it, name and size of every state, in the order in which they come out."""
        order = [*enumerate(self.cells)][:: -1 if self.last_first else 1]
        return [
            (j, k, name, size)
            for j, cell in order
            for k, (name, size) in enumerate(zip(cell.trace.states, cell.state_sizes, strict=True))
        ]

    @property
    def size(self) -> int:
        """S, values of its output at a step."""
        return int(self.cells[-1].output_size)

    @property
    def count(self) -> int:
        return 1 + (len(self.state_names) if self.states else 0)


def _recurrent(value: Any) -> Recurrent:
    return value if isinstance(value, Recurrent) else Recurrent.from_json(value)


def _plain_layer(value: Layer) -> Json:
    return value.to_json()


@dataclass(frozen=True)
class Bidirectional(Layer):
    """Two recurrent layers over the same input, one of which reads from the end. merge: one of MERGES."""

    kind: ClassVar[str] = "bidirectional"
    masked: ClassVar[str] = "own"
    whole: ClassVar[bool] = True
    ahead: Any = option(check=_recurrent, plain=_plain_layer)
    back: Any = option(check=_recurrent, plain=_plain_layer)
    merge: str = option("concat", choices=MERGES)

    @property
    def shapes(self) -> Shapes:
        found = {f"ahead.{name}": shape for name, shape in self.ahead.shapes.items()}
        return found | {f"back.{name}": shape for name, shape in self.back.shapes.items()}

    @property
    def count(self) -> int:
        own = 2 if self.merge == "none" else 1
        return own + (len(self.ahead.state_names) + len(self.back.state_names) if self.ahead.states else 0)


@dataclass(frozen=True)
class Embedding(Layer):
    """Rows of a table. mask_zero: whether row 0 stands for padding."""

    kind: ClassVar[str] = "embedding"
    masked: ClassVar[str] = "own"
    rows: int = option(check=_size)
    width: int = option(check=_size)
    mask_zero: bool = False

    @property
    def shapes(self) -> Shapes:
        return {"table": (self.rows, self.width)}


@dataclass(frozen=True)
class Masking(Layer):
    """Steps all of whose values are a certain one are left out from here on."""

    kind: ClassVar[str] = "masking"
    masked: ClassVar[str] = "own"
    value: float = 0.0


@dataclass(frozen=True)
class Dense(Layer):
    """f(W x + b) at every place. inputs, units: widths."""

    kind: ClassVar[str] = "dense"
    inputs: int = option(check=_size)
    units: int = option(check=_size)
    bias: bool = True
    f: Any = option(IDENTITY, check=_function, plain=_plain_function)

    @property
    def shapes(self) -> Shapes:
        found: Shapes = {"W": (self.units, self.inputs)}
        return found | ({"b": (self.units,)} if self.bias else {})


@dataclass(frozen=True)
class Activation(Layer):
    """A function. trained: its slopes below zero are a parameter of this shape (PReLU)."""

    kind: ClassVar[str] = "activation"
    f: Any = option(IDENTITY, check=_function, plain=_plain_function)
    trained: Any = option((), check=_shape, plain=list)

    @property
    def shapes(self) -> Shapes:
        return {"slope": tuple(int(n or 1) for n in self.trained)} if self.trained else {}


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Each value shifted and scaled by what training found: gain (x - mean) / sqrt(variance + epsilon) + bias."""

    kind: ClassVar[str] = "batch_norm"
    size: int = option(check=_size)
    axis: int = option(-1, at_least=-8, at_most=8)
    epsilon: float = option(1e-3, at_least=0)

    @property
    def shapes(self) -> Shapes:
        return dict.fromkeys(("gain", "bias", "mean", "variance"), (self.size,))


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Values along an axis shifted and scaled to mean 0 and variance 1, times gain, plus bias."""

    kind: ClassVar[str] = "layer_norm"
    size: int = option(check=_size)
    epsilon: float = option(1e-3, at_least=0)

    @property
    def shapes(self) -> Shapes:
        return {"gain": (self.size,), "bias": (self.size,)}


@dataclass(frozen=True)
class Identity(Layer):
    """Nothing: dropout, noise and what else works in training only."""

    kind: ClassVar[str] = "identity"


def _layer(value: Any) -> Layer:
    found = value if isinstance(value, Layer) else layer_from_json(value)
    if not isinstance(found, Dense | Activation | BatchNorm | LayerNorm | Identity | Reshape | Flatten | Embedding):
        raise ValueError("a layer without time of its own")
    return found


@dataclass(frozen=True)
class TimeDistributed(Layer):
    """A layer without time at every step."""

    kind: ClassVar[str] = "time_distributed"
    layer: Any = option(check=_layer, plain=lambda one: layer_to_json(one))

    @property
    def shapes(self) -> Shapes:
        found: Shapes = self.layer.shapes
        return found


@dataclass(frozen=True)
class Reshape(Layer):
    """The same values in another shape, without the batch; -1 for what is told by the others."""

    kind: ClassVar[str] = "reshape"
    masked: ClassVar[str] = "dropped"
    whole: ClassVar[bool] = True
    shape: Any = option((), check=_shape, plain=list)


@dataclass(frozen=True)
class Flatten(Layer):
    """All values of a row side by side."""

    kind: ClassVar[str] = "flatten"
    masked: ClassVar[str] = "dropped"
    whole: ClassVar[bool] = True


@dataclass(frozen=True)
class Permute(Layer):
    """The axes in another order, the batch's not counted: (2, 1)."""

    kind: ClassVar[str] = "permute"
    masked: ClassVar[str] = "dropped"
    whole: ClassVar[bool] = True
    order: Any = option((), check=_shape, plain=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        if sorted(n or 0 for n in self.order) != list(range(1, len(self.order) + 1)):
            raise UserError(f"permute: expected each axis once, got {reprlib.repr(self.order)}")


@dataclass(frozen=True)
class Repeat(Layer):
    """A vector as a sequence of so many equal steps."""

    kind: ClassVar[str] = "repeat"
    masked: ClassVar[str] = "dropped"
    whole: ClassVar[bool] = True
    steps: int = option(check=_size)


@dataclass(frozen=True)
class Pool(Layer):
    """The largest or mean value over time. how: "max" or "ave"; the mean is of steps that are not masked."""

    kind: ClassVar[str] = "pool"
    masked: ClassVar[str] = "dropped"
    whole: ClassVar[bool] = True
    how: str = option("max", choices=("max", "ave"))
    kept: bool = False


@dataclass(frozen=True)
class Last(Layer):
    """The values of the last step of a sequence; what reads from the end has read one step by then."""

    kind: ClassVar[str] = "last"
    masked: ClassVar[str] = "own"
    whole: ClassVar[bool] = True


@dataclass(frozen=True)
class Merge(Layer):
    """Several values as one. axis: of "concat". masks: those of the inputs must "all" hold a step, or "any"."""

    kind: ClassVar[str] = "merge"
    masked: ClassVar[str] = "own"
    how: str = option("concat", choices=COMBINATIONS)
    axis: int = option(-1, at_least=-8, at_most=8)
    masks: str = option("all", choices=("all", "any"))


KINDS: dict[str, type[Layer]] = {
    one.kind: one
    for one in (
        *(Input, Recurrent, Bidirectional, Embedding, Masking, Dense, Activation, BatchNorm, LayerNorm, Identity),
        *(TimeDistributed, Reshape, Flatten, Permute, Repeat, Pool, Last, Merge),
    )
}
"""Every layer by its name in files."""


def layer_to_json(layer: Layer) -> Json:
    """Plain values, with the layer's kind."""
    return {"kind": layer.kind, **layer.to_json()}


def layer_from_json(data: Json) -> Layer:
    """Rebuild from `layer_to_json`; UserError says what is wrong."""
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"layer: expected one of {', '.join(KINDS)}, got {reprlib.repr(kind)}; the file is damaged")
    return KINDS[kind].from_json({name: value for name, value in data.items() if name != "kind"})
