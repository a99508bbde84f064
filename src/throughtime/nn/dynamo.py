"""torch.compile traces our RNN, LSTM and GRU, though it breaks the graph at torch.nn's.

torch.compile refuses every module that is a torch.nn.RNN, LSTM or GRU, by its type (torch._dynamo.config.allow_rnn;
pytorch/pytorch#158007). Ours are, but hold one operator. Switching the refusal off for the whole process would also
reach torch.nn's own layers, which it is there for. So it is switched off while one of ours is taken in, and no longer.
Where a version of PyTorch is built otherwise, nothing is changed: the graph breaks there, and the results are the same.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from functools import wraps
from types import ModuleType
from typing import Any

_BUILDER = "torch._dynamo.variables.builder"


def teach_when_imported() -> None:
    """Teach torch.compile at once where it is loaded, or when it will be: loading it here would cost a second."""
    builder = sys.modules.get(_BUILDER)
    if builder is not None:
        _teach(builder)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, once, and teaches it after it was run."""

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _BUILDER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_teach(module: ModuleType) -> None:
                run(module)
                _teach(module)

            spec.loader.exec_module = run_and_teach  # type: ignore[method-assign]
        return spec


def _teach(builder: ModuleType) -> None:
    cls = getattr(builder, "VariableBuilder", None)
    plain = getattr(cls, "wrap_module", None)
    if cls is None or plain is None or hasattr(plain, "__wrapped__"):
        return

    @wraps(plain)
    def wrap_module(self: Any, value: Any) -> Any:
        if not _one_operator(value):
            return plain(self, value)
        import torch._dynamo.config

        if not hasattr(torch._dynamo.config, "allow_rnn"):
            return plain(self, value)
        with torch._dynamo.config.patch(allow_rnn=True):  # type: ignore[no-untyped-call]
            return plain(self, value)

    cls.wrap_module = wrap_module


def _one_operator(value: Any) -> bool:
    """Whether a module is one of ours, and where the engine runs it."""
    return bool(getattr(type(value), "_on_engine", False)) and all(
        parameter.is_cpu and parameter.dtype.is_floating_point for parameter in value.parameters()
    )
