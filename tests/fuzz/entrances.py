"""Where files of unknown origin come in, each as a function that may raise UserError and nothing else.

The mutations take their choices from `pick(n)`, a number from 0 to n - 1: hypothesis and atheris both can give it.
"""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import throughtime
from throughtime import cells
from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.config import LanguageConfig
from throughtime.models.language import initial_parameters
from throughtime.recurrence import Cell, Matrix, Vector, maximum, sigmoid
from throughtime.runtime.folder import CONFIG, TOKENIZER, WEIGHTS, write_json, write_weights
from throughtime.runtime.text import TextModel

Pick = Callable[[int], int]

TEXT = "the cat sat on the mat, the dog ate the cat; \u6708 caf\u00e9\n" * 3
SMALL = 200_000
"""Parameters up to which a mutated configuration gets weights that fit it, so that its step runs too."""

NAMES = ("I", "H", "h", "c", "W_xi", "W_hh", "b_i", "x", "\ud800", "")
NUMBERS = (0, 1, 2, 3, 5, -1, 8, 64, 2**31, 2**63, 10**12, 10**400, 0.5, 1.0, -0.0, 1e308, float("nan"), float("inf"))
OPERATIONS = (
    "input", "state", "matrix", "vector", "const", "matmul", "add", "sub", "mul", "div", "maximum", "minimum", "neg",
    "sigmoid", "tanh", "relu", "exp", "log", "sqrt", "softplus", "positive", "greater", "dtanh", "affine", "adjoint",
    "mean", "normalize",
)  # fmt: skip
POOL = (*NAMES, *NUMBERS, *OPERATIONS, None, True, False, [], {}, [0], [0, 1], ["H", "I"], {"h": [1, 2]})


class Odd(Cell):
    """A step with every kind of node."""

    state = {"h": "H", "c": "K"}
    W, U, V = Matrix("H", "I"), Matrix("H", "K"), Matrix("K", "H")
    b = Vector("K")

    def step(self, x, h, c):  # type: ignore[no-untyped-def]
        g = sigmoid(self.V @ h + self.b * c - 0.5)
        return maximum(self.W @ x + self.U @ (g * c), -1.0) / 2.0, g


@cache
def sound() -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any]]:
    """Configuration, weights and tokenizer of a small model of two layers."""
    tokenizer = tokenizers.fit("characters", TEXT)
    traces = [cells.make("lstm").trace(), Odd().trace()]
    config = LanguageConfig.stack(tokenizer.size, 3, traces, [4, 5], {"K": 2})
    parameters = initial_parameters(config, np.random.default_rng(0))
    about = {"format_version": 1, "task": "text", "model": config.to_json(), "start": 0}
    return json.loads(json.dumps(about)), parameters, tokenizer.to_json()


def write_folder(folder: Path) -> Path:
    """The small model as a folder."""
    config, parameters, tokenizer = sound()
    write_json(folder / CONFIG, config)
    write_weights(folder / WEIGHTS, parameters)
    write_json(folder / TOKENIZER, tokenizer)
    return folder


def mutated(value: Any, pick: Pick, times: int = 3) -> Any:
    """A copy of a JSON value with up to `times` places changed."""
    value = copy.deepcopy(value)
    for _ in range(1 + pick(times)):
        _change(value, pick)
    return value


def _change(value: Any, pick: Pick) -> None:
    place = value
    while isinstance(place, dict | list) and len(place):
        key = list(place)[pick(len(place))] if isinstance(place, dict) else pick(len(place))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or pick(8) == 0:
            break
        place = inner
    else:
        return
    action = pick(5)
    if action == 0:
        del place[key]
    elif action == 1 and isinstance(place, list):
        place.insert(key, copy.deepcopy(inner))
    elif action == 2 and isinstance(place, list):
        place[key] = copy.deepcopy(place[pick(len(place))])
    elif action == 3 and type(inner) is int:
        place[key] = inner + pick(7) - 3
    else:
        place[key] = copy.deepcopy(POOL[pick(len(POOL))])


def config_entrance(config: Any) -> bool:
    """A configuration, with weights that fit it where they are few; whether a model came of it."""
    try:
        made = LanguageConfig.from_json(config.get("model") if isinstance(config, dict) else config)
        if made.count > SMALL or made.vocabulary < 2:
            return False
        rng = np.random.default_rng(0)
        parameters = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in made.shapes.items()}
        characters = "".join(map(chr, range(0x4E00, 0x4E00 + made.vocabulary)))
        _use(
            TextModel(
                made,
                parameters,
                tokenizers.Characters(characters),
                config.get("start", 0) if isinstance(config, dict) else 0,
            )
        )
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 - it may raise, or not
        return False
    return True


def folder_entrance(name: str, content: bytes) -> bool:
    """One file of a sound folder replaced, then loaded and used; whether that went well."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(_folder(), Path(place) / "m"))
        (folder / name).write_bytes(content)
        try:
            _use(throughtime.load(folder))
        except UserError:
            return False
    return True


def tokenizer_entrance(data: Any, text: str) -> bool:
    """A tokenizer's JSON; if it is taken, encoding and decoding with it."""
    try:
        made = tokenizers.from_json(data)
        ids = made.encode(text)
        assert not len(ids) or 0 <= int(ids.min()) <= int(ids.max()) < made.size
        made.decode(ids).encode("utf-8", "surrogatepass")
        decoder = made.decoder()
        "".join([*[decoder.push(int(i)) for i in ids], decoder.flush()])
        json.dumps(made.to_json())
    except UserError:
        return False
    return True


@cache
def _folder() -> Path:
    place = tempfile.TemporaryDirectory()
    _KEPT.append(place)
    return write_folder(Path(place.name))


_KEPT: list[Any] = []
"""Folders that live as long as the process."""


def _use(model: Any) -> None:
    try:
        "".join(model.write(length=3, seed=0))
        "".join(model.write(length=2, top_p=0.9, seed=0))
    except UserError as error:
        assert "not finite" in str(error)  # noqa: PT017
