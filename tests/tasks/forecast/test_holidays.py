"""A country's holidays as features: said by the user alone, kept with the model, which runs without the package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.forecast.tables import TINY
from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.tasks.forecast.tables import TableForecaster


def _days(path: Path, count: int = 200) -> Path:
    days = np.datetime64("2024-01-01") + np.arange(count)
    rng = np.random.default_rng(0)
    path.write_text(
        "ds,y\n" + "\n".join(f"{day},{value:.3f}" for day, value in zip(days, rng.random(count), strict=True))
    )
    return path


def test_a_model_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _days(tmp_path / "a.csv")
    Forecaster(7, holidays="CN").fit(data, tmp_path / "m", holdout=0.1, **TINY)
    monkeypatch.setitem(sys.modules, "holidays", None)
    model = TableForecaster.load(tmp_path / "m")
    free = model.features.holidays
    assert free is not None
    assert (free.country, free.first, free.last) == ("CN", 2023, 2029)
    assert model.model.config.known == 7 + 2 + 3  # days of the week, the time of the year, holidays
    with_data, without = model.forecast(data), model.forecast()
    assert np.array_equal(with_data.values, without.values)
    assert np.array_equal(model.forecast(data, 20).values, model.forecast(None, 20).values)
    data.write_text("ds,y\n" + "\n".join(f"2031-01-{n:02},{n}" for n in range(1, 29)))
    with pytest.raises(UserError, match="need the holidays package"):
        model.forecast(data)


def test_they_tell(tmp_path: Path) -> None:
    days = _days(tmp_path / "a.csv")
    model = Forecaster(7, holidays="US").fit(days, **TINY)
    free = model.record.data.features.holidays  # type: ignore[union-attr]
    assert free.country == "US"
    plain = Forecaster(7).fit(days, **TINY)
    assert plain.record.data.features.holidays is None  # type: ignore[union-attr]


@pytest.mark.parametrize(("code", "said"), [("XX", "knows no country 'XX'"), ("cn", "holidays must be the code of")])
def test_an_unknown_country(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Forecaster(7, holidays=code).fit(_days(tmp_path / "a.csv"), **TINY)
