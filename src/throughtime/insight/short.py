"""A short run of training, to see whether a change helps."""

from __future__ import annotations

import math
from collections.abc import Mapping

from throughtime.errors import UserError
from throughtime.training.job import Job
from throughtime.training.settings import Settings


def short_loss(job: Job, settings: Settings, changes: Mapping[str, object], steps: int) -> float:
    """Train a job for so many steps, with changes of its settings, and return its validation loss; infinite where it
    ended in numbers that are not finite. No average of the weights: so short a one is mostly the start."""
    from throughtime.training.loop import train

    plain = {"steps": steps, "validations": 1, "average": 0.0, "patience": None}
    plain["warm_up"] = min(settings.warm_up, steps // 10)
    chosen = settings.replaced(**{**plain, **changes})
    try:
        train(job, chosen)
        loss = job.validate()
    except UserError:
        return math.inf
    if loss is None:
        raise UserError("diagnose: to try remedies some data must be kept from learning; train with a validation part")
    return loss if math.isfinite(loss) else math.inf
