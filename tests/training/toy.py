"""A job small enough to see through: a line fitted to points, with a carried state that counts batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class Line:
    """y = w x + b for points of y = 2 x - 1; `bad` is a step whose loss is not a number."""

    steps_per_epoch = 7
    near = 0.0

    def __init__(self, bad: int | None = None, validation: list[float] | None = None) -> None:
        self.w, self.b = torch.zeros(3, 2, requires_grad=True), torch.zeros(3, requires_grad=True)
        self.generator = torch.Generator().manual_seed(5)
        self.count = torch.zeros(1)
        self.bad, self.validation = bad, validation
        self.steps = 0
        self.seen: list[tuple[int, int]] = []
        self.begun: list[int] = []
        self.kept: list[tuple[int, Any, np.ndarray]] = []
        self.after: Any = None
        self.all_from: int | None = None

    def learn_validation(self) -> None:
        self.all_from, self.validation = self.steps, [None] * 99  # type: ignore[list-item]

    def parameters(self) -> Mapping[str, torch.Tensor]:
        return {"w": self.w, "b": self.b}

    def epoch(self, number: int) -> list[tuple[int, int]]:
        return [(number, i) for i in range(self.steps_per_epoch)]

    def begin(self) -> None:
        self.begun.append(self.steps)
        self.count.zero_()

    def loss(self, batch: tuple[int, int]) -> tuple[torch.Tensor, int]:
        self.seen.append(batch)
        self.steps += 1
        self.count += 1
        if self.after is not None:
            self.after(self.steps)
        x = torch.randn(16, 2, generator=self.generator)
        y = x @ torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]).T - 1.0 + 0.01 * self.count
        loss = ((x @ self.w.T + self.b - y) ** 2).mean()
        return (loss * float("nan") if self.steps == self.bad else loss), 16

    def state(self) -> dict[str, torch.Tensor]:
        return {"generator": self.generator.get_state(), "count": self.count.clone()}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self.generator.set_state(state["generator"])
        self.count.copy_(state["count"])

    def validate(self) -> float | None:
        if self.validation is not None:
            return self.validation.pop(0)
        return float(((self.w - torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])) ** 2).sum().detach())

    def flow(self) -> None:
        return None

    def sample(self, step: int) -> str | None:
        return f"sample {step}"

    def keep(self, note: Mapping[str, Any]) -> None:
        self.kept.append((note["step"], note["validation_loss"], self.w.detach().numpy().copy()))
