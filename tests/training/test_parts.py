"""Clipping, the average, the history, the progress: the loop's small parts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from throughtime.storage.environment import environment
from throughtime.training import progress
from throughtime.training.average import Average
from throughtime.training.clipping import clip
from throughtime.training.history import History, read
from throughtime.training.window import Window


def test_clipping_by_the_global_norm() -> None:
    gradients = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
    assert clip(gradients, 5.0) == (5.0, False)
    assert clip(gradients, None) == (5.0, False)
    norm, struck = clip(gradients, 1.0)
    assert (norm, struck) == (5.0, True)
    torch.testing.assert_close(gradients[0], torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(gradients[1], torch.tensor([[0.8]]))
    assert math.isnan(clip([torch.tensor([math.nan])], 1.0)[0])


def test_the_average_follows_and_is_swapped_in() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    average = Average({"w": weight}, 0.9)
    with torch.no_grad():
        for step in range(1, 201):
            weight.copy_(torch.tensor([1.0, float(step)]))
            average.update(step)
    wanted = 0.0
    for step in range(1, 201):
        d = min(0.9, (1 + step) / (10 + step))
        wanted = d * wanted + (1 - d) * step
    assert average.values["w"][0].item() == pytest.approx(1.0, abs=1e-5)
    assert average.values["w"][1].item() == pytest.approx(wanted, rel=1e-4)
    with average.applied():
        assert weight[1].item() == pytest.approx(wanted, rel=1e-4)
    assert weight[1].item() == 200.0
    with torch.no_grad():
        weight.add_(1.0)  # the parameter is still the memory that the average reads
    average.update(201)
    assert average.values["w"][1].item() == pytest.approx(0.9 * wanted + 0.1 * 201, rel=1e-4)


def test_history_keeps_finite_numbers_and_skips_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path)
    history.add(step=1, loss=math.nan)
    history.add(step=2, sample="日本\n")
    history.close()
    assert read(path) == [{"step": 1, "loss": None}, {"step": 2, "sample": "日本\n"}]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    again = History(path, keep=1)
    again.add(step=2, loss=0.5)
    again.close()
    assert read(path) == [{"step": 1, "loss": None}, {"step": 2, "loss": 0.5}]
    History(path).close()
    assert read(path) == []


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress.choose()
    assert isinstance(shown, progress.Lines)
    shown.step(7, 100, 0.07, 2.5, 12345.6, 61.0)
    shown.step(8, 100, 0.08, 2.4, 12345.6, 60.0)  # too soon for another line
    shown.note("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["step 7/100    7%  loss 2.500  12,346 tokens/s  1:01 left", "hello"]
    progress.choose(quiet=True).note("not shown")
    assert capsys.readouterr().err == ""


def test_the_bar_draws(capsys: pytest.CaptureFixture[str]) -> None:
    bar = progress.Bar()
    bar.step(7, 100, 0.07, 2.5, 12345.6, 3725.0)
    bar.note("[kept as it is]")
    bar.close()
    assert "[kept as it is]" in capsys.readouterr().err


def test_a_window_gives_means_and_starts_again() -> None:
    window = Window(10.0)
    window.add(2.0, 1.0, True, 100, 0.1)
    window.add(4.0, 3.0, False, 100, 0.2)
    line = window.close(12.0)
    assert line == {
        "loss": 3.0,
        "gradient_norm": 2.0,
        "clipped": 0.5,
        "learning_rate": 0.2,
        "tokens_per_second": 100.0,
        "elapsed": 12.0,
    }
    window.add(1.0, 1.0, False, 50, 0.2)
    assert window.close(13.0)["loss"] == 1.0
    assert np.isclose(window.smooth, 0.95 * (0.95 * 2.0 + 0.05 * 4.0) + 0.05)


def test_the_environment_names_versions_and_machine() -> None:
    found = environment(2)
    assert {"python", "numpy", "torch", "throughtime", "cpu", "cores", "threads", "date"} <= found.keys()
    assert found["threads"] == 2
