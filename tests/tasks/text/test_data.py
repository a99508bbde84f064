"""Where a text is cut, and what counts as a file."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import pytest

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.tasks.text import data
from throughtime.tasks.text.data import Text, TextData


def test_the_parts_follow_each_other_and_cover_the_text() -> None:
    text = Text("".join(chr(200 + i) for i in range(1003)))
    assert "".join(text.part(name) for name in ("train", "validation", "test")) == text.text == text.part("all")
    assert [len(text.part(name)) for name in ("train", "validation", "test")] == [856, 46, 101]
    none = Text("abc", validation=0.0, holdout=0.0)
    assert (none.part("train"), none.part("validation"), none.part("test")) == ("abc", "", "")


def test_the_token_before_a_part() -> None:
    text = Text("abcdefghij", holdout=0.5, validation=0.2)
    tokenizer = tokenizers.fit("characters", text.text)
    assert tokenizer.decode(text.before("test", tokenizer)) == "e"
    assert tokenizer.decode(text.before("validation", tokenizer)) == "d"
    assert text.before("train", tokenizer).size == 0
    assert tokenizer.decode(text.ids("test", tokenizer)) == "fghij"


def test_a_string_is_a_file_only_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("inside")
    monkeypatch.chdir(tmp_path)
    assert Text.of("a.txt").text == "inside"
    for name in ("b.txt", "misspelt.txt", "some/where", "./x", "C:\\a.csv", "my book.txt", "~/a"):
        with pytest.raises(UserError, match=r"no such file; check the path, or end the text with a line end"):
            Text.of(name)
    for text in ("b.txt\n", "Hello world.", "It was the best of times", "x"):
        assert Text.of(text).text == text
    assert Text.of("a\x00b").text == "a\x00b"
    assert Text.of("x" * 5000).file is None
    with pytest.raises(UserError, match="no such file"):
        Text.of(Path("b.txt"))
    with pytest.raises(UserError, match="empty string"):
        Text.of("")
    assert Text.of("a.txt").data.to_json()["file"] == "a.txt"


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(UserError, match="choose from train"):
        Text("abc").part("dev")


def test_of_a_text_that_nobody_described_nothing_is_known() -> None:
    usual = {"file": None, "sha256": "", "characters": 0, "form": "", "files": [], "edges": []}
    assert TextData.from_json({}).to_json() == usual


def test_a_text_is_composed_and_hashed_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "cafe\u0301\n\u0301e\u0301 \uac00\u11a8 a\u0323\u0302\n\n\u0344x" * 9
    whole = Text.of(text + "\n")
    monkeypatch.setattr(data, "_BLOCK", 3)
    blocks = Text.of(text + "\n")
    assert blocks.text == whole.text == unicodedata.normalize("NFC", text + "\n")
    assert blocks.sha256 == whole.sha256 == hashlib.sha256(whole.text.encode()).hexdigest()
