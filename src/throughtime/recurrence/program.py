"""The program of a recurrence: what the schedule makes and the engine runs."""

from __future__ import annotations

from dataclasses import dataclass, field

SPACES = (
    "record", "state", "input", "vector", "const", "temporary", "output", "adjoint", "dstate", "doutput",
)  # fmt: skip
"""Where a value can live; the engine knows them by position."""

OPERATIONS = (
    "copy", "sigmoid", "tanh", "relu", "exp", "log", "sqrt", "softplus", "neg", "positive",
    "add", "sub", "mul", "div", "maximum", "minimum", "greater", "dsigmoid", "dtanh",
    "mul_add", "sub_mul", "mul_sub", "mul_dsigmoid", "mul_dtanh", "mean", "normalize", "dnormalize",
)  # fmt: skip
"""Elementwise operations by position. mul_add a*b+c, sub_mul c-a*b, mul_sub a*b-c, mul_dsigmoid a*b*c*(1-c).
mean gives every column the mean of its row; normalize(a) subtracts it and divides by the row's deviation; from the
adjoint g of that, dnormalize(g, a) makes the adjoint of a. A tile that has one of the three is not cut by columns."""

BIAS, ACCUMULATE, ZERO = 0, 1, 2


@dataclass(frozen=True)
class Place:
    """A value's home: space (index into SPACES), which buffer or column, and its width."""

    space: int
    index: int
    width: int


@dataclass
class Product:
    """Columns [column, column + width) of `target` = start + sum over segments of operand times packed matrix."""

    target: Place
    start: int
    segments: list[tuple[Place, int]]


@dataclass
class Tile:
    """Elementwise instructions (operation, destination, a, b, c) over places by number, -1 for unused."""

    instructions: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    temporaries: int = 0


@dataclass
class Pass:
    """One pass of the loop: `hoisted` products run for a block of steps, `phases` at every step."""

    width: int
    hoisted: list[Product]
    phases: list[Product | Tile]


@dataclass
class Backward(Pass):
    """The pass from the last step to the first, and what is made of its adjoints for all steps at once.

    summed: the adjoint's first columns, which weights and vectors read. weights: (operand place in the record or input,
    parameter, adjoint column). vectors: (parameter, adjoint column). input_products: into the columns of d_x that their
    targets name. input_elementwise: the first adjoint column of what is added to all of d_x, -1 for none.
    """

    summed: int = 0
    weights: list[tuple[int, int, int]] = field(default_factory=list)
    vectors: list[tuple[int, int]] = field(default_factory=list)
    input_products: list[Product] = field(default_factory=list)
    input_elementwise: int = -1


@dataclass
class Program:
    """What the engine runs; lists index each other by position.

    input_width: of all inputs side by side. every: the output of a step is every state side by side, not the output
    state alone. parameters: (rows, columns), columns 0 for a vector. packs: (parameters stacked by rows, transposed).
    biases: (record column, parameter). training, backward: None in a program for inference alone.
    """

    input_width: int
    state_widths: list[int]
    output_state: int
    every: bool
    parameters: list[tuple[int, int]]
    constants: list[float]
    places: list[Place]
    packs: list[tuple[list[int], bool]]
    biases: list[tuple[int, int]]
    inference: Pass
    training: Pass | None
    backward: Backward | None
