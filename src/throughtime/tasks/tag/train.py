"""Learn tagged texts into a folder, and say how good that folder's model is: what the commands call."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.splits import grouped_split
from throughtime.errors import UserError, needed
from throughtime.storage.folder import CONFIG, read_config
from throughtime.tasks.tag.baselines import LinearChainCRF, MostFrequentTag
from throughtime.tasks.tag.data import Tagged, check_tagged_split, read_tagged
from throughtime.tasks.tag.estimator import Tagger
from throughtime.tasks.tag.model import WHO
from throughtime.tasks.tag.score import score
from throughtime.tasks.tag.token_tagger import TokenTagger
from throughtime.training.run import add_evaluation, refuse_existing, stored, summary

_FIT = ("minutes", "epochs", "steps", "batch", "force", "learning_rate", "average", "clip", "patience", "weight_decay")


def train(
    data: Any,
    out: str | Path,
    *,
    encoding: str = "utf-8",
    test: Any = None,
    validation: Any = 0.1,
    holdout: float = 0.1,
    seconds: float = 60.0,
    evaluate: bool = True,
    resume: bool = False,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Train on tagged texts into a folder, then score texts it never saw; what `throughtime train tag` does.

    data, encoding: as read_tagged takes them. test: another file or folder, which is scored; without one a share of the
    texts, holdout, is kept for that. validation: a share of the rest, or another file or folder, to choose by. seconds:
    how long the linear-chain CRF beside it may take; 0 leaves it out. options: those of Tagger and of its fit. Returns
    a summary with the directory, how training ended, notes on the data, and the evaluation.
    """
    folder = Path(out)
    fit = {name: options.pop(name) for name in list(options) if name in _FIT}
    seed = options.get("seed", 0)
    _check_seconds(seconds)
    if resume:
        run = stored(folder)
        about = _reading(run.config, folder)
        encoding, holdout, seed, model = about["encoding"], about["holdout"], run.own["seed"], Tagger()
        validation = run.data["validation"] if about["validation_file"] is None else about["validation_file"]
        test = about["test_file"] if test is None else test
    else:
        refuse_existing(folder, bool(fit.get("force")))  # before anything is said of the data
        model = Tagger(**options)
    given = read_tagged(data, encoding)
    notes = list(given.notes)
    other = None if test is None else read_tagged(test, encoding)
    if other is not None:
        holdout = holdout if resume else 0.0  # a run that goes on learns what it learned
        notes += [*(f"{other.where}: {note}" for note in other.notes), *check_tagged_split(given, other)]
    learned, kept = split(given, holdout, seed)
    chosen = validation
    if isinstance(validation, str | Path):
        chosen = read_tagged(validation, encoding)
        notes += check_tagged_split(learned, chosen)
    about = {
        "encoding": encoding,
        "notes": notes,
        "holdout": holdout,
        "file": str(data) if isinstance(data, str | Path) else None,
        "test_file": str(test) if isinstance(test, str | Path) else None,
        "validation_file": str(validation) if isinstance(validation, str | Path) else None,
        "file_sha256": given.sha256,
    }
    model.fit(learned, None, None, folder, validation=chosen, about=about, resume=resume, quiet=quiet, **fit)
    assert model.outcome is not None
    found = {**summary(folder, model.outcome, model.config, "texts"), "notes": notes}
    scored = other if other is not None else kept
    if evaluate and model.outcome.ended != "interrupted" and scored is not None:
        assert model.model is not None
        held = chosen if isinstance(chosen, Tagged) else None
        beside = baselines(learned, held, seconds, seed, _quiet if quiet else _say)
        found["evaluation"] = score(model.model, scored, beside)
        add_evaluation(folder, model.outcome, found["evaluation"])
    return found


def evaluate(
    directory: str | Path, data: Any, encoding: str | None = None, seconds: float = 60.0, quiet: bool = True
) -> dict[str, Any]:
    """Score the model in a folder on tagged texts; what `throughtime evaluate` does. Needs no torch.

    Of the file it was trained on, only the texts that were kept apart are scored. Beside it stand the linear models of
    intents, and, where the file it was trained on still is, the baselines of tags. seconds: see `train`.
    """
    folder = Path(directory)
    _check_seconds(seconds)
    config = read_config(folder)
    about = _reading(config, folder)
    model = TokenTagger.from_folder(folder, config)
    encoding = encoding or about["encoding"]
    learned: Tagged | None
    given = read_tagged(data, encoding)
    seed = config.get("training", {}).get("seed", 0)
    if given.sha256 == about["file_sha256"]:
        if not about["holdout"]:
            raise UserError(f"{given.where}: the model learned from these texts, all of them; give others")
        learned, kept = split(given, about["holdout"], seed)
        assert kept is not None
        given = kept
    else:
        source = _still(about["file"], about["encoding"])
        same = source is not None and source.sha256 == about["file_sha256"]
        learned = split(source, about["holdout"], seed)[0] if source is not None and same else None
    held = _still(about["validation_file"], about["encoding"])
    say = _quiet if quiet else _say
    beside = {} if learned is None else baselines(learned, held, seconds, seed, say)
    return {"data": str(data), **score(model, given, beside)}


def baselines(
    learned: Tagged, held: Tagged | None, seconds: float, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """The most frequent tag, and a linear-chain CRF where python-crfsuite is installed and there is time for it.

    held: what its penalty is chosen by; None takes a tenth of the texts."""
    found: dict[str, Any] = {MostFrequentTag.name: MostFrequentTag().fit(learned.tokens, learned.tags)}
    if seconds <= 0:
        return found
    if find_spec("pycrfsuite") is None:
        say(f"linear-chain CRF: skipped, needs python-crfsuite, {needed('labels')}")
        return found
    if held is None:
        rows, kept = grouped_split([tuple(one) for one in learned.tokens], None, 0.1, seed)
        learned, held = learned.take(rows), learned.take(kept)
    crf = LinearChainCRF()
    crf.fit(learned.tokens, learned.tags, held.tokens, held.tags, seconds, say)
    found[f"{crf.name}, cut short" if crf.cut else crf.name] = crf
    return found


def split(given: Tagged, holdout: float, seed: int) -> tuple[Tagged, Tagged | None]:
    """What is learned from, and what is kept for the score."""
    if isinstance(holdout, bool) or not 0 <= holdout < 1:
        raise UserError(f"{WHO}: holdout must be a share from 0 to below 1, got {holdout!r}")
    if holdout == 0:
        return given, None
    # another seed than that of the validation part, which is cut from the rest in the same way
    keys = [tuple(one) for one in given.tokens]
    rows, kept = grouped_split(keys, given.intents or None, holdout, seed + 1)
    return given.take(rows), given.take(np.asarray(kept))


def _reading(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """How a model's texts were read."""
    data = config.get("data")
    if not isinstance(data, dict) or "sha256" not in data:
        raise UserError(f"{folder / CONFIG}: expected how its texts were read, data is missing; the file is damaged")
    blank = {"encoding": "utf-8", "holdout": 0.0, "file": None, "file_sha256": None}
    return {**blank, "validation_file": None, "test_file": None, **data}


def _still(path: Any, encoding: str) -> Tagged | None:
    """The tagged texts of a file that training read; None where they are there no longer."""
    try:
        return read_tagged(path, encoding) if isinstance(path, str) and Path(path).exists() else None
    except UserError:
        return None


def _check_seconds(seconds: float) -> None:
    if isinstance(seconds, bool) or not 0 <= seconds < 1e6:
        raise UserError(f"{WHO}: seconds must be from 0 to below 1,000,000, got {seconds!r}")


def _say(line: str) -> None:
    import sys

    print(line, file=sys.stderr, flush=True)


def _quiet(line: str) -> None:
    """Say nothing."""
