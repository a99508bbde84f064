"""Attributions where the right ones are known, the deletion check, and explanations of real models."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime import Forecaster, LanguageModel
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question, attribute, check, ranking
from throughtime.tasks.forecast import insight as forecast_insight
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.text import insight as text_insight
from throughtime.training.settings import Settings

TEXT = "the (cat) sat on the mat. the dog said: be quiet. " * 40


def linear(signed: bool = True) -> tuple[Question, np.ndarray]:
    rng = np.random.default_rng(0)
    x, neutral, weight = (torch.tensor(rng.standard_normal((12, 3)), dtype=torch.float64) for _ in range(3))
    question = Question(lambda v: (v * weight).sum((1, 2))[:, None], x, neutral, signed)
    return question, ((x - neutral) * weight).sum(1).numpy()


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_answer_is_its_terms(method: str) -> None:
    question, terms = linear()
    np.testing.assert_allclose(attribute(question, method), terms, rtol=1e-6)  # captum sums in float32


def test_integrated_gradients_add_up_to_the_answer() -> None:
    rng = np.random.default_rng(1)
    weight = torch.tensor(rng.standard_normal((8, 2)))
    x, neutral = torch.tensor(rng.standard_normal((8, 2))), torch.zeros(8, 2, dtype=torch.float64)
    question = Question(lambda v: (v * weight).sum((1, 2)).tanh()[:, None], x, neutral, True)
    total = float(question.score(x[None])[0] - question.score(neutral[None])[0])
    assert attribute(question, "integrated_gradients").sum() == pytest.approx(total, rel=1e-6)


def test_the_check_tells_a_right_order_from_a_wrong_one() -> None:
    question, terms = linear()
    right = check(question, ranking(question, terms, "occlusion"))
    assert right.holds
    assert right.top == pytest.approx(terms.max())
    assert not check(question, np.argsort(terms)).holds
    moved, terms = linear(signed=False)
    assert check(moved, ranking(moved, terms, "occlusion")).top == pytest.approx(np.abs(terms).max())


def test_an_unknown_method_is_told_with_the_valid_ones() -> None:
    with pytest.raises(UserError, match="occlusion, integrated_gradients"):
        attribute(linear()[0], "lime")


@pytest.fixture(scope="module")
def writer() -> LanguageModel:
    return LanguageModel(hidden=24, embedding=8, layers=2, threads=1).fit(TEXT, steps=60, batch=8, window=24)


def test_an_explanation_of_a_text_model(writer: LanguageModel) -> None:
    prompt = "the (cat) sat on th"
    found = text_insight.explain(writer, prompt, corpus=TEXT[:600])
    assert "".join(found.parts) == prompt
    assert writer.model is not None
    logits = writer.model.read(prompt) if not writer.model.reset() else None
    assert logits is not None
    expected = logits - np.log(np.exp(logits).sum())
    assert found.score == pytest.approx(float(expected.max()), abs=1e-4)
    assert set(found.attributions) == set(METHODS)
    assert len(found.seen) == 2
    assert found.seen[1].gates["f"].shape == (len(prompt), 1, 24)
    assert found.layer(0).name == "layer 0"
    assert {one.label for one in found.followers} >= {"inside brackets", "place in the word"}
    shown = str(found)
    assert "Deletion check of occlusion" in shown
    assert "layer 1, f: mean" in shown
    assert set(found.to_json()["checks"]) == set(METHODS)


def test_occlusion_is_what_a_part_made_neutral_takes_away(writer: LanguageModel) -> None:
    """By hand: the embedding of one character replaced by the mean one."""
    from throughtime.insight.given import GivenOps
    from throughtime.tasks.text import model as language

    model = writer.model
    assert model is not None
    prompt = "the dog sa"
    values = {n: torch.tensor(v) for n, v in model.parameters.items()}
    ids = torch.tensor(model.tokenizer.encode(prompt).astype(np.int64))
    x = values["embedding"][ids][:, None].clone()

    def logs(x: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(language.forward(GivenOps(x), model.config, values, ids[:, None])[0][-1, 0], -1)

    with torch.no_grad():
        real = logs(x)
        wanted = int(real.argmax())
        x[8, 0] = torch.softmax(values["output.b_y"], 0) @ values["embedding"]
        lost = float(real[wanted] - logs(x)[wanted])
    assert text_insight.explain(writer, prompt).attributions["occlusion"][8] == pytest.approx(lost, abs=1e-5)


def test_a_target_may_be_asked_about(writer: LanguageModel) -> None:
    assert "'z'" not in str(text_insight.explain(writer, "the c", target="t").answer)
    with pytest.raises(UserError, match="one token of the model"):
        text_insight.explain(writer, "the c", target="ca")
    with pytest.raises(UserError, match="at least two tokens"):
        text_insight.explain(writer, "t")


OPTIONS = {
    "segments": {"season": 12},
    "single steps": {"segment": 1, "lookback": 30, "season": 6},
    "the series' scale and quantiles": {"season": 6, "scaling": "series", "quantiles": [0.1, 0.5, 0.9]},
    "from the last value": {"season": 6, "scaling": "last", "lags": [1, 6]},
    "an output at every step": {"every": True, "season": 6, "lookback": 40, "lags": [1, 6]},
    "a profile": {"season": 6, "scaling": "series", "profile": 6},
    "a distribution": {"season": 6, "distribution": "student_t"},
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_explanation_of_a_forecaster_explains_its_forecast(kind: str) -> None:
    t = np.arange(240)
    series = np.sin(t / 2) + t / 100 + 0.1 * np.random.default_rng(0).standard_normal(240)
    series[100], series[-3] = np.nan, np.nan
    options = OPTIONS[kind]
    model = Forecaster(6, hidden=12, embedding=8, threads=1, **options).fit([series], steps=40, batch=32).model
    assert model is not None
    found = forecast_insight.explain(model, Series([series]))
    if kind != "a distribution":  # its median is not its place
        wanted = model.predict([series])[0]
        middle = wanted[:, 1] if wanted.shape[1] == 3 else wanted[:, 0]
        shifts = model.ensemble.shifts
        shift = shifts[1] if len(shifts) > 1 else 0.0
        assert shift == 0.0
        assert found.score == pytest.approx(float(middle.mean()), rel=1e-4, abs=1e-4)
    assert len(found.parts) == model.config.warm + model.config.lookback
    assert found.attributions["occlusion"][-3] == 0  # a missing value did nothing
    assert np.abs(found.attributions["occlusion"]).max() > 0


def test_a_forecasters_references_are_followed() -> None:
    """A forecaster that has learned nothing repeats its references: the last value, and one season ago."""
    rng = np.random.default_rng(0)
    series = rng.standard_normal(200)
    model = Forecaster(4, season=4, segment=1, lookback=20, lags=[1, 4], hidden=8, threads=1)
    found = model.fit([series], steps=1, average=0.0, learning_rate=1e-9).model
    assert found is not None
    one = forecast_insight.explain(found, Series([series]), step=2)
    weights = one.attributions["occlusion"]
    assert set(np.flatnonzero(np.abs(weights) > 1e-4).tolist()) == {17, 19}  # of 20: a season before, and the last
    with pytest.raises(UserError, match="from 1 to the horizon, 4"):
        forecast_insight.explain(found, Series([series]), step=5)


def test_settings_are_not_touched_by_a_diagnosis(writer: LanguageModel) -> None:
    before = {n: v.copy() for n, v in writer.model.parameters.items()}
    diagnosis = writer.diagnose(attempt=5)
    assert diagnosis.layers[0].cell == "lstm"
    for name, value in writer.model.parameters.items():
        np.testing.assert_array_equal(value, before[name])
    assert Settings.from_json(
        {k: v for k, v in writer.config["training"].items() if k in Settings().to_json()}
    ).learning_rate == pytest.approx(3e-3)
