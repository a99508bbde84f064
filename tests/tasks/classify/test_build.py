"""What a new classifier starts with: the texts it learns alone, or a language model; what could not be built."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.runs import record
from tests.tasks.reading.texts import FEW, TINY, easy, ordered, write_table
from throughtime import Classifier
from throughtime.data.labelled import Texts, read_texts
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE
from throughtime.models.ops_numpy import NumpyOps
from throughtime.tasks.classify import build as module
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.build import build
from throughtime.tasks.classify.data import parts
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.classify.rule import choices
from throughtime.tasks.reading import embeddings
from throughtime.tasks.reading.ensemble import ReadingPlan
from throughtime.tasks.reading.rule import Facts
from throughtime.tasks.text import model as language

LEARNED = read_texts(ordered(120))


def same(one: Any, other: Any) -> None:
    """Fails unless the files of two plans are the same."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, dict) and all(isinstance(each, np.ndarray) for each in value.values()):
            assert value.keys() == other[name].keys()
            assert all(np.array_equal(array, other[name][key]) for key, array in value.items()), name
        else:
            assert value == other[name], name


def planned(held: Texts, test: Path | None, **options: Any) -> ReadingPlan:
    chosen = ClassifierOptions(**{**TINY, "validation": None, "test": test, **options})
    facts = Facts(len(LEARNED), 5.0, True, 3, True, 1)
    chosen = chosen.replaced(
        **{one.name: one.value for one in choices(facts, chosen) if getattr(chosen, one.name) is None}
    )
    return build(parts(None, LEARNED, held, chosen), chosen)


@pytest.mark.parametrize(
    "options",
    [
        {"units": "words", "naive_bayes": "both", "embedding": 4},
        {"units": "characters", "embedding": 4},
        {"units": "subwords", "vocabulary": 300, "embedding": 4},
        {"units": "words", "sentences": True},
    ],
    ids=lambda options: options["units"] + " of sentences" * ("sentences" in options),
)
def test_nothing_of_what_is_held_back_is_learned(options: dict[str, Any], tmp_path: Path) -> None:
    if options["units"] == "subwords" and find_spec("tokenizers") is None:
        pytest.skip("no tokenizers")
    held = read_texts(ordered(30, 1))
    strange = Texts([f"zqx {text} zqxzqx" for text in held.texts], held.labels, "held")
    files = [write_table(tmp_path / f"{i}.csv", (one.texts, one.labels)) for i, one in enumerate((held, strange))]
    plans = [planned(held, files[0], **options), planned(strange, files[0], **options)]
    plans.append(planned(held, files[1], **options))
    assert {plan.parts[0].held.lengths.sum() for plan in plans[::2]} != {plans[1].parts[0].held.lengths.sum()}
    for plan in plans[1:]:
        same(plan.files, plans[0].files)
        same({"parameters": dict(plan.parameters)}, {"parameters": dict(plans[0].parameters)})
        for one, other in zip(plan.parts, plans[0].parts, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one.counts, other.counts, strict=True))


def test_nor_do_linear_models_know_it() -> None:
    pytest.importorskip("sklearn")
    held = easy(60, 1)
    strange = ([f"zqx {text} zqxzqx" for text in held[0]], held[1])
    models = [
        Classifier(**TINY, **{**FEW, "steps": 1}).fit(easy(90), validation=one, quiet=True).fitted()
        for one in (held, strange)
    ]
    for name, one in models[0].linear.items():
        np.testing.assert_array_equal(one.ngrams.hashes, models[1].linear[name].ngrams.hashes)


class Drawn(Exception):
    """Training would begin."""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What training would begin with."""
    plans: dict[str, Any] = {}

    def stop(self: Any, examples: Any, plan: Any, options: Any, best: Any) -> None:
        plans["plan"] = plan
        raise Drawn

    monkeypatch.setattr(Classifier, "_job", stop)
    return plans


def write_language_model(folder: Path, **options: Any) -> Path:
    """A language model of the texts."""
    texts = "\n".join(ordered(60)[0])
    model = throughtime.LanguageModel(**{"hidden": 8, "embedding": 6, "threads": 1, **options})
    model.fit(texts, steps=3, batch=4, window=8)
    model.save(folder)
    return folder


@pytest.mark.parametrize("tokens", ["words", "characters"])
@pytest.mark.parametrize(("cell", "bidirectional"), [("lstm", True), ("rnn:relu", True), (["gru", "gru"], False)])
def test_a_language_model_to_start_from(
    tmp_path: Path, drawn: dict[str, Any], tokens: str, cell: Any, bidirectional: bool
) -> None:
    start = throughtime.load(write_language_model(tmp_path / "lm", tokens=tokens, cell=cell))
    with pytest.raises(Drawn):
        Classifier(start=tmp_path / "lm", bidirectional=bidirectional, ensemble_size=2, pooling=["last"]).fit(
            *ordered(20), **FEW
        )
    (part,) = drawn["plan"].parts
    text = ordered(1, 5)[0][0]
    for m in range(2):
        own = {name[4:]: value for name, value in drawn["plan"].parameters.items() if name.startswith(f"0.{m}.")}
        np.testing.assert_array_equal(own["columns.token"][1:], start.parameters["embedding"])
        np.testing.assert_allclose(own["columns.token"][0], start.parameters["embedding"].mean(0), atol=1e-6)
        for i, layer in enumerate(start.config.layers):
            for name in layer.trace.parameters:
                np.testing.assert_array_equal(own[f"layers.{i}.ahead.{name}"], start.parameters[f"layers.{i}.{name}"])
        # and with them it reads as the language model does: its last state is the classifier's pooling
        examples = part.reader.examples([text])
        ids = start.tokenizer.encode(text)
        assert [int(one) - 1 for one in examples.encoded.ids[:, 0]] == ids.tolist()
        tokens, _ = examples.inputs(np.array([0]))
        own["output.W_py"] = np.concatenate([np.eye(8), np.zeros((8, 8 * bidirectional))], 1).astype(np.float32)
        own["output.b_y"] = np.zeros(8, np.float32)
        config = replace(part.reader.config, classes=8)
        last = classifier.forward(NumpyOps(), config, own, tokens)[0]
        logits, _ = language.forward(NumpyOps(), start.config, start.parameters, ids[:, None], None)
        W, b = start.parameters["output.W_hy"], start.parameters["output.b_y"]
        np.testing.assert_allclose(W @ last + b, logits[-1, 0], atol=1e-5)


def test_a_start_trains_and_runs_from_its_folder(alone: None, tmp_path: Path) -> None:
    write_language_model(tmp_path / "lm", tokens="words")
    texts = [*ordered(30)[0], "", "unheard of"]
    model = Classifier(start=tmp_path / "lm", threads=1).fit(*ordered(30), tmp_path / "m", **FEW)
    np.testing.assert_array_equal(
        throughtime.load(tmp_path / "m").predict_probabilities(texts), model.predict_proba(texts)
    )


def test_a_start_that_cannot_be(tmp_path: Path, alone: None) -> None:
    write_language_model(tmp_path / "bpe", tokens="bpe", vocabulary=300)
    with pytest.raises(UserError, match="must be a language model of words or characters"):
        Classifier(start=tmp_path / "bpe").fit(*ordered(20), **FEW)
    series = throughtime.Forecaster(2, hidden=4, embedding=4, lookback=4, threads=1).fit([np.arange(30.0)], steps=1)
    series.save(tmp_path / "series")
    with pytest.raises(UserError, match=r"expected a model of the task classify or text .* is forecast"):
        Classifier(start=tmp_path / "series").fit(*ordered(20), **FEW)
    write_language_model(tmp_path / "projected", cell="projected_lstm", sizes={"P": 5})
    with pytest.raises(UserError, match="its projected_lstm is none"):
        Classifier(start=tmp_path / "projected").fit(*ordered(20), **FEW)
    write_language_model(tmp_path / "two", layers=2)
    with pytest.raises(UserError, match="give --no-bidirectional"):
        Classifier(start=tmp_path / "two").fit(*ordered(20), **FEW)
    with pytest.raises(UserError, match="expected a model folder"):
        Classifier(start=tmp_path / "gone").fit(*ordered(20), **FEW)
    for more in ({"units": "words"}, {"sentences": True}):
        with pytest.raises(UserError, match="brings its own units"):
            Classifier(start=tmp_path / "two", **more).fit(*ordered(20), **FEW)


def test_pmi_embeddings_start_where_asked_and_can_be(drawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    tables, plans = [], []
    for asked, there in ((True, True), (False, True), (True, False)):
        monkeypatch.setattr(embeddings, "find_spec", find_spec if there else lambda name: None)
        with pytest.raises(Drawn):
            Classifier(**{**TINY, "ensemble_size": 2}, pmi_embeddings=asked).fit(*ordered(60), **FEW)
        plans.append(drawn["plan"])
        tables.append({m: plans[-1].parameters[f"0.{m}.columns.word"] for m in range(2)})
    np.testing.assert_array_equal(tables[0][0], tables[0][1])
    assert not np.array_equal(tables[0][0], tables[1][0])
    assert not np.array_equal(tables[1][0], tables[1][1])
    np.testing.assert_array_equal(tables[1][0], tables[2][0])
    assert [plan.data.without for plan in plans] == [(), (), ("pmi_embeddings",)]
    assert embeddings.MISSING in plans[2].data.notes


def test_what_could_not_be_built_is_told_and_kept(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embeddings, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "FEATURES", 100)
    model = Classifier(**TINY).fit(*easy(), tmp_path, **FEW)
    kept = record(tmp_path)
    assert kept["options"]["pmi_embeddings"] is kept["options"]["linear_models"] is True  # what was asked for
    assert kept["data"]["without"] == ["naive_bayes", "pmi_embeddings", "linear_models"]
    said = capfd.readouterr().err
    for line in ("324 tokens times 3 classes", "SciPy is not installed", "scikit-learn is not installed"):
        assert line in " ".join(model.notes())
        assert line in said
    assert kept["decided"]["weights"].keys() == {RECURRENCE}
    assert [one["values"] for one in kept["model"]["readers"]] == [0]
    monkeypatch.setattr(embeddings, "find_spec", find_spec)
    few = Classifier(**{**TINY, "embedding": 40}, naive_bayes="off").fit(*easy(), **FEW)
    assert few.record is not None
    assert few.record.data.without == ("pmi_embeddings", "linear_models")
    assert "too few different tokens stand near each other" in " ".join(few.notes())
    whole = Classifier(**TINY, pmi_embeddings=False, linear_models=False, naive_bayes="off").fit(*easy(), **FEW)
    assert whole.record is not None
    assert whole.record.data.without == ()
