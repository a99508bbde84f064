"""Tagger: learns what only the place in the sentence tells, is the same from its folder, goes on, swaps spans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.runs import interrupt_at, same_runs
from tests.tasks.reading.texts import FEW, FILL, FIT, NONE, TAGGER, flights
from throughtime.data.tagged import Tagged
from throughtime.errors import UserError
from throughtime.tasks.tag.estimator import Tagger
from throughtime.tasks.tag.job import Targets
from throughtime.tasks.tag.swap import Swapper

SURE: dict[str, Any] = {**TAGGER, **NONE, "rare_dropout": 0.0, "hidden": 12}


@pytest.fixture(scope="module")
def fitted() -> Tagger:
    return Tagger(**SURE).fit(flights(300), steps=100, **FIT)


def test_it_learns_slots_and_intents(fitted: Tagger) -> None:
    found = fitted.evaluate(flights(100, 1))
    assert found["slot_f1"] > 0.95
    assert found["intent_accuracy"] > 0.95
    assert found["sentence_accuracy"] > 0.85
    assert found["shuffled"]["token_accuracy"] < 0.9
    assert set(found["by_kind"]) == {"leave", "reach"}
    one = fitted.tag(["leave the san jose costa rica reach it rome"])[0]
    assert one.spans == [
        {"kind": "leave", "start": 2, "end": 6, "text": "san jose costa rica", "start_char": 10, "end_char": 29},
        {"kind": "reach", "start": 8, "end": 9, "text": "rome", "start_char": 39, "end_char": 43},
    ]
    assert one.intent == "leave first"
    assert sum(one.intents.values()) == pytest.approx(1)
    assert len(one.sure) == 9
    assert all(0.3 < share <= 1.0001 for share in one.sure)
    assert json.loads(json.dumps(one.to_json()))["intent"] == "leave first"


def test_saved_and_loaded_it_is_the_same(fitted: Tagger, tmp_path: Path) -> None:
    texts = [*flights(40, 2).tokens, ["unheard"], []]
    fitted.save(tmp_path)
    loaded = throughtime.load(tmp_path)
    assert [one.to_json() for one in loaded.tag(texts)] == [one.to_json() for one in fitted.tag(texts)]
    assert loaded.weights == fitted.fitted().weights
    assert loaded.tags == ["O", "B-leave", "I-leave", "B-reach", "I-reach"]
    assert loaded.predict(texts) == fitted.predict(texts)
    assert fitted.predict(texts)[0][-1] == []
    with pytest.raises(UserError, match="expected several texts, got one"):
        fitted.tag("leave rome")


@pytest.mark.parametrize(
    "more", [{"crf": False}, {"stacked": True}, {"ensemble_size": 2}, {"bidirectional": False, "layers": 2}]
)
@pytest.mark.parametrize("intents", [True, False])
def test_every_kind_trains_and_runs(alone: None, tmp_path: Path, more: dict[str, Any], intents: bool) -> None:
    data = flights(60, intents=intents)
    model = Tagger(**{**TAGGER, **more}).fit(data.tokens, data.tags, data.intents or None, tmp_path, **FEW)
    config = model.fitted().readers.readers[0].config
    assert config.crf is more.get("crf", True)
    assert config.stacked is (more.get("stacked", False) and intents)
    names = {name.partition(".")[2].partition(".")[2] for name in model.fitted().readers.parameters}
    assert ("crf.transitions" in names) is config.crf
    assert ("stacked.W_ey" in names) is config.stacked
    assert ("intent.W_py" in names) is intents
    tags, said = model.predict(data.tokens)
    assert len(said) == (60 if intents else 0)
    assert (throughtime.load(tmp_path).predict(data.tokens)) == (tags, said)
    found = model.evaluate(data)
    assert ("intent_accuracy" in found) is intents
    for one in tags:  # whatever was learned, no span goes on that has not begun
        for before, tag in zip(["O", *one], one, strict=False):
            assert tag[:1] != "I" or before[2:] == tag[2:]


def test_without_a_crf_it_learns_too(alone: None) -> None:
    model = Tagger(**{**SURE, "stacked": True}, crf=False).fit(flights(300), steps=100, **FIT)
    assert model.evaluate(flights(100, 1))["slot_f1"] > 0.95


def test_single_characters(alone: None) -> None:
    tokens = [list("去北京吧"), list("到上海去"), list("回家"), list("去上海吧"), list("到北京去")]
    tags = [["O", "B-c", "I-c", "O"], ["O", "B-c", "I-c", "O"], ["O", "O"]]
    tags += [tags[0], tags[1]]
    model = Tagger(**TAGGER).fit(tokens, tags, **FEW)
    assert model.fitted().readers.readers[0].splitter.kind == "characters"
    assert model.fitted().tokens("去北京") == ["去", "北", "京"]
    one = model.tag(["去北京"])[0]
    assert one.intent is None
    assert "intent" not in one.to_json()


def test_with_swapped_spans_it_learns_too(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    swapped, take, found, taken = Swapper.swapped, Targets.take, [], []

    def told(self: Swapper, rng: np.random.Generator) -> Tagged:
        found.append(swapped(self, rng))
        return found[-1]

    def taking(self: Targets, texts: Tagged) -> None:
        taken.append(texts)
        take(self, texts)

    monkeypatch.setattr(Swapper, "swapped", told)
    monkeypatch.setattr(Targets, "take", taking)
    model = Tagger(**{**SURE, "swap": 0.5}).fit(flights(300), steps=100, **FIT)
    assert len(found) == 12  # an epoch is nine steps
    assert [id(one) for one in taken[1:]] == [id(one) for one in found]  # the tags go with them
    assert found[0].tokens != found[1].tokens  # anew in each
    assert model.evaluate(flights(100, 1))["slot_f1"] > 0.95


def test_the_seed_decides_everything_random(alone: None) -> None:
    data, shares = flights(60), []
    for seed in (0, 0, 1):
        model = Tagger(**{**TAGGER, "ensemble_size": 2, "swap": 0.5}, seed=seed).fit(data, **{**FEW, "average": 0.9})
        shares.append(np.concatenate([one.sure for one in model.tag(data.tokens)]))
    np.testing.assert_array_equal(shares[0], shares[1])
    assert np.abs(shares[0] - shares[2]).max() > 1e-3


def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        **TAGGER,
        "ensemble_size": 2,
        "swap": 0.5,
        "stacked": True,
        "label_smoothing": 0.1,
        "columns": ["word", "shape"],
    }
    fit: dict[str, Any] = {"steps": 14, "batch": 24, "average": 0.9, "log_every": 3, "validations": 5}
    data = flights(90)
    whole = Tagger(**options, seed=3).fit(data, None, None, tmp_path / "whole", **fit)
    with monkeypatch.context() as patch:
        interrupt_at(5 * 2 + 1, patch)  # of two members the first takes its sixth step
        parts = Tagger(**options, seed=3).fit(data, None, None, tmp_path / "parts", **fit)
    assert parts.outcome is not None
    assert parts.outcome.ended == "interrupted"
    loaded = throughtime.load(tmp_path / "parts")  # what there is, tags
    assert len(loaded.predict(data.tokens[:3])[0]) == 3
    assert loaded.linear == {}
    with pytest.raises(UserError, match="learns something else"):
        Tagger().fit(flights(91), None, None, tmp_path / "parts", resume=True)
    parts = Tagger().fit(data, None, None, tmp_path / "parts", resume=True)
    same_runs(tmp_path / "whole", tmp_path / "parts")
    assert [one.to_json() for one in whole.tag(data.tokens)] == [one.to_json() for one in parts.tag(data.tokens)]


def test_an_interrupted_run_in_place_of_another_model_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three = flights(60)
    three.intents[0] = three.intents[1] = three.intents[2] = "other"
    Tagger(**TAGGER).fit(three, None, None, tmp_path, **FEW)
    assert (tmp_path / "linear.json").exists()
    with monkeypatch.context() as patch:
        interrupt_at(2, patch)
        Tagger(**TAGGER).fit(flights(60), None, None, tmp_path, force=True, **{**FEW, "steps": 50})
    loaded = throughtime.load(tmp_path)
    assert loaded.linear == {}
    assert set(loaded.predict([["we"]])[1]) <= {"leave first", "reach first"}


def test_without_scikit_learn(alone: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = Tagger(**TAGGER).fit(flights(60), None, None, tmp_path, **FEW, quiet=False)
    assert "scikit-learn is not installed" in capfd.readouterr().err
    assert list(model.fitted().linear) == ["majority class"]
    assert throughtime.load(tmp_path).predict([["we"]]) == model.predict([["we"]])


def test_validation_texts_of_their_own(alone: None) -> None:
    held = flights(20, 1)
    held.tags[0][0], held.intents[1] = "B-unheard", "unheard of"
    model = Tagger(**TAGGER).fit(flights(60), validation=held, **FEW)
    assert "B-unheard" not in model.fitted().tags
    assert model.fitted().intents == ["leave first", "reach first"]
    Tagger(**TAGGER).fit(flights(60, intents=False), validation=held, **FEW)
    with pytest.raises(UserError, match="the texts to choose by have no intents"):
        Tagger(**TAGGER).fit(flights(60), validation=flights(20, 1, False), **FEW)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (([["a"], ["b"], ["c"]], [["O"], ["O"], ["O"]], ["x", "x", "x"]), "there is one intent, 'x'.*leave it out"),
        (([["a", "b"]], [["O"]]), "row 0: 2 tokens and 1 tag"),
        (([], []), "there are no sentences"),
        (([["a"]], [["O"]]), "at least two different ones"),
        (([["a"], ["b"]], [["O"], ["B-x"]], ["x"]), "2 sentences and 1 intents"),
    ],
)
def test_texts_that_cannot_be(given: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        Tagger(**TAGGER).fit(*given, **FEW)


def test_plain_tags_are_learned(alone: None) -> None:
    rng = np.random.default_rng(0)
    tokens = [[str(word) for word in rng.choice(FILL, 5)] for _ in range(100)]
    tags = [["noun" if len(word) > 3 else "other" for word in one] for one in tokens]
    model = Tagger(**{**SURE, "swap": 0.5}).fit(tokens, tags, steps=30, **FIT)
    assert model.record.data.scheme == "none"
    assert model.predict([["film", "the"]]) == ([["noun", "other"]], [])
    found = model.evaluate(tokens, tags)
    assert found["token_accuracy"] > 0.95
    assert set(found["by_kind"]) == {"noun", "other"}


def test_few_and_strange_texts(alone: None) -> None:
    for tags in ([["O"], ["O"], ["O"]], [["B-x"], ["O"], ["I-x"]]):
        model = Tagger(**{**TAGGER, "swap": 0.5}).fit([["a"], ["b"], ["c"]], tags, **FEW)
        assert len(model.predict([["a", "b"], ["d"], []])[0][0]) == 2
        told = any("nothing to tell apart" in note for note in model.record.data.notes)
        assert told == (["B-x"] not in tags)
    long = [["a"] * 3_000, ["b"], ["c"]]  # longer than Python recurses
    model = Tagger(**TAGGER).fit(long, [["O"] * 3_000, ["B-x"], ["O"]], **{**FEW, "steps": 1})
    assert len(model.predict(long)[0][0]) == 3_000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden": 0}, "tagger: hidden must be an integer"),
        ({"swap": 1.0}, "tagger: swap must be a share"),
        ({"rare_dropout": -1}, "rare_dropout must be a share"),
        ({"columns": ["letters"]}, "columns must be some of word, token"),
        ({"dropout": 1.0}, "dropout must be a share"),
        ({"layer_dropout": -0.1}, "layer_dropout must be a share"),
        ({"cell": "elman"}, "'elman'"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Tagger(**{**TAGGER, **options}).fit(flights(20), **FEW)


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        ({"steps": 1, "epochs": 1}, "give one budget"),
        ({"batch": 0}, "batch must be"),
        ({"validation": 1.0}, "validation must be a share"),
        ({"validation": True}, "validation must be a share"),
        ({"pace": 3}, "pace"),
        ({"resume": True}, "the folder of the run"),
    ],
)
def test_fits_that_cannot_be(fit: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Tagger(**TAGGER).fit(flights(20), **fit)


def test_an_unfitted_tagger_says_so() -> None:
    with pytest.raises(UserError, match="call fit first"):
        Tagger().predict([["a"]])


@pytest.mark.parametrize("characters", [False, True])
def test_nothing_of_what_is_held_back_is_learned(characters: bool, alone: None) -> None:
    def texts(count: int, seed: int, strange: bool) -> Tagged:
        data = flights(count, seed)
        tokens = [["".join(text)[t] for t in range(len(text))] if characters else list(text) for text in data.tokens]
        if strange:
            tokens = [["zq" if not characters else "Z", *text[1:]] for text in tokens]
        return Tagged(tokens, data.tags, data.intents)

    models = [
        Tagger(**TAGGER, spelling=True).fit(texts(60, 0, False), validation=texts(20, 1, strange), **FEW)
        for strange in (False, True)
    ]
    splitters, columns = zip(
        *((one.splitter.to_json(), one.columns.to_json()) for m in models for one in m.fitted().readers.readers),
        strict=True,
    )
    assert splitters[0] == splitters[1]
    assert columns[0] == columns[1]
    assert "zq" not in json.dumps(columns)
