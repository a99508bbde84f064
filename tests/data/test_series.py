"""Series from files and frames: what is found in them, and what is said of what is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.data.calendar import features, names
from throughtime.data.dates import parse
from throughtime.data.frequency import Frequency, infer
from throughtime.data.series import read_series
from throughtime.data.written import Text
from throughtime.data.zones import to_utc
from throughtime.errors import UserError

nan = float("nan")


def dates(texts: list[str]) -> tuple[np.ndarray, list[str]]:
    """Texts that stand from row 2 on as UTC where they have offsets, and what is said of them."""
    read = parse(Text.of(texts), "here", 2 + np.arange(len(texts)))
    return read.stamps if read.offsets is None else read.stamps - read.offsets.astype("timedelta64[s]"), read.notes


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def hours(count: int, start: str = "2016-02-28T00") -> np.ndarray:
    return np.datetime64(start, "us") + np.arange(count) * np.timedelta64(1, "h")


def long_csv(path: Path) -> Path:
    lines = ["unique_id,ds,y,temp,promo,kind"]
    for name, start in (("a", 0), ("b", 100)):
        lines += [
            f"{name},{str(t)[:16]},{start + i},{i / 2},{i % 3},{'warm' if name == 'a' else 'cold'}"
            for i, t in enumerate(hours(30))
        ]
    return write(path, "\n".join(lines))


def test_a_long_table(tmp_path: Path) -> None:
    panel = read_series(long_csv(tmp_path / "a.csv"), past=["temp"], future=["promo"], static=["kind"])
    assert panel.ids == ["a", "b"]
    assert str(panel.frequency) == "1 hour"
    assert panel.frequency.seasons == (24, 168)
    assert panel.values[1].tolist() == [100.0 + i for i in range(30)]
    assert panel.past["temp"][0].tolist() == [i / 2 for i in range(30)]
    assert panel.future["promo"][1].tolist() == [i % 3 for i in range(30)]
    assert panel.static["kind"] == ["warm", "cold"]
    assert panel.times(0, 29, 2).tolist() == hours(31)[29:].tolist()
    assert panel.notes == ["time: column ds", "frequency: 1 hour"]


def test_rows_in_any_order_give_the_same(tmp_path: Path) -> None:
    head, *lines = long_csv(tmp_path / "a.csv").read_text().split("\n")
    np.random.default_rng(0).shuffle(lines)
    mixed = read_series(write(tmp_path / "b.csv", "\n".join([head, *lines])))
    plain = read_series(tmp_path / "a.csv")
    places = [mixed.ids.index(name) for name in plain.ids]
    assert [mixed.values[i].tolist() for i in places] == [one.tolist() for one in plain.values]
    assert any("order of time in 2 series" in note for note in mixed.notes)


def test_a_wide_table_and_its_gaps(tmp_path: Path) -> None:
    stamps = [str(t).replace("T", " ")[:19] for t in hours(30)]
    rows = [f"{t};{i};{'NA' if i == 3 else -i};text" for i, t in enumerate(stamps) if i not in (10, 11)]
    panel = read_series(write(tmp_path / "a.csv", "\n".join(["date;OT;HUFL;note", *rows])))
    assert panel.ids == ["OT", "HUFL"]
    assert np.flatnonzero(np.isnan(panel.values[0])).tolist() == [10, 11]
    assert np.flatnonzero(np.isnan(panel.values[1])).tolist() == [3, 10, 11]
    assert "2 steps missing, kept as missing values" in panel.notes
    only = read_series(tmp_path / "a.csv", "OT")
    assert only.ids == ["OT"]
    assert only.target == "OT"


def test_what_is_known_beforehand_reaches_on(tmp_path: Path) -> None:
    lines = ["ds,y,price"] + [f"{str(t)[:16]},{i if i < 25 else ''},{i}" for i, t in enumerate(hours(30))]
    panel = read_series(write(tmp_path / "a.csv", "\n".join(lines)), future=["price"])
    assert len(panel.values[0]) == 25
    assert len(panel.future["price"][0]) == 30
    panel.check_future(5)
    with pytest.raises(
        UserError, match="column price ends at 2016-02-29 05:00:00, 5 steps after the last y; 6 are needed"
    ):
        panel.check_future(6)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "parquet"])
def test_frames(tmp_path: Path, kind: str) -> None:
    library = pytest.importorskip("pyarrow" if kind == "parquet" else kind)
    columns: dict[str, Any] = {
        "unique_id": ["x"] * 5 + ["z"] * 5,
        "ds": np.tile(hours(5), 2),
        "y": [*map(float, range(9)), nan],
    }
    if kind in ("pandas", "polars"):
        source = library.DataFrame(columns)
    else:
        source = library.table(columns) if kind == "pyarrow" else None
    if kind == "parquet":
        from pyarrow import parquet

        source = tmp_path / "a.parquet"
        parquet.write_table(library.table(columns), source)
    panel = read_series(source)
    assert panel.ids == ["x", "z"]
    assert panel.values[0].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(panel.values[1][4])
    assert panel.times(1, 0, 5).tolist() == hours(5).tolist()


def test_arrays_and_zipped_files(tmp_path: Path) -> None:
    assert read_series(np.arange(6.0).reshape(3, 2)).values[1].tolist() == [1, 3, 5]
    assert read_series([np.arange(3), np.arange(4.0)]).ids == ["0", "1"]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbfstep\tflow\n5\t1\n6\t2\n8\t3\n"))
    panel = read_series(tmp_path / "a.csv.gz", time="step")
    assert panel.values[0][[0, 1, 3]].tolist() == [1, 2, 3]
    assert np.isnan(panel.values[0][2])
    assert panel.times(0, 0, 2).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("texts", "expected", "note"),
    [
        (["2016-03-01 14:00", "2016/03/02"], ["2016-03-01T14:00", "2016-03-02T00:00"], ""),
        (["20160301", "2016-04"], ["2016-03-01", "2016-04-01"], ""),
        (["04/01/2016 0:05", "13/01/2016 23:55:30"], ["2016-01-04T00:05", "2016-01-13T23:55:30"], "day first"),
        (["04/01/2016", "04/13/2016"], ["2016-04-01", "2016-04-13"], "month first"),
        (["05/01/2016", "06/01/2016", "01/02/2016"], ["2016-01-05", "2016-01-06", "2016-02-01"], "only so"),
        (["2016-03-01T14:00:00+02:00", "2016-03-01T14:00Z"], ["2016-03-01T12:00", "2016-03-01T14:00"], ""),
        (["2016-03-01 00:00:00.25"], ["2016-03-01T00:00:00.25"], ""),
    ],
)
def test_dates(texts: list[str], expected: list[str], note: str) -> None:
    found, notes = dates(texts)
    assert found.tolist() == np.array(expected, "datetime64[us]").tolist()
    assert note in " ".join(notes)


def test_a_zone_and_its_summer_time() -> None:
    zone = "Europe/Berlin"
    found, _ = to_utc(dates(["2016-03-27 01:30", "2016-03-27 03:30"])[0], zone)
    assert found.tolist() == np.array(["2016-03-27T00:30", "2016-03-27T01:30"], "datetime64[us]").tolist()
    local = features(found, Frequency.of("h"), zone)
    assert local[:, 0] == pytest.approx(np.sin(2 * np.pi * np.array([1.5, 3.5]) / 24), abs=1e-6)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["2016-03-01", "soon"], "here: row 3: expected a date such as 2016-03-01 14:00, got 'soon'"),
        (["2016-02-30"], "here: row 2: '2016-02-30' is no date"),
        (["13/01/2016", "01/13/2016"], "here: some dates have the day first and some the month"),
        (["01/02/2016", "01/02/2016"], "here: dates may have the day or the month first; say which with dayfirst"),
        (["2016-03-01 14:00Z", "2016-03-01 14:00"], "here: row 3: a time without an offset among times with one"),
    ],
)
def test_dates_that_cannot_be(texts: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        dates(texts)


@pytest.mark.parametrize(
    ("start", "alias", "said", "seasons"),
    [
        ("2016-01-30T10:00", "15min", "15 minutes", (96, 672)),
        ("2016-01-30T10:00", "h", "1 hour", (24, 168)),
        ("2016-01-30", "D", "1 day", (7,)),
        ("2016-01-29", "B", "1 business day", (5,)),
        ("2016-01-31", "W", "1 week", (52,)),
        ("2016-01-01", "MS", "1 month", (12,)),
        ("2016-01-31", "ME", "1 month", (12,)),
        ("2016-03-31", "QE", "1 quarter", (4,)),
        ("2016-01-30", "M-30", "1 month (its day 30)", (12,)),
        ("2016-01-29", "BME", "1 month (its last business day)", (12,)),
        ("2016-02-01", "BQS", "1 quarter (its first business day)", (4,)),
        ("2016-05-15", "2M-15", "2 months (its day 15)", ()),
        ("2016-01-01", "YS", "1 year", ()),
    ],
)
def test_frequencies_are_found_again(start: str, alias: str, said: str, seasons: tuple[int, ...]) -> None:
    frequency = Frequency.of(alias)
    times = frequency.times(np.datetime64(start), 40)
    assert infer([np.delete(times, [7, 20])]) == frequency
    assert (str(frequency), frequency.seasons) == (said, seasons)
    assert Frequency.of(frequency.alias) == frequency
    steps = frequency.index(times)
    assert (steps - steps[0]).tolist() == list(range(40))


def test_the_ends_of_months() -> None:
    found = Frequency.of("ME").times(np.datetime64("2016-01-31"), 4).astype("datetime64[D]")
    assert [str(day) for day in found] == ["2016-01-31", "2016-02-29", "2016-03-31", "2016-04-30"]


def test_calendar_features() -> None:
    frequency = Frequency.of("h")
    found = features(hours(48), frequency)  # 2016-02-28 was a Sunday
    assert found.shape == (48, len(names(frequency)))
    assert found[6, :4] == pytest.approx([1, 0, 0, -1], abs=1e-6)
    assert names(frequency)[4 + int(found[0, 4:11].argmax())] == "Sunday"
    assert features(hours(3), Frequency("steps")).shape == (3, 0)


GOOD = "ds,y,x\n2016-01-01,1,1\n2016-01-02,2,1\n2016-01-03,3,1\n2016-01-04,4,1\n"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "a.csv: the file is empty"),
        ("ds,y\n", {}, "a.csv: there are no rows below the header"),
        ("1,2\n3,4\n", {}, "a.csv: the first row must name the columns, got '1,2'"),
        ("ds,y,y\n1,2,3\n", {}, "a.csv: two columns are named 'y'"),
        ("ds,y\n2016-01-01,2,3\n", {}, "a.csv: row 2 has 3 values, the header 2"),
        (GOOD, {"target": "z"}, "a.csv: no column 'z' for the target; there are ds, y, x"),
        (GOOD, {"future": ["price"]}, "a.csv: no column 'price' for a covariate"),
        (GOOD, {"past": ["y"]}, "a.csv: column y cannot be the target and something else"),
        (GOOD.replace("3,3,1", "3,warm,1"), {}, "a.csv: row 4, column y: expected a number, got 'warm'"),
        (GOOD.replace("3,3,1", "3,inf,1"), {}, "a.csv: row 4, column y: infinite"),
        (GOOD.replace("01-03", "01-02"), {}, "a.csv: rows 3 and 4 are both of 2016-01-02"),
        (GOOD.replace("01-03", "01-soon"), {}, "a.csv, column ds: row 4: expected a date"),
        (
            GOOD + "2016-01-05 06:00,5,1\n",
            {},
            "a.csv: row 6, column ds: 2016-01-05 06:00:00 is not a whole number of steps",
        ),
        (GOOD, {"frequency": "fast"}, "frequency: expected a name such as h, 15min"),
        (GOOD, {"timezone": "Moon"}, "expected the name of a time zone"),
        ("ds,y\n2016-01-01,\n2016-01-02,NA\n", {}, "a.csv: series y has no value at all; leave it out"),
        ("unique_id,ds,y,k\na,1,1,u\na,2,2,v\n", {"static": ["k"]}, "a.csv: row 3, column k: changes within series a"),
        ("unique_id,ds,y\na,1,1\na,3,2\na,3,2\n", {}, "a.csv: rows 3 and 4 of series a are both of 3"),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, text: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_series(write(tmp_path / "a.csv", text), **options)


def test_sources_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_series(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"ds,y\n1,\xff\n")
    with pytest.raises(UserError, match=r"b.csv: row 2: no UTF-8"):
        read_series(tmp_path / "b.csv")
    with pytest.raises(UserError, match=r"expected a file, a frame .* or arrays, got int"):
        read_series(3)
    with pytest.raises(UserError, match="series 1 must be"):
        read_series([np.ones(3), np.ones((2, 2))])


def test_counts_and_lengths_are_checked() -> None:
    panel = read_series(np.array([3.0, 0, nan, 2]))
    panel.check_counts()
    panel.check_length(4)
    with pytest.raises(UserError, match="the longest series, 0, has 4 steps, at least 5 are needed"):
        panel.check_length(5)
    with pytest.raises(UserError, match=r"series 0 at step 1: 0.5 is no count"):
        read_series(np.array([3.0, 0.5])).check_counts()


def test_ten_thousand_series_are_read_quickly(tmp_path: Path) -> None:
    import time

    lines = ["unique_id,ds,y"]
    days = [str(np.datetime64("2016-01-01") + i) for i in range(20)]
    lines += [f"s{n},{day},{n + i}" for n in range(10_000) for i, day in enumerate(days)]
    path = write(tmp_path / "a.csv", "\n".join(lines))
    began = time.perf_counter()
    panel = read_series(path)
    assert len(panel) == 10_000
    assert panel.values[77].tolist() == [77.0 + i for i in range(20)]
    assert time.perf_counter() - began < 20
