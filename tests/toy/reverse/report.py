"""The report of a reverser."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from throughtime.tasks.reverse.stream import SCHEMA

from throughtime.report.page import Section
from throughtime.report.run import Run, layers_of


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html; its path."""
    run, unit = Run.of(directory, SCHEMA), "lines"
    verdict = f"{run.evaluation['accuracy']:.1%} of the lines are right." if run.evaluation else run.unscored("")
    layers = [(f"layer {i}", layer) for i, (layer, _) in enumerate(run.record.model.layers.layers)]
    return run.write(
        verdict, [], [Section("Learning", run.measures(unit))], layers_of(layers, run.record.parameters, [], [])
    )
