"""A forecaster that goes on with new rows: what was learned is not held out again, other tables are refused, and it
sees the neighbours that it saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tasks.forecast.test_company import chain
from throughtime import Forecaster
from throughtime.errors import UserError

FEW: dict[str, Any] = {"hidden": 4, "embedding": 4, "threads": 1, "quiet": True, "batch": 16, "steps": 2, "season": 7}
ON: dict[str, Any] = {"threads": 1, "quiet": True, "steps": 2}


def frame(days: int, freq: str = "D", first: int = 0) -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=days, freq=freq)[first:]
    steps = np.arange(first, days)
    return pd.DataFrame({"ds": times, "y": np.sin(steps / 3) + steps / 50, "shop": np.cos(steps / 5)})


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("old") / "m"
    Forecaster(3, past=["shop"], target="y", lookback=7).fit(frame(120), place, **FEW)
    return place


def test_only_what_comes_after_the_learned_rows_is_held_out(old: Any) -> None:
    model = Forecaster().fit(frame(160), start=old, **ON)
    assert model.examples is not None
    assert model.examples.before is not None
    learned = int(model.examples.before.learned[0])
    assert 90 < learned <= 120
    assert model.examples.series.lengths[0] >= learned
    assert int(model.examples.held(model.record.options)[0]) <= model.examples.series.lengths[0] - learned
    assert model.record is not None
    assert model.record.start is not None
    assert model.record.start.before is not None  # the table begins with the rows that were learned
    with pytest.raises(UserError, match="no series goes a horizon of 3 steps beyond"):
        Forecaster(holdout=0.1).fit(frame(learned), start=old, **ON)


def test_other_tables_are_refused(old: Any) -> None:
    for freq, words in (("h", "not a whole number of steps"), ("7D", "these values lie 7 of them apart")):
        with pytest.raises(UserError, match=words) as caught:
            Forecaster().fit(frame(160, freq), start=old, **ON)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="shop"):
        Forecaster().fit(frame(160).drop(columns="shop"), start=old, **ON)
    with pytest.raises(UserError, match=r"has past .* and what starts"):
        Forecaster(past=()).fit(frame(160), start=old, **ON)
    with pytest.raises(UserError, match=r"has neighbours .* and what starts"):
        Forecaster(neighbours=2).fit(frame(160), start=old, **ON)
    with pytest.raises(UserError, match="has horizon 3, and what starts"):
        Forecaster(5).fit(frame(160), start=old, **ON)


def test_the_neighbours_stay_and_series_that_lack_theirs_go_without(tmp_path: Any) -> None:
    values = chain(260)
    one = {name: values[:200, i] for i, name in enumerate("abc")}
    first = Forecaster(2, neighbours=1).fit(one, tmp_path / "m", **{**FEW, "season": 1})
    assert first.record is not None
    seen = first.record.data.neighbours
    assert seen is not None
    more = {name: values[:, i] for i, name in enumerate("abc")}
    model = Forecaster().fit(more, start=tmp_path / "m", **ON)
    assert model.record is not None
    assert model.record.data.neighbours == seen
    alone = Forecaster().fit({"d": values[:, 0]}, start=tmp_path / "m", **ON)
    assert alone.record is not None
    assert alone.record.data.neighbours == seen
    assert alone.predict().shape == (1, 2)
