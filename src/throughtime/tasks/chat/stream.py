"""A trained model that replies, without torch: to single texts, and in a conversation that it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from throughtime.errors import UserError
from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.runtime.stream import State, Stream
from throughtime.storage.record import Schema
from throughtime.tasks.chat.options import ChatOptions
from throughtime.tasks.sequence.cutting import Cut
from throughtime.tasks.sequence.data import SequenceData, SequenceDecided, joined
from throughtime.tasks.sequence.stream import Answered, SequenceModel, Wishes

SCHEMA = Schema("chat", EncoderDecoderConfig, ChatOptions, SequenceData, SequenceDecided)
"""What config.json says of a model that replies."""

UNKNOWN = "I do not know."
"""What is said where the model is not sure enough of any reply."""


class TextChat(SequenceModel):
    """Replies. turns: of what was said, the last so many are read."""

    turns: int = 3

    def cut(self, text: str) -> Cut:
        """Of what was said the end is read."""
        text = text.strip()
        ids = self.pieces.encode(text)
        if not len(ids):
            return Cut([])
        return Cut([(text, ids[-self.most :])], max(0, len(ids) - self.most))

    def reply(self, said: Sequence[str], last: str | None = None, wishes: Wishes | None = None) -> Answered:
        """The reply to what was said, oldest first. last: the model's own last reply, which is not given again."""
        if isinstance(said, str) or not all(isinstance(one, str) for one in said):
            raise UserError("chat: expected the turns that were said as a list of texts")
        (found,) = self.answer([joined(said[-self.turns :])], replace(wishes or Wishes(), never=last))
        return found

    def stream(self, wishes: Wishes | None = None) -> ChatStream:  # type: ignore[override]
        """A conversation."""
        return ChatStream(self, wishes)


class ChatStream(Stream[str, Answered]):
    """A conversation: `feed` takes what a person says and returns the reply; both are remembered."""

    kind = "chat"

    def __init__(self, model: TextChat, wishes: Wishes | None = None) -> None:
        self.model, self.wishes = model, wishes
        self.said: list[str] = []

    def feed(self, value: str) -> Answered:
        last = self.said[-1] if self.said else None
        found = self.model.reply([*self.said, value], last, self.wishes)
        if found.outputs:
            said = found.text if not found.why else UNKNOWN
            self.said = [*self.said, value, said][-2 * self.model.turns :]
        return found

    def state(self) -> State:
        """What was said."""
        return {}, list(self.said)

    def set_state(self, state: State | None) -> None:
        said = [] if state is None else state[1]
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said) or (state and state[0]):
            raise UserError("stream: expected the turns of a conversation; the state is damaged")
        self.said = list(said)


def load(folder: Path, weights: str | None = None) -> TextChat:
    """The model in a folder. weights: None or float32, they stay as they are. UserError says what is damaged."""
    found = TextChat.of_folder(folder, SCHEMA, weights)
    found.turns = SCHEMA.read(folder).options.turns
    return found
