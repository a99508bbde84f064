"""An encoder-decoder: NumPy and torch agree, a target in one pass equals step by step, neighbours have no say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from throughtime.errors import UserError
from throughtime.models import encoder_decoder as ed
from throughtime.models.encoder_decoder import EncoderDecoderConfig, Pieces
from throughtime.models.exact import ExactOps
from throughtime.models.ops_numpy import NumpyOps, ReferenceOps
from throughtime.models.ops_torch import TorchModel
from throughtime.models.ragged_ids import RaggedIds
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout

SIZE = 23
TEXTS = [np.array(ids, np.int32) for ids in ([3, 4, 5, 6], [7], [8, 9, 3, 3, 3, 1, 2], [2, 2])]
ANSWERS = [np.array(ids, np.int32) for ids in ([1, 2], [3, 4, 5], [6], [7, 8])]


def config(cells: tuple[str, ...] = ("gru_reset_after",), **rest: Any) -> EncoderDecoderConfig:
    return EncoderDecoderConfig.stack(SIZE, 6, [trace_of(cell) for cell in cells], 8, **rest)


def batch(rows: list[int], made: EncoderDecoderConfig) -> tuple[Pieces, Pieces]:
    sources, answers = RaggedIds.of(TEXTS), RaggedIds.of(ANSWERS)
    some = np.array(rows)
    return (
        Pieces(sources.padded(some), sources.lengths[some]),
        Pieces(answers.padded(some, before=made.edge), answers.lengths[some] + 1),
    )


@pytest.mark.parametrize(("cells", "heads", "copying"), [(("lstm", "gru"), 2, True), (("gru_reset_after",), 1, False)])
def test_numpy_and_torch_agree(cells: tuple[str, ...], heads: int, copying: bool) -> None:
    made = config(cells, heads=heads, copying=copying, dropout=Dropout(0.5, 0.5, 0.5))
    parameters = ed.draw(made, np.random.default_rng(0))
    sources, targets = batch([0, 1, 2, 3], made)
    model = TorchModel(ed, made, parameters).eval()
    with torch.no_grad():
        theirs = model(*(Pieces(*(torch.from_numpy(one) for one in side)) for side in (sources, targets)))
    for ops in (NumpyOps(), ReferenceOps(), ExactOps(2)):
        ours = ed.forward(ops, made, parameters, sources, targets)
        np.testing.assert_allclose(ours.readout, theirs.readout, atol=2e-5)
        np.testing.assert_allclose(ours.shares, theirs.shares, atol=2e-5)
        assert (ours.gate is None) == (not copying)
    assert model.flat.keys() == made.shapes.keys()


def test_a_target_in_one_pass_equals_step_by_step() -> None:
    made = config(("lstm",))
    parameters, ops = ed.draw(made, np.random.default_rng(1)), ExactOps()
    sources, targets = batch([0, 2], made)
    whole = ed.forward(ops, made, parameters, sources, targets._replace(lengths=None))
    memory = ed.encode(ops, made, parameters, *sources)
    states: Any = ed.begin(ops, made, parameters, memory)
    # every source twice, as a beam has them: row j B + b reads source b
    states = tuple(tuple(tuple(tuple(np.tile(one, (2, 1)) for one in own) for own in layer) for layer in stack)
                   for stack in states)  # fmt: skip
    for t, tokens in enumerate(targets.tokens):
        x = ed.embed(ops, made, parameters, np.tile(tokens, 2)[None])
        said = ed.decode(ops, made, parameters, memory, states, x)
        states = said.lower, said.upper
        for half in (slice(0, 2), slice(2, 4)):
            np.testing.assert_array_equal(said.readout[0, half], whole.readout[t])
        np.testing.assert_array_equal(said.shares, np.repeat(whole.shares[t][None], 2, 0))


@pytest.mark.parametrize("heads", [1, 4])
def test_neighbours_have_no_say(heads: int) -> None:
    made = config(heads=heads)
    parameters, ops = ed.draw(made, np.random.default_rng(2)), ExactOps(2)
    sources, targets = batch([0, 1, 2, 3], made)
    whole = ed.forward(ops, made, parameters, sources, targets)
    for row in range(4):
        alone = ed.forward(ExactOps(1), made, parameters, *batch([row], made))
        steps, places = int(targets.lengths[row]), int(sources.lengths[row])
        np.testing.assert_array_equal(alone.readout[:, 0], whole.readout[:steps, row])
        np.testing.assert_array_equal(alone.shares[:, 0], whole.shares[:steps, row, :places])
        assert not whole.shares[:, row, places:].any()


def test_the_configuration_comes_back() -> None:
    made = config(("lstm", "gru"), heads=2, dropout=Dropout(0.1, 0.2, 0.3, variational=True))
    again = EncoderDecoderConfig.from_json(json.loads(json.dumps(made.to_json())))
    assert again.to_json() == made.to_json()
    assert again.shapes == made.shapes
    for change, says in (
        ({"vocabulary": 1}, "vocabulary"),
        ({"heads": 3}, "3 heads"),
        ({"copying": 1}, "copying"),
        ({"lower": made.encoder}, "reads from the start"),
        ({"attention": 9, "heads": 1}, "layer"),
    ):
        with pytest.raises(UserError, match=says):
            replace(made, **change)
    for name in made.to_json():
        with pytest.raises(UserError, match=r"encoder-decoder|dropout"):
            EncoderDecoderConfig.from_json({**made.to_json(), name: None})
