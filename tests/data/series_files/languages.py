"""Times in further languages, calendars and clocks, and what is right to read in them, written by hand."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, MONTHS3, V3, Situation, days, rows

QUARTERS3 = "2023-01-01 2023-04-01 2023-07-01"
TURN = "2023-12-30 2023-12-31 2024-01-01"


def _column(*cells: str, sign: str = ",", name: str = "d") -> str:
    """A file of times and the numbers 1, 2, 3 ..."""
    return rows(f"{name}{sign}v", *(f"{cell}{sign}{n}" for n, cell in enumerate(cells, 1)))


WRITTEN = [
    Situation(
        "French days, the first of them",
        _column("30 décembre 2023", "31 décembre 2023", "1er janvier 2024", sign=";"),
        TURN,
        V3,
    ),
    Situation("Russian days", _column("30 декабря 2023", "31 декабря 2023", "1 января 2024 г."), TURN, V3),
    Situation("Polish days", _column("30 grudnia 2023", "31 grudnia 2023", "1 stycznia 2024"), TURN, V3),
    Situation("Russian months", _column("янв. 2024", "февраль 2024", "мар. 2024", name="Месяц"), MONTHS3, V3),
    Situation("Korean days", _column("2024년 1월 1일", "2024년 1월 2일", "2024년 1월 3일", name="날짜"), DAYS3, V3),
    Situation(
        "Korean halves of the day",
        _column("2024년 1월 1일 오전 11시", "2024년 1월 1일 오후 12시", "2024년 1월 1일 오후 1시"),
        "2024-01-01T11 2024-01-01T12 2024-01-01T13",
        V3,
    ),
    Situation("days with points and spaces", _column("2024. 1. 1.", "2024. 1. 2.", "2024. 1. 3."), DAYS3, V3),
    Situation(
        "Chinese days with their names",
        _column("2024年1月1日 星期一", "2024年1月2日（周二）", "2024年1月3日 星期三", name="日期"),
        DAYS3,
        V3,
    ),
    Situation(
        "Japanese days with their names", _column("2024年1月1日(月)", "2024年1月2日(火)", "2024年1月3日(水)"), DAYS3, V3
    ),
    Situation(
        "years of the Republic", _column("民國113年1月", "民國113年2月", "民國113年3月", name="年月"), MONTHS3, V3
    ),
    Situation("years of Reiwa", _column("令和5年12月30日", "令和5年12月31日", "令和6年1月1日"), TURN, V3),
    Situation(
        "the first year of an era", _column("平成30年", "令和元年", "令和2年"), "2018-01-01 2019-01-01 2020-01-01", V3
    ),
    Situation(
        "years that nobody says of what",
        _column("113年1月", "113年2月", "113年3月", name="p"),
        refused=("row 2", "'113年1月'"),
    ),
    Situation(
        "years of the Buddhist calendar",
        rows("year,v", "2565,1", "2566,2", "2567,3"),
        refused=("row 2, column year: 2565 may be a year of the Buddhist calendar, 2022; subtract 543",),
    ),
    Situation(
        "days of the Buddhist calendar",
        _column("30/12/2566", "31/12/2566", "01/01/2567"),
        refused=("2566 may be a year of the Buddhist calendar, 2023",),
    ),
    Situation(
        "years far ahead, said",
        rows("year,v", "2565,1", "2566,2", "2567,3"),
        "2565-01-01 2566-01-01 2567-01-01",
        V3,
        options={"date_format": "%Y"},
    ),
]

COUNTED = [
    Situation("French quarters", _column("T1 2023", "T2 2023", "T3 2023", sign=";"), QUARTERS3, V3, frequency="3MS"),
    Situation("quarters of a year", _column("2023-T1", "2023-T2", "2023-T3"), QUARTERS3, V3),
    Situation(
        "quarters of business years",
        _column("FY24Q1", "FY24Q2", "FY24Q3", name="p"),
        refused=("column p: row 2: expected a date", "'FY24Q1'"),
    ),
    Situation(
        "weeks with a comma",
        rows("w,v", '"Week 52, 2020",1', '"Week 53, 2020",2', '"Week 1, 2021",3'),
        "2020-12-21 2020-12-28 2021-01-04",
        V3,
        frequency="1W",
    ),
    Situation(
        "weeks by their last day",
        _column("w/e 07/01/2024", "w/e 14/01/2024", "week ending 21/01/2024"),
        "2024-01-07 2024-01-14 2024-01-21",
        V3,
        frequency="1W",
    ),
    Situation("days of the year", _column("2023-364", "2023-365", "2024-001"), TURN, V3, frequency="1D"),
    Situation(
        "a day of the year that is none, at once", _column("2023-365", "2023-366"), refused=("row 3", "'2023-366'")
    ),
    Situation("Julian days", _column("2460309.5", "2460310.5", "2460311.5", name="JD"), TURN[11:] + " 2024-01-02", V3),
    Situation("modified Julian days", _column("60308", "60309", "60310", name="MJD"), TURN, V3, ("modified Julian",)),
    Situation(
        "Julian hours",
        _column("2460310.5", "2460310.541667", "2460310.583333", name="t"),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        options={"date_format": "jd", "time": "t"},
    ),
    Situation(
        "years of several rows",
        rows("YR,who,v", "2023,a,1", "2023,b,2", "2024,a,3", "2024,c,4"),
        refused=("rows 2 and 3 are both of 2023-01-01",),
    ),
    Situation(
        "a day, and hours and minutes under a name of the NOAA's",
        rows("DATE,HrMn,v", *(f"20240101,{h:02}00,{h + 1}" for h in range(3))),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        ("time: columns DATE and HrMn",),
        frequency="1h",
    ),
]

PARTS = [
    Situation(
        "years of two digits beside months",
        rows("yr,mo,v", "98,11,1", "98,12,2", "99,1,3"),
        refused=("row 2, column yr: 98 may be a year of two digits", "(frequency steps)"),
    ),
    Situation(
        "months with a letter, as the BLS has them",
        rows("Series ID,Year,Period,v", "L1,2023,M11,1", "L1,2023,M12,2", "L1,2024,M01,3"),
        "2023-11-01 2023-12-01 2024-01-01",
        V3,
        ("time: columns Year and Period",),
        frequency="1MS",
    ),
    Situation(
        "quarters with a letter",
        rows("Year,Quarter,v", "2023,Q3,1", "2023,Q4,2", "2024,Q1,3"),
        "2023-07-01 2023-10-01 2024-01-01",
        V3,
        frequency="3MS",
    ),
    Situation(
        "hours with letters",
        rows("Date,Hour,v", *(f"2024-01-0{d},HE {h},{24 * d + h}" for d in (1, 2) for h in range(1, 25))),
        "2024-01-01T01 2024-01-01T02",
        {"v": [float(n) for n in range(25, 73)]},
        ("time: columns Date and Hour",),
        frequency="1h",
    ),
    Situation(
        "places without a name",
        rows("time,lat,lon,v", *(f"2024-01-0{d},{lat},13.4,{d}" for d in (1, 2, 3) for lat in (52.5, 53.5))),
        refused=("rows 2 and 3 are both of 2024-01-01", "which column names the series (id)"),
    ),
    Situation(
        "German names of days", _column("Mo, 01.01.2024", "Di, 02.01.2024", "Mi, 03.01.2024", sign=";"), DAYS3, V3
    ),
    Situation("French names of days", _column("sam. 30/12/2023", "dim. 31/12/2023", "lun. 01/01/2024"), TURN, V3),
    Situation("names of days before digits", _column("Sat 12/30/2023", "Sun 12/31/2023", "Mon 1/1/2024"), TURN, V3),
]

CLOCKS = [
    Situation(
        "the name of a zone behind its offset",
        _column(*(f"2024-01-01T0{h}:00+01:00[Europe/Berlin]" for h in range(3))),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        zone="Europe/Berlin",
        frequency="1h",
    ),
    Situation(
        "an offset of one digit",
        _column(*(f"2024-01-01 0{h}:00 UTC+8" for h in range(3))),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        zone="+08:00",
    ),
    Situation(
        "names of clocks over a change",
        _column("2024-10-27 01:00 CEST", "2024-10-27 02:00 CEST", "2024-10-27 02:00 CET", "2024-10-27 03:00 CET"),
        "2024-10-27T01 2024-10-27T02 2024-10-27T02 2024-10-27T03",
        {"v": [1, 2, 3, 4]},
        zone="Europe/Berlin",
        frequency="1h",
    ),
    Situation(
        "names of clocks, as date prints them",
        _column(*(f"Mon Jan  1 0{h}:00:00 EST 2024" for h in range(3))),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        V3,
        zone="-05:00",
    ),
    Situation(
        "a clock of several countries",
        _column("2024-01-01 00:00 CST", "2024-01-01 01:00 CST", "2024-01-01 02:00 CST"),
        refused=("row 2: CST is the clock of several countries; write an offset",),
    ),
    Situation(
        "half an hour back",
        _column(
            "2024-04-07T00:30:00+11:00", "2024-04-07T01:30:00+11:00", "2024-04-07T02:00:00+10:30",
            "2024-04-07T03:00:00+10:30",
        ),
        "2024-04-07T00:30 2024-04-07T01:30 2024-04-07T02:00 2024-04-07T03:00",
        {"v": [1, 2, 3, 4]},
        frequency="1h",
    ),
    Situation(
        "an offset of quarters",
        _column(*(f"2024-01-0{d}T00:00:00+05:45" for d in (1, 2, 3))),
        DAYS3,
        V3,
        zone="+05:45",
        frequency="1D",
    ),
    Situation(
        "a day that was left out",
        _column("2011-12-27", "2011-12-28", "2011-12-29", "2011-12-31"),
        "2011-12-27 2011-12-28 2011-12-29 2011-12-30 2011-12-31",
        {"v": [1, 2, 3, None, 4]},
        options={"timezone": "Pacific/Apia"},
    ),
    Situation(
        "offsets in the last rows", _column("2024-01-01 00:00", "2024-01-01T01:00Z"), refused=("row 2", "offset"),
    ),
]  # fmt: skip

NAMED = [
    Situation(
        "a number of the row named id",
        rows(
            "id,date,store_nbr,family,sales",
            *(
                f"{6 * d + n},2024-01-0{d + 1},{s},{family},{10 * n + d}.5"
                for d in range(3)
                for n, (s, family) in enumerate((s, family) for s in (1, 2) for family in ("CARS", "BABY CARE"))
            ),
        ),
        DAYS3,
        {
            "1/CARS": [0.5, 1.5, 2.5],
            "1/BABY CARE": [10.5, 11.5, 12.5],
            "2/CARS": [20.5, 21.5, 22.5],
            "2/BABY CARE": [30.5, 31.5, 32.5],
        },
        ("series: named by columns store_nbr, family",),
    ),
    Situation(
        "no number at all", days("v", "0x1F", "0x20"), refused=("row 2, column v: expected a number, got '0x1F'",),
    ),
    Situation("dividends among prices", days("v", "1.5", "0.24 Dividend", "2"), refused=("row 3", "'0.24 Dividend'")),
    Situation(
        "lakhs", rows("d,v", '2024-01-01,"12,34,567"', '2024-01-02,"1,00,000.5"', "2024-01-03,3"), DAYS3,
        {"v": [1234567, 100000.5, 3]},
    ),
    Situation("raised footnotes", days("v", "1.5¹", "2", "3 (p)"), DAYS3, {"v": [1.5, 2, 3]}, ("footnotes left out",)),
]  # fmt: skip

LANGUAGES = [*WRITTEN, *COUNTED, *PARTS, *CLOCKS, *NAMED]
