"""Training texts with their marked spans swapped for others of the same kind: new sentences from old ones."""

from __future__ import annotations

import numpy as np

from throughtime.data.tagged import Tagged, marked


class Swapper:
    """Swaps the share `often` of the spans of some texts, each for one of its kind, all different ones as likely."""

    def __init__(self, texts: Tagged, often: float) -> None:
        self._texts, self._often = texts, often
        self._spans = [marked(tokens, tags) for tokens, tags in zip(texts.tokens, texts.tags, strict=True)]
        found: dict[str, set[tuple[str, ...]]] = {}
        for tokens, spans in zip(texts.tokens, self._spans, strict=True):
            for span in spans:
                found.setdefault(span["kind"], set()).add(tuple(tokens[span["start"] : span["end"]]))
        self._values = {kind: sorted(values) for kind, values in found.items()}
        self._known = {tag for tags in texts.tags for tag in tags}

    def swapped(self, rng: np.random.Generator) -> Tagged:
        """All texts, some of their spans swapped."""
        tokens, tags = [], []
        for one, labels, spans in zip(self._texts.tokens, self._texts.tags, self._spans, strict=True):
            words, own, at = [], [], 0
            for span in spans:
                start, end, kind = span["start"], span["end"], span["kind"]
                words += one[at:start]
                own += labels[at:start]
                value, marks = one[start:end], labels[start:end]
                if rng.random() < self._often:
                    other = list(self._values[kind][rng.integers(len(self._values[kind]))])
                    new = self._marks(kind, len(other))
                    if self._known.issuperset(new):  # a tag that occurs nowhere has no number
                        value, marks = other, new
                words += value
                own += marks
                at = end
            tokens.append(words + one[at:])
            tags.append(own + labels[at:])
        return Tagged(tokens, tags, self._texts.intents, self._texts.where, [], self._texts.scheme)

    def _marks(self, kind: str, count: int) -> list[str]:
        if self._texts.scheme == "BIOES":
            inner = [f"I-{kind}"] * (count - 2)
            return [f"S-{kind}"] if count == 1 else [f"B-{kind}", *inner, f"E-{kind}"]
        return [f"B-{kind}"] + [f"I-{kind}"] * (count - 1)
