"""A recurrence's state as a value: a named tuple of tensors with one row per sequence."""

from __future__ import annotations

import hashlib
import json
from collections import namedtuple
from collections.abc import Iterable, Sequence
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from throughtime.errors import UserError
from throughtime.storage.ordered import in_order

FORMAT = "throughtime.state.1"


class State:
    """What a state can do. The type of a cell's states, `layer.State`, is this and a named tuple of the cell's names.

    Every part is (B, S_j), or (S_j,) for a single sequence. It unpacks and indexes as the tuple it is, and every
    method returns a new one. Where a cell names a state like a method, the name means the state.

    Example:
        >>> import torch
        >>> from throughtime.nn import Recurrent
        >>> layer = Recurrent("lstm", 3, 4, seed=0)
        >>> _, state = layer(torch.zeros(5, 2, 3))
        >>> h, c = state.detach().reset([1])
        >>> layer.State.from_bytes(state.to_bytes()).c.shape
        torch.Size([2, 4])
    """

    __slots__ = ()
    _fields: tuple[str, ...]

    def detach(self: Any) -> Any:
        """The same values, cut off from what computed them: between the pieces of truncated backpropagation."""
        return _each(self, Tensor.detach)

    def to(self: Any, *args: Any, **options: Any) -> Any:
        """On another device or in another dtype; the arguments of torch.Tensor.to."""
        return _each(self, lambda tensor: tensor.to(*args, **options))

    def select(self: Any, rows: Any) -> Any:
        """Some of the rows, in the order given: integers, a slice, or a mask (B,)."""
        index = _index(self, rows, "select")
        return _each(self, lambda tensor: tensor.index_select(0, index.to(tensor.device)))

    def reorder(self: Any, permutation: Any) -> Any:
        """All rows in another order: row i of the result is row permutation[i]."""
        index = _index(self, permutation, "reorder")
        batch = self[0].shape[0]
        if not torch.equal(index.sort().values, torch.arange(batch)):
            raise UserError(f"state: reorder needs each of the rows 0 to {batch - 1} once, got {index.tolist()[:20]}")
        return _each(self, lambda tensor: tensor.index_select(0, index.to(tensor.device)))

    def reset(self: Any, rows: Any, initial: Sequence[Tensor] | None = None) -> Any:
        """These rows start again: integers, a slice, or a mask (B,).

        initial: the states they start from, (B, S_j) or (S_j,) each; None is zeros. The other rows are unchanged.
        """
        index = _index(self, rows, "reset")
        if initial is not None and len(initial) != len(self):
            raise UserError(f"state: initial must be {len(self)} states ({_names(self)}), got {len(initial)}")
        mask = torch.zeros(self[0].shape[0], dtype=torch.bool).index_fill(0, index, True)[:, None]
        starts = [torch.zeros_like(tensor) for tensor in self] if initial is None else initial
        for name, tensor, start in zip(self._fields, self, starts, strict=True):
            if start.shape not in (tensor.shape, tensor.shape[1:]):
                raise UserError(f"state: initial {name} must be {tuple(tensor.shape)}, got {tuple(start.shape)}")
        pairs = zip(self, starts, strict=True)
        return self._make(torch.where(mask.to(tensor.device), start.to(tensor), tensor) for tensor, start in pairs)

    @classmethod
    def cat(cls: Any, states: Iterable[Any]) -> Any:
        """The rows of several states of one structure, one after the other."""
        parts = list(states)
        if not parts:
            raise UserError("state: cat needs at least one state")
        for part in parts:
            if [(t.dim(), t.shape[1:], t.dtype) for t in part] != [(2, t.shape[1:], t.dtype) for t in parts[0]]:
                raise UserError(f"state: cat needs states of one structure, got {_say(parts[0])} and {_say(part)}")
        return cls._make(map(torch.cat, zip(*parts, strict=True)))

    def same_structure(self: Any, other: Any) -> bool:
        """Whether the other is a state of the same names, shapes and dtypes."""
        return (
            getattr(other, "_fields", None) == self._fields
            and all(isinstance(tensor, Tensor) for tensor in other)
            and [(t.shape, t.dtype) for t in self] == [(t.shape, t.dtype) for t in other]
        )

    def to_bytes(self: Any) -> bytes:
        """The state as safetensors, with its names and a checksum; gradients are left behind."""
        tensors = {name: t.detach().cpu().contiguous() for name, t in zip(self._fields, self, strict=True)}
        tensors = {name: t.clone() for name, t in tensors.items()}  # safetensors refuses tensors that share memory
        facts = {"format": FORMAT, "names": json.dumps(self._fields), "checksum": _checksum(tensors)}
        return in_order(safetensors.torch.save(tensors, metadata=facts))

    @classmethod
    def from_bytes(cls: Any, data: bytes, device: Any = "cpu") -> Any:
        """The state that to_bytes wrote. UserError, a ValueError, where the bytes are damaged or another's."""
        try:
            names, tensors = _read(bytes(data))
        except UserError:
            raise
        except Exception as error:  # whatever a parser says of bytes that nobody wrote on purpose
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"state: these bytes are no state, or damaged: {reason}; save it again") from None
        if names != cls._fields:
            raise UserError(f"state: expected the states {', '.join(cls._fields)}, got {', '.join(names)}")
        return cls._make(tensors[name].to(device) for name in names)

    def __reduce__(self: Any) -> Any:
        return _make, (self._fields, tuple(self))


def state_type(names: tuple[str, ...]) -> Any:
    """The type of a cell's states, by their names; the same names, the same type."""
    state = _TYPES.get(names)
    if state is None:
        plain = namedtuple("State", names)  # type: ignore[misc]
        state = _TYPES[names] = type("State", (State, plain), {"__slots__": (), "__doc__": State.__doc__})
        for name in names:
            setattr(state, name, getattr(plain, name))  # a state's name comes before a method's
    return state


_TYPES: dict[tuple[str, ...], Any] = {}


def _make(names: tuple[str, ...], tensors: Sequence[Tensor]) -> Any:
    return state_type(names)._make(tensors)


def _each(state: Any, function: Any) -> Any:
    return state._make(function(tensor) for tensor in state)


def _names(state: Any) -> str:
    return ", ".join(state._fields)


def _say(state: Any) -> str:
    return ", ".join(f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in state)


def _index(state: Any, rows: Any, what: str) -> Tensor:
    """Rows as indices on the CPU; UserError where they are none of this state's."""
    if state[0].dim() != 2:
        raise UserError(f"state: {what} needs a batch of rows (B, S), this state is of a single sequence")
    batch = state[0].shape[0]
    if isinstance(rows, slice):
        return torch.arange(batch)[rows]
    values = torch.as_tensor(rows).cpu()
    if values.dtype == torch.bool:
        if values.shape != (batch,):
            raise UserError(f"state: a mask of rows must be (B={batch},), got {tuple(values.shape)}")
        return values.nonzero().flatten()
    if values.numel() == 0:
        values = values.to(torch.int64)
    if values.dtype.is_floating_point or values.dtype.is_complex:
        raise UserError(f"state: rows must be integers or a mask, got {values.dtype}")
    values = values.reshape(-1).to(torch.int64)
    if values.numel() and not (int(values.min()) >= -batch and int(values.max()) < batch):
        raise UserError(f"state: rows must lie between 0 and {batch - 1}, got {values.tolist()[:20]}")
    return values % batch if batch else values


def _checksum(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read(data: bytes) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise UserError(f"state: these bytes are no state, or cut off after {len(data)} bytes; save it again")
    facts = json.loads(data[8 : 8 + size]).get("__metadata__", {})
    if facts.get("format") != FORMAT:
        raise UserError(f"state: expected the format {FORMAT}, got {str(facts.get('format'))[:40]!r}")
    tensors = safetensors.torch.load(data)
    names = tuple(json.loads(facts["names"]))
    if set(names) != set(tensors) or len(set(names)) != len(names):
        raise UserError("state: these bytes are damaged: the names and the tensors are not the same; save it again")
    ordered = {name: tensors[name] for name in names}
    if _checksum(ordered) != facts["checksum"]:
        raise UserError("state: these bytes are damaged: the checksum differs; save it again")
    return names, ordered
