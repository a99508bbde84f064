"""What models of every task have in common when they are looked at: how they are drawn anew and trained a little."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from throughtime.errors import UserError
from throughtime.insight.remedies import Change
from throughtime.insight.symptoms import Course
from throughtime.models.resolve import declared, trace_of
from throughtime.models.stack import Stack
from throughtime.recurrence import Recurrence, Trace
from throughtime.training.settings import Settings


class Trained(ABC):
    """A trained model with data: see insight.remedies.Patient. A task says what it is made of and how it trains."""

    parameters: Mapping[str, np.ndarray]
    course: Course

    @property
    @abstractmethod
    def training(self) -> Settings:
        """How it is trained."""

    @abstractmethod
    def layers(self) -> Sequence[tuple[str, Trace, Mapping[str, int]]]:
        """Of each recurrence: what its parameters' names begin with, its trace and its sizes."""

    @abstractmethod
    def with_cell(self, cell: str | None) -> Any | None:
        """The configuration of this model, of its own or another cell, whose initial values are known; None where they
        are not."""

    @abstractmethod
    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        """Newly drawn parameters of that; None likewise."""

    @abstractmethod
    def job(self, change: Change, keep: Callable[[Any, Any], None] = lambda *_: None) -> Any:
        """The training of this model with a change, for the loop. keep: see the loop's Job."""

    def start(self, config: Any, change: Change) -> tuple[Any, Mapping[str, np.ndarray]]:
        """The configuration and the parameters that a change begins with. config: where it asks for no other."""
        if not (change.cell or change.fresh):
            return config, change.parameters or self.parameters
        drawn, made = self.fresh(change.cell), self.with_cell(change.cell)
        assert drawn is not None
        assert made is not None
        return made, change.parameters or drawn

    def short_run(self, change: Change, steps: int) -> float:
        """Train so many steps and return the loss on data not learned from."""
        from throughtime.insight.short import short_loss

        return short_loss(self.job(change), self.training, change.settings, steps)


Kind = TypeVar("Kind", bound=Trained)


def refreshed(patient: Kind) -> Kind:
    """The same with newly drawn parameters, and no training behind them. UserError where its start is not known."""
    drawn = patient.fresh()
    if drawn is None:
        name = patient.layers()[0][1].name
        raise UserError(f"diagnose: the initial values of {name} are not known, it is no cell of the catalogue")
    found = copy(patient)
    found.parameters = drawn
    found.course = Course(window=patient.course.window, clip=patient.course.clip)
    return found


def redeclared(stack: Stack, cell: str | None) -> Stack | None:
    """The same layers of traces that know their initial values, of another cell where one is named; None where they do
    not know them."""
    layers = []
    for directions in stack.layers:
        made = []
        for layer in directions:
            trace = trace_of(cell) if cell else declared(layer.trace)
            if trace is None:
                return None
            sizes = {"I": layer.input_size, "H": layer.output_size} if cell else layer.sizes
            made.append(Recurrence(trace, sizes))
        layers.append(tuple(made))
    return replace(stack, layers=tuple(layers))
