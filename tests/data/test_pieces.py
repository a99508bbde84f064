"""Pieces know where they stand, and leave nothing out but white space."""

from __future__ import annotations

import logging
import marshal
import re
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data.pieces import SPLITTERS, _jieba, split_characters, split_jieba, split_words
from throughtime.errors import UserError, needed

TEXT = st.text(
    st.one_of(st.sampled_from(" \t\n\u3000ab'’.3,!_酒店很好のカ"), st.characters(codec="utf-8")), max_size=40
)


@pytest.mark.parametrize("name", SPLITTERS)
@settings(deadline=None)  # jieba reads its dictionary at the first
@given(text=TEXT)
def test_offsets_cover_what_is_no_space(name: str, text: str) -> None:
    if name == "jieba":
        pytest.importorskip("jieba")
    end = 0
    for piece, first, last in SPLITTERS[name](text):
        assert piece.strip()
        assert piece == text[first:last]
        assert not text[end:first].strip()
        end = last
    assert not text[end:].strip()


def test_words() -> None:
    found = split_words("  It's 12 o’clock, 酒店 ok!? 'tis")
    assert [piece for piece, _, _ in found] == [
        "It's", "12", "o’clock", ",", "酒", "店", "ok", "!", "?", "'", "tis",
    ]  # fmt: skip
    assert found[0] == ("It's", 2, 6)
    assert found[4] == ("酒", 19, 20)


def test_characters() -> None:
    assert split_characters("很 a\u3000好\n") == [("很", 0, 1), ("a", 2, 3), ("好", 4, 5)]


def test_jieba(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jieba")
    _jieba.cache_clear()
    assert split_jieba("酒店 服务态度很好") == [("酒店", 0, 2), ("服务态度", 3, 7), ("很", 7, 8), ("好", 8, 9)]
    assert logging.getLogger("jieba").level >= logging.WARNING
    assert capfd.readouterr() == ("", "")


def test_warnings_of_jieba_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = "import warnings\nwarnings.warn('old', DeprecationWarning)\ndef setLogLevel(level): pass\n"
    made += "class Tokenizer:\n    pass\n"
    (tmp_path / "jieba.py").write_text(made)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "jieba", raising=False)
    _jieba.cache_clear()
    assert _jieba().tmp_dir == str(tmp_path / "throughtime")
    _jieba.cache_clear()
    monkeypatch.delitem(sys.modules, "jieba")


def test_jieba_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jieba", None)
    _jieba.cache_clear()
    with pytest.raises(UserError, match=rf"splitter jieba: it is not installed; {re.escape(needed('chinese'))}"):
        split_jieba("酒店")


def test_jieba_keeps_its_cache_where_nobody_else_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that somebody planted in the temporary folder is not read: it decides what words are."""
    pytest.importorskip("jieba")
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    (shared / "jieba.cache").write_bytes(marshal.dumps(({"\u4eca\u5929\u5929": 10**9}, 10**9)))
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    monkeypatch.setenv("XDG_CACHE_HOME", str(own))
    for open_to_all in (False, True):
        _jieba.cache_clear()
        try:
            assert (
                next(piece for piece, _, _ in split_jieba("\u4eca\u5929\u5929\u6c14\u597d"))
                == "\u4eca\u5929\u5929\u6c14"
            )
        finally:
            _jieba.cache_clear()
        assert [path.name for path in shared.iterdir()] == ["jieba.cache"]
        place = own / "throughtime"
        assert place.stat().st_mode & 0o777 == (0o777 if open_to_all else 0o700)
        place.chmod(0o777)
