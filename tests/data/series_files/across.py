"""Tables with steps across: months, quarters and hours as columns, and what is right to read in them."""

from __future__ import annotations

from tests.data.series_files.situation import Situation, rows

MONTHS = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec"


def _counted(name: str, first: int, count: int) -> str:
    """A row of a name and numbers one after another."""
    return ",".join([name, *(str(first + n) for n in range(count))])


YEAR2 = " ".join(f"{year}-{month:02}-01" for year in (2022, 2023) for month in range(1, 13))
_DAYS = ",".join(str(n) for n in range(1, 32))
HOURS2 = " ".join(f"2024-01-{day:02}T{hour:02}" for day in (1, 2) for hour in range(24))

ACROSS = [
    Situation(
        "months across, as El Nino's sea has them",
        rows(f"YEAR,{MONTHS.upper()}", _counted("2022.0", 1, 12), _counted("2023.0", 13, 12)),
        YEAR2,
        {"value": [float(n) for n in range(1, 25)]},
        ("columns JAN to DEC are the months of the year, column YEAR says which",),
        frequency="1MS",
    ),
    Situation(
        "months across with the year's sum, and a year that is not over",
        rows(
            "Year;" + MONTHS.replace(",", ";") + ";Annual",
            "2022;1;2;3;4;5;6;7;8;9;10;11;12;78",
            "2023;13;14;;;;;;;;;;;27",
        ),
        " ".join(YEAR2.split()[:14]),
        {"value": [float(n) for n in range(1, 15)]},
        ("left out: Annual",),
        frequency="1MS",
    ),
    Situation(
        "months across of two stations",
        rows(
            f"station,year,{MONTHS}",
            *(_counted(f"{name},{y}", n, 12) for n, y in ((1, 2022), (13, 2023)) for name in "AB"),
        ),
        YEAR2,
        {"A": [float(n) for n in range(1, 25)], "B": [float(n) for n in range(1, 25)]},
        ("series: named by column station",),
        frequency="1MS",
    ),
    Situation(
        "months across of rows that nothing names",
        rows(f"year,{MONTHS}", _counted("2022", 1, 12), _counted("2022", 13, 12)),
        refused=("several rows are of one time (year, columns Jan to Dec", "(id)"),
    ),
    Situation(
        "Chinese months across",
        rows("年份," + ",".join(f"{n}月" for n in range(1, 13)), _counted("2022", 1, 12), _counted("2023", 13, 12)),
        YEAR2,
        {"value": [float(n) for n in range(1, 25)]},
        frequency="1MS",
    ),
    Situation(
        "quarters across",
        rows("Year,Q1,Q2,Q3,Q4", "2022,1,2,3,4", "2023,5,6,7,8"),
        " ".join(f"{year}-{month:02}-01" for year in (2022, 2023) for month in (1, 4, 7, 10)),
        {"value": [1, 2, 3, 4, 5, 6, 7, 8]},
        frequency="3MS",
    ),
    Situation(
        "hours across that end at their number",
        rows(
            "Date," + ",".join(f"HE{n:02}" for n in range(1, 25)),
            _counted("2024-01-01", 0, 24),
            _counted("2024-01-02", 24, 24),
        ),
        HOURS2,
        {"value": [float(n) for n in range(48)]},
        ("HE01 the one that begins at 0:00",),
        frequency="1h",
    ),
    Situation(
        "hours across by the clock",
        rows(
            "day," + ",".join(f"{n:02}:00" for n in range(24)),
            _counted("2024-01-01", 0, 24),
            _counted("2024-01-02", 24, 24),
        ),
        HOURS2,
        {"value": [float(n) for n in range(48)]},
        frequency="1h",
    ),
    Situation(
        "one month of those across",
        rows(f"year,{MONTHS}", _counted("2022", 1, 12), _counted("2023", 13, 12), _counted("2024", 25, 12)),
        "2022-01-01 2023-01-01 2024-01-01",
        {"Feb": [2, 14, 26]},
        options={"target": "Feb"},
        frequency="12MS",
    ),
    Situation(
        "parts of hours across",
        rows(
            "Date," + ",".join(f"{n // 4:02}:{n % 4 * 15:02}" for n in range(96)),
            _counted("2024-01-01", 0, 96),
            _counted("2024-01-02", 96, 96),
        ),
        "2024-01-01T00:00 2024-01-01T00:15 2024-01-01T00:30",
        {"value": [float(n) for n in range(192)]},
        ("columns 00:00 to 23:45 are the parts of the day",),
        frequency="15min",
    ),
    Situation(
        "half hours across that end at their time",
        rows(
            "Date," + ",".join(f"{n // 2}:{n % 2 * 30:02}" for n in [*range(1, 48), 0]),
            _counted("2024-01-01", 0, 48),
            _counted("2024-01-02", 48, 48),
        ),
        "2024-01-01T00:00 2024-01-01T00:30 2024-01-01T01:00",
        {"value": [float(n) for n in range(96)]},
        ("0:30 the one that begins at 0:00",),
        frequency="30min",
    ),
    Situation(
        "days of the month across",
        rows(
            f"Year,Month,{_DAYS}",
            _counted("2024,1", 1, 31),
            _counted("2024,2", 32, 29) + ",,",
            _counted("2024,3", 61, 31),
        ),
        "2024-01-01 2024-01-02 2024-01-03",
        {"value": [float(n) for n in range(1, 92)]},
        ("columns 1 to 31 are the days of the month, columns Year and Month say which",),
        frequency="1D",
    ),
    Situation(
        "a day of the month too many",
        rows(f"Year,Month,{_DAYS}", _counted("2024,1", 1, 31), _counted("2024,2", 32, 30) + ","),
        refused=("row 3: 2024-02 has fewer days than there are values", "(target)"),
    ),
    Situation(
        "series that are named by numbers",
        rows(f"Month,{_DAYS}", *(_counted(f"2024-0{n}", 31 * n, 31) for n in (1, 2, 3))),
        "2024-01-01 2024-02-01 2024-03-01",
        {str(n): [30.0 + n, 61.0 + n, 92.0 + n] for n in range(1, 32)},
        frequency="1MS",
    ),
    Situation(
        "days of the week across",
        rows("Week,Mon,Tue,Wed,Thu,Fri,Sat,Sun", _counted("2024-01-01", 1, 7), _counted("2024-01-08", 8, 7)),
        " ".join(f"2024-01-{n:02}" for n in range(1, 15)),
        {"value": [float(n) for n in range(1, 15)]},
        ("columns Mon to Sun are the days of the week",),
        frequency="1D",
    ),
    Situation(
        "weeks from Sunday on across",
        rows(
            "w,Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday",
            _counted("2024-01-07", 1, 7),
            _counted("2024-01-14", 8, 7),
        ),
        " ".join(f"2024-01-{n:02}" for n in range(7, 21)),
        {"value": [float(n) for n in range(1, 15)]},
    ),
    Situation(
        "years across, months below one another",
        rows(
            "Month,2022,2023", *(f"{name},{n},{n + 12 if n < 4 else ''}" for n, name in enumerate(MONTHS.split(","), 1))
        ),
        " ".join(YEAR2.split()[:15]),
        {"value": [float(n) for n in range(1, 16)]},
        ("columns 2022 to 2023 are years, the rows of Month their parts",),
        frequency="1MS",
    ),
    Situation(
        "years across, quarters below one another",
        rows("Quarter,2022,2023", *(f"Q{n},{n},{n + 4}" for n in range(1, 5))),
        " ".join(f"{year}-{month:02}-01" for year in (2022, 2023) for month in (1, 4, 7, 10)),
        {"value": [1, 2, 3, 4, 5, 6, 7, 8]},
        frequency="3MS",
    ),
    Situation(
        "hours across as numbers of a clock, days in three columns",
        rows(
            "year,month,day," + ",".join(f"{n:02}00" for n in range(1, 25)),
            _counted("2024,1,1", 0, 24),
            _counted("2024,1,2", 24, 24),
        ),
        HOURS2,
        {"value": [float(n) for n in range(48)]},
        ("0100 the one that begins at 0:00", "columns year and month and day say which"),
        frequency="1h",
    ),
]
