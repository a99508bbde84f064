"""Looking inside classifiers: gradients from the end of a text, what an answer rests on, what more texts bring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tasks.reading.texts import FEW, NONE, TINY, easy, ordered, write_table
from tests.tasks.reading.untrained import CLASSES, counted, make
from throughtime import Classifier
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS
from throughtime.linear.ensemble import RECURRENCE
from throughtime.models.ops_torch import TorchOps
from throughtime.tasks.classify import insight
from throughtime.tasks.classify import model as classifier

CALM: dict[str, Any] = {**TINY, **FEW, **NONE, "linear_models": False}


def fit(out: Path | None = None, **options: Any) -> Classifier:
    return Classifier(**{**CALM, **options}).fit(ordered(80), out=out, quiet=True)


@pytest.fixture(scope="module")
def fitted() -> Classifier:
    return fit()


def test_it_is_diagnosed_by_a_loss_at_the_end(fitted: Classifier) -> None:
    found = fitted.diagnose()
    assert found.at_end
    assert len(found.layers) == 2  # of both directions
    lengths = [len(text.split()) for text in fitted.examples.held.texts]  # type: ignore[union-attr]
    assert found.layers[0].steps == min(lengths)
    assert fitted.diagnose(steps=4).layers[0].steps == 4
    other = fitted.diagnose((["loved the film", "hated it there"] * 20, ["up", "down"] * 20))
    assert other.layers[0].steps == 3


@pytest.mark.parametrize("options", [{}, {"sentences": True}, {"naive_bayes": "off", "layers": 2, "cell": "rnn"}])
def test_remedies_are_tried_in_short_runs(options: dict[str, Any]) -> None:
    model = fit(**options, steps=2)
    found = insight.of_model(model)
    sick = replace(found, parameters={name: 0.01 * value for name, value in found.parameters.items()})
    diagnosis = insight.diagnose(sick, steps=8, rows=8, attempt=2)
    assert "vanishing" in diagnosis.names
    assert diagnosis.trials
    assert all(np.isfinite([one.before, one.after]).all() for one in diagnosis.trials)


def scaled(model: Classifier, factor: float) -> Any:
    """The patient with recurrent weights so many times as large."""
    found = insight.of_model(model)
    values = {name: (factor if "W_hh" in name else 1.0) * value for name, value in found.parameters.items()}
    assert any(not np.array_equal(values[name], found.parameters[name]) for name in values)
    return replace(found, parameters=values)


def test_what_vanishes_and_what_explodes_is_told() -> None:
    model = fit(cell="rnn:relu", naive_bayes="off")
    assert "vanishing" in insight.diagnose(scaled(model, 0.02)).names
    assert "exploding" in insight.diagnose(scaled(model, 4.0)).names


def test_the_loss_at_the_end_is_the_models_own_where_it_pools_the_last_state() -> None:
    model = fit(pooling="last", layers=2)
    found = insight.of_model(model)
    texts, (reader,) = found.looked, model.fitted().readers.readers
    order = np.argsort([-len(tokens) for tokens in texts], kind="stable")[:4]
    length = min(len(texts[row]) for row in order)
    losses = found.losses(99, 4)(TorchOps())
    tokens = reader.of_tokens([texts[row][:length] for row in order]).inputs(np.arange(4))[0]
    own = {name: torch.tensor(value) for name, value in found.parameters.items()}
    logits = classifier.forward(TorchOps(), reader.config, own, insight_tensors(tokens))
    truth = torch.from_numpy(found.held_truth[order])
    torch.testing.assert_close(losses, torch.nn.functional.cross_entropy(logits, truth, reduction="none"))


def insight_tensors(tokens: Any) -> Any:
    from throughtime.tasks.reading.job import tensors

    return tensors(tokens)


def test_a_folder_is_diagnosed_with_the_texts_it_learned(tmp_path: Path) -> None:
    table = write_table(tmp_path / "texts.csv", ordered(80))
    model = Classifier(**CALM).fit(table, out=tmp_path / "m", quiet=True)
    own, again = insight.of_model(model), insight.patient(tmp_path / "m")
    assert again.held == own.held
    assert again.learned == own.learned
    np.testing.assert_array_equal(again.held_truth, own.held_truth)
    a, b = (insight.diagnose(one) for one in (own, again))
    assert a.loss == b.loss
    fresh = insight.patient(tmp_path / "m", fresh=True)
    assert fresh.parameters.keys() == own.parameters.keys()
    assert insight.diagnose(fresh).loss != a.loss
    with pytest.raises(UserError, match="none of the labels is a class of the model"):
        insight.patient(tmp_path / "m", str(write_table(tmp_path / "other.csv", easy(30))))
    table.unlink()
    with pytest.raises(UserError, match=r"the texts it learned are not at .*give some: throughtime diagnose DIR FILE"):
        insight.patient(tmp_path / "m")


def test_an_explanation_is_of_the_recurrences_answer(fitted: Classifier) -> None:
    text = "we saw  a film and loved it, hated nothing"
    found = insight.explain(fitted, text)
    assert "".join(found.parts) == text
    shares, own = fitted.predict_proba([text])[0], fitted.fitted().recurrence([text])[0]  # one member decides alone
    assert found.score == pytest.approx(own.max(), abs=1e-4)
    assert f"{fitted.predict([text])[0]!r} has a probability of {shares.max():.1%}" in str(found)
    assert f"to the recurrence that is looked at, {np.exp(own.max()):.1%}" in str(found)
    assert "no weight" not in str(found)
    assert set(found.attributions) == set(METHODS)
    assert all(len(weights) == len(found.parts) for weights in found.attributions.values())
    assert len(found.seen) == 2
    other = fitted.classes[int(shares.argmin())]
    assert insight.explain(fitted, text, other).score == pytest.approx(own.min(), abs=1e-4)
    with pytest.raises(UserError, match="--target must be one of down, up, got 'sideways'"):
        insight.explain(fitted, text, "sideways")
    with pytest.raises(UserError, match="at least two tokens, got 1"):
        insight.explain(fitted, "film")


def test_a_recurrence_without_a_weight_is_said_to_have_none() -> None:
    linear = {"n-grams": counted()}
    without = make(linear=linear, weights={"n-grams": 1.0})
    said = str(insight.explain(without, "a good film", methods=("occlusion",)))
    assert "The recurrence has no weight in this answer" in said
    both = make(linear=linear, weights={RECURRENCE: 0.5, "n-grams": 0.5})
    assert "no weight" not in str(insight.explain(both, "a good film", methods=("occlusion",)))
    assert without.classes == CLASSES


def test_a_model_of_sentences_cannot_be_explained() -> None:
    with pytest.raises(UserError, match="reads it sentence by sentence"):
        insight.explain(make({"over": True}), "a good film. a bad one.")


def test_what_more_texts_bring(tmp_path: Path, alone: None) -> None:
    data = str(write_table(tmp_path / "a.csv", easy(300)))
    options = {"steps": 2, "hidden": 4, "threads": 1}
    count, rate = insight.amount(data, 0.5, 0, options)
    assert count == 120
    assert 0 < rate <= 1
    assert insight.amount(data, 0.5, 0, options) == (count, rate)
    with pytest.raises(UserError, match=r"0\.1 of it are 24 texts; give at least 50"):
        insight.amount(data, 0.1, 0, options)
    with pytest.raises(UserError, match="--horizon is for forecasts"):
        insight.amount(data, 0.5, 0, {**options, "horizon": 3})
