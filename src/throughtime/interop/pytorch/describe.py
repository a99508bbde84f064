"""What a state_dict does not say: which modules run in which order, and what happens between them.

A description is a list of steps, `embed=embedding, rnn=lstm, last, fc=linear, softmax`: what has arrays is NAME=KIND,
NAME being its name in the state_dict; what has none is its kind alone, with numbers behind colons (`leaky_relu:0.1`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from throughtime.errors import UserError
from throughtime.interop.functions import Function
from throughtime.interop.pytorch.source import Tensors
from throughtime.storage.folder import read_json

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
"""Recurrent modules, and how many gates lie in their matrices."""

NUMBERS = {"layer_norm": 1, "batch_norm": 1}
"""Modules whose arrays do not say all: epsilon."""

MODULES = (*GATES, "embedding", "linear", *NUMBERS)
"""What has arrays."""

PICKS = {
    "last": "the last step of the sequence, output[:, -1]",
    "final": "the last state of the top layer, h_n, both directions side by side",
    "mean": "the mean over time",
    "max": "the largest values over time",
    "dropout": "nothing",
}
"""What has no arrays and is no function."""

FUNCTIONS: dict[str, tuple[str, tuple[float, ...], tuple[str, ...]]] = {
    "tanh": ("tanh", (), ()),
    "sigmoid": ("sigmoid", (), ()),
    "relu": ("relu", (), ()),
    "relu6": ("relu", (0.0, 6.0), ()),
    "leaky_relu": ("relu", (0.01,), ("negative_slope",)),
    "elu": ("elu", (1.0,), ("alpha",)),
    "celu": ("celu", (1.0,), ("alpha",)),
    "selu": ("selu", (), ()),
    "silu": ("silu", (), ()),
    "gelu": ("gelu", (), ()),
    "mish": ("mish", (), ()),
    "softplus": ("softplus", (), ()),
    "softsign": ("softsign", (), ()),
    "hardtanh": ("hard_tanh", (), ()),
    "hardsigmoid": ("hard_sigmoid", (1 / 6, 0.5), ()),
    "hardswish": ("hard_silu", (), ()),
    "logsigmoid": ("log_sigmoid", (), ()),
    "softmax": ("softmax", (-1.0,), ()),
    "log_softmax": ("log_softmax", (-1.0,), ()),
}
"""torch.nn.functional's name -> our function, its usual numbers, and the names of those that may be said."""


@dataclass(frozen=True)
class Step:
    """One thing that happens. name: of the module, "" for the whole state_dict's. numbers: as described."""

    kind: str
    name: str = ""
    numbers: tuple[float, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its arrays begin with."""
        return f"{self.name}." if self.name else ""

    @property
    def function(self) -> Function:
        """What a step that is a function computes."""
        name, usual, said = FUNCTIONS[self.kind]
        return Function(name, self.numbers if said and self.numbers else usual)


def parsed(texts: Sequence[str], who: str) -> list[Step]:
    """The steps that texts describe; UserError for what is not known."""
    return [_step(text, who) for text in texts]


def _step(text: str, who: str) -> Step:
    name, equals, rest = text.strip().rpartition("=")
    kind, *numbers = rest.strip().split(":")
    if kind == "rnn":
        raise UserError(f"{who}: {text.strip()!r}: a state_dict does not say the function; say rnn_tanh or rnn_relu")
    if kind not in MODULES and kind not in PICKS and kind not in FUNCTIONS:
        known = ", ".join((*MODULES, *PICKS, *FUNCTIONS))
        raise UserError(f"{who}: expected NAME=KIND or KIND, one of {known}; got {text.strip()[:60]!r}")
    if equals and kind not in MODULES:
        raise UserError(f"{who}: {kind} has no arrays, so no name; write {kind!r} alone, got {text.strip()[:60]!r}")
    try:
        values = tuple(float(one) for one in numbers)
    except ValueError:
        values = (math.nan,)
    most = NUMBERS.get(kind, len(FUNCTIONS[kind][2]) if kind in FUNCTIONS else 0)
    if len(values) > most or not all(math.isfinite(one) for one in values):
        raise UserError(f"{who}: expected at most {most} numbers behind {kind}, got {text.strip()[:60]!r}")
    if kind in NUMBERS and (len(values) != 1 or values[0] < 0):
        raise UserError(f"{who}: a state_dict does not say the epsilon of {kind}; write {kind}:1e-5 if it is the usual")
    return Step(kind, name.strip(), values)


def _there(step: Step, tensors: Tensors) -> Step:
    """A step with the name that its module has without its wrappers, where the file's names are without them."""
    if not step.name or any(name.startswith(step.prefix) for name in tensors):
        return step
    return replace(step, name=re.sub(r"^(?:module\.)+", "", re.sub(r"(^|\.)(?:_orig_mod\.)+", r"\1", step.name)))


def steps_of(path: Path, tensors: Tensors, config: Path | None, layers: str | None) -> list[Step]:
    """The steps of a model: as described, or inferred where the state_dict is one LSTM or GRU and nothing else.
    config: a JSON file with the list of steps. UserError tells what is there and what to say."""
    if layers is not None and config is not None:
        raise UserError(f"{path}: the model is described by --layers and by --config; give one of them")
    if layers is not None:
        return [_there(one, tensors) for one in parsed(layers.split(","), f"{path}: --layers")]
    if config is not None:
        rows = read_json(config)
        if isinstance(rows, dict):
            rows = rows.get("layers")
        if not isinstance(rows, list) or not 0 < len(rows) <= 500 or not all(isinstance(one, str) for one in rows):
            raise UserError(
                f'{config}: expected a list of steps, ["rnn=lstm", "last", "fc=linear"], or one as "layers"'
            )
        return [_there(one, tensors) for one in parsed(rows, str(config))]
    there = modules(tensors)
    if list(there) == [""] and there[""] in ("lstm", "gru"):
        return [Step(there[""])]
    listed = ", ".join(f"{name}={kind}" if name else kind for name, kind in list(there.items())[:20])
    raise UserError(
        f"{path}: a state_dict does not say in which order its modules run, and what lies between them; say it with "
        f"--layers, in the order of running, such as --layers '{listed}', with last or final behind a recurrent module "
        "whose last step alone is used, and functions (tanh, softmax) where they stand"
    )


def modules(tensors: Tensors) -> dict[str, str]:
    """The modules of a state_dict by name, in its order, and what each seems to be; "a|b" where it may be either."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, value in tensors.items():
        module, _, own = name.rpartition(".")
        found.setdefault(module, {})[own] = value.shape
    return {module: _kind(shapes) for module, shapes in found.items()}


def _kind(shapes: dict[str, tuple[int, ...]]) -> str:
    first = next((shapes[name] for name in ("weight_hh_l0", "weight_hh") if name in shapes), None)
    if first is not None and len(first) == 2:
        projected = any(name.startswith("weight_hr") for name in shapes)
        gates = 4 if projected else first[0] // max(first[1], 1)
        return (
            "?"
            if not projected and gates * first[1] != first[0]
            else {4: "lstm", 3: "gru", 1: "rnn_tanh|rnn_relu"}.get(gates, "?")
        )
    weight = shapes.get("weight")
    if weight is None:
        return "?"
    if "running_mean" in shapes:
        return "batch_norm:1e-5"
    if len(weight) == 1:
        return "layer_norm:1e-5" if "bias" in shapes else "?"
    if len(weight) == 2:
        return "linear" if "bias" in shapes else "embedding|linear"
    return "?"


_OWN = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)(?:_l(\d{1,4}))?(?:_reverse)?$")


def layer_count(step: Step, tensors: Tensors) -> int:
    """Layers of a recurrent module; 0 for the arrays of a single cell (torch.nn.LSTMCell)."""
    numbers = {
        match[1]
        for name in tensors
        if name.startswith(step.prefix) and (match := _OWN.match(name.removeprefix(step.prefix)))
    }
    return 0 if numbers == {None} else len(numbers)
