"""What is chosen of a forecaster where nobody chose: by the series, the horizon, the budget and the speed.

Nothing here knows a data set's name. The order: what the series are like (season, scale, profile), how much of their
past is seen (look-back, segments, lags), how it is learned (loss, size, dropout, batch, rate), and how the budget is
spent (models side by side, a longer or shorter run). Every choice says why. docs/forecasting.md has the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from throughtime.storage.record import Choice
from throughtime.tasks.forecast.facts import SEASONS, Facts
from throughtime.tasks.forecast.options import ForecastOptions

Seconds = Callable[[ForecastOptions], float]
"""Measures the seconds of one training step of the models that these options have side by side."""

_SEGMENT = 64
"""The longest segment; a longer season is cut."""

_SHORT = 8
"""Series of fewer look-backs have no scale of their own that a window has not."""

_PANEL = 500
"""Windows that many short series must have together, for a look-back that leaves each of them only a few."""

_WITHIN_A_DAY = (24, 48, 96, 144, 288, 720, 1440)
"""Seasons that are a day of hours or minutes: after seven of them there is a week."""

_FEW, _MANY = 20_000, 50_000
"""Values from which on a larger state finds something to learn, and a still larger one."""

_MEMBERS = 5
"""Models side by side, at most: each further one brings less."""

_WARM, _HARDLY = 100, 30
"""Steps until the highest rate in a long run; steps that a budget of a few seconds is taken for."""

_CLEAR = 0.5
"""Below such an error, relative to the last value's, series tell clearly what follows."""

_TRIED, _SLACK = 1.25, 1.5
"""So many times the useful steps must fit into the budget for one more model; and are taken at most."""

_PLENTY = 100_000
"""Values from which on a linear map is not given beforehand."""

_MAPPED, _MAPPED_MOST = 96, 1024
"""Values that a linear map reads: at most without a long season, and at most."""

_MEASURED = 10.0
"""The least budget in seconds of which a few are spent on measuring."""


class _Rule:
    """Options, more and more of them chosen."""

    def __init__(self, facts: Facts, options: ForecastOptions) -> None:
        self.facts, self.options, self.choices = facts, options, list[Choice]()

    def take(self, option: str, value: Any, why: str) -> None:
        """Choose an option, unless somebody did."""
        if getattr(self.options, option) is None:
            self.put(option, value, why)

    def put(self, option: str, value: Any, why: str) -> None:
        self.options = self.options.replaced(**{option: value})
        self.choices.append(Choice(option, getattr(self.options, option), why))


def choose(
    facts: Facts, options: ForecastOptions, seconds: Seconds | None = None, threads: int = 1
) -> tuple[ForecastOptions, list[Choice]]:
    """Options without a None of those that the rule knows, and what was chosen.

    seconds: measures the speed, for a budget of minutes; None where there is none, then nothing follows from it.
    threads: how many there are, on which models learn side by side.
    """
    rule = _Rule(facts, options)
    _season(rule)
    _past(rule)
    _company(rule)
    _scale(rule)
    _linear(rule)
    _what(rule)
    _learning(rule)
    _budget(rule, seconds, threads)
    _learned_too(rule, options.validation is not None)
    return rule.options, rule.choices


def _season(rule: _Rule) -> None:
    facts = rule.facts
    if facts.seasons.drifting:
        share = f"{100 * facts.seasons.strength:.0f} %"
        why = f"the value {facts.season} steps ago errs {share} less than the last one, though the cycle moves on"
    elif facts.seasons.period > 1:
        share = f"{100 * facts.seasons.strength:.0f} %"
        why = f"the mean course over {facts.season} steps explains {share} of the values that follow"
    else:
        why = "no course that repeats itself explains the values that follow"
    rule.take("season", facts.season, why)


def _company(rule: _Rule) -> None:
    facts = rule.facts
    why = "no others make a linear map err less"
    if facts.neighbours:
        why = f"with their past a linear map errs {100 * facts.saved:.0f} % less"
    rule.take("neighbours", facts.neighbours, why)


def _scale(rule: _Rule) -> None:
    facts, options = rule.facts, rule.options
    if facts.zeros > 0 and not facts.negative:
        rule.take("nonnegative", True, "zeros among the values, and nothing below")
    rule.take("nonnegative", False, "values below zero" if facts.negative else "no value is zero")
    many = facts.length >= 4 * facts.season
    if _short(rule) and many and facts.seasons.period == facts.season and not facts.seasons.drifting:
        rule.take("profile", facts.season, f"the course over {facts.season} steps repeats, the look-back is shorter")
    rule.take("profile", 0, "the look-back holds the season, or there is none")
    if options.every:
        rule.take("scaling", "series", "an output at every step needs it")
    elif facts.seldom:
        rule.take("scaling", "series", f"{100 * facts.zeros:.0f} % of the values are zero, a window may have no others")
    elif rule.options.profile and facts.rehearsal.reverting >= 0.99 * facts.rehearsal.drifting:
        rule.take("scaling", "last", "the mean course tells the place in the season, changes are what is left")
    elif facts.reverting:
        gain = 100 * (1 - facts.rehearsal.reverting / facts.rehearsal.drifting)
        alike = f"the means of long stretches differ little, {100 * facts.wanders:.0f} % of the variance"
        rule.take(
            "scaling", "series", f"knowing the level, a linear map errs {gain:.0f} % less" if gain >= 1 else alike
        )
    elif facts.season > (options.lookback or 1) and not rule.options.profile and not facts.unpredictable:
        rule.take("scaling", "series", "the look-back holds no season: the level tells the place in it")
    elif (options.lookback or 1) <= 2:
        rule.take("scaling", "last", "one value or two have hardly a deviation of their own")
    elif facts.length < _SHORT * (options.lookback or 1):
        rule.take("scaling", "window", f"{facts.length:,} steps are few beside a look-back of {options.lookback}")
    elif facts.settled > 0 and not 1 / 3 < facts.settled < 3:
        rule.take("scaling", "window", f"the deviation changes over time, {facts.settled:.2g} fold")
    else:
        rule.take("scaling", "last", "levels drift: they say nothing of what follows")


def _short(rule: _Rule) -> bool:
    """Whether the horizon is so short beside the season that the last values matter more than the season before."""
    return rule.facts.season > _SEGMENT // 2 and 8 * rule.options.horizon <= rule.facts.season


def _past(rule: _Rule) -> None:
    facts, horizon, season = rule.facts, rule.options.horizon, rule.facts.season
    room = max(1, facts.length - horizon)
    limit = max(room // 2, min(2 * season, 2 * room // 3), 1)
    limit = max(limit, min(2 * horizon, room + 1 - -(-_PANEL // facts.series)))
    if rule.options.every:
        segment, wanted, why = 1, max(SEASONS * season, 2 * horizon), f"{SEASONS} seasons"
    elif season > 1 and not _short(rule):
        segment = _divided(season)
        wanted, why = max(SEASONS * season, horizon), f"{SEASONS} seasons, at least the horizon"
    else:
        segment = max(1, min(horizon // 4, 24))
        wanted, why = max(24, 2 * horizon), "two horizons, at least 24 steps: what is further back says little"
    segment = min(segment, limit)
    single = "a season" if segment == season > 1 else "a part of the season" if segment > 1 and season > 1 else ""
    rule.take("segment", segment, single or ("a quarter of the horizon" if segment > 1 else "every step counts"))
    width = rule.options.segment or 1
    if wanted > limit:
        wanted, why = limit, "as far as the series allow, with windows left to learn from"
    rule.take("lookback", max(1, round(wanted / width)) * width, why)
    reach = -(-(rule.options.lookback or 1) // width) * width
    reach = max(width, min(reach, (facts.longest - horizon) // width * width))
    lags, why = {1}, "the last value"
    if season > 1 and season <= reach:
        far = (7, 14) if season in _WITHIN_A_DAY else (2,)
        lags |= {season, *(season * k for k in far)}
        why = "the last value, and those some seasons ago"
        if facts.seasons.longer:
            lags |= {facts.seasons.longer, 2 * facts.seasons.longer}
    elif facts.reverting:
        lags, why = {1, 2, 3, 5, 8}, "the last values, whose mean is nearer to the level than the last one"
    rule.take("lags", tuple(sorted(lag for lag in lags if lag <= reach)), why)


def _divided(season: int) -> int:
    """A season, or the largest part of it that is no longer than a segment may be."""
    if season <= _SEGMENT:
        return season
    parts = [part for part in range(8, _SEGMENT + 1) if season % part == 0]
    return parts[-1] if parts else -(-season // -(-season // _SEGMENT))


def _linear(rule: _Rule) -> None:
    """How many of the last values a linear map reads, whose forecast the recurrence corrects."""
    facts, options = rule.facts, rule.options
    if options.every or 1 not in (options.lags or ()):
        rule.take("linear", 0, "an output at every step has no windows" if options.every else "no lag of one step")
    if options.profile:
        rule.take("linear", 0, "the last value moves along with the mean course")
    if facts.values >= _PLENTY:
        rule.take("linear", 0, f"{facts.values:,} values say more than a line through the last ones")
    seasons = max(2 * facts.season, facts.seasons.longer if facts.seasons.longer <= (options.lookback or 1) else 0)
    wanted = max(seasons, min(_MAPPED, 4 * options.horizon), 8)
    why = "the seasons that were found" if wanted == seasons else "four horizons, between 8 and 96 steps"
    rule.take("linear", max(1, min(wanted, options.lookback or 1, _MAPPED_MOST)), why)


def _what(rule: _Rule) -> None:
    """What is forecast, and so what is learned by: a distribution, quantiles or points."""
    facts, options = rule.facts, rule.options
    if options.quantiles and options.loss is None and facts.few and not options.every:
        why = f"counts, {facts.mean:.2g} on average: quantiles are whole numbers"
        rule.take("distribution", "negative_binomial", why)
    rule.take("distribution", "none", "quantiles as they are" if options.quantiles else "points, no quantiles")
    if facts.seldom:
        rule.take("loss", "mse", "most values are zero, and so is their median")
    rule.take("loss", "mae", "the median, which outliers do not move")


def _learning(rule: _Rule) -> None:
    facts, options = rule.facts, rule.options
    windows = max(1, facts.values - facts.series * options.horizon)
    batch = 256
    while batch > 16 and windows < 8 * batch:
        batch //= 2
    rule.take("batch", batch, f"{windows:,} windows" + (", at least eight steps a round" if batch < 256 else ""))
    if facts.unpredictable:
        rule.take("hidden", 64, "nothing tried beats the last value; more units would learn noise")
    elif options.horizon <= 4 or facts.values < _FEW:
        rule.take("hidden", 64, f"{facts.values:,} values" if facts.values < _FEW else "short horizons need little")


def useful_steps(facts: Facts, options: ForecastOptions) -> int:
    """About how many training steps bring something: more for more values, fewer where horizons overlap or where
    little can be told beforehand. The three numbers fit what trials on six sets of series preferred (docs/log.md)."""
    if facts.unpredictable:
        return 100
    values = facts.values * 256 / (options.batch or 256) / options.horizon**0.5
    left = min(1.0, facts.rehearsal.drifting, facts.rehearsal.reverting)
    return int(min(20_000, max(200, 600 * (values / 8_000) ** 0.45 / max(0.1, left))))


def _budget(rule: _Rule, seconds: Seconds | None, threads: int) -> None:
    options, facts = rule.options, rule.facts
    useful, budget = useful_steps(facts, options), 60 * (options.minutes or 0.0)
    if options.minutes is None or seconds is None or budget < _MEASURED:
        why = "a budget too short to measure the speed" if options.minutes else "a budget of steps, not of time"
        rule.take("hidden", 128 if options.minutes is None else 64, why)
        _by_size(rule)
        rule.take("ensemble_size", 1, why)
        rule.take("validation", 0.1, "tells when to stop")
        _warm(rule, options.steps or (_HARDLY if options.minutes else 10 * _WARM))
        return
    free, wide = options.hidden is None, 128
    one = seconds(_probed(rule, options.hidden or wide))
    if free and facts.values >= _MANY and budget > 9 * useful * one:
        wider = seconds(_probed(rule, 2 * wide))
        if budget > 3.75 * useful * wider:
            one, wide = wider, 2 * wide
    rule.take("hidden", wide, f"{facts.values:,} values, {1000 * one:.1f} ms a step")
    _by_size(rule)
    several = options.members > 1 or (options.ensemble_size is None and budget > _TRIED * useful * one)
    side = min(threads, _MEMBERS) if several else 1
    together = seconds(_probed(rule, rule.options.hidden or wide, side)) if side > 1 else one
    needed = {m: _TRIED * useful * _step(m, one, together, side) for m in range(2, _MEMBERS + 1)}
    members = max([1, *(m for m, wanted in needed.items() if wanted <= budget)])
    why = f"about {useful:,} steps are useful, {1000 * one:.1f} ms a step of one model"
    why += f", {1000 * together:.1f} ms of {side} side by side" if side > 1 else ""
    rule.take("ensemble_size", members, why)
    each = _step(rule.options.members, one, together, side)
    enough = _SLACK * useful * each
    if enough < 0.9 * budget:
        rule.put("minutes", round(max(enough / 60, 0.05), 2), f"of {options.minutes:g}: more would be learned by heart")
    steps = min(budget, enough) / each
    _held(rule, steps)
    _warm(rule, steps)


def _step(members: int, one: float, together: float, side: int) -> float:
    """Seconds of a training step of several models. one: of one alone; together: of `side` of them, a thread each."""
    return one if members == 1 else together * max(1.0, members / side)


def _held(rule: _Rule, steps: float) -> None:
    """How much is held for validation. steps: about how many there are."""
    facts, options = rule.facts, rule.options
    windows = max(1, facts.values - facts.series * options.horizon)
    rounds = steps * (options.batch or 256) / windows
    if options.quantiles:
        rule.take("validation", 0.1, "quantiles are calibrated on it")
    elif rounds <= 6 and (options.dropout or 0.0) <= 0.1:
        rule.take("validation", 0, f"{rounds:.1f} rounds over more values than weights: nothing is learned by heart")
    rule.take("validation", 0.1, "tells when to stop")


def _learned_too(rule: _Rule, given: bool) -> None:
    """Whether what is held for validation is learned in the end. given: whether somebody chose what that is."""
    options = rule.options
    nothing = {
        "a budget of steps, not of time": options.minutes is None,
        "what is held for validation was chosen": given,
        "nothing is held for validation": not options.validation,
        "an output at every step": options.every,
    }
    for why, true in nothing.items():
        if true:
            rule.take("learn_validation", False, why)
    rule.take("learn_validation", True, "the latest values tell most of what comes")
    if rule.options.learn_validation:
        rule.take("attempts", 2, "where validation rises early there is time to begin anew on all")


def _warm(rule: _Rule, steps: float) -> None:
    """The steps until the highest rate. steps: about how many there are."""
    rule.take("warm_up", int(min(_WARM, steps / 10)), "a tenth of the steps" if steps < 10 * _WARM else "usual")


def _probed(rule: _Rule, hidden: int, members: int = 1) -> ForecastOptions:
    """What a measurement takes, also of what is not chosen yet."""
    options = rule.options
    rest = {"embedding": options.embedding or 64, "dropout": options.dropout or 0.0}
    return options.replaced(hidden=hidden, ensemble_size=members, **rest)


def _by_size(rule: _Rule) -> None:
    """What follows from the size of the state."""
    facts, hidden = rule.facts, rule.options.hidden or 128
    rule.take("embedding", max(8, hidden // 2), "half of hidden")
    ratio = facts.values / (3 * hidden * (hidden + (rule.options.embedding or 1)))
    why = f"{ratio:.1f} values for each recurrent weight"
    if facts.unpredictable:
        rule.take("dropout", 0.5, "nothing tried beats the last value")
    rule.take("dropout", 0.0 if ratio >= 3 else 0.1 if ratio >= 1 else 0.3 if ratio >= 0.1 else 0.5, why)
    clear = min(facts.rehearsal.drifting, facts.rehearsal.reverting) < _CLEAR
    why = "the series tell clearly" if clear else "much of the series cannot be told beforehand"
    rule.take("learning_rate", 1e-2 if clear else 5e-3, why)
