"""One thread and one seed for every test of nn; and a guard for those that are about the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from throughtime.nn import modules


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def only_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where torch.nn's own forward would answer."""
    for cls in (torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU):
        plain = cls.forward

        def guarded(self: Any, *args: Any, plain: Any = plain, **options: Any) -> Any:
            assert not isinstance(self, modules._OnEngine), "the engine was meant to run"
            return plain(self, *args, **options)

        monkeypatch.setattr(cls, "forward", guarded)
