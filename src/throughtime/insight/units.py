"""What units follow: their correlation with labels a reader knows, found on one half and scored on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.insight.gates import Seen


@dataclass(frozen=True)
class Follower:
    """A unit that follows a label. value: the state or gate it was seen in. correlation: Pearson's, on the half that it
    was not chosen by, with its sign. accuracy: for a label of two values the area under the ROC curve on that half,
    turned so that it is above 0.5 where the sign of the chosen half holds; None for others. label_share: how often the
    label is on, or its mean."""

    label: str
    layer: str
    value: str
    unit: int
    correlation: float
    accuracy: float | None
    label_share: float

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


def followers(seen: Sequence[Seen], labels: Mapping[str, np.ndarray], row: int = 0) -> list[Follower]:
    """For each label the unit that follows it best, best first. labels: name -> (T,). Only the cell's states are
    searched: gates follow from them. A label that never changes in a half is left out."""
    found = []
    for label, wanted in labels.items():
        wanted = np.asarray(wanted, np.float64)
        half = len(wanted) // 2
        if len(wanted) < 20 or wanted[:half].std() == 0 or wanted[half:].std() == 0:
            continue
        best: tuple[float, Seen, str, int] | None = None
        for layer in seen:
            for name, values in layer.states.items():
                each = correlations(values[:half, row].astype(np.float64), wanted[:half])
                unit = int(np.abs(each).argmax())
                if best is None or abs(each[unit]) > abs(best[0]):
                    best = (float(each[unit]), layer, name, unit)
        if best is None:
            continue
        sign, layer, name, unit = best
        held = layer.states[name][half:, row, unit].astype(np.float64)
        score = float(correlations(held[:, None], wanted[half:])[0])
        accuracy = None
        if set(np.unique(wanted)) <= {0.0, 1.0}:
            accuracy = area(held * np.sign(sign), wanted[half:])
        found.append(Follower(label, layer.name, name, unit, score, accuracy, float(wanted.mean())))
    return sorted(found, key=lambda one: -abs(one.correlation))


def correlations(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each column with the label, 0 for a column that never changes: (T, N), (T,) -> (N,)."""
    a, b = values - values.mean(0), wanted - wanted.mean()
    size = np.sqrt((a * a).sum(0) * (b * b).sum())
    found: np.ndarray = np.divide(b @ a, size, out=np.zeros(values.shape[1]), where=size > 1e-12)
    return found


def area(score: np.ndarray, label: np.ndarray) -> float:
    """The area under the ROC curve: how often a step where the label is on scores above one where it is off."""
    on = label > 0.5
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (count.cumsum() - (count - 1) / 2)[place]  # equal scores share the mean of their ranks
    positive, negative = int(on.sum()), int((~on).sum())
    return float((ranks[on].sum() - positive * (positive + 1) / 2) / (positive * negative))


def text_labels(text: str) -> dict[str, np.ndarray]:
    """What a reader sees at each character, (T,): inside quotes or brackets, indentation, places in line and word."""
    length = len(text)
    found = {name: np.zeros(length) for name in _TEXT}
    depth, quoted, line, word, indent, leading, sentence = 0, False, 0, 0, 0, True, 0
    for i, c in enumerate(text):
        if c in _OPEN:
            depth += 1
        if c in _CLOSE:
            depth = max(0, depth - 1)
        if c == '"' or (c in "\u201c\u300c\u300e" and not quoted) or (c in "\u201d\u300d\u300f" and quoted):
            quoted = not quoted
        if c == "\n":
            line, indent, leading, word = 0, 0, True, 0
            depth, quoted = (0, False) if text[i - 1 : i] == "\n" else (depth, quoted)
        else:
            line += 1
            leading = leading and c in " \t"
            indent += leading
        word = word + 1 if c.isalnum() else 0
        sentence = 0 if c in ".!?\u3002\uff01\uff1f" else sentence + 1
        places = (min(line, 100), min(word, 12), c.isupper(), min(sentence, 200))
        for name, value in zip(_TEXT, (quoted, depth > 0, indent > 0 and not leading, *places), strict=True):
            found[name][i] = value
    return found


_TEXT = (
    "inside quotes",
    "inside brackets",
    "in an indented line",
    "place in the line",
    "place in the word",
    "capital letter",
    "place in the sentence",
)
_OPEN, _CLOSE = "([{\uff08\u300a\u3010", ")]}\uff09\u300b\u3011"
