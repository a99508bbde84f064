"""Series as a forecaster takes them, and what is no series."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.data.neighbours import Links
from throughtime.errors import UserError
from throughtime.tasks.forecast.model import WHO


@dataclass(frozen=True)
class Series:
    """What a forecaster is given of many series.

    values: (L_n,) float64 each, NaN where missing. features: (L_n + what is known beyond, P) float32 each, the known
    ones first, or None. phases: (N,) the place in the season of each one's first value. others: (L_n, M) float64 each,
    what the neighbours' values were at its steps, standardised, NaN where missing, or None. links: where the neighbours
    stand among these series, where that is known.
    """

    values: Sequence[np.ndarray]
    features: Sequence[np.ndarray] | None = None
    phases: np.ndarray | None = None
    others: Sequence[np.ndarray] | None = None
    links: Links | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) steps of each."""
        return np.array([len(one) for one in self.values], int)

    @property
    def places(self) -> np.ndarray:
        """(N,) phases, 0 where none are given."""
        return np.zeros(len(self), int) if self.phases is None else np.asarray(self.phases)

    def some(self, numbers: Sequence[int] | np.ndarray) -> Series:
        """Those with these numbers."""
        features = None if self.features is None else [self.features[n] for n in numbers]
        others = None if self.others is None else [self.others[n] for n in numbers]
        return Series([self.values[n] for n in numbers], features, self.places[numbers], others)

    def ends(self, cut: Sequence[int]) -> Series:
        """Without the first values of each, so many."""
        values = [one[k:] for one, k in zip(self.values, cut, strict=True)]
        features = None
        if self.features is not None:
            features = [rows[k:].astype(np.float32) for rows, k in zip(self.features, cut, strict=True)]
        others = None if self.others is None else [rows[k:] for rows, k in zip(self.others, cut, strict=True)]
        return Series(values, features, self.places + np.asarray(cut), others, self.links)

    def check_features(self, known: int) -> None:
        """UserError unless there are as many finite features of every step; known: how many of them go on beyond."""
        if self.features is None:
            if known:
                raise UserError(f"{WHO}: known={known}, but no features are given")
            return
        if len(self.features) != len(self):
            raise UserError(f"{WHO}: features must be given for all {len(self)} series, got {len(self.features)}")
        width = self.features[0].shape[-1]
        for n, (one, rows) in enumerate(zip(self.values, self.features, strict=True)):
            if rows.ndim != 2 or rows.shape[1] != width or len(rows) < len(one):
                raise UserError(
                    f"{WHO}: features of series {n} must be ({len(one)} or more, {width}), got {rows.shape}"
                )
            if not np.isfinite(rows).all():
                raise UserError(f"{WHO}: features of series {n} must be finite; fill what is missing, and mark it")
        if not 0 <= known <= width:
            raise UserError(f"{WHO}: known must be from 0 to {width}, got {known}")

    def digest(self) -> str:
        """A fingerprint of values and features."""
        sha = hashlib.sha256()
        for part in (self.values, self.features or ()):
            for one in part:
                sha.update(np.ascontiguousarray(one).tobytes())
        return sha.hexdigest()


def as_series(series: Any) -> list[np.ndarray]:
    """Series as a list of float64 arrays (L_n,). UserError where something is no series of numbers."""
    if isinstance(series, Mapping):
        series = list(series.values())
    if isinstance(series, np.ndarray) and series.ndim in (1, 2):
        series = [series] if series.ndim == 1 else list(series.T)
    if not isinstance(series, list | tuple) or not len(series):
        raise UserError(f"{WHO}: series must be arrays, got {type(series).__name__}; give a list of (L,) or one (T, N)")
    arrays = []
    for n, one in enumerate(series):
        if getattr(one, "dtype", np.dtype(float)).kind in "mM":
            raise UserError(
                f"{WHO}: series {n} holds times; a mapping is arrays by their names: give a frame, or the columns "
                "of a table as read_series(columns)"
            )
        try:
            if np.iscomplexobj(one):
                raise TypeError
            values = np.asarray(one, np.float64)
        except (TypeError, ValueError):
            raise UserError(f"{WHO}: series {n} has values that are no numbers") from None
        if values.ndim != 1 or not len(values):
            raise UserError(f"{WHO}: series {n} must be (L,), got {values.shape}")
        if np.isinf(values).any():
            step = int(np.isinf(values).argmax())
            raise UserError(f"{WHO}: series {n} is infinite at step {step}; use NaN for a missing value")
        if not np.isfinite(values).any():
            raise UserError(f"{WHO}: series {n} has no value at all")
        arrays.append(values)
    return arrays
