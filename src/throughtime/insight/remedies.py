"""What can be done about a symptom, as a change of a model or of its training, and whether it helps when tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from throughtime.errors import UserError
from throughtime.insight.symptoms import Course, Symptom
from throughtime.recurrence import Trace
from throughtime.recurrence.wrap import recurrent_matrices


@dataclass(frozen=True)
class Change:
    """What a short run does differently.

    cell: another cell, with fresh parameters; parameters: others to start from; settings: fields of Settings; window:
    steps a gradient is carried back. cell and fresh ask for a fresh start, of the run it is compared with too. order:
    the data come in another order for another number.
    """

    cell: str | None = None
    parameters: Mapping[str, np.ndarray] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    window: int | None = None
    fresh: bool = False
    order: int = 0


class Patient(Protocol):
    """A model that can be trained a little: what a task offers so that remedies can be tried on it."""

    parameters: Mapping[str, np.ndarray]
    course: Course

    def layers(self) -> Sequence[tuple[str, Trace, Mapping[str, int]]]:
        """Of each recurrence: what its parameters' names begin with, its trace and its sizes."""

    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        """Newly drawn parameters, of this model or of one with another cell; None where its start is not known."""

    def short_run(self, change: Change, steps: int) -> float:
        """Train so many steps and return the loss on data not learned from."""


@dataclass(frozen=True)
class Trial:
    """A remedy tried: the losses after so many steps without it and with it, one for each order of the data it was
    tried with."""

    symptom: str
    remedy: str
    what: str
    steps: int
    without: tuple[float, ...]
    with_it: tuple[float, ...]

    @property
    def before(self) -> float:
        """The mean loss without it."""
        return float(np.mean(self.without))

    @property
    def after(self) -> float:
        """The mean loss with it."""
        return float(np.mean(self.with_it))

    @property
    def helps(self) -> bool:
        """Whether it is recommended: better by 1 %, or by less and so every time it was tried."""
        if not np.isfinite(self.after):
            return False
        pairs = list(zip(self.without, self.with_it, strict=True))
        better = all(after < before for before, after in pairs)
        return better and (len(pairs) > 1 or self.clear)

    @property
    def clear(self) -> bool:
        """Whether the first pair differs by 1 % or more, so that it need not be tried again."""
        before, after = self.without[0], self.with_it[0]
        return not (np.isfinite(before) and np.isfinite(after)) or abs(after - before) >= 0.01 * abs(before)

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in ("symptom", "remedy", "what", "steps", "before", "after")}
        # a run that diverged has no loss to be written down
        plain = {name: None if isinstance(v, float) and not np.isfinite(v) else v for name, v in found.items()}
        return {**plain, "helps": self.helps}


def orthogonal(patient: Patient) -> Change | None:
    """The matrices on the state orthogonal: no direction grows or shrinks at the start.

    Source: Saxe et al. 2014, arXiv:1312.6120; for recurrent matrices Le et al. 2015, arXiv:1504.00941.
    """
    rng, values, changed = np.random.default_rng(0), dict(patient.parameters), False
    for prefix, trace, _ in patient.layers():
        for name in recurrent_matrices(trace):
            old = values[prefix + name]
            if old.shape[0] == old.shape[1]:
                q, r = np.linalg.qr(rng.standard_normal(old.shape))
                values[prefix + name] = (q * np.sign(np.diag(r))).astype(old.dtype)
                changed = True
    return Change(parameters=values) if changed else None


def identity_start(patient: Patient) -> Change | None:
    """A simple recurrent network of rectified units whose recurrent matrix starts as the identity.

    Source: Le et al. 2015, arXiv:1504.00941 (IRNN).
    """
    if any(trace.name != "rnn" for _, trace, _ in patient.layers()):
        return None
    values = dict(patient.fresh("rnn:relu") or {})
    for prefix, trace, _ in patient.layers():
        for name in recurrent_matrices(trace):
            old = values[prefix + name]
            values[prefix + name] = np.eye(*old.shape, dtype=old.dtype)
    return Change(cell="rnn:relu", parameters=values, fresh=True)


def chrono(patient: Patient) -> Change | None:
    """The biases that decide how long units remember, spread over the time scales of the data (insight/chrono.py)."""
    from throughtime.insight.chrono import remember

    values = dict(patient.parameters)
    longest = float(max(4, patient.course.window or 100))
    for prefix, trace, sizes in patient.layers():
        own = {name: values[prefix + name] for name in trace.parameters}
        try:
            own = remember(trace, sizes, own, longest)
        except UserError:
            return None
        values.update({prefix + name: value for name, value in own.items()})
    return Change(parameters=values)


def restart(patient: Patient) -> Change | None:
    """The recurrences start again as their cells declare, everything else stays."""
    fresh, values = patient.fresh(), dict(patient.parameters)
    if fresh is None:
        return None
    for prefix, trace, _ in patient.layers():
        values.update({prefix + name: fresh[prefix + name] for name in trace.parameters})
    return Change(parameters=values)


def _cell(name: str) -> Callable[[Patient], Change | None]:
    def change(patient: Patient) -> Change | None:
        return Change(cell=name, fresh=True)

    return change


def layer_norm(patient: Patient) -> Change | None:
    """The same cell with layer normalisation (Ba et al. 2016, arXiv:1607.06450)."""
    cells = {trace.name for _, trace, _ in patient.layers()}
    found = {"lstm": "layer_norm_lstm", "gru": "layer_norm_gru", "gru_reset_after": "layer_norm_gru"}
    return Change(cell=found[cells.pop()], fresh=True) if len(cells) == 1 and cells <= found.keys() else None


def clip(patient: Patient) -> Change | None:
    """Gradients cut to a norm of 1 (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1)."""
    limit = patient.course.clip
    return Change(settings={"clip": 1.0}) if limit is None or limit > 1.0 else None


def wider_clip(patient: Patient) -> Change | None:
    """The limit at the usual norm of the gradient, so that clipping meets the outliers only."""
    norms = [norm for norm in patient.course.norms if np.isfinite(norm)]
    if patient.course.clip is None or not norms:
        return None
    usual = 1.5 * float(np.median(norms[len(norms) // 2 :]))
    return Change(settings={"clip": usual}) if usual > patient.course.clip else None


def lower_rate(patient: Patient) -> Change | None:
    """A tenth of the learning rate."""
    rate = patient.course.learning_rate
    return Change(settings={"learning_rate": rate / 10}) if rate else None


def restart_slower(patient: Patient) -> Change | None:
    """From the start, at a tenth of the learning rate: what has diverged has forgotten what it knew."""
    rate = patient.course.learning_rate
    return Change(settings={"learning_rate": rate / 10}, fresh=True) if rate else None


def longer_window(patient: Patient) -> Change | None:
    """Gradients carried back four times as far."""
    window = patient.course.window
    return Change(window=4 * window) if window else None


REMEDIES: dict[str, tuple[str, Callable[[Patient], Change | None]]] = {
    "orthogonal": ("start the matrices on the state orthogonal", orthogonal),
    "identity_start": ("use rectified units and start the recurrent matrix as the identity (IRNN)", identity_start),
    "chrono": ("start the gates that keep with time scales as long as the data's: --chrono", chrono),
    "restart": ("start the recurrences again as their cells declare", restart),
    "gated_cell": ("use a gated cell: --cell lstm", _cell("lstm")),
    "layer_norm": ("use the cell with layer normalisation", layer_norm),
    "clip": ("clip the gradient: --clip 1", clip),
    "wider_clip": ("clip at 1.5 times the gradient's usual norm: --clip", wider_clip),
    "lower_rate": ("lower the learning rate to a tenth: --learning-rate", lower_rate),
    "restart_slower": ("start again at a tenth of the learning rate: --learning-rate", restart_slower),
    "longer_window": ("carry gradients back four times as far: --window", longer_window),
}
"""Name -> what it is in words, and the change it makes; None where it does not apply."""


def attempt(
    patient: Patient,
    found: Sequence[Symptom],
    steps: int = 300,
    note: Callable[[str], None] = lambda _: None,
    most: int = 3,
) -> list[Trial]:
    """Try the remedies of each symptom, the likeliest first, until one helps; each one once, all from one start.

    Both runs of a pair have the same data in the same order. A pair that differs by less than 1 % is repeated with two
    other orders. most: remedies tried of one symptom. A symptom may follow from one that was cured before it; its own
    remedies are tried all the same.
    """
    trials: list[Trial] = []
    bases: dict[tuple[bool, int], float] = {}
    tried: dict[str, Trial] = {}

    def base(fresh: bool, order: int) -> float:
        if (fresh, order) not in bases:
            note(f"a short run of {steps} steps as it is{', from a fresh start' if fresh else ''} ...")
            bases[fresh, order] = patient.short_run(Change(fresh=fresh, order=order), steps)
        return bases[fresh, order]

    def pairs(name: str, change: Change, symptom: Symptom) -> Trial:
        trial = Trial(symptom.name, name, REMEDIES[name][0], steps, (), ())
        for order in range(_ORDERS):
            without = base(change.fresh, order)
            note(f"the same with a remedy: {trial.what} ...")
            own = patient.short_run(replace(change, order=order), steps)
            trial = replace(trial, without=(*trial.without, without), with_it=(*trial.with_it, own))
            if trial.clear or own >= without:
                break
        return trial

    for symptom in found:
        count = 0
        for name in symptom.remedies:
            if count >= most:
                break
            if name not in tried:
                change = REMEDIES[name][1](patient)
                if change is None or (change.fresh and patient.fresh() is None):
                    continue
                tried[name] = pairs(name, change, symptom)
            trials.append(replace(tried[name], symptom=symptom.name))
            count += 1
            if trials[-1].helps:
                break
    return trials


_ORDERS = 3
"""Orders of the data that a remedy is tried with at most."""
