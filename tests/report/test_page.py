"""The page that becomes one HTML file."""

from __future__ import annotations

from throughtime.report.page import Page, Prose, Section, Table, render


def test_a_page_escapes_everything() -> None:
    evil = "<script>alert(1)</script>"
    sections = [Section(evil, [Prose(evil), Table([evil], [[evil]])])]
    html = render(Page(evil, evil, sections, merits=[(evil, evil)], warnings=[evil], footer=evil))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 11
