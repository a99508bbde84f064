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
from throughtime.linear.model import WEIGHTINGS, Wide
from throughtime.linear.ngrams import Ngrams

TEXTS = ["the cat sat on the mat", "", "明月几时有", "the the the dog", "😀", "unknown ßß", "a" * 5000]


def made(weighting: str = "log", normalize: bool = True, scaled: bool = True, classes: int = 3) -> Wide:
    rng = np.random.default_rng(0)
    ngrams = Ngrams((1, 2), (1, 4), least=1).fit(TEXTS[:5])
    weights, bias = rng.standard_normal((ngrams.size, classes)), rng.standard_normal(classes)
    scale = rng.random(ngrams.size).astype(np.float32) if scaled else None
    return Wide(ngrams, weights.astype(np.float32), bias.astype(np.float32), scale, weighting, normalize)


def slow(wide: Wide, text: str) -> list[float]:
    _, indices, counts = wide.ngrams.rows([text])
    values = []
    for i, n in zip(indices, counts, strict=True):
        scale = 1.0 if wide.scale is None else float(wide.scale[i])
        values.append(scale * (1 + math.log(n) if wide.weighting == "log" else 1))
    norm = math.sqrt(sum(v * v for v in values)) if wide.normalize else 1
    sums = [float(b) for b in wide.bias]
    for i, v in zip(indices, values, strict=True):
        for c in range(wide.classes):
            sums[c] += v / norm * float(wide.weights[i, c])
    return sums


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_logits_are_those_of_a_slow_sum(weighting: str, normalize: bool, scaled: bool) -> None:
    wide = made(weighting, normalize, scaled)
    found = wide.logits(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [slow(wide, text) for text in TEXTS], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], wide.bias)
    log = wide.log_probabilities(TEXTS)
    assert log.dtype == np.float32
    np.testing.assert_allclose(np.exp(log).sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.diff(log), np.diff(found), atol=1e-5)


def test_no_text_and_no_ngram() -> None:
    assert made().logits([]).shape == (0, 3)
    assert made().log_probabilities([]).shape == (0, 3)
    empty = Wide(Ngrams(), np.zeros((0, 2), np.float32), np.float32([1, 2]))
    assert empty.logits(["a", ""]).tolist() == [[1, 2], [1, 2]]
    assert empty.contributions("a") == []


@settings(max_examples=50, deadline=None)
@given(order=st.permutations(range(len(TEXTS))), texts=st.integers(1, 4), values=st.integers(1, 40))
def test_a_row_is_the_same_alone_and_in_any_company(order: list[int], texts: int, values: int) -> None:
    wide = made()
    whole = wide.logits(TEXTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TEXTS", texts)
        patch.setattr(module, "_VALUES", values)
        np.testing.assert_array_equal(wide.logits([TEXTS[i] for i in order]), whole[order])


def test_contributions_sum_to_the_logits() -> None:
    wide = made()
    for text in TEXTS:
        parts = wide.contributions(text)
        assert len(parts) == len(wide.ngrams.rows([text])[1])
        total = wide.bias + sum((part for _, part in parts), np.zeros(3))
        np.testing.assert_allclose(total, wide.logits([text])[0], atol=1e-5)
        spreads = [float(np.ptp(part)) for _, part in parts]
        assert spreads == sorted(spreads, reverse=True)


def test_kept_and_rebuilt() -> None:
    for wide in (made(), made("binary", False, False)):
        again = Wide.from_json(wide.to_json(), wide.arrays())
        assert again.to_json() == wide.to_json()
        np.testing.assert_array_equal(again.logits(TEXTS), wide.logits(TEXTS))


def broken(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    wide = made()
    data, arrays = wide.to_json(), dict(wide.arrays())
    for key, value in changes.items():
        (arrays if key in arrays else data)[key] = value
    return data, {key: value for key, value in arrays.items() if value is not None}


def test_what_is_damaged_is_told() -> None:
    own = made()
    bad = own.weights.copy()
    bad[3, 1] = np.nan
    for changes, message in (
        ({"weights": bad}, "wide: weights has 1 of .* not finite"),
        ({"weights": own.weights[:-1]}, "wide: weights must be"),
        ({"weights": own.weights.astype(np.float64)}, "float32, got .* float64"),
        ({"bias": own.bias[:2]}, "wide: weights must be"),
        ({"bias": own.bias[:, None]}, "wide: bias must be"),
        ({"scale": own.bias}, "wide: scale must be"),
        ({"hashes": own.ngrams.hashes[::-1]}, "ascending"),
        ({"hashes": None}, "expected hashes, weights, bias and perhaps scale, got bias, scale, weights"),
        ({"weighting": "tf"}, "unknown weighting 'tf': choose from binary, log"),
        ({"normalize": 1}, "normalize as true or false"),
        ({"ngrams": []}, "n-grams: expected words"),
        ({"more": 1}, "wide: expected ngrams, weighting and normalize"),
    ):
        with pytest.raises(UserError, match=message):
            Wide.from_json(*broken(**changes))
