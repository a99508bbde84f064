"""What models of pairs have to beat, measured: baselines of translating, summarizing and answering; and the chooser.

    python -m benchmarks.pairs multi30k | multi30k-en-de | tatoeba | tatoeba-zh-en | debian
    python -m benchmarks.pairs chooser en|zh [SEED] [--validation]
    python -m benchmarks.pairs faq [SEED] [--validation]

Splits: multi30k's own test2016; of tatoeba and debian-descriptions groups of near-duplicates of either side, 1,000 and
2,000 pairs or a few more (seed 0). Right reply among 10: nine from other dialogues of the test file, drawn with seed 0.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.series_data import file
from throughtime.baselines.kept_words import copied, distinct, rare_words, word_counts
from throughtime.baselines.text_scores import text_scores
from throughtime.data.dialogues import read_dialogues
from throughtime.data.pairs import Pairs, read_pairs
from throughtime.linear.nearest import Nearest
from throughtime.linear.pair_baselines import baselines


def multi30k(source: str, target: str) -> tuple[Pairs, Pairs]:
    """Training captions, and test2016."""
    names = ["train", "test_2016_flickr"]
    parts = [read_pairs([file("multi30k", f"{name}.{side}.gz") for side in (source, target)]) for name in names]
    return parts[0], parts[1]


def tatoeba(source: str, target: str) -> tuple[Pairs, Pairs]:
    """English and Chinese, near-duplicates on one side."""
    return parted(read_pairs(file("tatoeba-cmn-eng", "cmn.txt"), source, target), 1000)


def debian() -> tuple[Pairs, Pairs]:
    """Long descriptions of packages and their synopses, near-duplicates on one side."""
    return parted(read_pairs(file("debian-descriptions", "en.long2short.tsv.gz"), "1", "2"), 2000)


def parted(pairs: Pairs, count: int) -> tuple[Pairs, Pairs]:
    """What is learned, and `count` pairs that are scored."""
    train, test = pairs.split(count / len(pairs), 0)
    for note in (*pairs.notes, *test.notes):
        print(f"    {note}", flush=True)
    return train, test


PARTS: dict[str, Any] = {
    "multi30k": lambda: multi30k("de", "en"),
    "multi30k-en-de": lambda: multi30k("en", "de"),
    "tatoeba": lambda: tatoeba("0", "1"),
    "tatoeba-zh-en": lambda: tatoeba("1", "0"),
    "debian": debian,
}


def compared(name: str) -> list[dict[str, Any]]:
    """Every baseline on the part that is scored."""
    train, test = PARTS[name]()
    began = time.perf_counter()
    outputs = baselines(test.sources, (train.sources, train.targets))
    seconds = time.perf_counter() - began
    known = word_counts(train.targets)
    rows = []
    for baseline, texts in outputs.items():
        scores = text_scores(texts, test.targets)
        rows.append(
            {
                "baseline": baseline,
                "BLEU": str(scores.bleu),
                "chrF": str(scores.chrf),
                "ROUGE-1": str(scores.rouge["rouge1"]),
                "ROUGE-2": str(scores.rouge["rouge2"]),
                "ROUGE-L": str(scores.rouge["rougeL"]),
                "rare words": rare_words(texts, test.targets, known).value,
                "names and numbers of the source": copied(texts, test.sources).value,
                "distinct": distinct(texts, test.sources).value,
            }
        )
    print(f"{scores.bleu.signature}\n{scores.rouge['rougeL'].signature}")
    print(f"{len(train):,} pairs learned, {len(test):,} scored; all baselines' outputs in {seconds:.1f} s")
    return rows


def among(pairs: Pairs, count: int = 10) -> np.ndarray:
    """(N, count) places of replies: each pair's own, then others from other conversations, drawn with seed 0."""
    rng, groups = np.random.default_rng(0), np.array(pairs.groups)
    drawn = np.empty((len(pairs), count), np.int64)
    for i in range(len(pairs)):
        others = np.flatnonzero(groups != groups[i])
        drawn[i] = [i, *rng.choice(others, count - 1, replace=False)]
    return drawn


def right(fits: np.ndarray) -> np.ndarray:
    """(N,) bool: where the first of the candidates (N, C) fits best, alone."""
    best: np.ndarray = (fits[:, :1] > fits[:, 1:]).all(1)
    return best


def tfidf_fits(learned: Pairs, pairs: Pairs, candidates: np.ndarray, turns: str) -> np.ndarray:
    """(N, C) how near each candidate is to the context; turns: "all" of it or its "last" one."""
    like = Nearest.fit([*learned.sources, *learned.targets])
    index = Nearest.fit(pairs.targets, like=like)
    contexts = [" ".join(pairs.context(i)) for i in range(len(pairs))] if turns == "all" else pairs.sources
    fits = index.similarities(contexts)
    return np.stack([near[own] for near, own in zip(fits, candidates, strict=True)])


def dialogues(language: str) -> tuple[Pairs, Pairs, Pairs]:
    """Conversations to learn from, to choose by and to score: two parts of three of which none shares most of its turns
    with the test file; every fifth conversation of the dev file chooses."""
    name = {"en": "En", "zh": "Zh"}[language]
    learned = read_dialogues(file("xdailydialog", f"dialogues_text_{name}.txt"))
    dev = read_dialogues(file("xdailydialog", f"{language}_dev_human.txt"))
    test = read_dialogues(file("xdailydialog", f"{language}_test_human.txt"))
    chosen = np.array(dev.groups) % 5 == 0
    valid, rest = dev.take(np.flatnonzero(chosen)), dev.take(np.flatnonzero(~chosen))
    both = learned.joined(rest)
    near = both.joined(valid).joined(test).near().groups
    scored = set(near[len(both) + len(valid) :].tolist())
    choosing = set(near[len(both) : len(both) + len(valid)].tolist())
    kept = [i for i in range(len(both)) if near[i] not in scored and near[i] not in choosing]
    also = [i for i in range(len(valid)) if near[len(both) + i] not in scored]
    print(f"    {len(both) - len(kept):,} replies of conversations that are nearly those scored: left out", flush=True)
    return both.take(kept), valid.take(also), test


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in PARTS:
        raise SystemExit(__doc__)
    timing.report(f"pairs_{name}", compared(name))


if __name__ == "__main__":
    main()
