"""Training a language model, as the loop sees it."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.models.ops_torch import TorchModel
from throughtime.models.resolve import trace_of
from throughtime.tasks.text import model as language
from throughtime.tasks.text.job import Course, TextJob
from throughtime.tasks.text.model import LanguageConfig, initial_parameters
from throughtime.training.streams import Streams


def test_the_state_is_carried_over_the_chunks_of_training() -> None:
    config = LanguageConfig.stack(9, 4, [trace_of("lstm")], 6)
    parameters = initial_parameters(config, np.random.default_rng(0))
    ids = np.random.default_rng(1).integers(0, 9, 101)

    def losses(window: int) -> list[float]:
        streams = Streams(ids, 2, window, seed=0)
        model = TorchModel(language, config, parameters)
        job = TextJob(model, Course(streams, ids), lambda *_: None, lambda *_: None)
        job.begin()
        columns = ids[np.arange(41)[:, None] + np.array([0, 50])].astype(np.int64)
        return [job.loss(columns[i : i + window + 1])[0].item() for i in range(0, 40, window)]

    assert np.mean(losses(10)) == pytest.approx(losses(40)[0], rel=1e-5)
