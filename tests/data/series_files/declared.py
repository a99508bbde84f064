"""Files that say what stands in them, and JSON, whose rows may be series, and what is right to read in them."""

from __future__ import annotations

import json

from tests.data.series_files.situation import DAYS3, V3, Situation, rows

_TSF = rows(
    "# Dataset Information",
    "@relation demand",
    "@attribute series_name string",
    "@attribute state string",
    "@attribute start_timestamp date",
    "@frequency half_hourly",
    "@horizon 48",
    "@missing true",
    "@equallength false",
    "@data",
)
HALVES = "2002-01-01T00:00 2002-01-01T00:30 2002-01-01T01:00"


def _lines(*objects: object) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


ARCHIVES = [
    Situation(
        "Monash's own layout",
        _TSF + rows("T1:NSW:2002-01-01 00-00-00:5714.045,5360.18,?", "T2:VIC:2002-01-01 00-30-00:3535.87,3383.5"),
        HALVES,
        {"T1": [5714.045, 5360.18, None], "T2": [3535.87, 3383.5]},
        ("half_hourly steps, as the file says", "a horizon of 48"),
        frequency="30min",
        file="a.tsf",
    ),
    Situation(
        "Monash's months from the last of one on",
        rows(
            "@attribute series_name string",
            "@attribute start_timestamp date",
            "@frequency monthly",
            "@data",
            "T1:1979-01-31 00-00-00:1,2,3",
        ),
        "1979-01-31 1979-02-28 1979-03-31",
        {"T1": [1, 2, 3]},
        file="a.tsf",
    ),
    Situation(
        "Monash's layout without a start",
        rows("@attribute series_name string", "@horizon 8", "@data", "T1:1,2,3", "T2:4,5"),
        values={"T1": [1, 2, 3], "T2": [4, 5]},
        says=("rows are steps", "a horizon of 8"),
        file="a.tsf",
    ),
    Situation(
        "Monash's layout with a row too short",
        _TSF + rows("T1:2002-01-01 00-00-00:1,2,3"),
        refused=("row 11: expected series_name, state, start_timestamp and the values with : between",),
        file="a.tsf",
    ),
    Situation(
        "Monash's layout with a word among numbers",
        _TSF + rows("T1:NSW:2002-01-01 00-00-00:1,two,3"),
        refused=("row 11: expected a number, got 'two'",),
        file="a.tsf",
    ),
    Situation(
        "Monash's layout with a frequency of its own",
        _TSF.replace("half_hourly", "lunar") + rows("T1:NSW:2002-01-01 00-00-00:1,2,3"),
        refused=("nothing is known of the frequency 'lunar'",),
        file="a.tsf",
    ),
    Situation(
        "a series a case, with its class",
        rows("@problemName Gun", "@timeStamps false", "@classLabel true 1 2", "@data", "1,2.5,?:2", "4,5,6:1"),
        values={"0": [1, 2.5, None], "1": [4, 5, 6]},
        says=("rows are steps",),
        file="a.ts",
    ),
    Situation(
        "two dimensions a case, with times",
        rows(
            "@timeStamps true",
            "@data",
            ":".join(",".join(f"(2024-01-01 {h:02}:00:00,{value + h})" for h in range(3)) for value in (1, 5)),
        ),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        {"0/0": [1, 2, 3], "0/1": [5, 6, 7]},
        file="a.ts",
    ),
    Situation(
        "Weka's layout",
        rows(
            "% made up",
            "@RELATION x",
            "@ATTRIBUTE 'the day' DATE 'yyyy-MM-dd'",
            "@ATTRIBUTE v NUMERIC",
            "@DATA",
            "'2024-01-01',1",
            "'2024-01-02',2",
            "'2024-01-03',3",
        ),
        DAYS3,
        V3,
        ("time: column the day",),
        file="a.arff",
    ),
]

LISTS = [
    Situation(
        "a series a line, as GluonTS writes them",
        _lines(
            {"item_id": "a", "start": "2024-01-01 00:00:00", "freq": "D", "target": [1, 2.5, None, "NaN", 5]},
            {"item_id": "b", "start": "2024-01-02 00:00:00", "freq": "D", "target": [6, 7], "feat_static_cat": [0]},
        ),
        DAYS3,
        {"a": [1, 2.5, None, None, 5], "b": [6, 7]},
        ("rows are series, target their values",),
        frequency="1D",
        file="a.jsonl",
    ),
    Situation(
        "a series a line whose steps nobody says",
        _lines({"start": "2024-01-01", "target": [1, 2, 3]}, {"start": "2024-01-01", "target": [4, 5, 6]}),
        refused=("nobody says how far apart their steps are (frequency)",),
        file="a.jsonl",
    ),
    Situation(
        "a series a line whose steps are said",
        _lines({"start": "2024-01-31", "target": [1, 2, 3]}, {"start": "2024-01-31", "target": [4, 5, 6]}),
        "2024-01-31 2024-02-29 2024-03-31",
        {"0": [1, 2, 3], "1": [4, 5, 6]},
        options={"frequency": "ME"},
        file="a.jsonl",
    ),
    Situation(
        "several values a step in one line",
        _lines({"start": "2024-01-01", "freq": "H", "target": [[1, 2, 3], [4, 5, 6]]}),
        "2024-01-01T00 2024-01-01T01 2024-01-01T02",
        {"0/0": [1, 2, 3], "0/1": [4, 5, 6]},
        file="a.jsonl",
    ),
    Situation(
        "times and values as lists",
        _lines(
            {"id": "a", "timestamp": ["2024-01-01", "2024-01-02", "2024-01-03"], "target": [1, 2, 3]},
            {"id": "b", "timestamp": ["2024-01-02", "2024-01-03"], "target": [4, 5]},
        ),
        DAYS3,
        {"a": [1, 2, 3], "b": [4, 5]},
        file="a.jsonl",
    ),
    Situation(
        "columns, index and data apart",
        json.dumps({"columns": ["v"], "index": DAYS3.split(), "data": [[1], [2], [3]]}),
        DAYS3,
        V3,
        ("time: column index",),
        file="a.json",
    ),
    Situation(
        "rows by their milliseconds",
        json.dumps({"v": {str(1704067200000 + 86400000 * n): n + 1 for n in range(3)}}),
        DAYS3,
        V3,
        ("milliseconds since 1970",),
        file="a.json",
    ),
    Situation(
        "rows by their days",
        json.dumps({day: {"v": n, "w": 2 * n} for n, day in enumerate(DAYS3.split(), 1)}),
        DAYS3,
        {"v": [1, 2, 3], "w": [2, 4, 6]},
        file="a.json",
    ),
    Situation(
        "lists in a part of an answer",
        json.dumps({"latitude": 52.5, "units": {"v": "C"}, "daily": {"time": DAYS3.split(), "v": [1, 2, 3]}}),
        DAYS3,
        V3,
        file="a.json",
    ),
    Situation(
        "lists in two parts of an answer",
        json.dumps({name: {"time": DAYS3.split(), "v": [1, 2, 3]} for name in ("daily", "hourly")} | {"at": 1}),
        refused=("daily, hourly are tables of their own",),
        file="a.json",
    ),
]

DECLARED = [*ARCHIVES, *LISTS]
