"""The page that becomes one HTML file."""

from __future__ import annotations

from throughtime.report.page import Page, Prose, Section, Table, render


def test_a_page_escapes_everything() -> None:
    evil = "<script>alert(1)</script>"
    sections = [Section(evil, [Prose(evil), Table([evil], [[evil]])])]
    html = render(Page(evil, evil, sections, merits=[(evil, evil)], warnings=[evil], footer=evil))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 11


def test_a_page_forbids_everything_but_its_own_pictures_and_styles() -> None:
    html = render(Page("a", "b", []))
    policy = html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert html.index("Content-Security-Policy") < html.index("<style")
