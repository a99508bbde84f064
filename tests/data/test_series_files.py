"""Files as people have them: each is read right, and what was done is said, or it is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.series_files.across import ACROSS
from tests.data.series_files.declared import DECLARED
from tests.data.series_files.exports import EXPORTS
from tests.data.series_files.grids import GRIDS
from tests.data.series_files.heads import HEADS
from tests.data.series_files.languages import LANGUAGES
from tests.data.series_files.layouts import LAYOUTS
from tests.data.series_files.numbers import NUMBERS
from tests.data.series_files.odd import ODD
from tests.data.series_files.situation import Situation
from tests.data.series_files.times import TIMES
from tests.data.series_files.zones import ZONES
from throughtime.data.series import read_series
from throughtime.errors import UserError

SITUATIONS = [*TIMES, *NUMBERS, *LAYOUTS, *GRIDS, *ZONES, *ACROSS, *ODD, *EXPORTS, *DECLARED, *LANGUAGES, *HEADS]


def test_names_are_different() -> None:
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS) >= 200


@pytest.mark.parametrize("one", SITUATIONS, ids=lambda one: one.name)
def test_a_file(one: Situation, tmp_path: Path) -> None:
    path = tmp_path / one.file
    path.write_text(one.text, encoding="utf-8")
    if one.refused:
        with pytest.raises(UserError) as caught:
            read_series(path, **one.options)
        said = str(caught.value)
        assert said.startswith(str(path))
        assert "\n" not in said
        for words in one.refused:
            assert words in said
        return
    panel = read_series(path, **one.options)
    assert panel.ids == list(one.values)
    for values, expected in zip(panel.values, one.values.values(), strict=True):
        assert [None if np.isnan(v) else v for v in values.tolist()] == expected
    times = one.times.split()
    if times:
        shown = panel.axis.local(panel.times(0, 0, len(times))) if panel.dated else panel.times(0, 0, len(times))
        assert shown.tolist() == (np.array(times, "datetime64[us]") if panel.dated else np.array(times, int)).tolist()
    notes = "\n".join(panel.notes)
    for words in one.says:
        assert words in notes
    assert one.frequency is None or panel.axis.frequency == one.frequency
    assert one.zone is None or panel.axis.zone == one.zone


@pytest.mark.parametrize("name", ["a.feather", "a.XLS", "a.zip"])
def test_a_file_of_another_program(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x00\xff")
    with pytest.raises(UserError, match=f"{name}: .{name[2:].lower()} is not read; write it as CSV or Parquet"):
        read_series(path)
