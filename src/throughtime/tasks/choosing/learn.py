"""Learning a chooser: the encoders, how much each part counts, and when it does not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.errors import UserError
from throughtime.linear.ensemble import log_softmax, mixture
from throughtime.linear.nearest import Nearest
from throughtime.models.stack import Dropout, Stack
from throughtime.recurrence import Trace
from throughtime.tasks.choosing import model as arithmetic
from throughtime.tasks.choosing.chooser import PARTS, QUESTION, SIGNS, Chooser, Encoders
from throughtime.tasks.choosing.data import Vocabulary
from throughtime.tasks.choosing.neighbours import Neighbours
from throughtime.tasks.choosing.options import ChooserOptions
from throughtime.training import run as runs

AMONG = 10
"""Candidates of a reply that is chosen by, the right one among them."""

LOST = 0.05
"""The share of right answers that may be lost where the chooser says that it does not know."""

_DROPPED = 0.3
"""The share of words that a question asked in other words is thought to lack."""

_ROWS = 2000
"""Pairs at most by which weights and confidence are set."""

_FITTING = tuple(name for name in PARTS if name != QUESTION)
"""What tells whether a reply fits that nobody gave before."""

_QUESTION_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)

Say = Callable[[str], None]


def learn(pairs: Pairs, options: ChooserOptions, held: Pairs | None = None, say: Say = lambda line: None) -> Chooser:
    """A chooser among the replies of some pairs. held: pairs to choose by, a share of the pairs where not given. Needs
    torch. UserError for too few pairs."""
    runs.need_torch()
    if len(set(pairs.targets)) < 2:
        raise UserError(f"chooser: expected at least two different answers, got {len(set(pairs.targets))}")
    learned = pairs
    if held is None:
        learned, held = pairs.split(options.validation, options.seed) if options.validation else (pairs, pairs.take([]))
    return complete(_encoders(learned, held, options, say), learned, held, pairs, options.seed, say)


def complete(
    encoders: Encoders, learned: Pairs, held: Pairs, pairs: Pairs, seed: int, say: Say = lambda line: None
) -> Chooser:
    """A chooser of trained encoders: what each part counts by the pairs held back, and when it does not know. learned:
    what the encoders learned. pairs: whose replies are its answers."""
    like = Nearest.fit([*learned.sources, *learned.targets])
    weights, steep = {**dict.fromkeys(PARTS, 1.0), QUESTION: 0.0}, np.zeros(SIGNS + 1)
    if len(held) >= AMONG:
        weights = _weights(_assembled(learned, held.targets, like, encoders, weights, steep, 0.0), held, seed)
    chooser = _assembled(pairs, pairs.targets, like, encoders, weights, steep, 0.0)
    if not pairs.groups:
        weights[QUESTION] = _question_weight(chooser, pairs, seed)
    shares = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
    say(f"what counts for an answer, by {len(held):,} pairs to choose by: {shares}")
    chooser = replace(chooser, weights=weights)
    steep, threshold = _knowing(chooser, pairs, seed)
    return replace(chooser, steep=steep, threshold=threshold)


def untrained(encoders: Encoders, learned: Pairs, pairs: Pairs, trained: bool = False) -> Chooser:
    """What there is before anything was decided: every part counts the same, and it always knows. trained: whether the
    encoders have learned, so that the vectors are worth making."""
    like = Nearest.fit([*learned.sources, *learned.targets])
    weights, steep = {**dict.fromkeys(PARTS, 1.0), QUESTION: 0.0}, np.zeros(SIGNS + 1)
    return _assembled(pairs, pairs.targets, like, encoders, weights, steep, 0.0, trained)


def among_others(chooser: Chooser, pairs: Pairs, replies: Sequence[str]) -> Chooser:
    """The same chooser among other replies, by what was replied in some pairs of training."""
    steep, threshold = chooser.steep, chooser.threshold
    return _assembled(pairs, replies, chooser.index, chooser.encoders, dict(chooser.weights), steep, threshold)


def _encoders(learned: Pairs, held: Pairs, options: ChooserOptions, say: Say) -> Encoders:
    """The recurrent part, trained."""
    from throughtime.models.ops_torch import TorchModel
    from throughtime.tasks.choosing.job import ChooserJob, CodedPairs
    from throughtime.training.progress import Silent

    vocabulary = Vocabulary.fit([*learned.sources, *learned.targets])
    drops = Dropout(options.dropout, 0.0, options.dropout)
    config = sizes(vocabulary, options.traces(), options.embedding, options.hidden, drops)
    model = TorchModel(arithmetic, config, arithmetic.draw(config, np.random.default_rng(options.seed)), options.seed)
    best = runs.best(None, say)
    some = candidates(held, options.seed)
    both = CodedPairs.of(learned, vocabulary), CodedPairs.of(held, vocabulary)
    job = ChooserJob(model, *both, some, options.batch, options.seed, best.keep)
    threads = options.threads or runs.torch_threads()
    outcome = runs.learn(job, options, None, False, Silent(), threads, best)
    say(f"encoders of {sum(v.size for v in best.parameters().values()):,} parameters: {outcome.steps:,} steps")
    return Encoders(vocabulary, config, best.parameters())


def sizes(
    vocabulary: Vocabulary, traces: Sequence[Trace], embedding: int, hidden: int, drops: Dropout
) -> arithmetic.ChooserConfig:
    """The recurrent part of a chooser: vectors as wide as the recurrences."""
    stacks = {side: Stack(Stack.of(traces, embedding, hidden, True).layers, side, True) for side in arithmetic.SIDES}
    return arithmetic.ChooserConfig(vocabulary.size, embedding, hidden, **stacks, dropout=drops)


def candidates(pairs: Pairs, seed: int, count: int = AMONG) -> np.ndarray:
    """(N, count) numbers of replies for each context: its own, then others of other texts and conversations; none for
    fewer than twice as many pairs."""
    size = len(pairs)
    if size < 2 * count:
        return np.zeros((0, count), np.int64)
    rng, found = np.random.default_rng(seed), np.empty((size, count), np.int64)
    for i in range(size):
        own: list[int] = [i]
        while len(own) < count:
            one = int(rng.integers(size))
            apart = not pairs.groups or pairs.groups[one] != pairs.groups[i] or len(set(pairs.groups)) == 1
            if one not in own and ((pairs.targets[one] != pairs.targets[i] and apart) or rng.random() < 0.01):
                own.append(one)
        found[i] = own
    return found


def _assembled(
    pairs: Pairs, replies: Sequence[str], like: Nearest, encoders: Encoders, weights: dict[str, float],
    steep: np.ndarray, threshold: float, trained: bool = True,
) -> Chooser:  # fmt: skip
    """A chooser among some replies by what was replied in some pairs. trained: whether the vectors are worth making."""
    answers = list(dict.fromkeys(replies))
    places = {text: i for i, text in enumerate(answers)}
    index = Nearest.fit(answers, like=like)
    of = np.array([places.get(text, -1) for text in pairs.targets], np.int32)
    neighbours = Neighbours.fit(like, pairs.sources, pairs.targets, index)
    vectors = encoders.replies(answers) if trained else np.zeros((len(answers), encoders.config.width), np.float32)
    return Chooser(answers, of, index, neighbours, encoders, vectors, weights, steep, threshold)


def fits(chooser: Chooser, pairs: Pairs, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """(N, C) what each part says of candidates, numbers of `pairs`' own replies, all of them answers of the chooser."""
    places = {text: i for i, text in enumerate(chooser.answers)}
    of = np.array([places[text] for text in pairs.targets])
    found: dict[str, list[np.ndarray]] = {name: [] for name in _FITTING}
    for i, own in enumerate(numbers):
        parts, _ = chooser.parts(pairs.context(i))
        for name in _FITTING:
            found[name].append(parts[name][of[own]])
    return {name: np.stack(rows) for name, rows in found.items()}


def _weights(chooser: Chooser, held: Pairs, seed: int) -> dict[str, float]:
    """How much each part counts, by which replies of the pairs held back are right among others."""
    some = candidates(held, seed)[:_ROWS]
    if not len(some):
        return {**dict.fromkeys(PARTS, 1.0), QUESTION: 0.0}
    found = fits(chooser, held, some)
    shares, scales = mixture(
        [log_softmax(found[name].astype(np.float64)) for name in _FITTING], np.zeros(len(some), np.int64)
    )
    each = {name: float(share * scale) for name, share, scale in zip(_FITTING, shares, scales, strict=True)}
    return {**each, QUESTION: 0.0}


def _question_weight(chooser: Chooser, pairs: Pairs, seed: int) -> float:
    """How much it counts that a question with the answer is near, by questions asked in other words."""
    rng = np.random.default_rng(seed)
    losses = np.zeros(len(_QUESTION_WEIGHTS))
    for i in rng.permutation(len(pairs))[: _ROWS // 4]:
        parts, _ = chooser.parts((*pairs.context(i)[:-1], asked_otherwise(pairs.sources[i], rng)))
        scores = chooser.scores(parts)
        each = [log_softmax(scores + weight * parts[QUESTION])[chooser.of[i]] for weight in _QUESTION_WEIGHTS]
        losses -= np.array(each)
    return _QUESTION_WEIGHTS[int(losses.argmin())]


def asked_otherwise(text: str, rng: np.random.Generator) -> str:
    """A question as if somebody else had asked it: some of its words are missing; of Chinese, some characters."""
    words = text.split() if " " in text.strip() else list(text)
    kept = [word for word in words if rng.random() >= _DROPPED] or [words[int(rng.integers(len(words)))]]
    return (" " if " " in text.strip() else "").join(kept)


def _knowing(chooser: Chooser, pairs: Pairs, seed: int) -> tuple[np.ndarray, float]:
    """What the signs say of an answer's being right, and the confidence below which it does not know.

    Questions of training asked in other words have an answer; with their own pairs out of sight they have none.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(pairs))[: _ROWS // 2]
    signs: list[np.ndarray] = []
    right: list[bool] = []
    for i in rows:
        context = (*pairs.context(i)[:-1], asked_otherwise(pairs.sources[i], rng))
        own = chooser.of == chooser.of[i]
        for hidden in (None, np.flatnonzero(own)):
            parts, near = chooser.parts(context, hidden)
            scores = chooser.scores(parts)
            if hidden is not None:
                scores[chooser.of[i]] = -1e9
            best = int(scores.argmax())
            signs.append(chooser.signs(parts, near, scores, best))
            right.append(hidden is None and best == chooser.of[i])
    x, y = np.stack(signs), np.array(right, np.float64)
    steep = _logistic(x, y)
    sure = 1 / (1 + np.exp(-(x @ steep[:-1] + steep[-1])))
    good = sure[y == 1]
    return steep, float(np.quantile(good, LOST)) if len(good) else 0.5


def _logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(K + 1,) the weights of signs (N, K), a constant last, of which log(p / (1 - p)) of y (N,) is the sum; drawn to
    zero a little. Newton's method."""
    middle, spread = x.mean(0), x.std(0) + 1e-6
    rows = np.concatenate([(x - middle) / spread, np.ones((len(x), 1))], 1)
    weights, penalty = np.zeros(rows.shape[1]), np.diag([1.0] * x.shape[1] + [1e-3])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (p - y) + penalty @ weights
        curve = (rows * (p * (1 - p))[:, None]).T @ rows + penalty
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    steep = weights[:-1] / spread
    return np.append(steep, weights[-1] - steep @ middle)
