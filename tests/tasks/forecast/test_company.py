"""Series that tell of one another, and columns beside a target: which are taken, what they bring, what leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import Forecaster, read_series
from throughtime.errors import UserError
from throughtime.tasks.forecast.company import find_columns, find_neighbours
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.tables import TableForecaster

SMALL: dict[str, Any] = {"hidden": 16, "embedding": 16, "threads": 1, "quiet": True, "batch": 64, "steps": 120}


def chain(steps: int = 500, seed: int = 0) -> np.ndarray:
    """(T, 3): noise, the same two steps later, and noise of its own."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(steps)
    return np.stack([a, np.roll(a, 2) + 0.1 * rng.standard_normal(steps), rng.standard_normal(steps)], 1)


def test_a_series_that_another_one_leads_sees_it() -> None:
    found = find_neighbours(read_series(chain()), 1, 1)
    assert found is not None
    neighbours, gain = found
    assert neighbours.of("1")[0] == "0"
    assert gain > 0.2


@pytest.mark.parametrize("horizon", [1, 7])
def test_series_that_have_nothing_to_do_with_each_other_see_nobody(horizon: int) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        walks, counts = rng.standard_normal((600, 5)).cumsum(0), rng.poisson(0.3, (600, 5)).astype(float)
        for values in (walks, counts, rng.standard_normal((600, 5))):
            assert find_neighbours(read_series(values), horizon, 1) is None
    assert find_neighbours(read_series([np.zeros(300), np.zeros(400)]), 1, 1) is None  # of no common clock


@pytest.fixture(scope="module")
def pair() -> tuple[Forecaster, Forecaster, np.ndarray]:
    values = chain()
    options = {**SMALL, "holdout": 0.2, "seed": 0}
    quiet = options.pop("quiet")
    options["steps"] = 300
    options["linear"] = 0
    both = [Forecaster(1, **options, neighbours=count).fit(values, quiet=quiet) for count in (None, 0)]
    return both[0], both[1], values


def test_neighbours_bring_what_they_know(pair: tuple[Forecaster, Forecaster, np.ndarray]) -> None:
    seeing, blind, _ = pair
    assert seeing.record is not None
    assert seeing.record.model.neighbours >= 1
    assert "neighbours" in {choice.name for choice in seeing.chosen}
    ours, theirs = (one.evaluate(seconds=0) for one in (seeing, blind))
    assert ours["mae"] < 0.9 * theirs["mae"]
    assert ours["verdict"]["skill"] is True


def test_nothing_after_an_origin_is_seen(pair: tuple[Forecaster, Forecaster, np.ndarray]) -> None:
    seeing, _, values = pair
    model, origins = seeing.fitted(), np.array([[1, 400], [0, 420]])
    changed = values.copy()
    changed[420:] = 1e6
    kept = [model.predict_at(Series(list(v.T)), origins) for v in (values, changed)]
    np.testing.assert_array_equal(kept[0], kept[1])
    changed[399, 0] += 3.0  # what series 1 sees just before its origin, or one step earlier
    changed[398, 0] += 3.0
    moved = model.predict_at(Series(list(changed.T)), origins)
    assert moved[0, 0, 0] != kept[0][0, 0, 0]


def test_a_saved_model_streams_and_goes_on_alike(
    pair: tuple[Forecaster, Forecaster, np.ndarray], tmp_path: Path
) -> None:
    seeing, _, values = pair
    seeing.save(tmp_path)
    loaded = throughtime.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(), seeing.predict()[..., None])
    whole = Series(list(values.T))
    np.testing.assert_array_equal(loaded.predict(whole, list("012")), loaded.predict())
    assert seeing.predict(steps=4).shape == (3, 4)
    np.testing.assert_allclose(seeing.predict(steps=4)[:, :1], seeing.predict(), rtol=1e-6)
    names = loaded.neighbours.of("1")
    columns = values[:, [int(name) for name in names]]
    stream = loaded.stream(values[:300, 1], id="1", others=columns[:300])
    for step in range(300, 320):
        stream.feed((values[step, 1], None, columns[step]))
    batch = loaded.predict_at(Series(list(values.T)), np.array([[1, 320]]), list("012"))
    np.testing.assert_allclose(stream.forecast, batch[0], rtol=1e-5, atol=1e-6)
    again = loaded.stream(values[:300, 1], id="1", others=columns[:300])
    again.restore(stream.save())
    feed = (0.3, None, columns[320])
    np.testing.assert_array_equal(again.feed(feed), stream.feed(feed))
    assert np.isfinite(stream.feed(0.1)).all()  # it goes without them too
    with pytest.raises(UserError, match="neighbours must be"):
        stream.feed((0.1, None, np.zeros(9)))


def test_further_ahead_the_neighbours_go_on_from_their_own_forecasts(
    pair: tuple[Forecaster, Forecaster, np.ndarray],
) -> None:
    """By hand: forecast all, append, forecast all again."""
    seeing, _, values = pair
    model, longer = seeing.fitted(), values.copy()
    known = model.statistics(Series(list(values.T)), list("012"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "statistics", lambda *_: known)
        for _ in range(3):
            longer = np.concatenate([longer, seeing.predict(longer)[:, :1].T])
        found = seeing.predict(values, steps=3)
    np.testing.assert_allclose(found, longer[len(values) :].T, rtol=1e-4, atol=1e-4)


def test_a_table_without_the_neighbours_is_told(tmp_path: Path) -> None:
    values = chain(400)
    days = np.datetime64("2024-01-01") + np.arange(400)
    file, short = tmp_path / "all.csv", tmp_path / "one.csv"
    file.write_text(
        "ds,a,b,c\n" + "\n".join(f"{d},{x:.4f},{y:.4f},{z:.4f}" for d, (x, y, z) in zip(days, values, strict=True))
    )
    short.write_text("ds,b\n" + "\n".join(f"{d},{y:.4f}" for d, (_, y, _) in zip(days, values, strict=True)))
    options = {name: value for name, value in SMALL.items() if name != "quiet"}
    Forecaster(1, **{**options, "steps": 10}).fit(str(file), tmp_path / "model", quiet=True)
    table = TableForecaster.load(tmp_path / "model")
    assert table.forecast(str(file)).notes == []
    alone = table.forecast(str(short))
    assert [note for note in alone.notes if "neighbours that the model saw beside b are not in the table" in note]
    assert np.isfinite(alone.values).all()
    np.testing.assert_array_equal(table.forecast().values, table.forecast(str(file)).values)


def test_columns_beside_a_target_are_taken_where_they_tell_of_it(tmp_path: Path) -> None:
    values, rng = chain(500), np.random.default_rng(5)
    file = tmp_path / "all.csv"
    rows = zip(np.datetime64("2024-01-01") + np.arange(500), values, rng.standard_normal(500), strict=True)
    file.write_text("ds,leader,y,noise\n" + "\n".join(f"{d},{v[0]:.4f},{v[1]:.4f},{n:.4f}" for d, v, n in rows))
    panel = read_series(str(file), target="y", past=["leader", "noise"])
    names, saved = find_columns(panel, ("leader", "noise"), 1, 7)
    assert names == ("leader",)
    assert saved > 0.2
    options = {name: value for name, value in SMALL.items() if name != "quiet"}
    model = Forecaster(1, **{**options, "steps": 10}, target="y").fit(str(file), quiet=True)
    assert model.record is not None
    assert model.record.options.past == ("leader",)
    assert [choice.value for choice in model.chosen if choice.name == "past"] == [("leader",)]
    assert model.predict(str(file)).shape[0] == 1
    further = model.forecast(str(file), steps=3)  # what the column says there is missing, as it was at times
    assert np.isfinite(further.values).all()
    plain = Forecaster(1, **{**options, "steps": 10}, target="y", past=()).fit(str(file), quiet=True)
    assert plain.record is not None
    assert plain.record.options.past == ()
    assert not plain.record.data.features.past


def test_neighbours_that_are_not_there_are_refused() -> None:
    with pytest.raises(UserError, match="2 neighbours were asked for"):
        Forecaster(1, neighbours=2, steps=5).fit([np.arange(300.0)], quiet=True)
    with pytest.raises(UserError, match="leave neighbours out"):
        Forecaster(1, neighbours=1, every=True, steps=5).fit(chain(), quiet=True)
