"""The arrays of a state_dict, from a .pt or a .safetensors file of a stranger. No code in it is run."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.storage.folder import check_file, on_disk, opened_file, read_weights
from throughtime.storage.memory import check_memory

Tensors = dict[str, np.ndarray]
"""Name in the state_dict -> array, float32 or float64."""


@dataclass(frozen=True)
class StateDict:
    """What a file holds. tensors: by name; left: what did not travel."""

    tensors: Tensors
    left: list[str] = field(default_factory=list)


def torch_of(who: str) -> Any:
    """The module torch; UserError where it is not installed."""
    try:
        import torch
    except ImportError:
        raise UserError(f"{who}: models of PyTorch are proven by PyTorch: {needed('train')}") from None
    return torch


def read(path: Path) -> StateDict:
    """The state_dict in a file; UserError says what else it is, and what to save instead."""
    check_file(path)
    if path.suffix.lower() == ".safetensors":
        return _plain(path, read_weights(path), [])
    loaded = _loaded(path)
    found, others = _state(path, loaded)
    torch = torch_of(str(path))
    left = [f"entry {name!r}" for name in others[:8]]
    arrays: dict[str, np.ndarray] = {}
    total = 0
    for name, tensor in found.items():
        kind = tensor.dtype
        if tensor.layout != torch.strided or tensor.is_quantized or kind.is_complex or tensor.device.type != "cpu":
            raise UserError(
                f"{path}: {name[:80]} is {kind} ({tensor.layout}), expected plain numbers; save it as float32"
            )
        total += tensor.numel() * max(tensor.element_size(), 4)
        check_memory(str(path), total, on_disk(path.stat()))
        if kind in (torch.float16, torch.bfloat16):
            left.append("arithmetic of 16 bits")
            tensor = tensor.float()
        elif kind not in (torch.float32, torch.float64, torch.int64, torch.int32, torch.bool, torch.uint8):
            raise UserError(f"{path}: {name[:80]} is {kind}, expected float32; save it as that")
        arrays[name] = np.array(tensor.detach().numpy(), order="C")
    return _plain(path, arrays, left)


def _plain(path: Path, arrays: Mapping[str, np.ndarray], left: list[str]) -> StateDict:
    """All of one type of numbers, counters left out."""
    for name, value in arrays.items():
        if not name.isprintable() or not 0 < len(name) <= 150:
            raise UserError(f"{path}: expected printable names of at most 150 characters, got {name[:40]!r}")
        if value.dtype == np.float16 and "arithmetic of 16 bits" not in left:
            left = [*left, "arithmetic of 16 bits"]
    floats = {name: value for name, value in arrays.items() if value.dtype.kind == "f"}
    for name in arrays:
        if name not in floats and not name.endswith("num_batches_tracked"):
            raise UserError(f"{path}: {name} is {arrays[name].dtype}, expected floating point; it is no known module's")
    if not floats:
        raise UserError(f"{path}: it holds no arrays; expected model.state_dict()")
    dtype = np.float64 if any(value.dtype == np.float64 for value in floats.values()) else np.float32
    plain = unwrapped(floats)
    found = {new: value.astype(dtype) for new, value in zip(plain, floats.values(), strict=True)}
    return StateDict(found, list(dict.fromkeys(left)))


def unwrapped(names: Iterable[str]) -> list[str]:
    """Names of arrays or modules without what torch.compile ("_orig_mod.") and DataParallel ("module.", before all of
    them) put there; as they are where two would become one."""
    found = [re.sub(r"(^|\.)(?:_orig_mod\.)+", r"\1", name) for name in names]
    while found and all(name.startswith("module.") for name in found):
        found = [name.removeprefix("module.") for name in found]
    return found if len(set(found)) == len(found) else list(names)


def _loaded(path: Path) -> Any:
    torch = torch_of(str(path))
    remedy = "in the program that has the model, run torch.save(model.state_dict(), FILE) and import that"
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                check_memory(str(path), sum(one.file_size for one in archive.infolist()), on_disk(path.stat()))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{path}: the archive is damaged ({str(error)[:100]})") from None
        if any(name.partition("/")[2] in ("constants.pkl", "models/model.json") for name in names):
            raise UserError(
                f"{path}: it is a compiled program (TorchScript or torch.export), not a state_dict; {remedy}"
            )
    try:
        with opened_file(path) as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]{1,100})", str(error))
        if named:
            raise UserError(
                f"{path}: it is a pickled object with code of its own ({named[1]}), which is never run; {remedy}"
            ) from None
        raise UserError(f"{path}: expected a state_dict ({_line(error)}); it is damaged or of another kind") from None
    except Exception as error:  # what torch raises at damaged files is of many types
        raise UserError(f"{path}: expected a state_dict ({_line(error)}); it is damaged or of another kind") from None


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _is_state(value: Any, tensor: type) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(k, str) and isinstance(v, tensor) for k, v in value.items())
    )


def _states(loaded: Mapping[Any, Any], tensor: type, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The state_dicts in what was loaded, and where each lies, "checkpoint/model"; those of an optimizer are none."""
    for name, value in loaded.items():
        if not isinstance(name, str):
            continue
        if _is_state(value, tensor):
            yield name, value
        elif isinstance(value, Mapping) and depth < _DEEPEST and "param_groups" not in value:
            for inner, state in _states(value, tensor, depth + 1):
                yield f"{name}/{inner}", state


_DEEPEST = 4


def _state(path: Path, loaded: Any) -> tuple[Mapping[str, Any], list[str]]:
    """The state_dict in what was loaded, and the names of what else there is: a checkpoint's optimizer, its epoch."""
    tensor = torch_of(str(path)).Tensor
    if _is_state(loaded, tensor):
        return loaded, []
    if not isinstance(loaded, Mapping):
        raise UserError(f"{path}: expected a state_dict, got {type(loaded).__name__}; save model.state_dict()")
    inside = dict(_states(loaded, tensor))
    if len(inside) == 1 and not any(isinstance(value, tensor) for value in loaded.values()):
        ((place, state),) = inside.items()
        return state, [str(name)[:40] for name in loaded if str(name) != place.partition("/")[0]]
    if len(inside) > 1:
        listed = ", ".join(name[:40] for name in [*inside][:5])
        raise UserError(f"{path}: it holds several state_dicts, {listed}; save the one that is meant by itself")
    odd = next((str(name) for name, value in loaded.items() if not isinstance(value, tensor)), "nothing")
    raise UserError(f"{path}: expected a state_dict, but {odd[:60]!r} is no array; save model.state_dict()")
