"""Translation beside what needs no model: multi30k's captions, German to English; or tatoeba's sentences.

    python -m benchmarks.translate [MINUTES] [SEED] [--reverse] [--validation]
    python -m benchmarks.translate --tatoeba [MINUTES] [SEED] [--reverse]

Nothing is set but the minutes: the rule chooses by the pairs (tasks/sequence/rule.py). multi30k's validation file is
what is chosen by; with --validation it is scored, without it the test part of 2016 is, once. Of tatoeba, English to
Chinese, 1,000 pairs are scored, groups of near-duplicates of either side (seed 0). --reverse: the other way round.
"""

from __future__ import annotations

import gzip
import sys
import time
from typing import Any

from benchmarks import timing
from benchmarks.pairs import tatoeba
from benchmarks.series_data import file
from throughtime import Translator
from throughtime.data.pairs import Pairs
from throughtime.tasks.sequence.estimator import SequenceEstimator
from throughtime.tasks.translate.score import score


def lines(part: str, language: str) -> list[str]:
    """A side of a part."""
    with gzip.open(file("multi30k", f"{part}.{language}.gz"), "rt", encoding="utf-8", newline="\n") as text:
        return [line.strip() for line in text]


def scored(model: SequenceEstimator[Any, Any], found: dict[str, Any], searching: float, each: float) -> dict[str, Any]:
    """A line of the table. searching: seconds for all sources at once; each: for one, alone."""
    for choice in model.chosen:
        print(f"    {choice.name} {choice.value}: {choice.why}")
    for name, entry in found["baselines"].items():
        print(f"    {name}: BLEU {entry['bleu']:.1f}, chrF {entry['chrf']:.1f}, ROUGE-L {entry['rougeL']:.1f}")
    print(f"    {found['verdict']['sentence']}\n    {found['exchanged']['sentence']}\n    {found['signature']}")
    return {
        "BLEU": found["bleu"],
        "low": found["bleu_low"],
        "high": found["bleu_high"],
        "chrF": found["chrf"],
        "ROUGE-L": found["rougeL"],
        "rare words": found["rare_words"]["share"],
        "names from source": found["names_from_source"]["share"],
        "distinct": found["distinct"],
        "steps": model.outcome.steps if model.outcome else 0,
        "search of all, s": searching,
        "one, ms": 1000 * each,
    }


def searches(model: SequenceEstimator[Any, Any], sources: list[str]) -> tuple[float, float]:
    """Seconds that all sources together take, and one alone."""
    began = time.perf_counter()
    model.predict(sources)
    together = time.perf_counter() - began
    began = time.perf_counter()
    for text in sources[:50]:
        model.predict([text])
    return together, (time.perf_counter() - began) / 50


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    minutes, seed = float(given[0]) if given else 30.0, int(given[1]) if len(given) > 1 else 0
    backwards, validating, quiet = ("--reverse" in sys.argv, "--validation" in sys.argv, "--quiet" in sys.argv)
    if "--tatoeba" in sys.argv:
        name, what = ("zh-en" if backwards else "en-zh"), "tatoeba"
        learned, test = tatoeba(*(("1", "0") if backwards else ("0", "1")))
        held = None
    else:
        sides = ("en", "de") if backwards else ("de", "en")
        name, what = "-".join(sides), f"multi30k {'validation' if validating else 'test2016'}"
        learned, held, test = (
            Pairs(*(lines(part, side) for side in sides))  # type: ignore[arg-type]
            for part in ("train", "val", "val" if validating else "test_2016_flickr")
        )
    model = Translator(seed=seed, minutes=minutes).fit(learned.sources, learned.targets, validation=held, quiet=quiet)
    found = score(model.fitted(), test, learned)
    entry = {"what": f"{what} {name}, {minutes:g} minutes", **scored(model, found, *searches(model, test.sources))}
    timing.report(f"translate_{name}_{minutes:g}_{'validation' if validating else seed}", [entry])


if __name__ == "__main__":
    main()
