"""The one place that chooses how a recurrence is run: the engine, one of its ways into PyTorch's tools, or PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

import torch
from torch import Tensor
from torch.autograd import forward_ad

_PLAIN = (Tensor, torch.nn.Parameter)
_NAMES = {torch.float32: "float32", torch.float64: "float64"}
_LOWER = (torch.float32, torch.bfloat16, torch.float16)


class Path(Enum):
    """How a recurrence is run.

    ENGINE: the engine, as a node of autograd's graph. OPERATOR: the engine as one operator in a compiled graph.
    TRANSFORM: the engine under torch.func (vmap, grad, vjp, jacrev). LOWER: under autocast, in float32.
    LOOP: the reference loop, because the engine has no forward-mode derivative.
    ELSEWHERE: torch.nn's own layer where there is one, the reference loop otherwise.
    """

    ENGINE = "engine"
    OPERATOR = "operator"
    TRANSFORM = "transform"
    LOWER = "lower"
    LOOP = "loop"
    ELSEWHERE = "elsewhere"


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


def choose(tensors: Sequence[Tensor], lengths: Tensor | None = None) -> Path:
    """The path for these tensors, the input first, and row lengths, as things stand.

    Exported programs keep plain PyTorch operations, so that they run where throughtime is not. Compiled ones do not
    leave the process and hold the engine.
    """
    if engine_covers(tensors):
        return Path.ENGINE
    if torch.compiler.is_compiling():
        if torch.compiler.is_exporting() or not _one_kind(tensors):
            return Path.ELSEWHERE
        return Path.LOWER if torch.is_autocast_enabled("cpu") and _castable(tensors) else Path.OPERATOR
    if torch._C._get_tracing_state() is not None or torch._C._len_torch_dispatch_stack():
        return Path.ELSEWHERE
    if torch.is_autocast_enabled("cpu") and _castable(tensors):
        return Path.LOWER
    if not _one_kind(tensors):
        return Path.ELSEWHERE
    if forward_ad._current_level >= 0:
        return Path.LOOP
    if torch._C._functorch.maybe_current_level() is None:  # type: ignore[attr-defined]
        return Path.ELSEWHERE
    return Path.TRANSFORM if _transformable(lengths) else Path.LOOP


def keeps_values(lengths: Tensor | None) -> bool:
    """Whether nothing may look at the values of `lengths` now: they are traced, or stand for several at once."""
    return torch.compiler.is_compiling() or (
        lengths is not None and torch._C._functorch.is_functorch_wrapped_tensor(lengths)  # type: ignore[attr-defined]
    )


def lower_dtype() -> torch.dtype:
    """Autocast's dtype on the CPU."""
    return torch.get_autocast_dtype("cpu")


def _one_kind(tensors: Sequence[Tensor]) -> bool:
    return tensors[0].dtype in _NAMES and _plain(tensors, (tensors[0].dtype,))


def _castable(tensors: Sequence[Tensor]) -> bool:
    return _plain(tensors, _LOWER)


def _plain(tensors: Sequence[Tensor], dtypes: Sequence[torch.dtype]) -> bool:
    return all(
        type(tensor) in _PLAIN and tensor.is_cpu and tensor.layout is torch.strided and tensor.dtype in dtypes
        for tensor in tensors
    )


def _transformable(lengths: Tensor | None) -> bool:
    from torch._C._functorch import TransformType, is_functorch_wrapped_tensor
    from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters

    if lengths is not None and is_functorch_wrapped_tensor(lengths):
        return False
    kinds = (TransformType.Grad, TransformType.Vmap)
    return all(interpreter.key() in kinds for interpreter in retrieve_all_functorch_interpreters())
