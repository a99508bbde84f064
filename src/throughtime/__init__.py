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
}
"""What is imported when it is asked for; beside it the models of the tasks."""


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    from importlib import import_module

    home = _HOMES.get(name) or _models().get(name)
    if home is None:
        raise AttributeError(f"module 'throughtime' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_models()})


def _models() -> dict[str, str]:
    from throughtime.tasks import MODELS

    return MODELS
