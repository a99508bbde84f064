"""One sequence into another: an encoder in both directions, and a decoder that attends to what it read.

    h    = the encoder's recurrences over the source, in both directions              (T, S)
    K, V = W_k h, W_v h                                                               keys and values
    s    = the lower recurrences over the target so far                               begun from the mean of h
    a    = softmax over the source of (W_q s) . K / sqrt(width), head by head         c = sum a V
    u    = the upper recurrences over [s; c]
    r    = tanh(W_r [u; c] + b_r)           p_v = softmax(E r + b_y)                  E: the embedding of both sides
    g    = sigmoid(w_g r + b_g)             p   = g p_v + (1 - g) sum of the first head's a over places with that piece

Attention lies between the lower and the upper recurrences, so that it depends on no upper state: all of a target runs
in one call of each recurrence, and what was attended to reaches later words through the upper ones. So do Wu et al.
2016, arXiv:1609.08144, section 3, and RNMT+, Chen et al. 2018, arXiv:1804.09849, section 3. Attention: Luong et al.
2015, arXiv:1508.04025 ("general"), in heads as Vaswani et al. 2017, arXiv:1706.03762, section 3.2. One embedding three
times: Press and Wolf 2017, arXiv:1608.05859. Copying: See et al. 2017, arXiv:1704.04368, equation 9; pieces are bytes
of the text, so that what is copied is the text as written.

Written once over `ops`; sources end where they end, and nothing behind an end is read.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops import Array, Ops, Params
from throughtime.models.stack import LARGEST, Dropout, Stack, States
from throughtime.options import Json
from throughtime.recurrence import Trace

WHO = "encoder-decoder"
"""Who speaks in an error."""

MOST_HEADS = 64


class Pieces(NamedTuple):
    """A batch of texts in pieces. tokens: (T, B) integers, 0 behind an end. lengths: (B,), at least 1."""

    tokens: Array
    lengths: Array


class Memory(NamedTuple):
    """What a decoder sees of sources. keys: (T, B, A). values: (T, B, N). lengths: (B,), at least 1. mean: (B, S), of
    the encoder's states."""

    keys: Array
    values: Array
    lengths: Array
    mean: Array


class Decoded(NamedTuple):
    """What a decoder says at each step. readout: r, (U, B, E). shares: the first head's attention, (U, B, T). gate: the
    logit of g, (U, B, 1), None without copying. lower, upper: the states after the last step."""

    readout: Array
    shares: Array
    gate: Array | None
    lower: States
    upper: States


@dataclass(frozen=True)
class EncoderDecoderConfig:
    """Sizes. vocabulary: V, pieces and the edge of a text, which is the last one. embedding: E.
    encoder: in both directions. lower, upper: recurrences of the decoder, in one direction. attention: A, the width of
    queries and keys. heads: in how many parts. copying: whether pieces can be copied. Raises UserError where sizes do
    not fit together."""

    vocabulary: int
    embedding: int
    encoder: Stack
    lower: Stack
    upper: Stack
    attention: int
    heads: int = 1
    copying: bool = True
    dropout: Dropout = field(default_factory=Dropout)

    def __post_init__(self) -> None:
        who = WHO
        sizes = {"vocabulary": (self.vocabulary, 2, LARGEST), "embedding": (self.embedding, 1, LARGEST)}
        sizes |= {"attention": (self.attention, 1, LARGEST), "heads": (self.heads, 1, MOST_HEADS)}
        for name, (value, least, most) in sizes.items():
            if type(value) is not int or not least <= value <= most:
                got = reprlib.repr(value)
                raise UserError(f"{who}: {name} must be an integer from {least} to {most:,}, got {got}")
        if not isinstance(self.copying, bool):
            raise UserError(f"{who}: copying must be true or false, got {reprlib.repr(self.copying)}")
        if self.attention % self.heads:
            raise UserError(f"{who}: attention must divide into {self.heads} heads, got {self.attention} values")
        if not (self.lower.streams and self.upper.streams):
            raise UserError(f"{who}: a decoder reads from the start only; config.json is damaged")
        self.encoder.check(who, self.embedding)
        lower = self.lower.check(who, self.embedding)
        self.upper.check(who, lower + self.attention)

    @classmethod
    def stack(
        cls, vocabulary: int, embedding: int, cells: list[Trace], hidden: int, **rest: Any
    ) -> EncoderDecoderConfig:
        """An encoder with a layer of each cell, H in each direction, and a decoder of twice that: the first cell below
        the attention, the last above it. rest: further fields of the class."""
        if not cells:
            raise UserError(f"{WHO}: expected at least one cell, got none; name one, or several with commas")
        encoder = Stack.of(cells, embedding, hidden, bidirectional=True)
        lower = Stack.of(cells[:1], embedding, hidden)
        attention = rest.pop("attention", hidden)
        upper = Stack.of(cells[-1:], lower.width + attention, hidden)
        return cls(
            vocabulary,
            embedding,
            Stack(encoder.layers, "encoder", directed=True),
            Stack(lower.layers, "lower"),
            Stack(upper.layers, "upper"),
            attention,
            **rest,
        )

    @property
    def edge(self) -> int:
        """What stands before the first and behind the last piece of a text."""
        return self.vocabulary - 1

    @property
    def stacks(self) -> list[Stack]:
        """Its recurrences."""
        return [self.encoder, self.lower, self.upper]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        width, attention = self.encoder.width, self.attention
        found: dict[str, tuple[int, ...]] = {"embedding": (self.vocabulary, self.embedding), **self.encoder.shapes}
        for stack in (self.lower, self.upper):
            found.update(stack.shapes)
            for i, (layer,) in enumerate(stack.layers):
                found[f"bridge.{stack.prefix}.{i}.W"] = (layer.output_size, width)
                found[f"bridge.{stack.prefix}.{i}.b"] = (layer.output_size,)
        found["attention.W_q"] = (attention, self.lower.width)
        found["attention.W_k"] = found["attention.W_v"] = (attention, width)
        found["output.W_r"] = (self.embedding, self.upper.width + attention)
        found["output.b_r"], found["output.b_y"] = (self.embedding,), (self.vocabulary,)
        if self.copying:
            found["copying.w"], found["copying.b"] = (1, self.embedding), (1,)
        return found

    def to_json(self) -> dict[str, Json]:
        """Plain lists and dicts, for config.json."""
        plain = ("vocabulary", "embedding", "attention", "heads", "copying")
        stacks = {stack.prefix: stack.to_json() for stack in self.stacks}
        return {**{name: getattr(self, name) for name in plain}, **stacks, "dropout": self.dropout.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> EncoderDecoderConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        who = WHO
        try:
            encoder = Stack.from_json(data["encoder"], who, "encoder", directed=True)
            lower, upper = (Stack.from_json(data[name], who, name, directed=False) for name in ("lower", "upper"))
            if lower.named and any(len(layer) != 1 for stack in (lower, upper) for layer in stack.layers):
                raise UserError(f"{who}: a decoder reads from the start only; config.json is damaged")
            attention, heads, copying = (data[name] for name in ("attention", "heads", "copying"))
            sizes, dropout = (data["vocabulary"], data["embedding"]), Dropout.from_json(data["dropout"])
            return cls(*sizes, encoder, lower, upper, attention, heads, copying, dropout)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{who}: its configuration is malformed ({error!r}); config.json is damaged") from None


def embed(ops: Ops, config: EncoderDecoderConfig, parameters: Params, tokens: Array) -> Array:
    """What recurrences read of pieces (T, B), (T, B, E): of about the size of a state."""
    x = ops.lookup(parameters["embedding"], tokens) * math.sqrt(config.embedding)
    return ops.dropout(x, config.dropout.input, config.dropout.variational)


def encode(ops: Ops, config: EncoderDecoderConfig, parameters: Params, tokens: Array, lengths: Array) -> Memory:
    """Sources, tokens (T, B), as a decoder sees them. lengths: (B,), at least 1."""
    return memorize(ops, config, parameters, embed(ops, config, parameters, tokens), lengths)


def memorize(ops: Ops, config: EncoderDecoderConfig, parameters: Params, x: Array, lengths: Array) -> Memory:
    """The same from what the recurrences read, (T, B, E)."""
    drop = config.dropout
    h, _ = config.encoder.run(ops, parameters, x, None, lengths, drop)
    mean = ops.sum(h, 0) / ops.sum(ops.mask(lengths, len(h), h), 0)
    h = ops.dropout(h, drop.between, drop.variational)
    keys, values = (ops.linear(h, parameters[f"attention.W_{name}"], None) for name in "kv")
    return Memory(keys, values, lengths, mean)


def begin(ops: Ops, config: EncoderDecoderConfig, parameters: Params, memory: Memory) -> tuple[States, States]:
    """The decoder's states before the first piece: of each recurrence the output from the mean of what was read, all
    else zero."""
    found = []
    for stack in (config.lower, config.upper):
        states = []
        for i, (layer,) in enumerate(stack.layers):
            start = f"bridge.{stack.prefix}.{i}."
            first = ops.tanh(ops.linear(memory.mean, parameters[f"{start}W"], parameters[f"{start}b"]))
            each = []
            for name, size in zip(layer.trace.states, layer.state_sizes, strict=True):
                zeros = np.zeros((memory.mean.shape[0], size), np.float32)
                each.append(first if name == layer.trace.output else ops.constant(zeros, first))
            states.append((tuple(each),))
        found.append(tuple(states))
    return found[0], found[1]


def attend(
    ops: Ops, config: EncoderDecoderConfig, parameters: Params, memory: Memory, states: Array
) -> tuple[Array, Array]:
    """What is taken of the sources, (U, B, N), and the first head's shares, (U, B, T), for lower states (U, B, H)."""
    heads, (steps, rows) = config.heads, memory.keys.shape[:2]
    queries = ops.linear(states, parameters["attention.W_q"], None)
    if heads == 1:
        return ops.attention(queries, memory.keys, memory.values, memory.lengths)
    width, each = config.attention // heads, rows * heads
    asked, keys, values = (one.reshape(one.shape[0], each, width) for one in (queries, memory.keys, memory.values))
    taken, shares = ops.attention(asked, keys, values, memory.lengths[np.arange(rows).repeat(heads)])
    first = shares.reshape(queries.shape[0], rows, heads, steps)[:, :, 0]
    return taken.reshape(queries.shape[0], rows, config.attention), first


def decode(
    ops: Ops,
    config: EncoderDecoderConfig,
    parameters: Params,
    memory: Memory,
    states: tuple[States, States],
    x: Array,
    ends: Array | None = None,
) -> Decoded:
    """The decoder over what it reads, x (U, R, E), from states.

    R may be several times as many rows as there are sources: row j B + b then reads source b. ends: (R,), how many
    steps each row has; None for all.
    """
    drop, rows = config.dropout, memory.keys.shape[1]
    s, lower = config.lower.run(ops, parameters, x, states[0], ends, drop)
    s = ops.dropout(s, drop.between, drop.variational)
    taken, shares = attend(ops, config, parameters, memory, s.reshape(-1, rows, s.shape[-1]))
    c = taken.reshape(*s.shape[:2], config.attention)
    u, upper = config.upper.run(ops, parameters, ops.concatenate([s, c]), states[1], ends, drop)
    r = ops.tanh(ops.linear(ops.concatenate([u, c]), parameters["output.W_r"], parameters["output.b_r"]))
    r = ops.dropout(r, drop.output, drop.variational)
    gate = ops.linear(r, parameters["copying.w"], parameters["copying.b"]) if config.copying else None
    return Decoded(r, shares, gate, lower, upper)


def forward(ops: Ops, config: EncoderDecoderConfig, parameters: Params, sources: Pieces, targets: Pieces) -> Decoded:
    """What the decoder says of each piece that comes after those of the targets, the first of which is the edge."""
    memory = encode(ops, config, parameters, *sources)
    x = embed(ops, config, parameters, targets.tokens)
    return decode(ops, config, parameters, memory, begin(ops, config, parameters, memory), x, targets.lengths)


def draw(config: EncoderDecoderConfig, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
    """Every parameter by name, at the start: embeddings normal with deviation 1 / sqrt(E), vectors 0 but for the gate
    of copying, which begins nearly shut; other matrices uniform in +-1/sqrt(columns), recurrences as cells declare."""
    values: dict[str, np.ndarray] = {}
    for stack in config.stacks:
        values.update(stack.draw(rng, dtype))
    for name, shape in config.shapes.items():
        if name in values:
            continue
        if name == "embedding":
            values[name] = rng.standard_normal(shape) / np.sqrt(shape[1])
        elif len(shape) == 1:
            values[name] = np.full(shape, 3.0 if name == "copying.b" else 0.0)
        else:
            bound = 1.0 / np.sqrt(shape[1])
            values[name] = rng.uniform(-bound, bound, shape)
    return {name: np.ascontiguousarray(values[name], dtype=dtype) for name in config.shapes}
