"""The parity report: a converted model held against what its original defines, layer by layer.

Each layer is given what the original's layer was given, in float64, where right arithmetic agrees to many digits and a
wrong gate does not: the first layer that deviates is the one that is wrong. The float32 model is then run as it will
run, and its largest error told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.model import ImportedModel
from throughtime.interop.run import Value, apply
from throughtime.options import Json

EXACT = 1e-9
"""The largest difference of a layer in float64, relative to its largest value where that is above 1."""

SINGLE = 1e-5
"""The same of the whole model in float32, against outputs that the original's own framework computed."""

LENGTHS = (1, 2, 3, 7, 31, 200, 1000)
"""Steps of the sequences that are tried, where the model takes any."""

SURE = (1, 3, 31)
"""Steps that every model is tried with, where it takes any."""

HEAVY = 1 << 22
"""Weights above which a step alone takes so long that no more than SURE is tried where nobody should wait."""

MOST_WORK = 1_500_000_000
"""Steps times weights that sequences of more than SURE may take, all together, where nobody should wait."""

Reference = Callable[[str, Sequence[Value]], "list[Value] | None"]
"""What the original's layer of a name makes of float64 values; None where it defines nothing to compare."""


@dataclass(frozen=True)
class LayerParity:
    """A layer's largest error over all trials, relative to the largest value where that is above 1. compared: whether
    the original defines it by itself."""

    name: str
    kind: str
    error: float
    compared: bool
    single: float

    @property
    def good(self) -> bool:
        """Within the limit; what is no number is not."""
        return self.error <= EXACT


@dataclass(frozen=True)
class Parity:
    """What a proof found. layers: in the order in which they run. given: the largest error against stored outputs,
    None where there were none. trials: what was tried. left: what did not travel. notes: what was not tried."""

    layers: tuple[LayerParity, ...]
    trials: tuple[str, ...]
    left: tuple[str, ...] = ()
    given: float | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether every layer agrees, and the stored outputs are met."""
        return all(one.good for one in self.layers) and (self.given is None or self.given <= SINGLE)

    @property
    def deviates(self) -> str | None:
        """The first layer that does not agree."""
        return next((one.name for one in self.layers if not one.good), None)

    @property
    def verdict(self) -> str:
        """One sentence."""
        worst = max((one.error for one in self.layers), default=0.0)
        if self.deviates is not None:
            error = next(one.error for one in self.layers if one.name == self.deviates)
            return f"not the same model: {self.deviates} is the first layer that deviates, by {error:.2g}"
        if self.given is not None and self.given > SINGLE:
            return (
                f"not the same model: the stored outputs are missed by {self.given:.2g}, at most {SINGLE:g} is allowed"
            )
        stored = "" if self.given is None else f"; stored outputs met to {self.given:.1g}"
        single = max((one.single for one in self.layers), default=0.0)
        return f"the same model: every layer agrees to {worst:.1g} in float64, {single:.1g} in float32{stored}"

    def to_json(self) -> dict[str, Json]:
        """Plain values."""
        rows = [
            {"layer": one.name, "kind": one.kind, "error": one.error, "float32": one.single, "good": one.good}
            for one in self.layers
        ]
        found = {"good": self.good, "verdict": self.verdict, "deviates": self.deviates, "layers": rows}
        found |= {"trials": list(self.trials), "left": list(self.left), "stored_outputs": self.given}
        return found | ({"notes": list(self.notes)} if self.notes else {})

    def __str__(self) -> str:
        from throughtime.report.console import table

        rows = [["layer", "kind", "float64", "float32", ""]]
        rows += [
            [n.name, n.kind, f"{n.error:.1e}", f"{n.single:.1e}", "" if n.good else "DEVIATES"] for n in self.layers
        ]
        left = f"\ndid not travel: {', '.join(self.left)}" if self.left else ""
        tried = "; ".join((", ".join(self.trials), *self.notes))
        return f"{table(rows)}\n\ntried: {tried}{left}\n{self.verdict}"


@dataclass(frozen=True)
class Trial:
    """Inputs for every input of a model. what: in a few words."""

    what: str
    inputs: tuple[np.ndarray, ...]


def _worked(model: ImportedModel) -> int:
    """The weights that a step is multiplied by; of a table only a row is read."""
    tables = {str(n) for n, one in enumerate(model.graph.layers) if isinstance(one, kinds.Embedding)}
    return sum(value.size for name, value in model.parameters.items() if name.partition(".")[0] not in tables)


def affordable(model: ImportedModel, lengths: Sequence[int] = LENGTHS) -> tuple[int, ...]:
    """The lengths that are tried of a model of so many weights: of a heavy one SURE; of another all up to the largest
    of those, and of longer ones, shortest first, those that fit into MOST_WORK, the first that does not cut short."""
    weights, left = max(1, _worked(model)), MOST_WORK
    if weights > HEAVY:
        return tuple(n for n in SURE if n <= max(lengths))
    found = []
    for steps in sorted(lengths):
        if steps > SURE[-1]:
            fitting = min(steps, left // weights)
            left -= fitting * weights
            if fitting <= SURE[-1]:
                break
            steps = fitting
        found.append(steps)
    return tuple(found)


def _free(model: ImportedModel) -> bool:
    graph = model.graph
    return any(None in graph.layers[graph.nodes[n].layer].shape[:1] for n in graph.inputs)  # type: ignore[attr-defined]


def trials(
    model: ImportedModel, seed: int = 0, lengths: Sequence[int] = LENGTHS, whole: bool = False
) -> Iterator[Trial]:
    """Sequences of several lengths, and with steps left out where a layer leaves out any. whole: all lengths, however
    many weights the model has; otherwise those that are `affordable`."""
    rng = np.random.default_rng(seed)
    graph = model.graph
    lengths = lengths if whole else affordable(model, lengths)
    tables = [one.rows for one in graph.layers if isinstance(one, kinds.Embedding)]
    values = [one.value for one in graph.layers if isinstance(one, kinds.Masking)]
    for steps in lengths if _free(model) else (8,):
        rows = 5 if steps <= 31 else 2
        for masked in (False, True) if graph.masked else (False,):
            inputs = []
            for node in graph.inputs:
                one = graph.layers[graph.nodes[node].layer]
                assert isinstance(one, kinds.Input)
                shape = [rows, *(steps if n is None else n for n in one.shape)]
                if math.prod(shape) > 1 << 26:
                    raise UserError(f"verify: an input of shape {tuple(shape)} is too large to be tried")
                if one.lengths:
                    inputs.append(np.concatenate([[steps], rng.integers(1, steps + 1, rows - 1)]))
                    continue
                drawn = rng.integers(0, min(tables), shape) if one.tokens else rng.standard_normal(shape)
                inputs.append(_masked(drawn, 0 if one.tokens else (values or [0])[0], rng) if masked else drawn)
            long = inputs[0].shape[1] if inputs[0].ndim > 1 else 1
            yield Trial(f"{long} steps{', ragged and masked' if masked else ''}", tuple(inputs))


def _masked(drawn: np.ndarray, value: float, rng: np.random.Generator) -> np.ndarray:
    """Some steps left out: at the end, at the start, and here and there."""
    found, steps = drawn.copy(), drawn.shape[1]
    for row in range(len(found)):
        if row % 3 == 0:
            found[row, max(1, int(rng.integers(1, steps + 1))) :] = value
        elif row % 3 == 1:
            found[row, : int(rng.integers(0, steps))] = value
        else:
            found[row, rng.random(steps) < 0.3] = value
    return found


def difference(mine: Any, theirs: Any) -> float:
    """The largest difference, relative to their largest value where that is above 1; infinite for another shape, and
    where only one of the two is no number."""
    a, b = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape:
        return math.inf
    if not a.size:
        return 0.0
    with np.errstate(all="ignore"):
        apart, largest = float(np.abs(a - b).max()), float(max(b.max(), -b.min()))
    if math.isfinite(apart) and math.isfinite(largest):
        return apart / max(1.0, largest)
    there = np.isfinite(b)
    if not (np.isfinite(a) == there).all():
        return math.inf
    if not there.any():
        return 0.0
    return float(np.abs(a[there] - b[there]).max() / max(1.0, float(np.abs(b[there]).max())))


def compare(
    mine: ImportedModel,
    original: ImportedModel,
    reference: Reference,
    stored: Sequence[tuple[Any, Any]] = (),
    whole: bool = False,
) -> Parity:
    """Hold a model against its original. original: its layers as a fresh conversion has them, whose order is followed.
    reference: the original's own layers. stored: inputs and outputs that its framework computed. whole: as for
    `trials`."""
    if mismatch := first_unlike(mine, original):
        return Parity((LayerParity(mismatch, "missing", math.inf, False, math.inf),), ("its layers",))
    wide, single, fresh = _Typed(mine, np.float64), _Typed(mine, np.float32), _Typed(original, np.float64)
    errors: dict[str, float] = {}
    singles: dict[str, float] = {}
    compared: set[str] = set()
    done = []
    tried = list(trials(original, whole=whole))
    heavy = not whole and _worked(original) > HEAVY
    for trial in tried:
        done.append(trial.what)
        found: list[list[Value]] = []
        given = [np.asarray(x, np.float64) for x in trial.inputs]
        with np.errstate(all="ignore"):
            for number, node in enumerate(original.graph.nodes):
                name = original.graph.names[node.layer]
                if isinstance(original.graph.layers[node.layer], kinds.Input):
                    found.append([Value(given.pop(0))])
                    continue
                read = [found[n][v] for n, v in node.inputs]
                read += _carried(mine, number, read, len(done))
                truth = reference(name, read)
                if truth is None:
                    truth = fresh.apply(node.layer, read)
                else:
                    compared.add(name)
                own = wide.apply(node.layer, read)
                errors[name] = max(errors.get(name, 0.0), _worst(own, truth))
                if not heavy or trial is tried[-1]:
                    short = single.apply(node.layer, [Value(v.array.astype(np.float32), v.mask) for v in read])
                    singles[name] = max(singles.get(name, 0.0), _worst(short, truth))
                found.append(truth)
    rows = [
        LayerParity(name, layer.kind, errors[name], name in compared, singles[name])
        for name, layer in zip(original.graph.names, original.graph.layers, strict=True)
        if name in errors
    ]
    left = original.origin.get("left", [])
    notes: tuple[str, ...] = ()
    if not whole and _free(original) and (longest := affordable(original)[-1]) < LENGTHS[-1]:
        notes = (f"longer than {longest} steps is not tried at once with so many weights; throughtime verify does it",)
    return Parity(tuple(rows), tuple(dict.fromkeys(done)), tuple(map(str, left)), stored_error(mine, stored), notes)


class _Typed:
    """A model's layers in one type of numbers, their arrays converted once."""

    def __init__(self, model: ImportedModel, kind: type[Any]) -> None:
        self._model, self._kind = model, kind
        self._weights: dict[int, dict[str, np.ndarray]] = {}

    def apply(self, number: int, values: Sequence[Value]) -> list[Value]:
        """What a layer makes of its inputs."""
        layer, name = self._model.graph.layers[number], self._model.graph.names[number]
        table = isinstance(layer, kinds.Embedding)  # large, and few of its rows are read: these alone are converted
        if number not in self._weights:
            own = self._model.layer_weights(number)
            self._weights[number] = own if table else {n: v.astype(self._kind, copy=False) for n, v in own.items()}
        found = apply(layer, self._weights[number], values, name)
        return [Value(one.array.astype(self._kind, copy=False), one.mask) for one in found] if table else found


def _carried(model: ImportedModel, number: int, read: Sequence[Value], trial: int) -> list[Value]:
    """States to begin with, for a layer that is given none: in every other trial, so that carried states are tried."""
    layer = model.graph.layers[model.graph.nodes[number].layer]
    if len(read) != 1 or trial % 2 == 0 or not isinstance(layer, kinds.Recurrent) or len(layer.cells) > 1:
        return []
    rng = np.random.default_rng(number)
    batch = read[0].array.shape[1 if layer.time_major else 0]
    return [Value(rng.standard_normal((batch, size)) * 0.5) for *_, size in layer.state_names]


def _worst(mine: Sequence[Value], theirs: Sequence[Value]) -> float:
    if len(mine) != len(theirs):
        return math.inf
    found = 0.0
    for a, b in zip(mine, theirs, strict=True):
        if a.mask is not None and b.mask is not None:
            if not np.array_equal(a.mask, b.mask):
                return math.inf
        elif a.mask is not b.mask:
            return math.inf
        found = max(found, difference(a.array, b.array))
    return found


def first_unlike(mine: ImportedModel, original: ImportedModel) -> str | None:
    """The first layer that one of the two models has not, or reads other values in; None where they fit."""
    names = original.graph.names
    for number, name in enumerate(names):
        if number >= len(mine.graph.names) or mine.graph.names[number] != name:
            return name
        own, other = mine.graph.layers[number], original.graph.layers[number]
        if own.kind != other.kind or (own.shapes.keys() != other.shapes.keys() and own.count != other.count):
            return name
    if len(mine.graph.names) > len(names):
        return mine.graph.names[len(names)]
    for one, other_node in zip(mine.graph.nodes, original.graph.nodes, strict=False):
        if one != other_node:
            return names[other_node.layer]
    if len(mine.graph.nodes) != len(original.graph.nodes) or mine.graph.outputs != original.graph.outputs:
        return names[original.graph.nodes[original.graph.outputs[0][0]].layer]
    return None


def stored_error(model: ImportedModel, stored: Sequence[tuple[Any, Any]]) -> float | None:
    """The largest difference from stored outputs; None where there are none."""
    errors = []
    for inputs, outputs in stored:
        found = model.predict(*inputs)
        found = found if isinstance(found, list) else [found]
        if len(found) != len(outputs):
            return math.inf
        errors += [difference(a, b) for a, b in zip(found, outputs, strict=True)]
    return max(errors) if errors else None
