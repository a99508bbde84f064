"""Tables as people lay them out, and what is right to read in them, written by hand."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, MONTHS3, V3, Situation, rows

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
