"""The chat, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.tasks.chat.data import read
from throughtime.tasks.chat.options import ChatOptions
from throughtime.tasks.chat.score import score
from throughtime.tasks.chat.stream import SCHEMA, TextChat
from throughtime.tasks.habits import Habits
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.sequence.data import parts
from throughtime.tasks.sequence.estimator import SequenceEstimator, SequencePlan


class Chat(SequenceEstimator[ChatOptions, TextChat]):
    """Replies to what was said, learned from conversations, or from questions and answers.

    Its options are those of throughtime.tasks.chat.options.ChatOptions, by name.

    Example (not run):
        model = throughtime.Chat().fit([["Hello", "Hi, how are you?", "Fine."], ["Hello there", "Good day."]])
        model.reply(["Hello"])
    """

    schema = SCHEMA
    running = TextChat
    habits = Habits(answers=False)

    def _pairs(self, sources: Any, targets: Any, options: Any) -> Pairs:
        data = sources if targets is None else (sources, targets)
        return read(data, options.source, options.target, options.encoding, options.turns)

    def _parts(self, source: Any, given: Pairs, beside: Pairs | None, options: ChatOptions) -> Parts[Pairs]:
        def file(name: str) -> Pairs:
            return read(Path(name), options.source, options.target, options.encoding, options.turns)

        return parts(source, given, beside, options, file)

    def _model(
        self, plan: SequencePlan, options: Any, parameters: Mapping[str, np.ndarray], decided: Any = None
    ) -> TextChat:
        made = super()._model(plan, options, parameters, decided)
        made.turns = options.turns
        return made

    def reply(self, said: Sequence[str], last: str | None = None) -> str:
        """The reply to what was said, oldest first. last: the model's own last reply, which is not given again."""
        return self.fitted().reply(said, last).text

    def score_held_out(self, say: Any) -> dict[str, Any] | None:
        assert self.examples is not None
        if self.examples.test is None:
            return None
        return score(self.fitted(), self.examples.test, self.examples.whole)
