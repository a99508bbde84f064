"""Labelled texts of a classifier: from what people have to the parts it learns from, chooses by and is scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from throughtime.data.label_notes import check_split
from throughtime.data.labelled import Texts, read_texts
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.data import Parts, TextsData, parts_of


@dataclass(frozen=True)
class ClassifiedData(TextsData):
    """What config.json keeps of labelled texts. classes: how many texts of each were learned from."""

    classes: dict[str, int] = field(default_factory=dict)


def labelled(texts: Any, labels: Sequence[str] | None, options: ClassifierOptions) -> Texts:
    """Texts to learn from: themselves, lists, or what read_texts takes without labels."""
    if isinstance(texts, Texts):
        return texts
    if labels is not None:
        return read_texts((texts, labels))
    return read_texts(texts, options.text, options.label, options.encoding)


def judged(texts: Any, labels: Sequence[str] | None = None) -> Texts:
    """Texts that are chosen by or scored: every one of them counts, and they may all have one label."""
    if isinstance(texts, Texts):
        return texts
    return read_texts((texts, labels) if labels is not None else texts, keep_empty=True, several=False)


def parts(source: Any, given: Texts, beside: Texts | None, options: ClassifierOptions) -> Parts[Texts]:
    """What is learned from, chosen by and scored, by the options. beside: texts to choose by that were handed over."""

    def read(file: str) -> Texts:
        return read_texts(file, options.text, options.label, options.encoding, keep_empty=True, several=False)

    split = parts_of(source, given, beside, options, read, check_split)
    return split.together() if options.refit else split
