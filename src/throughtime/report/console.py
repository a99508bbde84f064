"""What the verbs print."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer


def new_app(help: str) -> typer.Typer:
    """A Typer application for a verb, without what costs start-up time."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=help)


def print_json(values: Mapping[str, Any]) -> None:
    """One JSON object on standard output, on one line; numbers that are not finite become null."""
    print(json.dumps(_finite(values), ensure_ascii=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value


def say(text: str = "") -> None:
    """A line for the user that is no result: standard error."""
    print(text, file=sys.stderr, flush=True)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        lines.append(
            "  ".join([f"{first:<{widths[0]}}", *[f"{c:>{w}}" for c, w in zip(rest, widths[1:], strict=True)]])
        )
    return "\n".join(lines)


def scores(evaluation: Mapping[str, Any]) -> str:
    """A table of the baselines and the model."""
    rows = [["", "nats/character", "bits/character"]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        nats = entry["nats_per_character"]
        label = f"{entry['order']}-gram" if "order" in entry else name
        rows.append([label, f"{nats:.4f}", f"{nats / math.log(2):.4f}"])
    return table(rows)
