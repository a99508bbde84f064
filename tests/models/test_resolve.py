"""What a user may write for a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from throughtime import cells
from throughtime.errors import UserError
from throughtime.models.resolve import trace_of

OWN = """
from throughtime.recurrence import Cell, Matrix, tanh

class Mine(Cell):
    state = {"h": "H"}
    W = Matrix("H", "I")
    def step(self, x, h):
        return tanh(self.W @ x + h)
"""


def test_names_classes_cells_and_traces() -> None:
    wanted = cells.make("gru").trace().to_json()
    trace = cells.make("gru").trace()
    for given in ("gru", cells.GRU, cells.make("gru"), trace):
        assert trace_of(given).to_json() == wanted
    assert trace_of("rnn:relu").to_json() == cells.make("rnn", f="relu").trace().to_json()
    assert trace_of("rnn:relu").to_json() != trace_of("rnn").to_json()


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    assert trace_of(f"{file}:Mine").parameters == {"W": ("H", "I")}
    with pytest.raises(UserError, match="no such class, cells in that file: Mine"):
        trace_of(f"{file}:Other")
    with pytest.raises(UserError, match="there is no file"):
        trace_of(f"{tmp_path}/other.py:Mine")
    file.write_text("1 / 0")
    with pytest.raises(UserError, match="ZeroDivisionError"):
        trace_of(f"{file}:Mine")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("ltsm", "choose from rnn, lstm"),
        ("lstm:relu", "takes no option"),
        ("rnn:elu", "must be one of"),
        (3, "got int"),
    ],
)
def test_errors_say_what_is_possible(given: object, says: str) -> None:
    with pytest.raises(UserError, match=says):
        trace_of(given)
