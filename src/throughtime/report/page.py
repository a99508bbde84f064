"""A self-contained HTML page: a title, a verdict, then sections of figures, tables, samples and text.

Nothing is loaded from anywhere: pictures are part of the file, fonts are the reader's own.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A picture. image: SVG text or PNG bytes. caption: what to see in it; it also describes the picture to those
    who cannot."""

    image: str | bytes
    caption: str
    kind: str = field(default="figure", init=False)

    @property
    def address(self) -> str:
        """The picture as a data: address."""
        raw = self.image.encode() if isinstance(self.image, str) else self.image
        kind = "svg+xml" if isinstance(self.image, str) else "png"
        return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; numeric columns are right-aligned. strong: the row to emphasise."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()
    strong: int = -1
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Sample:
    """Text a model wrote, line breaks kept."""

    title: str
    text: str
    open: bool = True
    kind: str = field(default="sample", init=False)


@dataclass(frozen=True)
class Coloured:
    """Text in parts, each with a weight from -1 (orange) to 1 (blue)."""

    title: str
    parts: Sequence[tuple[str, float]]
    kind: str = field(default="coloured", init=False)

    @property
    def shades(self) -> list[tuple[str, str]]:
        """Each part with its colour as CSS has it."""
        found = []
        for text, weight in self.parts:
            colour = "0,114,178" if weight > 0 else "213,94,0"
            found.append((text, f"rgba({colour},{0.75 * min(1.0, abs(weight)):.3f})"))
        return found


@dataclass(frozen=True)
class Code:
    """Equations or commands, in fixed-width letters."""

    text: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str
    kind: str = field(default="prose", init=False)


Item = Figure | Table | Sample | Coloured | Code | Prose


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    items: Sequence[Item]


@dataclass(frozen=True)
class Page:
    """verdict: one sentence that answers what a reader came for. figures of merit: (value, what it is) pairs."""

    title: str
    verdict: str
    sections: Sequence[Section]
    merits: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    footer: str = ""


def render(page: Page) -> str:
    """The page as HTML. All text is escaped."""
    html: str = _template().render(page=page)
    return html


@cache
def _template() -> Any:
    import jinja2

    source = resources.files("throughtime.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    strict: dict[str, Any] = {"autoescape": True, "undefined": jinja2.StrictUndefined}
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, **strict)
    return environment.from_string(source)
