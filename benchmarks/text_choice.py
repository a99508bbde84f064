"""What the rule of texts chooses, beside variants of it: regrets on texts of many kinds.

    python -m benchmarks.text_choice MINUTES [NAME ...]            the rule and the n-gram baseline
    python -m benchmarks.text_choice MINUTES [NAME ...] --search   and one option changed at a time

The rule sees nothing but the text and the minutes. Printed: nats per character of the last tenth of each text, of the
rule, of the best n-gram model, and with --search of the best variant, with the regret, by how much the rule is worse.
One seed: differences of 0.005 are chance.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks import corpora, timing
from throughtime import LanguageModel


def variants(chosen: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One option changed at a time, within what a person would try."""
    found: dict[str, dict[str, Any]] = {
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
    return found


def run(text: str, minutes: float, **options: Any) -> tuple[float, float, dict[str, Any]]:
    """Nats per character of a model and of the n-gram baseline, and its options."""
    model = LanguageModel(**options).fit(text, minutes=minutes, quiet=True)
    assert model.record is not None
    score = model.evaluate()
    return (
        score["nats_per_character"],
        score["baselines"]["ngram"]["nats_per_character"],
        model.record.options.to_json(),
    )


def main() -> None:
    search = "--search" in sys.argv
    minutes, *names = [one for one in sys.argv[1:] if one != "--search"]
    rows = []
    for name in names or list(corpora.TEXTS):
        text = corpora.text(name)
        ours, ngram, chosen = run(text, float(minutes))
        row = {
            "text": name,
            "characters": len(text),
            "kinds": len(set(text)),
            "H": chosen["hidden"],
            "dropout": f"{chosen['dropout']:g}/{chosen['weight_dropout']:g}",
            "rule": round(ours, 4),
            "n-gram": round(ngram, 4),
        }
        if search:
            tried = {what: run(text, float(minutes), **change)[0] for what, change in variants(chosen).items()}
            best = min(tried, key=lambda what: tried[what])
            row |= {"best variant": best, "its": round(tried[best], 4), "regret": round(max(0, ours - tried[best]), 4)}
        rows.append(row)
        print(row, flush=True)
    timing.report(f"text_choice_{minutes}", rows)


if __name__ == "__main__":
    main()
