"""Examples with intents and spans as LUIS, Snips, Dialogflow, Dataturks and CLUE write them, in the form of spaCy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from throughtime.options import Json

Rows = list[dict[str, Json]]


def rewritten(values: Sequence[Any]) -> Rows | None:
    """Rows with text, entities [first character, the one behind the last, kind] and perhaps an intent; None for what is
    in none of these forms."""
    rows = list(values)
    if len(rows) == 1 and isinstance(rows[0], dict):
        whole = rows[0]
        if isinstance(whole.get("utterances"), list) and "intents" in whole:
            return _all(whole["utterances"], _luis)
        if isinstance(whole.get("intents"), dict):
            return list(_snips(whole["intents"]))
    for read in (_dialogflow, _dataturks, _clue):
        if rows and (found := _all(rows, read)) is not None:
            return found
    return None


def _all(rows: Sequence[Any], read: Any) -> Rows | None:
    try:
        return [read(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None


def _luis(row: Any) -> dict[str, Json]:
    """Places of characters, the last one included; the part of an entity in which it stands is its kind."""
    ends = [[one["startPos"], one["endPos"] + 1, one["entity"]] for one in row.get("entities", [])]
    return {"text": row["text"], "entities": ends, "intent": row["intent"]}


def _joined(parts: Sequence[Any], names: Sequence[str]) -> dict[str, Json]:
    """A text in parts, some of which say what they are."""
    text, spans = "", []
    for part in parts:
        kind = next((part[name] for name in names if part.get(name)), None)
        if kind is not None:
            spans.append([len(text), len(text) + len(part["text"]), kind])
        text += part["text"]
    return {"text": text, "entities": spans}


def _snips(intents: dict[str, Any]) -> Iterator[dict[str, Json]]:
    for intent, examples in intents.items():
        for one in examples["utterances"]:
            yield {**_joined(one["data"], ("slot_name", "entity")), "intent": intent}


def _dialogflow(row: Any) -> dict[str, Json]:
    if not isinstance(row["data"], list) or "isTemplate" not in row:
        raise KeyError("data")
    return _joined(row["data"], ("alias", "meta"))


def _dataturks(row: Any) -> dict[str, Json]:
    spans = []
    for one in row["annotation"] or []:
        kinds = one["label"] if isinstance(one["label"], list) else [one["label"]]
        spans += [[point["start"], point["end"] + 1, kind] for point in one["points"] for kind in kinds]
    return {"text": row["content"], "entities": spans}


def _clue(row: Any) -> dict[str, Json]:
    """Of each kind the names and the places where they stand, the last character included."""
    spans = [
        [start, end + 1, kind]
        for kind, names in row["label"].items()
        for places in names.values()
        for start, end in places
    ]
    return {"text": row["text"], "entities": spans}
