"""What an earlier forecaster learned from, where it is to be had, and how well a model does on its validation part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.tasks.earlier import Earlier, Memory
from throughtime.tasks.forecast.backtest import some_of
from throughtime.tasks.forecast.data import ForecastExamples, held_for_validation
from throughtime.tasks.forecast.fitted_series import FittedSeries
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.stream import SeriesModel
from throughtime.tasks.forecast.windows import Histories, Windows

_MOST = 2048
"""Windows, evenly spread."""


def recalled(earlier: Earlier, panel: Panel | None) -> ForecastExamples | None:
    """The series of an earlier model: from its file where that is as it was, or from the rows of a new table that
    begins with them; None where neither is so."""
    record, fitted = earlier.record, earlier.model.series
    data = record.data
    if fitted is None or data.features is None:
        return None
    try:
        if data.file is not None and Path(data.file).exists():
            found = ForecastExamples.of_table(Path(data.file), record.options, data.features)
            if found.series.digest() == data.sha256:
                return found
    except (UserError, ValueError, OSError):  # a file named in a folder may be anything
        pass
    return None if panel is None else _beginning(panel, fitted, data, record.options.horizon)


def _beginning(panel: Panel, fitted: FittedSeries, data: Any, horizon: int) -> ForecastExamples | None:
    """Of each of the model's series the rows that it learned, in a table that may have more."""
    numbers = {name: n for n, name in enumerate(panel.ids)}
    if any(name not in numbers for name in fitted.ids):
        return None
    part = some_of(panel, np.array([numbers[name] for name in fitted.ids])).head(fitted.index.learned)
    try:
        rows = data.features.apply(part, horizon)
    except UserError:
        return None
    series = Series(part.values, rows, fitted.ends.places - np.array(fitted.index.offsets))
    return ForecastExamples(series, part, data.features, data.known, True) if series.digest() == data.sha256 else None


def error_on(model: SeriesModel, examples: ForecastExamples, earlier: Earlier) -> Memory | str:
    """The mean absolute error of a model on what an earlier one was chosen by, each series in its own deviation."""
    options, fitted = earlier.record.options, earlier.model.series
    share = 0.1 if options.validation is None else options.validation
    held = held_for_validation(examples.series.values, share, options.horizon)
    if not held.any():
        return "the earlier training kept no validation part"
    series = examples.seen(earlier.record.data.neighbours)
    windows = Windows(Histories(earlier.record.model, series, fitted.statistics), held, last=True, most=_MOST)
    if not len(windows):
        return "its validation part has no window with values on both sides"
    numbers, origins = windows.origins.T
    found = model.predict_at(series, windows.origins, list(fitted.ids))
    middle = int(np.argmin(np.abs(np.array(model.levels) - 0.5))) if model.levels else 0
    actual = windows.histories.actual(numbers, origins)
    actual = actual if actual.ndim == 2 else actual[-1]
    errors = np.abs(found[..., middle] - actual) / fitted.statistics.measures[numbers, 1:]
    value = float(np.nanmean(errors))
    return Memory("mean absolute error in deviations", f"{len(windows):,} windows of its validation part", value)
