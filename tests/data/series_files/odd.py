"""Files that are seldom, and what is right to read in them or how they are refused."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, V3, Situation, rows

ODD = [
    Situation(
        "the first days there are",
        rows("d,v", "0001-01-01,1", "0001-01-02,2", "0001-01-03,3"),
        "0001-01-01 0001-01-02 0001-01-03",
        V3,
        frequency="1D",
    ),
    Situation(
        "the last days there are",
        rows("d,v", "9999-12-29,1", "9999-12-30,2", "9999-12-31,3"),
        "9999-12-29 9999-12-30 9999-12-31",
        V3,
        frequency="1D",
    ),
    Situation("a year 0", rows("d,v", "0000-01-01,1", "0000-01-02,2"), refused=("row 2: '0000-01-01' is no date",)),
    Situation(
        "the last years there are",
        rows("year,v", "9997,1", "9998,2", "9999,3"),
        "9997-01-01 9998-01-01 9999-01-01",
        V3,
        ("column year: years",),
        frequency="12MS",
    ),
    Situation(
        "years that are counted",
        rows("year,v", "1,1", "2,2", "3,3"),
        values=V3,
        says=("rows are steps", "left out: year (numbers of the rows)"),
    ),
    Situation(
        "dates that stand for none",
        rows("d,v", "1970-01-01,1", "2024-01-01,2", "2024-01-02,3", "2024-01-03,4", "9999-12-31,5"),
        refused=("csv: 5 rows over 2,932,897 steps of 1 day, from 1970-01-01 to 9999-12-31; mend a time that is none",),
    ),
    Situation(
        "half years",
        rows("d,v", "2022H1,1", "2022S2,2", "H1 2023,3"),
        "2022-01-01 2022-07-01 2023-01-01",
        V3,
        frequency="6MS",
    ),
    Situation("a half year that is none", rows("d,v", "2023H1,1", "2023H3,2"), refused=("row 3: '2023H3' is no date",)),
    Situation(
        "business years",
        rows("period,v", "FY2022,1", "FY2023,2", "FY2024,3"),
        refused=("column period: row 2: expected a date", "'FY2022'"),
    ),
    Situation(
        "from and to in one cell",
        rows("week,v", "2024-01-01 to 2024-01-07,1", "2024-01-08 to 2024-01-14,2", "2024-01-15 to 2024-01-21,3"),
        "2024-01-01 2024-01-08 2024-01-15",
        V3,
        ("column week says where steps begin and where they end",),
        frequency="1W",
    ),
    Situation(
        "business years as rows that come",
        rows("period,v", "FY2022,1", "FY2023,2", "FY2024,3"),
        values=V3,
        says=("left out: period (texts)",),
        options={"frequency": "steps"},
    ),
    Situation("names of days", rows("d,v", "Mon 2024-01-01,1", "Tue 2024-01-02,2", "Wed 2024-01-03,3"), DAYS3, V3),
    Situation(
        "digits of full width",
        rows("日期,v", "２０２４-０１-０１,1", "２０２４-０１-０２,2", "２０２４-０１-０３,3"),
        DAYS3,
        V3,
    ),
    Situation("Arabic digits", rows("d,v", "٢٠٢٤-٠١-٠١,١", "٢٠٢٤-٠١-٠٢,٢", "٢٠٢٤-٠١-٠٣,٣"), DAYS3, V3),
    Situation(
        "a year and its parts beside year and month",
        rows("#more", "year,month,decimal date,v", "1958,3,1958.2027,1", "1958,4,1958.2877,2", "1958,5,1958.3699,3"),
        "1958-03-01 1958-04-01 1958-05-01",
        V3,
        ("left out: decimal date (the time once more)",),
    ),
    Situation(
        "names in two rows and that of the index in a third",
        rows("Price,Close,High", "Ticker,AAPL,AAPL", "Date,,", "2024-01-01,1,4", "2024-01-02,2,5", "2024-01-03,3,6"),
        DAYS3,
        {"Close AAPL": [1, 2, 3], "High AAPL": [4, 5, 6]},
        ("time: column Date",),
    ),
    Situation(
        "days without a name, newest first",
        rows(",v", "2024-01-03,3", "2024-01-02,2", "2024-01-01,1"),
        DAYS3,
        V3,
        ("time: column 1, which has no name", "rows put in order"),
    ),
]
