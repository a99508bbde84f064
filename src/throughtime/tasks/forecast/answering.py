"""What one asks a fitted Forecaster: what comes next, how good it is, what it would have said earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.frequency import Frequency
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.estimator import Estimator, Say
from throughtime.tasks.forecast import backtest
from throughtime.tasks.forecast.answers import Forecasts
from throughtime.tasks.forecast.backtest import Backtests
from throughtime.tasks.forecast.callers import Caller, caller_of, usual
from throughtime.tasks.forecast.data import ForecastExamples
from throughtime.tasks.forecast.model import WHO
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.score import evaluate
from throughtime.tasks.forecast.series import Series, as_series
from throughtime.tasks.forecast.stream import SeriesModel
from throughtime.tasks.forecast.tables import TableForecaster

_LEAST = 2
"""Values before the first origin of a backtest; a training may need more, and says so."""


class Answering(Estimator[ForecastOptions, ForecastExamples, Any, SeriesModel]):
    """A Forecaster once it is fitted: predict, forecast, evaluate, score, cross_validation."""

    _caller: Caller | None = None

    def predict(self, series: Any = None, steps: int | None = None, *, start: Any = None, until: Any = None) -> Any:
        """What comes after the ends of series, None for those it was fitted on, in their own units.

        steps: how many; beyond the horizon K the model goes on from its own forecasts. start: the time of the first
        forecast, where it is not the step after the end; until: that of the last one, in place of `steps`. Both are
        texts, dates or numpy's datetimes, on the data's own clock.

        Returns for arrays (N, K), or (N, K, Q) for quantiles, float64. For a frame of pandas, polars or pyarrow, and
        for what it was fitted on where that was one, a frame of the same kind: the series' name, the time, forecast,
        and a column for each quantile; so too where start or until are given, or a file.
        """
        model, caller = self.fitted(), self._caller_of(series)
        if caller is None and start is None and until is None and not isinstance(series, str | Path | Panel):
            some = series if series is None or isinstance(series, Series) else Series(as_series(series))
            forecasts = model.predict(some, steps=steps)
            return forecasts if model.levels else forecasts[..., 0]
        return self.forecast(series, steps, start=start, until=until).frame(caller or usual())

    def forecast(
        self, data: Any = None, steps: int | None = None, *, start: Any = None, until: Any = None
    ) -> Forecasts:
        """The same as `predict`, of a table or what it was fitted on, with ids, times and all that a picture needs."""
        return self._table().forecast(_source(data), steps, start, until)

    def evaluate(
        self,
        data: Any = None,
        stride: int | None = None,
        seconds: float | None = None,
        metric: str | None = None,
        say: Say = lambda line: None,
    ) -> dict[str, Json]:
        """A backtest from rolling origins, beside the baselines; see throughtime.tasks.forecast.score.evaluate.

        data: a Panel or a table read as in training, whose steps that were not learned from are forecast; None: those
        that `holdout` kept apart. seconds: for each of the slow baselines, None for what the options say.
        """
        table, series = self._table(), None
        panel, examples = self._panel(data), self.examples
        if data is None and examples is not None and not examples.table:
            series = Series(panel.values, examples.series.features, examples.series.phases, *table.beside(panel))
        seconds = table.record.options.seconds if seconds is None else seconds
        return evaluate(table, panel, series, stride, seconds, metric, say)

    def score(self, data: Any = None, y: Any = None) -> float:
        """The mean absolute error of `evaluate`, negative: the higher, the better, as scikit-learn has it. y: none."""
        return -float(self.evaluate(data, seconds=0)["mae"])  # type: ignore[arg-type]

    def cross_validation(
        self,
        data: Any = None,
        windows: int = 5,
        stride: int | None = None,
        *,
        cutoffs: Sequence[Any] = (),
        refit: bool = True,
        quiet: bool = True,
        **changes: Any,
    ) -> Any:
        """Forecasts from earlier origins beside what came: a frame of the series' name, the time, cutoff (the last time
        that was seen), y, forecast, and a column for each quantile.

        data: as for `fit`, None for what it was fitted on. windows: how many origins, `stride` steps apart (a horizon
        where None), the last of them a horizon before the end. cutoffs: times of the last value seen, instead. refit:
        whether the model is trained anew for each of them on what lies before, as often as there are origins; without
        it this model forecasts, which may have learned what it forecasts. changes: options of these trainings, such as
        minutes. The frame is of the kind the data are; score.judge and `evaluate` compare with the baselines.
        """
        tests = self.backtests(data, windows, stride, cutoffs=cutoffs, refit=refit, quiet=quiet, **changes)
        return tests.frame(self._caller_of(data) or usual())

    def backtests(
        self,
        data: Any = None,
        windows: int = 5,
        stride: int | None = None,
        *,
        cutoffs: Sequence[Any] = (),
        refit: bool = True,
        quiet: bool = True,
        **changes: Any,
    ) -> Backtests:
        """What `cross_validation` returns as a frame: forecasts, origins and the series."""
        table, panel = self._table(), self._panel(data)
        if table.record.data.features is None:
            raise UserError(f"{WHO}: features were given as arrays, which a backtest has not; give a table")
        origins = backtest.cutoffs(panel, table.model.config.horizon, _LEAST, windows, stride, cutoffs)
        if refit:
            return backtest.refitted(self, panel, origins, quiet, **changes)
        every = np.concatenate(origins)
        values = table.model.predict_at(table.series(panel), every, panel.ids)
        return Backtests(panel, every, values, table.model.levels)

    def _table(self) -> TableForecaster:
        """Itself as a reader of tables; UserError where it is not fitted."""
        model = self.fitted()
        assert self.record is not None  # what is fitted has a record
        return TableForecaster(model, self.record)

    def _panel(self, data: Any) -> Panel:
        """Data as a Panel, None for what it was fitted on."""
        if data is None:
            if self.examples is None:
                raise UserError(f"{WHO}: it keeps no series of its own; give data")
            return self.examples.panel
        return self._table().read(_source(data))

    def _caller_of(self, data: Any) -> Caller | None:
        """How answers to data are to look, None as arrays; of no data as those to what it was fitted on."""
        record = self.record
        if data is None or record is None:
            return self._caller
        asked = record.options.id
        return caller_of(data, record.data.axis, asked[0] if len(asked) == 1 else record.data.id)


def _source(data: Any) -> Any:
    """Data as a TableForecaster takes them: arrays, or a mapping of names to such, as a Panel of rows without dates."""
    if not isinstance(data, Mapping | list | tuple | np.ndarray):
        return data
    values = as_series(data)
    names = [str(name) for name in (data if isinstance(data, Mapping) else range(len(values)))]
    return Panel(names, [0] * len(values), Frequency("steps"), values)
