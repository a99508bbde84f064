"""Learn a text file into a folder, and say how well that folder's model predicts a file: what the commands call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.storage.environment import cores
from throughtime.storage.folder import CONFIG, read_config
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.estimator import LanguageModel
from throughtime.tasks.text.score import evaluate as score
from throughtime.training.run import add_evaluation, summary

__all__ = ["LanguageModel", "evaluate", "train"]

_MODEL_OPTIONS = (
    "cell",
    "hidden",
    "embedding",
    "layers",
    "dropout",
    "tied",
    "tokens",
    "vocabulary",
    "sizes",
    "seed",
    "threads",
    "memory",
)
"""The options of `train` that go to LanguageModel, the rest goes to its fit."""


def train(
    file: str | Path, out: str | Path, *, evaluate: bool = True, quiet: bool = False, **options: Any
) -> dict[str, Any]:
    """Train on a file into a folder, then score its test part; what `throughtime train text` does.

    options: those of LanguageModel and of its fit. Returns a summary: directory, ended, steps, epochs, seconds,
    tokens_per_second, parameters, validation_loss, clipped, checkpointing (seconds of this run), warnings, signal
    where one interrupted it, and evaluation where there is a test part.
    """
    model_options = {name: options.pop(name) for name in list(options) if name in _MODEL_OPTIONS}
    folder = Path(out)
    source = file if str(file) == "-" else Path(file)
    model = LanguageModel(**model_options).fit(source, folder, quiet=quiet, **options)
    outcome, config = model.outcome, model.config
    assert outcome is not None
    assert model.text is not None
    found = summary(folder, outcome, config, "tokens")
    if evaluate and outcome.ended != "interrupted" and model.text.part("test"):
        found["evaluation"] = model.evaluate()
        add_evaluation(folder, outcome, found["evaluation"])
    return found


def evaluate(
    directory: str | Path, file: str | Path, part: str | None = None, encoding: str = "utf-8"
) -> dict[str, Any]:
    """Score the model in a folder on a file; what `throughtime evaluate` does. Needs no torch.

    The test part is scored where the file is the one the model was trained on, else all of it. For another file
    the unigram and n-gram baselines need the training file, where it still is.
    """
    from throughtime.tasks.load import load

    config = read_config(directory)
    model = load(directory)
    text = Text.of(file if str(file) == "-" else Path(file), encoding)
    threads = _section(config, "training", directory).get("threads")
    threads = min(threads, cores()) if type(threads) is int and threads > 0 else None
    training = _training_text(_section(config, "data", directory), text)
    return {"file": str(file), **score(model, text, part, training, threads)}


def _section(config: Mapping[str, Any], name: str, directory: str | Path) -> dict[str, Any]:
    section = config.get(name)
    if not isinstance(section, dict):
        raise UserError(f"{Path(directory) / CONFIG}: {name} must be an object; the file is damaged")
    return section


def _training_text(data: Mapping[str, Any], text: Text) -> Text | None:
    """The text a model was trained on: the given one, or the file it was read from if that is unchanged.

    data: what config.json keeps of it.
    """
    found: Text | None = text
    if text.sha256 != data.get("sha256"):
        file, encoding = data.get("file"), data.get("encoding")
        try:  # a file that is named in a folder from elsewhere may be anything
            named = isinstance(file, str) and isinstance(encoding, str)
            found = Text.of(Path(str(file)), str(encoding)) if named and Path(str(file)).is_file() else None
        except (UserError, ValueError, OSError):
            found = None
    if found is None or found.sha256 != data.get("sha256"):
        return None
    return replace(found, validation=data.get("validation", 0.05), holdout=data.get("holdout", 0.1))
