"""What every stream has: its state as bytes, refused where it is another one's, and then nothing has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from throughtime.errors import UserError
from throughtime.runtime.stream import Stateless, Stream, check_shapes


class Sum(Stream[float, float]):
    """The sum of what came, scaled; a state is taken over in two parts."""

    kind = "sum"

    def __init__(self, size: int = 2) -> None:
        self.total, self.scale = np.zeros(size, np.float32), 1.0

    def feed(self, value: float) -> float:
        self.total[:] += value
        return float(self.total.sum()) * self.scale

    def state(self) -> Any:
        return {"total": self.total.copy()}, {"scale": self.scale}

    def set_state(self, state: Any) -> None:
        if state is None:
            self.total[:], self.scale = 0, 1.0
            return
        arrays, rest = state
        self.total = arrays["total"]
        self.scale = 1.0 / rest["scale"] if rest["scale"] != 1.0 else float(rest["scale"])
        if self.scale < 0:
            raise UserError("stream: a negative scale")


def test_a_state_goes_elsewhere() -> None:
    one, two = Sum(), Sum()
    one.feed(3.0)
    two.restore(one.save())
    assert one.feed(1.0) == two.feed(1.0) == 8.0
    one.reset()
    assert one.feed(1.0) == 2.0


def test_equal_states_are_equal_bytes() -> None:
    one = Sum()
    one.feed(3.0)
    saved = {one.save() for _ in range(30)}
    assert len(saved) == 1
    assert safetensors.numpy.load(saved.pop())["total"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize("scale", ["none", None, -2.0])
def test_what_is_refused_half_way_changes_nothing(scale: Any) -> None:
    one, broken = Sum(), Sum()
    one.feed(3.0)
    broken.feed(100.0)
    broken.scale = scale
    with pytest.raises(UserError, match="stream: "):
        one.restore(broken.save())
    assert one.feed(1.0) == 8.0


def test_the_state_of_another_kind_is_refused() -> None:
    other = Sum()
    other.kind = "product"
    with pytest.raises(UserError, match="expected the state of a sum stream, got that of 'product'"):
        Sum().restore(other.save())


@pytest.mark.parametrize("data", [b"", b"x" * 40, (1 << 63).to_bytes(8, "little") + b"{}", b"\2\0\0\0\0\0\0\0[]"])
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    with pytest.raises(UserError, match="it is damaged"):
        Sum().restore(data)


def test_shapes_are_compared() -> None:
    wanted = {"a": np.zeros((2, 3), np.float32)}
    check_shapes({"a": np.ones((2, 3), np.float32)}, wanted)
    for wrong, says in (
        ({"a": np.zeros((3, 2), np.float32)}, r"state's a must be float32 \(2, 3\), got float32 \(3, 2\)"),
        ({"a": np.zeros((2, 3))}, "got float64"),
        ({}, "got none"),
        ({"a": np.zeros((2, 3), np.float32), "b": np.zeros(1)}, "has b, which this model has not"),
    ):
        with pytest.raises(UserError, match=says):
            check_shapes(wrong, wanted)


def test_a_stream_without_a_state() -> None:
    stream: Stateless[str, str] = Stateless("turn", lambda text: text[::-1])
    assert stream.feed("ab") == "ba"
    stream.restore(stream.save())
    stream.reset()
    with pytest.raises(UserError, match="expected the state of a turn stream"):
        stream.restore(Sum().save())
