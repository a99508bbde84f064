"""An n-gram model that runs token by token, and how it is put together with a recurrence."""

from __future__ import annotations

from pydoc_data.topics import topics

import numpy as np
import pytest

from throughtime.baselines import ngram as counted
from throughtime.errors import UserError
from throughtime.models import ngram
from throughtime.models.ngram import NGram

TEXT = topics["lambda"] + topics["class"] + topics["if"]
_, IDS = np.unique(np.array(list(TEXT)), return_inverse=True)
V = int(IDS.max()) + 1
LEARNED, HELD = IDS[:-800], IDS[-800:]


def models() -> tuple[NGram, NGram]:
    return ngram.learn(LEARNED, V, HELD)


def brute(ids: list[int], order: int, smoothing: str) -> dict[tuple[int, ...], np.ndarray]:
    """p(. | c) of every context that occurs, from the equations, with dictionaries."""
    grams: dict[int, dict[tuple[int, ...], int]] = {k: {} for k in range(1, order + 2)}
    padded = [-1] * order + ids
    for end in range(order, len(padded)):
        for k in range(1, order + 2):
            key = tuple(padded[max(0, end - k + 1) : end + 1])
            if len(key) == k:
                grams[k][key] = grams[k].get(key, 0) + 1
    found: dict[tuple[int, ...], np.ndarray] = {}
    for k in range(1, order + 1):
        counts = grams[k]
        if smoothing == "kneser-ney" and k < order:
            counts = {g: sum(1 for h in grams[k + 1] if h[1:] == g) for g in counts}
        n = np.bincount([min(c, 5) for c in counts.values()], minlength=6)
        y = n[1] / (n[1] + 2 * n[2])
        assert n[1:5].all()
        d = [0.0, *np.clip([c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3)], 0.05, [0.95, 1.95, 2.95])]
        for context in {g[:-1] for g in counts}:
            below = found[context[1:]] if k > 1 else np.full(V, 1.0 / V)
            own = {g[-1]: c for g, c in counts.items() if g[:-1] == context}
            total = sum(own.values())
            p = below * sum(d[min(c, 3)] for c in own.values()) / total
            for w, c in own.items():
                p[w] += (c - d[min(c, 3)]) / total
            found[context] = p
    return found


def test_its_probabilities_are_those_of_the_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "ORDERS", 3)
    ids = IDS[:1500]
    model = ngram._counted(counted.Grams(ids, V), len(ids), 3, "kneser-ney")
    expected = brute(ids.tolist(), 3, "kneser-ney")
    log_p, known = model.log_probabilities(ids)
    for t in range(2, 400):
        assert known[t - 1] == 2
        assert np.exp(log_p[t - 1]) == pytest.approx(expected[tuple(ids[t - 2 : t].tolist())][ids[t]], rel=2e-3)


def test_without_pruning_it_scores_as_the_baseline_does() -> None:
    model, _ = models()
    grams = counted.Grams(np.concatenate([LEARNED, HELD]), V)
    order, smoothing = counted.choose(grams, len(LEARNED), len(IDS))
    best = list(counted.log_probabilities(grams, len(LEARNED), slice(len(LEARNED), None), smoothing))[order - 1]
    log_p, _ = model.log_probabilities(IDS)
    assert model.order == order
    assert log_p[-800:].mean() == pytest.approx(best.mean(), abs=2e-3)


@pytest.mark.parametrize("largest", [5_000_000, 3000])
def test_every_context_has_a_distribution_that_agrees_with_the_scores(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngram, "LARGEST", largest)
    model, _ = models()
    model.weights[:] = 0.0
    assert (model.size > 3000) == (largest > 3000)
    reader, logits = model.reader(), np.zeros(V, np.float64)
    log_p, _ = model.log_probabilities(HELD)
    for token, following, expected in zip(HELD, HELD[1:], log_p, strict=False):
        reader.read(int(token))
        p = np.exp(reader.mix(logits))
        assert p.sum() == pytest.approx(1.0, abs=1e-6)
        assert np.log(p[following]) == pytest.approx(expected, abs=1e-5)


def test_both_together_are_a_distribution_between_the_two() -> None:
    model, _ = models()
    model.weights[:] = 0.25
    reader, logits = model.reader(), np.random.default_rng(0).standard_normal(V)
    recurrence = logits - np.log(np.exp(logits).sum())
    reader.read(int(HELD[0]))
    p = np.exp(reader.mix(logits.copy()))
    assert p.sum() == pytest.approx(1.0, abs=1e-6)
    own, _ = model.log_probabilities(HELD[:2])
    both = model.together(recurrence[HELD[1:2]], HELD[:2])
    assert np.exp(both[0]) == pytest.approx(0.25 * np.exp(recurrence[HELD[1]]) + 0.75 * np.exp(own[0]), rel=1e-9)
    assert p[HELD[1]] == pytest.approx(np.exp(both[0]), rel=1e-5)


def test_the_weights_are_those_of_whom_to_trust() -> None:
    model, _ = models()
    own, known = model.log_probabilities(HELD)
    perfect, useless = np.full(len(own), -1e-3), np.full(len(own), -20.0)
    assert ngram.weigh(model, perfect, HELD)[0].min() > 0.95
    assert ngram.weigh(model, useless, HELD)[0].max() < 0.05
    recurrence = np.where(known >= 4, -20.0, -1e-3)
    weights, means = ngram.weigh(model, recurrence, HELD)
    shares = np.bincount(known, minlength=model.order)
    assert shares[2] > 100
    assert shares[-1] > 100
    assert weights[2] > 0.7 > 0.3 > weights[-1]
    assert means["both"] < min(means["recurrence"], means["ngram"])


def test_a_reader_goes_on_from_its_state() -> None:
    model, _ = models()
    reader, other, logits = model.reader(), model.reader(), np.zeros(V)
    assert (reader.state == -1).all()
    assert reader.state.shape == (1, model.order - 1)
    for token in HELD[:30]:
        reader.read(int(token))
    other.state = reader.state
    assert (other.mix(logits) == reader.mix(logits)).all()
    other.state = None
    assert (other.mix(logits) == model.reader().mix(logits)).all()


def test_it_comes_back_from_its_arrays() -> None:
    _, model = models()
    again = NGram.from_arrays(model.arrays(), V)
    assert (again.log_probabilities(HELD)[0] == model.log_probabilities(HELD)[0]).all()
    assert again.size == model.size


def _damage(arrays: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    def put(name: str, value: np.ndarray) -> dict[str, np.ndarray]:
        return {**arrays, name: value}

    twice = arrays["2.tokens"].copy()
    twice[1] = twice[0]
    return [
        {name: value for name, value in arrays.items() if name != "2.a"},
        put("weights", arrays["weights"] * 3),
        put("weights", np.full(len(arrays["weights"]), np.nan, np.float32)),
        put("unigram", arrays["unigram"] * 2),
        put("unigram", arrays["unigram"][1:]),
        put("2.a", -arrays["2.a"]),
        put("2.a", arrays["2.a"][1:]),
        put("2.tokens", np.full_like(arrays["2.tokens"], 255)),
        put("2.tokens", twice),
        put("2.tokens", arrays["2.tokens"].astype(np.float32)),
        put("3.followers", arrays["3.followers"][1:]),
        put("3.followers", np.full(len(arrays["3.followers"]), 1 << 63, np.uint64)),
        put("weights", np.zeros((1 << 10,), np.float32)),
        put("2.tokens", arrays["2.tokens"][:, None]),
        put("2.a", arrays["2.a"][:, None]),
        put("2.a", np.ones_like(arrays["2.a"])),
    ]


@pytest.mark.parametrize("which", range(16))
def test_a_damaged_file_is_told(which: int) -> None:
    with pytest.raises(UserError, match=r"^n-gram model: the file is damaged \("):
        NGram.from_arrays(_damage(models()[0].arrays())[which], V)
