"""The state as a value: reset, select, reorder, join, move, and bytes that come back or are refused."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import throughtime.cells
from throughtime.errors import UserError
from throughtime.nn import Recurrent, State
from throughtime.nn.state import state_type


def make(batch: int = 4, name: str = "lstm", dtype: Any = torch.float32) -> Any:
    layer = Recurrent(name, 3, 3, {"P": 2}, seed=0, dtype=dtype)
    return layer(torch.randn(5, batch, 3, dtype=dtype))[1]


def equal(a: Any, b: Any) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", throughtime.cells.PLAIN)
def test_it_is_a_named_tuple_of_the_cells_states(name: str) -> None:
    state = make(name=name)
    trace = throughtime.cells.make(name).trace()
    assert isinstance(state, State)
    assert isinstance(state, tuple)
    assert state._fields == tuple(trace.states)
    assert [getattr(state, field) for field in state._fields] == list(state)
    parts = list(state)
    assert all(a is b for a, b in zip(parts, [*state], strict=True))
    assert equal(type(state).from_bytes(state.to_bytes()), state)
    assert len({state.to_bytes() for _ in range(20)}) == 1


def test_detach_and_to() -> None:
    state = make()
    assert state.h.requires_grad
    assert not any(tensor.requires_grad for tensor in state.detach())
    assert [tensor.dtype for tensor in state.to(torch.float64)] == [torch.float64] * 2
    assert state.to("meta").c.is_meta
    assert type(state.to("cpu")) is type(state)


@pytest.mark.parametrize("rows", [[1, 3], torch.tensor([False, True, False, True]), slice(1, 4, 2), [-3, -1]], ids=str)
def test_reset_and_select(rows: Any) -> None:
    state = make()
    fresh = state.reset(rows)
    assert equal(fresh.select([0, 2]), state.select([0, 2]))
    assert not any(tensor[[1, 3]].any() for tensor in fresh)
    assert equal(state.select(rows), [tensor[[1, 3]] for tensor in state])
    other = make()
    assert equal(state.reset(rows, other).select(rows), other.select(rows))
    learned = [torch.randn(3), torch.randn(3)]
    assert torch.equal(state.reset(rows, learned).c[3], learned[1])
    (d_h,) = torch.autograd.grad(fresh.h.sum(), state.h)
    assert torch.equal(d_h[:, 0], torch.tensor([1.0, 0.0, 1.0, 0.0]))


def test_reorder_and_cat() -> None:
    state, other = make(), make(2)
    assert equal(state.reorder([3, 1, 0, 2]), [tensor[[3, 1, 0, 2]] for tensor in state])
    joined = type(state).cat([state, other])
    assert equal(joined.select(slice(0, 4)), state)
    assert equal(joined.select(slice(4, 6)), other)
    assert equal(state.select([]), [tensor[:0] for tensor in state])


def test_structure() -> None:
    state = make()
    assert state.same_structure(make())
    assert not state.same_structure(make(3))
    assert not state.same_structure(make(dtype=torch.float64))
    assert not state.same_structure(tuple(state))
    assert not state.same_structure(make(name="gru"))
    assert state_type(("h", "c")) is type(state)


def test_copied_pickled_and_mapped() -> None:
    state = make().detach()
    for other in (copy.deepcopy(state), pickle.loads(pickle.dumps(state)), copy.copy(state)):
        assert type(other) is type(state)
        assert equal(other, state)
    from torch.utils._pytree import tree_map

    assert type(tree_map(torch.neg, state)) is type(state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_bytes_come_back(dtype: Any) -> None:
    state = make().to(dtype)
    again = type(state).from_bytes(state.to_bytes())
    assert type(again) is type(state)
    assert again.same_structure(state)
    assert equal(again, state)
    shared = state._make([state.h, state.h])  # one memory twice
    assert equal(type(state).from_bytes(shared.to_bytes()), shared)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused(data: Any) -> None:
    state = state_type(("h", "c"))(torch.arange(6.0).view(2, 3), torch.ones(2, 3))
    good = state.to_bytes()
    where = data.draw(st.integers(0, len(good) - 1))
    kind = data.draw(st.sampled_from(["cut", "flip", "grow"]))
    bad = bytearray(good)
    if kind == "cut":
        bad = bad[:where]
    elif kind == "flip":
        bad[where] ^= 1 << data.draw(st.integers(0, 7))
    else:
        bad += bytes(1 + where % 5)
    try:
        found, refusal = type(state).from_bytes(bytes(bad)), ""
    except UserError as error:
        found, refusal = None, str(error)
    if found is None:
        assert refusal.startswith("state: ")
        assert "\n" not in refusal
    else:
        assert equal(found, state), "damaged bytes gave other values"


def test_foreign_bytes_are_refused() -> None:
    state = make().detach()
    plain = safetensors.torch.save({"h": state.h, "c": state.c})
    facts = {"format": "throughtime.state.1", "names": json.dumps(["h"]), "checksum": "0"}
    wrong = safetensors.torch.save({"h": state.h, "c": state.c}, metadata=facts)
    for bytes_, message in [
        (b"", "cut off"),
        (b"nonsense that is longer than eight bytes", "cut off"),
        ((2).to_bytes(8, "little") + b"[]", "no state, or damaged"),
        (plain, "expected the format"),
        (wrong, "the names and the tensors"),
        (make(name="gru").to_bytes(), "expected the states h, c, got h"),
    ]:
        with pytest.raises(ValueError, match=message):
            type(state).from_bytes(bytes_)


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("reset", ([4],), "rows must lie between 0 and 3"),
        ("reset", (torch.tensor([True]),), r"a mask of rows must be \(B=4,\), got \(1,\)"),
        ("reset", ([0.5],), "rows must be integers or a mask"),
        ("reset", ([0], [torch.zeros(3)]), r"initial must be 2 states \(h, c\), got 1"),
        ("reset", ([0], [torch.zeros(3), torch.zeros(7)]), r"initial c must be \(4, 3\), got \(7,\)"),
        ("reorder", ([0, 1, 2, 2],), "each of the rows 0 to 3 once"),
        ("select", ([-5],), "rows must lie between"),
    ],
)
def test_errors(method: str, arguments: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        getattr(make(), method)(*arguments)


def test_more_errors() -> None:
    state = make()
    with pytest.raises(UserError, match="at least one"):
        type(state).cat([])
    with pytest.raises(UserError, match="one structure"):
        type(state).cat([state, state.to(torch.float64)])
    single = state._make(tensor[0] for tensor in state)
    with pytest.raises(UserError, match="single sequence"):
        single.select([0])


def test_a_states_name_comes_before_a_methods() -> None:
    state = state_type(("reset", "to"))(torch.zeros(2, 1), torch.ones(2, 1))
    assert torch.equal(state.to, torch.ones(2, 1))
    assert state.select([0]).reset.shape == (1, 1)
