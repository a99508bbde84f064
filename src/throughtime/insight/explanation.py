"""An explanation of one answer of a model: what it looked at, and what its gates did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Check, Question, attribute, check, ranking
from throughtime.insight.gates import Seen
from throughtime.insight.units import Follower
from throughtime.options import Json


@dataclass(frozen=True)
class Explanation:
    """kind: "text" or "series". parts: what the input is made of, (P,) tokens or times. values: of a series, (P,).
    answer: what is explained, in words; score: its number. attributions: method -> (P,). checks: method -> Check.
    seen: what the recurrences did over this input. followers: the units that follow labels, over the longer input
    they were looked for in. statistics: of the gates there, one list a layer. importance: of what a forecaster reads
    beside its values, an entry each, with a sentence. Prints as text; `to_json` has it all.
    """

    kind: str
    parts: list[str]
    answer: str
    score: float
    attributions: dict[str, np.ndarray]
    checks: dict[str, Check]
    seen: list[Seen]
    followers: list[Follower] = field(default_factory=list)
    statistics: list[list[dict[str, object]]] = field(default_factory=list)
    values: np.ndarray | None = None
    over: str = ""
    importance: list[dict[str, Json]] = field(default_factory=list)

    @property
    def method(self) -> str:
        """The method shown first."""
        return next(iter(self.attributions))

    def weights(self, method: str | None = None) -> np.ndarray:
        """A method's attributions, the largest in size being 1, (P,)."""
        own = self.attributions[method or self.method]
        most = float(np.abs(own).max(initial=0.0))
        return own / most if most > 0 else own

    def sentences(self) -> list[str]:
        """What the deletion checks say, a sentence a method."""
        return [check_sentence(name, found, self.kind) for name, found in self.checks.items()]

    def top(self, count: int = 10) -> list[tuple[int, str, float]]:
        """The parts that did most: place, part and attribution."""
        own = self.attributions[self.method]
        return [(int(i), self.parts[i], float(own[i])) for i in np.argsort(-np.abs(own))[:count]]

    def layer(self, name: int | None) -> Seen:
        """A layer by its number from 0 up, the last for None; UserError says which there are."""
        if not self.seen:
            raise UserError("explain: an input of one step has no gates to show; give a longer one")
        if name is None:
            return self.seen[-1]
        if type(name) is not int or not 0 <= name < len(self.seen):
            raise UserError(f"layer {name!r}: this model has layers 0 to {len(self.seen) - 1}")
        return self.seen[name]

    def unit(self, layer: int | None, value: str, unit: int) -> np.ndarray:
        """A unit of a state or gate over the steps, (T,); UserError lists what there is."""
        found = self.layer(layer).pick(value)[:, 0]
        if type(unit) is not int or not 0 <= unit < found.shape[-1]:
            raise UserError(f"unit {unit!r}: {value} has units 0 to {found.shape[-1] - 1}")
        own: np.ndarray = found[:, unit]
        return own

    def to_json(self) -> dict[str, Any]:
        """Plain values; gates and states are left out, they are arrays in `seen`."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "answer": self.answer,
            "score": self.score,
            "parts": self.parts,
            "attributions": {name: values.tolist() for name, values in self.attributions.items()},
            "checks": {name: one.to_json() for name, one in self.checks.items()},
            "followers": [one.to_json() for one in self.followers],
            "gates": self.statistics,
            "over": self.over,
        }
        if self.importance:
            found["importance"] = self.importance
        if self.values is not None:
            found["values"] = [float(v) if np.isfinite(v) else None for v in self.values]
        return found

    def __str__(self) -> str:
        width = max((len(repr(part)) for _, part, _ in self.top()), default=1)
        lines = [self.answer, "", f"What did most to it, by {self.method.replace('_', ' ')}:"]
        lines += [f"  {i:>5}  {part!r:<{width}}  {value:+.4g}" for i, part, value in self.top()]
        lines += ["", *self.sentences()]
        if self.importance:
            lines += ["", "What it reads beside the values, by held-out windows:"]
            lines += [f"  {entry['sentence']}" for entry in self.importance]
        if self.followers:
            lines += ["", f"Units that follow what a reader sees ({self.over}):"]
            lines += [f"  {follower_sentence(one)}" for one in self.followers]
        if self.statistics:
            lines += ["", f"Gates ({self.over}):"]
            for layer, gates in zip(self.seen, self.statistics, strict=False):
                lines += [f"  {gate_sentence(layer.name, gate)}" for gate in gates]
        return "\n".join(lines)


def explain(
    kind: str,
    question: Question,
    parts: Sequence[str],
    answer: str,
    seen: Sequence[Seen],
    methods: Sequence[str] = METHODS,
    values: np.ndarray | None = None,
) -> Explanation:
    """Attribute an answer to the parts of its input by each method, and check each."""
    import torch

    attributions, checks = {}, {}
    for method in methods:
        attributions[method] = attribute(question, method)
        checks[method] = check(question, ranking(question, attributions[method], method))
    with torch.no_grad():
        score = float(question.score(question.x[None])[0])
    return Explanation(kind, list(parts), answer, score, attributions, checks, list(seen), values=values)


def check_sentence(method: str, found: Check, kind: str) -> str:
    """What a deletion check says."""
    does = "lowers the log probability by" if kind == "text" else "moves the forecast by"
    top = "the part" if found.parts == 1 else f"the {found.parts} parts"
    sentence = (
        f"Deletion check of {method.replace('_', ' ')}: leaving out {top} it ranks highest {does} {found.top:.3g}, "
        f"random ones {found.random:.3g} on average"
    )
    if found.holds:
        return sentence + "."
    return sentence + f", some {found.high:.3g}. It fails on this input: do not trust it."


def follower_sentence(one: Follower) -> str:
    """A unit and the label it follows."""
    how = f"correlation {one.correlation:+.2f}"
    if one.accuracy is not None:
        how += f", tells it apart in {one.accuracy:.0%} of pairs"
    return f"{one.label}: unit {one.unit} of {one.value}, {one.layer}; {how}"


def gate_sentence(layer: str, gate: dict[str, object]) -> str:
    """A gate's figures."""
    said = f"{layer}, {gate['gate']}: mean {gate['mean']:.2f}, moves by {gate['deviation']:.2f}"
    if gate["shut"] is None:
        return said
    return said + f"; shut on {gate['shut']:.0%} of the units, open on {gate['open']:.0%}"
