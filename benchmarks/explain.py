"""The deletion check of each attribution method, on a text model and a series model, over many inputs.

    python -m benchmarks.explain

The text model learns the first 800,000 characters of tinyshakespeare for two minutes and explains the likeliest next
character after each of 60 passages of 120 characters of the test part; the forecaster learns Beijing's air for two
minutes and explains 60 forecasts of the last year. For each method: what making the top tenth of the input neutral
costs over what a random tenth does, both summed over all inputs; and on how many inputs the check holds.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import torch

from benchmarks.series_data import beijing_air
from benchmarks.timing import RESULTS, machine
from throughtime import Forecaster, LanguageModel
from throughtime.insight.attribution import METHODS
from throughtime.tasks.forecast import insight as forecast_insight
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.text import insight as text_insight
from throughtime.tasks.text.data import Text

INPUTS = 60


def text() -> list[Any]:
    from benchmarks.text import shakespeare

    whole = shakespeare()
    model = LanguageModel(hidden=256, seed=0).fit(whole, minutes=2, quiet=True)
    test = Text.of(whole).part("test")
    starts = np.linspace(0, len(test) - 121, INPUTS).astype(int)
    return [text_insight.explain(model, test[s : s + 120]) for s in starts]


def series() -> list[Any]:
    values, _, learned = beijing_air()
    year = len(values) - learned
    model = Forecaster(24, 24, seed=0).fit([values[:-year]], minutes=2).fitted()
    origins = np.linspace(len(values) - year, len(values), INPUTS).astype(int)
    return [forecast_insight.explain(model, Series([values[:o]])) for o in origins]


def main() -> None:
    torch.set_num_threads(2)
    found: dict[str, Any] = {"machine": machine()}
    for name, make in (("text", text), ("series", series)):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        explanations = make()
        for method in METHODS:
            checks = [one.checks[method] for one in explanations]
            top, random = sum(c.top for c in checks), sum(c.random for c in checks)
            row = {"ratio": top / random, "holds": sum(c.holds for c in checks), "inputs": len(checks)}
            found[f"{name} {method}"] = row
            print(
                f"{name:<7} {method:<22} {row['ratio']:6.2f} times random, holds on {row['holds']} of {INPUTS}",
                flush=True,
            )
    (RESULTS / "explain.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
