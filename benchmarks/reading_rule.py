"""What the rules of classifier and tagger lose against a search: regrets on validation parts, no test part is read.

    python -m benchmarks.reading_rule [SET ...] [--seeds N]

For every set: what the rule chooses, then the same with one or a few options another way. The regret is what the rule's
choice loses, in points of validation accuracy (classifiers; taggers: the mean of slot F1 and intents), against the best
of the others. Since the best of several is lucky, each is trained with several seeds and their mean counts. At the end
the change that would help most over all other sets is tried on each set left out: what a rule with that change would
bring on data it was not chosen on. What is done already is not done again (benchmarks/regrets.py): sets may be given
one at a time, and a table of all there are is printed each time. Sets: of the benchmarks, parts of them (few texts),
and the demonstrations' sentences, whose validation part has phrasings of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import tag as tag_benchmark
from benchmarks import timing
from benchmarks.regrets import RULE, Kept, table
from benchmarks.series_data import file
from throughtime import Classifier, Tagger
from throughtime.data.labelled import Texts, read_texts
from throughtime.data.tagged import Tagged
from throughtime.tasks.tag.metrics import scheme_of, slot_f1

CLASSIFY: dict[str, dict[str, Any]] = {
    RULE: {},
    "one member": {"ensemble_size": 1},
    "five members": {"ensemble_size": 5},
    "state of 128": {"hidden": 128, "embedding": 128},
    "state of 32": {"hidden": 32, "embedding": 32},
    "half the dropout": {"dropout": 0.3, "embedding_dropout": 0.3, "layer_dropout": 0.2, "word_dropout": 0.1},
    "recurrent weights dropped": {"weight_dropout": 0.3},
    "without naive-Bayes features": {"naive_bayes": "off"},
    "members with and without naive-Bayes features": {"naive_bayes": "both"},
    "twice the epochs": {"epochs": 2.0},
    "half the epochs": {"epochs": 0.5},
    "half the rate": {"learning_rate": 1.5e-3},
    "decay of 0.1": {"weight_decay": 0.1},
}
TAG: dict[str, dict[str, Any]] = {
    RULE: {},
    "one member": {"ensemble_size": 1},
    "five members": {"ensemble_size": 5},
    "state of 100": {"hidden": 100, "embedding": 64},
    "state of 200": {"hidden": 200, "embedding": 128},
    "no span swapped": {"swap": 0.0},
    "spans swapped": {"swap": 0.3},
    "half of the spans swapped": {"swap": 0.5},
    "tags see the intent": {"stacked": True},
    "tags do not see the intent": {"stacked": False},
    "dropout of 0.5": {"dropout": 0.5},
    "twice the epochs": {"epochs": 2.0},
    "half the epochs": {"epochs": 0.5},
}
SOME = 1000
"""Texts of the sets of few."""

Halves = tuple[Any, Any]


def _sentences(name: str) -> Texts:
    return read_texts(file("sst-mr-cr-subj-trec", name), encoding="latin-1", format="lines")


def _split(texts: Texts) -> Halves:
    return texts.split(0.2, 0)


def _few(halves: Halves) -> Halves:
    rows = np.sort(np.random.default_rng(0).permutation(len(halves[0]))[:SOME])
    return halves[0].take(rows.tolist()), halves[1]


def _sst() -> Halves:
    return _sentences("stsa.binary.train"), _sentences("stsa.binary.dev")


def _tagged(name: str) -> Halves:
    own = tag_benchmark.parts(name)
    return own["train"], own["valid"]


def _demonstration(task: str) -> Halves:
    from throughtime.tasks.assistant.grammar import split

    parts = split("zh" if task == "classify" else "en", 6000, 0)
    if task == "tag":
        return parts.learned, parts.held
    with TemporaryDirectory() as folder:
        from throughtime.tasks.classify import demo

        for name, text in demo.tables(0).items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return read_texts(Path(folder) / demo.TABLE), read_texts(Path(folder) / demo.VALIDATION)


SETS: dict[str, tuple[str, Callable[[], Halves]]] = {
    "SST-2": ("classify", _sst),
    f"SST-2, {SOME:,} texts": ("classify", lambda: _few(_sst())),
    "SST-5": ("classify", lambda: (_sentences("stsa.fine.train"), _sentences("stsa.fine.dev"))),
    "MR": ("classify", lambda: _split(_sentences("rt-polarity.all"))),
    "CR": ("classify", lambda: _split(_sentences("custrev.all"))),
    "TREC": ("classify", lambda: _split(_sentences("TREC.train.all"))),
    "ChnSentiCorp": ("classify", lambda: _split(read_texts(file("ChnSentiCorp-split", "train.tsv")))),
    f"ChnSentiCorp, {SOME:,} texts": (
        "classify",
        lambda: _few(_split(read_texts(file("ChnSentiCorp-split", "train.tsv")))),
    ),
    "assistant, Chinese": ("classify", lambda: _demonstration("classify")),
    "SNIPS": ("tag", lambda: _tagged("snips")),
    f"SNIPS, {SOME:,} texts": ("tag", lambda: _few(_tagged("snips"))),
    "CAIS": ("tag", lambda: _tagged("cais")),
    f"CAIS, {SOME:,} texts": ("tag", lambda: _few(_tagged("cais"))),
    "assistant, English": ("tag", lambda: _demonstration("tag")),
}


def classified(learned: Texts, held: Texts, options: dict[str, Any]) -> tuple[float, Any]:
    """Validation accuracy of the whole, in percent, and the model."""
    model = Classifier(**options).fit(learned, validation=(held.texts, held.labels), quiet=True)
    right = [a == b for a, b in zip(model.predict(held.texts), held.labels, strict=True)]
    return 100 * float(np.mean(right)), model


def tagged(learned: Tagged, held: Tagged, options: dict[str, Any]) -> tuple[float, Any]:
    """The mean of slot F1 and the share of right intents, in percent, and the model."""
    model = Tagger(**options).fit(learned, validation=held, quiet=True)
    tags, intents = model.predict(held.tokens)
    figures = [slot_f1(held.tags, tags, scheme_of([*held.tags, model.fitted().tags]))]
    if held.intents:
        figures.append(float(np.mean([a == b for a, b in zip(intents, held.intents, strict=True)])))
    return 100 * float(np.mean(figures)), model


def search(kept: Kept, name: str, seeds: int) -> dict[str, float]:
    """Of a set the mean error of every variant, in points."""
    task, read = SETS[name]
    variants, train = (CLASSIFY, classified) if task == "classify" else (TAG, tagged)
    found: dict[str, float] = {}
    for what, options in variants.items():

        def trained(what: str = what, options: dict[str, Any] = options) -> dict[str, Any]:
            own, began, scores, model = dict(options), time.perf_counter(), [], None
            if "epochs" in own:
                own["epochs"] = max(1, round(own["epochs"] * kept.get(name, RULE, make=dict)["epochs"]))
            learned, held = read()
            for seed in range(seeds):
                score, model = train(learned, held, {**own, "seed": seed})
                scores.append(score)
            assert model is not None
            seconds = round(time.perf_counter() - began)
            return {"error": 100 - float(np.mean(scores)), "epochs": model.record.options.epochs, "seconds": seconds}

        found[what] = kept.get(name, what, make=trained)["error"]
    return found


def main() -> None:
    arguments = sys.argv[1:]
    seeds = int(arguments[arguments.index("--seeds") + 1]) if "--seeds" in arguments else 3
    given = [one for one in arguments if one in SETS]
    kept, losses = Kept(f"reading_rule_{seeds}"), dict[str, dict[str, float]]()
    for name, (task, _) in SETS.items():
        done = all(kept.done(name, what) for what in (CLASSIFY if task == "classify" else TAG))
        if done or name in given or not given:
            losses[name] = search(kept, name, seeds)
    rows, summary = [], dict[str, float]()
    for task in ("classify", "tag"):
        own, figures = table({name: one for name, one in losses.items() if SETS[name][0] == task})
        rows += own
        summary |= {f"{task}, {what}": value for what, value in figures.items()}
    timing.report("reading_rule", rows, **summary)


if __name__ == "__main__":
    main()
