"""Labelled texts of a classifier: from what people have to the parts it learns from, chooses by and is scored on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from throughtime.data.label_notes import check_split
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
    where there were none."""

    classes: dict[str, int] = field(default_factory=dict)
    labels: str = TEXT
    column: str | None = None
    label_column: str | None = None

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
        return ClassifiedData(**super().data.to_json(), labels=self.whole.kind, column=column, label_column=label)


def labelled(texts: Any, labels: Sequence[Any] | None, options: ClassifierOptions) -> Texts:
    """Texts to learn from: themselves, lists, or what read_texts takes without labels."""
    if isinstance(texts, Texts):
        return texts
    if labels is not None:
        lists = _listed(texts), _listed(labels)
        return read_texts(lists, drop_missing=options.drop_missing, several=options.start is None)
    return read_texts(
        named(texts), options.text, options.label, options.encoding, format=options.format,
        drop_missing=options.drop_missing, several=options.start is None,
    )  # fmt: skip


def _listed(values: Any) -> list[Any]:
    """A list, an array or one column of a frame as a list; UserError for what is none."""
    if isinstance(values, str | bytes | dict) or hasattr(values, "columns") or not hasattr(values, "__iter__"):
        raise UserError(f"classifier: expected a list of texts and one of labels, got {type(values).__name__}")
    return list(values)


def judged(
    texts: Any, labels: Sequence[Any] | None = None, known: tuple[str | None, str | None] = (None, None)
) -> Texts:
    """Texts that are chosen by or scored: every one of them counts, and they may all have one label."""
    if isinstance(texts, Texts):
        return texts
    source = (_listed(texts), _listed(labels)) if labels is not None else named(texts)
    return read_texts(source, keep_empty=True, several=False, known=known)


def parts(source: Any, given: Texts, beside: Texts | None, options: ClassifierOptions) -> Parts[Texts]:
    """What is learned from, chosen by and scored, by the options. beside: texts to choose by that were handed over."""

    def read(file: str) -> Texts:
        return read_texts(
            Path(file), options.text, options.label, options.encoding, keep_empty=True, several=False,
            known=given.columns, drop_missing=options.drop_missing,
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
