"""A diagnosis: how a model's gradients flow, what ails it, and what was tried against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from throughtime.errors import UserError
from throughtime.insight.flow import Losses
from throughtime.insight.measure import Layer, measure
from throughtime.insight.remedies import REMEDIES, Patient, Trial
from throughtime.insight.remedies import attempt as try_remedies
from throughtime.insight.symptoms import Course, Symptom, symptoms


@dataclass(frozen=True)
class Diagnosis:
    """layers: what was measured, bottom first. symptoms: what ails the model, none if it is healthy. trials: remedies
    that were tried. loss: the mean of the batch. at_end: the loss is of each sequence's last step alone. Prints as
    text; `to_json` has everything; `throughtime.report.diagnosis.pictures` draws it."""

    layers: list[Layer]
    symptoms: list[Symptom]
    loss: float
    at_end: bool
    trials: list[Trial] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        return not self.symptoms

    @property
    def names(self) -> set[str]:
        """The names of the symptoms."""
        return {symptom.name for symptom in self.symptoms}

    @property
    def verdict(self) -> str:
        """A sentence or a few: what ails the model and why, or that nothing was found."""
        if self.healthy:
            horizons = ", ".join(f"{layer.name} {layer.flow.horizon()}" for layer in self.layers)
            steps = self.layers[0].steps
            return (
                "Nothing ails this model: its gradient neither vanishes nor explodes, its gates move. "
                f"95 % of the gradient comes from the last so many of {steps} steps: {horizons}."
            )
        return " ".join(f"{TITLES[s.name]}: {s.evidence}." for s in self.symptoms)

    def advice(self) -> list[str]:
        """What to do, the likeliest first; what was tried and did not help is left out."""
        failed = {trial.remedy for trial in self.trials if not trial.helps}
        helped = [trial.remedy for trial in self.trials if trial.helps]
        named = [name for symptom in self.symptoms for name in symptom.remedies if name not in failed]
        if self.trials:
            named = helped  # only what was seen to help
        return [REMEDIES[name][0] for name in dict.fromkeys(named)]

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "healthy": self.healthy,
            "loss": self.loss if math.isfinite(self.loss) else None,
            "at_end": self.at_end,
            "symptoms": [symptom.to_json() for symptom in self.symptoms],
            "advice": self.advice(),
            "trials": [trial.to_json() for trial in self.trials],
            "layers": [layer.to_json() for layer in self.layers],
        }

    def __str__(self) -> str:
        lines = [self.verdict, "", *_table(self.layers)]
        if self.trials:
            lines += ["", "Tried in short runs:"]
            for trial in self.trials:
                said = "better" if trial.helps else "no better"
                lines.append(
                    f"  {trial.what}: loss after {trial.steps} steps {trial.before:.4f} -> {trial.after:.4f}, {said}"
                )
        if advice := self.advice():
            lines += ["", "What to do:", *(f"  {one}" for one in advice)]
        elif self.trials:
            lines += ["", "None of the remedies tried helped in so short a run."]
        return "\n".join(lines)


TITLES = {
    "vanishing": "The gradient vanishes",
    "exploding": "The gradient explodes",
    "saturated": "Gates or units are saturated",
    "dead": "Units are dead",
    "window": "The training window is shorter than the memory",
    "clipping": "Clipping always strikes",
    "diverging": "The training diverges",
}
"""What a symptom is called."""


def diagnose(losses: Losses, course: Course | None = None, jacobians: bool = True) -> Diagnosis:
    """Diagnose a model on a batch.

    losses: runs the model with the operations given to it and returns (T, B) losses, one of each step and row, or (B,),
    of each row at its end. course: how its training went, if it is known. Raises UserError for a model without a
    recurrence and for a batch of fewer than two steps.

    Example:
        >>> import torch
        >>> from throughtime.insight.diagnosis import diagnose, watched
        >>> from throughtime.nn import Recurrent
        >>> layer, x = Recurrent("lstm", 3, 4, seed=0), torch.ones(20, 2, 3)
        >>> found = diagnose(lambda ops: watched(ops, layer, x)[-1].square().sum(-1))
        >>> found.healthy
        True
    """
    layers, values = measure(losses, jacobians)
    at_end = values.dim() == 1
    return Diagnosis(layers, symptoms(layers, at_end, course), float(values.mean()), at_end)


def examine(
    patient: Patient, losses: Losses, attempt: int = 0, note: Callable[[str], None] = lambda _: None
) -> Diagnosis:
    """Diagnose a task's model and try remedies in short runs of `attempt` steps, none for 0. note: told how it goes."""
    if type(attempt) is not int or attempt < 0:
        raise UserError(f"diagnose: expected the steps of a short run from 0 up, got {attempt!r}")
    found = diagnose(losses, patient.course)
    if attempt and found.symptoms:
        found = replace(found, trials=try_remedies(patient, found.symptoms, attempt, note))
    return found


def watched(ops: Any, module: Any, x: Any) -> Any:
    """Run a throughtime.nn.Recurrent over x (T, B, I) with watched operations; its output (T, B, S)."""
    return ops.recurrence(module.recurrence, x, None, dict(module.named_parameters()))[0]


def _table(layers: Sequence[Layer]) -> list[str]:
    header = [
        "layer",
        "cell",
        "steps",
        "gradient per step back",
        "95 % within",
        "growth over steps",
        "unit time scales",
    ]
    rows = [header]
    for layer in layers:
        scales = sorted(layer.time_scales)
        low, high = scales[len(scales) // 10], scales[-1 - len(scales) // 10]
        grown = f"{layer.singular[-1].largest:.2g} over {layer.singular[-1].steps}" if layer.singular else "-"
        rows.append(
            [
                layer.name,
                layer.cell,
                str(layer.steps),
                f"x {layer.flow.factor:.3f}",
                f"{layer.flow.horizon()} steps",
                grown,
                f"{low:.3g} to {high:.3g}" if max(scales) < 1e8 else f"{low:.3g} up",
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
