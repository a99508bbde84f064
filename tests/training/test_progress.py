"""What a run shows while it goes."""

from __future__ import annotations

import pytest

from throughtime.training import progress


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
