"""Columns of times as people have them, and what is right to read in them, written by hand."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, V3, Situation, rows

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
