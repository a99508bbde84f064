"""Translation beside what needs no model: multi30k, German to English, 2016's test part.

    python -m benchmarks.translate [MINUTES] [SEED] [--reverse] [--validation]

Nothing is set but the minutes: the rule chooses by the pairs (tasks/sequence/rule.py). The validation file is what is
chosen by; with --validation it is scored, without it the test part is, once. --reverse: English to German.
"""

from __future__ import annotations

import gzip
import sys
import time

from benchmarks import timing
from benchmarks.series_data import file
from throughtime import Translator
from throughtime.data.pairs import Pairs
from throughtime.tasks.translate.score import score


def lines(part: str, language: str) -> list[str]:
    """A side of a part."""
    with gzip.open(file("multi30k", f"{part}.{language}.gz"), "rt", encoding="utf-8", newline="\n") as text:
        return [line.strip() for line in text]


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    minutes, seed = float(given[0]) if given else 30.0, int(given[1]) if len(given) > 1 else 0
    sides = ("en", "de") if "--reverse" in sys.argv else ("de", "en")
    validating = "--validation" in sys.argv
    train, held, test = (
        [lines(part, side) for side in sides] for part in ("train", "val", "val" if validating else "test_2016_flickr")
    )
    began = time.perf_counter()
    model = Translator(seed=seed, minutes=minutes).fit(*train, validation=tuple(held), quiet="--quiet" in sys.argv)
    seconds = time.perf_counter() - began
    for choice in model.chosen:
        print(f"    {choice.name} {choice.value}: {choice.why}")
    began = time.perf_counter()
    model.translate(test[0])
    searching = time.perf_counter() - began
    first = time.perf_counter()
    for text in test[0][:50]:
        model.translate([text])
    each = (time.perf_counter() - first) / 50
    found = score(model.fitted(), Pairs(*test), Pairs(*train))
    for name, entry in found["baselines"].items():
        print(f"    {name}: BLEU {entry['bleu']:.1f}, chrF {entry['chrf']:.1f}")
    print(f"    {found['verdict']['sentence']}\n    {found['exchanged']['sentence']}\n    {found['signature']}")
    entry = {
        "what": f"multi30k {'-'.join(sides)} {'validation' if validating else 'test2016'}, {minutes:g} minutes",
        "BLEU": found["bleu"],
        "low": found["bleu_low"],
        "high": found["bleu_high"],
        "chrF": found["chrf"],
        "rare words": found["rare_words"]["share"],
        "names from source": found["names_from_source"]["share"],
        "distinct": found["distinct"],
        "steps": model.outcome.steps if model.outcome else 0,
        "seconds": seconds,
        "search of all, s": searching,
        "one sentence, ms": 1000 * each,
    }
    timing.report(f"translate_{'-'.join(sides)}_{minutes:g}_{'validation' if validating else seed}", [entry])


if __name__ == "__main__":
    main()
