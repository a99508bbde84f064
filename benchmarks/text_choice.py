"""What the rule of texts chooses, beside variants of it: regrets on texts of many kinds.

    python -m benchmarks.text_choice MINUTES [NAME ...]            the rule and the n-gram baseline
    python -m benchmarks.text_choice MINUTES [NAME ...] --search   and one option changed at a time

The rule sees nothing but the text and the minutes. Without --search the last tenth of each text is scored, beside the
best n-gram model. A search leaves that tenth alone: it sees the first nine tenths of each text, of which the last one
is scored; printed are the regret, by how many nats per character the rule is worse than the best variant, and what the
best variant of all other texts would lose. What is done already is not done again (benchmarks/regrets.py), so that one
text at a time may be given; a table of all there are is printed each time. One seed: differences of 0.005 are chance.

A run takes 13 texts times the minutes, and about a minute for each n-gram model of the long ones; with --search ten
times that.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from benchmarks import corpora, timing
from benchmarks.regrets import RULE, Kept, table
from throughtime import LanguageModel


def variants(chosen: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One option changed at a time, within what a person would try."""
    return {
        "larger": {"hidden": round(1.4 * chosen["hidden"] / 32) * 32},
        "smaller": {"hidden": max(32, round(chosen["hidden"] / 1.4 / 32) * 32)},
        "twice the rate": {"learning_rate": 2 * chosen["learning_rate"]},
        "half the rate": {"learning_rate": chosen["learning_rate"] / 2},
        "more dropout": {"dropout": min(0.7, chosen["dropout"] + 0.15)},
        "less dropout": {"dropout": max(0.0, chosen["dropout"] - 0.15)},
        "recurrent dropout": {"weight_dropout": 0.3 if chosen["weight_dropout"] < 0.3 else 0.0},
        "half the batch": {"batch": max(1, chosen["batch"] // 2)},
        "two layers": {"layers": 2},
    }


def run(text: str, minutes: float, **options: Any) -> dict[str, Any]:
    """Nats per character of the last tenth: of a model, of its recurrence alone and of the n-gram baseline; the options
    that variants change."""
    model = LanguageModel(**options).fit(text, minutes=minutes, quiet=True)
    assert model.record is not None
    score, chosen = model.evaluate(), model.record.options.to_json()
    return {
        "nats": score["nats_per_character"],
        "recurrence": score.get("recurrence", score)["nats_per_character"],
        "n-gram": score["baselines"]["ngram"]["nats_per_character"],
        "chosen": {name: chosen[name] for name in ("hidden", "dropout", "weight_dropout", "learning_rate", "batch")},
    }


def scored(kept: Kept, names: list[str], minutes: float) -> list[dict[str, Any]]:
    """A row for each text: the rule beside the n-gram model. names: of those that are trained, if they were not."""
    rows = []
    for name in corpora.TEXTS:
        if name not in names and not kept.done(name):
            continue
        found = kept.get(name, make=lambda name=name: run(corpora.text(name), minutes))  # type: ignore[misc]
        chosen = found["chosen"]
        rows.append(
            {
                "text": name,
                "H": chosen["hidden"],
                "dropout": f"{chosen['dropout']:g}/{chosen['weight_dropout']:g}",
                "rule": round(found["nats"], 4),
                "recurrence alone": round(found["recurrence"], 4),
                "n-gram": round(found["n-gram"], 4),
            }
        )
    return rows


def searched(kept: Kept, names: list[str], minutes: float) -> dict[str, dict[str, float]]:
    """Of each text nats per character of the rule and of its variants, where nothing was scored but validation."""
    found: dict[str, dict[str, float]] = {}
    for name in corpora.TEXTS:

        def train(name: str = name, **change: Any) -> dict[str, Any]:
            whole = corpora.text(name)
            return run(whole[: len(whole) * 9 // 10], minutes, **change)

        if name not in names and not kept.done(name, RULE):
            continue
        first = kept.get(name, RULE, make=train)
        changes = variants(first["chosen"])
        if name in names or all(kept.done(name, what) for what in changes):
            each = {what: kept.get(name, what, make=partial(train, **change)) for what, change in changes.items()}
            found[name] = {what: one["nats"] for what, one in [(RULE, first), *each.items()]}
    return found


def main() -> None:
    search = "--search" in sys.argv
    minutes, *given = [one for one in sys.argv[1:] if one != "--search"]
    if unknown := [name for name in given if name not in corpora.TEXTS]:
        raise SystemExit(f"benchmarks.text_choice: no text {unknown[0]!r}; there are {', '.join(corpora.TEXTS)}")
    kind, names = f"text_choice_{float(minutes):g}" + ("_search" if search else ""), given or list(corpora.TEXTS)
    kept = Kept(kind)
    if search:
        rows, summary = table(searched(kept, names, float(minutes)))
        timing.report(kind, rows, **summary)
        return
    rows = scored(kept, names, float(minutes))
    behind = [row["rule"] - row["n-gram"] for row in rows]
    timing.report(kind, rows, behind=sum(one > 0 for one in behind), furthest=max(behind))


if __name__ == "__main__":
    main()
