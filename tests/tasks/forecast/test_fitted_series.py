"""What a folder keeps of the series: it survives the disk, and damage is told in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import Forecaster
from throughtime.errors import UserError
from throughtime.storage.folder import read_weights, write_weights
from throughtime.tasks.forecast.fitted_series import ARRAYS, SERIES, FittedSeries
from throughtime.tasks.forecast.tables import TableForecaster


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    t = np.arange(60.0)
    series = {"a": np.sin(t), "b": np.cos(t[:40]) + 3}
    features = [np.ones((len(one) + 3, 2), np.float32) for one in series.values()]
    model = Forecaster(3, season=4, hidden=4, embedding=4, lookback=8, profile=4, scaling="series", threads=1)
    model.fit(series, tmp_path, features=features, known=2, phases=[0, 1], steps=2, batch=8)
    return tmp_path


def test_it_survives_the_disk(folder: Path) -> None:
    series = FittedSeries.read(folder)
    assert series.ids == ("a", "b")
    assert series.index.learned == (60, 40)
    assert [len(one) for one in series.ends.values] == [8, 8]
    assert series.index.offsets == (52, 32)
    assert series.ends.places.tolist() == [52, 33]
    assert series.ends.features is not None
    assert [rows.shape for rows in series.ends.features] == [(11, 2), (11, 2)]
    again = {name: value for name, value in series.files().items() if name == SERIES}
    assert again[SERIES] == json.loads((folder / SERIES).read_text())


def test_files_of_two_trainings_are_not_mixed(folder: Path) -> None:
    arrays = read_weights(folder / ARRAYS)
    arrays["values"][0, 0] += 1.0  # as if another training's had been written over it
    write_weights(folder / ARRAYS, arrays)
    with pytest.raises(UserError, match=r"series.json and series.safetensors are not of one training.*train again"):
        throughtime.load(folder)


def test_what_a_version_before_wrote_is_read(folder: Path) -> None:
    index = json.loads((folder / SERIES).read_text())
    (folder / SERIES).write_text(json.dumps({"ids": index["ids"], "offsets": index["offsets"]}))
    series = FittedSeries.read(folder)
    assert (series.index.learned, series.index.starts) == ((60, 40), (0, 0))
    assert throughtime.load(folder).predict().shape == (2, 3, 1)


@pytest.mark.parametrize(
    ("array", "change", "words"),
    [
        ("measures", np.nan, "measures must be finite"),
        ("measures", 0.0, "scales above 0"),
        ("features", np.inf, "features must be finite"),
        ("values", np.inf, "values must not be infinite"),
        ("profiles", np.inf, "profiles must not be infinite"),
    ],
)
def test_numbers_that_are_none(folder: Path, array: str, change: float, words: str) -> None:
    arrays = read_weights(folder / ARRAYS)
    arrays[array][-1, -1] = change
    write_weights(folder / ARRAYS, arrays)
    with pytest.raises(UserError, match=f"series.json.*{words}.*damaged"):
        throughtime.load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ids": ["a"]}, "as many ids, starts, learned and offsets"),
        ({"ids": 3}, "ids must be"),
        ({"offsets": [1, -1]}, "offsets must be"),
        *(({"starts": [0, one]}, "starts must be dates or whole numbers") for one in ("soon", None, "NaT", "now", 1.5)),
        ({"more": 1}, "more is nothing it knows"),
    ],
)
def test_an_index_that_cannot_be(folder: Path, change: dict[str, Any], words: str) -> None:
    index = json.loads((folder / SERIES).read_text())
    (folder / SERIES).write_text(json.dumps({**index, **change}))
    with pytest.raises(UserError, match=words):
        throughtime.load(folder)


@pytest.mark.parametrize("name", ["measures", "values", "lengths", "phases", "profiles", "counts"])
def test_arrays_that_are_missing_or_too_short(folder: Path, name: str) -> None:
    arrays = read_weights(folder / ARRAYS)
    write_weights(folder / ARRAYS, {**arrays, name: arrays[name][:1]})
    with pytest.raises(UserError, match="damaged"):
        throughtime.load(folder)
    write_weights(folder / ARRAYS, {key: value for key, value in arrays.items() if key != name})
    with pytest.raises(UserError, match=r"damaged|not of one training"):
        throughtime.load(folder)


def test_without_its_files_a_model_keeps_no_series(folder: Path) -> None:
    (folder / SERIES).unlink()
    with pytest.raises(UserError, match="the profiles of the series are in it"):
        throughtime.load(folder)
    plain = Forecaster(2, hidden=4, embedding=4, lookback=4, threads=1).fit([np.arange(30.0)], steps=1)
    plain.save(folder / "plain")
    (folder / "plain" / SERIES).unlink()
    with pytest.raises(UserError, match="expected series to predict, this model keeps none"):
        throughtime.load(folder / "plain").predict()
    with pytest.raises(UserError, match="it keeps no series to go on from"):
        TableForecaster.load(folder / "plain")
