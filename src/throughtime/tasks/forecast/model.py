"""The forecaster: what comes next in a series, from its last values.

    u_s = relu(W_xu [x_s, m_s, v_s] + b_u)       s = 1 ... S: segments of w steps, m: what was observed, v: features
    h_S = the stack of recurrences over u
    d_j = one more step of the stack from h_S, with relu(e_j + W_fu v_j) as its input      j = 1 ... J: segments to come
    y_k = sum over r of softmax(a)_rk * reference_rk + (W_hy d_j + b_y)_k

Every segment to come is one step from h_S, at its own position e_j, so no error is fed back; v_j is what is known of it
beforehand, such as its calendar. The references are values of the series itself: the last one, and those some lags ago,
one season ago among them; a learned mixture of them, by how far ahead, is what the recurrence corrects. One more may be
what a linear map makes of the last values, less the last one, l, of them (tasks/forecast/linear.py):

    reference_k = l + sum over i of W_yx_ki (x_i - l) m_i + b_yx_k

Everything is in the scale of the window or of the series (tasks/forecast/scaling.py).

With an output at `every` segment the recurrence runs on, and each of its states predicts, the classic form:

    y_sk = sum over r of softmax(a)_rk * reference_srk + (W_hy h_s + b_y)_k      s = 1 ... S

where u_s also takes v of the K steps after the segment. Its state can be carried from one observation to the next.

Source: segments, and decoding them in parallel by position: Lin et al. 2023, arXiv:2308.11200 (SegRNN), section 4.

Written once over `ops`; models/ops_numpy.py and models/ops_torch.py are the two sets of operations.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops import Ops, Params
from throughtime.models.stack import LARGEST, Stack
from throughtime.options import Checked, Json, option
from throughtime.recurrence import Recurrence, Trace

WHO = "forecaster"
"""Who speaks in an error."""

LINEAR, CONSTANT = "linear.W_yx", "linear.b_yx"
"""The linear map; it is fitted before training, and training leaves it alone."""


SCALINGS = ("window", "level", "last", "series")
"""window: shifted by the window's mean, divided by its mean absolute deviation. level: shifted by the window's mean,
divided by the series' mean absolute deviation. last: shifted by the last value observed, divided likewise (Zeng et al.
2022, arXiv:2205.13504, NLinear; and SegRNN). series: both of the series, as they were in training."""

DISTRIBUTIONS = {"none": 0, "student_t": 3, "negative_binomial": 2}
"""Name -> how many parameters; none: the outputs are forecasts, or quantiles of them."""


def _layers(value: Any) -> tuple[Recurrence, ...]:
    """Layers, or what `_plain_layers` made of them."""
    if isinstance(value, tuple) and all(isinstance(one, Recurrence) for one in value):
        return value
    return tuple(layer for (layer,) in Stack.from_json(value, WHO, directed=False).layers)


def _plain_layers(layers: tuple[Recurrence, ...]) -> Json:
    return Stack(tuple((layer,) for layer in layers)).to_json()


@dataclass(frozen=True)
class ForecastConfig(Checked):
    """A forecaster's sizes.

    segment: w, steps in a segment. segments: S, of the past that is looked at. horizon: K, steps ahead. lags: how many
    steps ago the references lie, each at least 1; 1 is the last value. embedding: E, values a segment becomes. layers:
    bottom first. outputs: values for each step ahead. dropout: the share dropped before the output layer.
    known: F, features of a step that are known beforehand. features: all features of a past step, the known ones first.
    absent: whether what is known of the past alone may be missing: then a model goes on beyond its horizon without it.
    neighbours: M, other series of which each step's value is seen too, where it is observed.
    profile: whether the series' mean course over a season is one more feature, known, and two more references.
    every: an output after every segment instead of the last one. scaling: a name of SCALINGS. distribution: a name of
    DISTRIBUTIONS; but for "none" the outputs are its parameters. linear: of how many of the last values a linear map is
    one more reference, 0 for none; constant: whether it has b_yx. Raises UserError where sizes do not fit together.
    """

    who = WHO

    segment: int = option(at_least=1, at_most=LARGEST)
    segments: int = option(at_least=1, at_most=LARGEST)
    horizon: int = option(at_least=1, at_most=LARGEST)
    lags: tuple[int, ...] = option(at_least=1, at_most=LARGEST)
    embedding: int = option(at_least=1, at_most=LARGEST)
    layers: tuple[Recurrence, ...] = option(check=_layers, plain=_plain_layers)
    outputs: int = option(1, at_least=1, at_most=LARGEST)
    dropout: float = option(0.0, at_least=0, below=1)
    known: int = option(0, at_least=0, at_most=LARGEST)
    features: int = option(0, at_least=0, at_most=LARGEST)
    profile: bool = False
    every: bool = False
    scaling: str = option("window", choices=SCALINGS)
    distribution: str = option("none", choices=tuple(DISTRIBUTIONS))
    neighbours: int = option(0, at_least=0, at_most=LARGEST)
    absent: bool = False
    linear: int = option(0, at_least=0, at_most=LARGEST)
    constant: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.features < self.known:
            raise UserError(f"{WHO}: known must be from 0 to features, got {self.known} and {self.features}")
        if not self.lags or (not self.every and max(self.lags) > self.lookback):
            got, limit = reprlib.repr(list(self.lags)), "up" if self.every else f"to the look-back, {self.lookback}"
            raise UserError(f"{WHO}: lags must be integers from 1 {limit}, got {got}")
        if self.every and self.scaling != "series":
            raise UserError(f"{WHO}: an output at every step needs scaling series, got {self.scaling}")
        if self.every and self.neighbours:
            raise UserError(f"{WHO}: an output at every step is for single series; leave neighbours out")
        if self.linear and (self.every or 1 not in self.lags or self.linear > self.lookback):
            raise UserError(
                f"{WHO}: a linear map reads at most the look-back, {self.lookback}, of a model with outputs after it "
                f"and the last value among its lags, got linear={self.linear}"
            )
        if self.distribution != "none" and self.outputs != DISTRIBUTIONS[self.distribution]:
            needed = DISTRIBUTIONS[self.distribution]
            raise UserError(f"{WHO}: {self.distribution} has {needed} parameters, got outputs={self.outputs}")
        self.recurrences.check(WHO, self.embedding)

    @property
    def recurrences(self) -> Stack:
        """The layers as they run."""
        return Stack(tuple((layer,) for layer in self.layers))

    @property
    def lookback(self) -> int:
        """Steps of the past that are looked at, w S."""
        return self.segment * self.segments

    @property
    def ahead(self) -> int:
        """J, segments to come; the last may be cut short."""
        return -(-self.horizon // self.segment)

    def reach(self, steps: int) -> int:
        """How many steps beyond the end what is known beforehand must go for forecasts of so many: whole horizons."""
        return -(-steps // self.horizon) * self.horizon

    @property
    def warm(self) -> int:
        """Steps before the look-back that references read: only those of outputs at every segment."""
        return max(self.lags) - self.segment if self.every and max(self.lags) > self.segment else 0

    @property
    def references(self) -> int:
        """R, how many references there are."""
        return len(self.lags) + 2 * self.profile + bool(self.linear)

    @property
    def inputs(self) -> int:
        """Values that make up a segment: each step's, whether it was observed, its features and those to come."""
        extra = self.horizon * (self.known + self.profile) if self.every else 0
        return self.segment * (2 + self.features + self.profile + 2 * self.neighbours) + extra

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        shapes: dict[str, tuple[int, ...]] = {
            "input.W_xu": (self.embedding, self.inputs),
            "input.b_u": (self.embedding,),
        }
        if not self.every:
            shapes["position"] = (self.ahead, self.embedding)
            if coming := self.segment * (self.known + self.profile):
                shapes["future.W_fu"] = (self.embedding, coming)
        shapes.update(self.recurrences.shapes)
        values = (self.horizon if self.every else self.segment) * self.outputs
        shapes["output.W_hy"] = (values, self.layers[-1].output_size)
        shapes["output.b_y"] = (values,)
        shapes["mixture"] = (self.references, self.horizon)
        if self.linear:
            shapes[LINEAR] = (self.horizon, self.linear)
            if self.constant:
                shapes[CONSTANT] = (self.horizon,)
        return shapes

    @classmethod
    def stack(
        cls, segment: int, segments: int, horizon: int, lags: Sequence[int], cells: Sequence[Trace], **sizes: Any
    ) -> ForecastConfig:
        """Layers of the given cells, bottom first. sizes: hidden, embedding, and further fields of the class."""
        stacked = Stack.of(cells, sizes["embedding"], sizes.pop("hidden"))
        layers = tuple(layer for (layer,) in stacked.layers)
        return cls(segment, segments, horizon, tuple(lags), layers=layers, **sizes)


def forward(ops: Ops, config: ForecastConfig, parameters: Params, past: Any, references: Any, ahead: Any = None) -> Any:
    """Forecasts (B, K, Q), all in the window's scale; (S, B, K, Q) with an output at every segment.

    past: (S, B, inputs), each segment's values, 0 where missing, then 1 where observed and 0 where not, then features,
    then of each step the neighbours' values and whether they were observed.
    references: (R, B, K), one for each lag; (S, R, B, K) with an output at every segment. ahead: (J, B, w (F +
    profile)) or None: what is known of the segments to come.
    """
    if config.every:
        return every(ops, config, parameters, past, references, None)[0]
    count, rows = config.ahead, past.shape[1]
    x = ops.relu(ops.linear(past, parameters["input.W_xu"], parameters["input.b_u"]))
    # every segment to come is a row of its own: (1, J B, E)
    each = ops.permute(ops.blocks(parameters["position"], rows), (1, 0, 2))
    if "future.W_fu" in parameters:
        each = each + ops.linear(ahead, parameters["future.W_fu"], None)
    each = ops.relu(each).reshape(1, count * rows, config.embedding)
    _, states = config.recurrences.run(ops, parameters, x)
    start = tuple(
        (tuple(ops.blocks(state, count).reshape(count * rows, -1) for state in layer),) for (layer,) in states
    )
    each, _ = config.recurrences.run(ops, parameters, each, start)
    each = ops.dropout(each, config.dropout, False)
    outputs = ops.linear(each, parameters["output.W_hy"], parameters["output.b_y"])
    outputs = outputs.reshape(count, rows, config.segment, config.outputs)
    outputs = ops.permute(outputs, (1, 0, 2, 3)).reshape(rows, count * config.segment, config.outputs)
    mapped = _mapped(ops, config, parameters, past, references) if config.linear else None
    return _corrected(ops, config, parameters, references, outputs[:, : config.horizon], 0, mapped)


def every(
    ops: Ops, config: ForecastConfig, parameters: Params, past: Any, references: Any, state: Any
) -> tuple[Any, list[Any]]:
    """Forecasts (S, B, K, Q) after every segment, and the recurrences' states after the last one.

    past, references: as `forward` takes them. state: as it was returned for the segments before, None for none.
    """
    x = ops.relu(ops.linear(past, parameters["input.W_xu"], parameters["input.b_u"]))
    initial = None if state is None else tuple((tuple(layer),) for layer in state)
    x, after = config.recurrences.run(ops, parameters, x, initial)
    states = [layer for (layer,) in after]
    x = ops.dropout(x, config.dropout, False)
    outputs = ops.linear(x, parameters["output.W_hy"], parameters["output.b_y"])
    outputs = outputs.reshape(past.shape[0], past.shape[1], config.horizon, config.outputs)
    return _corrected(ops, config, parameters, references, outputs, 1), states


def linear_inputs(ops: Ops, config: ForecastConfig, past: Any, references: Any) -> tuple[Any, Any]:
    """What the linear map reads of windows, (B, W): the last values less the last one, 0 where missing; and (B, 1) that
    one. past, references: as `forward` takes them."""
    seen = []
    for first in (0, config.segment):
        part = ops.permute(past[..., first : first + config.segment], (1, 0, 2))
        seen.append(part.reshape(past.shape[1], config.lookback)[:, config.lookback - config.linear :])
    last = references[config.lags.index(1)][:, :1]
    return (seen[0] - last) * seen[1], last


def _mapped(ops: Ops, config: ForecastConfig, parameters: Params, past: Any, references: Any) -> Any:
    """(B, K) what the linear map forecasts of windows."""
    values, last = linear_inputs(ops, config, past, references)
    constant = ops.fixed(parameters[CONSTANT]) if config.constant else None
    return last + ops.linear(values, ops.fixed(parameters[LINEAR]), constant)


def _corrected(
    ops: Ops, config: ForecastConfig, parameters: Params, references: Any, outputs: Any, axis: int, mapped: Any = None
) -> Any:
    """The outputs plus the mixture of the references along an axis: a forecast, or a distribution's place. mapped:
    (B, K) one more reference, the last one of the mixture."""
    shares = ops.softmax(parameters["mixture"], 0)
    given = shares if mapped is None else shares[:-1]
    base = (given[:, None] * references).sum(axis)
    base = (base if mapped is None else base + shares[-1] * mapped)[..., None]
    if config.distribution == "none":
        return base + outputs
    place = np.zeros(config.outputs, np.float32)
    place[0] = 1.0
    return base * ops.constant(place, outputs) + outputs


def initial_parameters(config: ForecastConfig, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, Any]:
    """Draw every parameter; name -> array, in the order of `config.shapes`.

    The output layer starts at zero, so that an untrained forecaster is the mean of its references.
    """
    values = config.recurrences.draw(rng, dtype)
    for name, shape in config.shapes.items():
        if name == "input.W_xu":
            bound = 1.0 / np.sqrt(config.inputs / 2)
            values[name] = rng.uniform(-bound, bound, shape)
        elif name == "future.W_fu":
            bound = 1.0 / np.sqrt(shape[1])
            values[name] = rng.uniform(-bound, bound, shape)
        elif name == "position":
            values[name] = 0.1 * rng.standard_normal(shape)
        elif name not in values:
            values[name] = np.zeros(shape)
    return {name: np.ascontiguousarray(values[name], dtype=dtype) for name in config.shapes}
