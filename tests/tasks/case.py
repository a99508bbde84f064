"""A task as its tests see it: how to make a small model of it, what to ask, how to compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import load_file

from throughtime.options import Declared, Options
from throughtime.storage.folder import CHECKPOINT, CONFIG, HISTORY
from throughtime.tasks import TASKS, part

TIMES = ("elapsed", "seconds", "tokens_per_second", "flow", "date")
"""What two equal runs may differ in: times, and what is measured when there is time for it."""


class Followed(NamedTuple):
    """A stream's inputs in their smallest parts, the answer to all so far after each, and how several parts are one
    input; None where a stream takes them one by one."""

    parts: Sequence[Any]
    answers: Sequence[Any]
    join: Callable[[Sequence[Any]], Any] | None = None


@dataclass(frozen=True)
class Case:
    """What is tried of a task, small enough that a training takes well under a second.

    task: its name. options: of a tiny model, with `steps`, at least 8, and one thread. data: what `fit` takes; another:
    data of the same kind. write: puts such data into a folder as commands take it; the path.
    answer: what a running model says, arrays or plain values. run: what follows `throughtime run DIR`. evaluate: what
    follows `throughtime evaluate DIR DATA`. stream, followed: of a running model, a stream and what it is fed; None for
    a task whose models cannot follow. other: options of a model whose state is another one; None for streams without.
    zero: numeric options of its commands that take 0, unlimited: those that take, or lower, a very large number.
    beside: files that a model runs without; what damage to them does the task's own tests tell.
    """

    task: str
    options: Mapping[str, Any]
    data: Any
    another: Any
    write: Callable[[Any, Path], Path]
    answer: Callable[[Any], Any]
    run: Sequence[str]
    evaluate: Sequence[str] = ()
    stream: Callable[[Any], Any] | None = lambda model: model.stream()
    followed: Callable[[Any], Followed] | None = None
    other: Mapping[str, Any] | None = None
    zero: frozenset[str] = frozenset()
    unlimited: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()

    @property
    def learner(self) -> Any:
        """The task's class."""
        return getattr(part(self.task, "estimator"), TASKS[self.task].estimator)

    @property
    def options_class(self) -> type[Options]:
        """The class of its options."""
        found: type[Options] = self.learner.schema.options
        return found

    @property
    def typed(self) -> list[str]:
        """Its options as they are typed, as far as commands have them."""
        words: list[str] = []
        for name, value in self.options.items():
            one = self.options_class.option(name)
            if one.rule.shell:
                words += as_typed(one, value)
        return words

    def fit(self, data: Any = None, out: Path | None = None, **changes: Any) -> Any:
        """A model that has learned the data, without a word."""
        model = self.learner(**{**self.options, **changes})
        return model.fit(self.data if data is None else data, out=out, quiet=True)


def as_typed(one: Declared, value: Any) -> list[str]:
    """An option as it is typed."""
    flag = one.rule.flag or f"--{one.name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"] if value != one.command_default else []
    if isinstance(value, Mapping):
        return [word for name, each in value.items() for word in (flag, f"{name}={each}")]
    return [flag, ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)]


def same(one: Any, two: Any, tolerance: float = 0.0) -> None:
    """Fails unless both say the same, to the bit or within a tolerance."""
    if is_dataclass(one) and not isinstance(one, type):
        assert type(one) is type(two)
        same(asdict(one), asdict(two), tolerance)
    elif isinstance(one, Mapping):
        assert one.keys() == two.keys()
        for name in one:
            same(one[name], two[name], tolerance)
    elif isinstance(one, np.ndarray | float | np.floating):
        assert np.shape(one) == np.shape(two)
        if tolerance:
            np.testing.assert_allclose(one, two, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(one, two)
    elif isinstance(one, list | tuple):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            same(a, b, tolerance)
    else:
        assert one == two


def timeless(value: Any) -> Any:
    """A JSON value without times."""
    if isinstance(value, dict):
        return {name: timeless(one) for name, one in value.items() if name not in TIMES}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def contents(folder: Path, run: bool = True) -> dict[str, Any]:
    """What a folder holds, as two equal runs must have it. run: with what the training left beside the model."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".safetensors":
            arrays = load_file(path)
            found[name] = {key: arrays[key] for key in sorted(arrays)}
        elif path.name == CONFIG:
            found[name] = timeless(json.loads(path.read_text("utf-8")))
        elif path.name == HISTORY:
            found[name] = [timeless(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
        elif path.is_file() and path.name not in ("report.html", ".lock"):
            found[name] = path.read_bytes()
    beside = {HISTORY, str(CHECKPOINT)}
    return {name: value for name, value in found.items() if run or name not in beside}


def one_line(error: BaseException) -> str:
    """The text of an error, which is one line."""
    text = str(error)
    assert "\n" not in text, text
    assert 0 < len(text) < 1100, text
    return text


def header(state: bytes) -> bytes:
    """The header of a saved state, JSON."""
    return state[8 : 8 + int.from_bytes(state[:8], "little")]


def headed(state: bytes, text: str) -> bytes:
    """A saved state with another header."""
    return len(text.encode()).to_bytes(8, "little") + text.encode() + state[8 + len(header(state)) :]


class Page(HTMLParser):
    """Collects the addresses of what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
