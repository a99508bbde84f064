"""Classifying from files to a folder, its score, its second training, and runs that go on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.runs import history, interrupt_at, killed_at, record, same_checkpoints
from tests.tasks.reading.texts import FEW, NONE, TINY, easy, ordered
from tests.tasks.reading.texts import write_table as write
from throughtime.data.label_notes import text_key
from throughtime.data.labelled import read_texts
from throughtime.errors import UserError
from throughtime.linear.folder import digests
from throughtime.storage.folder import HISTORY, read_weights
from throughtime.tasks.classify.score import evaluate_folder as evaluate
from throughtime.tasks.train import train as train_task

SMALL: dict[str, Any] = {**TINY, **FEW, "quiet": True}

train = partial(train_task, "classify")


def scores(found: dict[str, Any]) -> dict[str, Any]:
    """An evaluation without what is said of the file."""
    return {name: value for name, value in found.items() if name not in ("data", "notes")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """A folder, the file it was trained on, and what training said."""
    folder = tmp_path_factory.mktemp("made")
    texts, labels = ordered(300)
    data = write(folder / "data.csv", ([*texts, *texts[:40]], [*labels, *labels[:40]]))  # with repetitions
    options = {**SMALL, "steps": 60, "learning_rate": 0.03, **NONE, "word_dropout": 0.0}
    return folder / "m", data, train(data, folder / "m", holdout=0.3, seed=2, **options)


def test_an_evaluation_says_everything(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, _, summary = made
    found = summary["evaluation"]
    assert {
        *("texts", "accuracy", "macro_f1", "calibration_error", "classes", "confusion", "reliability", "weights"),
        *("baselines", "sure", "unseen", "verdict", "recurrence", "missed", "shuffled", "mistakes"),
    } == found.keys()
    assert found["classes"] == ["down", "up"]
    assert 80 < found["texts"] < 130
    assert found["unseen"] == {"texts": found["texts"], "accuracy": found["accuracy"]}
    assert np.trace(found["confusion"]) == round(found["accuracy"] * found["texts"])
    assert np.sum(found["confusion"]) == found["texts"]
    assert 0 <= found["calibration_error"] <= 1
    assert len(found["baselines"]) == 5
    assert all({"accuracy", "macro_f1", "accuracy_unseen"} == one.keys() for one in found["baselines"].values())
    assert {"accuracy", "linear_accuracy", "adds"} == found["recurrence"].keys()
    assert found["sure"].keys() == {"threshold", "share", "accuracy"}
    assert found["shuffled"]["texts"] == found["texts"]
    for entry in (found["verdict"], found["recurrence"]["adds"], found["shuffled"]):
        assert entry["sentence"].rstrip(")").endswith((".", "%"))
    for one in found["mistakes"]:
        assert one["label"] != one["answer"]
    assert len(found["mistakes"]) == min(20, round((1 - found["accuracy"]) * found["texts"]))
    assert json.loads(json.dumps(summary)) == summary
    assert {
        "directory",
        "ended",
        "steps",
        "texts_per_second",
        "parameters",
        "validation_loss",
        "notes",
    } <= summary.keys()
    assert "40 texts repeat" in " ".join(summary["notes"])
    lines = [json.loads(line) for line in (folder / HISTORY).read_text().splitlines()]
    assert lines[-1]["evaluation"] == found
    config = record(folder)
    assert config["decided"]["weights"] == found["weights"]
    assert config["parameters"] == sum(value.size for value in read_weights(folder / "model.safetensors").values())
    assert config["environment"]["threads"] == 1


def test_texts_that_are_the_same_are_on_one_side(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, data, summary = made
    learned, kept = read_texts(data).split(0.3, 3)
    assert not {*map(text_key, learned.texts)} & {*map(text_key, kept.texts)}
    assert len(learned) + len(kept) == 340
    assert len(kept) == summary["evaluation"]["texts"]
    seen = read_weights(folder / "seen.safetensors")["digests"]
    assert not np.isin(digests(kept.texts), seen).any()
    assert 0.75 < np.isin(digests(learned.texts), seen).mean() < 1  # the rest is what was chosen by


def test_the_file_of_training_is_scored_where_it_was_kept_apart(
    made: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, data, summary = made
    assert scores(evaluate(folder, data)) == summary["evaluation"]
    again = evaluate(folder, str(data), rows=True)
    assert [a["label"] for a in again["answers"]] == throughtime.load(folder).predict(
        read_texts(data).split(0.3, 3)[1].texts
    )
    texts = read_texts(data)
    moved = write(tmp_path / "moved.tsv", (texts.texts, texts.labels))  # the same texts in another file
    assert evaluate(folder, moved)["texts"] == again["texts"]
    with_empty = write(tmp_path / "empty.csv", ([*texts.texts, ""], [*texts.labels, "up"]))
    assert evaluate(folder, with_empty)["texts"] == again["texts"]
    other = write(tmp_path / "other.csv", (texts.texts[1:], texts.labels[1:]))
    found = evaluate(folder, other)
    assert found["texts"] == 339
    assert again["texts"] <= found["unseen"]["texts"] < 339
    fresh = write(tmp_path / "fresh.jsonl", ordered(50, 9))
    assert evaluate(folder, fresh)["unseen"]["texts"] == evaluate(folder, fresh)["texts"] == 50


def test_the_model_is_that_of_the_texts_that_were_learned_from(
    made: tuple[Path, Path, dict[str, Any]], tmp_path: Path, alone: None
) -> None:
    """Other texts in the part kept apart change nothing that is learned."""
    texts, labels = easy(60)
    learned, _ = read_texts(write(tmp_path / "a.csv", (texts, labels))).split(0.2, 1)
    changed = [text if text in learned.texts else f"{text} {text}" for text in texts]
    weights = []
    for name, given in (("a", texts), ("b", changed)):
        train(write(tmp_path / f"{name}.csv", (given, labels)), tmp_path / name, holdout=0.2, **SMALL)
        weights.append(read_weights(tmp_path / name / "model.safetensors"))
    assert all(np.array_equal(value, weights[1][name]) for name, value in weights[0].items())


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_files_for_validation_and_test(tmp_path: Path, alone: None, suffix: str) -> None:
    parts = {name: easy(count, seed) for seed, (name, count) in enumerate([("train", 60), ("valid", 30), ("test", 40)])}
    parts["valid"] = ([*parts["valid"][0], parts["train"][0][1]], [*parts["valid"][1], parts["train"][1][1]])
    parts["test"] = ([*parts["test"][0], parts["train"][0][0], ""], [*parts["test"][1], "new", "x"])
    files = {name: write(tmp_path / f"{name}.{suffix}", data) for name, data in parts.items()}
    options = {"validation": files["valid"], "test": files["test"], "text": "review", "label": "stars"}
    summary = train(files["train"], tmp_path / "m", **options, **SMALL)
    found = summary["evaluation"]
    assert found["texts"] == 42
    assert found["unseen"]["texts"] == 41
    notes = " ".join(summary["notes"])
    assert "1 of 42 test texts stands in training as well" in notes
    assert "1 of 31 test texts stands in training as well" in notes
    assert "never seen in training: label new (1)" in notes
    assert "1 text without a word, the first in row" in notes
    data, kept = record(tmp_path / "m")["data"], record(tmp_path / "m")["options"]
    assert (data["texts"], data["file"], kept["holdout"]) == (60, str(files["train"]), 0.0)
    assert (kept["validation"], kept["test"]) == (str(files["valid"]), str(files["test"]))
    assert scores(evaluate(tmp_path / "m", files["test"])) == found
    with pytest.raises(UserError, match="the model learned from these texts, all of them; give others"):
        evaluate(tmp_path / "m", files["train"])


def test_only_the_same_columns_are_read(tmp_path: Path, alone: None) -> None:
    texts, labels = easy(60)
    path = tmp_path / "a.csv"
    rows = "".join(
        f"{text},{label},wrong {i},{i % 2}\n" for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    )
    path.write_text("body,kind,text,label\n" + rows)
    summary = train(path, tmp_path / "m", text="body", label="kind", **SMALL)
    found = evaluate(tmp_path / "m", path)
    assert found["classes"] == ["x", "y", "z"]
    assert found["data"] == str(path)
    assert scores(found) == summary["evaluation"]
    with pytest.raises(UserError, match="no column 'nobody'"):
        evaluate(tmp_path / "m", path, text="nobody")


def test_an_evaluation_needs_neither_torch_nor_scikit_learn(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, data, summary = made
    code = (
        "import sys, json\n"
        "for name in ('torch', 'sklearn', 'scipy'): sys.modules[name] = None\n"
        "from throughtime.tasks.classify.score import evaluate_folder as evaluate\n"
        f"print(json.dumps(evaluate({str(folder)!r}, {str(data)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert scores(found) == json.loads(json.dumps(summary["evaluation"]))


def test_a_second_training_learns_the_validation_part_too(tmp_path: Path) -> None:
    data, held = write(tmp_path / "a.csv", easy(60)), write(tmp_path / "held.csv", easy(30, 1))
    summary = train(data, tmp_path / "m", refit=True, validation=held, holdout=0.2, **SMALL)
    config, choice = record(tmp_path / "m"), record(tmp_path / "m" / "choice")
    assert config["data"]["texts"] == choice["data"]["texts"] + 30
    assert (config["options"]["refit"], choice["options"]["refit"]) == (True, False)
    assert config["decided"] == choice["decided"]
    assert config["decided"]["weights"]
    assert throughtime.load(tmp_path / "m").weights == config["decided"]["weights"]
    assert len(read_weights(tmp_path / "m" / "seen.safetensors")["digests"]) > len(
        read_weights(tmp_path / "m" / "choice" / "seen.safetensors")["digests"]
    )
    assert scores(evaluate(tmp_path / "m", data)) == summary["evaluation"]
    with pytest.raises(UserError, match="there is a model already"):
        train(data, tmp_path / "m", refit=True, **SMALL)


@pytest.mark.parametrize("validation", ["share", "file"])
def test_a_second_training_that_goes_on_keeps_what_was_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: str
) -> None:
    data = write(tmp_path / "a.csv", easy(60))
    options: dict[str, Any] = {**SMALL, "refit": True, "steps": 6, "seed": 1}
    options["validation"] = 0.2 if validation == "share" else write(tmp_path / "held.csv", easy(30, 1))
    train(data, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(9, patch)
        assert train(data, tmp_path / "parts", **options)["ended"] == "interrupted"
    assert throughtime.load(tmp_path / "parts").predict(["isx"])
    train(data, tmp_path / "parts", resume=True, quiet=True)
    same_checkpoints(tmp_path / "whole", tmp_path / "parts")
    for name in ("model", "options", "decided"):
        assert record(tmp_path / "whole")[name] == record(tmp_path / "parts")[name], name


@pytest.mark.parametrize("validation", ["share", "file"])
def test_a_run_that_goes_on_is_scored_as_one_that_was_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None, validation: str
) -> None:
    data = write(tmp_path / "a.csv", easy(90))
    options: dict[str, Any] = {**SMALL, "steps": 9, "seed": 7, "holdout": 0.2}
    options["validation"] = 0.2 if validation == "share" else write(tmp_path / "held.csv", easy(30, 1))
    whole = train(data, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(4, patch)
        stopped = train(data, tmp_path / "parts", **options)
    assert stopped["ended"] == "interrupted"
    assert stopped["signal"] == 2
    assert "evaluation" not in stopped
    parts = train(data, tmp_path / "parts", resume=True, quiet=True)
    same_checkpoints(tmp_path / "whole", tmp_path / "parts")
    assert parts["evaluation"] == whole["evaluation"]
    assert history(tmp_path / "parts") == history(tmp_path / "whole")
    longer = train(data, tmp_path / "parts", resume=True, quiet=True, steps=12)
    assert longer["steps"] == 12
    assert record(tmp_path / "parts")["options"]["steps"] == 12
    with pytest.raises(UserError, match="learns something else"):
        train(write(tmp_path / "b.csv", easy(91)), tmp_path / "parts", resume=True, quiet=True)


def test_a_run_that_was_killed_goes_on(tmp_path: Path, alone: None) -> None:
    data = write(tmp_path / "a.csv", easy(90))
    options = {**SMALL, "steps": 9, "ensemble_size": 2, "evaluate": False, "checkpoint_seconds": 0.0}
    assert killed_at(6, lambda: train(data, tmp_path / "parts", **options)) == -signal.SIGKILL
    train(data, tmp_path / "parts", resume=True, quiet=True, evaluate=False)
    train(data, tmp_path / "whole", **options)
    same_checkpoints(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"holdout": 1.0}, "holdout must be a share from 0 to below 1"),
        ({"holdout": True}, "holdout must be a share"),
        ({"holdout": -0.1}, "holdout must be a share"),
        ({"test": "gone.csv"}, "gone.csv: no such file"),
        ({"validation": "gone.csv"}, "gone.csv: no such file"),
        ({"text": "body"}, "no column 'body' for the texts; there are review, stars"),
        ({"label": "review"}, "cannot be the texts and the labels"),
        ({"encoding": "utf-88"}, "utf-88"),
        ({"pace": 1}, "pace"),
    ],
)
def test_what_cannot_be(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    data = write(tmp_path / "a.csv", easy(30))
    with pytest.raises(UserError, match=says):
        train(data, tmp_path / "m", **{**SMALL, **options})
    assert not (tmp_path / "m").exists()
