"""What is chosen where nobody chose: from the text, the budget and the machine's speed to all that a training needs.

The arithmetic: training costs about 6 multiplications and additions for each weight a token passes through. A budget
buys a number of them, C. They are spent best where a model sees about `_PER_WEIGHT` tokens for each of its weights, so
H follows from C (Hoffmann et al. 2022, arXiv:2203.15556, section 3, with a factor found for recurrent models of
characters). Regularization follows from how often each token of the text is seen. docs/choosing.md has the texts these
figures were found on, and what is lost on each of them against a search.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.models.ngram import LEAST
from throughtime.models.stack import Dropout, Stack
from throughtime.storage.record import Choice
from throughtime.tasks.choices import settled
from throughtime.tasks.text.options import TextOptions

MINUTES = 3.0
"""How long training takes where nothing is said."""

_PER_WEIGHT = 11.0
"""Tokens a weight should see."""

_WIDTHS = (64, 96, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024)

_LARGE, _SOME = 1024, 1200
"""Over a larger vocabulary a step looks at about so many tokens of it alone; see throughtime.training.softmax."""

_FEW, _ENOUGH = 1000, 1800
"""Steps that a higher learning rate makes up for; steps that need none."""

_FIRST, _EACH = 24.0, 100_000
"""Passes over a text of `_EACH` tokens that the first of several attempts may take; more for larger ones."""

_LEAST_STEPS, _LEAST_BLIND = 200, 50
"""Steps that an attempt may take in any case: a short text is a few steps long, and in those nothing is learned. Fewer
where no validation part tells when it learns by heart."""


@dataclass(frozen=True)
class Level:
    """Regularization. dropout: before the output layer; weight: dropout of the recurrent matrices; decay: of AdamW."""

    dropout: float
    embedding: float
    weight: float
    decay: float


LEVELS = (
    Level(0.0, 0.0, 0.0, 0.01),
    Level(0.1, 0.0, 0.0, 0.01),
    Level(0.2, 0.0, 0.0, 0.01),
    Level(0.3, 0.0, 0.0, 0.01),
    Level(0.4, 0.0, 0.15, 0.05),
    Level(0.5, 0.0, 0.3, 0.1),
    Level(0.6, 0.05, 0.5, 0.2),
    Level(0.65, 0.1, 0.6, 0.3),
)
_PASSES = (1.5, 4.5, 7.0, 14.0, 30.0, 60.0, 120.0)
"""Up to so many passes over the text each level is right for; of a model that is large for it they count more."""


@dataclass(frozen=True)
class Corpus:
    """What is learned. tokens: about how many there are to learn from; vocabulary: about how many kinds of them."""

    tokens: int
    vocabulary: int

    @classmethod
    def of(cls, learned: str, whole: str, options: TextOptions) -> Corpus:
        """learned: the training part. whole: all of the text, whose characters are the alphabet."""
        limit = options.vocabulary
        if options.tokens == "characters":
            return cls(len(learned), min(limit or 1 << 30, len(set(whole))))
        if options.tokens == "bytes":
            return cls(len(learned.encode("utf-8", "surrogatepass")), 256)
        usual, characters = (10_000, 5.0) if options.tokens == "words" else (2048, 3.5)
        return cls(round(len(learned) / characters), limit or usual)


def settle(corpus: Corpus, options: TextOptions, threads: int) -> tuple[TextOptions, Sequence[Choice]]:
    """The options with every None replaced, and what was chosen and why."""
    options = options if options.budgeted else options.replaced(minutes=MINUTES)
    if all(getattr(options, name) is not None for name in _CHOSEN):
        return options, ()
    return settled(options, _choose(corpus, options, threads))


_READ = "text_unit"  # is chosen where the text is read
_CHOSEN = ("hidden", *(one.name for one in TextOptions.declared() if one.rule.chosen and one.name != _READ))


def _choose(corpus: Corpus, options: TextOptions, threads: int) -> list[Choice]:
    tokens, vocabulary = max(1, corpus.tokens), corpus.vocabulary
    held = corpus.tokens * (options.validation or 0.0)
    batch = options.batch or _batch(tokens)
    embedding = options.embedding or (64 if vocabulary <= 512 else 128)
    seconds = 60.0 * options.minutes if options.minutes is not None else None
    each = min(batch, tokens) * options.window
    if seconds is not None:
        speed = measured_speed(threads, seconds)
        budget = speed * max(0.2, 0.9 * seconds - 1.0)
        weights = math.sqrt(budget / 6.0 / _PER_WEIGHT)
    else:
        seen = options.budget * (tokens if options.unit == "epochs" else each)
        weights = seen / _PER_WEIGHT
    classes = vocabulary if vocabulary <= _LARGE else min(vocabulary, _SOME)
    most = _most_weights(tokens)
    hidden = options.hidden or _width(options, min(weights, most), embedding, classes)
    width = max(hidden) if isinstance(hidden, tuple) else hidden
    size = _weights(options, hidden, embedding, classes)
    seen = budget / 6.0 / size if seconds is not None else seen
    passes = seen / tokens
    first = _FIRST * (max(tokens, 1000) / _EACH) ** 0.4
    cut = seconds is not None and passes > first and options.dropout is None and options.attempts is None
    several = cut and options.validation != 0  # without validation nothing tells which attempt was best
    shown = first if cut else passes
    steps = shown * tokens / each
    if cut:
        steps = min(max(steps, _LEAST_STEPS if several else _LEAST_BLIND), passes * tokens / each)
        shown = steps * each / tokens
    level = LEVELS[level_of((first if several else shown) * _by_heart(size / tokens))]
    rate = 7e-3 * math.sqrt(384 / max(width, 256)) * _hurry(steps)
    enough = "" if size < most or options.hidden is not None else ", and a text of this length needs no more"
    blind = ", but nothing is kept to choose by" if cut and not several else ""
    of_budget = f"{_short(seen)} tokens {'in the budget' if seconds is not None else 'to be seen'}{enough}"
    often = f"about {shown:.2g} passes over {_short(tokens)} tokens"
    long, kinds = f"about {_short(steps)} steps", f"{vocabulary:,} different tokens"
    choices = [
        Choice("hidden", hidden, of_budget),
        Choice("embedding", embedding, kinds),
        Choice("dropout", level.dropout, often),
        Choice("embedding_dropout", level.embedding, often),
        Choice("weight_dropout", level.weight, often),
        Choice("weight_decay", level.decay, often),
        Choice("learning_rate", float(f"{rate:.2g}"), f"{width} units" + (f", {long}" if _hurry(steps) > 1 else "")),
        Choice("average", round(min(0.9995, max(0.9, 1.0 - 7.0 / max(70.0, steps))), 4), long),
        Choice("batch", batch, f"{_short(tokens)} tokens"),
        Choice("warm_up", int(min(100, max(5, steps / 20))), long),
        Choice("attempts", 6 if several else 1, f"{passes:.2g} passes would fit into the budget{blind}"),
        Choice("learn_validation", seconds is not None, f"a budget of {options.unit}"),
        Choice("ngram", held >= LEAST, f"{_short(held)} tokens to weigh it on"),
    ]
    if cut:
        choices.append(Choice("attempt_steps", max(1, round(steps)), often))
    return choices


def harder(drop: Dropout, times: int) -> Dropout:
    """Dropout `times` levels above."""
    at = min(
        range(len(LEVELS)), key=lambda i: abs(LEVELS[i].dropout - drop.output) + abs(LEVELS[i].weight - drop.weight)
    )
    level = LEVELS[min(at + times, len(LEVELS) - 1)]
    return Dropout(level.embedding, drop.between, level.dropout, level.weight, drop.variational)


def hardest(drop: Dropout) -> bool:
    """Whether there is no level above."""
    return drop.output >= LEVELS[-1].dropout


def level_of(passes: float) -> int:
    """The level that is right for so many passes over the text."""
    return next((i for i, most in enumerate(_PASSES) if passes <= most), len(_PASSES))


def _by_heart(weights: float) -> float:
    """How many times more a pass counts where a model has so many weights for each token of the text."""
    return float(min(8.0, max(1.0, weights / 2.0)) ** 0.35)


def _hurry(steps: float) -> float:
    """How many times the usual learning rate few steps need: twice up to `_FEW`, not more from `_ENOUGH` on."""
    missing = math.log(_ENOUGH / max(1.0, steps)) / math.log(_ENOUGH / _FEW)
    return float(2.0 ** min(1.0, max(0.0, missing)))


def _batch(tokens: int) -> int:
    """Streams of a few thousand tokens each: 32, fewer of a short text."""
    return int(min(32, max(4, 2 ** math.floor(math.log2(max(4.0, tokens / 2500))))))


def _most_weights(tokens: int) -> float:
    """More weights than this a text of so many tokens does not fill."""
    return 150_000 + 4.0 * tokens


def _weights(options: TextOptions, hidden: int | tuple[int, ...], embedding: int, classes: int) -> float:
    """Weights a token passes through."""
    traces = options.traces()
    widths = [hidden] * len(traces) if isinstance(hidden, int) else list(hidden)
    if not traces or len(widths) != len(traces):
        return 1.0  # no model: what builds it says so
    stack = Stack.of(traces, embedding, widths, sizes=options.sizes or {})
    return float(sum(math.prod(shape) for shape in stack.shapes.values()) + stack.width * classes)


def _width(options: TextOptions, weights: float, embedding: int, classes: int) -> int:
    """The H whose number of weights is nearest, as a ratio."""
    if any("H" not in trace.symbols for trace in options.traces()):
        return embedding  # its state is as wide as what it reads

    def apart(hidden: int) -> float:
        return abs(math.log(_weights(options, hidden, embedding, classes) / max(1.0, weights)))

    return min(_WIDTHS, key=apart)


def _short(count: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count:.3g}"


def measured_speed(threads: int, seconds: float) -> float:
    """Multiplications and additions a second of training, measured on a few steps of a small model: at most about a
    fiftieth of the budget, a second at most."""
    import torch
    from torch.nn.functional import cross_entropy

    from throughtime.models.ops_torch import TorchModel
    from throughtime.tasks.text import model as language

    hidden, batch, window = (256, 32, 64) if seconds >= 20 else (128, 16, 32)
    traces = TextOptions(hidden=hidden).traces()
    config = language.LanguageConfig.stack(64, 64, traces, hidden)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        parameters = language.initial_parameters(config, np.random.default_rng(0))
        model = TorchModel(language, config, parameters)
        tokens = torch.zeros((window, batch), dtype=torch.int64)
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < 3 or (len(times) < 9 and time.perf_counter() - began < min(1.0, 0.02 * seconds)):
            start = time.perf_counter()
            logits, _ = model(tokens, None)
            cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()  # type: ignore[no-untyped-call]
            times.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    work = 6.0 * (4 * hidden * (hidden + 64) + 64 * hidden) * batch * window
    return work / sorted(times[1:])[(len(times) - 1) // 2]
