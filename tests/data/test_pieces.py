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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी में लिखो", ["हिन्दी", "में", "लिखो"]),
        ("বাংলা ভাষা", ["বাংলা", "ভাষা"]),
        ("မြန်မာ စာ", ["မြန်မာ", "စာ"]),
        ("สวัสดี!", ["สวัสดี", "!"]),
        ("مُدَرِّسٌ جديد", ["مُدَرِّسٌ", "جديد"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("cafe\u0301 olé", ["cafe\u0301", "olé"]),
        ("5 m² x½", ["5", "m²", "x½"]),
    ],
)
def test_combining_marks_do_not_split_words(text: str, words: list[str]) -> None:
    assert [piece for piece, _, _ in split_words(text)] == words


def test_a_character_has_its_marks() -> None:
    assert [piece for piece, _, _ in split_characters("हिन्दी e\u0301 👨‍👩‍👧好")] == [
        "हि",
        "न्दी",
        "e\u0301",
        "👨‍👩‍👧",
        "好",
    ]
    assert [piece for piece, _, _ in split_characters("हि", marks=False)] == ["ह", "ि"]


def test_models_of_an_earlier_version_cut_at_marks() -> None:
    from throughtime.data.splitter import Splitter
    from throughtime.data.words import Words

    assert Splitter.from_json({"kind": "words", "tokenizer": None}).split("हि x") == ["ह", "ि", "x"]
    assert Splitter.from_json(Splitter("words").to_json()).split("हि x") == ["हि", "x"]
    old, new = Words.from_json({"kind": "words", "pieces": ["ह"]}), Words(["हि"])
    assert (old.encode("हि").tolist(), new.encode("हि").tolist()) == ([2, 0], [2])
    assert Words.from_json(new.to_json()).encode("हि").tolist() == [2]


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
