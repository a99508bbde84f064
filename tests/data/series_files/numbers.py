"""Numbers as people write them, and what is right to read in them, written by hand."""

from __future__ import annotations

from tests.data.series_files.situation import DAYS3, Situation, days, rows

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
