"""Slots and intents, beside linear models: snips, cais.

    python -m benchmarks.tag NAME [SEED] [--validation]

Nothing is trained before, and nothing is set: the rule chooses by the texts (tasks/tag/rule.py). The validation files
are what is chosen by; with --validation they are scored, without it the test files are, once.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks import timing
from benchmarks.series_data import file
from throughtime import Tagger
from throughtime.data.tagged import Tagged
from throughtime.tasks.tag.baselines import baselines
from throughtime.tasks.tag.data import read_tagged
from throughtime.tasks.tag.score import score

SETS = ("snips", "cais")


def parts(name: str) -> dict[str, Tagged]:
    """The three parts of a set."""
    if name == "snips":
        folder = file("snips", "train", "seq.in").parent.parent
        return {part: read_tagged(folder / part) for part in ("train", "valid", "test")}
    folder = Path(file("cais-zh", "CAIS", "train", "ch.train")).parent.parent
    return {part: read_tagged(folder / part / f"ch.{part}") for part in ("train", "valid", "test")}


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    validating = "--validation" in sys.argv
    if not given or given[0] not in SETS:
        raise SystemExit(f"benchmarks.tag: expected one of {', '.join(SETS)}")
    name, seed = given[0], int(given[1]) if len(given) > 1 else 0
    own = parts(name)
    began = time.perf_counter()
    model = Tagger(seed=seed).fit(own["train"], validation=own["valid"], quiet="--quiet" in sys.argv)
    seconds = time.perf_counter() - began
    for choice in model.chosen:
        print(f"    {choice.name} {choice.value}: {choice.why}")
    beside = baselines(own["train"], own["valid"], 0 if validating else 120, seed, print)
    found = score(model.fitted(), own["valid" if validating else "test"], beside)
    linear = {n: e["intent_accuracy"] for n, e in found["baselines"].items() if "intent_accuracy" in e}
    tagged = {n: e["slot_f1"] for n, e in found["baselines"].items() if "slot_f1" in e}
    print("    " + found["headline"])
    print("    " + found["shuffled"]["sentence"])
    for n, e in found["baselines"].items():
        print(f"    {n}: " + ", ".join(f"{k} {v:.4f}" for k, v in e.items()))
    entry = {
        "what": f"{name} {'validation' if validating else 'test'}",
        "slot F1": found["slot_f1"],
        "intents": found["intent_accuracy"],
        "sentences": found["sentence_accuracy"],
        "best slot baseline": max(tagged.values(), default=None),
        "best intent baseline": max(linear.values(), default=None),
        "seconds": seconds,
        "weights": str({n: round(w, 2) for n, w in model.fitted().weights.items() if w}),
    }
    timing.report(f"tag_{name}_{'validation' if validating else seed}", [entry])


if __name__ == "__main__":
    main()
