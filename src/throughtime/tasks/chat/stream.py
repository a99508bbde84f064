"""A trained model that replies, without torch: to single texts, and in a conversation that it remembers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import regex

from throughtime.data.shared_bpe import SharedBPE
from throughtime.errors import UserError, located
from throughtime.runtime.stream import State, Stream
from throughtime.storage.environment import cores
from throughtime.storage.folder import WEIGHTS, read_json, read_weights
from throughtime.storage.parameters import check_finite, check_parameters
from throughtime.storage.record import ModelRecord, Schema
from throughtime.tasks.chat.data import ChatDecided, SequenceData, latest_of, turns_of
from throughtime.tasks.chat.model import WHO, ChatConfig, choosers, generators
from throughtime.tasks.chat.options import BOTH, CHOOSE, CHOSEN, GENERATE, ChatOptions
from throughtime.tasks.choosing.chooser import FILE as CHOOSER
from throughtime.tasks.choosing.chooser import WEIGHTS as CHOOSER_WEIGHTS
from throughtime.tasks.choosing.chooser import Chooser, Chosen, fingerprint
from throughtime.tasks.sequence.cutting import END
from throughtime.tasks.sequence.data import joined
from throughtime.tasks.sequence.stream import UNSURE, Answered, Output, SequenceModel, Wishes, as_they_are, pieces_of

SCHEMA = Schema("chat", ChatConfig, ChatOptions, SequenceData, ChatDecided)
"""What config.json says of a model that replies."""

UNKNOWN, UNKNOWN_ZH = "I do not know.", "我不知道。"
"""What is said where the model is not sure enough of any reply, and to what is said in Chinese."""

_HAN, _OTHER_LETTERS = regex.compile(r"\p{Han}"), regex.compile(r"[\p{Hiragana}\p{Katakana}]")


class Generator(SequenceModel):
    """Writes replies, by the end of what was said."""

    reads = END


class TextChat:
    """Replies, chosen or written.

    config, parameters: of both. generator, chooser: None where there is none. decided: where replies come from, and
    from which confidence on a generated one is said. mode: where nothing was decided. turns: of what was said, the last
    so many are read. written: so many to write a reply, None for as many.
    """

    def __init__(
        self,
        config: ChatConfig,
        parameters: Mapping[str, np.ndarray],
        generator: Generator | None,
        chooser: Chooser | None,
        decided: ChatDecided,
        mode: str | None = None,
        turns: int = CHOSEN,
        written: int | None = None,
    ) -> None:
        self.config, self.parameters, self.generator, self.chooser = config, dict(parameters), generator, chooser
        self.decided, self.turns, self.written = decided, turns, turns if written is None else written
        self.mode = decided.mode or mode or (CHOOSE if generator is None else GENERATE)
        if (self.mode in (CHOOSE, BOTH) and chooser is None) or (self.mode in (GENERATE, BOTH) and generator is None):
            raise UserError(f"{WHO}: what the mode {self.mode} needs is not there; config.json is damaged")

    def writer(self, who: str) -> Generator:
        """What writes replies. UserError where nothing does. who: asks."""
        if self.generator is None:
            raise UserError(
                f"{who}: this model chooses replies and writes none; train one with --mode generate or both"
            )
        return self.generator

    def answer(self, texts: Iterable[str], wishes: Wishes | None = None) -> Iterator[Answered]:
        """Texts as they come, in order, each with the reply to it; turns are divided by line ends."""
        if isinstance(texts, str):
            raise UserError("run: expected several texts, got one; give a list, [text]")
        if self.mode == GENERATE:
            assert self.generator is not None
            yield from self._written(texts, self._calibrated(wishes))
            return
        for text in texts:
            if not isinstance(text, str):
                raise UserError(f"run: expected texts, got {type(text).__name__}")
            yield self._answered(text, wishes or Wishes())

    def texts(self, texts: Iterable[str], **wishes: Any) -> list[str]:
        """The reply to each text, "" where none is known. wishes: see Wishes."""
        return [one.text for one in self.answer(texts, Wishes(**wishes))]

    def reply(self, said: Sequence[str], last: str | None = None, wishes: Wishes | None = None) -> Answered:
        """The reply to what was said, oldest first. last: the model's own last reply, which is not given again."""
        if isinstance(said, str) or not all(isinstance(one, str) for one in said):
            raise UserError("chat: expected the turns that were said as a list of texts")
        if said and not said[-1].strip():
            return Answered(said[-1], [])
        (found,) = self.answer([joined(said[-self.turns :])], replace(wishes or Wishes(), never=last))
        return found

    def stream(self, wishes: Wishes | None = None) -> ChatStream:
        """A conversation."""
        return ChatStream(self, wishes)

    def _calibrated(self, wishes: Wishes | None) -> Wishes:
        """Wishes with the confidence that the validation part decided on, where nothing else is said."""
        wishes, least = wishes or Wishes(), self.decided.threshold
        return wishes if wishes.at_least is not None or not least else replace(wishes, at_least=least)

    def _answered(self, text: str, wishes: Wishes) -> Answered:
        """A reply that is chosen, or, of a model of both, written where none that could be chosen is known."""
        assert self.chooser is not None
        turns = turns_of(text)[-self.turns :]
        if not turns:
            return Answered(text, [])
        if self.mode == CHOOSE and wishes.beam is not None:
            raise UserError("run: this model chooses replies, which needs no beam; leave it out")
        chosen = self.chooser.choose(turns, wishes.never)
        known = chosen.known if wishes.at_least is None else chosen.confidence >= wishes.at_least
        if self.mode == BOTH and not known:
            assert self.generator is not None
            if wishes.at_least is not None and not self.decided.sure:  # nothing tells how sure it would be
                return Answered(text, [_output(chosen)], why=UNSURE)
            (written,) = self._written([text], self._calibrated(wishes))
            if written.outputs and not written.why:
                return written
        return Answered(text, [_output(chosen)], why="" if known else UNSURE)

    def latest(self, text: str) -> str:
        """What is read of a text to write a reply."""
        return text if self.written >= self.turns else latest_of(text, self.written)

    def _written(self, texts: Iterable[str], wishes: Wishes) -> Iterator[Answered]:
        """Replies that are written to the last turns of texts, as they come."""
        given: deque[str] = deque()

        def read() -> Iterator[str]:
            for text in texts:
                given.append(text)
                yield self.latest(text) if isinstance(text, str) else text

        for found in self.writer("run").answer(read(), wishes):
            yield replace(found, source=given.popleft())

    @classmethod
    def assembled(
        cls,
        record: ModelRecord[ChatConfig, ChatOptions, SequenceData, ChatDecided],
        parameters: Mapping[str, np.ndarray],
        pieces: SharedBPE | None,
        chooser: Chooser | None,
        threads: int,
    ) -> TextChat:
        """From its parts. pieces: of the generator. UserError where they do not fit."""
        config, decided, generator = record.model, record.decided, None
        check_parameters(WHO, config.shapes, parameters)
        check_finite(WHO, parameters)
        if config.generator is not None:
            assert pieces is not None
            own = generators(parameters)
            generator = Generator(config.generator, own, pieces, record.data, decided, record.options.beam, threads)
        return cls(config, parameters, generator, chooser, decided, record.options.mode, *_read(record.options))


def _read(options: ChatOptions) -> tuple[int, int]:
    """Turns that are read at most, and to write a reply."""
    return options.most_turns, options.written_turns


def _output(chosen: Chosen) -> Output:
    """A chosen reply among the answers."""
    return Output(chosen.text, chosen.confidence, float(np.log(max(chosen.confidence, 1e-30))), chosen.confidence)


def said_of(answered: Answered) -> str:
    """What is said: the reply, that none is known, or nothing to a blank text."""
    if not answered.why:
        return answered.text
    chinese = _HAN.search(answered.source) and not _OTHER_LETTERS.search(answered.source)
    return UNKNOWN_ZH if chinese else UNKNOWN


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
            self.said = [*self.said, value, said_of(found)][-2 * self.model.turns :]
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
    as_they_are(WHO, weights)
    record = SCHEMA.read(folder)
    pieces = None if record.model.generator is None else pieces_of(folder, record)
    parameters = read_weights(folder / WEIGHTS)
    try:
        check_parameters(WHO, record.model.shapes, parameters)
        check_finite(WHO, parameters)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
    chooser = None if record.model.chooser is None else _chooser(folder, record, choosers(parameters))
    try:
        return TextChat.assembled(record, parameters, pieces, chooser, cores())
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None


def _chooser(
    folder: Path,
    record: ModelRecord[ChatConfig, ChatOptions, SequenceData, ChatDecided],
    parameters: Mapping[str, np.ndarray],
) -> Chooser:
    """The chooser in a folder, whose files are those that the record names."""
    files = {CHOOSER: read_json(folder / CHOOSER), CHOOSER_WEIGHTS: read_weights(folder / CHOOSER_WEIGHTS)}
    try:
        if record.decided.chooser and fingerprint(files) != record.decided.chooser:
            raise UserError("chooser: it is not the one that config.json names; the file is damaged")
        return Chooser.of_files(files[CHOOSER], files[CHOOSER_WEIGHTS], record.model.chooser, parameters)
    except UserError as error:
        raise UserError(located(str(error), folder, folder / CHOOSER)) from None
