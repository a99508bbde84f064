"""Small files as people have them, each with what it says, written by hand: read right, or refused in a line that names
the row and what to do. What stands here went wrong for somebody, in this house or in another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Labelled:
    """A file of labelled texts: its texts and labels as they are read, what labels were, and a part of the notes; or
    what the error says (a pattern)."""

    name: str
    content: str | bytes
    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    kind: str = "text"
    note: str = ""
    error: str = ""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaggedFile:
    """A file of tagged texts: tokens between spaces and tags of each, the scheme, intents, texts, a part of the notes;
    or what the error says."""

    name: str
    content: str
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    scheme: str = "BIO"
    intents: list[str] = field(default_factory=list)
    texts: list[str | None] | None = None
    note: str = ""
    error: str = ""
    options: dict[str, Any] = field(default_factory=dict)
