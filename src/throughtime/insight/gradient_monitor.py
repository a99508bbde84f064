"""How gradients flow while a model learns: a few figures for each line of the history, cheap enough to be always on."""

from __future__ import annotations

from typing import Any

import numpy as np

from throughtime.insight.flow import Losses
from throughtime.insight.measure import measure
from throughtime.insight.symptoms import symptoms


def glance(losses: Losses) -> tuple[list[dict[str, Any]], list[str]]:
    """For each layer: its name, factor (what the gradient is multiplied by for a step back), horizon (steps within
    which 95 % of it comes), time_scale (the median of its units', in steps), dead (share of units), norm (of the
    gradient at the last step); and the evidence of each symptom. losses: as for `throughtime.insight.flow.flow`."""
    layers, values = measure(losses, jacobians=False)
    found = [
        {
            "layer": layer.name,
            "factor": _finite(layer.flow.factor),
            "horizon": layer.flow.horizon(),
            "time_scale": _finite(float(np.median(layer.time_scales))),
            "dead": layer.dead,
            "norm": _finite(float(layer.flow.total[0])),
        }
        for layer in layers
    ]
    return found, [symptom.evidence for symptom in symptoms(layers, values.dim() == 1)]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
