"""A tagger that runs: its tags against every member alone, spans, its folder, what it refuses."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.untrained import (
    LEARNED,
    TEXTS,
    counted,
    in_arrays,
    in_json,
    missing,
    parameters_of,
    reader_of,
    softmax,
    write,
)
from throughtime.data.tagged import marked, together
from throughtime.errors import UserError
from throughtime.linear import folder as linear_folder
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE
from throughtime.linear.folder import NAIVE_BAYES
from throughtime.models import crf
from throughtime.models.ops_numpy import ReferenceOps
from throughtime.runtime.readers import Reader, Readers
from throughtime.storage.folder import CONFIG, TOKENIZER, WEIGHTS
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag import stream as tag
from throughtime.tasks.tag.model import TaggerConfig, TaggerEnsemble
from throughtime.tasks.tag.stream import SCHEMA, TaggerStream, TokenTagger

BIO = ["O", "B-who", "I-who", "B-when", "I-when"]
BIOES = ["O", "B-who", "I-who", "E-who", "S-who"]
INTENTS = ["ask", "tell", "greet"]
SAID = [text for text in TEXTS if text]


def make(
    tags: list[str] = BIO,
    intents: list[str] = INTENTS,
    members: int = 1,
    crf: bool = True,
    stacked: bool = False,
    dtype: str = "float32",
    reader: dict[str, Any] | None = None,
    linear: Any = None,
    **decided: Any,
) -> TokenTagger:
    """A model over what a classifier reads with."""
    plain = reader_of(**{"kinds": ("word", "shape"), **(reader or {})})
    config = TaggerConfig(plain.config.reader, len(tags), len(intents), ("max", "mean"), crf, stacked)
    own = Reader(plain.splitter, plain.columns, config, plain.features)
    readers = Readers("tagger", tagger, [own], members, parameters_of(tagger, [own], members, dtype))
    return TokenTagger(readers, tags, intents, linear, Decided(**decided))


def slow(model: TokenTagger, tokens: list[str]) -> tuple[list[str], list[float], np.ndarray]:
    """The tags, how sure each is, and the intents' probabilities, from each member alone."""
    reader, members = model.readers.readers[0], model.readers.ensemble_size
    given, _ = reader.of_tokens([tokens]).inputs(np.array([0]))
    outputs = [tagger.forward(ReferenceOps(), reader.config, model.readers.own(0, m), given) for m in range(members)]
    emissions = np.mean([scores for scores, _ in outputs], axis=0)[: len(tokens)]
    field = list(crf.allowed(model.tags))
    if reader.config.crf:
        for i, name in enumerate(("transitions", "first", "last")):
            field[i] = field[i] + np.mean([model.readers.own(0, m)[f"crf.{name}"] for m in range(members)], axis=0)
    intents = np.zeros(0)
    if model.intents:
        intents = softmax(np.mean([np.log(softmax(logits[0].astype(float))) for _, logits in outputs], axis=0))
    if not tokens:
        return [], [], intents
    length = np.array([len(tokens)])
    best, shares = crf.best(emissions, *field, length)[:, 0], crf.marginals(emissions, *field, length)[:, 0]
    return [model.tags[k] for k in best], [float(shares[t, k]) for t, k in enumerate(best)], intents


MODELS: dict[str, dict[str, Any]] = {
    "bio": {},
    "bioes": {"tags": BIOES, "members": 3, "reader": {"spelling": True}},
    "without a crf": {"crf": False, "members": 2},
    "no intents": {"intents": [], "reader": {"bidirectional": False, "cell": ("lstm",)}},
    "stacked": {"stacked": True, "reader": {"features": True}, "members": 2},
    "characters": {"reader": {"units": "characters"}},
}


@pytest.mark.parametrize("name", MODELS)
def test_against_each_text_and_member_alone(name: str) -> None:
    model = make(**MODELS[name])
    texts = [*TEXTS, *LEARNED]
    found = list(model.tag(texts))
    several: set[Any] = set()
    for text, one in zip(texts, found, strict=True):
        tags, sure, intents = slow(model, model.tokens(text))
        assert one.tokens == model.tokens(text)
        assert one.tags == tags
        assert one.sure == pytest.approx(sure, abs=1e-4)
        assert one.spans == marked(one.tokens, one.tags, text, one.places)
        assert [text[a:b] for a, b in one.places] == one.tokens
        several |= {*tags, one.intent}
        if model.intents and one.tokens:
            assert sum(one.intents.values()) == pytest.approx(1)
            assert list(one.intents.values()) == pytest.approx(intents.tolist(), abs=1e-4)
            assert one.intent == model.intents[int(intents.argmax())]
        else:
            assert (one.intent, one.intents) == (None, {})
    assert len(several) > 3
    sentences = [model.tokens(text) for text in texts]
    tags, intents = model.predict(sentences)
    assert tags == [one.tags for one in found]
    assert intents == ([one.intent or "" for one in found] if model.intents else [])
    quick = list(model.tag(sentences, sure=False))
    assert [one.tags for one in quick] == tags
    assert all(one.sure == [] for one in quick)
    allowed = [*zip(*np.nonzero(crf.allowed(model.tags)[0] == 0), strict=True)]
    numbers = [[model.tags.index(name) for name in one] for one in tags]
    assert all((a, b) in allowed for one in numbers for a, b in itertools.pairwise(one))


def test_order_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(members=2)
    found = list(model.tag(TEXTS))
    order = [5, 0, 3, 3, 1, 4, 2]
    monkeypatch.setattr(tag, "_TEXTS", 2)
    for one, i in zip(model.tag(iter([TEXTS[i] for i in order])), order, strict=True):
        assert (one.tags, one.intent) == (found[i].tags, found[i].intent)
        assert one.sure == pytest.approx(found[i].sure, abs=1e-5)
    assert list(model.tag([])) == []
    assert model.predict([]) == ([], [])


def test_an_empty_text_has_no_tags() -> None:
    model = make()
    for nothing in ("", " \n", []):
        (found,) = model.tag([nothing])
        assert (found.tokens, found.tags, found.sure, found.spans) == ([], [], [], [])
        assert (found.intent, found.intents) == (None, {})  # nothing was said
    tags, intents = model.predict([["good"], [], ["film"]])
    assert [len(one) for one in tags] == [1, 0, 1]
    assert [name in INTENTS for name in intents] == [True, False, True]  # each intent at its sentence's place


def test_linear_models_have_their_say_in_the_intent() -> None:
    weights = {RECURRENCE: 0.5, "counts": 1.5}
    model = make(linear={"counts": counted()}, weights=weights)
    for text, one in zip(SAID, model.tag(SAID), strict=True):
        tokens = model.tokens(text)
        own = np.log(slow(model, tokens)[2])
        logits = counted().logits([together(tokens)])[0].astype(float)
        wanted = softmax(0.5 * own + 1.5 * np.log(softmax(logits)))
        assert list(one.intents.values()) == pytest.approx(wanted.tolist(), abs=1e-4)
        assert one.intent == INTENTS[int(wanted.argmax())]
    alone = make(linear={"counts": counted()}, weights={"counts": 1.0})
    for text, one in zip(SAID, alone.tag(SAID), strict=True):
        wanted = softmax(counted().logits([together(alone.tokens(text))])[0].astype(float))
        assert list(one.intents.values()) == pytest.approx(wanted.tolist(), abs=1e-5)


def test_an_intent_that_is_not_sure_is_out_of_scope() -> None:
    most = sorted(max(one.intents.values()) for one in make().tag(SAID))
    model = make(threshold=float(np.mean(most[2:4])))
    plain, scoped = list(model.tag(SAID)), list(model.tag(SAID, scope=True))
    assert [one.intent for one in scoped].count(OUT_OF_SCOPE) == 3
    for one, other in zip(scoped, plain, strict=True):
        sure = max(other.intents.values()) >= (model.threshold or 0)
        assert one.intent == (other.intent if sure else OUT_OF_SCOPE)
        assert (one.tags, one.intents) == (other.tags, other.intents)
    assert all(one.intent is None for one in make(intents=[], threshold=0.5).tag(TEXTS, scope=True))
    with pytest.raises(UserError, match="no threshold was found for this model"):
        list(make().tag(TEXTS, scope=True))


def test_one_text_and_what_is_no_text_are_refused() -> None:
    model = make()
    with pytest.raises(UserError, match=r"expected several texts, got one; give a list, \[text\]"):
        list(model.tag("good film"))
    for wrong, words in (
        (None, "expected texts, or lists of tokens, got NoneType"),
        (3, "expected texts, or lists of tokens, got int"),
        (b"good", "expected texts, or lists of tokens, got bytes"),
        (["good", 3], "expected tokens as texts, got int"),
        ([["good"]], "expected tokens as texts, got list"),
    ):
        with pytest.raises(UserError, match=words):
            list(model.tag(["good", wrong]))


def test_texts_are_taken_as_they_are_needed() -> None:
    model, taken = make(intents=[], reader={"bidirectional": False, "kinds": ("word",)}), 0

    def texts() -> Iterator[list[str]]:
        nonlocal taken
        for i in range(20_000):
            taken += 1
            yield ["good", "film"][: i % 3]

    given = 0
    for given, _ in enumerate(model.tag(texts(), sure=False), 1):
        assert taken - given < 5000
        if given == 5000:
            break
    assert taken < 11_000
    assert given == 5000


def test_an_output_that_is_no_number_is_refused() -> None:
    model = make()
    model.readers.own(0, 0)["output.b_y"][:] = np.nan
    with pytest.raises(UserError, match="output is not finite"):
        list(model.tag(TEXTS))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tags": BIO[:4]}, "expected the names of 5 tags"),
        ({"intents": []}, "expected the names of 3 intents"),
        ({"intents": [*INTENTS, "more"]}, "expected the names of 3 intents"),
        ({"linear": {"counts": counted(2)}}, "linear models of 3 intents"),
        ({"weights": {"counts": 1.0}}, "expected weights of recurrence"),
        ({"weights": {RECURRENCE: 0.0}}, "expected weights of recurrence"),
        ({"weights": {RECURRENCE: -1}}, "expected weights of recurrence"),
        ({"weights": {RECURRENCE: None}}, "weights must be a number"),
        ({"threshold": 1.5}, "expected a threshold from 0 to 1"),
        ({"threshold": "x"}, "threshold must be a number"),
    ],
)
def test_what_does_not_fit_together(change: dict[str, Any], words: str) -> None:
    readers = make().readers

    def made(tags: Any = BIO, intents: Any = INTENTS, linear: Any = None, **decided: Any) -> TokenTagger:
        return TokenTagger(readers, tags, intents, linear, Decided(**decided))

    with pytest.raises(UserError, match=words):
        made(**change)


def test_one_reader_alone() -> None:
    config = make().readers.readers[0].config
    with pytest.raises(UserError, match="expected one reader"):
        TaggerEnsemble((config, config), 1, tuple(BIO), tuple(INTENTS))


def test_of_tags_and_intents_that_are_equally_likely_the_first_is_the_answer() -> None:
    model = make()
    own = model.readers.own(0, 0)
    for name in ("output.W_hy", "output.b_y", "intent.W_py", "intent.b_y", *(n for n in own if n.startswith("crf"))):
        own[name][:] = 0.0
    model = TokenTagger(model.readers, BIO, INTENTS)
    for one in model.tag(SAID):
        assert one.tags == ["O"] * len(one.tokens)
        assert one.intent == "ask"
    own["output.b_y"][:], own["intent.b_y"][:] = [0.0, 1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0]
    for one in model.tag(SAID):
        assert one.tags == ["B-who"] * len(one.tokens)
        assert one.intent == "tell"


def test_a_stream_of_texts_carries_nothing() -> None:
    model = make()
    stream = model.stream()
    assert isinstance(stream, TaggerStream)
    for text, one in zip(TEXTS, model.tag(TEXTS), strict=True):
        state = stream.save()
        found = stream.feed(text)
        assert (found.tokens, found.tags, found.intent) == (one.tokens, one.tags, one.intent)
        assert found.sure == pytest.approx(one.sure, abs=1e-5)
        stream.restore(state)
        assert stream.state() == ({}, None)


@pytest.fixture(scope="module")
def model() -> TokenTagger:
    options = {"spelling": True, "features": True}
    weights = {RECURRENCE: 1.0, "counts": 0.5}
    return make(members=2, stacked=True, reader=options, linear={"counts": counted()}, weights=weights)


@pytest.fixture(scope="module")
def kept(model: TokenTagger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (reader,) = model.readers.readers
    names = tuple(model.tags), tuple(model.intents)
    config = TaggerEnsemble((reader.config,), model.readers.ensemble_size, *names)
    return write(model, tmp_path_factory.mktemp("tagger"), SCHEMA, config)


def test_a_folder_gives_the_same_answers_without_torch(model: TokenTagger, kept: Path) -> None:
    wanted = [one.to_json() for one in model.tag(TEXTS)]
    assert [one.to_json() for one in throughtime.load(kept).tag(TEXTS)] == wanted
    script = (
        "import json, sys, throughtime\n"
        "model = throughtime.load(sys.argv[1])\n"
        "found = [one.to_json() for one in model.tag(json.loads(sys.argv[2]))]\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "print(json.dumps(found))"
    )
    call = [sys.executable, "-c", script, str(kept), json.dumps(TEXTS)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for one, other in zip(json.loads(done.stdout), wanted, strict=True):
        assert one["sure"] == pytest.approx(other["sure"], abs=1e-12)
        assert {k: v for k, v in one.items() if k in ("tokens", "tags", "spans", "intent")} == {
            k: v for k, v in other.items() if k in ("tokens", "tags", "spans", "intent")
        }


def decided(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["decided"].update(values))


def names(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["model"].update(values))


def size(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["model"]["readers"][0].update(values))


PAIRS = "0.1.crf.transitions"
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no tokenizer": (missing(TOKENIZER), "cannot be read"),
    "no weights": (missing(WEIGHTS), "cannot be read"),
    "no features": (missing(NAIVE_BAYES), "cannot be read"),
    "no linear models": (missing(linear_folder.LINEAR), "expected weights of recurrence"),
    "no linear weights": (missing(linear_folder.LINEAR_WEIGHTS), "cannot be read"),
    "no model": (in_json(CONFIG, lambda config: config.pop("model")), "model missing"),
    "no tags": (names(tags=None), "tags must be a list"),
    "no list of intents": (names(intents="ask"), "intents must be a list"),
    "fewer tags": (names(tags=BIO[:4]), "names of 5 tags"),
    "a tag twice": (names(tags=[*BIO[:4], "O"]), "each once"),
    "tags of lists": (names(tags=[[], *BIO[:4]]), "tags must be a list of names"),
    "more intents": (names(intents=[*INTENTS, "more"]), "names of 3 intents"),
    "a weight of a stranger": (decided(weights={RECURRENCE: 1, "nobody": 1}), "expected weights"),
    "weights of a list": (decided(weights=[]), "weights must be an object"),
    "a billion members": (names(ensemble_size=10**9), "from 1 to 999"),
    "more tags in the sizes": (size(tags=6), "names of 6 tags"),
    "a billion tags": (size(tags=10**9), "tags must be an integer"),
    "no crf": (size(crf=False), "unknown"),
    "not stacked": (size(stacked=False), "unknown"),
    "stacked on nothing": (size(intents=0), "there are none"),
    "a classifier's sizes": (size(tags=None), "tags must be an integer"),
    "another task": (in_json(CONFIG, lambda config: config.update(task="classify")), "missing in its configuration"),
    "a word more": (
        in_json(TOKENIZER, lambda data: data["readers"][0]["columns"]["vocabularies"][0].append("more")),
        "expected vocabularies",
    ),
    "another shape": (in_arrays(WEIGHTS, lambda a: a.update({PAIRS: a[PAIRS][:, :2].copy()})), "transitions must be"),
    "NaN": (in_arrays(WEIGHTS, lambda a: a[PAIRS].fill(np.nan)), "not finite"),
    "none": (in_arrays(WEIGHTS, lambda a: a.clear()), "missing"),
    "weights of text": (lambda f: (f / WEIGHTS).write_text("weights") and None, "expected safetensors"),
    "linear models of other intents": (
        in_arrays(
            linear_folder.LINEAR_WEIGHTS,
            lambda a: a.update({"0.weights": a["0.weights"][:, :2].copy(), "0.bias": a["0.bias"][:2].copy()}),
        ),
        "linear models of 3 intents",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_folder_says_so_in_one_line(kept: Path, tmp_path: Path, name: str) -> None:
    change, text = DAMAGE[name]
    folder = Path(shutil.copytree(kept, tmp_path / "m"))
    change(folder)
    with pytest.raises(UserError, match=text) as caught:
        throughtime.load(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_weights_stay_as_they_are(kept: Path) -> None:
    assert throughtime.load(kept, weights="float32").tags == BIO
    with pytest.raises(UserError, match="expected weights as they are, float32, got 'int8'"):
        throughtime.load(kept, weights="int8")
