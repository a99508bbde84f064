"""Synopses of Debian's packages from their long descriptions, beside the first sentence and the nearest training text.

    python -m benchmarks.summarize [MINUTES] [SEED]

Nothing is set but the minutes. 2,000 pairs are scored, groups of near-duplicates of either side (seed 0).
"""

from __future__ import annotations

import sys

from benchmarks import timing
from benchmarks.pairs import debian
from benchmarks.translate import scored, searches
from throughtime import Summarizer
from throughtime.tasks.summarize.score import score


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    minutes, seed = float(given[0]) if given else 30.0, int(given[1]) if len(given) > 1 else 0
    learned, test = debian()
    model = Summarizer(seed=seed, minutes=minutes).fit(learned.sources, learned.targets, quiet="--quiet" in sys.argv)
    found = score(model.fitted(), test, learned)
    entry = {"what": f"debian, {minutes:g} minutes", **scored(model, found, *searches(model, test.sources))}
    timing.report(f"summarize_debian_{minutes:g}_{seed}", [entry])


if __name__ == "__main__":
    main()
