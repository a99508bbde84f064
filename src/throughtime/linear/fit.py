"""Linear models of texts: what a recurrent classifier must beat.

TF-IDF with logistic regression, and logistic regression or a support vector machine on naive Bayes' log-count ratios,
over words and over characters. scikit-learn fits them; what they return runs without it.

With f_ic = 1 where n-gram i stands in the text, alpha the smoothing, p_c = alpha + the sum of f over the texts of
class c and q_c = alpha + the sum over all others,

    r_c = ln((p_c / |p_c|_1) / (q_c / |q_c|_1))
    y_c = w_c . (r_c * f / |f|_2) + b_c

Wang and Manning do not divide by |f|_2; `normalize` says. With it the logistic regression's log loss is lower on SST-2
and ChnSentiCorp (validation) and long texts do not weigh more than short ones.

Source: Wang and Manning 2012, Baselines and Bigrams, aclanthology.org/P12-2018, sections 2.1 to 2.3.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.linear.calibration import temperature
from throughtime.linear.ensemble import MAJORITY
from throughtime.linear.model import NgramModel, Rows, weighed
from throughtime.linear.ngrams import Ngrams

SOLVERS = ("logistic", "svm")
CHOICES = ("loss", "accuracy")
"""By what C is chosen on the validation part."""

COSTS = {"tf-idf": (1.0, 3.0, 10.0, 30.0), "normalised": (3.0, 10.0, 30.0, 100.0), "plain": (0.01, 0.03, 0.1, 0.3)}
"""C that are tried, by what the rows are; without a validation part the second is taken."""

MOST_CHARACTERS = 50_000_000
"""Of all texts; from more of them a sample is taken."""

ABSENT = -20.0
"""The logit of a class without a training text, beside others that sum to about nothing."""

Held = tuple[Sequence[str], Sequence[str]]
"""Texts and labels to choose on."""


class _Until(tuple[float, ...]):
    """C to try, the first for certain, further ones as long as it is not later than `end` (time.monotonic)."""

    end: float

    def __iter__(self) -> Iterator[float]:
        for place, cost in enumerate(super().__iter__()):
            if place and time.monotonic() >= self.end:
                return
            yield cost


def majority(labels: Sequence[str], classes: Sequence[str] | None = None) -> NgramModel:
    """The classes' shares of the training labels, one text added to each, whatever the text says."""
    classes = sorted(set(labels)) if classes is None else classes
    counts = np.bincount(numbers(labels, classes), minlength=len(classes)) + 1.0
    bias = np.log(counts / counts.sum()).astype(np.float32)
    return NgramModel(Ngrams(words=(1, 1), characters=None), np.zeros((0, len(classes)), np.float32), bias)


def tf_idf(
    texts: Sequence[str],
    labels: Sequence[str],
    ngrams: Ngrams | None = None,
    classes: Sequence[str] | None = None,
    held: Held | None = None,
    choose: str = "loss",
    costs: Sequence[float] = COSTS["tf-idf"],
    weights: np.ndarray | None = None,
    tolerance: float = 1e-4,
) -> NgramModel:
    """Logistic regression, softmax for several classes, on (1 + ln tf) idf, rows of length 1.

    ngrams: fitted; words of orders 1 and 2 where not given. classes: in the order of the logits; sorted where not
    given. held: what C of costs is chosen on, by choose. weights: (N,) of the texts. idf = 1 + ln((1 + N) / (1 + df)).
    Raises UserError where scikit-learn is missing, and where labels do not fit.
    """
    classes, truth, ngrams = _prepared(texts, labels, ngrams, classes, weights)
    rows = ngrams.rows(texts)
    df = np.bincount(rows[1], minlength=ngrams.size)
    scale = (1 + np.log((1 + len(texts)) / (1 + df))).astype(np.float32)
    present = np.unique(truth)
    learnable = len(present) > 1 and ngrams.size > 0
    x = matrix(rows, weighed(*rows, scale, "log"), ngrams.size)

    def fits() -> Iterator[NgramModel]:
        for cost in costs:
            made = _logistic(x, truth, cost, weights, tolerance, "newton-cg")
            yield _noted(NgramModel(ngrams, *_spread(*made, present, len(classes)), scale, "log"), cost)

    return _best(fits(), len(costs), held, classes, choose) if learnable else _only(ngrams, labels, classes)


@dataclass(frozen=True)
class Form:
    """How a linear model is fitted to log-count ratios; see above.

    solver: "logistic" regression, or "svm", the squared hinge. normalize: divide by |f|_2. alpha: the smoothing. beta:
    w becomes (1 - beta) mean |w| + beta w, as in section 2.3; None for 1, 0.25 for an SVM. UserError for others.
    """

    solver: str = "logistic"
    normalize: bool = True
    alpha: float = 1.0
    beta: float | None = None

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise UserError(f"naive Bayes: unknown solver {self.solver!r}: choose from {', '.join(SOLVERS)}")
        if not self.alpha > 0 or not 0 <= self.kept <= 1:
            got = f"{self.alpha} and {self.kept}"
            raise UserError(f"naive Bayes: expected alpha above 0 and beta from 0 to 1, got {got}")

    @property
    def kept(self) -> float:
        """How much of each weight is kept, beta."""
        return (1.0 if self.solver == "logistic" else 0.25) if self.beta is None else self.beta


LOGISTIC = Form()


def naive_bayes(
    texts: Sequence[str],
    labels: Sequence[str],
    ngrams: Ngrams | None = None,
    classes: Sequence[str] | None = None,
    held: Held | None = None,
    choose: str = "loss",
    costs: Sequence[float] | None = None,
    weights: np.ndarray | None = None,
    form: Form = LOGISTIC,
    tolerance: float = 1e-4,
) -> NgramModel:
    """A linear model on log-count ratios, of a form.

    For more than two classes each is told from all others; held then also sets the temperature of their logits, as it
    does for an SVM's, which are no log odds. The rest is as for tf_idf.
    """
    costs = COSTS["normalised" if form.normalize else "plain"] if costs is None else costs
    classes, truth, ngrams = _prepared(texts, labels, ngrams, classes, weights)
    rows = ngrams.rows(texts)
    present = np.unique(truth)
    learnable = len(present) > 1 and ngrams.size > 0
    tasks = present[1:] if len(present) == 2 else present
    each = np.ones(len(texts)) if weights is None else weights
    ones = matrix(rows, np.ones(len(rows[1])), ngrams.size)
    sums = np.stack([(each * (truth == c)) @ ones for c in tasks])
    ratios = _ratios(sums, each @ ones - sums, form.alpha)
    x = matrix(rows, weighed(*rows, normalize=form.normalize), ngrams.size)
    fit = _logistic if form.solver == "logistic" else _hinge
    tempered = held is not None and (form.solver == "svm" or len(present) > 2)

    def fits() -> Iterator[NgramModel]:
        for cost in costs:
            # one class after the other: each takes a copy of the values
            pairs = zip(ratios, tasks, strict=True)
            made = [fit(_by_column(x, r), truth == c, cost, weights, tolerance) for r, c in pairs]
            w = np.concatenate([one[0] for one in made])
            w = ((1 - form.kept) * np.abs(w).mean(1, keepdims=True) + form.kept * w) * ratios
            b = np.concatenate([one[1] for one in made])
            model = NgramModel(ngrams, *_spread(w, b, present, len(classes)), None, "binary", form.normalize)
            model = _noted(model, cost)
            yield _tempered(model, held, classes) if held is not None and tempered else model

    return _best(fits(), len(costs), held, classes, choose) if learnable else _only(ngrams, labels, classes)


def fit_linear_models(
    texts: Sequence[str],
    labels: Sequence[str],
    held: Held | None,
    classes: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
    choices: Mapping[str, Mapping[str, float]] | None = None,
    weights: np.ndarray | None = None,
    seconds: float | None = None,
) -> dict[str, NgramModel]:
    """The majority class, TF-IDF and naive Bayes over words and over characters, by name; C chosen on `held` by
    accuracy. choices: of each name the `choice` of a model whose held part is learned from now. weights: (N,) of the
    texts, or none. seconds: after so many no further fit is begun but the first, where there is something to choose on;
    `say` is told what is left out. say: told what goes on. Without scikit-learn only the majority class, which `say` is
    told."""
    end = time.monotonic() + seconds if seconds is not None and held is not None else np.inf
    classes = sorted(set(labels)) if classes is None else classes
    models = {MAJORITY: majority(labels, classes)}
    if not available():
        say(f"{MISSING}: {needed('labels')}")
        return models
    rows = sample(texts)
    if len(rows) < len(texts):
        say(f"linear models: {len(rows):,} of {len(texts):,} texts, drawn at random, so that they fit into memory")
        texts, labels = [texts[i] for i in rows], [labels[i] for i in rows]
        weights = None if weights is None else weights[rows]
    for unit, ngrams in (("words", Ngrams((1, 2), None)), ("characters", Ngrams(None, (1, 6)))):
        for name, fit, kind in (
            (f"TF-IDF {unit}, logistic regression", tf_idf, "tf-idf"),
            (f"naive Bayes {unit} (NB-SVM)", naive_bayes, "normalised"),
        ):
            if len(models) > 1 and time.monotonic() >= end:
                say(f"{name}: left out, the linear models' share of the minutes is over")
                continue
            if choices and held is None and name not in choices:
                continue  # left out when it was chosen
            if not ngrams.size:
                ngrams.fit(texts)
            before = (choices or {}).get(name, {})
            costs = _Until((before["C"],) if "C" in before else COSTS[kind])
            costs.end = end
            made: NgramModel = fit(texts, labels, ngrams, classes, held, "accuracy", costs, weights)
            models[name] = _cooled(made, before["temperature"]) if "temperature" in before and held is None else made
            right = _right(models[name], *held, classes) if held is not None else np.zeros(0)
            say(f"{name}: " + (f"accuracy {right.mean():.1%} on the validation part" if held is not None else "fitted"))
    return models


MISSING = "linear models: left out, scikit-learn is not installed"
"""What is told where they cannot be fitted."""


def available() -> bool:
    """Whether linear models can be fitted here."""
    return find_spec("sklearn") is not None


def numbers(labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """(N,) the place of each label in classes, -1 for none."""
    place = {name: i for i, name in enumerate(classes)}
    return np.array([place.get(label, -1) for label in labels], np.int64)


def _prepared(
    texts: Sequence[str],
    labels: Sequence[str],
    ngrams: Ngrams | None,
    classes: Sequence[str] | None,
    weights: np.ndarray | None,
) -> tuple[Sequence[str], np.ndarray, Ngrams]:
    if not available():
        raise UserError(f"linear models need scikit-learn: {needed('labels')}")
    if not len(texts) or len(texts) != len(labels) or (weights is not None and len(weights) != len(texts)):
        raise UserError(f"linear models: expected a label (and a weight) a text, got {len(labels)} to {len(texts)}")
    classes = sorted(set(labels)) if classes is None else classes
    truth = numbers(labels, classes)
    if truth.min() < 0:
        raise UserError(f"linear models: label {labels[int(truth.argmin())]!r} is not among the classes")
    return classes, truth, Ngrams((1, 2), None).fit(texts) if ngrams is None else ngrams


def matrix(rows: Rows, values: np.ndarray, size: int) -> Any:
    """Values of n-grams in compressed rows as a sparse matrix (N, F)."""
    from scipy.sparse import csr_matrix

    return csr_matrix((values, rows[1], rows[0]), (len(rows[0]) - 1, size))


def _by_column(x: Any, factors: np.ndarray) -> Any:
    return type(x)((x.data * factors[x.indices], x.indices, x.indptr), x.shape)


def _ratios(p: np.ndarray, q: np.ndarray, alpha: float) -> np.ndarray:
    p, q = p + alpha, q + alpha
    ratios: np.ndarray = np.log(p / p.sum(1, keepdims=True)) - np.log(q / q.sum(1, keepdims=True))
    return ratios


def _logistic(
    x: Any, y: np.ndarray, cost: float, weights: np.ndarray | None, tolerance: float, solver: str = "liblinear"
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (K, F) and intercepts (K,), K 1 for two classes."""
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression(C=cost, solver=solver, tol=tolerance, max_iter=500, random_state=0)
    return _fitted(made, x, y, weights)


def solved(x: Any, y: np.ndarray, cost: float, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression of one label: coefficients (1, F) and intercept (1,)."""
    return _logistic(x, y, cost, weights, 1e-3)


def _hinge(
    x: Any, y: np.ndarray, cost: float, weights: np.ndarray | None, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.svm import LinearSVC

    made = LinearSVC(C=cost, loss="squared_hinge", tol=tolerance, random_state=0, dual=False)
    return _fitted(made, x, y, weights)


def _fitted(made: Any, x: Any, y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):  # more threads wait for each other: ten times as slow
        warnings.simplefilter("ignore", ConvergenceWarning)
        made.fit(x, y, weights)
    return made.coef_, made.intercept_


def _spread(w: np.ndarray, b: np.ndarray, present: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (F, C) and bias (C,), float32, of all classes from those of the present ones, (K, F) and (K,)."""
    if len(w) == 1:
        w, b = np.concatenate([-w / 2, w / 2]), np.concatenate([-b / 2, b / 2])
    weights, bias = np.zeros((w.shape[1], classes), np.float32), np.full(classes, ABSENT, np.float32)
    weights[:, present], bias[present] = w.T, b
    return weights, bias


def _only(ngrams: Ngrams, labels: Sequence[str], classes: Sequence[str]) -> NgramModel:
    return NgramModel(ngrams, np.zeros((ngrams.size, len(classes)), np.float32), majority(labels, classes).bias)


def sample(texts: Sequence[str]) -> np.ndarray:
    """Rows, ascending, of texts that together have no more than MOST_CHARACTERS; one at least."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    if lengths.sum() <= MOST_CHARACTERS:
        return np.arange(len(texts))
    order = np.random.default_rng(0).permutation(len(texts))
    return np.sort(order[: max(1, int((lengths[order].cumsum() <= MOST_CHARACTERS).sum()))])


def _noted(model: NgramModel, cost: float) -> NgramModel:
    model.choice = {"C": float(cost)}
    return model


def _tempered(model: NgramModel, held: Held, classes: Sequence[str]) -> NgramModel:
    return _cooled(model, temperature(model.logits(held[0]), numbers(held[1], classes), prior=1.0))


def _cooled(model: NgramModel, heat: float) -> NgramModel:
    """The same model with its logits divided by a temperature."""
    t = np.float32(heat)
    made = NgramModel(model.ngrams, model.weights / t, model.bias / t, model.scale, model.weighting, model.normalize)
    made.choice = {**model.choice, "temperature": float(t)}
    return made


def _right(model: NgramModel, texts: Sequence[str], labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    right: np.ndarray = model.logits(texts).argmax(1) == numbers(labels, classes)
    return right


def _best(fits: Iterator[NgramModel], count: int, held: Held | None, classes: Sequence[str], choose: str) -> NgramModel:
    """The fit that does best on held; the second without it. The first of equals, which has the smallest C."""
    if choose not in CHOICES:
        raise UserError(f"linear models: unknown choice {choose!r}: choose from {', '.join(CHOICES)}")
    if held is None or count == 1:
        return [next(fits) for _ in range(min(2, count))][-1]
    truth = numbers(held[1], classes)
    known = truth >= 0

    def cost(model: NgramModel) -> tuple[float, float]:
        log = model.log_probabilities(held[0])
        loss = float(-log[known, truth[known]].sum())
        wrong = float((log.argmax(1) != truth).sum())
        return (loss, wrong) if choose == "loss" else (wrong, loss)

    return min(((cost(model), i, model) for i, model in enumerate(fits)))[2]
