"""Tables as meters, banks, offices of statistics and programs write them, and what is right to read in them."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, MONTHS3, V3, Situation, days, rows

HOURS3 = "2024-01-01T00 2024-01-01T01 2024-01-01T02"
QUARTERS4 = "2023-01-01 2023-04-01 2023-07-01 2023-10-01"
V4 = {"v": [1.0, 2.0, 3.0, 4.0]}

SPANS = [
    Situation(
        "from when and until when",
        rows("start,end,v", *(f"2024-01-01T{h:02}:00Z,2024-01-01T{h + 1:02}:00Z,{h + 1}" for h in range(3))),
        HOURS3,
        V3,
        ("column start says where steps begin, end where they end", "left out: end (times)"),
        zone="UTC",
    ),
    Situation(
        "months from their first day to their last, newest first",
        rows(
            "Period end,Period start,v",
            "2024-03-31,2024-03-01,3",
            "2024-02-29,2024-02-01,2",
            "2024-01-31,2024-01-01,1",
        ),
        MONTHS3,
        V3,
        ("time: column Period start",),
        frequency="1MS",
    ),
    Situation(
        "spans of two meters",
        rows(
            "meter,startTime,endTime,v",
            *(
                f"{name},2024-01-01 {h:02}:00,2024-01-01 {h:02}:59,{value + h}"
                for name, value in (("a", 1), ("b", 5))
                for h in range(3)
            ),
        ),
        HOURS3,
        {"a": [1, 2, 3], "b": [5, 6, 7]},
    ),
    Situation(
        "spans that overlap",
        rows("start,end,v", "2024-01-01,2024-01-05,1", "2024-01-03,2024-01-08,2", "2024-01-06,2024-01-12,3"),
        refused=("columns start, end all hold times", "(time)"),
    ),
    Situation(
        "a day, and from when and until when on it",
        rows(
            "DATE,START TIME,END TIME,v",
            *(f"2024-01-{d:02},{h:02}:00,{h:02}:59,{24 * d + h}" for d in (1, 2) for h in range(24)),
        ),
        HOURS3,
        {"v": [float(n) for n in range(24, 72)]},
        ("time: columns DATE and START TIME", "END TIME (texts)"),
        frequency="1h",
    ),
    Situation(
        "a day, and two times on it",
        rows("day,taken,sent,v", *(f"2024-01-01,{h:02}:00,{h:02}:30,{h}" for h in range(4))),
        refused=("columns taken, sent hold times of the day, column day the day", "(time day,taken)"),
    ),
    Situation(
        "a day, an hour and numbers that could be times of the day",
        rows("day,hour,v", *(f"2024-01-01,{h},0.{30 + h}" for h in range(3))),
        HOURS3,
        {"v": [0.3, 0.31, 0.32]},
        ("time: columns day and hour",),
    ),
    Situation(
        "times of the day with points",
        rows("Date;Time;v", *(f"10/03/2004;{h + 18}.00.00;{h + 1}" for h in range(3))),
        "2004-03-10T18 2004-03-10T19 2004-03-10T20",
        V3,
        options={"dayfirst": True},
    ),
    Situation(
        "from when and until when in one cell, as ENTSO-E writes it",
        rows(
            '"MTU (CET/CEST)","v"',
            *(f'"01.02.2024 {h:02}:00 - 01.02.2024 {h + 1:02}:00","{h + 1}"' for h in range(3)),
        ),
        "2024-02-01T00 2024-02-01T01 2024-02-01T02",
        V3,
        ("the day first, as it is where points stand between", "where steps begin and where they end"),
        frequency="1h",
    ),
    Situation(
        "weeks in one cell, without spaces",
        rows("v,Week", "1,1/1/24-1/7/24", "2,1/8/24-1/14/24", "3,1/15/24-1/21/24"),
        "2024-01-01 2024-01-08 2024-01-15",
        V3,
        frequency="1W",
    ),
    Situation(
        "two columns that say the same",
        rows("Buchungstag;Wertstellung;v", *(f"{d:02}.01.2024;{d:02}.01.2024;{d}" for d in (3, 2, 1))),
        DAYS3,
        V3,
        ("time: column Buchungstag",),
    ),
]

STAMPS = [
    Situation(
        "candles",
        rows(
            "open_time,v,close_time",
            *(f"{1704067200000 + 3600000 * h},{h + 1},{1704070799999 + 3600000 * h}" for h in range(3)),
        ),
        HOURS3,
        V3,
        ("left out: close_time (the time once more)",),
    ),
    Situation(
        "seconds under a name of the house",
        rows(
            "id,v,start_ts,created_ts",
            *(f"{h},{h + 1},{1704067200 + 3600 * h},{1704067210.5 + 3600 * h}" for h in range(3)),
        ),
        HOURS3,
        V3,
        ("column start_ts: seconds since 1970", "created_ts (the time once more)"),
    ),
    Situation(
        "a day and an hour of many digits, as the KNMI has them",
        rows("# STN,YYYYMMDD,   HH,    v", "#", *(f"  260,20240101,{h:5},{h:5}" for h in (1, 2, 3))),
        "2024-01-01T01 2024-01-01T02 2024-01-01T03",
        V3,
        ("time: columns YYYYMMDD and HH", "STN (a name)"),
        frequency="1h",
    ),
    Situation(
        "a day, and hours and minutes as one number",
        rows("Date,Time,v", *(f"2024-01-01,{time},{n}" for n, time in ((1, 0), (2, 30), (3, 100)))),
        "2024-01-01T00 2024-01-01T00:30 2024-01-01T01",
        V3,
        frequency="30min",
    ),
    Situation(
        "hours of a service's own name",
        rows("STATIONS_ID;MESS_DATUM;v", *(f"3987;202401010{h};{h + 1}" for h in range(3))),
        HOURS3,
        V3,
        ("time: column MESS_DATUM", "STATIONS_ID (a name)"),
    ),
    Situation(
        "hours that end",
        rows("Date,Hour Ending,v", *(f"2024-01-{d:02},{h},{24 * d + h - 24}" for d in (1, 2) for h in range(1, 25))),
        "2024-01-01T01 2024-01-01T02",
        {"v": [float(n) for n in range(1, 49)]},
        frequency="1h",
    ),
    Situation(
        "years and days of the year",
        rows("date,v", "2023353,1", "2024004,2", "2024020,3"),
        "2023-12-19 2024-01-04 2024-01-20",
        V3,
        ("year and day of the year",),
        frequency="16D",
    ),
    Situation(
        "a day of the year that is none",
        rows("year,doy,v", "2023,364,1", "2023,365,2", "2023,366,3"),
        refused=("row 4: columns year, doy make no date",),
    ),
    Situation(
        "names of months in German", rows("Monat;v", "Januar 2024;1", "Februar 2024;2", "März 2024;3"), MONTHS3, V3
    ),
    Situation("in French", rows("Mois;v", "janv. 2024;1", "févr. 2024;2", "mars 2024;3"), MONTHS3, V3),
    Situation(
        "in Spanish", rows("Fecha;v", "1 de enero de 2024;1", "2 de enero de 2024;2", "3 de enero de 2024;3"), DAYS3, V3
    ),
    Situation(
        "weeks of a calendar",
        rows("KW,v", "KW 51/2020,1", "KW 52/2020,2", "KW 53/2020,3"),
        "2020-12-14 2020-12-21 2020-12-28",
        V3,
    ),
    Situation(
        "weeks of a tsibble",
        rows("Week,v", "2020 W52,1", "2020 W53,2", "2021 W01,3"),
        "2020-12-21 2020-12-28 2021-01-04",
        V3,
    ),
    Situation(
        "Chinese quarters",
        rows("季度,v", *(f"2023年第{q}季度,{n}" for n, q in enumerate("一二三四", 1))),
        QUARTERS4,
        V4,
        frequency="3MS",
    ),
    Situation(
        "Chinese years",
        rows("年份,v", "2020年,1", "2021年,2", "2022年,3"),
        "2020-01-01 2021-01-01 2022-01-01",
        V3,
        frequency="12MS",
    ),
    Situation(
        "Chinese halves of the day",
        rows("时间,v", "2024/1/1 上午 11:00:00,1", "2024/1/1 下午 12:00:00,2", "2024/1/1 下午 1:00:00,3"),
        "2024-01-01T11 2024-01-01T12 2024-01-01T13",
        V3,
    ),
    Situation(
        "two months in one",
        rows("月份,v", "2023年1-2月,1", "2023年3月,2", "2023年4月,3"),
        refused=("row 2", "'2023年1-2月'"),
    ),
    Situation(
        "months without a year",
        rows("Month,v", "Jan,1", "Feb,2", "Mar,3"),
        refused=("column Month says no times", "'Jan'", "frequency steps"),
    ),
    Situation(
        "a year in the first of its rows",
        rows("Year,Month,v", "2023,11,1", ",12,2", "2024,1,3"),
        refused=("row 3, column Year: the year is missing",),
    ),
    Situation(
        "a week of days from Monday on",
        days("v", *"12345"),
        " ".join(f"2024-01-0{d}" for d in range(1, 7)),
        {"v": [1, 2, 3, 4, 5]},
        frequency="1D",
    ),
]

OFFICES = [
    Situation(
        "rows that are series, the newest first, as the Chinese office has them",
        rows(
            "数据库：年度数据",
            "时间：最近3年",
            "指标,2022年,2021年,2020年",
            "甲,3,2,1",
            "乙,6,5,",
            "数据来源：国家统计局",
        ),
        "2020-01-01 2021-01-01 2022-01-01",
        {"甲": [1, 2, 3], "乙": [5, 6]},
        ("rows are series: 指标 names them",),
        frequency="12MS",
    ),
    Situation(
        "rows that are series, months",
        rows("指标,2024年3月,2024年2月,2024年1月", "甲,3,2,1", "乙,6,5,4"),
        MONTHS3,
        {"甲": [1, 2, 3], "乙": [4, 5, 6]},
    ),
    Situation(
        "Eurostat's own, with its flags",
        "freq,unit,geo\\TIME_PERIOD\t2024-01 \t2024-02 \t2024-03 \nM,PC,DE\t1.5 p\t2 \t: \nM,PC,FR\t4 \t: c\t6 be\n",
        MONTHS3,
        {"M,PC,DE": [1.5, 2], "M,PC,FR": [4, None, 6]},
        ("flags left out: p", "flags left out: be"),
    ),
    Situation(
        "the widths of columns, as the USGS writes them",
        "# retrieved\nagency_cd\tsite_no\tdatetime\tv\n5s\t15s\t20d\t14n\n"
        + "".join(f"USGS\t01\t2024-01-0{d}\t{d}\n" for d in (1, 2, 3)),
        DAYS3,
        V3,
        ("left out: row 3 of the columns' widths",),
    ),
    Situation(
        "a number for what is missing",
        rows("STATION,DATE,TEMP", *(f"725030,2024-01-0{d},{'9999.9' if d == 3 else d}" for d in range(1, 6))),
        refused=("row 4, column TEMP: 9999.9 lies far from all other values", "say missing 9999.9, or missing none"),
    ),
    Situation(
        "a number for what is missing, said",
        rows("STATION,DATE,TEMP", *(f"725030,2024-01-0{d},{'9999.90' if d == 3 else d}" for d in range(1, 6))),
        "",
        {"TEMP": [1, 2, None, 4, 5]},
        ("STATION (a name)",),
        {"missing": ("9999.9",)},
    ),
    Situation(
        "a number that is a value",
        days("v", "1", "2", "9999", "4", "5"),
        "",
        {"v": [1, 2, 9999, 4, 5]},
        options={"missing": ("none",)},
    ),
    Situation(
        "a number that may be a mark",
        days("v", *(str(n % 4 + 1) for n in range(9)), "-200", "-200", "3"),
        "",
        {"v": [*(float(n % 4 + 1) for n in range(9)), -200, -200, 3]},
        ("column v: 2 values are -200, far from all others; where these are missing, say so (missing)",),
    ),
    Situation(
        "a value and its quality in one cell",
        days("v", '"+0010,1"', '"+0020,1"', '"+0031,5"'),
        refused=("no column of numbers",),
    ),
    Situation(
        "three months by their initials",
        rows("SEAS,YR,v", "NDJ,1950,1", "DJF,1951,2", "JFM,1951,3"),
        "1950-12-01 1951-01-01 1951-02-01",
        V3,
        ("time: columns YR and SEAS",),
        frequency="1MS",
    ),
]

CELLS = [
    Situation(
        "below what can be measured",
        days("v", "5", "<1", "< 2.5", ">9"),
        refused=("row 3, column v: '<1' says that a value is below 1; say what", "censored"),
    ),
    *(
        Situation(
            f"below what can be measured: {how}",
            days("v", "5", "<1", "< 2.5", ">9"),
            "",
            {"v": [5, *values]},
            (f"column v: cells with < and >: {how}, as asked for",),
            {"censored": how},
        )
        for how, values in (
            ("limit", [1.0, 2.5, 9.0]),
            ("half", [0.5, 1.25, 9.0]),
            ("zero", [0.0, 0.0, 9.0]),
            ("missing", [None, None, None]),
        )
    ),
    Situation(
        "a unit in each cell",
        days("v", "1.5 kW", "2 kW", "-3 kW"),
        DAYS3,
        {"v": [1.5, 2, -3]},
        ("column v: kW left out",),
    ),
    Situation(
        "two units", days("v,w", "900 W,1", "1.2 kW,2", "950 W,3"), DAYS3, {"w": [1, 2, 3]}, ("left out: v (texts)",)
    ),
    Situation(
        "two units of what is asked for",
        days("v", "900 W", "1.2 kW", "950 W"),
        options={"target": "v"},
        refused=("row 3, column v: '1.2 kW' stands among numbers with 'W'",),
    ),
    Situation(
        "thousands and millions",
        days("v", "1.5K", "2.25M", "900"),
        DAYS3,
        {"v": [1500, 2250000, 900]},
        ("K read as 1,000", "M read as 1,000,000"),
    ),
    Situation("tens of thousands", days("v", "1.5万", "2亿", "900"), DAYS3, {"v": [15000, 200000000, 900]}),
    Situation("footnotes", days("v", "1*", "2 †", "3[a]"), DAYS3, V3, ("marks of footnotes left out",)),
    Situation(
        "a sensor that was away",
        days("v", "1", "unavailable", "3"),
        DAYS3,
        {"v": [1, None, 3]},
        ("unavailable read as missing",),
    ),
    Situation("missing, as dumps of databases have it", days("v", "1", "\\N", "3"), DAYS3, {"v": [1, None, 3]}),
]

EXPORTS = [*SPANS, *STAMPS, *OFFICES, *CELLS]
