"""What the verbs print."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from throughtime.options import Json
from throughtime.training.progress import escaped
from throughtime.training.progress import say as say


def new_app(help: str) -> typer.Typer:
    """A Typer application for a verb, without what costs start-up time."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=help)


def print_json(values: Mapping[str, Json]) -> None:
    """One JSON object on standard output, on one line; numbers that are not finite become null."""
    print(json.dumps(_finite(values), ensure_ascii=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value


class _Terminal:
    """Standard output where it is a terminal: what could steer it is written as its number. whole: without that."""

    def __init__(self, whole: Any) -> None:
        self.whole = whole

    def write(self, text: str) -> int:
        self.whole.write(escaped(text))
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


@contextmanager
def harmless_terminal() -> Iterator[None]:
    """Inside, no text that is printed steers a terminal; into a file or a pipe it goes as it is."""
    before = sys.stdout
    if before is None or not before.isatty():
        yield
        return
    sys.stdout = _Terminal(before)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout = before


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        lines.append(
            "  ".join([f"{first:<{widths[0]}}", *[f"{c:>{w}}" for c, w in zip(rest, widths[1:], strict=True)]])
        )
    return "\n".join(lines)


def scores(evaluation: Mapping[str, Json]) -> str:
    """A table of the baselines and the model."""
    rows = [["", "nats/character", "bits/character"]]
    alone = {name: evaluation[name] for name in ("recurrence",) if name in evaluation}
    for name, entry in [*evaluation["baselines"].items(), *alone.items(), ("this model", evaluation)]:
        nats = entry["nats_per_character"]
        label = f"{entry['order']}-gram" if "order" in entry else name
        rows.append([label, f"{nats:.4f}", f"{nats / math.log(2):.4f}"])
    return table(rows)


def print_coloured(parts: Sequence[str], weights: Any) -> None:
    """Print what `coloured` makes, whose colours are meant for the terminal."""
    print(coloured(parts, weights), file=getattr(sys.stdout, "whole", sys.stdout))


def coloured(parts: Sequence[str], weights: Any) -> str:
    """Text with its parts coloured by weights from -1 (orange) to 1 (blue) on a terminal; elsewhere, and where NO_COLOR
    is set (no-color.org), the parts that weigh most stand in brackets."""
    shown = []
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    for part, weight in zip(parts, weights, strict=True):
        if plain:
            shown.append(f"[{part}]" if abs(weight) > 0.3 and part.strip() else part)
            continue
        strength = min(1.0, abs(float(weight)))
        base = (0, 114, 178) if weight > 0 else (213, 94, 0)
        red, green, blue = (round(255 + (c - 255) * 0.75 * strength) for c in base)
        part = escaped(part)
        # dark letters on a light ground, whatever the terminal's own colours are
        shown.append(f"\x1b[38;2;20;20;20;48;2;{red};{green};{blue}m{part}\x1b[0m" if part != "\n" else "\n")
    return "".join(shown)
