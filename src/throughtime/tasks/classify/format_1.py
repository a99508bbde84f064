"""Folders of classifiers as version 0.1 wrote them first, in today's format."""

from __future__ import annotations

from pathlib import Path

from throughtime.options import Json
from throughtime.tasks.reading.format_1 import data_of, decided_of, ensemble_of, options_of, section


def upgrade(raw: dict[str, Json], folder: Path) -> dict[str, Json]:
    """config.json of format 2, from one of format 1."""
    own, options, data = section(raw, "classify"), options_of(raw, "classify"), data_of(raw)
    about = raw["data"]
    options |= {name: about[name] for name in ("text", "label") if about.get(name) is not None}
    options["refit"] = about.get("validation") == 0 and (folder / "choice").is_dir()
    if isinstance(about.get("classes"), dict):
        data["classes"] = about["classes"]
    model = ensemble_of(raw, classes=own.get("classes"))
    return {**raw, "format_version": 2, "model": model, "options": options, "data": data, "decided": decided_of(own)}
