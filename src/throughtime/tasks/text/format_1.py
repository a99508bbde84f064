"""Folders of language models as version 0.1 wrote them first, in today's format."""

from __future__ import annotations

from pathlib import Path

from throughtime.options import Json
from throughtime.storage.record import training_of_format_1


def upgrade(raw: dict[str, Json], folder: Path) -> dict[str, Json]:
    """config.json of format 2, from one of format 1."""
    options, run, data = training_of_format_1(raw)
    about = {name: data[name] for name in ("file", "sha256", "characters") if name in data}
    options |= {name: run[name] for name in ("window",) if name in run}
    options |= {name: data[name] for name in ("validation", "holdout", "encoding") if name in data}
    tokens = raw.get("tokens")
    if isinstance(tokens, dict) and "kind" in tokens:
        options["tokens"] = tokens["kind"]
    model = raw.get("model")
    if isinstance(model, dict):
        model = {**model, "start": raw.get("start", 0)}
    rest = {name: value for name, value in raw.items() if name != "start"}  # a token then, a trained model now
    return {**rest, "format_version": 2, "model": model, "options": options, "data": about, "decided": {}}
