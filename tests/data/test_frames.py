"""Frames, Series and arrays as people have them."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.data.frequency import Frequency
from throughtime.data.series import read_series
from throughtime.errors import UserError

pd = pytest.importorskip("pandas")
DAYS = pd.date_range("2024-01-01", periods=3)


def shown(panel: Any, count: int = 3) -> list[str]:
    """The first times, as the clock shows them."""
    return [str(t)[:16] for t in panel.axis.local(panel.times(0, 0, count))]


@pytest.mark.parametrize(
    ("frame", "ids", "first", "frequency"),
    [
        (pd.DataFrame({"v": [1.0, 2, 3]}, index=DAYS), ["v"], "2024-01-01T00:00", "1D"),
        (pd.DataFrame({"v": [1.0, 2, 3]}, index=DAYS.rename("Date")), ["v"], "2024-01-01T00:00", "1D"),
        (pd.Series([1, 2, 3], index=DAYS, name="v"), ["v"], "2024-01-01T00:00", "1D"),
        (pd.Series([1, 2, 3], index=DAYS), ["y"], "2024-01-01T00:00", "1D"),
        (pd.Series([1, 2, 3], index=pd.period_range("2023-11", periods=3, freq="M")), ["y"], "2023-11-01T00:00", "1MS"),
        (
            pd.DataFrame({"q": pd.period_range("2023Q4", periods=3, freq="Q"), "v": [1, 2, 3]}),
            ["v"],
            "2023-10-01T00:00",
            "3MS",
        ),
        (
            pd.DataFrame({"v": [1, 2, 3]}, index=pd.Index([1999, 2000, 2001], name="year")),
            ["v"],
            "1999-01-01T00:00",
            "12MS",
        ),
        (
            pd.DataFrame({("Close", "AAPL"): [1, 2, 3], ("Close", "MSFT"): [1, 2, 3]}, index=DAYS.rename("Date")),
            ["Close AAPL", "Close MSFT"],
            "2024-01-01T00:00",
            "1D",
        ),
        (pd.DataFrame({0: [1, 2, 3], 1: [1, 2, 3], "t": DAYS}), ["0", "1"], "2024-01-01T00:00", "1D"),
        (
            pd.DataFrame({"v": [1, 2, 3]}, index=pd.MultiIndex.from_product([["a"], DAYS], names=["unique_id", "ds"])),
            ["a"],
            "2024-01-01T00:00",
            "1D",
        ),
        (pd.DataFrame({"d": DAYS, "v": pd.array([1, 2, 3], "Int64")}), ["v"], "2024-01-01T00:00", "1D"),
        (
            pd.DataFrame({"d": DAYS.tz_localize("Asia/Tokyo"), "v": [1, 2, 3], "k": pd.Categorical(["a", "b", "a"])}),
            ["v"],
            "2024-01-01T00:00",
            "1D",
        ),
        (pd.DataFrame({"d": [t.date() for t in DAYS], "v": [1, 2, 3]}), ["v"], "2024-01-01T00:00", "1D"),
        (pd.DataFrame({"d": DAYS.astype(str), "v": ["1", "2", "3"]}), ["v"], "2024-01-01T00:00", "1D"),
        (pd.DataFrame({"d": DAYS, "v": [1, 2, 3]}).iloc[::-1], ["v"], "2024-01-01T00:00", "1D"),
    ],
    ids=str,
)
def test_frames_of_pandas(frame: Any, ids: list[str], first: str, frequency: str) -> None:
    panel = read_series(frame)
    assert panel.ids == ids
    assert all(one.tolist() == [1, 2, 3] for one in panel.values)
    assert shown(panel)[0] == first
    assert panel.axis.frequency == frequency


def test_what_a_frame_cannot_be() -> None:
    with pytest.raises(UserError, match="two columns are named 'v'; rename one of them"):
        read_series(pd.DataFrame([[1, 2], [3, 4]], columns=["v", "v"]))
    fine = pd.DataFrame({"d": pd.DatetimeIndex(DAYS).as_unit("ns") + pd.Timedelta(1, "ns"), "v": [1, 2, 3]})
    with pytest.raises(UserError, match="column d: times finer than microseconds; round them"):
        read_series(fine)
    with pytest.raises(UserError, match="row 1, column d: the time is missing"):
        read_series(pd.DataFrame({"d": [DAYS[0], pd.NaT, DAYS[2]], "v": [1, 2, 3]}))


def test_numbers_of_rows_are_no_series() -> None:
    frame = pd.DataFrame({"d": pd.date_range("2024-01-01", periods=5), "v": range(10, 15)})
    assert read_series(frame[frame.v != 12]).values[0][[0, 1, 3]].tolist() == [10, 11, 13]


def test_masked_arrays_and_records() -> None:
    masked = np.ma.masked_array([1.0, 2, 3], [False, True, False])
    assert np.isnan(read_series(masked).values[0][1])
    assert np.isnan(read_series({"ds": [1, 2, 3], "v": masked}).values[0][1])
    assert np.isnan(read_series(np.ma.masked_array([[1, 2], [3, 4]], [[False, True], [False, False]])).values[1][0])
    records = np.array([(2001.0, 5), (2002.0, 6)], [("YEAR", float), ("v", int)])
    panel = read_series(records)
    assert panel.ids == ["v"]
    assert shown(panel, 2) == ["2001-01-01T00:00", "2002-01-01T00:00"]


def test_a_series_of_polars() -> None:
    polars = pytest.importorskip("polars")
    assert read_series(polars.Series("v", [1, 2, 3])).values[0].tolist() == [1, 2, 3]
    frame = polars.DataFrame({"t": DAYS.to_list(), "v": [1, 2, None]})
    panel = read_series(frame)
    assert shown(panel)[2] == "2024-01-03T00:00"
    assert np.isnan(panel.values[0][2])


def test_parquet_keeps_the_index_of_pandas(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"v": [1, 2, 3]}, index=DAYS).to_parquet(tmp_path / "a.parquet")
    panel = read_series(tmp_path / "a.parquet")
    assert panel.ids == ["v"]
    assert shown(panel)[1] == "2024-01-02T00:00"


def test_excel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"Day": DAYS, "v": [1.037, None, 3], "w": [1, 2, 3]})
    frame.to_excel(tmp_path / "a.xlsx", index=False, startrow=2)
    panel = read_series(tmp_path / "a.xlsx")
    assert panel.ids == ["v", "w"]
    assert panel.values[0][[0, 2]].tolist() == [1.037, 3]
    assert shown(panel)[2] == "2024-01-03T00:00"
    with pd.ExcelWriter(tmp_path / "b.xlsx") as book:
        frame.to_excel(book, sheet_name="one", index=False)
        frame.assign(v=[4, 5, "x"]).to_excel(book, sheet_name="two", index=False)
    with pytest.raises(UserError, match="there are sheets one, two; say which with sheet"):
        read_series(tmp_path / "b.xlsx")
    with pytest.raises(UserError, match="row 4, column v: expected a number, got 'x'"):
        read_series(tmp_path / "b.xlsx", sheet="two")
    assert read_series(tmp_path / "b.xlsx", sheet="one").ids == ["v", "w"]
    with zipfile.ZipFile(tmp_path / "d.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(1_000_000))
    monkeypatch.setenv("THROUGHTIME_MEMORY", "0.0005")
    with pytest.raises(UserError, match=r"would take 1.0 MB of memory or more"):
        read_series(tmp_path / "d.xlsx")
    (tmp_path / "c.xlsx").write_bytes(b"no archive")
    with pytest.raises(UserError, match="cannot be read as an Excel file"):
        read_series(tmp_path / "c.xlsx")


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (["2024-01-01", "9999-12-31 24:00"], "row 3, column ds: expected a time of the years 1 to 9999"),
        (["2024-01-01 00:00+01:00", "0001-01-01 00:00+05:00"], "row 3, column ds: expected a time of the years"),
        ([str(1 << 54), str((1 << 54) + 4096)], "row 2, column ds: expected the number of a step, below 9,0"),
    ],
)
def test_times_that_no_calendar_has(tmp_path: Path, times: list[str], words: str) -> None:
    (tmp_path / "a.csv").write_text("ds,y\n" + "".join(f"{time},1\n" for time in times))
    with pytest.raises(UserError, match=words):
        read_series(tmp_path / "a.csv")
    frame = {"ds": np.array(["2024-01-01", "+20000-01-01"], "datetime64[s]"), "y": [1.0, 2.0]}
    with pytest.raises(UserError, match="row 1, column ds: expected a time of the years 1 to 9999"):
        read_series(frame)


@pytest.mark.parametrize("alias", ["h", "D", "B", "W", "2MS", "QE", "YS"])
def test_steps_beyond_the_calendar(alias: str) -> None:
    frequency, start = Frequency.of(alias), np.datetime64("9990-01-01", "us")
    assert len(frequency.times(start, 9)) == 9
    for first in (90_000, 1 << 40, 1 << 60):
        with pytest.raises(UserError, match="reach beyond the calendar"):
            frequency.times(start, 2, first)


def test_rows_are_weighed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed file of many rows is refused before all of them are in memory, as is one of many columns."""
    monkeypatch.setenv("THROUGHTIME_MEMORY", "0.001")
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"ds,y\n" + b"1,1\n" * 12_000))
    with pytest.raises(UserError, match=r"a.csv.gz: it takes .* on the disk and would take 1.\d MB of memory"):
        read_series(path)
    path.write_bytes(gzip.compress(b"," * 5000))
    with pytest.raises(UserError, match="5,001 columns: it takes"):
        read_series(path)


def test_parquet_with_two_columns_of_one_name(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.Table.from_arrays([pyarrow.array([1.0, 2.0])] * 2, names=["v", "v"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match="several columns have one name"):
        read_series(tmp_path / "a.parquet")


def test_steps_of_a_microsecond_take_no_memory() -> None:
    times = np.datetime64("2024-01-01", "us") + np.arange(50)
    assert read_series({"ds": times, "y": np.arange(50.0)}).frequency == Frequency("fixed", 1)
