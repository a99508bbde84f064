"""The textbook's experiments: who can carry a gradient through how many steps, and what helps who cannot.

    python -m benchmarks.textbook adding      600 steps, mean squared error; 0.167 is who remembers nothing
    python -m benchmarks.textbook copying     a lag of 1000, nats per step; 0.0204 is who remembers nothing
    python -m benchmarks.textbook digits      8 x 8 digits of scikit-learn pixel by pixel, accuracy on 360 held-out ones
    python -m benchmarks.textbook adding 1 2 --only GRU,    those whose name begins so, with other seeds
    python -m benchmarks.textbook figures     draws docs/pictures/*.svg from what the three have left in results/

Every run has the same data, batch and number of steps; `remedy` says what its start or its rates have that the plain
cell has not. Results are kept run by run, so that an interrupted experiment goes on. One thread each.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import RESULTS, machine
from throughtime.data.puzzles import adding, copying, memoryless
from throughtime.insight.chrono import remember
from throughtime.insight.diagnosis import diagnose
from throughtime.insight.flow import flow
from throughtime.models.ops_torch import TorchOps
from throughtime.models.resolve import trace_of
from throughtime.recurrence import Recurrence


@dataclass(frozen=True)
class Contestant:
    """name: as shown. cell, hidden, layers: of the recurrence. memory: the longest time scale its gates start with, 0
    for the cell's own start. identity: whether W_hh starts as the identity, and W_xh small. recurrent: the rate
    of the matrices on the state as a share of the others'."""

    name: str
    cell: str
    hidden: int = 64
    layers: int = 1
    memory: int = 0
    identity: bool = False
    recurrent: float = 1.0
    rate: float = 3e-3


def contestants(experiment: str) -> list[Contestant]:
    """Who takes part."""
    if experiment == "copying":
        return [
            Contestant("simple RNN", "rnn", 192, rate=1e-3),
            Contestant(
                "simple RNN, linear, orthogonal, slow recurrent matrix", "rnn:identity", 192, recurrent=0.03, rate=1e-3
            ),
            Contestant("LSTM", "lstm", 96),
            Contestant("LSTM, time scales up to 1020", "lstm", 96, memory=1020),
            Contestant("GRU, time scales up to 1020", "gru", 96, memory=1020),
        ]
    steps = 600 if experiment == "adding" else 64
    return [
        Contestant("simple RNN", "rnn"),
        Contestant("IRNN (relu, identity)", "rnn:relu", identity=True, rate=1e-3),
        Contestant("IRNN, slow recurrent matrix", "rnn:relu", identity=True, recurrent=0.003, rate=1e-3),
        Contestant("LSTM", "lstm"),
        Contestant(f"LSTM, time scales up to {steps}", "lstm", memory=steps),
        Contestant("GRU", "gru"),
        Contestant(f"GRU, time scales up to {steps}", "gru", memory=steps),
        Contestant("minGRU, two layers", "min_gru", layers=2),
        Contestant(f"minGRU, two layers, time scales up to {steps}", "min_gru", layers=2, memory=steps),
    ]


STEPS = {"adding": 3000, "copying": 2000, "digits": 3000}
BATCH = {"adding": 32, "copying": 20, "digits": 32}
SIZES = {"adding": (2, 1), "copying": (10, 9), "digits": (1, 10)}


class Net:
    """Recurrences of one cell on top of each other, and an output layer."""

    def __init__(self, one: Contestant, inputs: int, outputs: int, seed: int) -> None:
        trace, rng = trace_of(one.cell), np.random.default_rng(seed)
        self.layers: list[tuple[Any, dict[str, int], dict[str, torch.Tensor]]] = []
        self.recurrent: list[torch.Tensor] = []
        self.others: list[torch.Tensor] = []
        width = inputs
        for layer in range(one.layers):
            sizes = {"I": width, "H": one.hidden}
            values = trace.initial_parameters(sizes, rng)
            if one.memory:
                values = remember(trace, sizes, values, one.memory, seed + layer)
            if one.identity:
                values["W_hh"] = np.eye(one.hidden, dtype=np.float32)
                values["W_xh"] = (0.001 * rng.standard_normal(values["W_xh"].shape)).astype(np.float32)
            own = {name: torch.tensor(value).requires_grad_() for name, value in values.items()}
            for name, value in own.items():
                (self.recurrent if name.startswith("W_h") and name != "W_hy" else self.others).append(value)
            self.layers.append((trace, sizes, own))
            width = one.hidden
        bound = 1 / math.sqrt(width)
        self.weight = torch.tensor(rng.uniform(-bound, bound, (outputs, width)).astype(np.float32)).requires_grad_()
        self.bias = torch.zeros(outputs, requires_grad=True)
        self.others += [self.weight, self.bias]

    def __call__(self, ops: Any, x: torch.Tensor, at_end: bool) -> torch.Tensor:
        for trace, sizes, own in self.layers:
            x, _ = ops.recurrence(Recurrence(trace, sizes), x, None, own)
        return ops.linear(x[-1] if at_end else x, self.weight, self.bias)


class Data:
    """Batches to learn from, and one to judge by."""

    def __init__(self, experiment: str, seed: int) -> None:
        self.experiment, self.rng, self.batch = experiment, np.random.default_rng(seed), BATCH[experiment]
        if experiment == "digits":
            from sklearn.datasets import load_digits

            digits = load_digits()
            order = np.random.default_rng(0).permutation(len(digits.target))
            self.x = (digits.data[order] / 16).astype(np.float32)
            self.y = digits.target[order]

    def draw(self, rows: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        rows = rows or self.batch
        if self.experiment == "digits":
            which = self.rng.integers(0, len(self.x) - 360, rows)
            return torch.tensor(self.x[which].T[:, :, None]), torch.tensor(self.y[which])
        x, y = adding(600, rows, self.rng) if self.experiment == "adding" else copying(1000, rows, self.rng)
        return torch.from_numpy(x), torch.from_numpy(y)

    def held(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self.experiment == "digits":
            return torch.tensor(self.x[-360:].T[:, :, None]), torch.tensor(self.y[-360:])
        other = Data(self.experiment, 10_000)
        return other.draw(5000 if self.experiment == "adding" else 100)


def losses(experiment: str, net: Net, ops: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(B,) or (T, B)."""
    found = net(ops, x, experiment != "copying")
    if experiment == "adding":
        return (found[:, 0] - y).square()
    if experiment == "digits":
        return torch.nn.functional.cross_entropy(found, y, reduction="none")
    flat = torch.nn.functional.cross_entropy(found.flatten(0, 1), y.flatten(), reduction="none")
    return flat.reshape(y.shape)


def run(experiment: str, one: Contestant, seed: int) -> dict[str, Any]:
    """Train one contestant; how its loss went, its gradient by lag before and after, and what the diagnosis said."""
    net, data, ops = Net(one, *SIZES[experiment], seed), Data(experiment, seed + 1), TorchOps()
    groups = [{"params": net.others}]
    if net.recurrent:
        groups.append({"params": net.recurrent})
    optimizer = torch.optim.AdamW(groups, lr=one.rate, betas=(0.9, 0.99), weight_decay=0.0)
    everything = [*net.others, *net.recurrent]
    steps, began = STEPS[experiment], time.perf_counter()
    curve: list[float] = []
    window: list[float] = []
    found: dict[str, Any] = {"before": _by_lag(experiment, net, data), "verdict": None, "verdict_step": None}
    for step in range(steps):
        rising = min(1.0, (step + 1) / 50)
        falling = 0.51 + 0.49 * math.cos(math.pi * max(0.0, 2 * step / steps - 1))
        for group, share in zip(optimizer.param_groups, (1.0, one.recurrent), strict=False):
            group["lr"] = one.rate * share * rising * falling
        x, y = data.draw()
        loss = losses(experiment, net, ops, x, y).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(everything, 1.0)
        optimizer.step()
        window.append(float(loss.detach()))
        if not math.isfinite(window[-1]):
            found |= {"symptoms": ["diverging"], "verdict": f"not finite at step {step + 1}", "verdict_step": step + 1}
            break
        if (step + 1) % (steps // 20) == 0:
            curve.append(float(np.mean(window)))
            window = []
            print(f"{experiment}: {one.name}: step {step + 1} loss {curve[-1]:.5f}", file=sys.stderr, flush=True)
        if step + 1 == steps // 4:  # long before training ends
            x, y = data.draw(8)
            diagnosis = diagnose(lambda ops, x=x, y=y: losses(experiment, net, ops, x, y), jacobians=False)
            found["verdict"], found["symptoms"] = diagnosis.verdict, sorted(diagnosis.names)
            found["verdict_step"] = step + 1
    with torch.no_grad():
        x, y = data.held()
        score = float(losses(experiment, net, ops, x, y).mean())
        if experiment == "digits":
            found["accuracy"] = float((net(ops, x, True).argmax(1) == y).double().mean())
    seconds = round(time.perf_counter() - began, 1)
    found |= {"curve": curve, "held_out": score, "after": _by_lag(experiment, net, data), "seconds": seconds}
    return {**asdict(one), "seed": seed, **found}


def _by_lag(experiment: str, net: Net, data: Data) -> list[float]:
    x, y = Data(experiment, 5).draw(8)
    if experiment == "copying":  # from the last step, where the last symbol of the ten is wanted
        flows, _, _ = flow(lambda ops: losses(experiment, net, ops, x, y))
    else:
        flows, _, _ = flow(lambda ops: losses(experiment, net, ops, x, y))
    return [float(value) for value in flows[0].total]


def main() -> None:
    experiment = sys.argv[1] if len(sys.argv) > 1 else "adding"
    if experiment == "figures":
        figures()
        return
    torch.set_num_threads(1)
    seeds = [int(word) for word in sys.argv[2:] if word.isdigit()] or [0]
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    for one in contestants(experiment):
        if not one.name.startswith(only):
            continue
        for seed in seeds:
            path = RESULTS / f"textbook_{experiment}.json"
            done = json.loads(path.read_text()) if path.is_file() else {"machine": machine(), "runs": []}
            key = {**asdict(one), "seed": seed}
            if any(all(each.get(k) == v for k, v in key.items()) for each in done["runs"]):
                continue
            result = run(experiment, one, seed)
            done = json.loads(path.read_text()) if path.is_file() else done
            done["runs"].append(result)
            path.write_text(json.dumps(done) + "\n")
    show(experiment)


def show(experiment: str) -> None:
    """A table of what was found."""
    done = json.loads((RESULTS / f"textbook_{experiment}.json").read_text())
    what = {"adding": "mean squared error", "copying": "nats per step", "digits": "accuracy"}[experiment]
    print(f"{experiment}: {what} on held-out data")
    for each in done["runs"]:
        score = each["accuracy"] if experiment == "digits" else each["held_out"]
        said = ", ".join(each["symptoms"]) or "healthy"
        shown = f"{score:.5f}" if score < 1e6 else "diverged"
        print(f"  {each['name']:<52} seed {each['seed']}  {shown}  {each['seconds']:.0f} s  diagnosed: {said}")


CLUES = {
    "adding": ("mean squared error", 1 / 6),
    "copying": ("nats per step", memoryless(1000)),
    "digits": ("nats", math.log(10)),
}


def figures() -> None:
    """docs/pictures/textbook_*.svg: how the loss went, and the gradient by lag before training."""
    from throughtime.report.diagnosis import curves_by_lag, curves_by_step

    folder = Path(__file__).parents[1] / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    for experiment, (unit, blind) in CLUES.items():
        path = RESULTS / f"textbook_{experiment}.json"
        if not path.is_file():
            continue
        runs = [each for each in json.loads(path.read_text())["runs"] if each["seed"] == 0]
        every = STEPS[experiment] // 20
        curves = {e["name"]: ([every * (i + 1) for i in range(len(e["curve"]))], e["curve"]) for e in runs}
        (folder / f"textbook_{experiment}_loss.svg").write_text(curves_by_step(curves, unit, ("no memory", blind)))
        lags = {e["name"]: e["before"] for e in runs}
        (folder / f"textbook_{experiment}_gradient.svg").write_text(curves_by_lag(lags))
        print(f"docs/pictures/textbook_{experiment}_*.svg")


if __name__ == "__main__":
    main()
