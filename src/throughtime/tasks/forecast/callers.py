"""Who asked, and in what: the kind of a frame, so that answers come as one of the same kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from throughtime.data.axis import TimeAxis
from throughtime.errors import UserError, needed

_KINDS = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True)
class Caller:
    """How a frame is to look. kind: pandas, polars or pyarrow. id, time: its columns of names and times. aware: whether
    its times have a zone; date: whether they are dates without a time of day, as polars and pyarrow know them."""

    kind: str
    id: str = "unique_id"
    time: str = "ds"
    aware: bool | None = None
    date: bool = False

    def frame(self, columns: Mapping[str, np.ndarray | list[str]], axis: TimeAxis) -> Any:
        """A frame of columns; those of datetime64 are times as a Panel of the axis has them."""
        import narwhals

        zoned = axis.zone is not None and self.aware is not False and not self.date
        zoned = zoned and (self.aware is True or axis.clock == "utc")
        times = [name for name, one in columns.items() if isinstance(one, np.ndarray) and one.dtype.kind == "M"]
        data = dict(columns)
        for name in times:
            one = np.asarray(columns[name])
            data[name] = (axis.instants(one) if zoned else axis.local(one)).astype("datetime64[us]")
        made = narwhals.from_dict(data, backend=self.kind)  # type: ignore[arg-type]
        for name in times:
            stamp = narwhals.col(name)
            if zoned:
                made = made.with_columns(stamp.dt.replace_time_zone("UTC").dt.convert_time_zone(_known(axis.zone)))
            elif self.date:
                made = made.with_columns(stamp.cast(narwhals.Date()))
        return made.to_native()


def caller_of(source: Any, axis: TimeAxis, id: str) -> Caller | None:
    """How answers to a frame are to look; None where the source is none. id: what its column of names is called."""
    if source is None or isinstance(source, str | list | tuple | dict | np.ndarray) or find_spec("narwhals") is None:
        return None
    import narwhals

    try:
        frame = narwhals.from_native(source, eager_only=True, allow_series=True)
    except TypeError:
        return None
    kind = {"modin": "pandas", "cudf": "pandas"}.get(str(frame.implementation), str(frame.implementation))
    time = axis.column or "ds"
    index = getattr(source, "index", None)
    dtype: Any = None
    if isinstance(frame, narwhals.DataFrame) and time in frame.columns:
        dtype = frame[time].dtype
        zone = getattr(dtype, "time_zone", None)
    else:  # the index of a pandas frame, or times made of several columns
        zone, time = getattr(index, "tz", None), getattr(index, "name", None) or "ds"
    dated = dtype == narwhals.Date if dtype is not None else False
    text = dtype == narwhals.String if dtype is not None else False
    return Caller(kind if kind in _KINDS else "pandas", id, str(time), None if text else zone is not None, dated)


def usual() -> Caller:
    """A frame of the first kind that is installed; UserError where there is none."""
    kind = next((kind for kind in _KINDS if find_spec(kind) and find_spec("narwhals")), None)
    if kind is None:
        raise UserError(f"forecaster: frames need pandas, polars or pyarrow, and narwhals: {needed('forecast')}")
    return Caller(kind)


def _known(zone: str | None) -> str:
    """A zone's name as frames take it: an offset of whole hours is Etc/GMT with its sign turned round."""
    if zone and zone[0] in "+-" and zone.endswith(":00"):
        hours = int(zone[1:3])
        return "UTC" if not hours else f"Etc/GMT{'-' if zone[0] == '+' else '+'}{hours}"
    return zone or "UTC"
