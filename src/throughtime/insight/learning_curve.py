"""Quality against the amount of data: a power law, what twice the data would bring, and how sure that is.

    L(n) = a + b n^(-c)        n: tokens or windows learned from, L: the loss on data held out

a, the loss that no amount of data would undercut, b and c are fitted by least squares; the interval is that of a
bootstrap over what the law leaves.

Source: Hestness et al. 2017, arXiv:1712.00409, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.baselines.verdict import span_in_words
from throughtime.errors import UserError

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the data, where nothing is said."""


@dataclass(frozen=True)
class LearningCurve:
    """amounts, losses: (M,), one for each training. unit, metric: of what they are. floor, slope, exponent: a, b, c.
    doubled: the loss that twice the most data is expected to bring, and its 90 % interval. gain: how much of the
    present loss that takes away, and its interval."""

    amounts: np.ndarray
    losses: np.ndarray
    unit: str
    metric: str
    floor: float
    slope: float
    exponent: float
    doubled: tuple[float, float, float]
    gain: tuple[float, float, float]

    @property
    def sentence(self) -> str:
        """What twice the data would bring."""
        value, low, high = self.doubled
        most = float(self.amounts.max())
        gain, least, largest = self.gain
        said = (
            f"Twice the data ({2 * most:,.0f} {self.unit}) would bring {self.metric} {value:.4g} (90 % interval "
            f"{low:.4g} to {high:.4g}), {abs(gain):.1%} {'less' if gain >= 0 else 'more'} than now "
            f"({span_in_words(least, largest, 'less', 'more')})."
        )
        at = [float(self.losses[self.amounts == n].mean()) for n in sorted(set(self.amounts.tolist()))]
        if at[-1] >= at[-2]:
            said += (
                f" But all of the data was no better than half of it ({at[-1]:.4g}, {at[-2]:.4g}): so short a "
                "training, not the data, is what limits it here; give more --minutes."
            )
        elif least <= 0:
            said += " That more data helps is not shown."
        return said

    def predict(self, amounts: np.ndarray) -> np.ndarray:
        """The law's loss at other amounts."""
        found: np.ndarray = self.floor + self.slope * np.asarray(amounts, float) ** -self.exponent
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "metric": self.metric,
            "amounts": self.amounts.tolist(),
            "losses": self.losses.tolist(),
            "floor": self.floor,
            "slope": self.slope,
            "exponent": self.exponent,
            "doubled": dict(zip(("value", "low", "high"), self.doubled, strict=True)),
            "gain": dict(zip(("value", "low", "high"), self.gain, strict=True)),
            "sentence": self.sentence,
        }

    def __str__(self) -> str:
        rows = [f"  {n:>12,.0f} {self.unit:<10} {loss:.4f}" for n, loss in zip(self.amounts, self.losses, strict=True)]
        law = f"{self.metric} = {self.floor:.4g} + {self.slope:.4g} n^(-{self.exponent:.3g})"
        return "\n".join([*rows, "", law, self.sentence])


def fit(
    amounts: Sequence[float], losses: Sequence[float], unit: str, metric: str, draws: int = 500, seed: int = 0
) -> LearningCurve:
    """Fit the law to trainings. UserError for fewer than three different amounts or a loss that is no number."""
    n, loss = np.asarray(amounts, float), np.asarray(losses, float)
    if len(set(amounts)) < 3:
        raise UserError(f"learning curve: expected at least 3 amounts of data, got {len(set(amounts))}")
    if not np.isfinite(loss).all():
        raise UserError("learning curve: a training ended in a loss that is no number; try a lower --learning-rate")
    a, b, c = _laws(n, loss[None])[0].tolist()
    most = float(n.max())
    rest = loss - (a + b * n**-c)
    # as many degrees of freedom as points less what was fitted
    rest = rest * np.sqrt(len(n) / max(1, len(n) - 3))
    rng = np.random.default_rng(seed)
    drawn = _laws(n, a + b * n**-c + np.stack([rng.choice(rest, len(n)) for _ in range(draws)])).T
    after, before = (drawn[0] + drawn[1] * (k * most) ** -drawn[2] for k in (2.0, 1.0))
    value, now = a + b * (2 * most) ** -c, a + b * most**-c
    low, high = np.quantile(after, [0.05, 0.95])
    least, largest = np.quantile(1 - after / before, [0.05, 0.95])
    doubled = (float(value), float(low), float(high))
    return LearningCurve(
        n, loss, unit, metric, a, b, c, doubled, (float(1 - value / now), float(least), float(largest))
    )


def _laws(n: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """a, b and c (D, 3) of losses (D, M): least squares over a grid of exponents, with a from 0 up; b may be negative
    where more data made it worse."""
    scale = float(n.max())
    least = np.full(len(losses), np.inf)
    found = np.zeros((len(losses), 3))
    for c in np.linspace(0.05, 1.5, 59):
        x = (n / scale) ** -c
        design = np.stack([np.ones_like(x), x], 1)
        a, b = np.linalg.lstsq(design, losses.T, rcond=None)[0]
        below = a < 0
        a, b = np.where(below, 0.0, a), np.where(below, losses @ x / (x @ x), b)
        error = ((a[:, None] + b[:, None] * x - losses) ** 2).sum(1)
        better = error < least
        least = np.where(better, error, least)
        found[better] = np.stack([a, b * scale**c, np.full(len(a), c)], 1)[better]
    return found


def points(
    train: Callable[[float, int], tuple[float, float]],
    shares: Sequence[float],
    seeds: int,
    note: Callable[[str], None] = lambda _: None,
    kept: dict[str, list[float]] | None = None,
    save: Callable[[], None] = lambda: None,
) -> tuple[list[float], list[float]]:
    """Run every training: `train(share, seed)` returns the amount and the loss. kept: those done before, by name, to
    which new ones are added; save: called after each, so that an interrupted run goes on."""
    done = {} if kept is None else kept
    pairs = [(share, seed) for share in shares for seed in range(seeds)]
    for number, (share, seed) in enumerate(pairs, 1):
        name = f"{share:.6g} {seed}"
        if name not in done:
            done[name] = list(train(share, seed))
            save()
            amount, loss = done[name]
            note(f"training {number} of {len(pairs)}: {share:.3g} of the data, {amount:,.0f}, seed {seed}: {loss:.4f}")
    wanted = [done[f"{share:.6g} {seed}"] for share in shares for seed in range(seeds)]
    return [one[0] for one in wanted], [one[1] for one in wanted]
