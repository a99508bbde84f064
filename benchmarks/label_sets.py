"""Texts with several labels each, made with known dependencies: what a label hangs on is who stands where, not which
words there are.

    python -m benchmarks.label_sets [SEED [OUT]]

5,000 texts of a service desk. Each has two to four clauses about topics; a topic's label is there where a clause
asserts it ("trouble with the new parcel"), not where one denies it ("no trouble with the parcel"), with words between.
"urgent" is there where haste is asked for behind an assertion, not before; "several" where two topics are asserted;
"escalate" where "several" and "urgent" are. Everything is left to the defaults; a fifth is scored, once.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks import timing

TOPICS = {
    "delivery": ("parcel", "shipment", "courier"),
    "billing": ("invoice", "payment", "refund"),
    "account": ("password", "login", "profile"),
    "product": ("screen", "battery", "keyboard"),
    "staff": ("agent", "hotline", "adviser"),
}
ASSERTED = ("there is trouble with", "something is wrong with", "please look at", "i complain about")
DENIED = ("there is no trouble with", "nothing is wrong with", "please do not look at", "i never complain about")
BETWEEN = ("the", "my", "our", "new", "last", "other", "old", "very", "same", "second")
HASTE = ("right now", "as soon as possible", "today please", "without delay")
CALM = ("some other day", "when you can", "one of these weeks", "no rush at all")


def texts(count: int, seed: int) -> tuple[list[str], list[list[str]]]:
    """So many texts, and the labels of each."""
    rng = np.random.default_rng(seed)

    def one_of(some: tuple[str, ...]) -> str:
        return some[int(rng.integers(len(some)))]

    found, labels = [], []
    for _ in range(count):
        clauses, asserted, urgent = [], set(), False
        for place in rng.permutation(len(TOPICS))[: int(rng.integers(2, 5))]:
            topic = list(TOPICS)[int(place)]
            holds = bool(rng.random() < 0.45)
            between = " ".join(one_of(BETWEEN) for _ in range(int(rng.integers(1, 5))))
            clauses.append(f"{one_of(ASSERTED if holds else DENIED)} {between} {one_of(TOPICS[topic])}")
            if holds:
                asserted.add(topic)
            if rng.random() < 0.4:
                haste = bool(rng.random() < 0.5)
                clauses.append(one_of(HASTE if haste else CALM))
                urgent = urgent or (haste and bool(asserted))
        several = len(asserted) > 1
        extra = [
            name
            for name, there in (("several", several), ("urgent", urgent), ("escalate", several and urgent))
            if there
        ]
        found.append(" , ".join(clauses))
        labels.append(sorted(asserted) + extra)
    return found, labels


def main() -> None:
    """Train with the defaults, score, print what the verdict says."""
    from throughtime import Classifier
    from throughtime.tasks.classify.commands import show

    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    model = Classifier(holdout=0.2, seed=seed).fit(*texts(5000, seed), out=out)
    evaluation = model.score_held_out(print)
    assert evaluation is not None
    show(evaluation)
    each = [("the model", evaluation), *evaluation["baselines"].items()]
    rows = [{"what": name, **{key: 100 * entry[key] for key in ("micro_f1", "macro_f1")}} for name, entry in each]
    timing.report(f"label_sets_{seed}", rows, verdict=(evaluation["verdict"] or {}).get("sentence"))


if __name__ == "__main__":
    main()
