"""The loop that trains every model of the house."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from throughtime.errors import UserError
from throughtime.storage.folder import CHECKPOINT, HISTORY
from throughtime.training import checkpoint, failure
from throughtime.training.attempts import RISEN, Attempts
from throughtime.training.clock import Clock
from throughtime.training.gradient_monitor import GradientMonitor
from throughtime.training.history import History
from throughtime.training.interrupt import Interrupt
from throughtime.training.job import Batches, Job
from throughtime.training.meters import Meters
from throughtime.training.progress import Progress, Silent
from throughtime.training.saving import Saver
from throughtime.training.schedule import Budget, learning_rate
from throughtime.training.settings import Settings
from throughtime.training.team import Order, Step, Team


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    ended: "budget", "patience", "interrupted", or "learned": more would only be learned by heart. best: the lowest
    validation loss, None without validation.
    clipped: the share of steps whose gradient was clipped. seconds: of this run and those it went on from.
    history: the lines of history.jsonl. signal: the number of the one that interrupted it. checkpointing: seconds of
    this run spent on checkpoints. warnings: what was said about how it went.
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
    signal: int | None
    checkpointing: float
    warnings: list[str]


_DECIDED = 0.78
"""From this share of a run on what is kept for validation may be learned."""

_NEXT_EPOCH = 1 << 40  # a position behind every epoch's end

_BREATH = 0.3
"""Seconds that members take steps side by side before anything else is looked at."""


def train(
    job: Job,
    settings: Settings,
    directory: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Train until the budget is spent, patience is lost, or a signal (Ctrl-C) asks to stop, after the step at work.

    directory: where history.jsonl and checkpoints/last.safetensors go; None writes nothing. resume: go on from that
    checkpoint: with the same settings, threads and machine every later loss is bit for bit that of a run that was not
    stopped, if the budget is epochs or steps (minutes follow the clock). The best parameters are handed to `job.keep`.
    Raises UserError where the loss or its gradient is no longer finite, with what is known about it.
    """
    run = _Run(job, settings, directory, progress or Silent())
    if resume:
        if directory is None:
            raise UserError("training: to go on, a folder with a checkpoint is needed")
        run.restore(directory / CHECKPOINT)
    try:
        with Interrupt() as interrupt, run.clock:
            return run.go(interrupt)
    finally:
        run.team.close()
        run.progress.close()
        run.history.close()


class _Run:
    """One run: the optimizer, where it is in the data, what it has measured."""

    def __init__(self, job: Job, settings: Settings, directory: Path | None, progress: Progress) -> None:
        self.job, self.settings, self.directory, self.progress = job, settings, directory, progress
        self.parameters = dict(job.parameters())
        self.team = Team(job, settings, torch.get_num_threads())
        self.budget = Budget(settings.budget, settings.unit, job.steps_per_epoch, settings.attempt_steps)
        self.history = History(None)
        self.saver = Saver(directory / CHECKPOINT if directory else None, settings.checkpoint_seconds, progress.note)
        self.meters = Meters(0.0)
        self.recent: deque[tuple[float, float]] = deque(maxlen=failure.REMEMBERED)
        self.warnings: list[str] = []
        self.monitor = GradientMonitor()
        self.step = self.epoch = self.position = self.tokens = 0
        self.struck = 0.0
        self.best, self.best_step, self.validated, self.kept = math.inf, 0, -1, False
        self.attempts, self.all_learned = Attempts(settings.attempts, job.whole_again), False
        self.next_validation = 1 / (3 * settings.validations)
        self.before, self.clock, self.reserve, self.validating = 0.0, Clock(), 0.0, 0.0
        self.pace = _BREATH  # seconds a step takes
        self.resumed = False
        self.told: int | None = None  # lines of the history at the checkpoint gone on from

    @property
    def elapsed(self) -> float:
        """Seconds of training, those before a resumption included."""
        return self.before + self.clock.seconds

    def go(self, interrupt: Interrupt) -> Outcome:
        self.history = History(self.directory / HISTORY if self.directory else None, self.told)
        batches = self.job.epoch(self.epoch)
        if not self.resumed:
            self.job.begin()
            self.saver.save(0, self.content, last=True)  # a disk that takes nothing is told at once
        ended = "budget"
        while not self.budget.over(self.step, self.elapsed, self.reserve):
            if interrupt.pressed:
                ended = "interrupted"
                break
            if self.position >= len(batches):
                self.epoch, self.position = self.epoch + 1, 0
                batches = self.job.epoch(self.epoch)
                self.job.begin()
                self.team.epoch_began()
            if not self._advance(batches, interrupt):
                continue
            done = self.budget.progress(self.step, self.elapsed, self.reserve)
            if self.step % self.settings.log_every == 0:
                self._log()
                if self.monitor.due(self.step, self.elapsed):
                    self._monitor()
            if done >= self.next_validation and not self.budget.over(self.step, self.elapsed, self.reserve):
                if self._affordable():
                    self._validate()
                self.next_validation = self._following(done)
                if self.settings.patience is not None and self.attempts.worse >= self.settings.patience:
                    ended = "patience"
                    break
                if self._everything(done):
                    self.position = _NEXT_EPOCH  # the one at work is of what was learned so far
            if (self.attempts.whole or not self.all_learned) and self.attempts.over(self.budget, done, self.step):
                if not self._again():
                    ended = "learned"
                    break
                self.position = _NEXT_EPOCH
            if self.saver.due() and self._sound():
                self.saver.save(self.step, self.content)
        self._end(ended)
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
            interrupt.number if ended == "interrupted" else None,
            self.saver.spent,
            self.warnings,
        )

    def _end(self, ended: str) -> None:
        """The last line, the last judgement, the last checkpoint. Interrupted, only what costs no time."""
        if ended == "interrupted":
            if not self.kept:
                with self.team.averaged():
                    self.job.keep({"step": self.step, "validation_loss": None})
        else:
            if self.meters.steps:
                self._log()
            if self.validated != self.step:
                self._validate()
        if (ended != "interrupted" or self.saver.step != self.step) and self._sound():
            self.saver.save(self.step, self.content, last=True)

    def _advance(self, batches: Batches, interrupt: Interrupt) -> int:
        """Take the next step, or the next few where several members take them side by side; how many were taken, none
        where somebody asks to stop."""
        settings, began, orders = self.settings, self.elapsed, []
        now = self.budget.progress(self.step, began, self.reserve)
        for number in range(self.step, self.step + self._together(len(batches) - self.position)):
            done, own = self.budget.share(number, began, self.reserve), number - self.budget.first
            rate = learning_rate(settings.learning_rate, max(now, done), own, settings.warm_up, settings.final_fraction)
            orders.append(Order(own, batches[self.position + number - self.step], rate))
        steps = self.team.run(orders, lambda: interrupt.pressed)
        for order, step in zip(orders, steps, strict=False):
            self._took(order.rate, step)
        self.pace = (self.elapsed - began) / max(1, len(steps))
        return len(steps)

    def _together(self, left: int) -> int:
        """How many steps are taken before anything else is looked at: none beyond what is due, and not for long. left:
        batches of the epoch."""
        settings, elapsed = self.settings, self.elapsed
        if not self.team.parallel or settings.checkpoint_seconds == 0:
            return 1
        most = max(self.team.together, int(_BREATH / max(self.pace, 1e-9)))
        most = min(most, left, settings.log_every - self.step % settings.log_every)
        for count in range(1, most):
            after, later = self.step + count, elapsed + count * self.pace
            due = self.budget.share(after, later, self.reserve) >= self.next_validation
            if due or self.budget.over(after, later, self.reserve):
                return count
        return most

    def _took(self, rate: float, step: Step) -> None:
        """Count a step that was taken."""
        if not step.finite:
            self._not_finite(step.loss, rate)
        done = self.budget.progress(self.step, self.elapsed, self.reserve)
        self.recent.append((step.loss, step.norm))
        self.step += 1
        self.position += 1
        self.tokens += step.tokens
        self.struck += step.struck
        self.meters.add(*step, rate)
        elapsed = self.elapsed
        speed = self.meters.speed(elapsed)
        left = elapsed * (1.0 - done) / done if done > 0 else 0.0
        left = self.budget.seconds - elapsed if self.budget.seconds else left
        self.progress.step(self.step, self.budget.total, done, self.meters.smooth, speed, left)

    def _log(self) -> None:
        self.history.add(step=self.step, epoch=self.epoch, **self.meters.close(self.elapsed))

    def _monitor(self) -> None:
        """How the gradient flows now, for the history; what ails the model is said once."""
        found, ailments = self.monitor.take(self.job.flow, self.elapsed)
        if found:
            self.history.add(step=self.step, flow=found)
        for ailment in ailments:
            self._warn(f"{ailment}; throughtime diagnose tells more")

    def _following(self, done: float) -> float:
        """The progress at which to validate next: evenly spread, and at the end in any case."""
        return (math.floor(done * self.settings.validations + 1e-9) + 1) / self.settings.validations

    def _affordable(self) -> bool:
        """Whether there is time to validate: of a budget of minutes at most about a twentieth goes into it."""
        return self.budget.seconds is None or self.validated < 0 or self.validating < 0.05 * self.elapsed

    def _again(self) -> bool:
        """Begin another attempt with more regularization, where the last one brought something and time is left."""
        if self.validated != self.step:
            self._validate()
        steps = self.attempts.next(self.budget, self.step, self.elapsed, self.best)
        if steps is None or (different := self.job.again(self.attempts.number + 1)) is None:
            return False
        self.attempts.begin(self.step)
        self.team.close()
        self.team = Team(self.job, self.settings, torch.get_num_threads())
        self.budget.begin(self.step, self.elapsed, steps)
        self.all_learned, self.next_validation = self.attempts.whole, 1 / (3 * self.settings.validations)
        text = f"attempt {self.attempts.number + 1}, from the start: {different}; steps at most: {steps:,}"
        self.history.add(step=self.step, attempt=text)
        self.progress.note(text)
        return True

    def _everything(self, done: float) -> bool:
        """Learn what was kept for validation too, late in the last attempt, near the best validation (see Job.near)."""
        wanted = self.settings.learn_validation and not self.all_learned and done >= _DECIDED
        known = self.validated == self.step and math.isfinite(self.best)
        near = known and self.attempts.last <= self.best + self.job.near * abs(self.best)
        if not wanted or not near or not self.attempts.last_one(self.budget, self.step, self.elapsed):
            return False
        self.job.learn_validation()
        self.team.job_changed()
        self.all_learned = True
        self.progress.note(f"step {self.step}: from here on what was kept for validation is learned too")
        return True

    def _validate(self) -> None:
        """Validate, keep the parameters if they are the best so far, show a sample."""
        began = self.elapsed
        with self.team.averaged():
            loss, text = self._judge()
        self.validated = self.step
        if loss is not None:
            self.history.add(
                step=self.step, validation_loss=loss, best=self.best_step == self.step, elapsed=self.elapsed
            )
            kept = " (best)" if self.best_step == self.step else ""
            self.progress.note(f"step {self.step}: validation loss {loss:.4f}{kept}")
            if self.attempts.worse == RISEN and self.attempts.most == 1 and loss > self.best:
                self._warn(
                    f"the validation loss has not been better than {self.best:.4f}, of step {self.best_step}, for "
                    f"{RISEN} validations and is {loss:.4f} now; the model of step {self.best_step} is the one kept. "
                    "If it goes on rising: more --dropout, a smaller model, more data, or --patience to stop in time"
                )
        if text is not None:
            self.history.add(step=self.step, sample=text)
            self.progress.note(text)
        self.reserve = self.elapsed - began
        self.validating += self.reserve

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        self.history.add(step=self.step, warning=text)
        self.progress.note(text)

    def _judge(self) -> tuple[float | None, str | None]:
        loss = self.job.validate()
        if loss is not None:
            self.attempts.judged(loss, self.step)
        waits = self.attempts.waits(self.budget, self.step, self.elapsed, self.reserve)
        better = not waits and (loss is None or loss < self.best or not self.kept)
        # of equals the later is kept: where a loss counts mistakes, it is the surer one of answers that are all right
        if better or (loss == self.best and math.isfinite(self.best)):
            if loss is not None and math.isfinite(loss):
                self.best = loss
            self.best_step, self.kept = self.step, True
            self.job.keep({"step": self.step, "validation_loss": loss})
        # a model that broke has nothing to show; the next step's loss says what is wrong with it
        whole = (loss is None or math.isfinite(loss)) and self._sound()
        return loss, self.job.sample(self.step) if whole else None

    def _sound(self) -> bool:
        """Whether the parameters are finite: others are no place to go on from."""
        return all(bool(torch.isfinite(value.detach()).all()) for value in self.parameters.values())

    def _not_finite(self, loss: float, rate: float) -> None:
        found = failure.diagnose(loss, self.step + 1, rate, self.settings.clip, self.parameters, list(self.recent))
        self.history.add(step=self.step, failure=found)
        kept = f"the best model, of step {self.best_step}, is kept" if self.kept else "there is no model yet"
        if self.saver.step is not None:
            kept += f", and the checkpoint of step {self.saver.step}, to go on from with --resume"
        raise UserError(failure.sentence(found, kept))

    def content(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Everything a resumed run needs: tensors by name, and numbers."""
        tensors = {f"parameters.{name}": value for name, value in self.parameters.items()}
        tensors |= {f"job.{name}": value for name, value in self.job.state().items()}
        tensors |= self.team.state()
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        numbers |= {"best": None if math.isinf(self.best) else self.best, "elapsed": self.elapsed}
        numbers |= {"attempts": self.attempts.to_json(), "all_learned": self.all_learned}
        numbers |= {"budget": self.budget.to_json(), "settings": self.settings.to_json()}
        numbers |= {
            "lines": len(self.history.lines),
            "window": self.meters.to_json(self.elapsed),
            "recent": list(self.recent),
        }
        return tensors, numbers

    @torch.no_grad()
    def restore(self, path: Path) -> None:
        """Take over what `save` wrote."""
        tensors, numbers = checkpoint.load(path)
        try:
            self.attempts.restore(numbers.get("attempts", {"worse": numbers.get("worse", 0)}))
            if self.attempts.number:
                self.job.again(self.attempts.number)
            self.all_learned = bool(numbers.get("all_learned", False))
            if self.all_learned:
                self.job.learn_validation()
            for name, value in checkpoint.part(tensors, "parameters").items():
                self.parameters[name].copy_(value)
            self.team.restore(checkpoint.part(tensors, "average"), checkpoint.part(tensors, "optimizer"))
            self.job.restore(checkpoint.part(tensors, "job"))
            for name in _NUMBERS:
                setattr(self, name, numbers[name])
            self.best = math.inf if numbers["best"] is None else numbers["best"]
            self.before, self.told = numbers["elapsed"], int(numbers["lines"])
            self.budget.restore(numbers["budget"])
            self.meters.restore(numbers["window"], self.before)
            self.recent.extend((loss, norm) for loss, norm in numbers["recent"])
            if numbers["settings"]["validations"] != self.settings.validations or self.budget.changed:
                self.next_validation = self._following(self.budget.progress(self.step, self.before))
        except (LookupError, TypeError, ValueError, RuntimeError, AttributeError, OverflowError) as error:
            raise UserError(f"{path}: the checkpoint does not fit the model in config.json ({error})") from None
        self.resumed, self.saver.step = True, self.step


_NUMBERS = (
    "step",
    "epoch",
    "position",
    "tokens",
    "struck",
    "best_step",
    "validated",
    "kept",
    "next_validation",
    "reserve",
    "validating",
)
