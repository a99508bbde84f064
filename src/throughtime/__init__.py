"""Recurrent models, from the equation to the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from throughtime.tasks import MODELS

if TYPE_CHECKING:
    from throughtime.data.series import read_series
    from throughtime.runtime.load import load
    from throughtime.tasks.classifier import Classifier
    from throughtime.tasks.forecaster import Forecaster
    from throughtime.tasks.tagger import Tagger
    from throughtime.tasks.text import LanguageModel

__version__ = "0.1.0"
__all__ = ["Classifier", "Forecaster", "LanguageModel", "Tagger", "__version__", "load", "read_series"]
__all__ += [name for name in MODELS if name not in __all__]

_HOMES = {"load": "throughtime.runtime.load", "read_series": "throughtime.data.series", **MODELS}
"""What is imported when it is asked for, and from where."""


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
