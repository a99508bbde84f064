"""How often the diagnosis is right: models built sick in seven ways, and healthy ones.

    python -m benchmarks.verdicts calibration     the cells, sizes and seeds that thresholds were set on
    python -m benchmarks.verdicts                 other cells, sizes, a second task and other seeds: the score
    python -m benchmarks.verdicts --try           the score, and whether remedies help in short runs

Two tasks: the next character of Python's own documentation topics (a loss at every step), and the next values of a
made series (a loss at the end of a window of 60 steps). A sick model is a fresh or shortly trained one with one thing
broken: what, is below, in `SICK`. Right means: of a sick model the sickness is named, whatever else is; of a healthy
one nothing is. The opposite disease: vanishing for exploding and the other way round.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.timing import RESULTS, machine
from throughtime.data import tokenizers
from throughtime.insight.chrono import bias_for, driver
from throughtime.insight.diagnosis import diagnose
from throughtime.insight.remedies import Change, attempt
from throughtime.insight.symptoms import Course
from throughtime.models.resolve import trace_of
from throughtime.recurrence.wrap import recurrent_matrices
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.insight import ForecastPatient
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics
from throughtime.tasks.text.insight import TextPatient
from throughtime.tasks.text.model import LanguageConfig
from throughtime.training.loop import train
from throughtime.training.settings import Settings

Patient = Any
Values = dict[str, np.ndarray]


def text_patient(cell: str, hidden: int, seed: int, window: int = 32) -> TextPatient:
    """An untrained character model of a part of Python's documentation topics."""
    from pydoc_data.topics import topics

    text = "\n".join(topics[name] for name in sorted(topics))[seed * 10_000 : seed * 10_000 + 200_000]
    tokenizer = tokenizers.fit("characters", text, size=None)
    ids = tokenizer.encode(text)
    config = LanguageConfig.stack(tokenizer.size, 32, [trace_of(cell)], hidden)
    found = TextPatient(
        config, {}, ids[:-20_000], ids[-20_000:], Settings(learning_rate=5e-3), Course(window=window), 32, seed
    )
    found.parameters = found.fresh() or {}
    return found


def series_patient(cell: str, hidden: int, seed: int) -> ForecastPatient:
    """An untrained forecaster of made series: two seasons, a drifting level and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(600)
    values = [
        np.sin(t / (3 + rng.random())) + 0.5 * np.sin(t / 11 + rng.random()) + 0.05 * rng.standard_normal(600).cumsum()
        + 0.1 * rng.standard_normal(600)
        for _ in range(8)
    ]  # fmt: skip
    series = Series(values)
    config = ForecastConfig.stack(1, 60, 5, (1,), [trace_of(cell)], hidden=hidden, embedding=16)
    own = forecaster.initial_parameters(config, np.random.default_rng(seed))
    own["output.W_hy"] = np.random.default_rng(seed).uniform(-0.1, 0.1, own["output.W_hy"].shape).astype(np.float32)
    kept = np.full(8, 100)
    return ForecastPatient(
        *(config, own, series, Statistics.of(series), kept, (), "mae", Settings(learning_rate=5e-3), Course(), 64, seed)
    )


def trained(patient: Patient, steps: int = 150, **settings: Any) -> Patient:
    """The patient after a short training of its own, with the course of it."""
    kept: list[Values] = [dict(patient.parameters)]
    job = patient.job(Change(settings=settings), lambda values, _: kept.append(values))
    chosen = patient.settings.replaced(**{"steps": steps, "log_every": 5, "validations": 1, **settings})
    failed: list[dict[str, Any]] = []
    try:
        lines: Sequence[Mapping[str, Any]] = train(job, chosen).history
        kept.append(next(iter(job.models.values())).arrays() if hasattr(job, "models") else job.model.arrays())
    except ValueError:  # it diverged
        lines, failed = [], [{"failure": {}}]
    course = Course.of([*lines, *failed], chosen, patient.course.window)
    own = {name: np.array(value) for name, value in kept[-1].items()}
    return replace(patient, parameters=own, settings=chosen, course=course)


def healthy_fresh(patient: Patient, rng: np.random.Generator) -> Patient:
    """As drawn."""
    return patient


def healthy_trained(patient: Patient, rng: np.random.Generator) -> Patient:
    """After a short training with usual settings."""
    return trained(patient)


def _each(patient: Patient, change: Callable[[Values, str, Any, Mapping[str, int]], None]) -> Patient:
    values = {name: np.array(value) for name, value in patient.parameters.items()}
    for prefix, trace, sizes in patient.layers():
        change(values, prefix, trace, sizes)
    return replace(patient, parameters=values)


def vanishing(patient: Patient, rng: np.random.Generator) -> Patient:
    """The matrices on the state at 2 to 15 % of their size, and the units' own memory at 0.5 to 3 % a step."""
    small, left = rng.uniform(0.02, 0.15), rng.uniform(0.005, 0.03)

    def change(values: Values, prefix: str, trace: Any, sizes: Mapping[str, int]) -> None:
        for name in recurrent_matrices(trace):
            values[prefix + name] *= np.float32(small)
        own = {name: values[prefix + name] for name in trace.parameters}
        if found := driver(trace, sizes, own):
            values[prefix + found[1]] = bias_for(trace, sizes, own, found, np.full(sizes["H"], left))

    return _each(patient, change)


def exploding(patient: Patient, rng: np.random.Generator) -> Patient:
    """The matrices on the state 4 to 8 times an orthogonal one; 2 to 2.6 times where units are rectified, of which half
    are off; an IndRNN's own weights at 1.3 to 1.6."""
    name = patient.layers()[0][1].name
    rectified = any(node.op == "relu" for node in patient.layers()[0][1].graph.nodes)
    gain = rng.uniform(1.3, 1.6) if name == "indrnn" else rng.uniform(2, 2.6) if rectified else rng.uniform(4, 8)

    def change(values: Values, prefix: str, trace: Any, sizes: Mapping[str, int]) -> None:
        for name in recurrent_matrices(trace):
            values[prefix + name] *= np.float32(gain)
        if trace.name == "indrnn":
            values[prefix + "u"][:] = gain

    return _each(patient, change)


def saturated(patient: Patient, rng: np.random.Generator) -> Patient:
    """Half to nine tenths of the units of one gate shut by a bias of -12 to -8; without gates inputs 30 to 60 times."""
    share, bias, scale = rng.uniform(0.5, 0.9), -rng.uniform(8, 12), rng.uniform(30, 60)
    which = rng.random()

    def change(values: Values, prefix: str, trace: Any, sizes: Mapping[str, int]) -> None:
        biases = [n for n in trace.parameters if n in ("b_i", "b_f", "b_o", "b_r")]
        if trace.name == "mgu" or not biases:
            biases = []
        if biases:
            own = values[prefix + biases[int(which * len(biases))]]
            own[rng.permutation(len(own))[: round(share * len(own))]] = bias
            return
        if "b_z" in trace.parameters:  # z shut is a long memory, z open none: units that forget everything
            own = values[prefix + "b_z"]
            own[rng.permutation(len(own))[: round(share * len(own))]] = bias
            for name in ("W_xz",):
                values[prefix + name] *= np.float32(scale)
            return
        for name in trace.parameters:
            if name.startswith("W_x"):
                values[prefix + name] *= np.float32(scale)

    return _each(patient, change)


def dead(patient: Patient, rng: np.random.Generator) -> Patient:
    """Half to nine tenths of the units cut off: rectified ones by a bias of -100, others by rows of zeros."""
    share = rng.uniform(0.5, 0.9)

    def change(values: Values, prefix: str, trace: Any, sizes: Mapping[str, int]) -> None:
        gone = rng.permutation(sizes["H"])[: round(share * sizes["H"])]
        if any(node.op == "relu" for node in trace.graph.nodes):
            values[prefix + "b_h"][gone] = -100
            return
        for name, shape in trace.parameters.items():
            if shape[0] == "H":
                values[prefix + name][gone] = 0

    return _each(patient, change)


def window(patient: Patient, rng: np.random.Generator) -> Patient:
    """Units that remember 50 to 200 steps, trained with windows of 3 to 6."""
    from throughtime.insight.chrono import remember

    longest = rng.uniform(50, 200)

    def change(values: Values, prefix: str, trace: Any, sizes: Mapping[str, int]) -> None:
        own = remember(trace, sizes, {name: values[prefix + name] for name in trace.parameters}, longest)
        values.update({prefix + name: value for name, value in own.items()})

    found = _each(patient, change)
    return replace(found, course=replace(found.course, window=int(rng.integers(3, 7))))


def clipping(patient: Patient, rng: np.random.Generator) -> Patient:
    """Trained shortly with the gradient clipped at 0.001 to 0.01."""
    return trained(patient, 100, clip=float(10 ** rng.uniform(-3, -2)))


def diverging(patient: Patient, rng: np.random.Generator) -> Patient:
    """Trained shortly at a learning rate of 0.5 to 2, without clipping or warming up."""
    rate = float(rng.uniform(0.5, 2))
    return trained(patient, 100, learning_rate=rate, clip=None, warm_up=40, final_fraction=1.0)


SICK: dict[str, Callable[[Patient, np.random.Generator], Patient]] = {
    "vanishing": vanishing,
    "exploding": exploding,
    "saturated": saturated,
    "dead": dead,
    "window": window,
    "clipping": clipping,
    "diverging": diverging,
}
HEALTHY = {"healthy, fresh": healthy_fresh, "healthy, trained": healthy_trained}

GATED = ["gru", "coupled_lstm", "peephole_lstm"]
CALIBRATION = {
    **{kind: ["rnn", "lstm", "gru_reset_after"] for kind in (*SICK, *HEALTHY)},
    "exploding": ["rnn", "lstm"],
    "window": ["lstm", "gru_reset_after"],
}
"""Kind -> cells. Both tasks where the kind is one of both; H 32 and 96; seeds 0 and 1."""

TEST = {
    **{kind: [*GATED, "mgu", "rnn:relu"] for kind in SICK},
    **{kind: [*GATED, "mgu", "rnn:relu", "min_gru", "layer_norm_gru"] for kind in HEALTHY},
    "exploding": ["rnn:relu", "indrnn", "gru", "peephole_lstm"],
    "vanishing": [*GATED, "mgu", "min_gru", "rnn:relu"],
    "saturated": [*GATED, "layer_norm_lstm"],
    "dead": ["gru", "coupled_lstm", "mgu", "rnn:relu", "indrnn"],
    "window": [*GATED, "mgu"],
    "diverging": ["rnn:relu", "gru", "coupled_lstm", "mgu"],
}
"""Kind -> cells. Both tasks where the kind is one of both; H 48 and 64; seeds 20 to 22."""


def cases(part: str) -> list[tuple[str, str, str, int, int]]:
    """(kind, task, cell, hidden, seed)."""
    found = []
    for kind, cells in (CALIBRATION if part == "calibration" else TEST).items():
        (small, first), (large, second) = ((32, 0), (96, 1)) if part == "calibration" else ((48, 20), (64, 21))
        for cell in cells:
            found.append((kind, "text", cell, small, first))
            # a window is no part of a forecaster's training; its series are too easy to diverge on
            found.append((kind, "text" if kind in ("window", "diverging") else "series", cell, large, second))
            if part == "test":
                found.append((kind, "text", cell, large, second + 1))
    return found


def build(kind: str, task: str, cell: str, hidden: int, seed: int) -> Patient:
    """The model of a case."""
    maker = text_patient if task == "text" else series_patient
    return {**SICK, **HEALTHY}[kind](maker(cell, hidden, seed), np.random.default_rng([seed, hidden]))


def main() -> None:
    part = "calibration" if "calibration" in sys.argv else "test"
    rows: list[dict[str, Any]] = []
    for kind, task, cell, hidden, seed in cases(part):
        began = time.perf_counter()
        patient = build(kind, task, cell, hidden, seed)
        losses = patient.losses(100, 16) if task == "text" else patient.losses(16)
        found = diagnose(losses, patient.course, jacobians=False)
        right = found.healthy if kind in HEALTHY else kind in found.names
        opposite = {"vanishing": "exploding", "exploding": "vanishing"}.get(kind) in found.names
        row = {"kind": kind, "task": task, "cell": cell, "hidden": hidden, "seed": seed, "right": right}
        row |= {"opposite": opposite, "found": sorted(found.names)}
        layer = found.layers[0]
        row |= {"factor": layer.flow.factor, "first_half": float(layer.flow.share[layer.steps // 2 :].sum())}
        row |= {"growth": float(layer.flow.total.max() / max(layer.flow.total[0], 1e-300)), "dead": layer.dead}
        row |= {"stuck": layer.stuck, "ends": {n: g.saturated for n, g in layer.gates.items()}}
        if "--try" in sys.argv and kind in SICK and found.symptoms:
            own = [s for s in found.symptoms if s.name == kind] or found.symptoms
            trials = attempt(patient, own, 300)
            row["trials"] = [t.to_json() for t in trials]
            row["improved"] = any(t.helps for t in trials)
        rows.append(row)
        mark = "" if right else f"   WRONG: {row['found']} factor {row['factor']:.3f} half {row['first_half']:.1g} "
        mark += "" if right else f"growth {row['growth']:.3g} dead {layer.dead:.2f} stuck {layer.stuck} {row['ends']}"
        tried = f" {'improved' if row['improved'] else 'NOT IMPROVED'}" if "improved" in row else ""
        print(f"{kind:<17} {task:<6} {cell:<16} {hidden} {time.perf_counter() - began:4.1f} s{tried}{mark}", flush=True)
    show(rows)
    name = "verdicts" if part == "test" else "verdicts_calibration"
    if part == "calibration" or "--try" in sys.argv:
        (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine(), "cases": rows}) + "\n")


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Right ones of each kind, and remedies."""
    print()
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        line = f"{kind:<17} {sum(r['right'] for r in own)} of {len(own)} right"
        if any("improved" in r for r in own):
            line += f"; a remedy helped {sum(r.get('improved', False) for r in own)}"
        print(line)
    healthy = [row for row in rows if row["kind"] in HEALTHY]
    sick = [row for row in rows if row["kind"] in SICK]
    print(f"called sick though healthy: {sum(not r['right'] for r in healthy)} of {len(healthy)}")
    print(f"sickness missed: {sum(not r['right'] for r in sick)} of {len(sick)}")
    print(f"called the opposite disease: {sum(r['opposite'] for r in sick)}")
    if any("improved" in r for r in sick):
        print(f"a remedy improved the short run: {sum(r.get('improved', False) for r in sick)} of {len(sick)}")


if __name__ == "__main__":
    main()
