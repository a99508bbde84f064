"""Fonts for names in any script: pictures in files take those that are installed, those in pages the reader's own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

USUAL = "DejaVu Sans"
"""The font of every picture, which matplotlib brings."""

_KNOWN = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Hiragino Sans", "Noto Sans CJK KR"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans"),
)
"""What is taken first of what is installed."""


@lru_cache(maxsize=512)
def _characters(path: str) -> frozenset[str]:
    """What a font file draws; nothing where it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (RuntimeError, OSError, ValueError):
        return frozenset()


def families(text: str) -> tuple[list[str], str]:
    """Names of fonts that together draw a text, the usual one first; and the characters that none here draws."""
    from matplotlib import font_manager

    usual = font_manager.findfont(USUAL)
    wanted = {c for c in text if c.isprintable() and not c.isspace()} - _characters(str(usual))
    names = [USUAL]
    if wanted:
        installed = font_manager.fontManager.ttflist
        for entry in sorted(installed, key=lambda one: (one.name not in _KNOWN, one.name, str(one.fname))):
            if has := wanted & _characters(str(entry.fname)):
                names.append(entry.name)
                wanted -= has
            if not wanted:
                break
    return names, "".join(sorted(wanted))


@contextmanager
def drawing(text: str) -> Iterator[str]:
    """Pictures that are made and saved in here draw a text with installed fonts; what none of them draws is told."""
    import matplotlib

    names, missing = families(text)
    with matplotlib.rc_context({"font.family": names}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield missing


def readers(svg: str) -> str:
    """A picture whose texts are texts (svg.fonttype none), in the reader's own fonts."""
    return svg.replace(f"'{USUAL}'", ", ".join(f"'{name}'" for name in (USUAL, *_KNOWN)) + ", sans-serif")


@contextmanager
def as_text(text: str) -> Iterator[Any]:
    """Pictures that are made and saved as SVG in here leave a text to the reader's fonts, where the usual one does not
    draw it; what is yielded finishes them."""
    import matplotlib

    if families(text) == ([USUAL], ""):
        yield str
        return
    with matplotlib.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield readers
