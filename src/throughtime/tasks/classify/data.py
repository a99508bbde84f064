"""Labelled texts of a classifier: from what people have to the parts it learns from, chooses by and is scored on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.label_notes import check_split
from throughtime.data.label_sets import AS_FOUND, INDICATOR, LabelRule, indicator
from throughtime.data.label_values import TEXT
from throughtime.data.labelled import Texts, read_texts
from throughtime.data.text import named
from throughtime.errors import UserError
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.data import Parts, TextsData, parts_of


@dataclass(frozen=True)
class ClassifiedData(TextsData):
    """What config.json keeps of labelled texts. classes: how many texts of each were learned from. labels: what they
    were, text, integer or boolean. column, label_column: those of the texts and labels, a name or a place from 0, None
    where there were none. separator: the sign between several labels of a text in a cell."""

    classes: dict[str, int] = field(default_factory=dict)
    labels: str = TEXT
    column: str | None = None
    label_column: str | None = None
    separator: str | None = None

    @property
    def known(self) -> tuple[str | None, str | None]:
        """As read_texts takes it."""
        return self.column, self.label_column


@dataclass(frozen=True)
class ClassifierParts(Parts[Texts]):
    """The parts of labelled texts."""

    @property
    def data(self) -> ClassifiedData:
        """What a record keeps of them."""
        column, label = self.whole.columns
        kept: dict[str, Any] = {
            **super().data.to_json(),
            "labels": self.whole.kind,
            "separator": self.whole.separator,
            "column": column,
            "label_column": label,
        }
        return ClassifiedData(**kept)


def labelled(texts: Any, labels: Sequence[Any] | None, options: ClassifierOptions) -> Texts:
    """Texts to learn from: themselves, lists, or what read_texts takes without labels."""
    if isinstance(texts, Texts):
        return texts
    rule = LabelRule(options.drop_missing, options.multi_label, options.label_separator)
    if labels is not None:
        return _pairs(texts, labels, rule, alone=options.start is not None)
    return read_texts(
        named(texts), options.text, options.label, options.encoding, format=options.format,
        several=options.start is None, rule=rule,
    )  # fmt: skip


def _pairs(texts: Any, labels: Any, rule: LabelRule, judged: bool = False, alone: bool = False) -> Texts:
    """Texts and labels as lists; labels may be an indicator matrix. judged: every text counts. alone: all texts may
    have one label."""
    matrix = indicator(labels) if rule.several is not False else None
    if matrix is None:
        source = _listed(texts), _listed(labels)
        return read_texts(source, rule=rule, keep_empty=True if judged else None, several=not (judged or alone))
    listed = _listed(texts)
    if len(listed) != len(matrix[0]):
        raise UserError(f"classifier: expected labels (N={len(listed)}, C), got {len(matrix[0])} rows")
    numbered = [[str(name) for name in one] for one in matrix[0]]
    found = read_texts((listed, numbered), rule=rule, keep_empty=True if judged else None, several=False)
    if len(matrix[1]) < 2:
        raise UserError("classifier: expected labels (N, C) of at least two columns; give one column as (N,)")
    return replace(found, kind=INDICATOR, names=tuple(matrix[1]))


def _listed(values: Any) -> list[Any]:
    """A list, an array or one column of a frame as a list; UserError for what is none."""
    if not hasattr(values, "__iter__") and hasattr(values, "__array__"):
        values = np.asarray(values)
    if isinstance(values, str | bytes | dict) or hasattr(values, "columns") or not hasattr(values, "__iter__"):
        raise UserError(f"classifier: expected a list of texts and one of labels, got {type(values).__name__}")
    return list(values)


def judged(
    texts: Any,
    labels: Sequence[Any] | None = None,
    known: tuple[str | None, str | None] = (None, None),
    rule: LabelRule = AS_FOUND,
) -> Texts:
    """Texts that are chosen by or scored: every one of them counts, and they may all have one label."""
    if isinstance(texts, Texts):
        return texts
    if labels is not None:
        return _pairs(texts, labels, rule, judged=True)
    return read_texts(named(texts), keep_empty=True, several=False, known=known, rule=rule)


def rule_of(model: Any) -> LabelRule:
    """How labels beside those that a model learned are read. model: a TextClassifier."""
    return LabelRule(several=model.several, separator=model.data.separator)


def classes_of(examples: Parts[Texts]) -> list[str]:
    """The classes that are learned: those of the texts, sorted, or all that are known apart from them, in order."""
    learned, held = examples.learned, examples.held
    both = {*learned.classes, *(held.classes if len(held) else [])}
    return [*learned.names, *sorted(both - {*learned.names})]


def parts(source: Any, given: Texts, beside: Texts | None, options: ClassifierOptions) -> Parts[Texts]:
    """What is learned from, chosen by and scored, by the options. beside: texts to choose by that were handed over."""

    def read(file: str) -> Texts:
        return read_texts(
            Path(file), options.text, options.label, options.encoding, keep_empty=True, several=False,
            known=given.columns, rule=LabelRule(options.drop_missing, given.several, given.separator),
        )  # fmt: skip

    found = parts_of(source, given, beside, options, read, check_split)
    split = ClassifierParts(**vars(found))
    return split.together() if options.refit else split


def unlabelled(texts: Any, known: tuple[str | None, str | None], encoding: str = "utf-8") -> Iterable[Any]:
    """Texts to be answered, one for each that is given: whatever `fit` takes, or texts one by one."""
    if isinstance(texts, Texts):
        return texts.texts
    if isinstance(texts, str):
        found = named(texts, "a list, [text]")
        return read_texts(found, encoding=encoding, labelled=False, keep_empty=True, known=known).texts
    pair = isinstance(texts, tuple) and len(texts) == 2 and not any(isinstance(part, str) for part in texts)
    table = isinstance(texts, Path | dict) or hasattr(texts, "columns") or hasattr(texts, "column_names")
    files = isinstance(texts, list) and bool(texts) and all(isinstance(one, Path) for one in texts)
    if table or files or pair:
        return read_texts(texts, encoding=encoding, labelled=False, keep_empty=True, known=known).texts
    return texts  # type: ignore[no-any-return]
