"""What the schedule derives from a step: levels, places, saved values."""

from __future__ import annotations

import pytest

from throughtime.cells import make
from throughtime.recurrence import Cell, Matrix, Recurrence, Vector, sigmoid, tanh
from throughtime.recurrence.program import SPACES, Product, Tile
from throughtime.recurrence.schedule import schedule

SIZES = {"I": 64, "H": 100}


def kinds(phases) -> list[str]:
    return ["product" if isinstance(p, Product) else "tile" for p in phases]


@pytest.mark.parametrize(
    ("name", "levels"),
    [("rnn", 1), ("lstm", 1), ("gru", 2), ("gru_reset_after", 1)],
)
def test_operand_levels(name: str, levels: int) -> None:
    program = schedule(Recurrence(make(name).trace(), SIZES))
    tiles = [p for p in program.inference.phases if isinstance(p, Tile)]
    assert len(tiles) == levels
    assert sum(p.target.width for p in program.inference.hoisted) == {"rnn": 100, "lstm": 400}.get(name, 300)


def test_one_product_per_operand_and_no_hoisting_where_the_input_is_narrow() -> None:
    wide = schedule(Recurrence(make("lstm").trace(), SIZES))
    assert kinds(wide.inference.phases) == ["product", "tile"]
    assert [len(p.segments) for p in wide.inference.phases if isinstance(p, Product)] == [1]
    narrow = schedule(Recurrence(make("lstm").trace(), {"I": 3, "H": 100}))
    assert not narrow.inference.hoisted
    assert [len(p.segments) for p in narrow.inference.phases if isinstance(p, Product)] == [2]
    assert schedule(Recurrence(make("lstm").trace(), {"I": 3, "H": 100}), hoist=True).inference.hoisted


def test_gates_take_the_place_of_their_preactivations() -> None:
    record = schedule(Recurrence(make("lstm").trace(), SIZES)).training
    assert record.width == 6 * 100  # four gates, the old h and c; tanh(c) is computed once more
    assert schedule(Recurrence(make("gru").trace(), SIZES)).training.width == 5 * 100


class Peephole(Cell):
    state = {"h": "H", "c": "H"}
    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H")
    b_i = b_f = b_o = b_c = p_i = p_f = p_o = Vector("H")

    def step(self, x, h, c):
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.p_i * c + self.b_i)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.p_f * c + self.b_f)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.p_o * c + self.b_o)
        return o * tanh(c), c


def test_peepholes_cost_nothing_but_their_elementwise_products() -> None:
    lstm, peephole = schedule(Recurrence(make("lstm").trace(), SIZES)), schedule(Recurrence(Peephole().trace(), SIZES))
    assert kinds(lstm.training.phases) == kinds(peephole.training.phases)
    assert kinds(lstm.backward.phases) == kinds(peephole.backward.phases)
    assert sum(map(len, (p.segments for p in peephole.backward.phases if isinstance(p, Product)))) == 1


def test_the_summed_columns_come_first() -> None:
    program = schedule(Recurrence(Peephole().trace(), SIZES))
    assert program.backward is not None
    assert all(column + 100 <= program.backward.summed for _, column in program.backward.vectors)
    assert len(program.backward.vectors) == 7
    assert {SPACES[p.space] for p in program.places} <= set(SPACES)
