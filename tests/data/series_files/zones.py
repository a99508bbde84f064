"""Clocks and time zones, and what is right to read in them, written by hand."""

from __future__ import annotations

from tests.data.series_files.situation import V3, Situation, rows

ZONES = [
    Situation(
        "days over a change of clocks",
        rows("d,v", "2024-03-30T00:00:00+01:00,1", "2024-03-31T00:00:00+01:00,2", "2024-04-01T00:00:00+02:00,3"),
        "2024-03-30 2024-03-31 2024-04-01",
        V3,
        frequency="1D",
    ),
    Situation(
        "months over a change of clocks",
        rows("d,v", "2024-03-01T00:00:00+01:00,1", "2024-04-01T00:00:00+02:00,2", "2024-05-01T00:00:00+02:00,3"),
        "2024-03-01 2024-04-01 2024-05-01",
        V3,
        frequency="1MS",
        options={"timezone": "Europe/Berlin"},
        zone="Europe/Berlin",
    ),
    Situation(
        "an hour that comes twice",
        rows("t,v", "2024-10-27 01:00,1", "2024-10-27 02:00,2", "2024-10-27 02:00,3", "2024-10-27 03:00,4"),
        "2024-10-27T01 2024-10-27T02 2024-10-27T02 2024-10-27T03",
        {"v": [1, 2, 3, 4]},
        options={"timezone": "Europe/Berlin"},
        frequency="1h",
        zone="Europe/Berlin",
    ),
    Situation(
        "an hour that comes twice, no zone",
        rows("t,v", "2024-10-27 01:00,1", "2024-10-27 02:00,2", "2024-10-27 02:00,3", "2024-10-27 03:00,4"),
        refused=("rows 3 and 4 are both of 2024-10-27 02:00", "timezone"),
    ),
    Situation(
        "an hour that is left out",
        rows("t,v", "2024-03-31 01:00,1", "2024-03-31 02:00,2", "2024-03-31 03:00,3"),
        options={"timezone": "Europe/Berlin"},
        refused=("row 3, column t: 2024-03-31 02:00:00 is left out by the clock of Europe/Berlin",),
    ),
    Situation(
        "one offset",
        rows("t,v", "2024-01-01T00:00+05:30,1", "2024-01-01T01:00+05:30,2", "2024-01-01T02:00+05:30,3"),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        zone="+05:30",
        frequency="1h",
    ),
    Situation(
        "UTC",
        rows("t,v", "2024-01-01T00:00Z,1", "2024-01-01T01:00Z,2", "2024-01-01T02:00Z,3"),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        zone="UTC",
    ),
    Situation(
        "business days in Tokyo",
        rows("d,v", *(f"2024-01-{n:02}T00:00+09:00,{n}" for n in (8, 9, 10, 11, 12, 15, 16, 17, 18, 19))),
        "",
        {"v": [8, 9, 10, 11, 12, 15, 16, 17, 18, 19]},
        zone="+09:00",
        frequency="B",
    ),
    Situation(
        "offsets in some rows",
        rows("t,v", "2024-01-01T00:00Z,1", "2024-01-01T01:00,2"),
        refused=("row 3: a time without an offset",),
    ),
    Situation(
        "seconds since 1970 in a zone",
        rows("timestamp,v", "1704067200,1", "1704070800,2", "1704074400,3"),
        "2024-01-01T09 2024-01-01T10 2024-01-01T11",
        V3,
        options={"timezone": "Asia/Tokyo"},
        zone="Asia/Tokyo",
    ),
]

ZONES += [
    Situation(
        "an hour that comes twice, backwards",
        rows("t,v", "2024-10-27 03:00,1", "2024-10-27 02:00,2", "2024-10-27 02:00,3", "2024-10-27 01:00,4"),
        "2024-10-27T01 2024-10-27T02 2024-10-27T02 2024-10-27T03",
        {"v": [4, 3, 2, 1]},
        options={"timezone": "Europe/Berlin"},
    ),
    Situation(
        "days of ISO weeks",
        rows("d,v", "2020-W53-6,1", "2020-W53-7,2", "2021-W01-1,3"),
        "2021-01-02 2021-01-03 2021-01-04",
        V3,
    ),
]
