"""Names in any script: which fonts draw them, and that pages leave them to the reader's."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from throughtime.report import fonts
from throughtime.report.curves import new_figure, svg

UNKNOWN = "\U00013000"
"""An Egyptian hieroglyph, which hardly any machine draws."""


def test_what_the_usual_font_draws_needs_no_other() -> None:
    assert fonts.families("température, °C Ω ж") == ([fonts.USUAL], "")


def test_what_no_font_draws_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    assert fonts.families(f"温度 {UNKNOWN} y") == ([fonts.USUAL], f"度温{UNKNOWN}")


def test_an_installed_font_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    entries = [font_manager.FontEntry(fname=f"/{name}.ttf", name=name) for name in ("Aaa", "Noto Sans CJK SC", "Bbb")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    drawn = {"/Noto Sans CJK SC.ttf": frozenset("温度"), "/Aaa.ttf": frozenset(f"温{UNKNOWN}")}
    monkeypatch.setattr(fonts, "_characters", lambda path: drawn.get(path, frozenset("y")))
    assert fonts.families("温度y") == ([fonts.USUAL, "Noto Sans CJK SC"], "")
    assert fonts.families(f"温度{UNKNOWN}y") == ([fonts.USUAL, "Noto Sans CJK SC", "Aaa"], "")


def test_pages_leave_names_to_the_readers_fonts() -> None:
    with fonts.as_text("温度") as finished:
        figure = new_figure(1, 3.0, 2.0)
        figure.axes[0].set_title("温度")
        page = finished(svg(figure))
    assert "温度" in page
    assert "'Noto Sans CJK SC'" in page
    with fonts.as_text("sold") as finished:
        figure = new_figure(1, 3.0, 2.0)
        figure.axes[0].set_title("sold")
        assert "Noto" not in finished(svg(figure))


def test_a_picture_in_a_file_is_drawn_without_a_warning() -> None:
    with fonts.drawing(UNKNOWN) as missing:
        figure = new_figure(1, 3.0, 2.0)
        figure.axes[0].set_title(UNKNOWN)
        svg(figure)
    assert missing in ("", UNKNOWN)
