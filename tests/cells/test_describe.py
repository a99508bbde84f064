"""What the catalogue says about a cell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from throughtime.cells import CATALOGUE, make
from throughtime.cells.describe import catalogue_lines, describe, facts, unrolled
from throughtime.recurrence import Cell, Matrix, Vector, tanh

SECTIONS = ["Equations", "Through time", "Gates", "Parameters", "Equals", "Source", "Code"]


def test_the_catalogue_has_a_line_for_every_cell() -> None:
    lines = catalogue_lines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert all(line.rstrip().endswith(".") for line in lines)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_page_has_every_section_and_fits_a_screen(name: str) -> None:
    page = describe(make(name))
    assert [line for line in page.splitlines() if line in [*SECTIONS, "LaTeX"]] == SECTIONS
    assert max(map(len, page.splitlines())) <= 125
    assert "PyTorch: " in page
    assert "Keras: " in page
    assert "    def step(self, x" in page
    assert "LaTeX" in describe(make(name), latex=True)


def test_facts_of_the_lstm() -> None:
    known = facts(make("lstm"), {"I": 3, "H": 5})
    assert known["states"] == {"h": "H", "c": "H"}
    assert known["output"] == "h"
    assert list(known["gates"]) == ["i", "f", "o"] == known["named"]
    assert known["parameter_count"] == 4 * 5 * (3 + 5 + 1) == sum(p["count"] for p in known["parameters"])
    assert {"name": "W_xi", "shape": ["H", "I"], "count": 15} in known["parameters"]
    assert known["equals"]["PyTorch"].startswith("torch.nn.LSTM")
    assert known["source"].startswith("Hochreiter")
    assert known["source"].endswith("without peepholes.")
    assert json.loads(json.dumps(known)) == known


def test_every_gate_that_is_explained_is_one_the_step_computes() -> None:
    for name in CATALOGUE:
        known = facts(make(name))
        assert list(known["gates"]) == known["named"]


def test_the_counts_are_those_of_the_arrays() -> None:
    import numpy as np

    for name in CATALOGUE:
        sizes = {"I": 4, "H": 6, "P": 3}
        arrays = make(name).trace().initial_parameters(sizes, np.random.default_rng(0))
        assert facts(make(name), sizes)["parameter_count"] == sum(a.size for a in arrays.values())


def test_the_picture_of_two_states() -> None:
    assert unrolled(make("lstm").trace(), 2).splitlines() == [
        "          h_1                h_2",
        "           ^                  ^",
        "       +---|---+          +---|---+",
        "h_0 -->| lstm  |-- h_1 -->| lstm  |-- h_2 --> ...",
        "c_0 -->|       |-- c_1 -->|       |-- c_2 --> ...",
        "       +---|---+          +---|---+",
        "           ^                  ^",
        "          x_1                x_2",
    ]


class Own(Cell):
    """A cell of somebody's own."""

    state = {"memory": "M", "h": "H"}
    output = "h"
    W_m, W_h, U = Matrix("M", "I"), Matrix("H", "M"), Matrix("M", "M")
    b = Vector("H")

    def step(self, x: Any, memory: Any, h: Any) -> Any:
        memory = tanh(self.W_m @ x + self.U @ memory)
        mixed = self.W_h @ memory + self.b
        return memory, tanh(mixed)


def test_a_cell_of_the_users_own_needs_no_sections() -> None:
    known = facts(Own(), {"M": 2, "H": 3, "I": 4})
    assert known["parameter_count"] == 2 * 4 + 3 * 2 + 2 * 2 + 3
    page = describe(Own(), {"M": 2})
    assert "at I = 64, M = 2, H = 256" in page
    assert "Gates\n    mixed" in page
    assert "Equals" not in page
    assert "Source" not in page
    assert "memory_0" in page
    assert "h_3" in page


def test_a_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="size H must be a positive integer, got 0"):
        facts(make("gru"), {"H": 0})
