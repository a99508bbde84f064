"""Tables below other tables, under several rows of names, or put together, and what is right to read in them."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, MONTHS3, V3, Situation, days, rows

_VALUES: list[float | None] = [n + 0.5 for n in range(84)]
_HOURS = [f"2024-01-01T{h:02}:00,{h + 1}" for h in range(12)]
HOURS12 = " ".join(one.partition(",")[0] for one in _HOURS)
V12 = {"v": [float(n) for n in range(1, 13)]}
BERLIN = {"Berlin temp": [1, 2], "Berlin wind": [3, 4], "Paris temp": [5, 6], "Paris wind": [7, 8]}
_TWO_DAYS = ("2024-01-01,1,3,5,7", "2024-01-02,2,4,6,8")

HEADS = [
    Situation(
        "a place above its table, as Open-Meteo writes it",
        rows("latitude,longitude,timezone", "52.52,13.41,GMT", "", "time,v", *_HOURS),
        HOURS12,
        V12,
        ("left out above the table: 2 rows ('latitude')",),
        frequency="1h",
    ),
    Situation(
        "a place above its table of as many columns",
        rows("latitude,longitude", "52.52,13.41", "", "time,v", *_HOURS),
        HOURS12,
        V12,
        ("left out above the table: 2 rows",),
    ),
    Situation(
        "two tables",
        rows("date,v", "2024-01-01,1", "2024-01-02,2", "", "date,w,x", "2024-01-01,1,2", "2024-01-02,2,3"),
        refused=("row 5 has 3 values, the header 2",),
    ),
    Situation(
        "lines of another separator above and below, as PVGIS writes them",
        rows(
            "Latitude (decimal degrees):\t45.000",
            "Elevation (m):\t250",
            "",
            "time,P,v",
            *(f"20240101:{h:02}10,0.0,{h + 1}" for h in range(12)),
            "",
            "P: PV system power (W)",
            "PVGIS (c) European Union, 2001-2024",
        ),
        " ".join(f"2024-01-01T{h:02}:10" for h in range(12)),
        {"P": [0.0] * 12, **V12},
        ("left out above the table: 2 rows", "left out below the table: row 18"),
    ),
    Situation(
        "words above columns with spaces between",
        rows("Title:    Rate", "Units:    Percent", "", "DATE    v", *(f"2024-{m:02}-01    {m}" for m in range(1, 13))),
        " ".join(f"2024-{m:02}-01" for m in range(1, 13)),
        V12,
        ("left out above the table: 2 rows ('Title:')",),
        frequency="1MS",
    ),
    Situation(
        "files put together",
        rows("d,v", "2024-01-01,1", "2024-01-02,2", "d,v", "2024-01-03,3"),
        DAYS3,
        V3,
        ("left out: the header once, row 4",),
    ),
    Situation(
        "names of groups above names",
        rows("date,Berlin,,Paris,", ",temp,wind,temp,wind", *_TWO_DAYS),
        "2024-01-01 2024-01-02",
        BERLIN,
    ),
    Situation(
        "names of groups, each time, with units",
        rows("date,Berlin,Berlin,Paris,Paris", ",temp,wind,temp,wind", ",C,m/s,C,m/s", *_TWO_DAYS),
        "2024-01-01 2024-01-02",
        BERLIN,
        ("units left out: row 3",),
    ),
    Situation(
        "names of groups above all names",
        rows(",Berlin,,Paris,", "date,temp,wind,temp,wind", *_TWO_DAYS),
        "2024-01-01 2024-01-02",
        BERLIN,
        ("time: column date",),
    ),
    Situation(
        "units of two columns",
        rows("date,v,w", ",C,C", "2024-01-01,1,4", "2024-01-02,2,5", "2024-01-03,3,6"),
        DAYS3,
        {**V3, "w": [4, 5, 6]},
        ("units left out: row 2 (C, C)",),
    ),
    Situation(
        "values and their flags without a header",
        rows("US1 2024 TMAX   1  X   11  X", "US1 2024 TMIN   2  X   12  X", "US1 2024 PRCP   3  X   13  X"),
        refused=("the first row must name the columns", "say there is no header"),
    ),
    Situation(
        "R's names of rows",
        rows('"d" "v"', '"1" "2024-01-01" 1', '"2" "2024-01-02" 2', '"3" "2024-01-03" 3'),
        DAYS3,
        V3,
        ("left out: column 1 (numbers of the rows)",),
    ),
    Situation(
        "months, and what they are together", rows("m,v", "2024-01,1", "2024-02,2", "2024-03,3", "Mean,2"), MONTHS3, V3
    ),
    Situation("a value that says no more", days("v", "1", "2", "3") + "as of May\n", DAYS3, V3, ("left out below",)),
    Situation(
        "decimal commas in every row of two columns",
        rows("Tag;v", *(f"{n // 28 + 1:02}/{n % 28 + 1:02}/2024;{n},5" for n in range(84))),
        "2024-01-01 2024-01-02 2024-01-03",
        {"v": [*_VALUES[:28], *[None] * 3, *_VALUES[28:56], None, *_VALUES[56:]]},
        ("numbers with a decimal comma",),
        frequency="1D",
    ),
    Situation(
        "a count of the rows under any name",
        rows("k,v", *(f"{n},{n % 5}.5" for n in range(40))),
        values={"v": [n % 5 + 0.5 for n in range(40)]},
        says=("rows are steps", "left out: k (numbers of the rows)"),
    ),
    Situation(
        "the month first, as only so hours are equally far apart",
        rows(
            "t,v",
            *(
                f"01/0{d}/2024 {(h - 1) % 12 + 1}:00 {'PM' if h > 11 else 'AM'},{h}"
                for d in (1, 2, 3)
                for h in range(24)
            ),
        ),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        {"v": [float(h) for _ in range(3) for h in range(24)]},
        ("the month first",),
        frequency="1h",
    ),
    Situation(
        "Chinese halves of years",
        rows("时间,v", "2023年上半年,1", "2023年下半年,2", "2024年上半年,3"),
        "2023-01-01 2023-07-01 2024-01-01",
        V3,
    ),
    Situation(
        "Chinese weeks",
        rows("周,v", "2020年第52周,1", "2020年第53周,2", "2021年第1周,3"),
        "2020-12-21 2020-12-28 2021-01-04",
        V3,
    ),
]
