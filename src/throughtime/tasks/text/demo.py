"""The demonstration: learn a text that every Python installation carries.

The text is the language reference behind Python's help(), one topic after the other; 465,048 characters in CPython
3.11.7, a little more or less in other versions.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

from throughtime.errors import UserError

PROMPT = "The Python "
TEXT = "text.txt"
"""The name of the copy of the text in the demonstration's folder."""


def text() -> str:
    """The language reference. UserError where the installation left it out."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise UserError(
            "demo: this Python comes without pydoc_data, the demonstration's text; use another one"
        ) from None
    return "\n".join(topics.values())


def run(out: Path, minutes: float = 1.9, seed: int = 0, threads: int | None = None, **options: Any) -> dict[str, Any]:
    """Train on the text into a folder, score its last tenth; the summary of throughtime.tasks.train.train.

    out may hold an earlier demonstration, which is replaced; UserError where it holds another model.
    """
    from throughtime.tasks.train import refuse_other, train

    file = refuse_other(out, TEXT, text)
    options = {"minutes": minutes, "seed": seed, "threads": threads, **options}
    return train("text", str(file), out, force=True, **options)


def plain_torch(learned: str) -> dict[str, Any] | None:
    """What a plain torch.nn.LSTM was measured to reach on this text: nats_per_character, minutes, machine, command.

    None where nothing was recorded for this very text.
    """
    file = resources.files("throughtime.tasks.text").joinpath("plain_torch_lstm.json")
    if not file.is_file():
        return None
    recorded = json.loads(file.read_text(encoding="utf-8"))
    same = recorded.get("sha256") == hashlib.sha256(learned.encode()).hexdigest()
    return dict(recorded) if same else None
