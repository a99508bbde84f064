"""The classifier: NumPy and torch agree, a text's logits are its own in any company, gradients, configurations."""

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
from throughtime.data.sentences import sentences
from throughtime.errors import UserError
from throughtime.models import pooling
from throughtime.models.ops_numpy import NumpyOps, ReferenceOps
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import Sentences
from throughtime.models.stack import Dropout, Stack
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import ClassifierConfig, above, forward, initial_parameters

ALL = ("max", "mean", "attention", "last")

CASES: dict[str, dict[str, Any]] = {
    "one direction": {"bidirectional": False},
    "two directions": {"pooling": ALL},
    "two layers": {"cells": ("lstm", "gru"), "pooling": ("max", "last")},
    "two layers forward": {"cells": ("min_gru", "rnn"), "bidirectional": False, "pooling": ALL},
    "added": {"added": True, "pooling": ("mean",)},
    "pieces": {"pieces": True},
    "pieces added": {"pieces": True, "added": True, "pooling": ("attention",)},
    "values": {"values": 2, "pooling": ("last",)},
    "everything": {"pieces": True, "values": 3, "cells": ("lstm", "lstm"), "pooling": ALL},
    "sentences": {"over": True},
    "sentences forward": {"over": True, "bidirectional": False, "pieces": True, "values": 1, "pooling": ALL},
}


def make(
    cells: tuple[str, ...] = ("gru",), over: bool = False, pooling: tuple[str, ...] = ("max", "mean"), **options: Any
) -> tuple[ClassifierConfig, Columns]:
    config, columns = reader(cells_=cells, **options)
    upper: tuple[Any, ...] = ()
    if over:
        trace = config.layers[0][0].trace
        upper = Stack.of([trace], above(pooling, config), 3, options.get("bidirectional", True)).layers
    return ClassifierConfig(config, 3, pooling, upper), columns


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_numpy_and_torch_agree(name: str, dtype: str) -> None:
    config, columns = make(**CASES[name])
    parameters = drawn(config, dtype)
    given = inputs(examples(config, columns, TEXTS))
    if dtype == "float64" and given[0].values is not None:
        given = (given[0]._replace(values=given[0].values.astype(dtype)), *given[1:])
    wanted = TorchModel(classifier, config, parameters).eval()(*tensors(given)).detach().numpy()
    assert wanted.shape == (5, 3)
    for ops in (NumpyOps(), ReferenceOps()):
        found = forward(ops, config, parameters, *given)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * OUTPUT[dtype])


def test_against_the_formula() -> None:
    config, columns = make(pieces=True, values=2, pooling=ALL)
    p = drawn(config)
    given = examples(config, columns, TEXTS)
    (tokens,) = inputs(given)
    found = forward(NumpyOps(), config, p, tokens)
    layer = config.reader.layers[0][0]
    for b, length in enumerate(tokens.lengths):
        x = []
        for t in range(length):
            d = tokens.spelled[t, b]
            bag = [p["pieces"][i] for i in tokens.pieces[tokens.offsets[d] : tokens.offsets[d + 1]]]
            mean = sum(bag) / len(bag) if bag else np.zeros(4)
            word, shape = tokens.ids[:, t, b]
            x.append(np.concatenate([p["columns.word"][word], p["columns.shape"][shape], mean, tokens.values[t, b]]))
        ends, seen = [], []
        for direction in ("ahead", "back"):
            own = {name: p[f"layers.0.{direction}.{name}"] for name in layer.trace.parameters}
            turn = 1 if direction == "ahead" else -1
            h, _ = ReferenceOps().recurrence(layer, np.array(x)[::turn, None], None, own)
            ends.append(h[-1, 0])
            seen.append(h[::turn, 0])
        h = np.concatenate(seen, -1)
        shares = np.exp(h @ p["pooling.w_a"][0])
        attended = (shares[:, None] * h).sum(0) / shares.sum()
        pooled = np.concatenate([h.max(0), h.mean(0), attended, *ends])
        np.testing.assert_allclose(found[b], p["output.W_py"] @ pooled + p["output.b_y"], rtol=0, atol=1e-10)


def test_the_sentences_of_a_text_are_read_twice_over() -> None:
    config, columns = make(over=True, pooling=("max", "last"))
    p = drawn(config)
    found = forward(NumpyOps(), config, p, *inputs(examples(config, columns, TEXTS)))
    lower = ClassifierConfig(config.reader, 3, config.pooling)
    for b, text in enumerate(TEXTS):
        own = {
            **{n: v for n, v in p.items() if n in lower.shapes},
            "output.W_py": np.eye(20),
            "output.b_y": np.zeros(20),
        }
        x = []
        for part in sentences(text):
            (tokens,) = inputs(examples(lower, columns, [part]))
            x.append(forward(NumpyOps(), lower, own, tokens)[0])
        layers, ends = [], []
        for direction, turn in (("ahead", 1), ("back", -1)):
            layer = config.above[0][0]
            own = {name: p[f"above.0.{direction}.{name}"] for name in layer.trace.parameters}
            k, _ = ReferenceOps().recurrence(layer, np.array(x)[::turn, None], None, own)
            layers.append(k[::turn, 0])
            ends.append(k[-1, 0])
        pooled = np.concatenate([np.concatenate(layers, -1).max(0), *ends])
        np.testing.assert_allclose(found[b], p["output.W_py"] @ pooled + p["output.b_y"], rtol=0, atol=1e-10)


ANY_TEXTS = st.lists(
    st.lists(st.sampled_from(["the", "dog", ".", "zzz", "2024", "It"]), max_size=9), min_size=1, max_size=6
)


@pytest.mark.parametrize("name", ["everything", "two layers forward", "pieces added", "sentences forward"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_text_is_its_own_in_any_company(name: str, data: st.DataObject) -> None:
    config, columns = make(**CASES[name])
    parameters = drawn(config, "float32")
    texts = data.draw(ANY_TEXTS, "texts")
    order = data.draw(st.permutations(range(len(texts))), "order")
    made, ops = examples(config, columns, texts), NumpyOps()
    given = inputs(made, order)
    logits = forward(ops, config, parameters, *given)
    h, final = states(config, parameters, given[0])
    row = data.draw(st.integers(0, len(texts) - 1), "row")
    alone = inputs(examples(config, columns, [texts[row]]))
    np.testing.assert_allclose(
        forward(ops, config, parameters, *alone)[0], logits[order.index(row)], rtol=0, atol=OUTPUT["float32"]
    )
    place = order.index(row) if len(given) == 1 else given[1].places[0, order.index(row)]
    mine, last = states(config, parameters, alone[0])
    length = alone[0].lengths[0]
    np.testing.assert_array_equal(mine[:length, 0], h[:length, place])  # bit for bit
    for one, other in zip(last, final, strict=True):
        np.testing.assert_array_equal(one[0], other[place])


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("name", CASES)
def test_padding_is_inert(name: str, more: int) -> None:
    config, columns = make(**CASES[name])
    parameters = drawn(config)
    tokens, *over = inputs(examples(config, columns, TEXTS))
    changed = dirty(tokens, more, np.random.default_rng(0))
    wanted = forward(NumpyOps(), config, parameters, tokens, *over)
    if over and more:  # and texts with room for more sentences, whose place is any
        places = np.concatenate([over[0].places, np.ones((2, len(TEXTS)), np.int64)])
        over = [Sentences(places, over[0].counts)]
    found = forward(NumpyOps(), config, parameters, changed, *over)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=OUTPUT["float64"])
    model = TorchModel(classifier, config, parameters).eval()
    np.testing.assert_allclose(
        model(*tensors((changed, *over))).detach().numpy(), wanted, rtol=0, atol=OUTPUT["float64"]
    )


@pytest.mark.parametrize("name", ["everything", "pieces added", "sentences forward"])
def test_gradients_of_the_whole_loss(name: str) -> None:
    config, columns = make(**CASES[name])
    truth = torch.tensor([0, 2, 1, 1, 0])

    def loss(ops: Any, logits: torch.Tensor, parameters: Any) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(logits, truth, reduction="sum")

    check_gradients(config, drawn(config), classifier, loss, inputs(examples(config, columns, TEXTS)))


def test_the_shares_of_attention_are_those_of_the_pooling() -> None:
    config, columns = make(pooling=("attention",))
    p = drawn(config)
    (tokens,) = inputs(examples(config, columns, TEXTS))
    h, final = states(config, p, tokens)
    shares = pooling.attention(NumpyOps(), p, "pooling", h, tokens.lengths)
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-12)
    for b, length in enumerate(tokens.lengths):
        assert (shares[:length, b] > 0).all()
        assert not shares[length:, b].any()
    found = pooling.pool(NumpyOps(), ["attention"], p, "pooling", h, final, tokens.lengths)
    np.testing.assert_allclose((shares[..., None] * h).sum(0), found, rtol=0, atol=1e-12)


def test_dropout_is_applied_at_its_places_in_training_only() -> None:
    for place in ("input", "between", "output"):
        config, columns = make(("gru", "gru"), dropout=Dropout(**{place: 0.5}))
        model = TorchModel(classifier, config, drawn(config))
        given = tensors(inputs(examples(config, columns, TEXTS)))
        evaluated = model.eval()(*given)
        assert torch.equal(evaluated, model(*given))
        assert not torch.allclose(evaluated, model.train()(*given))


def test_parameters_lie_in_rows_however_they_came() -> None:
    config, _ = make()
    by_columns = {name: np.asfortranarray(value) for name, value in drawn(config).items()}
    assert not by_columns["columns.word"].flags.c_contiguous
    assert all(value.is_contiguous() for value in TorchModel(classifier, config, by_columns).parameters())


def test_naive_bayes_features_are_not_dropped() -> None:
    config, columns = make(values=2, dropout=Dropout(input=255 / 256))
    p = drawn(config)
    for name in ("columns.word", "columns.shape"):
        p[name] = np.zeros_like(p[name])
    model = TorchModel(classifier, config, p)
    (tokens,) = inputs(examples(config, columns, TEXTS))
    given = tensors((tokens._replace(values=tokens.values.astype(np.float64)),))
    assert torch.equal(model.eval()(*given), model.train()(*given))


@pytest.mark.parametrize("name", CASES)
def test_initial_parameters_have_their_shapes(name: str) -> None:
    config, _ = make(**CASES[name])
    one, two, other = (initial_parameters(config, np.random.default_rng(s)) for s in (1, 1, 2))
    assert {key: value.shape for key, value in one.items()} == config.shapes
    assert list(one) == list(config.shapes)
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in one.values())
    assert all(np.array_equal(one[key], two[key]) for key in one)
    assert not np.array_equal(one["columns.word"], other["columns.word"])
    assert not one["output.b_y"].any()
    classifier.check_parameters(config, one)
    with pytest.raises(UserError, match=r"classifier: columns.word must be"):
        classifier.check_parameters(config, {**one, "columns.word": one["columns.word"].T})


def test_shapes_by_hand() -> None:
    config, columns = make(("gru",), over=True, pieces=True, values=2, pooling=("max", "attention"))
    assert columns.pieces is not None
    shapes = config.shapes
    assert shapes["columns.word"] == (columns.sizes[0], 4)
    assert shapes["columns.shape"] == (columns.sizes[1], 3)
    assert shapes["pieces"] == (len(columns.pieces), 4)
    assert shapes["layers.0.ahead.W_xz"] == shapes["layers.0.back.W_xz"] == (5, 4 + 3 + 4 + 2)
    assert shapes["pooling.w_a"] == (1, 10)
    assert shapes["above.0.ahead.W_xz"] == shapes["above.0.back.W_xz"] == (3, 20)
    assert shapes["pooling_above.w_a"] == (1, 6)
    assert shapes["output.W_py"] == (3, 12)
    assert shapes["output.b_y"] == (3,)


@pytest.mark.parametrize("name", CASES)
def test_configurations_survive_json(name: str) -> None:
    config, _ = make(**CASES[name], dropout=Dropout(input=0.1, variational=True))
    again = ClassifierConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again.to_json() == config.to_json()
    assert again.shapes == config.shapes
    assert again.streams == config.streams == (not (CASES[name].get("bidirectional", True) or CASES[name].get("over")))
    with pytest.raises(UserError, match="no initial values"):
        initial_parameters(again, np.random.default_rng(0))


@pytest.mark.parametrize(("change", "words"), READER_ERRORS)
def test_readers_that_do_not_fit(change: dict[str, Any], words: str) -> None:
    refused(ClassifierConfig, change, words, make()[0].to_json())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": 1}, "classifier: classes must be an integer from 2"),
        ({"classes": 2.0}, "classifier: classes must be an integer from 2"),
        ({"classes": 10**30}, "classifier: classes must be an integer from 2"),
        ({"pooling": []}, "classifier: pooling must be some of max, mean, attention, last"),
        ({"pooling": ["max", "max"]}, "each once"),
        ({"pooling": ["sum"]}, r"got \['sum'\]"),
        ({"pooling": "max"}, "pooling must be a list of names"),
        ({"pooling": [["max"]]}, "pooling must be a list of names"),
        ({"above": make()[0].to_json()["layers"]}, "over sentences: layer 0 \\(gru\\) takes I=7, what comes in has 20"),
        ({"above": [[]]}, "over sentences: layer 0 must have one direction or two"),
        ({"above": 3}, "layers must be a list"),
    ],
)
def test_configurations_that_do_not_fit(change: dict[str, Any], words: str) -> None:
    refused(ClassifierConfig, change, words, make()[0].to_json())


def test_what_is_missing_is_named() -> None:
    plain = make()[0].to_json()
    for name in plain:
        with pytest.raises(UserError, match=name):
            ClassifierConfig.from_json({key: value for key, value in plain.items() if key != name})
    for nothing in (None, [], "x", 3):
        with pytest.raises(UserError, match="above, classes, pooling missing"):
            ClassifierConfig.from_json(nothing)


def test_three_directions_and_other_cells_are_refused() -> None:
    config = make()[0].to_json()
    with pytest.raises(UserError, match="one direction or two, got 3"):
        ClassifierConfig.from_json({**config, "layers": [config["layers"][0][:1] * 3]})
    with pytest.raises(UserError, match="gru_d reads m, d beside x"):
        make(("gru_d",))
