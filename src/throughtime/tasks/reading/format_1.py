"""Folders of models that read as version 0.1 wrote them first, in today's format: what all of them had."""

from __future__ import annotations

from collections.abc import Mapping

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.record import training_of_format_1

_RENAMED = {"both": "bidirectional", "members": "ensemble_size", "wide": "linear_models", "memory": "chrono"}
_RENAMED |= {"evidence": "naive_bayes", "near": "pmi_embeddings"}
_DROPOUT = {"input": "embedding_dropout", "between": "layer_dropout", "output": "dropout"}
_DROPOUT |= {"weight": "weight_dropout", "variational": "variational"}
_USUAL: dict[str, dict[str, Json]] = {
    "classify": {"hidden": 64, "embedding": 64, "batch": 64, "warm_up": 100, "ensemble_size": 1, "dropout": 0.5}
    | {"embedding_dropout": 0.6, "layer_dropout": 0.3, "label_smoothing": 0.1},
    "tag": {"hidden": 150, "embedding": 100, "batch": 48, "warm_up": 100, "ensemble_size": 1, "swap": 0.0}
    | {"stacked": False},
}
"""What held where a folder says nothing; today the data decide."""

_DECIDED = {"fusion": "weights", "fusion_without_recurrence": "linear_weights"}
_DECIDED |= {"threshold": "threshold", "choices": "choices"}


def section(raw: Mapping[str, Json], task: str) -> dict[str, Json]:
    """What a task kept in a section of its own; UserError where it is missing."""
    own = raw.get(task)
    if not isinstance(own, dict) or not isinstance(raw.get("model"), dict):
        raise UserError(f"{task} missing in config.json; the file is damaged")
    return own


def options_of(raw: Mapping[str, Json], task: str) -> dict[str, Json]:
    """The options of a training, by today's names."""
    options, _, data = training_of_format_1(raw)
    own = section(raw, task).get("options", {})
    if not isinstance(own, dict):
        raise UserError(f"expected the options of a {task} model; the file is damaged")
    options.pop("chrono", None)
    options |= {_RENAMED.get(str(name), str(name)): value for name, value in own.items() if name != "dropout"}
    if isinstance(own.get("dropout"), dict):
        options |= {_DROPOUT[name]: value for name, value in own["dropout"].items() if name in _DROPOUT}
    options |= {name: data[name] for name in ("encoding", "holdout") if name in data}
    if data.get("test_file") is not None:
        options["test"] = data["test_file"]
    options["validation"] = data.get("validation_file") or data.get("validation")
    return _USUAL[task] | options | _cells(raw["model"].get("readers"))


def _cells(readers: Json) -> dict[str, Json]:
    """The cells of the first reader, which stood with it alone."""
    try:
        cells = [directions[0]["cell"] for directions in readers[0]["layers"]]
    except (LookupError, TypeError):
        return {}  # what is wrong with a reader is said where it is read
    if not cells or any(not isinstance(cell, str) for cell in cells):
        return {}
    return {"layers": len(cells), "cell": cells if len(set(cells)) > 1 else cells[0]}


def data_of(raw: Mapping[str, Json]) -> dict[str, Json]:
    """What is kept of the texts."""
    data = training_of_format_1(raw)[2]
    kept: dict[str, Json] = {name: data[name] for name in ("file", "texts", "notes") if name in data}
    if "sha256" not in data:
        raise UserError("expected how its texts were read, data is missing; the file is damaged")
    return {**kept, "sha256": data.get("file_sha256") or data["sha256"]}


def decided_of(own: Mapping[str, Json]) -> dict[str, Json]:
    """What the validation part decided."""
    return {new: own[old] for old, new in _DECIDED.items() if own.get(old) is not None}


def ensemble_of(raw: Mapping[str, Json], **names: Json) -> dict[str, Json]:
    """The sizes of the model. names: what its answers are called."""
    model = dict(raw["model"])
    return {"readers": model.get("readers"), "ensemble_size": model.get("members"), **names}
