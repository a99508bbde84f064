"""What one asks a fitted Forecaster: frames with dates, from a date on, until a date; scikit-learn's habits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast.tables import TableForecaster

pandas = pytest.importorskip("pandas")

TINY: dict[str, Any] = {"hidden": 4, "embedding": 4, "lookback": 14, "threads": 1, "quiet": True}


def days(count: int = 60, zone: str | None = None) -> Any:
    """A week's course in a shop and in another one, from Monday, 1 January 2024 on."""
    when = pandas.date_range("2024-01-01", periods=count, freq="D" if zone is None else "h", tz=zone)
    course = np.tile([1.0, 2, 3, 4, 5, 9, 8], count)[:count]
    parts = [pandas.DataFrame({"shop": name, "day": when, "sold": k * course}) for k, name in ((1, "a"), (10, "b"))]
    return pandas.concat(parts, ignore_index=True)


def fitted(frame: Any, **more: Any) -> Forecaster:
    options = {**TINY, "time": "day", "id": "shop", "target": "sold", **more}
    quiet = options.pop("quiet")
    return Forecaster(3, **options).fit(frame, steps=2, batch=8, quiet=quiet)


@pytest.fixture(scope="module")
def model() -> Forecaster:
    return fitted(days())


def test_a_frame_goes_in_and_a_frame_comes_out(model: Forecaster) -> None:
    found = model.predict(days())
    assert list(found.columns) == ["shop", "day", "forecast"]
    assert found["shop"].tolist() == ["a"] * 3 + ["b"] * 3
    assert [str(day.date()) for day in found["day"]] == ["2024-03-01", "2024-03-02", "2024-03-03"] * 2
    own = model.predict()  # of what it was fitted on: the same
    assert own.equals(found)
    np.testing.assert_array_equal(own["forecast"], model.fitted().predict()[..., 0].ravel())
    assert model.forecast().point.shape == (2, 3)


def test_from_a_date_on_and_until_one(model: Forecaster) -> None:
    """What lies from the start on is not seen: the forecast is that from a table that ends there."""
    frame = days()
    early = model.predict(frame, start="2024-02-20")
    assert str(early["day"].iloc[0].date()) == "2024-02-20"
    before = model.predict(frame[frame["day"] < "2024-02-20"])
    assert early.equals(before)
    until = model.predict(until="2024-03-05")
    assert until.groupby("shop")["day"].max().astype(str).tolist() == ["2024-03-05"] * 2
    assert len(until) == 10
    later = model.predict(start="2024-03-03", until="2024-03-05")
    assert later.reset_index(drop=True).equals(until[until["day"] >= "2024-03-03"].reset_index(drop=True))
    assert len(model.predict(frame, 2, start="2024-03-04")) == 4
    for asked, words in (
        ({"until": "2024-02-29"}, "nothing is to come until 2024-02-29; the first forecast is for 2024-03-01"),
        ({"start": "2024-02-20"}, "the folder keeps the ends alone; give the data to forecast from 2024-02-20"),
        ({"series": frame, "start": "2023-01-01"}, "series a begins no earlier than 2023-01-01; ask for later"),
        ({"steps": 2, "until": "2024-03-05"}, "say how many steps, or until when, not both"),
    ):
        with pytest.raises(UserError, match=words):
            model.predict(**asked)


def test_the_zone_of_a_frame_is_kept() -> None:
    """Berlin's clock: summer time begins on 31 March at two o'clock, of which the forecasts know."""
    frame = days(90 * 24 - 2, "Europe/Berlin").query("shop == 'a'")  # ends on 30 March at 21 o'clock
    model = fitted(frame, timezone="Europe/Berlin")
    found = model.predict(steps=6)
    assert [one.isoformat() for one in found["day"]] == [
        "2024-03-30T22:00:00+01:00",
        "2024-03-30T23:00:00+01:00",
        "2024-03-31T00:00:00+01:00",
        "2024-03-31T01:00:00+01:00",
        "2024-03-31T03:00:00+02:00",
        "2024-03-31T04:00:00+02:00",
    ]
    assert model.predict(frame, 6).equals(found)  # with its data and without them


def test_one_row_is_enough_and_other_steps_are_refused(model: Forecaster) -> None:
    one = days()[:1].assign(day=pandas.Timestamp("2024-05-31"))
    assert [str(day.date()) for day in model.predict(one)["day"]] == ["2024-06-01", "2024-06-02", "2024-06-03"]
    hours = days(60).assign(day=pandas.date_range("2024-01-01", periods=120, freq="h"))
    with pytest.raises(UserError):
        model.predict(hours)
    weeks = days(20)
    weeks["day"] = pandas.date_range("2024-01-01", periods=20, freq="7D").tolist() * 2
    with pytest.raises(UserError, match="the model learned steps of 1 day, these values lie 7 of them apart"):
        model.predict(weeks)


def test_business_days_stay_business_days() -> None:
    frame = days(60).query("shop == 'a'").assign(day=pandas.bdate_range("2024-01-01", periods=60))
    model = fitted(frame)
    few = frame[-3:]  # 20 to 22 March, which by themselves might be any days
    assert [str(day.date()) for day in model.predict(few)["day"]] == ["2024-03-25", "2024-03-26", "2024-03-27"]


def test_blank_rows_at_the_end_do_not_move_the_start(model: Forecaster) -> None:
    frame = days()
    blank = frame.copy()
    blank.loc[blank["day"] > "2024-02-25", "sold"] = np.nan
    found = model.predict(blank)
    assert str(found["day"].iloc[0].date()) == "2024-02-26"
    assert found.equals(model.predict(frame[frame["day"] <= "2024-02-25"]))


def test_a_model_that_reads_the_calendar_is_given_dates(model: Forecaster) -> None:
    with pytest.raises(UserError, match=r"the model reads 9 features beside the values \(the calendar, covariates\)"):
        model.predict([np.arange(30.0)])


def test_scores_and_the_habits_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.base")
    model = fitted(days(), holdout=0.2, quantiles=[0.1, 0.5, 0.9])
    found = model.evaluate(days(), seconds=0)
    assert found["windows"] == 2 * (12 - 3 + 1)
    assert model.score(days()) == pytest.approx(-found["mae"])
    assert model.score() == pytest.approx(model.score(days()))
    again = sklearn.clone(model)
    assert again.get_params() == model.get_params()
    assert again.model is None
    assert again.set_params(hidden=7).get_params()["hidden"] == 7
    assert model.get_params()["hidden"] == 4


def test_backtests_with_refitting_are_a_table() -> None:
    model = fitted(days())
    found = model.cross_validation(windows=2, steps=1, batch=8)
    assert list(found.columns) == ["shop", "day", "cutoff", "y", "forecast"]
    assert len(found) == 2 * 2 * 3
    cutoffs = ["2024-02-23"] * 6 + ["2024-02-26"] * 6
    assert [str(day.date()) for day in found["cutoff"]] == cutoffs
    assert found["y"].tolist() == [9, 8, 1, 90, 80, 10, 2, 3, 4, 20, 30, 40]
    # each as a model that was trained, and whose options were chosen, on what lies before alone
    part = days()[days()["day"] <= "2024-02-23"]
    alone = fitted(part).fit(part, steps=1, batch=8)
    np.testing.assert_array_equal(alone.predict()["forecast"], found["forecast"][:6])
    same = model.cross_validation(cutoffs=["2024-02-23", "2024-02-26"], steps=1, batch=8)
    assert same.equals(found)
    plain = model.cross_validation(days(), windows=1, refit=False)
    assert [str(day.date()) for day in plain["day"][:3]] == ["2024-02-27", "2024-02-28", "2024-02-29"]
    assert "unique_id,ds,cutoff,y,forecast" in model.backtests(refit=False, windows=1).csv()
    with pytest.raises(UserError, match="no series has 2 values before and one after"):
        model.cross_validation(windows=40, refit=False)


def test_the_folder_answers_the_same(model: Forecaster, tmp_path: Any) -> None:
    model.save(tmp_path)
    table = TableForecaster.load(tmp_path)
    assert table.forecast().csv() == table.forecast(days()).csv() == model.forecast().csv()
