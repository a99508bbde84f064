"""A language model that reads a text as it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.runtime.stream import Stream, check_shapes
from throughtime.tasks.text.model import State

if TYPE_CHECKING:
    from throughtime.tasks.text.stream import TextModel


class TextStream(Stream[str, np.ndarray]):
    """A language model that reads a text as it arrives: `feed` returns the logits (V,) of the next token.

    A token that what comes next may change (a word, a piece) is read once it is certain, with the text behind it.
    """

    kind = "text"

    def __init__(self, model: TextModel) -> None:
        self.model = model
        self._waiting = ""
        self._state: State = ()
        self._logits: np.ndarray = np.zeros(0)
        self.reset()

    def feed(self, value: str) -> np.ndarray:
        """Read on; the logits (V,) of what comes next, float32."""
        model, text = self.model, self._waiting + value
        settled = model.tokenizer.settled(text)
        tokens = model.tokenizer.encode(text[:settled]).tolist() if settled else []
        with model.feeding:  # streams of one model may be fed from several threads
            model.state = self._state
            for token in tokens:
                self._logits = model.step(token)
            self._state = model.state
        self._waiting = text[settled:]
        return self._logits

    def state(self) -> tuple[dict[str, np.ndarray], Json]:
        """The recurrences' states, the logits, and text whose tokens are not certain yet."""
        arrays = {f"{i}.{j}": one for i, layer in enumerate(self._state) for j, one in enumerate(layer)}
        return {**arrays, "logits": self._logits.copy()}, {"waiting": self._waiting}

    def set_state(self, state: Any) -> None:
        model = self.model
        if state is None:
            with model.feeding:
                model.reset()
                self._waiting, self._logits = "", model.step(model.config.start)
                self._state = model.state
            return
        arrays, rest = state
        check_shapes(arrays, self.state()[0])
        if not isinstance(rest, dict) or not isinstance(rest.get("waiting"), str):
            raise UserError("stream: expected the text that waits; the state is damaged")
        self._waiting, self._logits = rest["waiting"], arrays["logits"]
        layers = enumerate(self._state)
        self._state = tuple(tuple(arrays[f"{i}.{j}"] for j in range(len(layer))) for i, layer in layers)
