"""Scores of texts: the libraries' own figures, their parts added up, intervals, and the verdict."""

from __future__ import annotations

import socket
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

from throughtime.baselines.text_scores import bleu_of, bleu_verdict, rouge, text_scores, tokenizer_of
from throughtime.errors import UserError

WORDS = "a the dog cat runs sees in on park street man woman red blue ball with and is".split()  # noqa: SIM905


def made(count: int, wrong: float, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    references = [" ".join(rng.choice(WORDS, rng.integers(6, 14))) + " ." for _ in range(count)]
    outputs = [" ".join(w if rng.random() > wrong else rng.choice(WORDS) for w in r.split()) for r in references]
    return outputs, references


def test_the_libraries_figures_and_signatures() -> None:
    from sacrebleu.metrics import BLEU, CHRF

    outputs, references = made(40, 0.3)
    found = text_scores(outputs, references)
    metric = BLEU(tokenize="13a", force=True)
    assert found.bleu.value == metric.corpus_score(outputs, [references]).score
    assert found.bleu.signature == str(metric.get_signature())
    assert "tok:13a" in found.bleu.signature
    assert found.chrf.value == CHRF().corpus_score(outputs, [references]).score
    assert found.bleu.low is not None
    assert found.bleu.high is not None
    assert found.bleu.low < found.bleu.value < found.bleu.high
    assert found.to_json()["bleu"]["value"] == found.bleu.value


@pytest.mark.parametrize("wrong", [0.0, 0.5, 0.9])
def test_counts_add_up_to_bleu(wrong: float) -> None:
    from sacrebleu.metrics import BLEU

    outputs, references = made(25, wrong, 1)
    outputs[3] = ""
    found = text_scores(outputs, references)
    for rows in (slice(0, 25), slice(0, 7), [3], [5], [0, 0, 4]):
        chosen = np.arange(25)[rows]
        metric = BLEU(tokenize="13a", force=True)
        whole = metric.corpus_score([outputs[i] for i in chosen], [[references[i] for i in chosen]])
        assert bleu_of(found.bleu_counts[chosen].sum(0)) == pytest.approx(whole.score, abs=1e-9)


def test_chinese_has_its_tokenizer_and_characters() -> None:
    references = ["我们明天去公园散步。", "他买了一本3D打印的书。"]
    found = text_scores(["我们今天去公园散步。", "他买了一本书。"], references)
    assert "tok:zh" in found.bleu.signature
    assert "tok:characters" in found.rouge["rougeL"].signature
    assert found.rouge_each["rouge1"][0] == pytest.approx(8 / 9)
    assert found.rouge_each["rougeL"][1] > 0.7
    assert found.bleu.low is None
    assert tokenizer_of(["これはペンです。"]) == "char"
    assert tokenizer_of(["Größe und Übel", "ça va"]) == "13a"


def test_rouge_sentence_by_sentence() -> None:
    each, signature = rouge(["the cat sat", "dog", ""], ["the cat sat down", "a cat", "x"])
    assert each["rougeL"].tolist() == pytest.approx([2 * 0.75 / 1.75, 0.0, 0.0])
    assert signature == "F|mean of sentences|tok:rouge_score|no stemming"
    german, signature = rouge(["größe Männer"], ["Größe männer"])  # cut at umlauts, other words would be alike
    assert german["rouge2"][0] == 1.0
    assert "tok:words" in signature
    assert rouge(["gröbe"], ["größe"])[0]["rouge1"][0] == 0.0


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("no connection is needed")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for texts in (["a dog runs"], ["我们去公园"], ["これはペンです"]):
        text_scores(texts, texts)


def test_the_verdict_draws_the_same_sentences() -> None:
    good, references = made(200, 0.2)
    bad = made(200, 0.6)[0]
    counts = [text_scores(one, references).bleu_counts for one in (good, bad)]
    better = bleu_verdict(*counts, "nearest")
    assert better.skill is True
    assert better.sentence.startswith("The model beats the best baseline, nearest: BLEU is ")
    assert bleu_verdict(counts[1], counts[0], "nearest").skill is False
    same = bleu_verdict(counts[0], counts[0], "nearest")
    assert same.skill is None
    assert same.gain == 0
    few = bleu_verdict(counts[0][:3], counts[1][:3], "nearest")
    assert "too few to tell" in few.sentence
    together = bleu_verdict(*counts, "nearest", groups=np.arange(200) // 50)
    assert together.skill is None


def test_what_cannot_be_scored() -> None:
    with pytest.raises(UserError, match="1 outputs and 2 references"):
        text_scores(["a"], ["a", "b"])
    with pytest.raises(UserError, match="there are no outputs"):
        text_scores([], [])
