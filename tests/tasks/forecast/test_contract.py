"""What every task promises, kept by forecasters: after each window, and with an output at every step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.check_task import Case, CheckTask, Followed
from throughtime.baselines import compare
from throughtime.baselines.simple import Naive, SeasonalNaive
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.stream import SeriesModel

Data = dict[str, np.ndarray]


def waves(seed: int) -> Data:
    """Two series with a season of 6, some values missing."""
    rng, steps = np.random.default_rng(seed), np.arange(70)
    values = {
        name: np.round(9 + np.sin(2 * np.pi * (steps + n) / 6) + 0.1 * rng.standard_normal(70), 3)
        for n, name in enumerate("ab")
    }
    values["a"][20:22] = np.nan
    return values


def write(data: Data, place: Path) -> Path:
    rows = zip(*data.values(), strict=True)
    lines = [",".join(data), *(",".join("" if np.isnan(v) else str(v) for v in row) for row in rows)]
    (place / "series.csv").write_text("\n".join(lines), "utf-8")
    return place / "series.csv"


def answer(model: SeriesModel) -> Any:
    other = [waves(5)["b"][:40]]
    return [model.predict(), model.predict(other), model.predict(other, steps=11, seed=2)]


def followed(model: SeriesModel) -> Followed:
    """A forecast after each of 60 observations, as one run over all of them gives it."""
    values = waves(7)["a"][:60]
    origins = np.stack([np.zeros(60, int), np.arange(1, 61)], 1)
    return Followed([float(value) for value in values], model.predict_at(Series([values]), origins, ["a"]))


def case(**options: Any) -> Case:
    usual = {"horizon": 4, "season": 6, "hidden": 5, "embedding": 4, "lookback": 12, "ensemble_size": 2, "profile": 6}
    usual |= {"quantiles": (0.1, 0.5, 0.9), "scaling": "series", "dropout": 0.1, "batch": 8, "steps": 12, "threads": 1}
    return Case(
        "forecast",
        {**usual, "seconds": 0, **options},
        waves(0),
        waves(1),
        write,
        answer,
        [],
        stream=lambda model: model.stream(id="a"),
        followed=followed,
        other={"hidden": 6, "lookback": 18},
        zero=frozenset(
            {"average", "clip", "dropout", "weight_decay", "seed", "seconds", "holdout", "profile", "neighbours"}
        )
        | {"validation", "linear"},
        unlimited=frozenset({"clip", "seed", "patience", "minutes", "epochs", "steps", "learning_rate", "stride"})
        | {"weight_decay"},
    )


@pytest.fixture(autouse=True, scope="module")
def simple_baselines() -> Iterator[None]:
    """Those that cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "all_baselines", lambda season, seconds: [Naive(), SeasonalNaive()])
        yield


class TestContract(CheckTask):
    case = case()


class TestContractAtEveryStep(CheckTask):
    case = case(every=True, cell="lstm", layers=2)
