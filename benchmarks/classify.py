"""Texts told apart, beside linear models: sst, mr, chn; what a start from a language model brings: start.

    python -m benchmarks.classify NAME [SEED] [--validation]

Nothing is set: the rule chooses by the texts (tasks/classify/rule.py). With --validation what is chosen by is scored:
of SST-2 its dev file, of MR and ChnSentiCorp a tenth of what is learned from, texts that are the same on one side.
Without it the test part is scored once: of SST-2 its test file (sentences only, nothing trained before), of MR the
folds 0 to 4 of ten (seed 0), of ChnSentiCorp dev.tsv, whose test file has no labels, in all and where the text is not
in train.tsv. Only `start`, which compares two beginnings of one model, has settings by hand: its rows are tuned.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.series_data import file
from throughtime import Classifier, LanguageModel
from throughtime.data.label_notes import text_key, unseen
from throughtime.data.labelled import Texts, read_texts
from throughtime.data.splits import folds
from throughtime.tasks.classify.score import score


def fitted(learned: Texts, held: Texts | None, seed: int) -> Classifier:
    """A classifier with what its rule chooses. held: texts to choose by, None for a part of those to learn from."""
    validation = None if held is None else (held.texts, held.labels)
    model = Classifier(seed=seed).fit(learned, validation=validation, quiet="--quiet" in sys.argv)
    for choice in model.chosen:
        print(f"    {choice.name} {choice.value}: {choice.why}", flush=True)
    return model


def row(name: str, model: Classifier, test: Texts, began: float, fresh: np.ndarray | None = None) -> dict[str, Any]:
    """What is printed of a scored part: the model's figures, and the baselines'."""
    found = score(model.fitted(), test, None, rows=True)
    right = np.array([a["label"] == b for a, b in zip(found["answers"], test.labels, strict=True)])
    best = max(found["baselines"], key=lambda n: found["baselines"][n]["accuracy"])
    entry = {
        "what": name,
        "accuracy": found["accuracy"],
        "macro F1": found["macro_f1"],
        "calibration error": found["calibration_error"],
        "recurrence alone": found["recurrence"]["accuracy"],
        "linear models alone": found["recurrence"].get("linear_accuracy"),
        "best baseline": best,
        "its accuracy": found["baselines"][best]["accuracy"],
        "seconds": time.perf_counter() - began,
        "weights": str({n: round(w, 2) for n, w in found["weights"].items() if w}),
    }
    if fresh is not None:
        entry["unseen texts"], entry["accuracy, unseen"] = int(fresh.sum()), float(right[fresh].mean())
    for name_, one in found["baselines"].items():
        print(f"    {name_}: {one['accuracy']:.2%}", flush=True)
    sentences = [found["verdict"]["sentence"], found["recurrence"].get("adds", {}).get("sentence", "")]
    for sentence in (*sentences, found["shuffled"]["sentence"]):
        print(f"    {sentence}", flush=True)
    print(f"{name}: {entry['accuracy']:.2%}" + (f", unseen {right[fresh].mean():.2%}" if fresh is not None else ""))
    return entry


def sst(validating: bool, seed: int) -> list[dict[str, Any]]:
    """SST-2, sentences only."""
    parts = {
        name: read_texts(file("sst-mr-cr-subj-trec", f"stsa.binary.{name}"), encoding="latin-1", format="lines")
        for name in ("train", "dev", "test")
    }
    began = time.perf_counter()
    model = fitted(parts["train"], parts["dev"], seed)
    return [row("SST-2", model, parts["dev" if validating else "test"], began)]


def mr(validating: bool, seed: int) -> list[dict[str, Any]]:
    """Movie reviews: the first five of ten folds."""
    every = read_texts(file("sst-mr-cr-subj-trec", "rt-polarity.all"), encoding="latin-1", format="lines")
    keys = [text_key(text) for text in every.texts]
    rows = []
    for number, fold in enumerate(folds(keys, every.labels, 10, 0)[:5]):
        began = time.perf_counter()
        rest = every.take(np.setdiff1d(np.arange(len(every)), fold))
        learned, held = rest.split(0.1, seed)
        model = fitted(learned, held, seed) if validating else fitted(rest, None, seed)
        rows.append(row(f"MR, fold {number}", model, held if validating else every.take(fold), began))
    names = ("accuracy", "its accuracy", "recurrence alone", "linear models alone", "seconds")
    rows.append({"what": "MR, mean of five folds", **{n: float(np.mean([one[n] for one in rows])) for n in names}})
    print(f"mean {rows[-1]['accuracy']:.2%}, best baselines {rows[-1]['its accuracy']:.2%}")
    return rows


def chn(validating: bool, seed: int) -> list[dict[str, Any]]:
    """ChnSentiCorp: reviews of hotels, books and computers."""
    train = read_texts(file("ChnSentiCorp-split", "train.tsv"))
    dev = read_texts(file("ChnSentiCorp-split", "dev.tsv"), keep_empty=True)
    began = time.perf_counter()
    learned, held = train.split(0.1, seed)
    model = fitted(learned, held, seed) if validating else fitted(train, None, seed)
    if validating:
        return [row("ChnSentiCorp", model, held, began)]
    return [row("ChnSentiCorp", model, dev, began, unseen(train, dev))]


def start(validating: bool, seed: int) -> list[dict[str, Any]]:
    """ChnSentiCorp with the labels of 1,000 reviews, from nothing and from a language model of all 9,600 training texts
    (three minutes, without labels); the recurrence alone, without naive-Bayes features."""
    train = read_texts(file("ChnSentiCorp-split", "train.tsv"))
    dev = read_texts(file("ChnSentiCorp-split", "dev.tsv"), keep_empty=True)
    learned, held = train.split(0.1, seed)
    some = learned.take(np.random.default_rng(seed).permutation(len(learned))[:1000])
    test = held if validating else dev
    options: dict[str, Any] = {"naive_bayes": "off", "linear_models": False, "hidden": 128, "embedding": 64}
    options |= {"word_dropout": 0.1, "embedding_dropout": 0.2, "layer_dropout": 0.0, "dropout": 0.5}
    rows = []
    with TemporaryDirectory() as folder:
        LanguageModel(hidden=128, embedding=64, dropout=0.3, seed=seed).fit(
            "\n".join(learned.texts), folder, minutes=3.0, quiet="--quiet" in sys.argv
        )
        for name, own in (
            ("from nothing, tuned", {"units": "characters"}),
            ("from a language model, tuned", {"start": folder}),
        ):
            began = time.perf_counter()
            model = Classifier(seed=seed, **options, **own)
            model.fit(some, validation=(held.texts, held.labels), epochs=20, quiet="--quiet" in sys.argv)
            truth = np.array([model.classes.index(label) for label in test.labels])
            right = model.fitted().recurrence(test.texts).argmax(1) == truth
            rows.append({"what": name, "accuracy": float(right.mean()), "seconds": time.perf_counter() - began})
            print(f"{name}: {right.mean():.2%}", flush=True)
    return rows


SETS: dict[str, Callable[[bool, int], list[dict[str, Any]]]] = {"sst": sst, "mr": mr, "chn": chn, "start": start}


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    validating = "--validation" in sys.argv
    if not given or given[0] not in SETS:
        raise SystemExit(f"benchmarks.classify: expected one of {', '.join(SETS)}")
    seed = int(given[1]) if len(given) > 1 else 0
    timing.report(f"classify_{given[0]}_{'validation' if validating else seed}", SETS[given[0]](validating, seed))


if __name__ == "__main__":
    main()
