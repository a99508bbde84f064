"""Rows that are doubled, missing or not in order, and what is right to read in them, written by hand."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, MONTHS3, V3, Situation, rows

GRIDS = [
    Situation(
        "two rows of one time",
        rows("day,v", "2024-01-01,1", "2024-01-02,2", "2024-01-02,3"),
        refused=("rows 3 and 4 are both of 2024-01-02", "aggregate"),
    ),
    Situation(
        "two rows of one time, taken together",
        rows("day,v", "2024-01-01,1", "2024-01-02,2", "2024-01-02,4", "2024-01-03,3"),
        DAYS3,
        {"v": [1, 3, 3]},
        options={"aggregate": "mean"},
    ),
    Situation(
        "days as months",
        rows("day,v", *(f"2024-01-{n:02},1" for n in range(1, 9))),
        options={"frequency": "MS"},
        refused=("rows 2 and 3 lie in one step of 1 month: 2024-01-01 and 2024-01-02", "aggregate"),
    ),
    Situation(
        "days as months, summed",
        rows("day,v", *(f"2024-{m:02}-{d:02},{m}" for m in (1, 2, 3) for d in (1, 5, 9))),
        MONTHS3,
        {"v": [3, 6, 9]},
        ("their sum",),
        options={"frequency": "MS", "aggregate": "sum"},
    ),
    Situation(
        "hours as days, their mean",
        rows("t,v", "2024-01-01 01:00,1", "2024-01-01 13:00,3", "2024-01-02 07:00,5", "2024-01-03 23:00,9"),
        DAYS3,
        {"v": [2, 5, 9]},
        options={"frequency": "D", "aggregate": "mean"},
    ),
    Situation(
        "times that waver",
        rows("t,v", "2024-01-01 00:00:01,1", "2024-01-01 00:00:59,2", "2024-01-01 00:02:02,3"),
        refused=("column t: no frequency is to be seen", "round"),
    ),
    Situation(
        "times that waver, moved",
        rows("t,v", "2024-01-01 00:00:01,1", "2024-01-01 00:00:59,2", "2024-01-01 00:02:02,3"),
        "2024-01-01T00:00 2024-01-01T00:01 2024-01-01T00:02",
        V3,
        ("3 times moved", "by up to 2 s"),
        {"round": True, "frequency": "1min"},
    ),
    Situation(
        "the 30th of each month",
        rows("d,v", "2024-01-30,1", "2024-02-29,2", "2024-03-30,3"),
        "2024-01-30 2024-02-29 2024-03-30 2024-04-30",
        V3,
        frequency="1M-30",
    ),
    Situation(
        "the 28th from a February",
        rows("d,v", "2023-02-28,1", "2023-03-28,2", "2023-04-28,3"),
        "2023-02-28 2023-03-28 2023-04-28 2023-05-28",
        V3,
        frequency="1M-28",
    ),
    Situation(
        "the ends of months from a February",
        rows("d,v", "2023-02-28,1", "2023-03-31,2", "2023-04-30,3"),
        "2023-02-28 2023-03-31 2023-04-30 2023-05-31",
        V3,
        frequency="1ME",
    ),
    Situation(
        "the business ends of months",
        rows("d,v", "2024-02-29,1", "2024-03-29,2", "2024-04-30,3"),
        "2024-02-29 2024-03-29 2024-04-30 2024-05-31 2024-06-28",
        V3,
        frequency="1BME",
    ),
    Situation(
        "a day that is on no grid",
        rows("d,v", "2024-01-01,1", "2024-02-01,2", "2024-03-01,3", "2024-04-02,4"),
        options={"frequency": "MS"},
        refused=("row 5, column d: 2024-04-02 is not a whole number of steps",),
    ),
]
