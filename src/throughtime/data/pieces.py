"""Texts into pieces that know where they stand."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import combining

import regex

from throughtime.data.words import ALONE, pattern
from throughtime.errors import UserError, needed

Piece = tuple[str, int, int]
"""The piece, its first character's place in the text, and the place after its last."""


_HAN, _JOINING = regex.compile(r"\p{Han}"), regex.compile(r"\p{NFC_QC=Maybe}")
_GRAPHEME, _CHUNK = regex.compile(rf"[{ALONE}]|\X"), regex.compile(r"[^\s\x1c-\x1f]+")


def split_words(text: str, marks: bool = True) -> list[Piece]:
    """Words with their inner apostrophes, numbers, each other sign and each Han or kana character on its own.

    As data/words.py has them, without white space. marks: whether combining marks belong to their word.
    """
    found = []
    for match in pattern(marks).finditer(text):
        piece = match.group().lstrip()
        if piece:
            found.append((piece, match.end() - len(piece), match.end()))
    return found


def split_characters(text: str, marks: bool = True) -> list[Piece]:
    """Each character that is no white space, with its combining marks, or without as models of an earlier version."""
    if not marks or text.isascii():
        return [(sign, i, i + 1) for i, sign in enumerate(text) if not sign.isspace()]
    found = []
    for match in _GRAPHEME.finditer(text):
        sign = match.group()
        start = match.start() + len(sign) - len(sign.lstrip())
        if sign.strip():
            found.append((text[start : start + len(sign.strip())], start, start + len(sign.strip())))
    return found


def settled(text: str) -> int:
    """How many characters of a composed text (NFC) stay as they are whatever follows: those before the last one and the
    marks that stand on it; nothing joins a Han character."""
    at = len(text) - 1
    while at > 0 and (combining(text[at]) or _JOINING.match(text[at])):
        at -= 1
    return max(at + bool(_HAN.match(text, at)), 0)


def split_spaces(text: str) -> list[Piece]:
    """What stands between white space."""
    return [(match.group(), match.start(), match.end()) for match in _CHUNK.finditer(text)]


def split_jieba(text: str) -> list[Piece]:
    """Chinese words as jieba finds them. Raises UserError where jieba is not installed."""
    return [(piece, start, end) for piece, start, end in _jieba().tokenize(text) if not piece.isspace()]


@cache
def _jieba() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports what setuptools has deprecated
            import jieba
    except ImportError:
        raise UserError(f"splitter jieba: it is not installed; {needed('chinese')}") from None
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    if (place := _own_cache()) is not None:
        tokenizer.tmp_dir = str(place)
    else:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
    return tokenizer


def _own_cache() -> Path | None:
    """A folder for jieba's cache that nobody else can write to; None where there is none. jieba's own choice is the
    temporary folder, where anyone may have put another file of that name."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "throughtime"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = place.lstat()
    except (OSError, RuntimeError):
        return None
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022
    return place if ours else None


SPLITTERS: dict[str, Callable[[str], list[Piece]]] = {
    "words": split_words,
    "characters": split_characters,
    "jieba": split_jieba,
}
