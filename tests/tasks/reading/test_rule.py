"""The rules of tasks that read: what follows from texts and budget, for every option that nobody chose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from throughtime.storage.record import Choice
from throughtime.tasks.choices import settled
from throughtime.tasks.classify import rule as classify
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.format_1 import options_of
from throughtime.tasks.reading.rule import LEAST_LINEAR, MOST_MEMBERS, Facts, linear_seconds
from throughtime.tasks.tag import rule as tag
from throughtime.tasks.tag.options import TaggerOptions

FACTS = Facts(texts=7000, length=19.0, words=True, classes=2, apart=False, threads=2)


def classified(facts: Facts = FACTS, **options: Any) -> ClassifierOptions:
    given = ClassifierOptions(**options)
    return settled(given, classify.choices(facts, given))[0]


def tagged(facts: Facts = FACTS, **options: Any) -> TaggerOptions:
    given = TaggerOptions(**options)
    return settled(given, tag.choices(facts, given))[0]


@pytest.mark.parametrize("texts", [1, 30, 400, 7000, 60_000, 5_000_000])
def test_nothing_is_left_open(texts: int) -> None:
    facts = replace(FACTS, texts=texts)
    for options in (classified(facts), tagged(facts)):
        open_ = [one.name for one in options.declared() if one.rule.chosen and getattr(options, one.name) is None]
        assert open_ in ([], ["refit"])
        assert options.epochs is not None


def test_what_a_person_gives_stays() -> None:
    chosen: dict[str, Any] = {"hidden": 7, "batch": 5, "dropout": 0.0, "ensemble_size": 1, "warm_up": 0, "epochs": 2}
    options = classified(**chosen)
    assert {name: getattr(options, name) for name in chosen} == chosen
    assert tagged(swap=0.0, stacked=False).swap == 0.0
    assert classified(steps=9).epochs is None


def test_the_choices_are_told_with_their_reason() -> None:
    given = ClassifierOptions(batch=5)
    _, told = settled(given, classify.choices(FACTS, given))
    assert all(isinstance(one, Choice) and one.why for one in told)
    assert {"hidden", "dropout", "ensemble_size", "epochs"} <= {one.name for one in told}
    assert "batch" not in {one.name for one in told}


@pytest.mark.parametrize("texts", [3, 60, 500, 7000])
@pytest.mark.parametrize("options", [{}, {"epochs": 1}, {"steps": 60}])
def test_the_warm_up_is_a_tenth_of_the_steps_at_most(texts: int, options: dict[str, int]) -> None:
    chosen = classified(replace(FACTS, texts=texts), **options)
    steps = chosen.steps or chosen.epochs * -(-texts // chosen.batch)  # type: ignore[operator]
    assert chosen.warm_up <= max(0, steps / 10)
    assert chosen.warm_up <= 100


def test_few_texts_are_gone_over_more_often_in_smaller_batches() -> None:
    few, many = classified(replace(FACTS, texts=90)), classified()
    assert (few.batch, few.epochs) == (8, 25)
    assert (many.batch, many.epochs) == (64, 4)
    assert (tagged().batch, tagged().epochs) == (48, 12)


def test_minutes_decide_how_many_members_there_are() -> None:
    def size(minutes: float, seconds: float) -> tuple[int, int | None]:
        chosen = classified(replace(FACTS, seconds=seconds), minutes=minutes)
        return chosen.ensemble_size, chosen.patience

    assert size(0.5, 1e-3) == (1, None)  # a member needs 28 s, there are 48
    assert size(1.0, 1e-3) == (3, None)
    assert size(30.0, 1e-3) == (MOST_MEMBERS, 4)
    assert size(1.0, 1.0) == (1, None)
    slow = replace(FACTS, seconds=1.0)
    assert classified(slow, minutes=1.0).warm_up == 0  # there is time for one step
    assert classified().ensemble_size == 3


def test_a_second_training_where_texts_are_cut_off_and_few() -> None:
    def twice(facts: Facts = FACTS, **options: Any) -> bool:
        return bool(classify.refit(facts, ClassifierOptions(**options)).value)

    assert twice()
    assert twice(minutes=3)
    assert not twice(replace(FACTS, apart=True))
    assert not twice(validation=0.0)
    assert not twice(steps=100)
    assert not twice(replace(FACTS, texts=10**6))


def test_what_starts_from_a_language_model_keeps_what_that_brings() -> None:
    started = classified(start="lm")
    assert started.embedding_dropout == 0.2 < classified().embedding_dropout  # type: ignore[operator]


def test_characters_are_not_swapped() -> None:
    assert (tagged().swap, tagged().stacked) == (0.3, True)
    assert (tagged(replace(FACTS, words=False)).swap, tagged(replace(FACTS, words=False)).stacked) == (0.0, False)
    assert not tagged(replace(FACTS, classes=0)).stacked


@pytest.mark.parametrize("task", ["classify", "tag"])
def test_a_folder_of_format_1_has_nothing_open(task: str) -> None:
    raw: dict[str, Any] = {"model": {"readers": []}, "data": {"validation": 0.1}}
    raw[task] = {"options": {"word_dropout": 0.1}}  # which every such folder says
    options: Any = {"classify": ClassifierOptions, "tag": TaggerOptions}[task]
    kept = options.from_json(options_of(raw, task))
    assert [one.name for one in kept.declared() if one.rule.chosen and getattr(kept, one.name) is None] in (
        [],
        ["refit"],
    )


@pytest.mark.parametrize("task", [ClassifierOptions, TaggerOptions])
def test_linear_models_have_a_share_of_the_minutes(task: Any) -> None:
    assert linear_seconds(task(minutes=2.0)) == 30.0
    assert linear_seconds(task(minutes=0.01)) == LEAST_LINEAR
    assert linear_seconds(task(epochs=3)) is None
