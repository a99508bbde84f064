"""Messages as programs export them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from throughtime.data.dialogues import read_dialogues
from throughtime.data.messages import text_of
from throughtime.data.pairs import Pairs
from throughtime.errors import UserError


def read(place: Path, name: str, text: str | list[Any]) -> Pairs:
    whole = text if isinstance(text, str) else "".join(json.dumps(one) + "\n" for one in text)
    (place / name).write_text(whole, "utf-8")
    return read_dialogues(place / name)


def replies(pairs: Pairs) -> list[tuple[str, str]]:
    return list(zip(pairs.sources, pairs.targets, strict=True))


WANTED = [("Hi there. Are you in?", "Yes, I am."), ("Yes, I am.", "Good: see you")]


@pytest.mark.parametrize(
    "stamp",
    ["12/31/20, 9:15 PM - ", "[31.12.20, 21:15:02] ", "\u200e[2020-12-31, 21:15:02] ", "31/12/2020 21:15 - "],
)
def test_the_export_of_a_messenger(tmp_path: Path, stamp: str) -> None:
    lines = ["Messages are encrypted.", "Ann: Hi there.", "Ann: Are you in?", "Bob: Yes,", "", "Ann: <Media omitted>"]
    text = "\n".join(stamp + line if line else "I am." for line in lines) + f"\n{stamp}Ann: Good: see you\n"
    found = read(tmp_path, "chat.txt", text)
    assert replies(found) == WANTED
    assert "1 conversation with 2 replies" in found.notes


def test_lines_that_name_their_speaker(tmp_path: Path) -> None:
    text = "Ann: Hi there.\nAnn: Are you in?\nBob: Yes,\nI am.\nAnn: Good: see you\n\nBob: now?\nAnn: no\n"
    lines = text + "".join(f"\nAnn: one {i}\nBob: two {i}\nAnn: three {i}\n" for i in range(6))
    assert replies(read(tmp_path, "chat.txt", lines))[:3] == [*WANTED, ("now?", "no")]
    other = "".join(f"a line {i}\nNote: another {i}\n\n" for i in range(5))
    assert replies(read(tmp_path, "other.txt", other))[0] == ("a line 0", "Note: another 0")
    many = "".join(f"Title {'abcdefgh'[i]}: a text\nand an answer {i}\n\n" for i in range(6))
    assert replies(read(tmp_path, "many.txt", many))[0] == ("Title a: a text", "and an answer 0")


def test_tables_of_messages_without_a_number_are_one_conversation(tmp_path: Path) -> None:
    rows = [("Ann", "Hi there."), ("Ann", "Are you in?"), ("Bob", "Yes, I am."), ("Ann", "Good: see you")]
    table = "date,sender,message\n" + "".join(f'2020,{who},"{text}"\n' for who, text in rows)
    assert replies(read(tmp_path, "chat.csv", table)) == WANTED
    assert replies(read(tmp_path, "chat.jsonl", [{"from": who, "text": text} for who, text in rows])) == WANTED
    faq = "author,text,answer\nAnn,how much,ten\nBob,where,here\n"
    with pytest.raises(UserError, match="which of the 3 columns"):
        read(tmp_path, "faq.csv", faq)


def test_texts_in_parts_and_calls_of_tools(tmp_path: Path) -> None:
    part = [{"type": "text", "text": "It is "}, {"type": "text", "text": "sunny."}]
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "content": "{}"},
        {"role": "assistant", "content": part},
    ]
    assert replies(read(tmp_path, "a.jsonl", [{"messages": turns}] * 3)) == [("And now?", "It is sunny.")] * 3
    export = {
        "name": "Bob",
        "messages": [{"from": "Ann", "text": "see"}, {"from": "Bob", "text": ["a", {"text": "b"}]}],
    }
    assert replies(read(tmp_path, "b.json", json.dumps(export))) == [("see", "ab")]
    assert [text_of(one) for one in ("x", None, ["a", {"text": "b"}], 3, [3])] == ["x", "", "ab", None, None]


@pytest.mark.parametrize(("also", "answered"), [("input", "output"), ("context", "response")])
def test_what_an_instruction_is_about_is_read_with_it(tmp_path: Path, also: str, answered: str) -> None:
    rows = [{"instruction": f"do {i}", also: f"with {i}" if i % 2 else "", answered: f"done {i}"} for i in range(4)]
    found = read(tmp_path, "a.jsonl", rows)
    assert replies(found)[:2] == [("do 0", "done 0"), ("do 1 with 1", "done 1")]
    assert f"with {also} behind it in 2 rows" in found.notes[0]


def test_marks_of_a_chat_template_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a chat template's marks"):
        read(tmp_path, "a.txt", "<|im_start|>user\nhi\n<|im_end|>\n\n<|im_start|>assistant\nyes\n<|im_end|>\n")
