"""The self-check's own limits; tests/cli/test_doctor.py breaks the engine under it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from throughtime.cells import CATALOGUE
from throughtime.runtime.selfcheck import Finding, check


def test_every_cell_is_checked_and_good() -> None:
    findings = check()
    assert [f.cell for f in findings] == list(CATALOGUE)
    assert all(f.good for f in findings), findings


@pytest.mark.parametrize("key", ["output", "gradient", "slope"])
@pytest.mark.parametrize("value", [1e-3, float("nan"), float("inf")])
def test_what_is_beyond_a_limit_is_not_good(key: str, value: float) -> None:
    good = Finding("lstm", 0.0, 0.0, 0.0, True)
    assert good.good
    assert not replace(good, **{key: value}).good
    assert not replace(good, exact=False).good
