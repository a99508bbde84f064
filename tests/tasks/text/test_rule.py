"""What is chosen of a language model where nobody chose."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import LanguageModel
from throughtime.models.stack import Dropout
from throughtime.tasks.text import rule
from throughtime.tasks.text.data import Text, usual_blocks, usual_validation
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.rule import LEVELS, Corpus, harder, level_of, settle

MACHINE = 160e9  # multiplications and additions a second


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "measured_speed", lambda threads, seconds: MACHINE)


def chosen(corpus: Corpus, **options: Any) -> TextOptions:
    return settle(corpus, TextOptions(**options), 2)[0]


@pytest.mark.usefixtures("machine")
def test_a_larger_budget_buys_a_larger_model() -> None:
    corpus = Corpus(20_000_000, 100)
    hidden = [chosen(corpus, minutes=minutes).hidden for minutes in (0.1, 0.5, 3, 30, 300)]
    assert hidden == sorted(hidden)
    assert hidden[0] < 160
    assert 320 <= hidden[2] <= 448  # found by hand for three minutes on such a machine
    assert 512 <= hidden[3] <= 768
    assert all(chosen(corpus, minutes=minutes).dropout == 0 for minutes in (0.5, 3))


@pytest.mark.usefixtures("machine")
def test_a_faster_machine_or_more_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(1_000_000, 65)
    slow = settle(corpus, TextOptions(minutes=6), 2)[0]
    monkeypatch.setattr(rule, "measured_speed", lambda threads, seconds: 2 * MACHINE)
    fast = settle(corpus, TextOptions(minutes=3), 2)[0]
    assert fast.replaced(minutes=6) == slow


@pytest.mark.usefixtures("machine")
def test_what_is_seen_often_is_regularized() -> None:
    dropped = [chosen(Corpus(tokens, 65), minutes=3).dropout for tokens in (20_000_000, 1_000_000, 200_000)]
    assert dropped == sorted(dropped)
    assert dropped[0] == 0
    assert dropped[-1] >= 0.3
    assert [level_of(passes) for passes in (0.5, 3, 6, 10, 20, 40, 80, 1e6)] == list(range(8))


@pytest.mark.usefixtures("machine")
def test_a_short_text_gets_a_small_model_and_several_attempts() -> None:
    short, long = chosen(Corpus(18_000, 80), minutes=3), chosen(Corpus(1_000_000, 80), minutes=3)
    assert short.attempts > 1
    assert short.attempt_steps is not None
    assert short.hidden < long.hidden
    assert short.batch < long.batch == 32
    assert long.attempts == 1
    assert long.attempt_steps is None
    given = chosen(Corpus(18_000, 80), minutes=3, dropout=0.2)  # what is given stays, also on the way
    assert (given.dropout, given.attempts) == (0.2, 1)


@pytest.mark.usefixtures("machine")
def test_a_very_short_text_takes_steps_enough_and_once_where_nothing_tells_which_was_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = chosen(Corpus(810, 48), minutes=1, validation=0.1)
    assert (short.attempts, short.attempt_steps) == (6, 200)
    assert short.ngram
    blind, choices = settle(Corpus(180, 33), TextOptions(minutes=1, validation=0.0), 2)
    assert (blind.attempts, blind.attempt_steps, blind.ngram) == (1, 50, False)
    assert blind.dropout > short.dropout  # no later attempt will drop more
    assert "nothing is kept to choose by" in next(one.why for one in choices if one.name == "attempts")
    monkeypatch.setattr(rule, "measured_speed", lambda threads, seconds: 6e9)
    assert 12 < chosen(Corpus(810, 48), minutes=0.01, validation=0.1).attempt_steps < 100  # no more than fit


def test_a_budget_of_steps_measures_nothing_and_is_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(threads: int, seconds: float) -> float:
        raise AssertionError

    monkeypatch.setattr(rule, "measured_speed", measured)
    options, _ = settle(Corpus(1_000_000, 65), TextOptions(steps=3000), 2)
    assert 320 <= options.hidden <= 448
    assert options.learn_validation is False  # of a run in steps every loss can be repeated
    assert options.attempts == 1
    epochs, _ = settle(Corpus(1_000_000, 65), TextOptions(epochs=6), 2)
    assert epochs.hidden == options.hidden


@pytest.mark.usefixtures("machine")
def test_what_is_given_stays_and_the_rest_is_said() -> None:
    given = {"hidden": 96, "learning_rate": 1e-3, "average": 0.0, "batch": 7, "weight_dropout": 0.0, "minutes": 3.0}
    options, choices = settle(Corpus(100_000, 65), TextOptions(**given), 2)
    assert {name: getattr(options, name) for name in given} == given
    named = {choice.name: choice for choice in choices}
    assert not given.keys() & named.keys()
    assert {"embedding", "dropout", "warm_up", "weight_decay"} <= named.keys()
    assert all(getattr(options, name) == choice.value and choice.why for name, choice in named.items())
    full = options.replaced(**dict.fromkeys(("chrono", "clip", "patience")))
    assert settle(Corpus(100_000, 65), full, 2) == (full, ())


@pytest.mark.usefixtures("machine")
def test_many_different_tokens_cost_less_than_they_seem() -> None:
    assert chosen(Corpus(1_700_000, 6100), minutes=3).hidden >= 256
    assert chosen(Corpus(1_700_000, 6100), minutes=3).embedding == 128
    assert chosen(Corpus(1_700_000, 65), minutes=3).embedding == 64


@pytest.mark.usefixtures("machine")
def test_few_steps_are_larger() -> None:
    def rate(steps: int) -> float:
        found = chosen(Corpus(1_000_000, 65), steps=steps, hidden=192).learning_rate
        assert found is not None
        return found

    assert rate(300) == rate(900) == pytest.approx(2 * rate(2_000), rel=0.02)
    assert rate(2_000) == rate(20_000) < rate(1_400) < rate(300)


def test_every_attempt_drops_more() -> None:
    drops = [harder(Dropout(output=0.3), times) for times in range(7)]
    assert drops[0].output == 0.3
    assert [d.output for d in drops] == sorted(d.output for d in drops)
    assert [d.weight for d in drops] == sorted(d.weight for d in drops)
    assert drops[5] == drops[6]  # there is none above
    assert drops[6].output == LEVELS[-1].dropout
    assert harder(Dropout(between=0.1, output=0.3, variational=True), 1).between == 0.1


@pytest.mark.parametrize(
    ("cell", "sizes"), [("gru", None), ("rnn", None), (["lstm", "gru"], None), ("projected_lstm", {"P": 32})]
)
def test_the_size_is_that_of_the_cell(cell: Any, sizes: dict[str, int] | None) -> None:
    corpus = Corpus(1_000_000, 65)
    hidden = chosen(corpus, cell=cell, sizes=sizes, steps=3000).hidden
    lstm = chosen(corpus, steps=3000).hidden
    assert hidden < lstm if isinstance(cell, list) else hidden > lstm


def test_a_text_is_cut_by_its_length() -> None:
    assert [usual_validation(length) for length in (300, 18_000, 900_000, 50_000_000)] == [0.0, 0.1, 0.0222, 0.01]
    assert [usual_blocks(characters) for characters in (0, 400, 1800, 20_000, 500_000)] == [1, 1, 3, 20, 20]


def test_validation_is_spread_over_what_is_learned() -> None:
    text = "".join(chr(0x4E00 + i % 5000) for i in range(40_000))
    cut = Text(text, validation=0.1, holdout=0.25, blocks=5)
    held, learned = cut.stretches("validation"), cut.stretches("train")
    assert [end - first for first, end in held] == [600] * 5
    assert [(first + end) // 2 for first, end in held] == [3000, 9000, 15_000, 21_000, 27_000]
    every = sorted(held + learned)
    assert every[0][0] == 0
    assert every[-1][1] == 30_000
    assert all(a[1] == b[0] for a, b in itertools.pairwise(every))
    assert len(cut.part("train")) + len(cut.part("validation")) == cut.stretches("learned")[0][1] == 30_000
    assert cut.part("validation")[600:1200] == text[8700:9300]
    one = Text(text, validation=0.1, holdout=0.25)
    assert one.stretches("validation") == [(27_000, 30_000)]  # as it was before there were blocks


def test_attempts_and_the_validation_part_in_a_training() -> None:
    text = "the cat sat on the mat. the dog lay under the table. " * 40
    options = {"hidden": 24, "embedding": 8, "batch": 8, "window": 16, "threads": 1, "attempts": 3}
    model = LanguageModel(**options, attempt_steps=40, dropout=0.1, weight_dropout=0.0).fit(
        text, minutes=0.05, quiet=True, validation=0.1, learn_validation=True, learning_rate=0.01
    )
    assert model.outcome is not None
    lines = [line for line in model.outcome.history if "attempt" in line]
    assert lines, "a text this simple is learned long before three seconds are over"
    assert "dropout 0.2" in lines[0]["attempt"]
    losses = [line["validation_loss"] for line in model.outcome.history if "validation_loss" in line]
    assert model.outcome.best == pytest.approx(min(losses))
    assert np.isfinite(next(iter(model.evaluate()["baselines"]["ngram"].values())))


@pytest.mark.parametrize("text", ["ab" * 100, "a" * 500, "\n".join("你好，世界" for _ in range(80))])
def test_the_shortest_texts_get_settings_that_work(text: str) -> None:
    model = LanguageModel(threads=1).fit(text, minutes=1 / 60, quiet=True)
    assert model.outcome is not None
    assert model.outcome.seconds < 4
    assert np.isfinite(model.evaluate()["nats_per_character"])


@pytest.mark.parametrize("learn_validation", [False, True])
def test_a_run_of_attempts_can_be_gone_on_with(tmp_path: Path, learn_validation: bool) -> None:
    text = "the cat sat on the mat. the dog lay under the table. " * 40
    own = {"hidden": 24, "embedding": 8, "batch": 8, "window": 16, "threads": 1, "learning_rate": 0.01}
    how = {"attempts": 2, "attempt_steps": 30, "dropout": 0.1, "weight_dropout": 0.0, "validation": 0.1}
    first = LanguageModel(**own, **how, learn_validation=learn_validation).fit(text, tmp_path, minutes=0.02, quiet=True)
    assert first.outcome is not None
    again = LanguageModel().fit(text, tmp_path, resume=True, minutes=0.06, quiet=True)
    assert again.outcome is not None
    assert again.outcome.steps >= first.outcome.steps
    assert again.outcome.best is not None
    assert first.outcome.best is not None
    assert again.outcome.best <= first.outcome.best + 1e-9
    lines = [line["attempt"] for line in again.outcome.history if "attempt" in line]
    assert len(lines) == 1
    assert throughtime.load(tmp_path).step(0).shape == (len(set(text)),)
