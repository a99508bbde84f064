"""An n-gram model beside the recurrence of a language model."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.text.small import FIT, SMALL, TEXT
from throughtime import LanguageModel, load
from throughtime.errors import UserError
from throughtime.models import ngram
from throughtime.models.ops_torch import TorchModel
from throughtime.models.resolve import trace_of
from throughtime.tasks.text import ensemble
from throughtime.tasks.text import model as language
from throughtime.tasks.text.data import Judged
from throughtime.tasks.text.job import Course, TextJob
from throughtime.tasks.text.model import LanguageConfig, initial_parameters
from throughtime.tasks.text.report import verdict_of
from throughtime.tasks.text.score import log_probabilities, nats_of
from throughtime.training.streams import Streams


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    LanguageModel(**SMALL, ngram=True).fit(TEXT, out=folder, **FIT)
    return folder


def test_a_stream_agrees_with_the_scores(run: Path) -> None:
    model = load(run)
    assert model.ngram is not None
    ids = model.tokenizer.encode(TEXT[-300:])
    total = 0.0
    for token, following in itertools.pairwise(ids):
        log_p = model.step(int(token)).astype(np.float64)
        assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-5)
        total -= log_p[following]
    both, alone = nats_of(model, ids)
    assert total == pytest.approx(both, rel=1e-5)
    assert both < alone


def test_a_loaded_model_writes_and_reads_on_as_the_fitted_one(run: Path) -> None:
    fitted = LanguageModel(**SMALL).fit(TEXT, **FIT)
    model, loaded = fitted.fitted(), load(run)
    assert "".join(loaded.write("The ", 80, seed=1)) == "".join(model.write("The ", 80, seed=1))
    stream, other = model.stream(), loaded.stream()
    stream.feed(TEXT[:40])
    other.set_state(stream.state())
    assert (stream.feed("a") == other.feed("a")).all()
    state = model.state
    first = model.read("with")
    model.state = state
    assert (model.read("with") == first).all()


def test_it_is_counted_anew_with_the_validation_part_and_weighed_without(run: Path) -> None:
    fitted = LanguageModel(**SMALL).fit(TEXT, **FIT)
    model, examples = fitted.fitted(), fitted.examples
    assert examples is not None
    held = np.concatenate([examples.before("validation", model.tokenizer), examples.ids("validation", model.tokenizer)])
    train = examples.ids("train", model.tokenizer)
    before, after = ngram.learn(train, model.tokenizer.size, held)
    weights, means = ngram.weigh(before, log_probabilities(model.config, model.parameters, held), held)
    assert model.ngram is not None
    assert model.ngram.weights == pytest.approx(weights, rel=1e-5)
    assert model.ngram.size == after.size > before.size
    assert fitted.record is not None
    assert fitted.record.decided.validation == pytest.approx(means, rel=1e-5)


def test_what_was_said_before_validation_was_learned_stays(run: Path) -> None:
    config = LanguageConfig.stack(9, 4, [trace_of("lstm")], 6)
    parameters = initial_parameters(config, np.random.default_rng(0))
    ids = np.random.default_rng(1).integers(0, 9, 2001)

    def job(judged: Judged) -> TextJob:
        streams = Streams(ids, 2, 10, seed=0)
        course = Course(streams, ids[:900], streams, judged=judged)
        return TextJob(TorchModel(language, config, parameters), course, lambda *_: None, lambda *_: None)

    first, second = Judged(), Judged()
    one = job(first)
    loss = one.validate()
    assert first.log_p is None
    one.learn_validation()
    assert first.log_p is not None
    assert -first.log_p.mean() == pytest.approx(loss, rel=1e-5)
    alone = log_probabilities(config, parameters, ids[: len(first.log_p) + 1])
    assert np.corrcoef(alone, first.log_p)[0, 1] > 0.99  # in the order of the text; streams begin without context
    other = job(second)
    other.learn_validation()
    assert second.log_p is None
    other.restore(one.state())
    assert second.log_p is not None
    assert (second.log_p == first.log_p).all()


def test_it_stays_away_where_it_is_not_wanted_or_cannot_be_weighed() -> None:
    assert LanguageModel(**SMALL, ngram=False).fit(TEXT, **FIT).fitted().ngram is None
    assert LanguageModel(**SMALL, validation=0.0).fit(TEXT, **FIT).fitted().ngram is None
    alone = LanguageModel(**SMALL, ngram=False).fit(TEXT, **FIT)
    assert "recurrence" not in alone.evaluate()


def test_the_recurrence_alone_stands_beside_the_score(run: Path) -> None:
    fitted = LanguageModel(**SMALL).fit(TEXT, **FIT)
    figures = fitted.evaluate()
    alone = LanguageModel(**SMALL, ngram=False).fit(TEXT, **FIT).evaluate()
    assert figures["recurrence"]["nats_per_character"] == pytest.approx(alone["nats_per_character"], rel=1e-6)
    assert figures["nats_per_character"] < alone["nats_per_character"]
    told = f"the recurrence alone needs {alone['nats_per_character']:.3f}"
    assert told in verdict_of(figures)


def test_a_file_that_is_gone_or_damaged_is_told(run: Path) -> None:
    file = run / "ngram.safetensors"
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-40])
        with pytest.raises(UserError, match=r"ngram\.safetensors"):
            load(run)
        file.unlink()
        with pytest.raises(UserError, match=r"ngram\.safetensors: cannot be read"):
            load(run)
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize(("spread", "most", "weighed"), [(True, 4_000, 300), (True, 20_000, 900), (False, 4_000, 900)])
def test_of_a_long_text_the_weights_are_chosen_where_n_grams_were_counted(
    monkeypatch: pytest.MonkeyPatch, spread: bool, most: int, weighed: int
) -> None:
    """Its end is counted alone, and held for validation are blocks of all of it."""
    for module in (ngram, ensemble):
        monkeypatch.setattr(module, "MOST", most)
    monkeypatch.setattr(ensemble, "_FEWEST", 100)
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    weigh = ngram.weigh

    def noted(model: ngram.NGram, log_p: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        seen.append((log_p, ids))
        return weigh(model, log_p, ids)

    monkeypatch.setattr(ngram, "weigh", noted)
    rng, judged = np.random.default_rng(0), Judged()
    learned, held = rng.integers(0, 8, 12_000), rng.integers(0, 8, 901)
    judged.log_p = -np.arange(900) / 900.0
    config = LanguageConfig.stack(8, 4, [trace_of("gru")], 4)
    ensemble.joined(ensemble.Recurrence(config, {}, judged, 1), learned, held, lambda line: None, spread)
    ((log_p, ids),) = seen
    np.testing.assert_array_equal(log_p, judged.log_p[-weighed:])
    np.testing.assert_array_equal(ids, held[-weighed - 1 :])
