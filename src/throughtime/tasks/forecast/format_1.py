"""Folders of forecasters as version 0.1 wrote them first, in today's format."""

from __future__ import annotations

from pathlib import Path

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.folder import read_json
from throughtime.storage.record import training_of_format_1
from throughtime.tasks.forecast.fitted_series import SERIES

_OPTIONS = (
    *("horizon", "hidden", "embedding", "segment", "lookback", "lags", "profile", "every", "scaling", "distribution"),
    *("dropout", "nonnegative", "loss"),
)
_USUAL: dict[str, Json] = {
    **{"hidden": 128, "embedding": 64, "dropout": 0.0, "profile": 0, "loss": "mae", "nonnegative": False},
    **{"batch": 256, "learning_rate": 5e-3, "validation": 0.1, "scaling": "window", "warm_up": 100},
}
"""What held where nothing was said."""

_READING = ("time", "id", "past", "future", "static", "frequency", "dayfirst", "timezone")


def upgrade(raw: dict[str, Json], folder: Path) -> dict[str, Json]:
    """config.json of format 2, from one of format 1."""
    options, _, data = training_of_format_1(raw)
    options = {**_USUAL, **options}
    section, model = _object(raw, "forecast"), _object(raw, "model")
    series = read_json(folder / SERIES) if (folder / SERIES).is_file() else {}
    if not isinstance(series, dict):
        raise UserError(f"{folder / SERIES}: expected an object; the file is damaged")
    chosen, reading = _object(section, "options"), series.get("reading") or {}
    layers = model.get("layers")
    if not isinstance(layers, list) or not isinstance(reading, dict):
        raise UserError("expected layers and reading; the file is damaged")
    options |= {name: chosen[name] for name in _OPTIONS if name in chosen}
    options |= {name: section[name] for name in ("season", "quantiles", "nonnegative", "loss") if name in section}
    options |= {name: reading[name] for name in _READING if name in reading}
    if (target := reading.get("target")) is not None:
        options["target"] = [target] if isinstance(target, str) else target
    cells = [layer.get("cell") for layer in layers if isinstance(layer, dict)]
    alike = len(set(map(str, cells))) == 1
    options |= {"cell": cells[0] if alike else cells, "layers": max(1, len(cells))}
    options |= {"ensemble_size": section.get("members", 1), "holdout": series.get("holdout", 0.0)}
    if chosen.get("memory") is not None:
        options["chrono"] = chosen["memory"]
    if "validation" in data:
        options["validation"] = data["validation"]
    features = series.get("features")
    if isinstance(features, dict):
        options["calendar"] = features.get("calendar", True)
    elif not model.get("features"):
        features = {"calendar": False}
    record: dict[str, Json] = {name: data[name] for name in ("series", "values", "known", "sha256") if name in data}
    record |= {"features": features, "frequency": series.get("frequency", "steps"), "notes": series.get("notes", [])}
    record |= {"target": target if isinstance(target, str) else "y", "zone": reading.get("timezone")}
    decided = {"shifts": section.get("shifts", [])}
    return {**raw, "format_version": 2, "options": options, "data": record, "decided": decided}


def _object(raw: Json, name: str) -> dict[str, Json]:
    section = raw.get(name)
    if not isinstance(section, dict):
        raise UserError(f"expected {name}, an object; the file is damaged")
    return section
