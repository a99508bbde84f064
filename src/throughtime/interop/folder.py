"""The folder of an imported model: config.json with its graph, model.safetensors with its weights."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from throughtime.errors import UserError, located
from throughtime.interop.model import Graph, ImportedModel
from throughtime.options import Json
from throughtime.storage.folder import CONFIG, WEIGHTS, read_weights, write_json, write_weights
from throughtime.storage.record import FORMAT_VERSION, read_task

TASK = "imported"
"""What stands for a task in config.json."""


def config(model: ImportedModel) -> Json:
    """What config.json holds."""
    return {
        "format_version": FORMAT_VERSION,
        "task": TASK,
        "model": model.graph.to_json(),
        "origin": dict(model.origin),
        "parameters": int(sum(value.size for value in model.parameters.values())),
    }


def save(model: ImportedModel, folder: Path) -> None:
    """Write a model's folder; each file atomically, the weights first."""
    write_weights(folder / WEIGHTS, model.parameters)
    write_json(folder / CONFIG, config(model))


def load(folder: str | PathLike[str]) -> ImportedModel:
    """The model in a folder; UserError says what is damaged."""
    place = Path(folder)
    task, raw = read_task(place)
    if task != TASK:
        raise UserError(f"{place}: expected an imported model, its task is {task[:60]!r}; throughtime.load reads it")
    origin = raw.get("origin", {})
    try:
        if not isinstance(origin, dict):
            raise UserError("origin must be an object; the file is damaged")
        graph = Graph.from_json(raw.get("model"))
    except UserError as error:
        raise UserError(located(str(error), place, place / CONFIG)) from None
    parameters = read_weights(place / WEIGHTS)
    try:
        return ImportedModel(graph, parameters, origin)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
