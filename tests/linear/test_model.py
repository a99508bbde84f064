"""The linear model over n-grams, against a slow one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.linear import model as module
from throughtime.linear.model import WEIGHTINGS, NgramModel
from throughtime.linear.ngrams import Ngrams

TEXTS = ["the cat sat on the mat", "", "明月几时有", "the the the dog", "😀", "unknown ßß", "a" * 5000]


def made(weighting: str = "log", normalize: bool = True, scaled: bool = True, classes: int = 3) -> NgramModel:
    rng = np.random.default_rng(0)
    ngrams = Ngrams((1, 2), (1, 4), least=1).fit(TEXTS[:5])
    weights, bias = rng.standard_normal((ngrams.size, classes)), rng.standard_normal(classes)
    scale = rng.random(ngrams.size).astype(np.float32) if scaled else None
    return NgramModel(ngrams, weights.astype(np.float32), bias.astype(np.float32), scale, weighting, normalize)


def slow(model: NgramModel, text: str) -> list[float]:
    _, indices, counts = model.ngrams.rows([text])
    values = []
    for i, n in zip(indices, counts, strict=True):
        scale = 1.0 if model.scale is None else float(model.scale[i])
        values.append(scale * (1 + math.log(n) if model.weighting == "log" else 1))
    norm = math.sqrt(sum(v * v for v in values)) if model.normalize else 1
    sums = [float(b) for b in model.bias]
    for i, v in zip(indices, values, strict=True):
        for c in range(model.classes):
            sums[c] += v / norm * float(model.weights[i, c])
    return sums


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_logits_are_those_of_a_slow_sum(weighting: str, normalize: bool, scaled: bool) -> None:
    model = made(weighting, normalize, scaled)
    found = model.logits(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [slow(model, text) for text in TEXTS], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], model.bias)
    log = model.log_probabilities(TEXTS)
    assert log.dtype == np.float32
    np.testing.assert_allclose(np.exp(log).sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.diff(log), np.diff(found), atol=1e-5)


def test_no_text_and_no_ngram() -> None:
    assert made().logits([]).shape == (0, 3)
    assert made().log_probabilities([]).shape == (0, 3)
    empty = NgramModel(Ngrams(), np.zeros((0, 2), np.float32), np.float32([1, 2]))
    assert empty.logits(["a", ""]).tolist() == [[1, 2], [1, 2]]


@settings(max_examples=50, deadline=None)
@given(order=st.permutations(range(len(TEXTS))), texts=st.integers(1, 4), values=st.integers(1, 40))
def test_a_row_is_the_same_alone_and_in_any_company(order: list[int], texts: int, values: int) -> None:
    model = made()
    whole = model.logits(TEXTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TEXTS", texts)
        patch.setattr(module, "_VALUES", values)
        np.testing.assert_array_equal(model.logits([TEXTS[i] for i in order]), whole[order])


def test_kept_and_rebuilt() -> None:
    for model in (made(), made("binary", False, False)):
        again = NgramModel.from_json(model.to_json(), model.arrays())
        assert again.to_json() == model.to_json()
        np.testing.assert_array_equal(again.logits(TEXTS), model.logits(TEXTS))


def broken(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    model = made()
    data, arrays = model.to_json(), dict(model.arrays())
    for key, value in changes.items():
        (arrays if key in arrays else data)[key] = value
    return data, {key: value for key, value in arrays.items() if value is not None}


def test_what_is_damaged_is_told() -> None:
    own = made()
    bad = own.weights.copy()
    bad[3, 1] = np.nan
    for changes, message in (
        ({"weights": bad}, "n-gram model: weights has 1 of .* not finite"),
        ({"weights": own.weights[:-1]}, "n-gram model: weights must be"),
        ({"weights": own.weights.astype(np.float64)}, "float32, got .* float64"),
        ({"bias": own.bias[:2]}, "n-gram model: weights must be"),
        ({"bias": own.bias[:, None]}, "n-gram model: bias must be"),
        ({"scale": own.bias}, "n-gram model: scale must be"),
        ({"hashes": own.ngrams.hashes[::-1]}, "ascending"),
        ({"hashes": None}, "expected hashes, weights, bias and perhaps scale, got bias, scale, weights"),
        ({"weighting": "tf"}, "unknown weighting 'tf': choose from binary, log"),
        ({"normalize": 1}, "normalize as true or false"),
        ({"ngrams": []}, "n-grams: expected words"),
        ({"more": 1}, "n-gram model: expected ngrams, weighting and normalize"),
    ):
        with pytest.raises(UserError, match=message):
            NgramModel.from_json(*broken(**changes))
