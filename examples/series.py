"""Series: an LSTM that returns a sequence foretells tomorrow's highest temperature, day after day.

Four years of measurements in Seattle, from the package vega_datasets: public-domain data of the NOAA. The loop is your
own, in plain PyTorch with one import from throughtime. Comments name the usual mistakes. Run it (it needs
pip install 'throughtime[demo]'): python examples/series.py
"""

from __future__ import annotations

import csv
import importlib.util
import math
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn

from throughtime.nn import LSTM  # the only line that is not PyTorch

WINDOW, BATCH, YEAR = 64, 16, 365


class Forecaster(nn.Module):
    """An LSTM that returns all its outputs, and the same linear layer at every step: no activation after it."""

    def __init__(self, features: int, hidden: int = 32) -> None:
        super().__init__()
        self.lstm = LSTM(features, hidden)
        self.dropout, self.output = nn.Dropout(0.3), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.dropout(self.lstm(x)[0])).squeeze(-1)


def measurements() -> Tensor:
    """(days, features): highest and lowest temperature, rain, wind, and the season as a point on a circle."""
    # found, not imported: the package would import pandas, which reading one CSV file does not need
    package = importlib.util.find_spec("vega_datasets")
    if package is None or package.origin is None:
        raise SystemExit("examples/series.py: needs vega_datasets: pip install 'throughtime[demo]'")
    rows = []
    with open(Path(package.origin).parent / "_data" / "seattle-weather.csv", newline="") as file:
        for row in csv.DictReader(file):
            angle = 2 * math.pi * date(*map(int, row["date"].split("/"))).timetuple().tm_yday / 365.25
            high, low, rain, wind = (float(row[k]) for k in ("temp_max", "temp_min", "precipitation", "wind"))
            rows.append([high, low, math.log1p(rain), wind, math.sin(angle), math.cos(angle)])
    return torch.tensor(rows)


def main(steps: int = 300, seed: int = 0) -> dict[str, float]:
    torch.manual_seed(seed)
    days = measurements()
    # Split in time: days drawn at random would put yesterday and tomorrow of a test day into training.
    first, second = len(days) - YEAR - YEAR // 2, len(days) - YEAR
    # Scaled with what was known then: the mean of the whole series would tell the model about its future.
    mean, deviation = days[:first].mean(0), days[:first].std(0)
    x = (days - mean) / deviation
    model = Forecaster(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    high, test = days[1:, 0], slice(second - 1, None)  # what is foretold, and the part of it that is judged in the end

    def rmse(foretold: Tensor, part: slice) -> float:
        return float((foretold[part] - high[part]).square().mean().sqrt())

    best, kept = math.inf, Tensor()
    for step in range(1, steps + 1):
        at = torch.randint(first - WINDOW, (BATCH,)) + torch.arange(WINDOW)[:, None]  # (WINDOW, BATCH) days
        optimizer.zero_grad()
        # The target is the next day. With the same day for a target the model would learn to copy.
        nn.functional.mse_loss(model.train()(x[at]), x[at + 1, 0]).backward()
        optimizer.step()
        if step % 20 == 0:
            with torch.no_grad():  # degrees, each day from all days before it: one pass, the state is never reset
                foretold = model.eval()(x[:-1, None])[:, 0] * deviation[0] + mean[0]
            # the half year before the test year chooses; the test year never does
            if (error := rmse(foretold, slice(first - 1, second - 1))) < best:
                best, kept = error, foretold
    inputs = torch.cat([days[:-1], torch.ones(len(high), 1)], 1)
    line = inputs @ torch.linalg.lstsq(inputs[: first - 1], high[: first - 1]).solution
    year_ago = torch.cat([high[:YEAR], high[:-YEAR]])
    result = {
        "lstm": rmse(kept, test),
        "linear regression on today": rmse(line, test),
        "as today": rmse(days[:-1, 0], test),
        "as a year ago": rmse(year_ago, test),
    }
    print(f"tomorrow's highest temperature, {YEAR} days never seen, root mean square error in degrees Celsius:")
    print("\n".join(f"  {name:<27} {error:.2f}" for name, error in result.items()))
    print("the last week, foretold:", " ".join(f"{v:5.1f}" for v in kept[-7:]))
    print("the last week, measured:", " ".join(f"{v:5.1f}" for v in high[-7:]))
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)  # so small a model gains nothing from more
    main()
