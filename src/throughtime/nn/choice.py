"""The one place that chooses between the engine and PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.autograd import forward_ad

_PLAIN = (Tensor, torch.nn.Parameter)
_NAMES = {torch.float32: "float32", torch.float64: "float64"}


def engine_dtype(dtype: torch.dtype) -> str:
    """The engine's name of a dtype; KeyError where it has none."""
    return _NAMES[dtype]


def engine_covers(tensors: Iterable[Tensor]) -> bool:
    """Whether the engine may run an operation on these tensors, the input first.

    It may where all are plain, non-empty CPU tensors of one dtype, float32 or float64, and nobody watches the
    operations: no autocast, no tracing (torch.compile, torch.export, torch.onnx, torch.jit), no torch.func
    transform, no forward-mode differentiation, no dispatch mode.
    """
    if (
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
        or torch.is_autocast_enabled("cpu")
        or torch._C._functorch.maybe_current_level() is not None  # type: ignore[attr-defined]
        or torch._C._len_torch_dispatch_stack()
        or forward_ad._current_level >= 0
    ):
        return False
    dtype = None
    for tensor in tensors:
        if (
            type(tensor) not in _PLAIN
            or not tensor.is_cpu
            or tensor.layout is not torch.strided
            or tensor.is_nested
            or torch._C._functorch.is_legacy_batchedtensor(tensor)  # torch.autograd.grad(..., is_grads_batched=True)
        ):
            return False
        if dtype is None:
            dtype = tensor.dtype
            if dtype not in _NAMES:
                return False
        if tensor.dtype is not dtype or not tensor.numel():
            return False
    return True
