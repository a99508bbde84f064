"""A model as a state_dict and a module of PyTorch, written only where that module gives the same numbers."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.model import ImportedModel
from throughtime.interop.parity import SINGLE, difference, trials
from throughtime.interop.pytorch.reference import quiet
from throughtime.interop.pytorch.source import Tensors, torch_of
from throughtime.interop.pytorch.write import module_of
from throughtime.options import Json
from throughtime.storage.folder import write_atomically

STEPS = (1, 2, 7, 40)


def write(model: ImportedModel, file: Path) -> dict[str, Json]:
    """Write FILE, .pt or .safetensors, and the module beside it, FILE.py; what was found. UserError where PyTorch has
    no such module, and where it gives other numbers."""
    torch = torch_of(str(file))
    if file.suffix.lower() not in (".pt", ".pth", ".safetensors"):
        raise UserError(f"{file}: expected a name that ends with .pt, .pth or .safetensors")
    if not re.fullmatch(r"[\w. +-]+", file.name):
        raise UserError(
            f"{file}: expected a name of letters, digits, spaces and . + - _, which stands in the module's code"
        )
    code = file.with_suffix(".py")
    if code.exists() and not code.read_bytes().startswith(b'"""A model that throughtime wrote'):
        raise UserError(f"{code}: there is another file of this name; choose another name with --out")
    text, tensors = module_of(model, file.name)
    content = _content(torch, file, tensors)
    try:
        error = largest_error(model, text, tensors)
    except RuntimeError as failed:  # such as sizes that PyTorch joins in another way
        told = str(failed).splitlines()[0]
        raise UserError(f"{file}: PyTorch does not run it ({told}); nothing was written, export onnx instead") from None
    if not error <= SINGLE:
        raise UserError(f"{file}: PyTorch differs by {error:.2g}; nothing was written, please report this model")
    write_atomically(file, content)
    write_atomically(code, text.encode())
    return {"error": error, "bytes": len(content), "module": str(code)}


def _content(torch: Any, file: Path, tensors: Tensors) -> bytes:
    ready = {name: np.array(value, order="C") for name, value in tensors.items()}
    if file.suffix.lower() == ".safetensors":
        from safetensors.numpy import save

        return bytes(save(ready))
    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(value) for name, value in ready.items()}, buffer)
    return buffer.getvalue()


def largest_error(model: ImportedModel, text: str, tensors: Tensors) -> float:
    """The largest difference of the module's outputs and the model's: whole sequences, and where the model streams, in
    two parts with the states handed on."""
    torch = torch_of("export")
    space: dict[str, Any] = {"__name__": "exported", "__file__": "exported.py"}
    exec(
        compile(text, "exported.py", "exec"), space
    )  # our own words; a stranger's name in it is letters and digits only
    module = space["Model"]()
    module = module.double() if model.dtype == "float64" else module
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()}, strict=True)
    module.eval()
    worst = 0.0
    for trial in trials(model, 3, STEPS):
        inputs = [x if x.dtype.kind == "i" else x.astype(model.dtype) for x in trial.inputs]
        ours = model.predict(*inputs)
        with torch.no_grad(), quiet():
            given = [torch.from_numpy(x) for x in inputs]
            found, _ = module(*given)
            worst = max(worst, _worst(found, ours))
            if _goes_on(model) and inputs[0].ndim > 1 and inputs[0].shape[1] > 1:
                worst = max(worst, _worst(_in_two(torch, module, given[0], found), ours))
    return worst


def _worst(theirs: Any, ours: Any) -> float:
    each = ours if isinstance(ours, list) else [ours]
    other = theirs if isinstance(theirs, tuple) else (theirs,)
    errors = [difference(a.numpy(), b) for a, b in zip(other, each, strict=True)]
    return math.inf if any(math.isnan(one) for one in errors) else max(errors)


def _goes_on(model: ImportedModel) -> bool:
    if len(model.graph.inputs) != 1 or len(model.graph.outputs) != 1:
        return False
    try:
        model.stream()
    except UserError:
        return False
    return True


def _in_two(torch: Any, module: Any, x: Any, whole: Any) -> Any:
    half = x.shape[1] // 2
    first, states = module(x[:, :half])
    second, _ = module(x[:, half:], states)
    return torch.cat([first, second], 1) if whole.ndim == 3 else second
