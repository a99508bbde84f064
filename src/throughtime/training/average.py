"""An exponential moving average of the weights: often a little better than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch


class Average:
    """average <- d average + (1 - d) weight, after every step.

    decay: d; in the first steps it is smaller, (1 + n) / (10 + n), so that the initial weights are soon forgotten.
    """

    def __init__(self, parameters: Mapping[str, torch.Tensor], decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in parameters.items()}
        self._weights = [value.detach() for value in parameters.values()]
        self._parameters = list(parameters.values())
        self._list = list(self.values.values())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step number `step`, counted from 1."""
        torch._foreach_lerp_(self._list, self._weights, 1.0 - min(self.decay, (1.0 + step) / (10.0 + step)))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the model's parameters are the average."""
        for parameter, value in zip(self._parameters, self._list, strict=True):
            parameter.data = value
        try:
            yield
        finally:
            for parameter, weight in zip(self._parameters, self._weights, strict=True):
                parameter.data = weight
