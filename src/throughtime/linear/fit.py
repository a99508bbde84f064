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

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from throughtime.baselines.verdict import verdict
from throughtime.errors import UserError, needed
from throughtime.linear.calibration import temperature
from throughtime.linear.model import Wide, weighed
from throughtime.linear.ngrams import Ngrams

SOLVERS = ("logistic", "svm")
CHOICES = ("loss", "accuracy")
"""By what C is chosen on the validation part."""

COSTS = {"tf-idf": (1.0, 3.0, 10.0, 30.0), "normalised": (3.0, 10.0, 30.0, 100.0), "plain": (0.01, 0.03, 0.1, 0.3)}
"""C that are tried, by what the rows are; without a validation part the second is taken."""

MOST_CHARACTERS = 50_000_000
"""Of all texts; from more of them a sample is taken."""

_ABSENT = -20.0
"""The logit of a class without a training text, beside others that sum to about nothing."""

Held = tuple[Sequence[str], Sequence[str]]
"""Texts and labels to choose on."""


def majority(labels: Sequence[str], classes: Sequence[str] | None = None) -> Wide:
    """The classes' shares of the training labels, one text added to each, whatever the text says."""
    classes = sorted(set(labels)) if classes is None else classes
    counts = np.bincount(_numbers(labels, classes), minlength=len(classes)) + 1.0
    bias = np.log(counts / counts.sum()).astype(np.float32)
    return Wide(Ngrams(words=(1, 1), characters=None), np.zeros((0, len(classes)), np.float32), bias)


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
) -> Wide:
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
    x = _matrix(rows, weighed(*rows, scale, "log"), ngrams.size)

    def fits() -> Iterator[Wide]:
        for cost in costs:
            made = _logistic(x, truth, cost, weights, tolerance, "newton-cg")
            yield _noted(Wide(ngrams, *_spread(*made, present, len(classes)), scale, "log"), cost)

    return _best(fits(), len(costs), held, classes, choose) if learnable else _only(ngrams, labels, classes)


def naive_bayes(
    texts: Sequence[str],
    labels: Sequence[str],
    ngrams: Ngrams | None = None,
    classes: Sequence[str] | None = None,
    held: Held | None = None,
    choose: str = "loss",
    costs: Sequence[float] | None = None,
    weights: np.ndarray | None = None,
    solver: str = "logistic",
    normalize: bool = True,
    alpha: float = 1.0,
    beta: float | None = None,
    tolerance: float = 1e-4,
) -> Wide:
    """Logistic regression (solver "logistic") or the squared hinge ("svm") on log-count ratios; see above.

    alpha: the smoothing. beta: w becomes (1 - beta) mean |w| + beta w, as in section 2.3; None for 1,
    0.25 for an SVM. For more than two classes each is told from all others; held then also sets the temperature of
    their logits, as it does for an SVM's, which are no log odds. The rest is as for tf_idf.
    """
    if solver not in SOLVERS:
        raise UserError(f"naive Bayes: unknown solver {solver!r}: choose from {', '.join(SOLVERS)}")
    beta = (1.0 if solver == "logistic" else 0.25) if beta is None else beta
    if not alpha > 0 or not 0 <= beta <= 1:
        raise UserError(f"naive Bayes: expected alpha above 0 and beta from 0 to 1, got {alpha} and {beta}")
    costs = COSTS["normalised" if normalize else "plain"] if costs is None else costs
    classes, truth, ngrams = _prepared(texts, labels, ngrams, classes, weights)
    rows = ngrams.rows(texts)
    present = np.unique(truth)
    learnable = len(present) > 1 and ngrams.size > 0
    tasks = present[1:] if len(present) == 2 else present
    own = np.ones(len(texts)) if weights is None else weights
    ones = _matrix(rows, np.ones(len(rows[1])), ngrams.size)
    sums = np.stack([(own * (truth == c)) @ ones for c in tasks])
    ratios = _ratios(sums, own @ ones - sums, alpha)
    x = _matrix(rows, weighed(*rows, normalize=normalize), ngrams.size)
    fit = _logistic if solver == "logistic" else _hinge

    def fits() -> Iterator[Wide]:
        for cost in costs:
            # one class after the other: each takes a copy of the values
            pairs = zip(ratios, tasks, strict=True)
            made = [fit(_by_column(x, r), truth == c, cost, weights, tolerance) for r, c in pairs]
            w = np.concatenate([one[0] for one in made])
            w = ((1 - beta) * np.abs(w).mean(1, keepdims=True) + beta * w) * ratios
            b = np.concatenate([one[1] for one in made])
            wide = _noted(Wide(ngrams, *_spread(w, b, present, len(classes)), None, "binary", normalize), cost)
            yield _tempered(wide, held, classes) if held and (solver == "svm" or len(present) > 2) else wide

    return _best(fits(), len(costs), held, classes, choose) if learnable else _only(ngrams, labels, classes)


def fit_baselines(
    texts: Sequence[str],
    labels: Sequence[str],
    held_texts: Sequence[str],
    held_labels: Sequence[str],
    classes: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
    chosen: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Wide]:
    """The majority class, TF-IDF and naive Bayes over words and over characters, by name; C chosen on the held part by
    accuracy. chosen: of each name the `choice` of a model whose held part is learned from now. say: told what goes on.
    Without scikit-learn only the majority class, which `say` is told."""
    classes = sorted(set(labels)) if classes is None else classes
    found = {"majority class": majority(labels, classes)}
    if find_spec("sklearn") is None:
        say(f"linear baselines: skipped, need scikit-learn, {needed('labels')}")
        return found
    held = (held_texts, held_labels) if len(held_texts) else None
    rows = _sample(texts)
    if len(rows) < len(texts):
        say(f"linear baselines: {len(rows):,} of {len(texts):,} texts, drawn at random, so that they fit into memory")
        texts, labels = [texts[i] for i in rows], [labels[i] for i in rows]
    for unit, ngrams in (("words", Ngrams((1, 2), None)), ("characters", Ngrams(None, (1, 6)))):
        ngrams.fit(texts)
        for name, fit in (
            (f"TF-IDF {unit}, logistic regression", tf_idf),
            (f"naive Bayes {unit} (NB-SVM)", naive_bayes),
        ):
            before = (chosen or {}).get(name, {})
            costs = {"costs": (before["C"],)} if "C" in before else {}
            made: Wide = fit(texts, labels, ngrams, classes, held, "accuracy", **costs)  # type: ignore[arg-type]
            found[name] = _cooled(made, before["temperature"]) if "temperature" in before and held is None else made
            right = _right(found[name], held_texts, held_labels, classes) if held else np.zeros(0)
            say(f"{name}: " + (f"accuracy {right.mean():.1%} on the validation part" if held else "fitted"))
    return found


def compare_texts(
    right: np.ndarray,
    baselines: Mapping[str, Wide],
    texts: Sequence[str],
    labels: Sequence[str],
    classes: Sequence[str],
    groups: np.ndarray | None = None,
    unit: str = "texts",
) -> dict[str, Any]:
    """Accuracy of every baseline on texts a model was right about or not, (N,) bool, and whether the model is better.

    A label not among classes is an error of everyone. groups: (N,) numbers, texts that are the same share one. Returns
    accuracy, texts, baselines, verdict (against the one with the fewest errors here).
    """
    if len(right) != len(texts) or len(right) != len(labels):
        raise UserError(f"compare: expected as many texts and labels as answers, {len(right)}, got {len(texts)}")
    found: dict[str, Any] = {"texts": len(texts), "accuracy": float(np.mean(right)) if len(texts) else None}
    theirs = {name: _right(one, texts, labels, classes) for name, one in baselines.items()}
    found["baselines"] = {name: {"accuracy": float(r.mean()) if len(r) else None} for name, r in theirs.items()}
    if theirs:
        best = max(theirs, key=lambda name: theirs[name].sum())
        errors = 1.0 - np.asarray(right, np.float64), 1.0 - theirs[best]
        found["verdict"] = verdict(*errors, best, "error rate", unit, groups).to_json()
    return found


def to_arrays(baselines: Mapping[str, Wide]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What to keep as text and as numbers of several models, in their order; hashes they share are kept once."""
    data: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    owners: dict[int, int] = {}
    for i, (name, wide) in enumerate(baselines.items()):
        owner = owners.setdefault(id(wide.ngrams), i)
        data.append({"name": name, "hashes": owner, **wide.to_json()})
        arrays |= {f"{i}.{key}": value for key, value in wide.arrays().items() if key != "hashes" or owner == i}
    return {"baselines": data}, arrays


def from_arrays(data: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Wide]:
    """Rebuild what `to_arrays` gave; UserError says what is damaged. Needs no scikit-learn."""
    entries = data.get("baselines") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(e, dict) and isinstance(e.get("name"), str) for e in entries
    ):
        raise UserError("baselines: expected a list of objects with a name; the file is damaged")
    found: dict[str, Wide] = {}
    for i, entry in enumerate(entries):
        own = {key.removeprefix(f"{i}."): value for key, value in arrays.items() if key.startswith(f"{i}.")}
        if (shared := f"{entry.get('hashes')}.hashes") in arrays:
            own["hashes"] = arrays[shared]
        rest = {key: value for key, value in entry.items() if key not in ("name", "hashes")}
        made = Wide.from_json(rest, own)
        for other in found.values():  # one object for the same n-grams, so that they are counted once
            if other.ngrams.hashes is made.ngrams.hashes and other.ngrams.to_json() == made.ngrams.to_json():
                made.ngrams = other.ngrams
        found[entry["name"]] = made
    return found


def _numbers(labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
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
    if find_spec("sklearn") is None:
        raise UserError(f"linear baselines need scikit-learn: {needed('labels')}")
    if not len(texts) or len(texts) != len(labels) or (weights is not None and len(weights) != len(texts)):
        raise UserError(f"linear baselines: expected a label (and a weight) a text, got {len(labels)} to {len(texts)}")
    classes = sorted(set(labels)) if classes is None else classes
    truth = _numbers(labels, classes)
    if truth.min() < 0:
        raise UserError(f"linear baselines: label {labels[int(truth.argmin())]!r} is not among the classes")
    return classes, truth, Ngrams((1, 2), None).fit(texts) if ngrams is None else ngrams


def _matrix(rows: tuple[np.ndarray, np.ndarray, np.ndarray], values: np.ndarray, size: int) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((values, rows[1], rows[0]), (len(rows[0]) - 1, size))


def _by_column(x: Any, factors: np.ndarray) -> Any:
    return type(x)((x.data * factors[x.indices], x.indices, x.indptr), x.shape)


def _ratios(p: np.ndarray, q: np.ndarray, alpha: float) -> np.ndarray:
    p, q = p + alpha, q + alpha
    found: np.ndarray = np.log(p / p.sum(1, keepdims=True)) - np.log(q / q.sum(1, keepdims=True))
    return found


def _logistic(
    x: Any, y: np.ndarray, cost: float, weights: np.ndarray | None, tolerance: float, solver: str = "liblinear"
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (K, F) and intercepts (K,), K 1 for two classes."""
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression(C=cost, solver=solver, tol=tolerance, max_iter=500, random_state=0)
    return _fitted(made, x, y, weights)


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
    weights, bias = np.zeros((w.shape[1], classes), np.float32), np.full(classes, _ABSENT, np.float32)
    weights[:, present], bias[present] = w.T, b
    return weights, bias


def _only(ngrams: Ngrams, labels: Sequence[str], classes: Sequence[str]) -> Wide:
    return Wide(ngrams, np.zeros((ngrams.size, len(classes)), np.float32), majority(labels, classes).bias)


def _sample(texts: Sequence[str]) -> np.ndarray:
    """Rows, ascending, of texts that together have no more than MOST_CHARACTERS; one at least."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    if lengths.sum() <= MOST_CHARACTERS:
        return np.arange(len(texts))
    order = np.random.default_rng(0).permutation(len(texts))
    return np.sort(order[: max(1, int((lengths[order].cumsum() <= MOST_CHARACTERS).sum()))])


def _noted(wide: Wide, cost: float) -> Wide:
    wide.choice = {"C": float(cost)}
    return wide


def _tempered(wide: Wide, held: Held, classes: Sequence[str]) -> Wide:
    return _cooled(wide, temperature(wide.logits(held[0]), _numbers(held[1], classes), prior=1.0))


def _cooled(wide: Wide, heat: float) -> Wide:
    """The same model with its logits divided by a temperature."""
    t = np.float32(heat)
    made = Wide(wide.ngrams, wide.weights / t, wide.bias / t, wide.scale, wide.weighting, wide.normalize)
    made.choice = {**wide.choice, "temperature": float(t)}
    return made


def _right(wide: Wide, texts: Sequence[str], labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    found: np.ndarray = wide.logits(texts).argmax(1) == _numbers(labels, classes)
    return found


def _best(fits: Iterator[Wide], count: int, held: Held | None, classes: Sequence[str], choose: str) -> Wide:
    """The fit that does best on held; the second without it. The first of equals, which has the smallest C."""
    if choose not in CHOICES:
        raise UserError(f"linear baselines: unknown choice {choose!r}: choose from {', '.join(CHOICES)}")
    if held is None or count == 1:
        return [next(fits) for _ in range(min(2, count))][-1]
    truth = _numbers(held[1], classes)
    known = truth >= 0

    def cost(wide: Wide) -> tuple[float, float]:
        log = wide.log_probabilities(held[0])
        loss = float(-log[known, truth[known]].sum())
        wrong = float((log.argmax(1) != truth).sum())
        return (loss, wrong) if choose == "loss" else (wrong, loss)

    return min(((cost(wide), i, wide) for i, wide in enumerate(fits)))[2]
