"""The programs in examples/ run as they stand, and beat their baselines on data they never saw."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import throughtime

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


@pytest.fixture(scope="module")
def text_generation() -> dict[str, Any]:
    pytest.importorskip("pydoc_data.topics")
    return example("text_generation")


def test_text_generation_beats_frequencies_and_continues_the_prompt(text_generation: dict[str, Any]) -> None:
    found = text_generation["main"](epochs=2)
    assert found["lstm"] < found["unigram"] - 0.6
    assert 2.8 < found["unigram"] < 3.6
    assert found["written"].startswith("The quick brown fox ")
    assert len(found["written"]) > 30


def test_the_loss_of_a_sentence_does_not_depend_on_its_batch(text_generation: dict[str, Any]) -> None:
    torch.manual_seed(1)
    model = text_generation["Writer"](20)
    lines = [torch.randint(3, 20, (n,)) for n in (3, 30, 11)]
    together, count = text_generation["loss_of"](model, lines)
    alone = [text_generation["loss_of"](model, [line]) for line in lines]
    assert count == sum(n for _, n in alone) == 41
    torch.testing.assert_close(together, sum(loss * n for loss, n in alone) / count)


def test_greedy_writing_is_what_reading_all_over_again_gives(text_generation: dict[str, Any]) -> None:
    torch.manual_seed(2)
    model, prompt = text_generation["Writer"](20), [5, 9, 4]
    with torch.no_grad():
        model.output.weight *= 20  # so that what comes next depends on what came before
    written = model.write(prompt, 12)
    read = torch.tensor([[1, *prompt, *written]])
    with torch.no_grad():
        likeliest = model(read, torch.tensor([read.shape[1]]))[0].argmax(-1)
    assert len(set(written)) > 1
    assert written == likeliest[3 : 3 + len(written)].tolist()


def test_series_beats_persistence_the_year_before_and_a_straight_line() -> None:
    found = example("series")["main"]()
    assert found["lstm"] < 0.95 * found["as today"]
    assert found["lstm"] < 0.7 * found["as a year ago"]
    assert found["lstm"] < found["linear regression on today"]


def test_the_series_is_measured_and_complete() -> None:
    days = example("series")["measurements"]()
    assert days.shape == (4 * 365 + 1, 6)
    assert torch.isfinite(days).all()
    assert (days[:, 0] >= days[:, 1]).all()  # the highest temperature of a day is not below its lowest
    assert (days[1:, 0] - days[:-1, 0]).abs().mean() > 1.5  # climate normals would be smooth


def test_five_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fit = throughtime.LanguageModel.fit

    def briefly(self: Any, text: str, minutes: float, **options: Any) -> Any:
        assert minutes < 1
        return fit(self, text, steps=2, batch=4, window=16, **options)

    monkeypatch.setattr(throughtime.LanguageModel, "fit", briefly)
    example("five_lines")
    assert len(capsys.readouterr().out.rstrip("\n")) > 100
    code = [line for line in (EXAMPLES / "five_lines.py").read_text("utf-8").splitlines() if line][1:]
    assert len(code) == 5
