"""What a tagger's training minimises."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch

from throughtime.data.tagged import Tagged
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import ReaderConfig, Tokens
from throughtime.models.resolve import trace_of
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.job import Targets
from throughtime.tasks.tag.model import WHO, TaggerConfig, initial_parameters


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_against_its_definition(crf: bool, smoothing: float) -> None:
    """Over all sequences of tags that a sentence could have."""
    names, intents = ["O", "B-a", "I-a"], ["x", "y"]
    reader = ReaderConfig.stack(WHO, [("word", 5, 3)], [trace_of("gru")], 4, pieces=(0, 0))
    config = TaggerConfig(reader, 3, 2, crf=crf)
    parameters = initial_parameters(config, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for name in ("crf.transitions", "crf.first", "crf.last"):
        if crf:
            parameters[name] = rng.standard_normal(parameters[name].shape).astype(np.float32)
    parameters["output.b_y"] += np.array([1, -2, 3], np.float32)  # so that there are scores behind an end
    model = TorchModel(tagger, config, parameters).eval()
    lengths = [3, 1]
    ids = torch.tensor([[[1, 4], [2, 0], [3, 0]]])
    tokens = Tokens(ids, torch.tensor(lengths))
    targets = Targets(names, intents, smoothing)
    given = Tagged([["a"], list("abc"), ["d"]], [["O"], ["B-a", "I-a", "O"], ["B-a"]], ["y", "x", "y"])
    targets.take(given)
    rows = np.array([1, 2])
    with torch.no_grad():
        output = model(tokens)
        found = targets.loss(model, output, tokens, rows).numpy()
    scores, logits = (value.numpy().astype(np.float64) for value in output)
    for b, row in enumerate(rows):
        count, truth = lengths[b], [names.index(tag) for tag in given.tags[row]]

        def total(path: Any, b: int = b) -> float:
            value = sum(scores[t, b, k] for t, k in enumerate(path))
            if crf:
                pairs = parameters["crf.transitions"]
                value += parameters["crf.first"][path[0]] + parameters["crf.last"][path[-1]]
                value += sum(pairs[i, j] for i, j in pairwise(path))
            return float(value)

        every = np.logaddexp.reduce([total(path) for path in product(range(3), repeat=count)])
        logs = logits[b] - np.logaddexp.reduce(logits[b])
        own = intents.index(given.intents[row])
        wanted = every - total(truth) - (1 - smoothing) * logs[own] - smoothing * logs.mean()
        assert found[b] == pytest.approx(wanted, rel=1e-4)
