"""Which series see which others, and what these say at their steps."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.data.frequency import Frequency
from throughtime.data.neighbours import Neighbours, clock, one_clock
from throughtime.data.panel import Panel
from throughtime.errors import UserError

OWN = Neighbours(("a", "b", "c"), (0.0, 10.0, 5.0), (1.0, 2.0, 5.0), ((1,), (2,), (0,)), ((1,), (-1,), (1,)))


def panel(ids: list[str], starts: list[str], lengths: list[int]) -> Panel:
    values = [np.arange(float(n)) + 10 * i for i, n in enumerate(lengths)]
    return Panel(ids, [np.datetime64(start, "us") for start in starts], Frequency.of("D"), values)


def test_values_stand_at_the_steps_of_the_series_that_sees_them() -> None:
    some = panel(["a", "b"], ["2024-01-03", "2024-01-01"], [4, 5])
    first, second = OWN.apply(some)
    # b began two days earlier and ends a day earlier: its third value stands beside a's first one
    np.testing.assert_allclose(first[:, 0], [(12 - 10) / 2, (13 - 10) / 2, (14 - 10) / 2, np.nan])
    assert np.isnan(second).all()  # c is not there
    assert OWN.missing(["a", "b"]) == ["b"]
    assert OWN.missing(["a", "b", "c"]) == []
    assert OWN.of("b") == ("c",)
    assert OWN.of("z") == ()


def test_what_moves_against_a_series_is_turned_round() -> None:
    links = OWN.links(["a", "b", "c"])
    found = links.standard(np.array([[0.0, 1], [2, 3], [5, 15]]))
    np.testing.assert_allclose(found[:, :, 0], [[-4, -3.5], [0, -2], [0, 1]])


def test_a_clock_begins_with_the_first_series() -> None:
    some = panel(["a", "b"], ["2024-01-03", "2024-01-01"], [4, 5])
    assert clock(some).tolist() == [2, 0]
    assert one_clock(some)
    rows = Panel(["a", "b"], [0, 0], Frequency("steps"), [np.zeros(3), np.zeros(4)])
    assert not one_clock(rows)  # series of different lengths and without dates


WRONG: list[dict[str, object]] = [
    {"places": ((1,), (2,), (3,))},
    {"weights": ((1.0,), (1.0,))},
    {"places": ((1,), (2,), ())},
]


@pytest.mark.parametrize("change", WRONG)
def test_what_does_not_fit_together_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UserError, match="as many means, deviations, places and weights"):
        Neighbours.from_json({**OWN.to_json(), **change})
    assert Neighbours.from_json(OWN.to_json()) == OWN
