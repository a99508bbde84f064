"""What reads the tokens of a text: embeddings, and a stack of recurrences in one direction or in both.

    x_t = [embedding_1[id_t1]; ...; mean of the embeddings of the pieces of token t; features_t]
    f_t = the recurrence over x from the start        g_t = another one from the end
    h_t = [f_t; g_t]                                  layer by layer, the next reads h

A token has an id in each of several columns (its word, its shape, the pair it makes with its neighbour ...) and may be
spelled out as a bag of pieces, n-grams of its characters (Bojanowski et al. 2017, arXiv:1607.04606, section 3.2). What
linear models say of the n-grams that end at the token may stand beside it (linear/naive_bayes.py).
Two directions: Schuster and Paliwal 1997, doi:10.1109/78.650093.

Written once over `ops`; rows end where they end, and nothing behind an end is read.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops import Ops, Params
from throughtime.models.stack import LARGEST, Dropout, Stack
from throughtime.recurrence import Recurrence, Trace

_MOST_COLUMNS = 20


class Tokens(NamedTuple):
    """A batch of texts as a model sees them; arrays of NumPy or of torch.

    ids: (C, T, B) int64, an id in each column, 0 behind a row's end. lengths: (B,) int64, at least 1. spelled: (T, B)
    int64, which of the D spellings a token has; pieces: (N,) int64 and offsets: (D + 1,) int64, the pieces of spelling
    d are pieces[offsets[d] : offsets[d + 1]]. Those three are None where nothing is spelled. values: (T, B, F) float32,
    what is known of each token besides; None for nothing.
    """

    ids: Any
    lengths: Any
    spelled: Any = None
    pieces: Any = None
    offsets: Any = None
    values: Any = None


class Sentences(NamedTuple):
    """Where the sentences of a batch of texts are among its rows.

    places: (S, B) int64, the row of sentence s of text b, 0 behind a text's end. counts: (B,) int64, at least 1.
    """

    places: Any
    counts: Any


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes of a reader.

    columns: (name, ids, width) of each embedding. pieces: (pieces, width) of the bag, (0, 0) for none. layers: bottom
    first, each with one recurrence for every direction. added: the embeddings, then of one width, are added instead of
    standing side by side. values: F, what is known of a token besides. Raises UserError where sizes do not fit.
    """

    who: str
    columns: tuple[tuple[str, int, int], ...]
    layers: tuple[tuple[Recurrence, ...], ...]
    pieces: tuple[int, int] = (0, 0)
    added: bool = False
    dropout: Dropout = field(default_factory=Dropout)
    values: int = 0

    def __post_init__(self) -> None:
        who = self.who
        if not 1 <= len(self.columns) <= _MOST_COLUMNS:
            raise UserError(f"{who}: expected up to {_MOST_COLUMNS} columns")
        if len(self.pieces) != 2:
            raise UserError(f"{who}: pieces must be two numbers, got {reprlib.repr(self.pieces)}")
        for name, *sizes in (*self.columns, *([("pieces", *self.pieces)] if self.pieces != (0, 0) else [])):
            if not isinstance(name, str) or any(type(n) is not int or not 0 < n <= LARGEST for n in sizes):
                got = reprlib.repr([name, *sizes])
                raise UserError(f"{who}: a column needs a name, and sizes from 1 to {LARGEST:,}, got {got}")
        if not isinstance(self.added, bool):
            raise UserError(f"{who}: added must be true or false, got {reprlib.repr(self.added)}")
        widths = [width for _, _, width in self.columns] + [self.pieces[1]] * (self.pieces != (0, 0))
        if self.added and len(set(widths)) > 1:
            raise UserError(f"{who}: embeddings that are added must be of one width, got {widths}")
        if type(self.values) is not int or not 0 <= self.values <= LARGEST:
            got = reprlib.repr(self.values)
            raise UserError(f"{who}: values must be an integer from 0 to {LARGEST:,}, got {got}")
        width = (widths[0] if self.added else sum(widths)) + self.values
        self.recurrences.check(who, width)

    @property
    def recurrences(self) -> Stack:
        """The layers as they run."""
        return Stack(self.layers, directed=True)

    @property
    def width(self) -> int:
        """S, values of a token's state: those of both directions."""
        return self.recurrences.width

    @property
    def streams(self) -> bool:
        """Whether it reads in one direction only, and can go on as text arrives."""
        return self.recurrences.streams

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        found: dict[str, tuple[int, ...]] = {f"columns.{name}": (rows, width) for name, rows, width in self.columns}
        if self.pieces != (0, 0):
            found["pieces"] = self.pieces
        found.update(self.recurrences.shapes)
        return found

    @classmethod
    def stack(
        cls,
        who: str,
        columns: Sequence[tuple[str, int, int]],
        cells: Sequence[Trace],
        hidden: int,
        bidirectional: bool = True,
        **rest: Any,
    ) -> ReaderConfig:
        """Layers of the given cells, bottom first. rest: further fields of the class."""
        pieces = rest.get("pieces", (0, 0))
        widths = [width for _, _, width in columns] + [pieces[1]] * (pieces != (0, 0))
        below = (widths[0] if rest.get("added") else sum(widths)) + rest.get("values", 0)
        layers = Stack.of(cells, below, hidden, bidirectional).layers
        return cls(who, tuple(columns), layers, **rest)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dicts, for config.json."""
        return {
            "columns": [list(column) for column in self.columns],
            "pieces": list(self.pieces),
            "added": self.added,
            "values": self.values,
            "layers": self.recurrences.to_json(),
            "dropout": self.dropout.to_json(),
        }

    @classmethod
    def from_json(cls, who: str, data: Any) -> ReaderConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        try:
            columns = tuple((name, rows, width) for name, rows, width in data["columns"])
            layers = Stack.from_json(data["layers"], who, directed=True).layers
            pieces = tuple(data["pieces"])
            dropout = Dropout.from_json(data["dropout"])
            return cls(who, columns, layers, pieces, data["added"], dropout, data["values"])  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{who}: its configuration is malformed ({error!r}); config.json is damaged") from None


def embed(ops: Ops, config: ReaderConfig, parameters: Params, tokens: Tokens) -> Any:
    """x, what the lowest recurrences read, (T, B, I)."""
    parts = [ops.lookup(parameters[f"columns.{name}"], tokens.ids[i]) for i, (name, _, _) in enumerate(config.columns)]
    if config.pieces != (0, 0):
        bags = ops.bag(parameters["pieces"], tokens.pieces, tokens.offsets)
        parts.append(ops.lookup(bags, tokens.spelled))
    x = sum(parts[1:], start=parts[0]) if config.added else ops.concatenate(parts)
    x = ops.dropout(x, config.dropout.input, config.dropout.variational)
    return ops.concatenate([x, tokens.values]) if config.values else x


def read(ops: Ops, config: ReaderConfig, parameters: Params, x: Any, lengths: Any) -> tuple[Any, tuple[Any, ...]]:
    """The state of every token, (T, B, S), zero behind a row's end; and the top layer's last output by direction.

    x: what `embed` gave. lengths: (B,).
    """
    x, states = config.recurrences.run(ops, parameters, x, None, lengths, config.dropout)
    return x, tuple(config.recurrences.last(states))


def draw(
    shapes: Mapping[str, tuple[int, ...]],
    stacks: Sequence[Stack],
    rng: np.random.Generator,
    dtype: Any = np.float32,
) -> dict[str, np.ndarray]:
    """Every parameter of a model that reads, by name.

    stacks: of recurrences. Embeddings are normal with deviation 1 / sqrt(width) (pieces, whose mean is taken:
    2 / sqrt(width)), vectors 0, other matrices uniform in +-1/sqrt(columns), recurrent layers as their cells declare.
    """
    values: dict[str, np.ndarray] = {}
    for stack in stacks:
        values.update(stack.draw(rng, dtype))
    for name, shape in shapes.items():
        if name in values:
            continue
        if name.startswith("columns.") or name == "pieces":
            values[name] = rng.standard_normal(shape) * ((2.0 if name == "pieces" else 1.0) / np.sqrt(shape[1]))
        elif len(shape) == 1 or name.startswith(("crf.", "stacked.")):
            values[name] = np.zeros(shape)
        else:
            bound = 1.0 / np.sqrt(shape[1])
            values[name] = rng.uniform(-bound, bound, shape)
    return {name: np.ascontiguousarray(values[name], dtype=dtype) for name in shapes}
