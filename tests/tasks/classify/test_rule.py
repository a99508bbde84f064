"""What the rule chooses of a training: kept, told, two trainings; members side by side, on one thread or on two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.runs import history, interrupt_at, record, same_checkpoints
from tests.tasks.reading.texts import FEW, TAGGER, TINY, easy, flights, write_table
from throughtime.errors import UserError
from throughtime.tasks.classify.estimator import Classifier
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.tag.estimator import Tagger
from throughtime.tasks.tag.options import TaggerOptions
from throughtime.tasks.train import train


def test_the_first_of_two_trainings_can_be_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = str(write_table(tmp_path / "a.csv", easy(60)))
    options: dict[str, Any] = {**TINY, **FEW, "refit": True, "steps": 6, "quiet": True, "evaluate": False}
    train("classify", data, tmp_path / "whole", **options)
    train("classify", data, tmp_path / "parts", **{**options, "hidden": 5})  # another one, in whose place it comes
    with monkeypatch.context() as patch:
        interrupt_at(3, patch)
        stopped = train("classify", data, tmp_path / "parts", force=True, **options)
    assert (stopped["ended"], stopped["steps"]) == ("interrupted", 3)
    assert throughtime.load(tmp_path / "parts").predict(["isx"])
    train("classify", data, tmp_path / "parts", resume=True, quiet=True, evaluate=False)
    for part in ("", "choice"):
        whole, parts = tmp_path / "whole" / part, tmp_path / "parts" / part
        same_checkpoints(whole, parts)
        assert history(whole) == history(parts)
        for name in ("model", "options", "decided"):
            assert record(whole)[name] == record(parts)[name], name


def test_minutes_are_for_both_trainings(tmp_path: Path) -> None:
    model = Classifier(**TINY).fit(*easy(60), tmp_path, minutes=0.02, quiet=True)
    assert [record(tmp_path / part)["options"]["minutes"] for part in ("", "choice")] == [0.01, 0.01]
    assert (model.chosen[0].name, model.chosen[0].value) == ("refit", True)
    assert [choice["name"] for choice in record(tmp_path)["choices"]] == [choice.name for choice in model.chosen]
    assert record(tmp_path)["data"]["texts"] == 60


def test_linear_models_have_their_share_of_the_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throughtime.tasks.reading.rule.LEAST_LINEAR", 0.0)
    monkeypatch.setattr("throughtime.tasks.reading.rule.LINEAR", 0.0)
    texts, labels = easy(60)
    some = {"majority class", "TF-IDF words, logistic regression"}
    model = Classifier(**TINY).fit(texts, labels, validation=(texts, labels), minutes=0.01, quiet=True)
    assert model.fitted().linear.keys() == some
    tagger = Tagger(**TAGGER).fit(flights(40), validation=flights(20, 1), minutes=0.01, quiet=True)
    assert tagger.fitted().linear.keys() == some


def test_the_second_ends_where_the_first_was_at_its_best(tmp_path: Path) -> None:
    how = {"steps": 60, "validations": 20, "patience": 1, "learning_rate": 0.5, "refit": True, "batch": 8}
    options = {**TINY, **FEW, **how}
    Classifier(**options).fit(*easy(60), tmp_path, quiet=True)
    lines = [line for line in history(tmp_path / "choice") if "validation_loss" in line]
    assert not lines[-1]["best"]
    assert lines[-1]["step"] < 60
    best = [line["step"] for line in lines if line["best"]][-1]
    steps = record(tmp_path)["options"]["steps"]
    assert best < steps < 1.3 * best + 1  # a little more, as there are more texts
    assert history(tmp_path)[-1]["step"] == steps


def test_what_was_chosen_is_what_is_kept(tmp_path: Path) -> None:
    model = Classifier(threads=1, hidden=8, embedding=8).fit(*easy(60), tmp_path, steps=2, quiet=True)
    kept = json.loads((tmp_path / "config.json").read_text())["options"]
    assert {one.name: one.value for one in model.chosen}.items() <= kept.items()
    assert kept["ensemble_size"] == 3
    assert kept["refit"] is False
    assert model.get_params()["refit"] is None  # what was given stays as it was given
    assert {"hidden", "embedding"}.isdisjoint(one.name for one in model.chosen)


def test_more_threads_give_the_same_members(tmp_path: Path) -> None:
    for threads in (1, 2):
        options = {**TINY, "ensemble_size": 3, "threads": threads, "naive_bayes": "both", "linear_models": False}
        Classifier(**options).fit(*easy(60), tmp_path / str(threads), **{**FEW, "steps": 9, "average": 0.9}, quiet=True)
    same_checkpoints(tmp_path / "1", tmp_path / "2")
    lines = [[line for line in history(tmp_path / str(n)) if "loss" in line] for n in (1, 2)]
    assert lines[0] == lines[1]


def test_a_folder_at_work_is_not_cleared(tmp_path: Path) -> None:
    from throughtime.training.lock import locked

    Classifier(**TINY).fit(*easy(60), tmp_path, **{**FEW, "steps": 1}, quiet=True)
    with locked(tmp_path), pytest.raises(UserError, match="another"):
        Classifier(**TINY, refit=True).fit(*easy(60), tmp_path, **{**FEW, "steps": 1}, force=True, quiet=True)
    assert (tmp_path / "config.json").exists()


@pytest.mark.parametrize("options", [ClassifierOptions, TaggerOptions])
def test_what_the_data_decide_is_none_until_then(options: Any) -> None:
    chosen = {one.name for one in options.declared() if one.rule.chosen}
    assert chosen >= {"hidden", "embedding", "batch", "warm_up", "ensemble_size"}
    assert all(getattr(options(), name) is None for name in chosen)
    assert options.from_json(options().to_json()) == options()
    with pytest.raises(UserError, match="hidden must be an integer"):
        options(hidden=0)
    assert np.isfinite(options().learning_rate)
