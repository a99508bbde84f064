"""Recurrent models in Python, from the equation to the stream."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from throughtime.tasks import TASKS

if TYPE_CHECKING:
    from throughtime.data.series import read_series
    from throughtime.tasks.chat.estimator import Chat
    from throughtime.tasks.classify.estimator import Classifier
    from throughtime.tasks.forecast.estimator import Forecaster
    from throughtime.tasks.load import load
    from throughtime.tasks.summarize.estimator import Summarizer
    from throughtime.tasks.tag.estimator import Tagger
    from throughtime.tasks.text.estimator import LanguageModel
    from throughtime.tasks.translate.estimator import Translator

__version__ = "0.1.0"
__all__ = ["Chat", "Classifier", "Forecaster", "LanguageModel", "Summarizer", "Tagger", "Translator"]
__all__ += ["__version__", "load", "read_series"]
__all__ += [task.estimator for task in TASKS.values() if task.estimator not in __all__]

_HOMES = {"load": "throughtime.tasks.load", "read_series": "throughtime.data.series"}
_HOMES |= {task.estimator: f"throughtime.tasks.{name}.estimator" for name, task in TASKS.items()}
"""What is imported when it is asked for, and from where."""


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'throughtime' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
