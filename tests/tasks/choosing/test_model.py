"""The encoders: NumPy and torch agree, rows do not see each other, vectors have length 1."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.models.exact import ExactOps
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout, Stack
from throughtime.tasks.choosing import model
from throughtime.tasks.choosing.model import ChooserConfig


def config(cell: str = "gru") -> ChooserConfig:
    stacks = {side: Stack(Stack.of([trace_of(cell)], 6, 5, True).layers, side, True) for side in model.SIDES}
    return ChooserConfig(9, 6, 4, **stacks, dropout=Dropout(0.3, 0.0, 0.3))


def inputs(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    lengths = rng.integers(1, 8, count)
    ids = rng.integers(0, 9, (int(lengths.max()), count))
    return ids, rng.integers(0, model.TURNS, ids.shape), lengths


@pytest.mark.parametrize("side", model.SIDES)
def test_numpy_and_torch_agree(side: str) -> None:
    import torch

    from throughtime.models.ops_torch import TorchModel

    chosen = config()
    parameters = model.draw(chosen, np.random.default_rng(0))
    given = inputs(7)
    mine = model.forward(ExactOps(), chosen, parameters, side, *given)
    trained = TorchModel(model, chosen, parameters).eval()
    theirs = trained(side, *(torch.from_numpy(one) for one in given)).detach().numpy()
    assert mine == pytest.approx(theirs, abs=1e-5)
    assert np.linalg.norm(mine, axis=1) == pytest.approx(np.ones(7), abs=1e-5)


def test_rows_do_not_see_each_other() -> None:
    chosen = config("lstm")
    parameters = model.draw(chosen, np.random.default_rng(1))
    ids, turns, lengths = inputs(6)
    together = model.forward(ExactOps(), chosen, parameters, "context", ids, turns, lengths)
    for b in range(6):
        size = lengths[b]
        alone = model.forward(
            ExactOps(),
            chosen,
            parameters,
            "context",
            ids[:size, b : b + 1],
            turns[:size, b : b + 1],
            lengths[b : b + 1],
        )
        assert np.array_equal(alone[0], together[b])


def test_saved_and_damaged() -> None:
    chosen = config()
    again = ChooserConfig.from_json(chosen.to_json())
    assert again.shapes == chosen.shapes
    for name, value in (("vocabulary", 0), ("context", [1]), ("width", "x"), ("more", 1)):
        with pytest.raises(UserError):
            ChooserConfig.from_json({**chosen.to_json(), name: value}).shapes  # noqa: B018
