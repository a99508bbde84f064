"""What config.json keeps of a model that reads: the sizes of its readers, and how many members each has."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.runtime.readers import prefix

_MOST_READERS, _MOST_MEMBERS = 20, 999

Config = TypeVar("Config", bound=Any)


@dataclass(frozen=True)
class Ensemble(Generic[Config]):
    """readers: the sizes of each, what its arithmetic takes. ensemble_size: members of each."""

    readers: tuple[Config, ...]
    ensemble_size: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape, of all members."""
        return {
            prefix(r, m) + name: shape
            for r, reader in enumerate(self.readers)
            for m in range(self.ensemble_size)
            for name, shape in reader.shapes.items()
        }

    @property
    def parameters(self) -> int:
        """How many parameters all members have."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def to_json(self) -> dict[str, Json]:
        """Plain lists and dicts."""
        return {"readers": [one.to_json() for one in self.readers], "ensemble_size": self.ensemble_size}


def readers_from_json(who: str, data: Json, read: Callable[[Json], Config]) -> tuple[tuple[Config, ...], int]:
    """Of what `to_json` gives: readers, and members of each. read: makes the sizes of one. UserError says what is
    wrong."""
    if not isinstance(data, dict) or missing(data, "readers", "ensemble_size"):
        raise UserError(f"{who}: expected readers and ensemble_size; config.json is damaged")
    readers, size = data["readers"], data["ensemble_size"]
    if not isinstance(readers, list) or not 0 < len(readers) <= _MOST_READERS:
        raise UserError(f"{who}: readers must be a list of 1 to {_MOST_READERS}; config.json is damaged")
    if type(size) is not int or not 1 <= size <= _MOST_MEMBERS:
        raise UserError(f"{who}: ensemble_size must be from 1 to {_MOST_MEMBERS}, got {size!r}; config.json is damaged")
    return tuple(map(read, readers)), size


def names_from_json(who: str, data: Json, name: str) -> tuple[str, ...]:
    """A list of different names in a part of config.json; UserError where it is none."""
    names = data.get(name) if isinstance(data, dict) else None
    if not isinstance(names, list) or any(not isinstance(one, str) for one in names) or len(set(names)) < len(names):
        raise UserError(f"{who}: {name} must be a list of names, each once; config.json is damaged")
    return tuple(names)


def missing(data: dict[str, Json], *names: str) -> list[str]:
    """Which names an object has not."""
    return [name for name in names if name not in data]
