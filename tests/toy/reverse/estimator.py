"""The reverser, in scikit-learn's habits."""

from __future__ import annotations

from typing import Any

import numpy as np
from throughtime.tasks.reverse import model as reverser
from throughtime.tasks.reverse.data import Lines
from throughtime.tasks.reverse.options import ReverseOptions
from throughtime.tasks.reverse.score import score
from throughtime.tasks.reverse.stream import SCHEMA, LineReverser

from throughtime.models.stack import Stack
from throughtime.tasks.estimator import Estimator, Finished, Plan


class Reverser(Estimator[ReverseOptions, Lines, Plan, LineReverser]):
    """Gives lines back reversed."""

    schema = SCHEMA
    unit = "lines"

    def fit(self, lines: Any, out: Any = None, *, resume=False, force=False, quiet=False, **changes: Any) -> Reverser:
        """Learn from lines, or a file of them."""
        return self._fit(lambda options: Lines(lines, options.holdout), out, resume, force, quiet, changes)

    def _build(self, examples: Lines, options: ReverseOptions) -> Plan:
        layers = Stack.of(options.traces(), options.embedding, options.hidden, bidirectional=True)
        config = reverser.ReverseConfig(len(examples.data.alphabet) + 1, options.embedding, layers)
        return Plan(config, examples.data, reverser.draw(config, np.random.default_rng(options.seed)))

    def _job(self, examples: Lines, plan: Plan, options: ReverseOptions, best: Any) -> tuple[Any, str]:
        from throughtime.tasks.reverse.job import ReverseJob

        from throughtime.models.ops_torch import TorchModel

        lines = [plan.data.ids([line])[0][:, 0] for line in examples.learned]
        model = TorchModel(reverser, plan.model, plan.parameters, options.seed)
        return ReverseJob(model, lines, options.batch, options.seed, best.keep), f"{len(lines):,} lines"

    def _finish(self, examples: Lines, plan: Plan, options: Any, parameters: Any, say: Any) -> Finished[LineReverser]:
        return Finished(LineReverser(plan.model, parameters, plan.data))

    def score_held_out(self, say: Any) -> dict[str, Any] | None:
        """See throughtime.tasks.reverse.score."""
        return score(self.fitted(), self.examples.test) if self.examples.test else None
