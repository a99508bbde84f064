"""Conversations: every way in gives the same pairs of what was said and the reply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from throughtime.data.dialogues import BEFORE, read_dialogues
from throughtime.errors import UserError

TALKS = [["Hi.", "Hello!", "How are you?", "Fine, thanks."], ["你好", "你好，请坐。"], ["Bye", "See you", "Soon"]]


def write(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    return path


def source(kind: str, folder: Path) -> Any:
    rows = [(i, n, turn) for i, talk in enumerate(TALKS) for n, turn in enumerate(talk)]
    if kind == "lists":
        return TALKS
    if kind == "objects":
        return [{"dialogue": [{"speaker": "A", "text": turn} for turn in talk]} for talk in TALKS]
    if kind == "jsonl":
        return write(folder / "a.jsonl", "\n".join(json.dumps({"id": 1, "turns": talk}) for talk in TALKS))
    if kind == "arrays":
        return write(folder / "a.json", json.dumps(TALKS))
    if kind == "marked":
        lines = [" __eou__ ".join(talk) + " __eou__\t1\t2 1\t0 0" for talk in TALKS]
        return write(folder / "a.txt", "\n".join(lines) + "\n")
    if kind == "tabs":
        return write(folder / "a.txt", "\n".join("\t".join(talk) for talk in TALKS))
    if kind == "blank":
        return write(folder / "a.txt", "\r\n\r\n\r\n".join("\r\n".join(talk) for talk in TALKS))
    if kind == "csv":
        lines = [f'{i},{n},"{turn}"' for i, n, turn in reversed(rows)]
        talks = sorted(range(len(lines)), key=lambda k: lines[k][0])
        return write(folder / "a.csv", "\n".join(["dialogue_id,turn,text", *(lines[k] for k in talks)]))
    columns = {"dialogue_id": [r[0] for r in rows], "turn": [r[1] for r in rows], "utterance": [r[2] for r in rows]}
    return columns if kind == "mapping" else pytest.importorskip("pandas").DataFrame(columns)


@pytest.mark.parametrize(
    "kind", ["lists", "objects", "jsonl", "arrays", "marked", "tabs", "blank", "csv", "mapping", "pandas"]
)
def test_every_source_gives_the_same(tmp_path: Path, kind: str) -> None:
    found = read_dialogues(source(kind, tmp_path))
    assert found.sources == ["Hi.", "Hello!", "How are you?", "你好", "Bye", "See you"]
    assert found.targets == ["Hello!", "How are you?", "Fine, thanks.", "你好，请坐。", "See you", "Soon"]
    assert found.groups == [0, 0, 0, 1, 2, 2]
    assert found.context(2) == ("Hi.", "Hello!", "How are you?")
    assert found.before[3:] == [(), (), ("Bye",)]
    assert found.notes == ["3 conversations with 6 replies"]


def test_questions_and_answers(tmp_path: Path) -> None:
    for path in (
        write(tmp_path / "faq.tsv", "When do you open?\tAt nine.\nWhere are you?\tIn Bonn.\n"),
        write(tmp_path / "faq.csv", "Question,Answer\nWhen do you open?,At nine.\nWhere are you?,In Bonn.\n"),
    ):
        found = read_dialogues(path)
        assert found.sources == ["When do you open?", "Where are you?"]
        assert found.targets == ["At nine.", "In Bonn."]
        assert not found.groups
    assert read_dialogues((["q"], ["a"])).targets == ["a"]
    assert read_dialogues({"x": ["q"], "y": ["a"]}, "x", "y").targets == ["a"]


def test_only_what_the_assistant_says_is_a_reply() -> None:
    talk = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "See you"},
    ]
    found = read_dialogues([{"messages": talk}])
    assert list(zip(found.sources, found.targets, strict=True)) == [("Hi", "Hello"), ("Bye", "See you")]
    assert found.context(1) == ("Hi", "Hello", "Bye")


def test_what_is_left_out_is_said() -> None:
    found = read_dialogues([["a", " ", "b"], ["c"], ["d", "e"]])
    assert found.sources == ["a", "d"]
    assert found.notes[1:] == ["1 turn without a word: left out", "1 conversation of one turn: left out"]
    long = read_dialogues([[f"t{i}" for i in range(100)]])
    assert len(long.context(98)) == BEFORE + 1
    assert long.context(98)[-1] == "t98"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("one\ntwo\nthree\n", "expected an empty line between conversations"),
        ('{"turns": ["a", 3]}', "row 1: expected turns as texts"),
        ('{"turns": ["a"]}', "there is no reply in any conversation"),
        ("one\0\n", "line 1, character 4: a NUL"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        read_dialogues(write(tmp_path / "a.txt", content))
    assert "\n" not in str(error.value)
