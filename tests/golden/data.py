"""Data that the golden models learn from: made by small grammars and by formulas, the same for the same seed."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np

NOUNS = ("film", "soup")
GOOD, BAD = ("good", "Fresh"), ("bad", "COLD")
PLACES = ("hall", "living room")
DEVICES = ("lamp", "radio")
ARTISTS = ("nina simone", "björk")
FOODS, QUALITIES = (
    ("面条", "米饭", "鱼汤", "豆腐"),
    {"好评": ("好吃", "新鲜", "很香"), "差评": ("难吃", "太咸", "不新鲜")},
)

Sentences = list[list[str]]


def prose(rng: random.Random, sentences: int) -> str:
    """A text of lines about cats, dogs and numbers."""
    found = []
    for number in range(sentences):
        who, what = rng.choice(["the cat", "the dog", "she"]), rng.choice(["mat", "milk", "café", "moon"])
        did = rng.choice(["sat on", "saw", "didn't like", "ran to"])
        found.append(f"{who} {did} the {what}{rng.choice(['.', '!', ', again.'])}{' ' if number % 3 else chr(10)}")
    return "".join(found)


def reviews(rng: random.Random, count: int) -> tuple[list[str], list[str]]:
    """Texts and labels: what nobody says is turned round, which no short n-gram tells, and some texts judge nothing."""
    texts, labels = [], []
    for number in range(count):
        if number % 5 == 4:
            texts.append(f"we go on day {rng.choice([2, 17])}!")
            labels.append("neutral")
            continue
        good, turned = rng.random() < 0.5, rng.random() < 0.3
        who, quality = "Nobody" if turned else "She", rng.choice(GOOD if good != turned else BAD)
        texts.append(f"{who} said the {rng.choice(NOUNS)} was {quality}.")
        labels.append("positive" if good != (rng.random() < 0.1) else "negative")  # some are wrong
    return texts, labels


def long_reviews(rng: random.Random, count: int) -> tuple[list[str], list[str]]:
    """Texts of several sentences, all but the neutral ones of one mind."""
    texts, labels = [], []
    for _ in range(count):
        some, judged = reviews(rng, 8)
        label = rng.choice(["positive", "negative"])
        own = [text if text[-1] in ".!" else f"{text}." for text, one in zip(some, judged, strict=True) if one == label]
        own += [text for text, one in zip(some, judged, strict=True) if one == "neutral"]
        texts.append(" ".join(own))
        labels.append(label)
    return texts, labels


def chinese_reviews(rng: random.Random, count: int) -> tuple[list[str], list[str]]:
    """Short judgements of dishes, written without spaces."""
    labels = [rng.choice([*QUALITIES]) for _ in range(count)]
    texts = [f"这家店的{rng.choice(FOODS)}{rng.choice(QUALITIES[label])}{rng.choice('。！')}" for label in labels]
    return texts, labels


def labelled(rng: random.Random, given: tuple[list[str], list[str]]) -> str:
    """CSV of Chinese judgements: the first of those that are given, and as many that nobody has seen."""
    texts, labels = chinese_reviews(rng, 20)
    rows = [*zip(given[0][:20], given[1][:20], strict=True)]
    rows += [(f"我觉得{text}", label) for text, label in zip(texts, labels, strict=True)]
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)


def commands(rng: random.Random, count: int) -> tuple[Sentences, Sentences, list[str]]:
    """What a house is told: tokens, BIO tags and intents; the intent hangs on the first word and the last one."""
    found: list[tuple[list[tuple[str, str]], str]] = []
    for number in range(count):
        place = (rng.choice(PLACES), "place")
        if number % 3 < 2:
            on, turned = rng.random() < 0.5, rng.random() < 0.3
            device = (rng.choice(DEVICES), "device")
            start, end = ("never leave the", "") if turned else ("please leave the", ""), ("on" if on else "off", "")
            found.append(([start, device, ("in the", ""), place, end], "on" if on != turned else "off"))
        elif number % 2:
            found.append(([("make the", ""), place, (str(rng.choice([18, 21])), "value"), ("degrees", "")], "warm"))
        else:
            found.append(([("please play", ""), (rng.choice(ARTISTS), "artist")], "play"))
    tokens = [[word for text, _ in parts for word in text.split()] for parts, _ in found]
    tags = [[tag for text, kind in parts for tag in _bio(len(text.split()), kind)] for parts, _ in found]
    names = sorted({intent for _, intent in found})
    return tokens, tags, [rng.choice(names) if rng.random() < 0.05 else intent for _, intent in found]  # some are wrong


def _bio(count: int, kind: str) -> list[str]:
    return [f"{'I' if i else 'B'}-{kind}" if kind else "O" for i in range(count)]


def plain_tags(tokens: Sentences, tags: Sentences) -> Sentences:
    """The same spans in tags that are types alone."""
    return [[tag if tag == "O" else tag[2:] for tag in one] for one in tags]


def series(seed: int, lengths: tuple[int, ...], season: int) -> list[np.ndarray]:
    """Waves with a trend and noise, (L,) float64 each, a few values missing."""
    rng, found = np.random.default_rng(seed), []
    for n, length in enumerate(lengths):
        steps = np.arange(length)
        values = 20 * (n + 1) + 6 * np.sin(2 * np.pi * (steps + n) / season) + 0.05 * steps + rng.normal(0, 1, length)
        values[rng.choice(length, 3, replace=False)] = np.nan
        values[-2:] = np.nan_to_num(values[-2:], nan=20.0)
        found.append(np.round(values, 3))
    return found


def counts(seed: int, lengths: tuple[int, ...], season: int) -> list[np.ndarray]:
    """Whole numbers from zero up, rare in one half of the season."""
    rng = np.random.default_rng(seed)
    rates = [np.where(np.arange(length) % season < season // 2, 6.0, 0.8) for length in lengths]
    return [rng.poisson(rate).astype(np.float64) for rate in rates]


def sales(seed: int, days: int, ahead: int) -> str:
    """CSV of three shops, daily: y, what is known up to now (visitors), beforehand (sale, holiday) and always (town).

    The last `ahead` rows of each shop have no y. Some values are missing, some visitors too.
    """
    rng, lines = np.random.default_rng(seed), ["unique_id,ds,y,visitors,sale,holiday,town"]
    for n, (shop, town) in enumerate((("north", "Bern"), ("south", "Graz"), ("west", "Bern"))):
        sale = rng.random(days + ahead) < 0.15
        visitors = 100 + 30 * np.sin(2 * np.pi * np.arange(days + ahead) / 7 + n) + rng.normal(0, 5, days + ahead)
        sold = 0.4 * visitors + 12 * sale + 5 * n + rng.normal(0, 2, days + ahead)
        for day in range(days + ahead):
            when = date(2024, 1, 1) + timedelta(days=day)
            there = day < days and day % 29 != 20
            y = f"{sold[day]:.1f}" if there else ""
            seen = f"{visitors[day]:.0f}" if there and day % 11 else ""
            holiday = "yes" if when.day in (1, 24) else "no"
            lines.append(f"{shop},{when},{y},{seen},{int(sale[day])},{holiday},{town}")
    return "\n".join(lines) + "\n"
