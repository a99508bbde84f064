"""The series a forecaster was fitted on, as far as its folder keeps them: series.json and series.safetensors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Checked, Json, option
from throughtime.storage.folder import File, read_json, read_weights
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics

SERIES, ARRAYS = "series.json", "series.safetensors"


def _starts(value: Any) -> tuple[str | int, ...]:
    """The time of each first value: a date, or the number of a row."""
    if not isinstance(value, list | tuple):
        raise ValueError("a list")
    for one in value:
        if type(one) is int:
            continue
        try:
            dated = type(one) is str and one[:1].isdigit() and not np.isnat(np.datetime64(one, "us"))
        except ValueError:
            dated = False
        if not dated:
            raise ValueError("dates or whole numbers")
    return tuple(value)


@dataclass(frozen=True)
class SeriesIndex(Checked):
    """What series.json says of each series.

    ids: names. starts: the time of each first value, of all that was given, a date or the number of a row. learned: how
    many values from there on were learned from; offsets: where those begin that series.safetensors keeps. arrays: the
    fingerprint of series.safetensors, "" where a version before it wrote them. cut: whether features end where what is
    known beforehand ends; versions before it filled them up with zeros.
    """

    who = "series"

    ids: tuple[str, ...]
    starts: tuple[str | int, ...] = option(check=_starts)
    learned: tuple[int, ...] = option(at_least=0)
    offsets: tuple[int, ...] = option(at_least=0)
    arrays: str = ""
    cut: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({len(self.ids), len(self.starts), len(self.learned), len(self.offsets)}) > 1:
            raise UserError("expected as many ids, starts, learned and offsets")


@dataclass(frozen=True)
class FittedSeries:
    """Names, ends and statistics: what a forecaster needs of its series to go on from them.

    ends: their last values and features. statistics: of what was learned from.
    """

    index: SeriesIndex
    ends: Series
    statistics: Statistics

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names."""
        return self.index.ids

    @cached_property
    def places(self) -> dict[str, int]:
        """The number of each by its name."""
        return {name: n for n, name in enumerate(self.index.ids)}

    def files(self) -> dict[str, File]:
        """What stands in a model's folder; `read` is the inverse."""
        arrays = self._arrays()
        return {SERIES: {**self.index.to_json(), "arrays": _fingerprint(arrays)}, ARRAYS: arrays}

    def _arrays(self) -> dict[str, np.ndarray]:
        lengths = self.ends.lengths
        width = int(lengths.max(initial=0))
        values = np.full((len(self.ends), width), np.nan)
        for row, one in zip(values, self.ends.values, strict=True):
            row[width - len(one) :] = one
        arrays = {"measures": self.statistics.measures, "values": values}
        if self.statistics.profiles is not None:
            arrays["profiles"] = self.statistics.profiles
        arrays["phases"], arrays["lengths"] = self.ends.places.astype(np.int64), lengths.astype(np.int64)
        if self.ends.others is not None:
            arrays["others"] = np.concatenate(list(self.ends.others))
        if self.ends.features is not None:
            arrays["features"] = np.concatenate(list(self.ends.features))
            arrays["counts"] = np.array([len(one) for one in self.ends.features], np.int64)
        return arrays

    @classmethod
    def read(cls, folder: Path) -> FittedSeries:
        """From a model's folder; UserError where it is damaged, or where one file is of another training."""
        raw, arrays = read_json(folder / SERIES), read_weights(folder / ARRAYS)
        try:
            ends = _ends(arrays)
            statistics = Statistics(arrays["measures"], arrays.get("profiles"))
            if not isinstance(raw, dict):
                raise UserError("expected an object")
            index = SeriesIndex.from_json(raw if "arrays" in raw else _of_format_1(raw, ends))
            _check(index, ends, statistics)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UserError(f"{folder / SERIES}: expected the series of a forecaster ({error}); damaged") from None
        if index.arrays and index.arrays != _fingerprint(arrays):
            raise UserError(
                f"{folder}: {SERIES} and {ARRAYS} are not of one training, its writing was cut off; train again"
            )
        return cls(index, ends, statistics)


def _ends(arrays: Mapping[str, np.ndarray]) -> Series:
    lengths, phases = arrays["lengths"], arrays["phases"]
    rows = zip(arrays["values"], lengths, strict=True)
    values = [row[len(row) - int(n) :] for row, n in rows]
    features = None
    if "features" in arrays:
        counts = arrays["counts"]
        if int(counts.sum()) != len(arrays["features"]) or (counts < lengths).any():
            raise ValueError("features and values differ in length")
        features = np.split(arrays["features"], counts.cumsum()[:-1])
    others = None
    if "others" in arrays:
        if arrays["others"].ndim != 2 or int(lengths.sum()) != len(arrays["others"]):
            raise ValueError("neighbours and values differ in length")
        others = np.split(arrays["others"], lengths.cumsum()[:-1])
    return Series(values, features, phases, others)


def _check(index: SeriesIndex, ends: Series, statistics: Statistics) -> None:
    """ValueError where parts do not fit together, or hold what is no number."""
    count = len(index.ids)
    sizes = (len(ends), len(ends.places), len(statistics.measures))
    if any(size != count for size in sizes) or statistics.measures.shape != (count, 2):
        raise ValueError("sizes differ")
    if statistics.profiles is not None and (statistics.profiles.ndim != 2 or len(statistics.profiles) != count):
        raise ValueError("sizes differ")
    if not np.isfinite(statistics.measures).all() or not (statistics.measures[:, 1] > 0).all():
        raise ValueError("measures must be finite, and scales above 0")
    if ends.features is not None and not all(np.isfinite(rows).all() for rows in ends.features):
        raise ValueError("features must be finite")
    if any(np.isinf(one).any() for one in (*ends.values, *(ends.others or ()))):
        raise ValueError("values must not be infinite")
    if statistics.profiles is not None and np.isinf(statistics.profiles).any():
        raise ValueError("profiles must not be infinite")


def _of_format_1(raw: Mapping[str, Json], ends: Series) -> dict[str, Any]:
    """What series.json says, where it was written before it told of its arrays; of arrays it knew no starts then."""
    ids, offsets = raw["ids"], raw["offsets"]
    lengths = [int(offset) + int(length) for offset, length in zip(offsets, ends.lengths, strict=True)]
    learned, starts = raw.get("learned", lengths), raw.get("starts", [0] * len(ids))
    return {"ids": ids, "starts": starts, "learned": learned, "offsets": offsets}


def _fingerprint(arrays: Mapping[str, np.ndarray]) -> str:
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype} {array.shape} ".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
