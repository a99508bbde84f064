"""Every part of an answer has its verdict, first, in words whose signs agree."""

from __future__ import annotations

import numpy as np

from throughtime.linear.ensemble import RECURRENCE
from throughtime.tasks.reading.verdicts import adds, headline, missed, recurrence_beside

GOOD, BAD = {"sentence": "The model beats tags."}, {"sentence": "The model is worse than words."}


def test_the_headline_speaks_of_every_part() -> None:
    assert headline({"Slots": GOOD}) == "The model beats tags."
    assert headline({"Slots": GOOD, "Intents": BAD}) == (
        "Slots: The model beats tags. Intents: The model is worse than words."
    )
    assert headline({"Slots": None, "Intents": BAD}) == (
        "Slots: Scored, but not beside a baseline. Intents: The model is worse than words."
    )
    assert headline({"Slots": None, "Intents": None}) == headline({"Slots": None}) == ""


def test_what_the_recurrence_adds_names_the_side_of_each_end() -> None:
    added = {"gain": -0.028, "low": -0.163, "high": 0.092, "skill": None}
    assert adds(added, 0.5) == (
        "Not shown that the recurrence earns its place: with it 2.8% more errors than the same linear models without "
        "it (95 % interval 16.3% more to 9.2% fewer)."
    )
    assert "(95 % interval 10.0% to 30.0% fewer)" in adds({"gain": 0.2, "low": 0.1, "high": 0.3, "skill": True}, 0.5)


def test_the_recurrence_stands_beside_the_linear_models_alone() -> None:
    truth = np.arange(60) % 3
    right = np.log(np.full((60, 3), 0.1) + 0.7 * np.eye(3)[truth])
    wrong = np.roll(right, 1, 1)
    half = np.where((np.arange(60) < 30)[:, None], right, wrong)
    parts = {RECURRENCE: right, "words": half}
    found = recurrence_beside(parts, truth, np.zeros(60), {RECURRENCE: 1.0}, {"words": 1.0}, np.arange(60))
    assert (found["accuracy"], found["linear_accuracy"]) == (1.0, 0.5)
    assert found["adds"]["skill"] is True
    alone = {RECURRENCE: wrong, "words": right}
    harm = recurrence_beside(alone, truth, np.ones(60), {RECURRENCE: 1.0}, {"words": 1.0}, np.arange(60))["adds"]
    assert harm["sentence"] == (
        "The recurrence does harm: the same linear models without it have every text right here."
    )
    equal = recurrence_beside(alone, truth, np.zeros(60), {RECURRENCE: 1.0}, {"words": 1.0}, np.arange(60))["adds"]
    assert equal["sentence"].startswith("Not shown that the recurrence earns its place: the same linear models")
    assert "adds" not in recurrence_beside(parts, truth, np.zeros(60), {RECURRENCE: 1.0}, {}, np.arange(60))


def test_what_no_model_gets_right_is_counted() -> None:
    truth = np.zeros(10, np.int64)
    right = np.log(np.array([[0.9, 0.1]] * 10))

    def failing(*texts: int) -> np.ndarray:
        return np.where(np.isin(np.arange(10), texts)[:, None], right[:, ::-1], right)

    parts, wrong = {RECURRENCE: failing(1, 2, 3), "words": failing(2, 3, 4)}, np.isin(np.arange(10), (1, 2, 3))
    found = missed(parts, truth, wrong.astype(np.float64))
    assert (found["errors"], found["by_all"]) == (3, 2)
    assert found["sentence"] == (
        "2 of its 3 errors (67%) are texts that no model here gets right, the recurrence or a linear one."
    )
    assert missed(parts, truth, np.zeros(10))["sentence"] == ""
    assert missed({RECURRENCE: failing(1)}, truth, wrong.astype(np.float64))["sentence"] == ""
