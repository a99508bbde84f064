"""Looking inside language models: explanations, diagnoses, remedies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime import LanguageModel
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS
from throughtime.insight.given import GivenOps
from throughtime.tasks.text import insight
from throughtime.tasks.text import model as language

TEXT = "the (cat) sat on the mat. the dog said: be quiet. " * 40


@pytest.fixture(scope="module")
def writer() -> LanguageModel:
    return LanguageModel(hidden=24, embedding=8, layers=2, threads=1, ngram=False).fit(
        TEXT, steps=60, batch=8, window=24, quiet=True
    )


def test_an_explanation_of_a_text_model(writer: LanguageModel) -> None:
    prompt = "the (cat) sat on th"
    found = insight.explain(writer, prompt, corpus=TEXT[:600])
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
    assert insight.explain(writer, prompt).attributions["occlusion"][8] == pytest.approx(lost, abs=1e-5)


def test_a_target_may_be_asked_about(writer: LanguageModel) -> None:
    assert "'z'" not in str(insight.explain(writer, "the c", target="t").answer)
    with pytest.raises(UserError, match="one token of the model"):
        insight.explain(writer, "the c", target="ca")
    with pytest.raises(UserError, match="at least two tokens"):
        insight.explain(writer, "t")


def test_settings_are_not_touched_by_a_diagnosis(writer: LanguageModel) -> None:
    before = {n: v.copy() for n, v in writer.model.parameters.items()}
    assert writer.record is not None
    options = writer.record.options, writer.options
    diagnosis = writer.diagnose(attempt=5)
    assert diagnosis.layers[0].cell == "lstm"
    for name, value in writer.model.parameters.items():
        np.testing.assert_array_equal(value, before[name])
    assert writer.record is not None
    assert (writer.record.options, writer.options) == options


SIMPLE = "the cat sat on the mat, the dog ate the cat; " * 60


def test_a_sick_language_model_is_helped() -> None:
    model = LanguageModel(cell="rnn", hidden=16, embedding=8, threads=1)
    model.fit(SIMPLE, steps=60, batch=8, window=16, learning_rate=3.0, clip=None, warm_up=0, quiet=True)
    found = model.diagnose(attempt=60, steps=40, rows=8)
    assert not found.healthy
    assert any(trial.helps for trial in found.trials), str(found)
    assert "Tried in short runs" in str(found)


def test_a_model_that_has_learned_nothing_is_not_diagnosed() -> None:
    with pytest.raises(UserError, match="fitted model"):
        LanguageModel(hidden=8, threads=1).diagnose()
