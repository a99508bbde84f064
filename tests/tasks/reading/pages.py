"""Pages that are written again and again, with what takes their time done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

# every picture of the process, by its function and what it shows
_DRAWN: dict[str, str] = {}


def once(draw: Callable[..., str]) -> Callable[..., str]:
    """The same function, called once for the same arguments."""

    def drawn(*arguments: Any) -> str:
        key = draw.__name__ + json.dumps([one.tolist() if isinstance(one, np.ndarray) else one for one in arguments])
        if key not in _DRAWN:
            _DRAWN[key] = draw(*arguments)
        return _DRAWN[key]

    return drawn
