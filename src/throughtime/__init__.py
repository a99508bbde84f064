"""Recurrent models, from the equation to the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from throughtime.data.series import read_series
    from throughtime.runtime.load import load
    from throughtime.tasks.forecaster import Forecaster
    from throughtime.tasks.text import LanguageModel

__version__ = "0.1.0"
__all__ = ["Forecaster", "LanguageModel", "__version__", "load", "read_series"]

_HOMES = {
    "load": "throughtime.runtime.load",
    "read_series": "throughtime.data.series",
    "LanguageModel": "throughtime.tasks.text",
    "Forecaster": "throughtime.tasks.forecaster",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'throughtime' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
