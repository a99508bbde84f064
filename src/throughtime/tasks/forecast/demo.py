"""The demonstration of forecasting: the sun of the next day, from a year of hourly weather that a package carries.

It is the typical meteorological year of Greensboro, North Carolina (TMY3, station 723170), that pvlib ships: twelve
months as they were measured, each from another year between 1980 and 2003, joined to one year. Source of the data:
Wilcox and Marion 2008, Users Manual for TMY3 Data Sets, NREL/TP-581-43156. The temperatures of the vega_datasets
package are means over thirty years, hour by hour, and thus no weather.
"""

from __future__ import annotations

import csv
import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from throughtime.errors import UserError, needed

TABLE = "weather.csv"
"""The table the demonstration learns from, in its folder."""

STATION = "Greensboro, North Carolina"

COLUMNS = {
    "temperature": "Dry-bulb (C)",
    "dew_point": "Dew-point (C)",
    "pressure": "Pressure (mbar)",
    "wind": "Wspd (m/s)",
    "clouds": "TotCld (tenths)",
    "sun": "GHI (W/m^2)",
}
"""Name here -> name there."""

WHY = (
    "one year is all there is: scored are its last days, and no day of that time of the year was learned from, while "
    "the baselines go by the days just before"
)
"""Why it may be no better than what costs nothing."""

OPTIONS: dict[str, Any] = {
    "target": "sun",
    "past": ("temperature", "dew_point", "pressure", "wind", "clouds"),
}
"""What the demonstration says; the rest is chosen as for any table."""


def table() -> str:
    """The year as CSV text: time and COLUMNS, 8,760 rows. UserError where pvlib is not installed."""
    package = find_spec("pvlib")
    path = None
    if package is not None and package.origin is not None:
        path = Path(package.origin).parent / "data" / "723170TYA.CSV"
    if path is None or not path.is_file():
        raise UserError(f"demo forecast: pvlib, which carries its weather, is missing: {needed('demo')}")
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))[1:]
    places = [lines[0].index(name) for name in COLUMNS.values()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", *COLUMNS])
    for number, row in enumerate(lines[1:]):
        month, day = row[0].split("/")[:2]
        # a row is the hour that ends at its time
        writer.writerow([f"2001-{month}-{day} {number % 24:02}:00", *(row[place] for place in places)])
    return out.getvalue()


def run(
    out: Path,
    minutes: float = 1.2,
    seed: int = 0,
    threads: int | None = None,
    seconds: float = 12.0,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Learn the weather into a folder, forecast its last tenth beside the baselines; the summary of
    throughtime.tasks.train.train.

    out may hold an earlier demonstration, which is replaced; UserError where it holds another model.
    """
    from throughtime.tasks.train import refuse_other, train

    file = refuse_other(out, TABLE, table)
    options = {**OPTIONS, "minutes": minutes, "seed": seed, "threads": threads, "seconds": seconds, **options}
    return train("forecast", str(file), out, horizon=24, force=True, quiet=quiet, **options)
