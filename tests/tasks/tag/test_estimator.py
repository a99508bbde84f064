"""Tagger: learns what only the place in the sentence tells, is the same from its folder, goes on, swaps spans."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from throughtime.tasks.tag.loss import Targets

import throughtime
from tests.tasks.classify.test_estimator import FILL, NONE, history, interrupt_at, same_checkpoints
from throughtime.errors import UserError
from throughtime.linear import fit as linear_text
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import ReaderConfig, Tokens
from throughtime.models.resolve import trace_of
from throughtime.storage.folder import read_weights
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.data import Tagged, read_tagged
from throughtime.tasks.tag.estimator import Tagger
from throughtime.tasks.tag.model import WHO, TaggerConfig, initial_parameters
from throughtime.tasks.tag.swap import Swapper
from throughtime.tasks.tag.token_tagger import marked

TINY: dict[str, Any] = {"hidden": 8, "embedding": 8, "threads": 1}
SURE: dict[str, Any] = {**TINY, "dropout": NONE, "rare_dropout": 0.0, "hidden": 12}
FIT: dict[str, Any] = {"batch": 32, "learning_rate": 0.03, "warm_up": 5, "validations": 4, "average": 0.9}
FEW: dict[str, Any] = {"steps": 4, "batch": 16, "average": 0.0}

CITIES = ["paris", "new york", "rome", "san jose costa rica", "oslo", "los angeles", "bonn"]


def flights(count: int, seed: int = 0, intents: bool = True) -> Tagged:
    """Two cities between words; where from and where to only a word some way before tells, and so does the intent."""
    rng = np.random.default_rng(seed)
    tokens, tags, whole = [], [], []
    for _ in range(count):
        words, own = [], []
        kinds = [str(kind) for kind in rng.permutation(["leave", "reach"])]
        for kind in kinds:
            city = str(rng.choice(CITIES)).split()
            fill = [str(word) for word in rng.choice(FILL, rng.integers(1, 3))]
            words += [kind, *fill, *city]
            own += ["O"] * (1 + len(fill)) + [f"B-{kind}"] + [f"I-{kind}"] * (len(city) - 1)
        tokens.append(words)
        tags.append(own)
        whole.append(f"{kinds[0]} first")
    return Tagged(tokens, tags, whole if intents else [])


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn, which takes its time."""
    monkeypatch.setattr(linear_text, "find_spec", lambda name: None)


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
        {"kind": "leave", "start": 2, "end": 6, "text": "san jose costa rica"},
        {"kind": "reach", "start": 8, "end": 9, "text": "rome"},
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
    assert loaded.fusion == fitted.model.fusion  # type: ignore[union-attr]
    assert loaded.tags == ["O", "B-leave", "I-leave", "B-reach", "I-reach"]
    assert loaded.predict(texts) == fitted.predict(texts)
    assert fitted.predict(texts)[0][-1] == []
    with pytest.raises(UserError, match="expected several texts, got one"):
        fitted.tag("leave rome")


@pytest.mark.parametrize("more", [{"crf": False}, {"stacked": True}, {"members": 2}, {"both": False, "layers": 2}])
@pytest.mark.parametrize("intents", [True, False])
def test_every_kind_trains_and_runs(alone: None, tmp_path: Path, more: dict[str, Any], intents: bool) -> None:
    data = flights(60, intents=intents)
    model = Tagger(**TINY, **more).fit(data.tokens, data.tags, data.intents or None, tmp_path, **FEW)
    assert model.model is not None
    config = model.model.readers.readers[0].config
    assert config.crf is more.get("crf", True)
    assert config.stacked is (more.get("stacked", False) and intents)
    names = {name.partition(".")[2].partition(".")[2] for name in model.model.readers.parameters}
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
    model = Tagger(**SURE, crf=False, stacked=True).fit(flights(300), steps=100, **FIT)
    assert model.evaluate(flights(100, 1))["slot_f1"] > 0.95


def test_single_characters(alone: None) -> None:
    tokens = [list("去北京吧"), list("到上海去"), list("回家"), list("去上海吧"), list("到北京去")]
    tags = [["O", "B-c", "I-c", "O"], ["O", "B-c", "I-c", "O"], ["O", "O"]]
    tags += [tags[0], tags[1]]
    model = Tagger(**TINY).fit(tokens, tags, **FEW)
    assert model.model is not None
    assert model.model.readers.readers[0].splitter.kind == "characters"
    assert model.model.tokens("去北京") == ["去", "北", "京"]
    one = model.tag(["去北京"])[0]
    assert one.intent is None
    assert "intent" not in one.to_json()


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_against_its_definition(crf: bool, smoothing: float) -> None:
    """Over all sequences of tags that a sentence could have."""
    names, intents = ["O", "B-a", "I-a"], ["x", "y"]
    reader = ReaderConfig.stack(WHO, [("word", 5, 3)], [trace_of("gru")], 4, pieces=(0, 0))
    config = TaggerConfig(reader, 3, 2, crf=crf)
    parameters = initial_parameters(config, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for name in ("crf.transitions", "crf.first", "crf.last"):
        if crf:
            parameters[name] = rng.standard_normal(parameters[name].shape).astype(np.float32)
    parameters["output.b_y"] += np.array([1, -2, 3], np.float32)  # so that there are scores behind an end
    model = TorchModel(tagger, config, parameters).eval()
    lengths = [3, 1]
    ids = torch.tensor([[[1, 4], [2, 0], [3, 0]]])
    tokens = Tokens(ids, torch.tensor(lengths))
    targets = Targets(names, intents, smoothing)
    given = Tagged([["a"], list("abc"), ["d"]], [["O"], ["B-a", "I-a", "O"], ["B-a"]], ["y", "x", "y"])
    targets.take(given)
    rows = np.array([1, 2])
    with torch.no_grad():
        output = model(tokens)
        found = targets.loss(model, output, tokens, rows).numpy()
    scores, logits = (value.numpy().astype(np.float64) for value in output)
    for b, row in enumerate(rows):
        count, truth = lengths[b], [names.index(tag) for tag in given.tags[row]]

        def total(path: Any, b: int = b) -> float:
            value = sum(scores[t, b, k] for t, k in enumerate(path))
            if crf:
                pairs = parameters["crf.transitions"]
                value += parameters["crf.first"][path[0]] + parameters["crf.last"][path[-1]]
                value += sum(pairs[i, j] for i, j in pairwise(path))
            return float(value)

        every = np.logaddexp.reduce([total(path) for path in product(range(3), repeat=count)])
        logs = logits[b] - np.logaddexp.reduce(logits[b])
        own = intents.index(given.intents[row])
        wanted = every - total(truth) - (1 - smoothing) * logs[own] - smoothing * logs.mean()
        assert found[b] == pytest.approx(wanted, rel=1e-4)


def spans_of(texts: Tagged) -> list[list[tuple[str, str]]]:
    return [
        [(span["kind"], span["text"]) for span in marked(tokens, tags)]
        for tokens, tags in zip(texts.tokens, texts.tags, strict=True)
    ]


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_spans_are_swapped_for_others_of_their_kind(scheme: str) -> None:
    data = flights(80)
    for tokens, own in zip(data.tokens, data.tags, strict=True):
        tokens[:] = [f"{token}!" if tag.endswith("reach") else token for token, tag in zip(tokens, own, strict=True)]
    if scheme == "BIOES":
        tags = []
        for own in data.tags:
            ends = [i + 1 == len(own) or not own[i + 1].startswith("I") for i in range(len(own))]
            new = {("B", True): "S", ("I", True): "E"}
            tags.append([new.get((t[0], end), t[0]) + t[1:] for t, end in zip(own, ends, strict=True)])
        data = read_tagged((data.tokens, tags, data.intents))
    assert data.scheme == scheme
    swapper = Swapper(data, 0.5)
    found = swapper.swapped(np.random.default_rng([0, 3]))
    again = swapper.swapped(np.random.default_rng([0, 3]))
    assert (found.tokens, found.tags) == (again.tokens, again.tags)
    assert found.tokens != swapper.swapped(np.random.default_rng([0, 4])).tokens
    assert found.intents == data.intents
    known: dict[str, set[str]] = {}
    for spans in spans_of(data):
        for kind, text in spans:
            known.setdefault(kind, set()).add(text)
    changed = 0
    for before, after in zip(spans_of(data), spans_of(found), strict=True):
        assert [kind for kind, _ in before] == [kind for kind, _ in after]
        assert all(text in known[kind] for kind, text in after)
        changed += sum(a != b for a, b in zip(before, after, strict=True))
    assert 0.25 < changed / (2 * len(data)) < 0.55  # some are swapped for themselves
    for tokens, tags, old, marks in zip(found.tokens, found.tags, data.tokens, data.tags, strict=True):
        assert len(tokens) == len(tags)
        outside = [token for token, tag in zip(tokens, tags, strict=True) if tag == "O"]
        assert outside == [token for token, tag in zip(old, marks, strict=True) if tag == "O"]
    assert {tag for tags in found.tags for tag in tags} <= {tag for tags in data.tags for tag in tags}
    for tokens, tags in zip(found.tokens, found.tags, strict=True):
        for span in marked(tokens, tags):
            own = "".join(tag[0] for tag in tags[span["start"] : span["end"]])
            assert own in (("B", "BI", "BII", "BIII") if scheme == "BIO" else ("S", "BE", "BIE", "BIIE"))
    assert Swapper(data, 0.0).swapped(np.random.default_rng(0)).tokens == data.tokens


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
    model = Tagger(**SURE, swap=0.5).fit(flights(300), steps=100, **FIT)
    assert len(found) == 12  # an epoch is nine steps
    assert [id(one) for one in taken[1:]] == [id(one) for one in found]  # the tags go with them
    assert found[0].tokens != found[1].tokens  # anew in each
    assert model.evaluate(flights(100, 1))["slot_f1"] > 0.95


def test_no_swap_makes_a_tag_that_is_not_known() -> None:
    data = Tagged([["go", "rome"], ["from", "new", "york"]], [["O", "B-to"], ["O", "I-to", "I-to"]], [])
    found = Swapper(data, 0.99).swapped(np.random.default_rng(0))
    assert {tag for tags in found.tags for tag in tags} <= {"O", "B-to", "I-to"}
    alone = Tagged([["new", "york"], ["old", "york"]], [["I-to", "I-to"]] * 2, [])
    assert Swapper(alone, 0.99).swapped(np.random.default_rng(0)).tags == alone.tags
    plain = Tagged([["a", "b"]], [["noun", "verb"]], [], scheme="none")
    assert Swapper(plain, 0.99).swapped(np.random.default_rng(0)).tokens == plain.tokens


def test_the_seed_decides_everything_random(alone: None) -> None:
    data, shares = flights(60), []
    for seed in (0, 0, 1):
        model = Tagger(**TINY, seed=seed, members=2, swap=0.5).fit(data, **{**FEW, "average": 0.9})
        shares.append(np.concatenate([one.sure for one in model.tag(data.tokens)]))
    np.testing.assert_array_equal(shares[0], shares[1])
    assert np.abs(shares[0] - shares[2]).max() > 1e-3


def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {**TINY, "members": 2, "swap": 0.5, "stacked": True, "label_smoothing": 0.1, "columns": ["word", "shape"]}
    fit: dict[str, Any] = {"steps": 14, "batch": 24, "average": 0.9, "log_every": 3, "validations": 5}
    data = flights(90)
    whole = Tagger(**options, seed=3).fit(data, None, None, tmp_path / "whole", **fit)
    with monkeypatch.context() as patch:
        interrupt_at(6, patch)
        parts = Tagger(**options, seed=3).fit(data, None, None, tmp_path / "parts", **fit)
    assert parts.outcome is not None
    assert parts.outcome.ended == "interrupted"
    loaded = throughtime.load(tmp_path / "parts")  # what there is, tags
    assert len(loaded.predict(data.tokens[:3])[0]) == 3
    assert loaded.linear == {}
    with pytest.raises(UserError, match="learns other texts"):
        Tagger().fit(flights(91), None, None, tmp_path / "parts", resume=True)
    parts = Tagger().fit(data, None, None, tmp_path / "parts", resume=True)
    same_checkpoints(tmp_path / "whole", tmp_path / "parts")
    assert history(tmp_path / "whole") == history(tmp_path / "parts")
    kept = [read_weights(tmp_path / name / "model.safetensors") for name in ("whole", "parts")]
    assert kept[0].keys() == kept[1].keys()
    assert all(np.array_equal(value, kept[1][name]) for name, value in kept[0].items())
    assert [one.to_json() for one in whole.tag(data.tokens)] == [one.to_json() for one in parts.tag(data.tokens)]
    sections = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("whole", "parts")]
    for name in ("tag", "training", "model", "data"):
        assert sections[0][name] == sections[1][name], name


def test_an_interrupted_run_in_place_of_another_model_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three = flights(60)
    three.intents[0] = three.intents[1] = three.intents[2] = "other"
    Tagger(**TINY).fit(three, None, None, tmp_path, **FEW)
    assert (tmp_path / "linear.json").exists()
    with monkeypatch.context() as patch:
        interrupt_at(2, patch)
        Tagger(**TINY).fit(flights(60), None, None, tmp_path, force=True, **{**FEW, "steps": 50})
    loaded = throughtime.load(tmp_path)
    assert loaded.linear == {}
    assert set(loaded.predict([["we"]])[1]) <= {"leave first", "reach first"}


def test_without_scikit_learn(alone: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = Tagger(**TINY).fit(flights(60), None, None, tmp_path, **FEW, quiet=False)
    assert "need scikit-learn" in capfd.readouterr().err
    assert model.model is not None
    assert list(model.model.linear) == ["majority class"]
    assert throughtime.load(tmp_path).predict([["we"]]) == model.predict([["we"]])


def test_validation_texts_of_their_own(alone: None) -> None:
    held = flights(20, 1)
    held.tags[0][0], held.intents[1] = "B-unheard", "unheard of"
    model = Tagger(**TINY).fit(flights(60), validation=held, **FEW)
    assert model.model is not None
    assert "B-unheard" not in model.model.tags
    assert model.model.intents == ["leave first", "reach first"]
    Tagger(**TINY).fit(flights(60, intents=False), validation=held, **FEW)
    with pytest.raises(UserError, match="the texts to choose by have no intents"):
        Tagger(**TINY).fit(flights(60), validation=flights(20, 1, False), **FEW)


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
        Tagger(**TINY).fit(*given, **FEW)


def test_plain_tags_are_learned(alone: None) -> None:
    rng = np.random.default_rng(0)
    tokens = [[str(word) for word in rng.choice(FILL, 5)] for _ in range(100)]
    tags = [["noun" if len(word) > 3 else "other" for word in one] for one in tokens]
    model = Tagger(**SURE, swap=0.5).fit(tokens, tags, steps=30, **FIT)
    assert model.config["tag"]["scheme"] == "none"
    assert model.predict([["film", "the"]]) == ([["noun", "other"]], [])
    found = model.evaluate(tokens, tags)
    assert found["token_accuracy"] > 0.95
    assert set(found["by_kind"]) == {"noun", "other"}


def test_few_and_strange_texts(alone: None) -> None:
    for tags in ([["O"], ["O"], ["O"]], [["B-x"], ["O"], ["I-x"]]):
        model = Tagger(**TINY, swap=0.5).fit([["a"], ["b"], ["c"]], tags, **FEW)
        assert len(model.predict([["a", "b"], ["d"], []])[0][0]) == 2
    long = [["a"] * 10_000, ["b"], ["c"]]
    model = Tagger(**TINY).fit(long, [["O"] * 10_000, ["B-x"], ["O"]], **{**FEW, "steps": 1})
    assert len(model.predict(long)[0][0]) == 10_000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden": 0}, "tagger: hidden must be an integer"),
        ({"swap": 1.0}, "tagger: swap must be a share"),
        ({"rare_dropout": -1}, "rare_dropout must be a share"),
        ({"columns": ["letters"]}, "columns: expected some of word, token"),
        ({"dropout": {"inside": 0.1}}, "inside"),
        ({"cell": "elman"}, "'elman'"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Tagger(**{**TINY, **options}).fit(flights(20), **FEW)


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
        Tagger(**TINY).fit(flights(20), **fit)


def test_an_unfitted_tagger_says_so() -> None:
    with pytest.raises(UserError, match="call fit first"):
        Tagger().predict([["a"]])
