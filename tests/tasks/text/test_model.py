"""The language model: NumPy and torch compute the same, chunks equal one pass, dropout drops what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.tolerances import GRADIENT, OUTPUT
from throughtime import cells
from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps, ReferenceOps, nats
from throughtime.models.ops_torch import TorchModel, TorchOps
from throughtime.models.stack import Dropout
from throughtime.tasks.text import model as language
from throughtime.tasks.text.model import LanguageConfig

TRACES = {name: cells.make(name).trace() for name in cells.PLAIN}
STACKS: dict[str, dict[str, Any]] = {
    "rnn": {"cells": [TRACES["rnn"]], "hidden": 9},
    "lstm-gru": {"cells": [TRACES["lstm"], TRACES["gru"]], "hidden": [9, 7]},
    "tied": {"cells": [TRACES["gru_reset_after"]], "hidden": 5, "tied": True},
    "tied-projected": {"cells": [TRACES["lstm"]], "hidden": 9, "tied": True},
}


def make(name: str, dtype: str = "float32", **options: Any) -> tuple[LanguageConfig, dict[str, np.ndarray], np.ndarray]:
    config = LanguageConfig.stack(13, 5, **STACKS[name], **options)
    rng = np.random.default_rng(3)
    parameters = language.initial_parameters(config, rng, dtype)
    parameters["output.b_y"] += rng.standard_normal(13).astype(dtype)
    return config, parameters, rng.integers(0, 13, (8, 4))  # more tokens than twice the vocabulary


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STACKS)
def test_numpy_and_torch_agree(name: str, dtype: str) -> None:
    config, parameters, tokens = make(name, dtype)
    model = TorchModel(language, config, parameters).eval()
    state = [[np.full((4, s), 0.1, dtype) for s in layer.state_sizes] for layer in config.layers]
    wanted, after = model(torch.from_numpy(tokens), [[torch.from_numpy(s) for s in layer] for layer in state])
    for ops in (NumpyOps(), ReferenceOps()):
        logits, final = language.forward(ops, config, parameters, tokens, state)
        assert logits.shape == (8, 4, 13)
        np.testing.assert_allclose(logits, wanted.detach().numpy(), atol=OUTPUT[dtype])
        for mine, theirs in zip(final, after, strict=True):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_allclose(a, b.detach().numpy(), atol=OUTPUT[dtype])


@pytest.mark.parametrize("name", STACKS)
def test_chunks_equal_one_pass(name: str) -> None:
    config, parameters, tokens = make(name)
    whole, _ = language.forward(NumpyOps(), config, parameters, tokens)
    state, parts = None, []
    for first, end in ((0, 1), (1, 4), (4, 8)):
        logits, state = language.forward(NumpyOps(), config, parameters, tokens[first:end], state)
        parts.append(logits)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=OUTPUT["float32"])


@pytest.mark.parametrize("name", STACKS)
def test_every_parameter_gets_the_gradient_of_a_plain_computation(name: str) -> None:
    config, parameters, tokens = make(name, "float64")
    model = TorchModel(language, config, parameters)
    logits, _ = model(torch.from_numpy(tokens))
    (logits**2).sum().backward()
    direction = {name: np.random.default_rng(5).standard_normal(value.shape) for name, value in parameters.items()}

    def loss(distance: float) -> float:
        moved = {name: value + distance * direction[name] for name, value in parameters.items()}
        return float((language.forward(ReferenceOps(), config, moved, tokens)[0] ** 2).sum())

    slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
    gradients = {name: p.grad for name, p in model.named_parameters()}
    assert all(g is not None for g in gradients.values())
    mine = sum(float((g.numpy() * direction[name]).sum()) for name, g in gradients.items())
    assert mine == pytest.approx(slope, rel=1e-6)


def test_nats_are_minus_log_softmax() -> None:
    logits = np.random.default_rng(0).standard_normal((3, 2, 7)).astype(np.float32) * 50
    targets = np.random.default_rng(1).integers(0, 7, (3, 2))
    wanted = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits).flatten(0, 1), torch.from_numpy(targets).flatten(), reduction="none"
    )
    np.testing.assert_allclose(nats(NumpyOps(), logits, targets).ravel(), wanted.numpy(), rtol=1e-5, atol=1e-5)
    mine, theirs = NumpyOps().log_softmax(logits), TorchOps().log_softmax(torch.from_numpy(logits)).numpy()
    np.testing.assert_allclose(mine, theirs, rtol=GRADIENT["float32"], atol=1e-5)


def test_dropout_scales_what_it_keeps_and_only_in_training() -> None:
    x = torch.ones(50, 40, 10)
    ops = TorchOps(training=True, generator=torch.Generator().manual_seed(0))
    dropped = ops.dropout(x, 0.25, False)
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.02)
    assert not torch.equal(dropped[0], dropped[1])
    variational = ops.dropout(x, 0.25, True)
    assert torch.equal(variational[0], variational[-1])
    assert 0 < (variational[0] == 0).float().mean() < 0.5
    assert TorchOps(training=False).dropout(x, 0.25, False) is x


def test_dropout_is_applied_at_its_three_places() -> None:
    for place in ("input", "between", "output"):
        config, parameters, tokens = make("lstm-gru", dropout=Dropout(**{place: 0.5}))
        model = TorchModel(language, config, parameters)
        batch = torch.from_numpy(tokens)
        evaluated = model.eval()(batch)[0]
        assert torch.equal(evaluated, model(batch)[0])
        assert not torch.allclose(evaluated, model.train()(batch)[0])


def test_initial_parameters_come_from_the_seed() -> None:
    config, _, _ = make("lstm-gru")
    one, two, other = (language.initial_parameters(config, np.random.default_rng(s)) for s in (1, 1, 2))
    assert list(one) == list(config.shapes)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["embedding"], other["embedding"])
    assert (one["layers.0.b_f"] == 1).all()


def test_a_loaded_trace_has_no_initial_values() -> None:
    config = LanguageConfig.from_json(make("rnn")[0].to_json())
    with pytest.raises(UserError, match="no initial values"):
        language.initial_parameters(config, np.random.default_rng(0))


def test_wrong_parameters_are_named() -> None:
    config, parameters, _ = make("rnn")
    with pytest.raises(UserError, match=r"embedding must be \(13, 5\), got \(5, 13\)"):
        TorchModel(language, config, {**parameters, "embedding": parameters["embedding"].T})
    rest = {name: value for name, value in parameters.items() if name != "output.b_y"}
    with pytest.raises(UserError, match=r"output.b_y missing; x unknown"):
        TorchModel(language, config, {**rest, "x": parameters["embedding"]})


def test_parameters_keep_their_flat_names() -> None:
    config, parameters, _ = make("lstm-gru")
    model = TorchModel(language, config, parameters)
    assert set(model.state_dict()) == set(config.shapes)
    for name, value in model.arrays().items():
        np.testing.assert_array_equal(value, parameters[name])


def test_weight_dropout_drops_recurrent_weights_and_only_in_training() -> None:
    config = LanguageConfig.stack(11, 5, [TRACES["lstm"]], 8, dropout=Dropout(weight=0.5))
    model = TorchModel(language, config, language.initial_parameters(config, np.random.default_rng(0)))
    tokens = torch.arange(12).remainder(11).view(6, 2)
    model.eval()
    whole, _ = model(tokens)
    model.train()
    first, second = model(tokens)[0], model(tokens)[0]
    assert not torch.equal(first, second)
    assert not torch.equal(first, whole)
    # from a zero state the first step reads no recurrent weight: the others are not touched
    torch.testing.assert_close(first[0], whole[0], atol=0, rtol=0)
