"""Learn labelled texts into a folder, and say how good that folder's model is: what the commands call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.labelled import Texts, check_split, never_seen, read_texts, text_key
from throughtime.data.splits import grouped_split
from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG, read_config
from throughtime.tasks.classify.estimator import Classifier
from throughtime.tasks.classify.model import WHO
from throughtime.tasks.classify.score import score
from throughtime.tasks.classify.text_classifier import TextClassifier
from throughtime.training.progress import choose
from throughtime.training.run import add_evaluation, refuse_existing, stored, summary

CHOICE = "choice"
"""Of a folder whose model was trained twice, the one by which it was decided who has how much to say."""

_FIT = ("minutes", "epochs", "steps", "batch", "force", "learning_rate", "average", "clip", "patience", "weight_decay")


def train(
    data: Any,
    out: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    encoding: str = "utf-8",
    test: Any = None,
    validation: Any = 0.1,
    holdout: float = 0.1,
    refit: bool = False,
    evaluate: bool = True,
    resume: bool = False,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Train on labelled texts into a folder, then score texts it never saw; what `throughtime train classify` does.

    data, text, label, encoding: as read_texts takes them. test: another file, which is scored; without one a share of
    the texts, holdout, is kept for that. validation: a share of the rest, or another file, to choose by. Texts that
    are the same stay together. refit: once it is decided on the validation part who has how much to say, train again
    on all texts, that part included; the first model is then in the folder's `choice`. options: those of Classifier and
    of its fit. Returns a summary with the directory, how training ended, notes on the data, and the evaluation.
    """
    folder = Path(out)
    fit = {name: options.pop(name) for name in list(options) if name in _FIT}
    if resume:
        run = stored(folder)
        about = _reading(run.config, folder)
        text, label, encoding = about["text"], about["label"], about["encoding"]
        holdout, model = about["holdout"], Classifier()
        validation = run.data["validation"] if about["validation_file"] is None else about["validation_file"]
        test = about["test_file"] if test is None else test
        refit = run.data["validation"] == 0.0  # its second training
    else:
        refuse_existing(folder, bool(fit.get("force")))  # before anything is said of the data
        model = Classifier(**options)
    given = read_texts(data, text, label, encoding)
    other = None if test is None else read_texts(test, text, label, encoding, keep_empty=True, several=False)
    notes = list(given.notes)
    if other is not None:
        holdout = holdout if resume else 0.0  # a run that goes on learns what it learned
        notes += [*(f"{other.where}: {note}" for note in other.notes), *check_split(given, other)]
    learned, kept = split(given, holdout, model.seed if not resume else run.own["seed"])
    about = {
        "text": text,
        "label": label,
        "encoding": encoding,
        "notes": notes,
        "holdout": holdout,
        "file": str(data) if isinstance(data, str | Path) else None,
        "test_file": str(test) if isinstance(test, str | Path) else None,
        "validation_file": str(validation) if isinstance(validation, str | Path) else None,
        "file_sha256": given.sha256,
    }
    chosen = validation
    if isinstance(validation, str | Path):
        held = read_texts(validation, text, label, encoding, keep_empty=True, several=False)
        notes += check_split(learned, held)
        chosen = (held.texts, held.labels)
    if refit and not resume:
        first = Classifier(**options)
        first.fit(learned, None, folder / CHOICE, validation=chosen, about=about, quiet=quiet, **{**fit, "force": True})
        assert first.outcome is not None
        if first.outcome.ended == "interrupted":
            choose(quiet).note(
                f"stopped in the first of two trainings: start again; {folder / CHOICE} has what it learned so far"
            )
            return {**summary(folder / CHOICE, first.outcome, first.config, "texts"), "notes": notes}
        model.fit(
            *(joined(learned, held) if isinstance(chosen, tuple) else learned, None, folder),
            validation=0.0, decided=first.config["classify"], about=about, quiet=quiet, **fit,
        )  # fmt: skip
    else:
        if refit and isinstance(chosen, tuple):
            learned, chosen = joined(learned, held), 0.0
        model.fit(learned, None, folder, validation=chosen, about=about, resume=resume, quiet=quiet, **fit)
    assert model.outcome is not None
    found = {**summary(folder, model.outcome, model.config, "texts"), "notes": notes}
    scored = other if other is not None else kept
    if evaluate and model.outcome.ended != "interrupted" and scored is not None:
        assert model.model is not None
        own = model.config["classify"]
        found["evaluation"] = score(model.model, scored, own.get("fusion_without_recurrence", {}), folder)
        add_evaluation(folder, model.outcome, found["evaluation"])
    return found


def evaluate(
    directory: str | Path,
    data: Any,
    text: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    rows: bool = False,
) -> dict[str, Any]:
    """Score the model in a folder on labelled texts; what `throughtime evaluate` does. Needs no torch.

    Of the file it was trained on, only the texts that were kept apart are scored. text, label, encoding: as in training
    where not given. rows: also the answer to each text.
    """
    folder = Path(directory)
    config = read_config(folder)
    about = _reading(config, folder)
    model = TextClassifier.from_folder(folder, config)
    given = read_texts(
        data,
        text or about["text"],
        label or about["label"],
        encoding or about["encoding"],
        keep_empty=True,
        several=False,
    )
    some = given.take([i for i, one in enumerate(given.texts) if one])  # as training left empty ones out
    if some.sha256 == about["file_sha256"]:
        given = some
        if not about["holdout"]:
            raise UserError(f"{given.where}: the model learned from these texts, all of them; give others")
        kept = split(given, about["holdout"], config.get("training", {}).get("seed", 0))[1]
        assert kept is not None
        given = kept
    own = config["classify"]
    found = score(model, given, own.get("fusion_without_recurrence", {}), folder, rows)
    notes = [*given.notes, *never_seen(model.classes, given.labels, "label")]
    return {"data": str(data), "notes": notes, **found}


def joined(one: Texts, other: Texts) -> Texts:
    """Two lots of texts as one."""
    return Texts(one.texts + other.texts, one.labels + other.labels, one.where, [])


def split(given: Texts, holdout: float, seed: int) -> tuple[Texts, Texts | None]:
    """What is learned from, and what is kept for the score."""
    if isinstance(holdout, bool) or not 0 <= holdout < 1:
        raise UserError(f"{WHO}: holdout must be a share from 0 to below 1, got {holdout!r}")
    if holdout == 0:
        return given, None
    keys = [text_key(one) for one in given.texts]
    # another seed than that of the validation part, which is cut from the rest in the same way
    rows, kept = grouped_split(keys, given.labels, holdout, seed + 1)
    return given.take(rows), given.take(np.asarray(kept))


def _reading(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """How a model's texts were read."""
    data = config.get("data")
    if not isinstance(data, dict) or "file_sha256" not in data:
        blank = {"text": None, "label": None, "encoding": "utf-8", "holdout": 0.0, "file_sha256": None}
        if isinstance(data, dict) and "sha256" in data:  # fitted from lists
            return {**blank, "validation_file": None, "test_file": None}
        raise UserError(f"{folder / CONFIG}: expected how its texts were read, data is missing; the file is damaged")
    return {"text": None, "label": None, "encoding": "utf-8", "holdout": 0.0, **data}
