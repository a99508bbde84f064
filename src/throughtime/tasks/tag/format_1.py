"""Folders of taggers as version 0.1 wrote them first, in today's format."""

from __future__ import annotations

from pathlib import Path

from throughtime.options import Json
from throughtime.tasks.reading.format_1 import data_of, decided_of, ensemble_of, options_of, section


def upgrade(raw: dict[str, Json], folder: Path) -> dict[str, Json]:
    """config.json of format 2, from one of format 1."""
    own = section(raw, "tag")
    model = ensemble_of(raw, tags=own.get("tags"), intents=own.get("intents"))
    data = {**data_of(raw), **({"scheme": own["scheme"]} if "scheme" in own else {})}
    options, decided = options_of(raw, "tag"), decided_of(own)
    return {**raw, "format_version": 2, "model": model, "options": options, "data": data, "decided": decided}
