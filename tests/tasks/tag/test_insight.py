"""Looking inside taggers: gradients from the end of a text, what a tag or an intent rests on, what more texts bring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tasks.reading.texts import FEW, NONE, TAGGER, flights, write_tagged
from throughtime import Tagger
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS
from throughtime.models.ops_torch import TorchOps
from throughtime.tasks.reading.job import tensors
from throughtime.tasks.tag import insight
from throughtime.tasks.tag import model as tagger

CALM: dict[str, Any] = {**TAGGER, **FEW, **NONE, "rare_dropout": 0.0, "linear_models": False, "seconds": 0}
TEXT = "leave in new york, reach a rome"


def fit(intents: bool = True, **options: Any) -> Tagger:
    return Tagger(**{**CALM, **options}).fit(flights(60, intents=intents), quiet=True)


@pytest.mark.parametrize("options", [{}, {"crf": False, "bidirectional": False}, {"intents": False, "layers": 2}])
def test_it_is_diagnosed_by_a_loss_at_the_end(options: dict[str, Any]) -> None:
    model = fit(**options)
    found = model.diagnose()
    assert found.at_end
    assert len(found.layers) == options.get("layers", 1) * (2 if options.get("bidirectional", True) else 1)
    assert found.layers[0].steps == min(map(len, model.examples.held.tokens))  # type: ignore[union-attr]
    own = insight.of_model(model)
    sick = replace(own, parameters={name: 0.01 * value for name, value in own.parameters.items()})
    diagnosis = insight.diagnose(sick, attempt=2)
    assert "vanishing" in diagnosis.names
    assert diagnosis.trials
    assert all(np.isfinite([one.before, one.after]).all() for one in diagnosis.trials)


def test_the_loss_at_the_end_is_that_of_the_last_tag() -> None:
    """A model that reads forward has the last state at the last token; without a CRF its tag is on its own."""
    model = fit(intents=False, crf=False, bidirectional=False)
    found, (reader,) = insight.of_model(model), model.fitted().readers.readers
    texts = found.looked
    order = np.argsort([-len(tokens) for tokens in texts], kind="stable")[:4]
    length = min(len(texts[row]) for row in order)
    losses = found.losses(99, 4)(TorchOps())
    tokens = tensors(reader.of_tokens([texts[row][:length] for row in order]).inputs(np.arange(4))[0])
    own = {name: torch.tensor(value) for name, value in found.parameters.items()}
    scores, _ = tagger.forward(TorchOps(), reader.config, own, tokens)
    wanted = torch.tensor([model.fitted().tags.index(found.held_texts.tags[row][length - 1]) for row in order])
    torch.testing.assert_close(losses, torch.nn.functional.cross_entropy(scores[-1], wanted, reduction="none"))


def test_a_folder_is_diagnosed_with_the_texts_it_learned(tmp_path: Path) -> None:
    data = write_tagged(tmp_path / "texts.conll", flights(60))
    model = Tagger(**CALM).fit(data, out=tmp_path / "m", quiet=True)
    own, again = insight.of_model(model), insight.patient(tmp_path / "m")
    assert (again.learned, again.held) == (own.learned, own.held)
    a, b = (insight.diagnose(one) for one in (own, again))
    assert a.loss == b.loss
    fresh = insight.patient(tmp_path / "m", fresh=True)
    assert insight.diagnose(fresh).loss != a.loss
    strange = flights(20)
    strange.tags[:] = [[tag.replace("reach", "arrive").replace("leave", "go") for tag in tags] for tags in strange.tags]
    with pytest.raises(UserError, match="no text has tags and an intent that the model knows"):
        insight.patient(tmp_path / "m", str(write_tagged(tmp_path / "other.conll", strange)))


@pytest.mark.parametrize("crf", [True, False])
def test_an_explanation_of_a_tag_is_of_its_probability(crf: bool) -> None:
    model = fit(crf=crf, intents=False)
    (tagging,) = model.tag([TEXT])
    for token in ("leave", "york", "rome"):
        found = insight.explain(model, TEXT, token)
        place = tagging.tokens.index(token)
        assert np.exp(found.score) == pytest.approx(tagging.sure[place], abs=1e-4)  # one member is the model
        assert f"{token!r} is tagged {tagging.tags[place]} with a probability of {tagging.sure[place]:.1%}" in str(
            found
        )
    assert "".join(found.parts) == TEXT
    assert set(found.attributions) == set(METHODS)
    assert len(found.seen) == 2
    first = next((t for t, tag in enumerate(tagging.tags) if tag != "O"), 0)
    assert f"{tagging.tokens[first]!r} is tagged" in str(insight.explain(model, TEXT, methods=("occlusion",)))
    with pytest.raises(UserError, match="--target must be a token of the text, got 'oslo'"):
        insight.explain(model, TEXT, "oslo")


def test_an_explanation_of_an_intent_is_of_its_probability() -> None:
    model = fit()
    (tagging,) = model.tag([TEXT])
    own = np.exp(next(model.fitted().scores([tagging.tokens]))[3][0])
    for target in (None, "leave first", "reach first"):
        found = insight.explain(model, TEXT, target, methods=("integrated_gradients",))
        name = target or tagging.intent
        assert np.exp(found.score) == pytest.approx(own[model.fitted().intents.index(name)], abs=1e-4)
        assert f"The intent {name!r} has a probability of {tagging.intents[name]:.1%}" in str(found)
        assert "no weight" not in str(found)
    assert "'rome' is tagged" in str(insight.explain(model, TEXT, "rome", methods=("occlusion",)))
    with pytest.raises(UserError, match="must be a token of the text or one of leave first, reach first, got 'fly'"):
        insight.explain(model, TEXT, "fly")


def test_what_more_texts_bring(tmp_path: Path, alone: None) -> None:
    data = str(write_tagged(tmp_path / "a.conll", flights(300)))
    options = {"steps": 2, "hidden": 4, "threads": 1}
    count, error = insight.amount(data, 0.5, 0, options)
    assert 90 < count < 130
    assert 0 < error <= 1
    assert insight.amount(data, 0.5, 0, options) == (count, error)
    with pytest.raises(UserError, match="texts; give at least 50"):
        insight.amount(data, 0.1, 0, options)
    with pytest.raises(UserError, match="--horizon is for forecasts"):
        insight.amount(data, 0.5, 0, {**options, "horizon": 3})
