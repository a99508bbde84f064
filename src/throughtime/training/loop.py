"""The loop that trains every model of the house."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from throughtime.errors import UserError
from throughtime.runtime.folder import CHECKPOINT, HISTORY
from throughtime.training import checkpoint
from throughtime.training.average import Average
from throughtime.training.clipping import clip
from throughtime.training.history import History
from throughtime.training.interrupt import Interrupt
from throughtime.training.job import Job
from throughtime.training.progress import Progress, Silent
from throughtime.training.schedule import Budget, learning_rate
from throughtime.training.settings import Settings
from throughtime.training.window import Window


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    ended: "budget", "patience" or "interrupted". best: the lowest validation loss, None without validation.
    clipped: the share of steps whose gradient was clipped. seconds: of this run and those it went on from.
    history: the lines of history.jsonl.
    """

    ended: str
    steps: int
    epochs: int
    best: float | None
    best_step: int
    clipped: float
    seconds: float
    tokens: int
    history: list[dict[str, Any]] = field(repr=False)


def train(
    job: Job,
    settings: Settings,
    directory: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Train until the budget is spent, patience is lost or the user presses Ctrl-C.

    directory: where history.jsonl and checkpoints/last.safetensors go; None writes nothing. resume: go on from that
    checkpoint. The best parameters are handed to `job.keep`.
    Raises UserError where the loss or its gradient is no longer finite.
    """
    run = _Run(job, settings, directory, progress or Silent())
    if resume:
        if directory is None:
            raise UserError("training: to go on, a folder with a checkpoint is needed")
        run.restore(directory / CHECKPOINT)
    try:
        with Interrupt() as interrupt:
            return run.go(interrupt)
    finally:
        run.progress.close()
        run.history.close()


class _Run:
    """One run: the optimizer, where it is in the data, what it has measured."""

    def __init__(self, job: Job, settings: Settings, directory: Path | None, progress: Progress) -> None:
        self.job, self.settings, self.directory, self.progress = job, settings, directory, progress
        self.parameters = dict(job.parameters())
        self.optimizer = _optimizer(self.parameters, settings)
        self.average = Average(self.parameters, settings.average) if settings.average else None
        self.budget = Budget(settings.budget, settings.unit, job.steps_per_epoch)
        self.history = History(None)
        self.step = self.epoch = self.position = self.tokens = self.struck = 0
        self.best, self.best_step, self.worse, self.validated, self.kept = math.inf, 0, 0, -1, False
        self.before, self.started, self.reserve, self.validating = 0.0, time.perf_counter(), 0.0, 0.0
        self.resumed = False

    @property
    def elapsed(self) -> float:
        """Seconds of training, those before a resumption included."""
        return self.before + time.perf_counter() - self.started

    def go(self, interrupt: Interrupt) -> Outcome:
        self.history = History(
            self.directory / HISTORY if self.directory else None, self.step if self.resumed else None
        )
        self.started = time.perf_counter()
        batches = self.job.epoch(self.epoch)
        if not self.resumed:
            self.job.begin()
        ended, window = "budget", Window(self.elapsed)
        next_validation = self._next_validation()
        while not self.budget.over(self.step, self.elapsed, self.reserve):
            if self.position >= len(batches):
                self.epoch, self.position = self.epoch + 1, 0
                batches = self.job.epoch(self.epoch)
                self.job.begin()
            self._step(batches[self.position], window)
            done = self.budget.progress(self.step, self.elapsed)
            if self.step % self.settings.log_every == 0:
                self._log(window)
            if done >= next_validation and not self.budget.over(self.step, self.elapsed, self.reserve):
                if self._affordable():
                    self._validate()
                next_validation = self._next_validation()
                if self.settings.patience is not None and self.worse >= self.settings.patience:
                    ended = "patience"
                    break
            self.budget.measure(self.step, self.elapsed, self.reserve)
            if interrupt.pressed:
                ended = "interrupted"
                break
        if window.steps:
            self._log(window)
        if self.validated != self.step:
            self._validate()
        return Outcome(
            ended,
            self.step,
            self.epoch,
            None if math.isinf(self.best) else self.best,
            self.best_step,
            self.struck / max(1, self.step),
            self.elapsed,
            self.tokens,
            self.history.lines,
        )

    def _step(self, batch: Any, window: Window) -> None:
        settings, done = self.settings, self.budget.progress(self.step, self.elapsed)
        rate = learning_rate(settings.learning_rate, done, self.step, settings.warm_up, settings.final_fraction)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, tokens = self.job.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm, struck = clip([p.grad for p in self.parameters.values() if p.grad is not None], settings.clip)
        value = float(loss.detach())
        if not math.isfinite(value) or not math.isfinite(norm):
            self._not_finite(value, norm, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.position += 1
        self.tokens += tokens
        self.struck += struck
        if self.average is not None:
            self.average.update(self.step)
        window.add(value, norm, struck, tokens, rate)
        elapsed = self.elapsed
        speed = window.speed(elapsed)
        left = self.budget.seconds - elapsed if self.budget.seconds else _left(done, elapsed)
        self.progress.step(self.step, self.budget.total, done, window.smooth, speed, left)

    def _log(self, window: Window) -> None:
        self.history.add(step=self.step, epoch=self.epoch, **window.close(self.elapsed))

    def _next_validation(self) -> float:
        """The progress at which to validate next: soon after the start, then evenly, and at the end in any case."""
        if self.validated < 0:
            return 1 / (3 * self.settings.validations)
        done = self.budget.progress(self.step, self.elapsed)
        return (math.floor(done * self.settings.validations + 1e-9) + 1) / self.settings.validations

    def _affordable(self) -> bool:
        """Whether there is time to validate: of a budget of minutes at most about a twentieth goes into it."""
        return self.budget.seconds is None or self.validated < 0 or self.validating < 0.05 * self.elapsed

    def _validate(self) -> None:
        """Validate, keep the parameters if they are the best so far, write the checkpoint, show a sample."""
        began = self.elapsed
        if self.average is None:
            loss, text = self._judge()
        else:
            with self.average.applied():
                loss, text = self._judge()
        self.validated = self.step
        if loss is not None:
            self.history.add(
                step=self.step, validation_loss=loss, best=self.best_step == self.step, elapsed=self.elapsed
            )
            self.progress.note(f"step {self.step}: validation loss {loss:.4f}{' (best)' if self.worse == 0 else ''}")
        if text is not None:
            self.history.add(step=self.step, sample=text)
            self.progress.note(text)
        if self.directory is not None:
            self.save(self.directory / CHECKPOINT)
        self.reserve = self.elapsed - began
        self.validating += self.reserve

    def _judge(self) -> tuple[float | None, str | None]:
        loss = self.job.validate()
        if loss is None or loss < self.best or not self.kept:
            if loss is not None and math.isfinite(loss):
                self.best = loss
            self.best_step, self.worse, self.kept = self.step, 0, True
            self.job.keep({"step": self.step, "validation_loss": loss})
        else:
            self.worse += 1
        return loss, self.job.sample(self.step)

    def _not_finite(self, loss: float, norm: float, rate: float) -> None:
        what = f"the loss became {loss}" if not math.isfinite(loss) else f"the gradient's norm became {norm}"
        kept = f"the best model, of step {self.best_step}, is kept" if self.kept else "there is no model yet"
        raise UserError(
            f"training: {what} at step {self.step + 1} (learning rate {rate:.2g}); {kept}; "
            "try a smaller --learning-rate or a smaller --clip"
        )

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs."""
        tensors = {f"parameters.{name}": value for name, value in self.parameters.items()}
        tensors |= {f"job.{name}": value for name, value in self.job.state().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": value for name, value in self.average.values.items()}
        for name, parameter in self.parameters.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{key}.{name}"] = value
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        numbers |= {"best": None if math.isinf(self.best) else self.best, "elapsed": self.elapsed}
        numbers |= {"budget": self.budget.to_json(), "settings": self.settings.to_json()}
        checkpoint.save(path, tensors, numbers)

    @torch.no_grad()
    def restore(self, path: Path) -> None:
        """Take over what `save` wrote."""
        tensors, numbers = checkpoint.load(path)
        try:
            for name, value in checkpoint.part(tensors, "parameters").items():
                self.parameters[name].copy_(value)
            for name, value in checkpoint.part(tensors, "average").items():
                if self.average is not None:
                    self.average.values[name].copy_(value)
            for name, value in checkpoint.part(tensors, "optimizer").items():
                key, _, parameter = name.partition(".")
                self.optimizer.state[self.parameters[parameter]][key] = value
            self.job.restore(checkpoint.part(tensors, "job"))
            for name in _NUMBERS:
                setattr(self, name, numbers[name])
            self.best = math.inf if numbers["best"] is None else numbers["best"]
            self.before = numbers["elapsed"]
            self.budget.restore(numbers["budget"])
        except (KeyError, RuntimeError) as error:
            raise UserError(f"{path}: the checkpoint does not fit the model in config.json ({error})") from None
        self.resumed = True


_NUMBERS = (
    "step",
    "epoch",
    "position",
    "tokens",
    "struck",
    "best_step",
    "worse",
    "validated",
    "kept",
    "reserve",
    "validating",
)


def _left(done: float, elapsed: float) -> float:
    return elapsed * (1.0 - done) / done if done > 0 else 0.0


def _optimizer(parameters: dict[str, torch.Tensor], settings: Settings) -> torch.optim.AdamW:
    """AdamW over the parameters; matrices decay, vectors do not."""
    groups = [
        {"params": [p for p in parameters.values() if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters.values() if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    betas = (settings.beta_1, settings.beta_2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)
