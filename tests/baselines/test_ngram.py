"""The n-gram baselines are distributions, count what they say they count, and never look ahead."""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.baselines import ngram
from throughtime.baselines.ngram import ORDERS, SMOOTHINGS, Grams, baselines, choose, log_probabilities


def distributions(train: list[int], context: list[int], vocabulary: int, smoothing: str) -> np.ndarray:
    """p_k(w | context) as (ORDERS, vocabulary), each w scored in a text of its own."""
    rows = []
    for w in range(vocabulary):
        grams = Grams(np.array([*train, *context, w]), vocabulary)
        last = slice(len(train) + len(context), None)
        rows.append([float(np.exp(p[0])) for p in log_probabilities(grams, len(train), last, smoothing)])
    return np.array(rows).T


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@settings(max_examples=40, deadline=None)
@given(
    train=st.lists(st.integers(0, 3), min_size=1, max_size=80),
    context=st.lists(st.integers(0, 4), max_size=9),
)
def test_every_order_sums_to_one_over_the_vocabulary(smoothing: str, train: list[int], context: list[int]) -> None:
    p = distributions(train, context, 5, smoothing)
    assert p.shape == (ORDERS, 5)
    assert (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)


def test_real_text_sums_to_one_too() -> None:
    text = np.frombuffer(("the cat sat on the mat; the dog ate the cat. " * 20).encode(), np.uint8).astype(int)
    for smoothing in SMOOTHINGS:
        p = distributions(text[:600].tolist(), list(b"t on the "), 128, smoothing)
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)


def test_witten_bell_bigram_by_hand() -> None:
    train, vocabulary = [0, 1, 0, 1, 0, 2], 3
    p = distributions(train, [0], vocabulary, "witten-bell")
    counts, pairs = Counter(train), Counter(pairwise(train))
    for w in range(vocabulary):
        p1 = (counts[w] + 3 * (1 / vocabulary)) / (6 + 3)
        assert p[0, w] == pytest.approx(p1)
        assert p[1, w] == pytest.approx((pairs[0, w] + 2 * p1) / (3 + 2))


def plain_kneser_ney(train: str, test: str, order: int, vocabulary: int) -> float:
    """Nats per token of a Kneser-Ney model written with dictionaries, straight from the paper."""

    def count(k: int) -> Counter[str]:
        padded = "\0" * (k - 1) + train
        return Counter(padded[i : i + k] for i in range(len(train)))

    def discounts(counts: Counter[str]) -> list[float]:
        n = Counter(min(v, 5) for v in counts.values())
        y = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.5
        if not all(n[c] for c in (1, 2, 3, 4)):
            return [0.0, y, y, y]
        return [0.0, *[c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3)]]

    highest = {order: count(order)}
    lower = {k: Counter(gram[1:] for gram in count(k + 1)) for k in range(1, order)}
    tables = {k: (counts, discounts(counts)) for k, counts in {**highest, **lower}.items()}

    def p(w: str, context: str, k: int) -> float:
        if k == 0:
            return 1 / vocabulary
        counts, off = tables[k]
        h = context[len(context) - (k - 1) :]
        after = [(g, v) for g, v in counts.items() if g[:-1] == h]
        if not after:
            return p(w, context, k - 1)
        total, taken = sum(v for _, v in after), sum(off[min(v, 3)] for _, v in after)
        own = counts[h + w]
        return (own - off[min(own, 3)]) / total + taken / total * p(w, context, k - 1)

    text = train + test
    return -sum(math.log(p(text[i], text[:i], order)) for i in range(len(train), len(text))) / len(test)


def test_kneser_ney_equals_a_plain_implementation() -> None:
    rng = np.random.default_rng(5)
    table = rng.dirichlet([0.25] * 12, (12, 12))
    tokens = [0, 1]
    for u in rng.random(1500):
        tokens.append(min(11, int(np.searchsorted(table[tokens[-2], tokens[-1]].cumsum(), u))))
    text = "".join(chr(65 + t) for t in tokens)
    found = list(islice(log_probabilities(Grams(np.array(tokens), 12), 1400, slice(1400, None), "kneser-ney"), 3))
    for order in (2, 3):
        assert -found[order - 1].mean() == pytest.approx(
            plain_kneser_ney(text[:1400], text[1400:], order, 12), rel=1e-9
        )


def test_kneser_ney_counts_contexts_below_the_top() -> None:
    """A token that is frequent after one context only is unlikely after a new one."""
    train = [1, 2] * 20 + [3, 4, 5, 4, 6, 4, 3]
    p = distributions(train, [7], 8, "kneser-ney")[1]
    assert p[4] > p[2]
    p = distributions(train, [7], 8, "absolute")[1]
    assert p[4] < p[2]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_tokens_beyond_the_scored_one_change_nothing(smoothing: str) -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 6, 400)
    changed = tokens.copy()
    changed[350:] = rng.integers(0, 6, 50)
    a, b = ([*log_probabilities(Grams(t, 6), 300, slice(300, 350), smoothing)] for t in (tokens, changed))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_the_order_is_chosen_by_validation() -> None:
    period = np.tile([0, 0, 1, 0, 1, 1, 2], 60)
    assert choose(Grams(period, 3), 300, 420)[0] >= 4
    noise = np.random.default_rng(1).integers(0, 12, 3000)
    assert choose(Grams(noise, 12), 2000, 3000)[0] <= 2


def test_baselines_of_a_known_source() -> None:
    """A first-order Markov chain: the n-gram model comes near its entropy, unigram and uniform stay above."""
    rng = np.random.default_rng(2)
    table = rng.dirichlet([0.3] * 8, 8)
    tokens = [0]
    for u in rng.random(30_000):
        tokens.append(min(7, int(np.searchsorted(table[tokens[-1]].cumsum(), u))))
    ids = np.array(tokens, np.int32)
    found = baselines(ids[:24_000], ids[24_000:27_000], ids[27_000:], 8)
    entropy = -np.mean([math.log(table[a, b]) for a, b in pairwise(tokens[27_000:])])
    assert found["uniform"]["nats_per_token"] == pytest.approx(math.log(8))
    assert entropy - 0.01 < found["ngram"]["nats_per_token"] < entropy + 0.02
    assert found["ngram"]["order"] == 2
    assert found["ngram"]["nats_per_token"] < found["unigram"]["nats_per_token"] < math.log(8) + 0.01
    assert found["ngram"]["tokens"] == 27_000


def test_real_english() -> None:
    topics = pytest.importorskip("pydoc_data.topics").topics
    text = "\n".join(topics.values())[:120_000]
    alphabet = sorted(set(text))
    ids = np.searchsorted(np.array([ord(c) for c in alphabet]), [ord(c) for c in text])
    found = baselines(ids[:102_000], ids[102_000:108_000], ids[108_000:], len(alphabet))
    assert 0.7 < found["ngram"]["nats_per_token"] < 1.1 < found["unigram"]["nats_per_token"] < 3.6


@pytest.mark.parametrize("validation", [[], [1]])
@pytest.mark.parametrize("train", [[0], [0, 1], list(range(5)) * 3])
def test_short_texts(train: list[int], validation: list[int]) -> None:
    found = baselines(train, validation, [1], 5)
    assert 0 < found["ngram"]["nats_per_token"] < 20
    assert found["ngram"]["tokens"] == len(train) + len(validation)


def test_tokens_never_seen_in_training_are_scored() -> None:
    found = baselines([0, 0, 0, 1], [0, 0], [2, 3, 2], 4)
    assert all(math.isfinite(entry["nats_per_token"]) for entry in found.values())


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="longer text"):
        baselines([], [1], [1], 3)
    with pytest.raises(ValueError, match=r"ids in 0\.\.2, got 0\.\.3"):
        baselines([0, 3], [1], [1], 3)
    with pytest.raises(ValueError, match="1-D array of integers, got 1-D float64"):
        baselines([0.5], [1], [1], 3)


def test_orders_are_computed_when_asked_for() -> None:
    grams = Grams(np.arange(50) % 7, 7)
    list(islice(log_probabilities(grams, 40, slice(40, None), "witten-bell"), 2))
    assert len(grams._orders) == 3


@pytest.mark.parametrize("at_once", [1, 37, 400])
def test_a_test_part_in_pieces_has_the_same_scores(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    ids = np.cumsum(rng.integers(0, 3, 1900)) % 7
    parts = ids[:1200], ids[1200:1400], ids[1400:]
    whole = baselines(*parts, 9)
    monkeypatch.setattr(ngram, "AT_ONCE", at_once)
    pieces = baselines(*parts, 9)
    for name, row in whole.items():
        assert {**pieces[name], "seconds": 0} == {**row, "seconds": 0}
