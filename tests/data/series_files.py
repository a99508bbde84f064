"""Small files as people have them, and what is right to read in them, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Situation:
    """text: a file. options: of read_series. times: of the first series' steps, as its clock shows them. values: of
    each series by its name. says: words of the notes. zone, frequency: of the axis. refused: words of the refusal."""

    name: str
    text: str
    times: str = ""
    values: Mapping[str, list[float | None]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    frequency: str | None = None
    zone: str | None = None
    refused: tuple[str, ...] = ()


def rows(*lines: str) -> str:
    """A file of lines."""
    return "\n".join(lines) + "\n"


def days(first: str, *values: str) -> str:
    """A file of a column d, days from 2024-01-01 on, and a column of values named as the first says."""
    return rows(f"d,{first}", *(f"2024-01-{n:02},{value}" for n, value in enumerate(values, 1)))


V3 = {"v": [1.0, 2.0, 3.0]}
DAYS3 = "2024-01-01 2024-01-02 2024-01-03"
MONTHS3 = "2024-01-01 2024-02-01 2024-03-01"

TIMES = [
    Situation(
        "a column of months",
        rows("Month,Passengers", "1949-01,112", "1949-02,118", "1949-03,132"),
        "1949-01-01 1949-02-01 1949-03-01",
        {"Passengers": [112, 118, 132]},
        ("time: column Month",),
        frequency="1MS",
    ),
    Situation(
        "Keras' weather",
        rows(
            '"Date Time","p (mbar)","T (degC)"',
            "13.01.2009 00:10:00,996.52,-8.02",
            "13.01.2009 00:20:00,996.57,-8.41",
            "13.01.2009 00:30:00,996.53,-8.51",
        ),
        "2009-01-13T00:10 2009-01-13T00:20 2009-01-13T00:30",
        {"p (mbar)": [996.52, 996.57, 996.53], "T (degC)": [-8.02, -8.41, -8.51]},
        ("column Date Time", "the day first"),
    ),
    Situation(
        "traffic",
        rows("5 Minutes,Flow", "04/13/2016 0:00,53", "04/13/2016 0:05,49", "04/13/2016 0:10,50"),
        "2016-04-13T00:00 2016-04-13T00:05 2016-04-13T00:10",
        {"Flow": [53, 49, 50]},
        ("column 5 Minutes",),
        frequency="5min",
    ),
    Situation(
        "years",
        rows("year,v", "1999,1", "2000,2", "2001,3"),
        "1999-01-01 2000-01-01 2001-01-01",
        V3,
        ("years",),
        frequency="12MS",
    ),
    Situation(
        "years with a point", rows("YEAR,v", "1999.0,1", "2000.0,2", "2001.0,3"), "1999-01-01 2000-01-01 2001-01-01", V3
    ),
    Situation(
        "Chinese names", rows("日期,销量", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3"), DAYS3, {"销量": [1, 2, 3]}
    ),
    Situation("Chinese dates", rows("时间,v", "2024年1月1日,1", "2024年1月2日,2", "2024年1月3日,3"), DAYS3, V3),
    Situation(
        "an index without a name", rows(",v", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3"), DAYS3, V3, ("column 1",)
    ),
    Situation(
        "numbers of rows without a name",
        rows(",date,v", "0,2024-01-01,1", "1,2024-01-02,2", "2,2024-01-03,3"),
        DAYS3,
        V3,
        ("left out: column 1 (numbers of the rows)",),
    ),
    Situation(
        "parts in columns",
        rows("No,year,month,day,hour,pm2.5", "1,2024,1,1,22,5", "2,2024,1,1,23,6", "3,2024,1,2,0,NA"),
        "2024-01-01T22 2024-01-01T23 2024-01-02T00",
        {"pm2.5": [5, 6, None]},
        ("columns year, month, day, hour", "No (numbers of the rows)"),
        frequency="1h",
    ),
    Situation(
        "year and quarter",
        rows("year,quarter,gdp", "2023.0,3.0,1.5", "2023.0,4.0,2.5", "2024.0,1.0,3.5"),
        "2023-07-01 2023-10-01 2024-01-01",
        {"gdp": [1.5, 2.5, 3.5]},
        ("columns year and quarter",),
        frequency="3MS",
    ),
    Situation(
        "year and month's name",
        rows("year,month,v", "2023,Nov,1", "2023,Dec,2", "2024,Jan,3"),
        "2023-11-01 2023-12-01 2024-01-01",
        V3,
    ),
    Situation(
        "day and time of day",
        rows("Date;Time;v", "31/12/2023;23:58:00;1", "31/12/2023;23:59:00;2", "01/01/2024;00:00:00;3"),
        "2023-12-31T23:58 2023-12-31T23:59 2024-01-01T00:00",
        V3,
        ("columns Date and Time",),
        frequency="1min",
    ),
    Situation(
        "day and hour",
        rows("instant,dteday,hr,cnt", "1,2024-01-01,22,1", "2,2024-01-01,23,2", "3,2024-01-02,0,3"),
        "2024-01-01T22 2024-01-01T23 2024-01-02T00",
        {"cnt": [1, 2, 3]},
        ("columns dteday and hr", "instant (numbers"),
    ),
    Situation(
        "yyyymm",
        rows("period,v", "202311,1", "202312,2", "202401,3"),
        "2023-11-01 2023-12-01 2024-01-01",
        V3,
        ("year and month",),
    ),
    Situation("yyyymmdd", rows("ds,v", "20240101,1", "20240102,2", "20240103,3"), DAYS3, V3, frequency="1D"),
    Situation(
        "yyyymmddhh",
        rows("time,v", "2023123122,1", "2023123123,2", "2024010100,3"),
        "2023-12-31T22 2023-12-31T23 2024-01-01T00",
        V3,
    ),
    Situation(
        "yyyyww",
        rows("week,v", "202051,1", "202052,2", "202053,3", "202101,4"),
        "2020-12-14 2020-12-21 2020-12-28 2021-01-04",
        {"v": [1, 2, 3, 4]},
        frequency="1W",
    ),
    Situation(
        "seconds since 1970",
        rows("timestamp,v", "1704067200,1", "1704070800,2", "1704074400,3"),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        ("seconds since 1970",),
    ),
    Situation(
        "milliseconds since 1970",
        rows("t,v", "1704067200000,1", "1704067200250,2", "1704067200500,3"),
        "2024-01-01T00 2024-01-01T00:00:00.25 2024-01-01T00:00:00.5",
        V3,
        frequency="250ms",
    ),
    Situation("Excel's days", rows("Date,v", "45292,1", "45293,2", "45294,3"), DAYS3, V3, ("Excel",)),
    Situation(
        "Excel's hours",
        rows("time,v", "45292.041667,1", "45292.083333,2", "45292.125,3"),
        "2024-01-01T01 2024-01-01T02 2024-01-01T03",
        V3,
    ),
    Situation(
        "Excel's days or steps",
        rows("ds,v", "45292,1", "45293,2", "45294,3"),
        refused=("45292 may be a day as Excel", "date_format"),
    ),
    Situation(
        "Excel's days, asked for",
        rows("ds,v", "45292,1", "45293,2", "45294,3"),
        DAYS3,
        V3,
        options={"date_format": "excel"},
    ),
    Situation(
        "quarters of decimal years",
        rows("t,v", "2023.5,1", "2023.75,2", "2024.0,3"),
        "2023-07-01 2023-10-01 2024-01-01",
        V3,
        frequency="3MS",
    ),
    Situation(
        "months of decimal years",
        rows("decimal date,v", "1958.2027,1", "1958.2877,2", "1958.3699,3"),
        "1958-03-01 1958-04-01 1958-05-01",
        V3,
        frequency="1MS",
    ),
    Situation(
        "quarters",
        rows("q,v", "2023-Q3,1", "2023-Q4,2", "2024-Q1,3"),
        "2023-07-01 2023-10-01 2024-01-01",
        V3,
        frequency="3MS",
    ),
    Situation(
        "quarters, turned", rows("q,v", "Q3 2023,1", "Q4 2023,2", "Q1 2024,3"), "2023-07-01 2023-10-01 2024-01-01", V3
    ),
    Situation(
        "ISO weeks", rows("week,v", "2020-W52,1", "2020-W53,2", "2021-W01,3"), "2020-12-21 2020-12-28 2021-01-04", V3
    ),
    Situation(
        "a week that is none", rows("week,v", "2021-W52,1", "2021-W53,2"), refused=("row 3", "'2021-W53' is no date")
    ),
    Situation(
        "names of months", rows("m,v", "Nov 2023,1", "Dec 2023,2", "Jan 2024,3"), "2023-11-01 2023-12-01 2024-01-01", V3
    ),
    Situation(
        "names of months in short",
        rows("m,v", "Nov-23,1", "Dec-23,2", "Jan-24,3"),
        "2023-11-01 2023-12-01 2024-01-01",
        V3,
    ),
    Situation(
        "English dates", rows("d,v", '"January 1, 2024",1', '"January 2, 2024",2', '"January 3, 2024",3'), DAYS3, V3
    ),
    Situation("British dates", rows("d,v", "1st Jan 2024,1", "2nd Jan 2024,2", "3rd Jan 2024,3"), DAYS3, V3),
    Situation(
        "dates of mail",
        rows(
            "d;v",
            "Mon, 01 Jan 2024 00:00:00 +0000;1",
            "Tue, 02 Jan 2024 00:00:00 +0000;2",
            "Wed, 03 Jan 2024 00:00:00 +0000;3",
        ),
        DAYS3,
        V3,
        zone="UTC",
    ),
    Situation(
        "AM and PM",
        rows("d,v", "1/13/2024 11:00 AM,1", "1/13/2024 12:00 PM,2", "1/13/2024 1:00 PM,3"),
        "2024-01-13T11 2024-01-13T12 2024-01-13T13",
        V3,
        frequency="1h",
    ),
    Situation(
        "two-digit years", rows("d,v", "30.12.98,1", "31.12.98,2", "01.01.99,3"), "1998-12-30 1998-12-31 1999-01-01", V3
    ),
    Situation(
        "two-digit years, open",
        rows("d,v", "01/02/03,1", "02/02/03,2", "03/02/03,3"),
        refused=(
            "day",
            "first; say which with dayfirst",
        ),
    ),
    Situation(
        "two-digit years, said",
        rows("d,v", "01/02/03,1", "02/02/03,2", "03/02/03,3"),
        "2003-02-01 2003-02-02 2003-02-03",
        V3,
        options={"dayfirst": True},
    ),
    Situation(
        "a way that is given",
        rows("d,v", "03-02-01,1", "03-02-02,2", "03-02-03,3"),
        "2003-02-01 2003-02-02 2003-02-03",
        V3,
        options={"date_format": "%y-%m-%d"},
    ),
    Situation(
        "day or month",
        rows("d,v", "01/02/2024,1", "01/03/2024,2", "01/04/2024,3"),
        refused=("the day or the month first",),
    ),
    Situation(
        "midnight without its hour",
        rows("d,v", "2024-01-01 22:00,1", "2024-01-01 23:00,2", "2024-01-02,3"),
        "2024-01-01T22 2024-01-01T23 2024-01-02T00",
        V3,
    ),
    Situation(
        "24:00",
        rows("d,v", "2024-01-01 23:00,1", "2024-01-01 24:00,2", "2024-01-02 01:00,3"),
        "2024-01-01T23 2024-01-02T00 2024-01-02T01",
        V3,
    ),
    Situation(
        "no time at all",
        rows("a,b", "1,5", "2,7", "4,6"),
        "0 1 2",
        {"a": [1, 2, 4], "b": [5, 7, 6]},
        ("no column of times: rows are steps",),
    ),
    Situation(
        "steps", rows("ds,v", "1,1", "2,2", "4,3"), "1 2 3 4", {"v": [1, 2, None, 3]}, ("whole numbers, one a step",)
    ),
    Situation(
        "two columns of times",
        rows("sent,received,v", "2024-01-01,2024-01-02,1", "2024-01-02,2024-01-03,2"),
        refused=("columns sent, received all hold times", "(time)"),
    ),
    Situation(
        "two columns of times, one named",
        rows("ds,received,v", "2024-01-01,2024-01-02,1", "2024-01-02,2024-01-03,2"),
        "2024-01-01 2024-01-02",
        {"v": [1, 2]},
        ("received (times)",),
    ),
    Situation(
        "a year among row numbers",
        rows(",v", "1999,1", "2000,2", "2001,3"),
        refused=("column 1 may be years or numbers of rows", "time"),
    ),
    Situation(
        "a slip among dates",
        rows("day,v", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3", "2024-01-04,4", "5 Jan,5"),
        refused=("column day: row 6", "expected a date", "'5 Jan'"),
    ),
    Situation(
        "a missing time",
        rows("day,v", "2024-01-01,1", ",2", "2024-01-03,3"),
        refused=("row 3, column day: the time is missing",),
    ),
]

TIMES += [
    Situation("a year in German", rows("Jahr;v", "1999;1", "2000;2", "2001;3"), "1999-01-01 2000-01-01 2001-01-01", V3),
    Situation(
        "years under any name",
        rows("season,v", "1999,1", "2000,2", "2001,3"),
        "1999-01-01 2000-01-01 2001-01-01",
        V3,
        ("time: column season",),
    ),
    Situation(
        "years that are not one after another",
        rows("wins,v", "1999,1", "2010,2", "2001,3"),
        "0 1 2",
        {"wins": [1999, 2010, 2001], **V3},
    ),
    Situation(
        "times of the day alone",
        rows("time,v", "00:00,1", "01:00,2", "02:00,3"),
        refused=("column time holds times of the day", "frequency steps"),
    ),
    Situation(
        "times of the day alone, as steps",
        rows("time,v", "00:00,1", "01:00,2", "02:00,3"),
        "0 1 2",
        V3,
        options={"frequency": "steps"},
    ),
]

NUMBERS = [
    Situation(
        "decimal commas",
        rows("d;v", "2024-01-01;1,5", "2024-01-02;2,25", "2024-01-03;1.037,5"),
        DAYS3,
        {"v": [1.5, 2.25, 1037.5]},
        ("decimal comma",),
    ),
    Situation(
        "a point that may be two things",
        rows("d;v", "2024-01-01;1.037", "2024-01-02;2.125"),
        refused=("row 2, column v", "'1.037' may be 1037 or 1.037", "decimal"),
    ),
    Situation(
        "a point that is said",
        rows("d;v", "2024-01-01;1.037", "2024-01-02;2.125", "2024-01-03;3.250"),
        DAYS3,
        {"v": [1037, 2125, 3250]},
        options={"thousands": "."},
    ),
    Situation(
        "a point that another cell explains",
        rows("d;v", "2024-01-01;1.037", "2024-01-02;2.5", "2024-01-03;3"),
        DAYS3,
        {"v": [1.037, 2.5, 3]},
    ),
    Situation(
        "thousands in quotes",
        rows("d,v", '2024-01-01,"1,234,567"', '2024-01-02,"2,000"', "2024-01-03,3"),
        DAYS3,
        {"v": [1234567, 2000, 3]},
    ),
    Situation(
        "a comma that may be two things",
        rows("d,v", '2024-01-01,"1,234"', '2024-01-02,"2,000"'),
        refused=("row 2", "may be 1234 or 1.234"),
    ),
    Situation(
        "spaces and apostrophes",
        rows("d,v,w", "2024-01-01,1 234.5,1'000", "2024-01-02,2 000.5,2'500", "2024-01-03,3,4"),
        DAYS3,
        {"v": [1234.5, 2000.5, 3], "w": [1000, 2500, 4]},
    ),
    Situation("percent", days("v", "1.5 %", "2%", "-3 %"), DAYS3, {"v": [1.5, 2, -3]}, ("column v: % left out",)),
    Situation(
        "percent in some",
        days("v", "1.5 %", "2", "3 %"),
        refused=("row 3, column v", "'2' stands among numbers with '%'"),
    ),
    Situation(
        "currency and parentheses",
        days("v", "$1.50", "($2.25)", "-$3"),
        DAYS3,
        {"v": [1.5, -2.25, -3]},
        ("$ left out",),
    ),
    Situation(
        "marks of what is missing",
        rows(
            "d,v",
            *(
                f"2024-01-{n:02},{mark}"
                for n, mark in enumerate(["1", "na", "n/a", "#N/A", ".", "--", "#DIV/0!", "NaT", "<NA>", "8"], 1)
            ),
        ),
        "",
        {"v": [1, *[None] * 8, 8]},
    ),
    Situation(
        "a mark that is said", days("v", "1", "sick", "3"), DAYS3, {"v": [1, None, 3]}, options={"missing": ("sick",)}
    ),
    Situation(
        "a mark that is not said", days("v", "1", "2", "sick", "4"), refused=("row 4, column v", "'sick'", "(missing)")
    ),
]

LAYOUTS = [
    Situation(
        "a comment and a title",
        rows("# made by hand", "Sales of Berlin", "day,v", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3"),
        DAYS3,
        V3,
        ("left out above the table: 2 rows ('# made by hand')",),
    ),
    Situation(
        "a padded title",
        rows("Sales,,", "day,v,w", "2024-01-01,1,4", "2024-01-02,2,5", "2024-01-03,3,6"),
        DAYS3,
        {**V3, "w": [4, 5, 6]},
        ("'Sales'",),
    ),
    Situation(
        "units",
        rows("day,v,w", ",m/s,°C", "2024-01-01,1,4", "2024-01-02,2,5", "2024-01-03,3,6"),
        DAYS3,
        {**V3, "w": [4, 5, 6]},
        ("units left out: row 2",),
    ),
    Situation(
        "a total",
        rows("day,v", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3", "Total,6"),
        DAYS3,
        V3,
        ("row 5 ('Total')",),
    ),
    Situation(
        "totals between",
        rows("day,v", "2024-01-01,1", "2024-01-02,2", "Total,3", "2024-01-03,3"),
        DAYS3,
        V3,
        ("1 rows of totals",),
    ),
    Situation(
        "a source",
        rows("day,v", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3", "", "Source: the office,"),
        DAYS3,
        V3,
        ("row 6",),
    ),
    Situation(
        "an empty row",
        rows("day,v", "2024-01-01,1", "", "2024-01-02,2", "2024-01-03,3"),
        DAYS3,
        V3,
        ("1 empty rows left out",),
    ),
    Situation("an empty row of steps", rows("v,w", "1,1", "", "2,2"), refused=("row 3 is empty",)),
    Situation(
        "no header", rows("2024-01-01,1", "2024-01-02,2"), refused=("the first row must name the columns", "no header")
    ),
    Situation(
        "no header, said",
        rows("2024-01-01,1", "2024-01-02,2", "2024-01-03,3"),
        DAYS3,
        {"column 2": [1, 2, 3]},
        options={"header": False},
    ),
    Situation(
        "numbers as names",
        rows("day,1,2", "2024-01-01,1,4", "2024-01-02,2,5", "2024-01-03,3,6"),
        DAYS3,
        {"1": [1, 2, 3], "2": [4, 5, 6]},
    ),
    Situation(
        "two columns of one name",
        rows("day,v,v", "2024-01-01,1,4", "2024-01-02,2,5"),
        refused=("two columns are named 'v'; rename",),
    ),
    Situation(
        "two columns of one name, unused",
        rows("day,w,x,x", "2024-01-01,1,4,4", "2024-01-02,2,5,5", "2024-01-03,3,5,5"),
        DAYS3,
        {"w": [1, 2, 3]},
        options={"target": "w"},
    ),
    Situation("a separator at the end", rows("day,v,", "2024-01-01,1,", "2024-01-02,2,", "2024-01-03,3,"), DAYS3, V3),
    Situation("spaces between columns", rows("day v", "2024-01-01 1", "2024-01-02  2", "2024-01-03 3"), DAYS3, V3),
    Situation(
        "a decimal comma between commas",
        rows("day,v", "2024-01-01,1,5", "2024-01-02,2,5"),
        refused=("row 2 has 3 values, the header 2", "decimal comma"),
    ),
    Situation(
        "series in rows, as M4 has them",
        rows('"V1","V2","V3","V4"', '"Y1",5,6,7', '"Y2",8,9,'),
        "0 1 2",
        {"Y1": [5, 6, 7], "Y2": [8, 9]},
        ("rows are series: V1 names them",),
    ),
    Situation(
        "series in rows, years",
        rows("Country,Code,2000,2001,2002", "Chad,TCD,1,2,3", "Peru,PER,4,,6"),
        "2000-01-01 2001-01-01 2002-01-01",
        {"Chad": [1, 2, 3], "Peru": [4, None, 6]},
        ("rows are series: Country", "left out: Code"),
    ),
    Situation(
        "series in rows, months",
        rows("item,2024-01,2024-02,2024-03", "a,1,2,3", "b,4,5,6"),
        MONTHS3,
        {"a": [1, 2, 3], "b": [4, 5, 6]},
    ),
    Situation(
        "series in rows of two names",
        rows("item,store,d_1,d_2,d_3", "a,x,1,2,3", "a,y,4,5,6"),
        "0 1 2",
        {"x": [1, 2, 3], "y": [4, 5, 6]},
    ),
    Situation(
        "a name in a column",
        rows(
            "symbol,date,price",
            "A,2024-01-01,1",
            "A,2024-01-02,2",
            "A,2024-01-03,3",
            "B,2024-01-01,4",
            "B,2024-01-02,5",
            "B,2024-01-03,6",
        ),
        DAYS3,
        {"A": [1, 2, 3], "B": [4, 5, 6]},
        ("named by column symbol", "forecast: column price"),
    ),
    Situation(
        "names in two columns",
        rows(
            "store,item,date,v",
            "1,a,2024-01-01,1",
            "1,a,2024-01-02,2",
            "1,b,2024-01-01,3",
            "1,b,2024-01-02,4",
            "2,a,2024-01-01,5",
            "2,a,2024-01-02,6",
        ),
        "2024-01-01 2024-01-02",
        {"1/a": [1, 2], "1/b": [3, 4], "2/a": [5, 6]},
        ("store, item",),
    ),
    Situation(
        "names in one of two columns",
        rows("city,kind,date,v", "x,a,2024-01-01,1", "x,b,2024-01-02,2", "y,b,2024-01-01,3", "y,a,2024-01-02,4"),
        refused=("say which column names the series (id): city or kind",),
    ),
    Situation(
        "texts and parts are left out",
        rows("date,month,weather,v", "2024-01-01,1,rain,1", "2024-01-02,1,sun,2", "2024-01-03,1,sun,3"),
        DAYS3,
        V3,
        ("month (part of the date)", "weather (texts)"),
    ),
    Situation(
        "no numbers",
        rows("date,weather", "2024-01-01,rain", "2024-01-02,sun"),
        refused=("no column of numbers to forecast", "weather (texts)"),
    ),
    Situation(
        "an empty column",
        rows("date,v,w", "2024-01-01,1,", "2024-01-02,2,", "2024-01-03,3,"),
        DAYS3,
        V3,
        ("w (no value)",),
    ),
]

LAYOUTS += [
    Situation(
        "a row twice is no second series",
        rows(
            "day,weather,v",
            "2024-01-01,sun,1",
            "2024-01-02,rain,2",
            "2024-01-03,sun,3",
            "2024-01-03,rain,4",
            "2024-01-04,sun,5",
        ),
        refused=("rows 4 and 5 are both of 2024-01-03", "aggregate"),
    ),
    Situation(
        "names that could be parts of a date",
        rows("min,mm,max", "1,2,5", "4,3,6", "2,9,7"),
        "0 1 2",
        {"min": [1, 4, 2], "mm": [2, 3, 9], "max": [5, 6, 7]},
    ),
    Situation(
        "parts of a date without a date",
        rows("month,v", "1,5", "2,6", "3,7"),
        "0 1 2",
        {"v": [5, 6, 7]},
        ("month (part of the date)",),
    ),
]

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

SITUATIONS = [*TIMES, *NUMBERS, *LAYOUTS, *GRIDS, *ZONES]
