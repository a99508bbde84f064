"""Conversations as people have them, as pairs of what was said and the reply, with the turns before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from throughtime.data.json_rows import json_objects, json_values, looks_like_json
from throughtime.data.lines import Lines, decoded, lines_of, tidy
from throughtime.data.messages import spoken, text_of
from throughtime.data.pairs import Pairs, read_pairs
from throughtime.data.table import JSON, PARQUET, TableData, delimited, json_table, objects, read_table
from throughtime.data.text import is_file, read_bytes
from throughtime.errors import UserError

LISTS = ("dialogue", "dialog", "turns", "utterances", "messages", "conversation", "conversations", "dialogs", "对话")
"""Names under which an object has the turns of a conversation."""

SAID = ("text", "utterance", "content", "message", "value", "turn_text", "utt", "sentence", "内容")
"""Names under which a turn has what was said."""

IDS = (
    "dialogue_id",
    "dialog_id",
    "conversation_id",
    "conv_id",
    "dialogue",
    "dialog",
    "conversation",
    "thread_id",
    "session_id",
    "chat_id",
    "episode",
    "对话",
)
"""Names of columns that number conversations."""

ORDERS = ("turn", "turn_id", "turn_number", "turn_idx", "utterance_idx", "utterance_id", "position")
ROLES = ("role", "from", "speaker", "author", "sender")
ASKED, ALSO, ANSWERED = "instruction", ("input", "context"), ("output", "response")
"""Names under which an object has what is to be done, with what, and what was answered."""

REPLIES = ("answer", "response", "reply", "target", "completion", "output", "label", "回答", "答案")
"""Names of columns beside which a text and a speaker are no turns of one conversation."""

ANSWERING = frozenset({"assistant", "gpt", "bot", "agent", "system_reply", "model", "chatbot"})
"""Who replies, where that is said: then only what they say is a reply to learn."""

SILENT = frozenset({"system", "tool", "function", "developer"})
"""Whose words are no turns of a conversation."""

MARK = "__eou__"
"""What ends a turn in lines of conversations (DailyDialog)."""

BEFORE = 32
"""Turns before a source that are kept."""


def read_dialogues(data: Any, source: str | None = None, target: str | None = None, encoding: str = "utf-8") -> Pairs:
    """Each reply of conversations with what it replies to and the turns before that; or plain questions and answers.

    data: lists of turns; JSON whose objects hold a list of turns, texts or objects with what was said and who said it;
    a table with a column of conversations' numbers, one turn in each row; lines of a conversation each, its turns
    divided by "__eou__" or tabs; or a turn in each line with an empty line between conversations. What read_pairs takes
    as pairs is read so: a FAQ of question and answer, and whatever `source` and `target` name.

    Raises UserError for what is neither.
    """
    if source is None and target is None:
        found = _conversations(data, encoding)
        if isinstance(found, Pairs):
            return found
        if found is not None:
            return _as_pairs(*found)
    return read_pairs(data, source, target, encoding)


Turn = tuple[str, bool]
"""What was said, and whether it may be learned as a reply. What one of several speakers says in a row is one turn."""

Found = tuple[list[list[Turn]], list[int], str]
"""Conversations, the row of each, and where they are from."""


def _conversations(data: Any, encoding: str) -> Found | Pairs | None:
    """What is made of conversations; None for what is not."""
    if isinstance(data, list) and data and all(isinstance(one, list | tuple) for one in data):
        return [_turns(one, f"data: conversation {i}") for i, one in enumerate(data)], list(range(len(data))), "data"
    if isinstance(data, list) and data and all(isinstance(one, Mapping) for one in data):
        return _of_objects(data, list(range(len(data))), "data")
    if isinstance(data, str | Path) and (isinstance(data, Path) or is_file(data)) and not Path(data).is_dir():
        return _of_file(data, encoding)
    columns = data if isinstance(data, dict) else getattr(data, "columns", None)
    if columns is not None and not isinstance(data, str | Path):
        table = {name: objects(list(cells)) for name, cells in data.items()} if isinstance(data, dict) else data
        return _of_table(read_table(table, encoding, "labels", typed=True))
    return None


def _of_file(data: str | Path, encoding: str) -> Found | Pairs | None:
    where = "standard input" if str(data) == "-" else str(data)
    suffix = Path(str(data).removesuffix(".gz")).suffix.lower()
    if str(data) == "-":
        return None
    if suffix in PARQUET:
        return _of_table(read_table(data, encoding, "labels", typed=True))
    text = decoded(read_bytes(data, where), where, encoding)
    if suffix in JSON or looks_like_json(text):
        values, first = json_values(text, where)
        if values and all(isinstance(one, list) for one in values):
            rows = list(range(first, first + len(values)))
            return [_turns(one, f"{where}: row {row}") for one, row in zip(values, rows, strict=True)], rows, where
        if values and all(isinstance(one, dict) for one in values):
            found = _of_objects(values, list(range(first, first + len(values))), where)
            if found is not None:
                return found
        rows_, first = json_objects(text, where)
        instructed = _instructed(rows_, where)
        if instructed is not None:
            return instructed
        return _of_objects(rows_, list(range(first, first + len(rows_))), where) or _of_table(json_table(text, where))
    if suffix == ".csv":
        return _of_rows(delimited(text.replace("\r\n", "\n"), ",", where), where)
    return _of_lines(lines_of(text, where))


def _of_objects(rows: Sequence[Any], numbers: list[int], where: str) -> Found | None:
    for name in LISTS:
        if all(isinstance(row.get(name), list) for row in rows):
            turns = [_turns(row[name], f"{where}: row {n}") for row, n in zip(rows, numbers, strict=True)]
            return turns, numbers, where
    return None


def _turns(values: Sequence[Any], where: str) -> list[Turn]:
    """The turns of a conversation: texts, or objects with what was said."""
    found: list[Turn] = []
    before = ""
    roles = {_role(one) for one in values if isinstance(one, Mapping)}
    known, several = bool(roles & ANSWERING), len(roles - SILENT) > 1
    for one in values:
        if isinstance(one, Mapping):
            text = text_of(next((one[name] for name in SAID if name in one), 0))
            if _role(one) in SILENT:
                continue
        else:
            text = one
        if not isinstance(text, str):
            raise UserError(
                f"{where}: expected turns as texts, or objects with one under {', '.join(SAID[:3])}, got "
                f"{type(one).__name__}"
            )
        if "\0" in text:
            raise UserError(f"{where}: a turn holds a NUL, it is no text; take it out")
        who, reply = _role(one), not known or _role(one) in ANSWERING
        if several and who and who == before and found and text.strip():
            found[-1] = f"{found[-1][0]} {text}".strip(), reply
        elif not (several and who) or text.strip():
            found.append((text, reply))
            before = who
    return found


def _instructed(rows: Sequence[Mapping[str, object]], where: str) -> Pairs | None:
    """Instructions with what they are about, and answers, as pairs; None for what is not, or where nothing is beside
    the instructions."""
    names = [next((name for name in some if all(name in row for row in rows)), None) for some in (ALSO, ANSWERED)]
    if None in names or not all(isinstance(row.get(ASKED), str) for row in rows):
        return None
    also, answered = str(names[0]), str(names[1])
    texts = [[str(row[name]) for name in (ASKED, also) if isinstance(row[name], str) and row[name]] for row in rows]
    texts = [[one for one in some if one.strip()] for some in texts]
    columns = {ASKED: [" ".join(one) for one in texts], answered: [row[answered] for row in rows]}
    pairs = read_pairs(columns, ASKED, answered)
    count = sum(len(one) > 1 for one in texts)
    told = f"source: column {ASKED}, with {also} behind it in {count:,} rows; target: column {answered}"
    return replace(pairs, where=where, notes=[told, *pairs.notes[1:]])


def _role(turn: Any) -> str:
    if not isinstance(turn, Mapping):
        return ""
    return next((str(turn[name]).lower() for name in ROLES if isinstance(turn.get(name), str)), "")


def _of_rows(rows: list[tuple[int, list[str]]], where: str) -> Found | None:
    """A turn in each row, below a header."""
    if len(rows) < 2 or len({len(cells) for _, cells in rows}) != 1:
        return None
    names = [name.strip() for name in rows[0][1]]
    if len(set(names)) < len(names):
        return None
    columns = {name: objects([cells[i] for _, cells in rows[1:]]) for i, name in enumerate(names)}
    return _of_table(TableData(columns, where, rows[1][0]))


def _of_table(table: TableData) -> Found | None:
    """Rows of a turn each that have the number of their conversation; None for a table without such columns."""
    lower = {name.lower(): name for name in reversed(list(table.columns))}
    lists = next((lower[name] for name in LISTS if name in lower), None)
    if lists is not None and all(isinstance(cell, list) for cell in table.columns[lists]):
        rows = [{lists: cell} for cell in table.columns[lists]]
        return _of_objects([{lists.lower(): row[lists]} for row in rows], _rows(table, len(rows)), table.where)
    number = next((lower[name] for name in IDS if name in lower), None)
    text = next((lower[name] for name in SAID if name in lower), None)
    role = next((lower[name] for name in ROLES if name in lower), None)
    alone = number is None and role is not None and not any(name in lower for name in REPLIES)
    if text is None or (number is None and not alone):
        return None
    order = next((lower[name] for name in ORDERS if name in lower), None)
    count = len(table.columns[text])
    places = list(range(count)) if order is None else list(table.numbers(order, "the order of turns"))
    by_id: dict[Any, list[int]] = {}
    for i in range(count):
        by_id.setdefault(None if number is None else table.columns[number][i], []).append(i)
    found, rows_, numbers = [], _rows(table, count), []
    for members in by_id.values():
        members.sort(key=lambda i: places[i])
        turns = [
            {"text": table.columns[text][i], **({} if role is None else {"role": str(table.columns[role][i])})}
            for i in members
        ]
        found.append(_turns(turns, f"{table.where}: row {rows_[members[0]]}"))
        numbers.append(rows_[members[0]])
    return found, numbers, table.where


def _rows(table: TableData, count: int) -> list[int]:
    return list(range(table.first_row, table.first_row + count))


def _of_lines(lines: Lines) -> Found | None:
    """A conversation in each line, or a turn in each line; None for lines of two columns, which are pairs."""
    texts = lines.lines
    where = lines.where
    said = spoken(texts, where)
    if said is not None:
        each = [[{"role": who, "text": text} for who, text in one] for one in said]
        return [_turns(one, where) for one in each], [1] * len(each), where
    if any(MARK in line for line in texts):
        marked = [line.split("\t")[0].split(MARK) for line in texts]
        return [[(turn, True) for turn in one] for one in marked], list(range(1, len(texts) + 1)), where
    tabs = {line.count("\t") for line in texts if line.strip()}
    if tabs != {0}:
        split = [(n, line.split("\t")) for n, line in enumerate(texts, 1) if line.strip()]
        table = _of_rows(split, where) if len(tabs) == 1 else None
        if table is not None or len(tabs) == 1:
            return table
        return [[(turn, True) for turn in cells] for _, cells in split], [n for n, _ in split], where
    found: list[list[Turn]] = [[]]
    rows = [1]
    for n, line in enumerate(texts, 1):
        if not line.strip():
            if found[-1]:
                found.append([])
                rows.append(n + 1)
            rows[-1] = n + 1
        else:
            found[-1].append((line, True))
    kept = [(turns, row) for turns, row in zip(found, rows, strict=True) if turns]
    if len(kept) < 2:
        raise UserError(
            f"{where}: expected an empty line between conversations of a turn in each line, found none in "
            f"{len(texts):,} lines; questions and answers are divided by a tab"
        )
    return [turns for turns, _ in kept], [row for _, row in kept], where


def _as_pairs(conversations: list[list[Turn]], rows: list[int], where: str) -> Pairs:
    """Each reply with what it replies to."""
    sources: list[str] = []
    targets: list[str] = []
    before: list[tuple[str, ...]] = []
    groups: list[int] = []
    at: list[int] = []
    empty, alone = 0, 0
    for group, (conversation, row) in enumerate(zip(conversations, rows, strict=True)):
        said = [(tidy(text), reply) for text, reply in conversation]
        if said and not said[-1][0]:
            said.pop()  # what ends the last turn divides nothing
        empty += sum(not text for text, _ in said)
        said = [(text, reply) for text, reply in said if text]
        alone += len(said) == 1
        for i in range(1, len(said)):
            if said[i][1]:
                sources.append(said[i - 1][0])
                targets.append(said[i][0])
                before.append(tuple(text for text, _ in said[max(0, i - 1 - BEFORE) : i - 1]))
                groups.append(group)
                at.append(row)
    count = len(set(groups))
    notes = [f"{count:,} conversation{'s' if count != 1 else ''} with {len(targets):,} replies"]
    if empty:
        notes.append(f"{empty:,} turn{'s' if empty > 1 else ''} without a word: left out")
    if alone:
        notes.append(f"{alone:,} conversation{'s' if alone > 1 else ''} of one turn: left out")
    if not targets:
        raise UserError(f"{where}: there is no reply in any conversation")
    return Pairs(sources, targets, where, at, notes, (None, None), before, groups)
