"""How near outputs are to references: BLEU, chrF, ROUGE, with what sacrebleu and rouge-score say, and intervals.

BLEU is one figure of a whole test part; its counts are kept sentence by sentence, so that sentences can be drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import regex

from throughtime.baselines.verdict import FEWEST, RESAMPLES, Verdict
from throughtime.data.pieces import split_words
from throughtime.errors import UserError, needed
from throughtime.options import Json

ROUGE = ("rouge1", "rouge2", "rougeL")

_LETTER, _HAN = regex.compile(r"\p{L}"), regex.compile(r"\p{Han}")
_UNSPACED = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Thai}\p{Khmer}\p{Lao}\p{Myanmar}]")
_SHARE = 0.2
"""The share of letters in a script from which texts are cut as that script is."""


@dataclass(frozen=True)
class Score:
    """value: 0 to 100. low, high: its 95 % interval over resampled sentences; None where there are too few, or none was
    asked for. signature: what it was computed with."""

    value: float
    signature: str
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        between = "" if self.low is None or self.high is None else f" ({self.low:.1f} to {self.high:.1f})"
        return f"{self.value:.1f}{between}"


@dataclass(frozen=True)
class TextScores:
    """bleu, chrf and rouge (by name) of N outputs. bleu_counts: (N, 10) of each output: right n-grams and n-grams of
    order 1 to 4, its length, its reference's. rouge_each: name -> (N,), 0 to 1."""

    bleu: Score
    chrf: Score
    rouge: dict[str, Score]
    bleu_counts: np.ndarray = field(repr=False)
    rouge_each: dict[str, np.ndarray] = field(repr=False)

    def to_json(self) -> dict[str, Json]:
        """Plain values, without what is kept of each sentence."""
        figures = {"bleu": self.bleu, "chrf": self.chrf, **self.rouge}
        return {name: asdict(score) for name, score in figures.items()}


def tokenizer_of(references: Sequence[str]) -> str:
    """The name of sacrebleu's tokenizer: zh for Chinese, char for other scripts without spaces, 13a otherwise."""
    joined = "\n".join(references[:2000])
    letters = max(1, len(_LETTER.findall(joined)))
    if len(_UNSPACED.findall(joined)) > _SHARE * letters:
        return "char"
    return "zh" if len(_HAN.findall(joined)) > _SHARE * letters else "13a"


def text_scores(
    outputs: Sequence[str], references: Sequence[str], groups: np.ndarray | None = None, seed: int = 0
) -> TextScores:
    """BLEU with its signature (13a; zh for Chinese), chrF, and the F of ROUGE-1, -2 and -L as means over sentences.

    groups: (N,), sentences of one number are drawn together. UserError for different counts, none at all, or where the
    libraries are not installed.
    """
    if len(outputs) != len(references):
        raise UserError(f"scores: {len(outputs):,} outputs and {len(references):,} references; each output needs one")
    if not len(outputs):
        raise UserError("scores: there are no outputs")
    counts, bleu, signature = _bleu(outputs, references)
    low, high = _interval(counts, groups, seed, lambda sums: bleu_of(sums))
    chrf, chrf_signature = _chrf(outputs, references)
    each, rouge_signature = rouge(outputs, references)
    scores = {}
    for name, values in each.items():
        ends = _interval(np.stack([values, np.ones(len(values))], 1), groups, seed, _percent)
        scores[name] = Score(100 * float(values.mean()), rouge_signature, *ends)
    return TextScores(Score(bleu, signature, low, high), Score(chrf, chrf_signature), scores, counts, each)


def _percent(sums: np.ndarray) -> np.ndarray:
    shares: np.ndarray = 100 * sums[..., 0] / sums[..., 1]
    return shares


def _bleu(outputs: Sequence[str], references: Sequence[str]) -> tuple[np.ndarray, float, str]:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise UserError(f"scores: BLEU needs sacrebleu: {needed('scores')}") from None
    metric = BLEU(tokenize=tokenizer_of(references), force=True)
    whole = metric.corpus_score(list(outputs), [list(references)])
    signature = str(metric.get_signature())
    rows = []
    for output, reference in zip(outputs, references, strict=True):
        one = metric.corpus_score([output], [[reference]])
        rows.append([*one.counts, *one.totals, one.sys_len, one.ref_len])
    return np.array(rows, np.float64), float(whole.score), signature


def bleu_of(sums: np.ndarray) -> np.ndarray:
    """BLEU (...) of summed counts (..., 10), as TextScores has them; an order without a match counts as half of one, a
    quarter, and so on.

    Source: Papineni et al. 2002, doi:10.3115/1073083.1073135, section 2.3; Chen and Cherry 2014,
    doi:10.3115/v1/W14-3346, method 3.
    """
    right, total = sums[..., :4], sums[..., 4:8]
    none = (right == 0) & (total > 0)
    smooth = 2.0 ** np.cumsum(none, -1)
    right = np.where(none, 1 / smooth, right)
    known = total > 0
    logs = np.where(known, np.log(np.where(known, right, 1.0) / np.where(known, total, 1.0)), -np.inf)
    length, wanted = sums[..., 8], sums[..., 9]
    with np.errstate(divide="ignore", invalid="ignore"):
        brief = np.where(length < wanted, 1 - wanted / np.maximum(length, 1e-9), 0.0)
        scores: np.ndarray = 100 * np.exp(np.minimum(brief, 0.0) + logs.mean(-1))
    return np.where(sums[..., :4].sum(-1) > 0, scores, 0.0)


def _chrf(outputs: Sequence[str], references: Sequence[str]) -> tuple[float, str]:
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return float(metric.corpus_score(list(outputs), [list(references)]).score), str(metric.get_signature())


def rouge(outputs: Sequence[str], references: Sequence[str]) -> tuple[dict[str, np.ndarray], str]:
    """The F of ROUGE-1, -2 and -L of each sentence, (N,) from 0 to 1, and what they were computed with.

    rouge-score keeps only letters from a to z; where the references have others, it is given words of ours: each
    Chinese character, kana and Thai sign on its own, words of other letters whole, lower-cased, without punctuation.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise UserError(f"scores: ROUGE needs rouge-score: {needed('scores')}") from None
    plain = all(text.isascii() for text in references) or _mostly_ascii(references)
    scorer = RougeScorer(list(ROUGE))
    numbers: dict[str, str] = {}
    sides = (
        [outputs, references]
        if plain
        else [[_as_words(one, numbers) for one in side] for side in (outputs, references)]
    )
    found: dict[str, list[float]] = {name: [] for name in ROUGE}
    for output, reference in zip(*sides, strict=True):
        for name, one in scorer.score(reference, output).items():
            found[name].append(one.fmeasure)
    cut = "rouge_score" if plain else ("characters" if tokenizer_of(references) != "13a" else "words")
    return {name: np.array(values) for name, values in found.items()}, f"F|mean of sentences|tok:{cut}|no stemming"


def _mostly_ascii(references: Sequence[str]) -> bool:
    """Whether so few letters are beyond a to z that rouge-score's own words are what others report."""
    letters = _LETTER.findall("\n".join(references[:2000]))
    return sum(not letter.isascii() for letter in letters) < 0.001 * max(1, len(letters))


def _as_words(text: str, numbers: dict[str, str]) -> str:
    """Words under numbers, which rouge-score leaves whole."""
    words = [piece for piece, _, _ in split_words(text.lower()) if any(sign.isalnum() for sign in piece)]
    cut = [sign for word in words for sign in (word if _UNSPACED.search(word) else [word])]
    return " ".join(numbers.setdefault(word, f"w{len(numbers)}") for word in cut)


def _drawn(count: int, groups: np.ndarray | None) -> tuple[np.ndarray, int]:
    inverse = np.arange(count) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    return inverse, int(inverse.max()) + 1


def _resampled(counts: Sequence[np.ndarray], groups: np.ndarray | None, seed: int) -> list[np.ndarray] | None:
    """The sums (RESAMPLES, K) of each of several counts (N, K) over the same drawn sentences; None for too few."""
    inverse, size = _drawn(len(counts[0]), groups)
    if size < FEWEST:
        return None
    whole = []
    for one in counts:
        sums = np.zeros((size, one.shape[1]))
        np.add.at(sums, inverse, one)
        whole.append(sums)
    rng = np.random.default_rng(seed)
    found = [np.empty((RESAMPLES, one.shape[1])) for one in counts]
    for i in range(RESAMPLES):
        times = np.bincount(rng.integers(0, size, size), minlength=size).astype(np.float64)
        for target, sums in zip(found, whole, strict=True):
            target[i] = times @ sums
    return found


def _interval(
    counts: np.ndarray, groups: np.ndarray | None, seed: int, figure: Any
) -> tuple[float | None, float | None]:
    drawn = _resampled([counts], groups, seed)
    if drawn is None:
        return None, None
    low, high = np.quantile(figure(drawn[0]), [0.025, 0.975])
    return float(low), float(high)


def bleu_verdict(
    ours: np.ndarray, theirs: np.ndarray, name: str, groups: np.ndarray | None = None, seed: int = 0
) -> Verdict:
    """Whether a model's BLEU is above a baseline's, by drawing the same sentences for both.

    ours, theirs: (N, 10), bleu_counts of the same sentences. name: the baseline's. Returns a Verdict whose gain is that
    of the loss, 100 less BLEU. Source: Koehn 2004, aclanthology.org/W04-3250 (the paired bootstrap).
    """
    mine, other = float(bleu_of(ours.sum(0))), float(bleu_of(theirs.sum(0)))
    gain = (mine - other) / max(1e-9, 100 - other)
    unit = "sentences" if groups is None else "groups of sentences"
    drawn, size = _resampled([ours, theirs], groups, seed), _drawn(len(ours), groups)[1]
    apart = f"{abs(mine - other):.1f} points {'above' if mine >= other else 'below'}"
    if drawn is None:
        sentence = f"No proven skill: BLEU is {apart} that of {name}, but {size} {unit} are too few to tell."
        return Verdict(name, "BLEU", gain, float("-inf"), float("inf"), size, None, sentence)
    scores = [bleu_of(sums) for sums in drawn]
    low, high = (float(v) for v in np.quantile(scores[0] - scores[1], [0.025, 0.975]))
    ends = [float(v) for v in np.quantile((scores[0] - scores[1]) / np.maximum(1e-9, 100 - scores[1]), [0.025, 0.975])]
    skill = True if low > 0 else False if high < 0 else None
    between = f"95 % interval of the difference {low:+.1f} to {high:+.1f} over {size:,} {unit}"
    if skill:
        sentence = f"The model beats the best baseline, {name}: BLEU is {apart} its {other:.1f} ({between})."
    elif skill is None:
        of = f"that of the best baseline, {name}"
        sentence = f"No proven skill: BLEU is {apart} {of}, and the interval includes 0 ({between})."
    else:
        sentence = f"The model is worse than {name}: BLEU is {apart} its {other:.1f} ({between}). Use {name} instead."
    return Verdict(name, "BLEU", gain, ends[0], ends[1], size, skill, sentence)
