"""The tagger: NumPy and torch agree, a text's scores are its own in any company, gradients, configurations."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.reading.arithmetic import (
    READER_ERRORS,
    TEXTS,
    check_gradients,
    dirty,
    drawn,
    examples,
    inputs,
    reader,
    refused,
    states,
    tensors,
)
from tests.tolerances import OUTPUT
from throughtime.data.columns import Columns
from throughtime.errors import UserError
from throughtime.models import crf
from throughtime.models.ops_numpy import NumpyOps, ReferenceOps
from throughtime.models.ops_torch import TorchModel
from throughtime.models.stack import Dropout
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.model import TaggerConfig, forward, initial_parameters

ALL = ("max", "mean", "attention", "last")
CASES: dict[str, dict[str, Any]] = {
    "tags alone": {},
    "without a crf": {"crf": False},
    "intents": {"intents": 3},
    "stacked": {"intents": 4, "stacked": True, "pooling": ALL},
    "one direction": {"bidirectional": False, "intents": 2, "pooling": ("last",)},
    "two layers": {"cells_": ("lstm", "gru"), "intents": 2, "pooling": ("attention", "mean")},
    "pieces and values": {"pieces": True, "values": 2, "cells_": ("min_gru",), "intents": 3, "crf": False},
    "added": {"added": True, "pieces": True, "intents": 2, "stacked": True},
}


def make(
    crf: bool = True, intents: int = 0, stacked: bool = False, pooling: tuple[str, ...] = ("max", "mean"), **rest: Any
) -> tuple[TaggerConfig, Columns]:
    config, columns = reader("tagger", **rest)
    return TaggerConfig(config, 5, intents, pooling, crf, stacked), columns


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_numpy_and_torch_agree(name: str, dtype: str) -> None:
    config, columns = make(**CASES[name])
    parameters = drawn(config, dtype, arithmetic=tagger)
    given = inputs(examples(config, columns, TEXTS))
    if dtype == "float64" and given[0].values is not None:
        given = (given[0]._replace(values=given[0].values.astype(dtype)),)
    scores, intents = TorchModel(tagger, config, parameters).eval()(*tensors(given))
    assert scores.shape == (6, 5, 5)
    assert (intents is None) == (not config.intents)
    for ops in (NumpyOps(), ReferenceOps()):
        found, whole = forward(ops, config, parameters, *given)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, scores.detach().numpy(), rtol=0, atol=2 * OUTPUT[dtype])
        assert (whole is None) == (intents is None)
        if intents is not None:
            assert whole.shape == (5, config.intents)
            np.testing.assert_allclose(whole, intents.detach().numpy(), rtol=0, atol=2 * OUTPUT[dtype])


def test_against_the_formula() -> None:
    config, columns = make(**CASES["stacked"] | {"pooling": ("max", "mean")})
    p = drawn(config, arithmetic=tagger)
    (tokens,) = inputs(examples(config, columns, TEXTS))
    scores, intents = forward(NumpyOps(), config, p, tokens)
    h, _ = states(config, p, tokens)
    for b, length in enumerate(tokens.lengths):
        own = h[:length, b]
        whole = p["intent.W_py"] @ np.concatenate([own.max(0), own.mean(0)]) + p["intent.b_y"]
        np.testing.assert_allclose(intents[b], whole, rtol=0, atol=1e-10)
        shares = np.exp(whole) / np.exp(whole).sum()
        for t in range(length):
            wanted = p["output.W_hy"] @ own[t] + p["output.b_y"] + p["stacked.W_ey"] @ shares
            np.testing.assert_allclose(scores[t, b], wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["stacked", "pieces and values", "one direction"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_text_is_its_own_in_any_company(name: str, data: st.DataObject) -> None:
    config, columns = make(**CASES[name])
    parameters = drawn(config, "float32", arithmetic=tagger)
    words = st.sampled_from(["the", "dog", ".", "zzz", "2024", "It"])
    texts = data.draw(st.lists(st.lists(words, max_size=9), min_size=1, max_size=6), "texts")
    order = data.draw(st.permutations(range(len(texts))), "order")
    (tokens,) = inputs(examples(config, columns, texts), order)
    scores, intents = forward(NumpyOps(), config, parameters, tokens)
    h, _ = states(config, parameters, tokens)
    row = data.draw(st.integers(0, len(texts) - 1), "row")
    place = order.index(row)
    (alone,) = inputs(examples(config, columns, [texts[row]]))
    mine, whole = forward(NumpyOps(), config, parameters, alone)
    length = int(alone.lengths[0])
    np.testing.assert_array_equal(states(config, parameters, alone)[0][:, 0], h[:length, place])  # bit for bit
    np.testing.assert_allclose(mine[:, 0], scores[:length, place], rtol=0, atol=OUTPUT["float32"])
    if whole is not None:
        np.testing.assert_allclose(whole[0], intents[place], rtol=0, atol=OUTPUT["float32"])


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("name", CASES)
def test_padding_is_inert(name: str, more: int) -> None:
    config, columns = make(**CASES[name])
    parameters = drawn(config, arithmetic=tagger)
    (tokens,) = inputs(examples(config, columns, TEXTS))
    changed = dirty(tokens, more, np.random.default_rng(0))
    wanted, whole = forward(NumpyOps(), config, parameters, tokens)
    found, other = forward(NumpyOps(), config, parameters, changed)
    torched, logits = TorchModel(tagger, config, parameters).eval()(*tensors((changed,)))
    for b, length in enumerate(tokens.lengths):
        for own in (found, torched.detach().numpy()):
            np.testing.assert_allclose(own[:length, b], wanted[:length, b], rtol=0, atol=OUTPUT["float64"])
    if whole is not None:
        np.testing.assert_allclose(other, whole, rtol=0, atol=OUTPUT["float64"])
        np.testing.assert_allclose(logits.detach().numpy(), whole, rtol=0, atol=OUTPUT["float64"])


@pytest.mark.parametrize("name", ["stacked", "pieces and values", "two layers"])
def test_gradients_of_the_whole_loss(name: str) -> None:
    config, columns = make(**CASES[name])
    given = inputs(examples(config, columns, TEXTS))
    lengths = torch.from_numpy(given[0].lengths)
    rng = np.random.default_rng(2)
    truth = torch.from_numpy(rng.integers(0, 5, (6, 5)))
    intents = torch.from_numpy(rng.integers(0, config.intents, 5))

    def loss(ops: Any, output: Any, parameters: Any) -> torch.Tensor:
        scores, logits = output
        found = torch.nn.functional.cross_entropy(logits, intents, reduction="sum")
        for b, length in enumerate(lengths.tolist()):
            own, tags = scores[:length, b], truth[:length, b]
            if not config.crf:
                found = found + torch.nn.functional.cross_entropy(own, tags, reduction="sum")
                continue
            pairs = parameters["crf.transitions"][tags[:-1], tags[1:]].sum()
            ends = parameters["crf.first"][tags[0]] + parameters["crf.last"][tags[-1]]
            found = found - own[torch.arange(length), tags].sum() - pairs - ends
        if config.crf:
            pieces = (parameters[f"crf.{name}"] for name in ("transitions", "first", "last"))
            found = found + crf.log_partition(ops, scores, *pieces, lengths).sum()
        return found

    check_gradients(config, drawn(config, arithmetic=tagger), tagger, loss, given)


def test_dropout_is_applied_in_training_only() -> None:
    config, columns = make(intents=2, dropout=Dropout(output=0.5))
    model = TorchModel(tagger, config, drawn(config, arithmetic=tagger))
    given = tensors(inputs(examples(config, columns, TEXTS)))
    evaluated = model.eval()(*given)
    assert all(torch.equal(a, b) for a, b in zip(evaluated, model(*given), strict=True))
    assert not any(torch.allclose(a, b) for a, b in zip(evaluated, model.train()(*given), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_initial_parameters_have_their_shapes(name: str) -> None:
    config, _ = make(**CASES[name])
    one, two, other = (initial_parameters(config, np.random.default_rng(s)) for s in (1, 1, 2))
    assert {key: value.shape for key, value in one.items()} == config.shapes
    assert list(one) == list(config.shapes)
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in one.values())
    assert all(np.array_equal(one[key], two[key]) for key in one)
    assert not np.array_equal(one["columns.word"], other["columns.word"])
    assert not any(value.any() for key, value in one.items() if key.startswith(("crf.", "stacked.")))
    tagger.check_parameters(config, one)
    with pytest.raises(UserError, match=r"tagger: parameters do not fit the configuration: output\.b_y missing"):
        tagger.check_parameters(config, {key: value for key, value in one.items() if key != "output.b_y"})


def test_shapes_by_hand() -> None:
    shapes = make(**CASES["stacked"])[0].shapes
    assert shapes["output.W_hy"] == (5, 10)
    assert shapes["output.b_y"] == shapes["crf.first"] == shapes["crf.last"] == (5,)
    assert shapes["crf.transitions"] == (5, 5)
    assert shapes["pooling.w_a"] == (1, 10)
    assert shapes["intent.W_py"] == (4, 40)
    assert shapes["intent.b_y"] == (4,)
    assert shapes["stacked.W_ey"] == (5, 4)
    plain = make(crf=False)[0].shapes
    assert not [name for name in plain if name.startswith(("crf", "intent", "stacked", "pooling"))]


@pytest.mark.parametrize("name", CASES)
def test_configurations_survive_json(name: str) -> None:
    config, _ = make(**CASES[name])
    again = TaggerConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again.to_json() == config.to_json()
    assert again.shapes == config.shapes
    assert (again.crf, again.stacked, again.pooling) == (config.crf, config.stacked, config.pooling)


@pytest.mark.parametrize(("change", "words"), READER_ERRORS)
def test_readers_that_do_not_fit(change: dict[str, Any], words: str) -> None:
    refused(TaggerConfig, change, words, make()[0].to_json())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tags": 0}, "tagger: tags must be an integer from 1 to 4,096"),
        ({"tags": 4097}, "tagger: tags must be an integer from 1 to 4,096"),
        ({"tags": 2.0}, "tagger: tags must be an integer"),
        ({"tags": True}, "tagger: tags must be an integer"),
        ({"intents": -1}, "tagger: intents must be an integer from 0"),
        ({"intents": "3"}, "tagger: intents must be an integer from 0"),
        ({"pooling": []}, "tagger: pooling must be some of max, mean, attention, last"),
        ({"pooling": ["sum"]}, r"got \['sum'\]"),
        ({"pooling": {"max": 1}}, "pooling must be a list of names"),
        ({"pooling": [1]}, "pooling must be a list of names"),
        ({"crf": 1}, "tagger: crf must be true or false"),
        ({"stacked": "no"}, "tagger: stacked must be true or false"),
        ({"stacked": True}, "stacked tags see the intents, but there are none"),
    ],
)
def test_configurations_that_do_not_fit(change: dict[str, Any], words: str) -> None:
    refused(TaggerConfig, change, words, make()[0].to_json())


def test_what_is_missing_is_named() -> None:
    plain = make()[0].to_json()
    for name in plain:
        with pytest.raises(UserError, match=name):
            TaggerConfig.from_json({key: value for key, value in plain.items() if key != name})
    with pytest.raises(UserError, match="crf, intents, pooling, stacked, tags missing"):
        TaggerConfig.from_json([])
