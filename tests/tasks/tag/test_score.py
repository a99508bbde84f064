"""Tagging from files to a folder, its score, and runs that go on."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import throughtime
from tests.tasks.reading.runs import history, interrupt_at, record, same_checkpoints
from tests.tasks.reading.texts import FEW, NONE, TAGGED, TAGGER, flights
from tests.tasks.reading.texts import write_tagged as write
from throughtime.errors import UserError
from throughtime.storage.folder import HISTORY
from throughtime.tasks.tag import baselines
from throughtime.tasks.tag.baselines import MostFrequentTag
from throughtime.tasks.tag.data import read_tagged
from throughtime.tasks.tag.score import evaluate_folder as evaluate
from throughtime.tasks.train import train as train_task

SMALL: dict[str, Any] = {**TAGGER, **FEW, "quiet": True, "seconds": 0}

train = partial(train_task, "tag")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """A folder, the file it was trained on, and what training said."""
    folder = tmp_path_factory.mktemp("made")
    texts = flights(300)
    data = write(folder / "data.conll", texts.take([*range(300), *range(40)]))  # with repetitions
    options = {
        **SMALL,
        "hidden": 12,
        "steps": 120,
        "batch": 32,
        "learning_rate": 0.06,
        **NONE,
        "rare_dropout": 0.0,
    }
    return folder / "m", data, train(data, folder / "m", holdout=0.3, seed=2, **{**options, "seconds": 20})


def scores(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in ("data", "notes")}


def test_an_evaluation_says_everything(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, _, summary = made
    found = summary["evaluation"]
    assert {
        *("texts", "tokens", "slot_f1", "slot_precision", "slot_recall", "by_kind", "token_accuracy", "baselines"),
        *("verdict", "intent_accuracy", "intent_verdict", "intents", "confusion", "calibration_error"),
        *("sentence_accuracy", "shuffled", "mistakes", "headline", "recurrence", "from_text"),
    } == found.keys()
    slots, intents = found["verdict"]["sentence"], found["intent_verdict"]["sentence"]
    assert found["headline"] == f"Slots: {slots} Intents: {intents}"
    assert found["recurrence"].keys() == {"accuracy", "linear_accuracy", "adds"}
    assert found["recurrence"]["accuracy"] > 0.9
    assert found["slot_f1"] > 0.9
    assert 80 < found["texts"] < 120
    baselines = found["baselines"]
    assert {"most frequent tag", "linear-chain CRF"} < baselines.keys()
    assert baselines["most frequent tag"].keys() == {"slot_f1", "token_accuracy"}
    assert sum("intent_accuracy" in one for one in baselines.values()) == 5
    assert baselines["most frequent tag"]["slot_f1"] < found["slot_f1"]
    for entry in (found["verdict"], found["intent_verdict"], found["shuffled"]):
        assert entry["sentence"].endswith((".", ")"))
    assert sum(map(sum, found["confusion"])) == found["texts"]
    for one in found["mistakes"]:
        assert one["tags"] != one["answer"] or one["intent"] != one["intent_answer"]
        assert len(one["tokens"]) == len(one["tags"]) == len(one["answer"])
    assert json.loads(json.dumps(summary)) == summary
    lines = [json.loads(line) for line in (folder / HISTORY).read_text().splitlines()]
    assert lines[-1]["evaluation"] == found
    config = record(folder)
    assert config["model"]["intents"] == found["intents"] == ["leave first", "reach first"]
    assert config["data"]["scheme"] == "BIO"


def test_the_file_of_training_is_scored_where_it_was_kept_apart(
    made: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, data, summary = made
    learned, kept = read_tagged(data).split(0.3, 3)
    assert not {*map(tuple, learned.tokens)} & {*map(tuple, kept.tokens)}
    assert len(kept) == summary["evaluation"]["texts"]
    again = evaluate(folder, data, seconds=0)
    wanted = dict(summary["evaluation"])
    assert again["texts"] == wanted["texts"]
    for name in ("slot_f1", "intent_accuracy", "sentence_accuracy", "by_kind", "mistakes", "shuffled", "confusion"):
        assert again[name] == wanted[name], name
    assert again["baselines"]["most frequent tag"] == wanted["baselines"]["most frequent tag"]
    same = write(tmp_path / "same", read_tagged(data), "folder")
    assert scores(evaluate(folder, same, seconds=0)) == scores(again)


def test_other_texts_are_scored_whole(made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, data, _ = made
    other = flights(40, 5)
    other.tags[0] = [tag.replace("leave", "unheard") for tag in other.tags[0]]
    other.intents[0] = "unheard of"
    found = evaluate(folder, write(tmp_path / "other", other), seconds=0)
    assert found["texts"] == 40
    assert next(iter(found["baselines"])) == "most frequent tag"  # learned from the file of training, which is there
    assert found["by_kind"]["unheard"]["recall"] == 0
    assert sum(map(sum, found["confusion"])) == 39
    assert found["intent_accuracy"] <= 39 / 40
    moved = data.with_name("moved.conll")
    data.rename(moved)
    try:
        without = evaluate(folder, write(tmp_path / "again", other), seconds=0)
        data.write_text("no tagged text at all\n\n\0")  # what is there now is another file
        assert scores(evaluate(folder, tmp_path / "other", seconds=0)) == scores(without)
        write(data, flights(20))
        assert scores(evaluate(folder, tmp_path / "other", seconds=0)) == scores(without)
    finally:
        moved.replace(data)
    assert "most frequent tag" not in without["baselines"]
    assert "verdict" not in without
    assert "intent_verdict" in without
    assert without["slot_f1"] == found["slot_f1"]
    plain = evaluate(folder, write(tmp_path / "plain", flights(30, 6, intents=False)), seconds=0)
    assert "intent_accuracy" not in plain
    assert plain["slot_f1"] > 0.9


@pytest.mark.parametrize("kind", TAGGED)
@pytest.mark.parametrize("intents", [True, False])
def test_files_of_every_kind(tmp_path: Path, alone: None, kind: str, intents: bool) -> None:
    parts = {name: flights(40 + 10 * i, i, intents) for i, name in enumerate(("train", "valid", "test"))}
    parts["test"].tokens[0], parts["test"].tags[0] = parts["train"].tokens[0], parts["train"].tags[0]
    files = {name: write(tmp_path / name, data, kind) for name, data in parts.items()}
    options = {**SMALL, "validation": str(files["valid"]), "test": files["test"]}
    summary = train(files["train"], tmp_path / "m", **options)
    found = summary["evaluation"]
    assert found["texts"] == 60
    assert ("intent_accuracy" in found) is intents
    assert "1 of 60 test sentences stands in training" in " ".join(summary["notes"])
    config = record(tmp_path / "m")
    assert config["data"]["texts"] == 40
    assert (config["options"]["validation"], config["options"]["holdout"]) == (str(files["valid"]), 0.0)
    assert scores(evaluate(tmp_path / "m", files["test"], seconds=0)) == found
    with pytest.raises(UserError, match="the model learned from these texts, all of them; give others"):
        evaluate(tmp_path / "m", files["train"])


def test_baselines_choose_by_what_the_model_was_chosen_by(
    tmp_path: Path, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    class Told(MostFrequentTag):
        name = "linear-chain CRF"
        cut = False

        def fit(self, *texts: Any) -> Any:
            given.append(texts[:4])
            return super().fit(*texts[:2])

    monkeypatch.setattr(baselines, "LinearChainCRF", Told)
    data, held = write(tmp_path / "a.conll", flights(60)), write(tmp_path / "held.conll", flights(20, 1))
    for name, validation in (("file", held), ("share", 0.2)):
        train(data, tmp_path / name, validation=validation, **{**SMALL, "seconds": 1, "holdout": 0.2})
        evaluate(tmp_path / name, write(tmp_path / f"{name}.test", flights(20, 2)), seconds=1)
        evaluate(tmp_path / name, data, seconds=1)
        assert given[0] == given[1] == given[2]
        assert (given[0][2] == flights(20, 1).tokens) is (name == "file")
        given.clear()


def test_an_evaluation_needs_neither_torch_nor_scikit_learn(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, data, summary = made
    code = (
        "import sys, json\n"
        "for name in ('torch', 'sklearn', 'scipy'): sys.modules[name] = None\n"
        "from throughtime.tasks.tag.score import evaluate_folder as evaluate\n"
        f"print(json.dumps(evaluate({str(folder)!r}, {str(data)!r}, seconds=0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["slot_f1"] == summary["evaluation"]["slot_f1"]


def test_a_run_that_goes_on_is_scored_as_one_that_was_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None
) -> None:
    data = write(tmp_path / "a.conll", flights(90))
    held = write(tmp_path / "held.conll", flights(30, 1))
    for validation in (0.2, held):
        name = "share" if validation == 0.2 else "file"
        options = {**SMALL, "steps": 9, "seed": 7, "holdout": 0.2, "swap": 0.3, "validation": validation}
        whole = train(data, tmp_path / f"{name} whole", **options)
        with monkeypatch.context() as patch:
            interrupt_at(4, patch)
            stopped = train(data, tmp_path / name, **options)
        assert (stopped["ended"], stopped["signal"]) == ("interrupted", 2)
        assert len(throughtime.load(tmp_path / name).predict([["leave", "rome"]])[0][0]) == 2
        parts = train(data, tmp_path / name, resume=True, quiet=True, seconds=0)
        same_checkpoints(tmp_path / f"{name} whole", tmp_path / name)
        assert parts["evaluation"] == whole["evaluation"]
        assert history(tmp_path / name) == history(tmp_path / f"{name} whole")
    longer = train(data, tmp_path / "share", resume=True, quiet=True, steps=12, seconds=0)
    assert longer["steps"] == 12
    with pytest.raises(UserError, match="learns something else"):
        train(write(tmp_path / "b.conll", flights(91)), tmp_path / "share", resume=True, quiet=True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"holdout": 1.0}, "holdout must be a share from 0 to below 1"),
        ({"seconds": -1}, "seconds must be a number from 0"),
        ({"seconds": float("nan")}, "seconds must be a number from 0"),
        ({"test": "gone.conll"}, "gone.conll: no such file"),
        ({"validation": "gone.conll"}, "gone.conll: no such file"),
        ({"encoding": "utf-88"}, "utf-88"),
    ],
)
def test_what_cannot_be(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    data = write(tmp_path / "a.conll", flights(30))
    with pytest.raises(UserError, match=says):
        train(data, tmp_path / "m", **{**SMALL, **options})
    assert not (tmp_path / "m").exists()
