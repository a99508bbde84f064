"""Texts and options that tests of models that read train with, and their files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.tagged import Tagged

FILL = [
    "the",
    "a",
    "film",
    "book",
    "song",
    "play",
    "it",
    "was",
    "we",
    "saw",
    "there",
    "then",
    "maybe",
    "at",
    "home",
    "in",
    "town",
    "last",
    "year",
]
CITIES = ["paris", "new york", "rome", "san jose costa rica", "oslo", "los angeles", "bonn"]

NONE = {"embedding_dropout": 0.0, "layer_dropout": 0.0, "dropout": 0.0}
TINY: dict[str, Any] = {"hidden": 8, "embedding": 8, "threads": 1, "ensemble_size": 1}
TAGGER: dict[str, Any] = {**TINY, "swap": 0.0, "stacked": False}
FIT: dict[str, Any] = {"batch": 32, "learning_rate": 0.03, "warm_up": 5, "validations": 4, "average": 0.9}
FEW: dict[str, Any] = {"steps": 4, "batch": 16, "average": 0.0}

ZERO = frozenset({"dropout", "embedding_dropout", "layer_dropout", "weight_dropout", "word_dropout", "rare_dropout"})
ZERO |= {"label_smoothing", "clip", "weight_decay", "average", "seed", "sure", "holdout"}
"""Numeric options of commands that may be 0."""

UNLIMITED = frozenset({"steps", "learning_rate", "clip", "weight_decay", "patience", "seed"})
"""Numeric options of commands that may be very large."""

Lists = tuple[list[str], list[str]]


def ordered(count: int, seed: int = 0) -> Lists:
    """Texts that love one thing and hate another; the label is what they say first. Their n-grams tell nothing."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        first, second = rng.permutation(["loved", "hated"])
        fill = [" ".join(rng.choice(FILL, rng.integers(1, 4))) for _ in range(3)]
        texts.append(f"{fill[0]} {first} {fill[1]} {second} {fill[2]}")
        labels.append("up" if first == "loved" else "down")
    return texts, labels


def easy(count: int = 60, seed: int = 0, kinds: str = "xyz") -> Lists:
    """Texts with a word that tells the class, whose letters stand for those in `kinds`, in turn."""
    rng = np.random.default_rng(seed)
    labels = [kinds[i % len(kinds)] for i in range(count)]
    return [f"{' '.join(rng.choice(FILL, 4))} is{kind} {rng.choice(FILL)}" for kind in labels], labels


def flights(count: int, seed: int = 0, intents: bool = True) -> Tagged:
    """Two cities between words; where from and where to only a word some way before tells, and so does the intent."""
    rng = np.random.default_rng(seed)
    tokens, tags, whole = [], [], []
    for _ in range(count):
        words, marks = [], []
        kinds = [str(kind) for kind in rng.permutation(["leave", "reach"])]
        for kind in kinds:
            city = str(rng.choice(CITIES)).split()
            fill = [str(word) for word in rng.choice(FILL, rng.integers(1, 3))]
            words += [kind, *fill, *city]
            marks += ["O"] * (1 + len(fill)) + [f"B-{kind}"] + [f"I-{kind}"] * (len(city) - 1)
        tokens.append(words)
        tags.append(marks)
        whole.append(f"{kinds[0]} first")
    return Tagged(tokens, tags, whole if intents else [])


def write_table(path: Path, data: Lists) -> Path:
    """A table of texts and labels, by its suffix."""
    rows = list(zip(*data, strict=True))
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"review": text, "stars": label}) + "\n" for text, label in rows), "utf-8")
        return path
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([("review", "stars"), *rows])
    return path


TAGGED = ("conll", "folder", "jsonl")
"""Kinds of files of tagged texts."""


def write_tagged(path: Path, data: Tagged, kind: str = "conll") -> Path:
    """Tagged texts as a file of a token a line, a folder of parallel files, or JSON lines."""
    rows = list(zip(data.tokens, data.tags, data.intents or [""] * len(data), strict=True))
    if kind == "conll":
        parts = []
        for tokens, tags, intent in rows:
            lines = [f"{token} {tag}" for token, tag in zip(tokens, tags, strict=True)]
            parts.append("\n".join([*([f"# intent = {intent}"] if intent else []), *lines]))
        path.write_text("\n\n".join(parts) + "\n", "utf-8")
    elif kind == "folder":
        path.mkdir()
        columns = [
            ("seq.in", [" ".join(one) for one in data.tokens]),
            ("seq.out", [" ".join(one) for one in data.tags]),
        ]
        for name, lines in [*columns, *([("label", data.intents)] if data.intents else [])]:
            (path / name).write_text("\n".join(lines) + "\n", "utf-8")
    else:
        path = path.with_suffix(".jsonl")
        values = [{"tokens": t, "tags": y, **({"intent": i} if i else {})} for t, y, i in rows]
        path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path
