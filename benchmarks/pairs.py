"""What models of pairs have to beat, measured: baselines of translating, summarizing and answering; and the
chooser that `throughtime train chat` learns. --both: as it does where conversations say how replies come about.

    python -m benchmarks.pairs multi30k | multi30k-en-de | tatoeba | tatoeba-zh-en | debian
    python -m benchmarks.pairs chooser en|zh [SEED] [--validation] [--both]
    python -m benchmarks.pairs faq [SEED] [--validation]
    python -m benchmarks.pairs speed

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


def chat(seed: int, mode: str | None = "choose") -> Any:
    """A chat as anybody gets it, on one thread. mode: None where conversations are to say it."""
    from throughtime import Chat

    return Chat(mode=mode, seed=seed, threads=1)


def chosen(language: str, validating: bool, seed: int, both: bool = False) -> list[dict[str, Any]]:
    """The right reply among ten: each part of the chooser, and all together; weights by the validation part. both: of a
    chooser that learned beside what writes replies."""
    from throughtime.baselines.verdict import verdict
    from throughtime.linear.ensemble import log_softmax, mixture
    from throughtime.tasks.choosing.chooser import NEIGHBOURS, RECURRENCE, TFIDF
    from throughtime.tasks.choosing.learn import among_others, candidates, fits

    learned, valid, test = dialogues(language)
    part = valid if validating else test
    began = time.perf_counter()
    model = chat(seed, None if both else "choose").fit(learned, validation=valid).fitted().chooser
    seconds = time.perf_counter() - began
    numbers = candidates(valid, seed)
    for_weights = fits(among_others(model, learned, valid.targets), valid, numbers)
    found = fits(among_others(model, learned, part.targets), part, among(part))
    hits = {"TF-IDF, last turn": right(tfidf_fits(learned, part, among(part), "last"))}
    logs = {name: log_softmax(one.astype(np.float64)) for name, one in for_weights.items()}
    for names in ([TFIDF], [NEIGHBOURS], [RECURRENCE], [TFIDF, RECURRENCE], [TFIDF, NEIGHBOURS], list(found)):
        shares, scales = mixture([logs[name] for name in names], np.zeros(len(numbers), np.int64))
        total = sum(w * s * found[name] for w, s, name in zip(shares, scales, names, strict=True))
        hits[" + ".join(names)] = right(np.asarray(total))
    groups = np.array(part.groups)
    whole = 1.0 - hits[" + ".join(found)]
    for other in (TFIDF, f"{TFIDF} + {NEIGHBOURS}"):
        said = verdict(whole, 1.0 - hits[other], other, "error rate", "conversations", groups)
        print(f"    {said.sentence}", flush=True)
    print(f"    {len(learned):,} replies learned in {seconds:.0f} s, {len(part):,} chosen")
    return [{"chosen by": name, "right among 10": float(one.mean())} for name, one in hits.items()]


def faq(validating: bool, seed: int) -> list[dict[str, Any]]:
    """A FAQ of 1,000 questions with their answers, asked with a third of the words missing; and foreign questions.

    Questions are turns that end in a question mark, of the test file's conversations with even numbers (with
    --validation the dev file's); foreign ones are of those with odd numbers.
    """
    from throughtime.tasks.choosing.learn import LOST, asked_otherwise

    name = "dev" if validating else "test"
    pairs = read_dialogues(file("xdailydialog", f"en_{name}_human.txt"))
    asked: dict[int, dict[str, str]] = {0: {}, 1: {}}
    for i in range(len(pairs)):
        if pairs.sources[i].endswith("?") and len(pairs.sources[i].split()) >= 4 and len(pairs.targets[i].split()) >= 3:
            asked[pairs.groups[i] % 2].setdefault(pairs.sources[i], pairs.targets[i])
    mine = dict(list(asked[0].items())[:1000])
    foreign = [question for question in asked[1] if question not in mine]
    model = chat(seed, None).fit(list(mine), list(mine.values())).fitted().chooser
    rng, rows = np.random.default_rng(seed + 1), []
    others = [model.choose([question]) for question in foreign]
    for how, questions in (("as written", list(mine)), ("in other words", [asked_otherwise(q, rng) for q in mine])):
        began = time.perf_counter()
        answers = [model.choose([question]) for question in questions]
        seconds = (time.perf_counter() - began) / len(questions)
        good = np.array([one.text == wanted for one, wanted in zip(answers, mine.values(), strict=True)])
        sure = np.array([one.confidence for one in answers])
        limit = np.quantile(sure[good], LOST)
        rows.append(
            {
                "asked": how,
                "right": float(good.mean()),
                "right ones lost": float((sure[good] < model.threshold).mean()),
                "foreign refused": float(np.mean([not one.known for one in others])),
                "foreign refused at 5 % lost": float(np.mean([one.confidence < limit for one in others])),
                "ms an answer": 1000 * seconds,
            }
        )
    print(f"    {len(mine):,} questions with answers, {len(foreign):,} foreign ones")
    return rows


def speed(count: int = 50_000) -> list[dict[str, Any]]:
    """How long an answer takes among 50,000: first sentences of package descriptions ask, synopses answer. The encoders
    are as at their start, which costs the same."""
    from throughtime.linear.pair_baselines import first_sentence
    from throughtime.tasks.choosing.learn import learn
    from throughtime.tasks.choosing.options import ChooserOptions

    pairs = read_pairs(file("debian-descriptions", "en.long2short.tsv.gz"), "1", "2")
    kept = dict(zip(pairs.targets, map(first_sentence, pairs.sources), strict=True))
    answers = list(kept)[:count]
    asked = [kept[answer] for answer in answers]
    began = time.perf_counter()
    model = learn(Pairs(asked, answers), ChooserOptions(threads=1, steps=1), Pairs([], []))
    fitted = time.perf_counter() - began
    times = []
    for question in asked[:: len(asked) // 200]:
        began = time.perf_counter()
        model.choose([question])
        times.append(1000 * (time.perf_counter() - began))
    return [
        {
            "answers": len(model.answers),
            "learned in s": fitted,
            "ms, median": float(np.median(times)),
            "ms, 95 %": float(np.quantile(times, 0.95)),
        }
    ]


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    name, validating = (words or [""])[0], "--validation" in sys.argv
    end = "_validation" if validating else ""
    if name in PARTS:
        timing.report(f"pairs_{name}", compared(name))
    elif name == "chooser" and len(words) > 1 and words[1] in ("en", "zh"):
        seed = int(words[2]) if len(words) > 2 else 0
        both = "--both" in sys.argv
        end += "_both" if both else ""
        timing.report(f"pairs_chooser_{words[1]}_{seed}{end}", chosen(words[1], validating, seed, both))
    elif name == "speed":
        timing.report("pairs_speed", speed())
    elif name == "faq":
        seed = int(words[1]) if len(words) > 1 else 0
        timing.report(f"pairs_faq_{seed}{end}", faq(validating, seed))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
