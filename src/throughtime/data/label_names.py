"""By which names the columns of texts and of labels are known, and which are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from throughtime.errors import UserError

TEXTS = (
    "text",
    "review",
    "sentence",
    "text_a",
    "utterance",
    "content",
    "comment",
    "message",
    "tweet",
    "question",
    "query",
    "sms",
    "headline",
    "description",
    "body",
    "document",
    "post",
    "title",
    "comment_text",
    "review_text",
    "reviewtext",
    "review_body",
    "tweet_text",
    "full_text",
    "texto",
    "texte",
    "testo",
    "tekst",
    "texten",
    "satz",
    "kommentar",
    "commentaire",
    "comentario",
    "comentário",
    "avis",
    "reseña",
    "текст",
    "отзыв",
    "テキスト",
    "本文",
    "텍스트",
    "리뷰",
    "metin",
    "النص",
    "文本",
    "评论",
    "内容",
    "句子",
)
LABELS = (
    "label",
    "labels",
    "class",
    "sentiment",
    "intent",
    "category",
    "target",
    "polarity",
    "topic",
    "rating",
    "stars",
    "emotion",
    "star_rating",
    "etiqueta",
    "étiquette",
    "etiquette",
    "etichetta",
    "etikett",
    "etiket",
    "klasse",
    "kategorie",
    "classe",
    "clase",
    "catégorie",
    "categoria",
    "categoría",
    "sentimiento",
    "метка",
    "класс",
    "ラベル",
    "레이블",
    "라벨",
    "y",
    "标签",
    "类别",
    "情感",
)
"""Names by which the columns of texts and of labels are known, where none is given; the first that is there counts."""


_COUNTS = re.compile(r"(?i)unnamed: \d+|index|id|uuid|.*_id|no\.?|nr\.?")
"""Names of columns that count rows."""


@dataclass
class RawTexts:
    """Texts and labels, None where there are none, as they stand in a source; rows: how an editor counts each."""

    texts: list[Any]
    labels: list[Any] | None
    rows: list[int]
    where: str
    notes: list[str]
    typed: bool = True
    columns: tuple[str | None, str | None] = (None, None)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Which columns are meant. text, label: as somebody said, None for nothing said; known: those that training read,
    which count where they are there. wanted: whether labels are. several: whether a text has several labels,
    None: as found."""

    text: str | None
    label: str | None
    wanted: bool
    known: tuple[str | None, str | None] = (None, None)
    several: bool | None = None

    def among(self, names: Sequence[str]) -> Columns:
        """The same, with the columns that training read where nothing was said and a table has them."""
        text, label = self.known
        chosen = self.text if self.text is not None or text not in names else text
        there = label in names or bool(label_columns(names, label))
        other = self.label if self.label is not None or not there else label
        return replace(self, text=chosen, label=other)


def label_columns(names: Sequence[str], label: str | None) -> list[str]:
    """The columns of 0 and 1 that a name with commas means, none where it is one column's."""
    parts = [] if label is None or label in names else [part.strip() for part in label.split(",")]
    return parts if len(parts) > 1 and all(part in names for part in parts) else []


def chosen(
    names: list[str], text: str | None, label: str | None, where: str, wanted: bool, notes: list[str]
) -> tuple[int, int | None]:
    """The places of the columns of texts and labels among the names of a table."""
    y: int | None
    t = _place(names, text, TEXTS, where, "texts", "text")
    y = _place(names, label, LABELS, where, "labels", "label") if wanted else None
    if t == y:
        raise UserError(f"{where}: column {names[t]!r} cannot be the texts and the labels; name both")
    if text is None or (wanted and label is None):
        rest = [name for i, name in enumerate(names) if i not in (t, y) and name and not _COUNTS.fullmatch(name)]
        told = ", ".join(rest[:5]) + (", ..." if len(rest) > 5 else "")
        notes.append(
            f"texts: column {names[t]}"
            + (f"; labels: column {names[y]}" if y is not None else "")
            + (f"; not read: {told}" if rest and wanted else "")
        )
    return t, y


def _place(names: list[str], given: str | None, known: Sequence[str], where: str, what: str, option: str) -> int:
    there = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    if given is not None:
        if given in names:
            return names.index(given)
        if given.isdecimal() and int(given) < len(names):
            return int(given)
        raise UserError(f"{where}: no column {given!r} for the {what}; there are {there}")
    lower = [name.lower() for name in names]
    for name in known:
        if name in lower:
            return lower.index(name)
    raise UserError(f"{where}: which column holds the {what}? there are {there}; name it with {option}")
