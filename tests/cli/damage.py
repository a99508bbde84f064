"""A trained model's folder, and what is changed in its config.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CONFIG, WEIGHTS, TOKENIZER, HISTORY = "config.json", "model.safetensors", "tokenizer.json", "history.jsonl"
RUN, EVALUATE, REPORT = ["run", "m", "the"], ["evaluate", "m", "text.txt"], ["report", "m"]

Change = Callable[[dict[str, Any]], Any]


def at(*keys: Any, to: Any) -> Change:
    """A change of the value at keys."""

    def change(config: dict[str, Any]) -> None:
        place: Any = config
        for key in keys[:-1]:
            place = place[key]
        if to is GONE:
            del place[keys[-1]]
        else:
            place[keys[-1]] = to

    return change


GONE = object()
