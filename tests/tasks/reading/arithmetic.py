"""What tests of models that read share: small readers, drawn parameters, gradients, wrong configurations."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from throughtime import cells
from throughtime.data.columns import Columns
from throughtime.errors import UserError
from throughtime.models.examples import Examples
from throughtime.models.ops_numpy import NumpyOps
from throughtime.models.ops_torch import TorchModel, TorchOps
from throughtime.models.reader import ReaderConfig, Tokens, embed, read
from throughtime.tasks.classify import model as classifier

LEARNED = [["the", "cat", "sat", ".", "It", "slept", "!"], ["A", "dog", "2024"], ["no"], ["the", "the", "dog", "."]]
TEXTS = [["the", "dog", ".", "sat", "!"], ["zzz"], [], ["A", "cat", "slept"], ["the", "2024", "dog", "It", "sat", "."]]


def reader(
    who: str = "classifier",
    cells_: tuple[str, ...] = ("gru",),
    bidirectional: bool = True,
    added: bool = False,
    pieces: bool = False,
    values: int = 0,
    **rest: Any,
) -> tuple[ReaderConfig, Columns]:
    """A reader of small sizes and the columns it reads."""
    columns, _ = Columns.fit(LEARNED, ["word", "shape"], spelling=pieces, least_pieces=1)
    sizes = [
        (kind, size, 4 if added else 4 - i)
        for i, (kind, size) in enumerate(zip(columns.kinds, columns.sizes, strict=True))
    ]
    options = {"added": added, "pieces": (len(columns.pieces or ()), 4) if pieces else (0, 0), "values": values, **rest}
    traces = [cells.make(cell).trace() for cell in cells_]
    return ReaderConfig.stack(who, sizes, traces, 5, bidirectional, **options), columns


def drawn(config: Any, dtype: Any = "float64", seed: int = 1, arithmetic: Any = classifier) -> dict[str, np.ndarray]:
    """Parameters of which none is zero."""
    rng = np.random.default_rng(seed)
    found = arithmetic.initial_parameters(config, rng, dtype)
    return {name: value + 0.3 * rng.standard_normal(value.shape).astype(dtype) for name, value in found.items()}


def examples(config: Any, columns: Columns, texts: list[list[str]], seed: int = 0) -> Examples:
    """Texts with values that depend on the token and its neighbour alone."""
    count, values = config.reader.values, None
    if count:
        rng = np.random.default_rng(seed)
        known = {word: rng.standard_normal(count) for text in [*LEARNED, *TEXTS, [""]] for word in text}
        values = np.array([known[w] for text in texts for w in text or [""]], np.float32).reshape(-1, count)
    return Examples.of(columns, texts, bool(getattr(config, "above", ())), values)


def inputs(made: Examples, rows: Any = None) -> tuple[Any, ...]:
    tokens, over = made.inputs(np.arange(len(made)) if rows is None else np.asarray(rows))
    return (tokens,) if over is None else (tokens, over)


def tensors(given: tuple[Any, ...]) -> list[Any]:
    return [
        type(one)(*[None if v is None else torch.from_numpy(np.ascontiguousarray(v)) for v in one]) for one in given
    ]


def states(config: Any, parameters: Any, tokens: Tokens) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """What the reader makes of every token, and its last outputs."""
    x = embed(NumpyOps(), config.reader, parameters, tokens)
    return read(NumpyOps(), config.reader, parameters, x, tokens.lengths)


def dirty(tokens: Tokens, more: int, rng: np.random.Generator) -> Tokens:
    """The same with more steps, and anything behind the rows' ends."""
    steps = tokens.ids.shape[1]
    behind = np.arange(steps + more)[:, None] >= tokens.lengths

    def filled(value: np.ndarray, garbage: np.ndarray) -> np.ndarray:
        wide = np.concatenate([value, np.zeros((more, *value.shape[1:]), value.dtype)])
        return np.where(behind.reshape(*behind.shape, *[1] * (wide.ndim - 2)), garbage.astype(value.dtype), wide)

    ids = np.stack([filled(column, rng.integers(0, column.max() + 1, behind.shape)) for column in tokens.ids])
    found = tokens._replace(ids=ids)
    if tokens.spelled is not None:
        spelled = filled(tokens.spelled, rng.integers(0, len(tokens.offsets) - 1, behind.shape))
        found = found._replace(spelled=spelled)
    if tokens.values is not None:
        found = found._replace(values=filled(tokens.values, np.full((*behind.shape, tokens.values.shape[2]), 1e6)))
    return found


def check_gradients(config: Any, parameters: dict[str, np.ndarray], arithmetic: Any, loss: Any, given: Any) -> None:
    """Each parameter's gradient along a direction, against the loss a little before and behind.

    loss: (ops, what the model puts out, parameters) -> a number.
    """
    model = TorchModel(arithmetic, config, parameters).eval()
    ops = TorchOps()
    own = dict(model.named_parameters())
    loss(ops, model(*tensors(given)), own).backward()
    rng = np.random.default_rng(5)
    for name, value in parameters.items():
        direction = rng.standard_normal(value.shape)

        def moved(distance: float, name: str = name, direction: np.ndarray = direction) -> float:
            changed = {**parameters, name: parameters[name] + distance * direction}
            output = arithmetic.forward(NumpyOps(), config, changed, *given)
            as_torch = (
                [None if v is None else torch.from_numpy(v) for v in output] if isinstance(output, tuple) else None
            )
            with torch.no_grad():
                rest = {key: torch.from_numpy(v) for key, v in changed.items()}
                return float(loss(ops, tuple(as_torch) if as_torch else torch.from_numpy(output), rest))

        slope = (moved(1e-6) - moved(-1e-6)) / 2e-6
        gradient = own[name].grad
        assert gradient is not None, name
        assert float((gradient.numpy() * direction).sum()) == pytest.approx(slope, rel=1e-5, abs=1e-7), name


READER_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"columns": []}, "expected up to 20 columns"),
    ({"columns": [["word", 5, 4]] * 21}, "expected up to 20 columns"),
    ({"layers": []}, "at most 100, got none"),
    ({"columns": [[3, 5, 4], ["shape", 5, 3]]}, "a column needs a name"),
    ({"columns": [["word", 0, 4], ["shape", 5, 3]]}, "sizes from 1"),
    ({"columns": [["word", 5.0, 4], ["shape", 5, 3]]}, "sizes from 1"),
    ({"columns": [["word", 10**9, 4], ["shape", 5, 3]]}, "sizes from 1"),
    ({"columns": [["word", True, 4], ["shape", 5, 3]]}, "sizes from 1"),
    ({"columns": ["ab"]}, "malformed"),
    ({"columns": 3}, "malformed"),
    ({"columns": ["abc"]}, "sizes from 1"),
    ({"columns": [["word", 5, 5], ["shape", 5, 3]]}, r"layer 0 \(gru\) takes I=7, what comes in has 8"),
    ({"pieces": [5]}, "pieces must be two numbers"),
    ({"pieces": []}, "pieces must be two numbers"),
    ({"pieces": [5, 2, 3]}, "pieces must be two numbers"),
    ({"pieces": [0, 3]}, "sizes from 1"),
    ({"pieces": None}, "malformed"),
    ({"pieces": [5, 2]}, "what comes in has 9"),
    ({"added": 1}, "added must be true or false"),
    ({"added": True}, "must be of one width"),
    ({"values": -1}, "values must be an integer from 0"),
    ({"values": 1.0}, "values must be an integer from 0"),
    ({"values": 1}, "what comes in has 8"),
    ({"dropout": {"input": 1.0}}, "dropout: input must be a share"),
    ({"dropout": {"inputs": 0.5}}, "malformed"),
    ({"dropout": []}, "malformed"),
    ({"layers": {}}, "layers must be a list of at most 100"),
    ({"layers": [{}]}, "layers must be lists of layers"),
    ({"layers": [[{}]]}, "expected an object with trace and sizes"),
    ({"layers": [[]]}, "one direction or two, got 0"),
    ({"layers": [[]] * 101}, "at most 100"),
]  # fmt: skip


def refused(config_class: Any, change: dict[str, Any], words: str, plain: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=words) as caught:
        config_class.from_json(json.loads(json.dumps({**plain, **change})))
    assert "\n" not in str(caught.value)
