"""What a search costs in many trainings: results that are kept as they come, and tables of regrets.

A benchmark that is stopped goes on where it was: every training's result is a line of benchmarks/results/NAME.jsonl.
Remove the file to begin anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import timing

RULE = "the rule"
"""The name of what the rule chooses, among the variants of it."""

Losses = Mapping[str, Mapping[str, float]]
"""Of each data set, of each variant: a loss."""


class Kept:
    """Results by name, kept in a file as they come."""

    def __init__(self, name: str) -> None:
        self._path = timing.RESULTS / f"{name}.jsonl"
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []
        rows = [row for line in lines if (row := _row(line)) is not None]
        self._rows: dict[tuple[str, ...], Any] = {tuple(row["key"]): row["value"] for row in rows}

    def done(self, *key: str) -> bool:
        """Whether there is something under a key."""
        return key in self._rows

    def get(self, *key: str, make: Callable[[], Any]) -> Any:
        """What there is under a key; else what `make` returns, plain values, which is kept."""
        if key not in self._rows:
            self._rows[key] = value = make()
            self._path.parent.mkdir(exist_ok=True)
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "value": value}, ensure_ascii=False) + "\n")
            print(": ".join(key), value, flush=True)
        return self._rows[key]


def _row(line: str) -> Any:
    """A line of the file; None of one that was cut off."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def table(losses: Losses, relative: bool = False) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """A row for each data set, and the mean and the largest regret.

    regret: by how much the rule's loss is above that of the best variant, relative: as a share of it, in percent.
    "of the others": the variant with the least mean regret over all other data sets, and its regret here: what a rule
    with that change would bring on data that it was not chosen on.
    """

    def regret(name: str, what: str) -> float:
        best = min(losses[name].values())
        apart = losses[name][what] - best
        return 100 * apart / best if relative else apart

    rows = []
    for name, own in losses.items():
        best = min(own, key=lambda what: own[what])
        row = {"what": name, "rule": own[RULE], "best": best, "its": own[best], "regret": regret(name, RULE)}
        others = [other for other in losses if other != name]
        common = [what for what in own if all(what in losses[other] for other in others)]
        if others:
            means = {what: sum(regret(other, what) for other in others) / len(others) for what in common}
            taken = min(means, key=lambda what: means[what])
            row |= {"of the others": taken, "its regret": regret(name, taken)}
        rows.append(row)
    each = [float(row["regret"]) for row in rows]
    return rows, {"mean regret": sum(each) / max(1, len(each)), "worst regret": max(each, default=0.0)}
