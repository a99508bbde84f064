"""A trained language model as a stream: a token in, the logits of the next one out, at constant cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock, RLock, get_ident
from typing import Any
from unicodedata import normalize

import numpy as np

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.ngram import NGram
from throughtime.recurrence import Recurrence
from throughtime.runtime.sampling import Sampler, until
from throughtime.storage.folder import TOKENIZER, WEIGHTS, read_json, read_weights
from throughtime.storage.record import Schema
from throughtime.tasks.text.arriving import TextStream
from throughtime.tasks.text.data import TextData, TextDecided
from throughtime.tasks.text.format_1 import upgrade
from throughtime.tasks.text.model import LanguageConfig, State, check_finite, check_parameters
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.turn import Piece, Turn

_TABLE = 8192
"""The largest vocabulary whose products with the lowest recurrence are computed once, for every token."""

_TABLE_VALUES = 1 << 26
"""The most values that such a table may have."""

WEIGHT_FORMS = ("float32", "bfloat16", "int8")
"""How weights may be kept: smaller ones are read faster, for a little of the quality (benchmarks/narrow.py)."""

NGRAM = "ngram.safetensors"
"""The n-gram model of a folder."""

_MOST = 1_000_000_000
"""The most tokens and samples to write."""


_QUIET = np.errstate(all="ignore")
"""The product's scratch memory, where it has some, is not cleared: what lies there may raise a floating-point flag that
NumPy would report as a warning. That our numbers are finite is checked where they are read and drawn from."""


class TextModel:
    """A language model that runs without torch.

    config, parameters (name -> array) and tokenizer.
    weights: how the recurrences keep their matrices, one of WEIGHT_FORMS; None: as the parameters are. form: "NFC"
    where characters of the text were composed so, as those of a prompt are then. ngram: an n-gram model that joins in:
    logits are then ln p of both together. `writes_unknown` may be set: whether "<unk>" is written, for what is outside
    of a limited vocabulary.
    Raises UserError where they do not fit together.

    A model has one state, so it does one thing at a time: whoever resets it, sets its state or begins to write has it
    from then on. Another thread that would read on, or an earlier text that would be written on, gets a UserError; but
    see take_over.
    """

    def __init__(
        self,
        config: LanguageConfig,
        parameters: Mapping[str, np.ndarray],
        tokenizer: Any,
        weights: str | None = None,
        form: str = "",
        ngram: NGram | None = None,
    ) -> None:
        from throughtime import engine

        if weights is not None and weights not in WEIGHT_FORMS:
            raise UserError(f"weights: expected {', '.join(WEIGHT_FORMS)}, got {weights!r}")
        check_parameters(config, parameters)
        if tokenizer.size != config.vocabulary:
            raise UserError(
                f"tokenizer: expected {config.vocabulary} tokens, the model's vocabulary, got {tokenizer.size}"
            )
        if ngram is not None and ngram.vocabulary != config.vocabulary:
            raise UserError(f"n-gram model: expected {config.vocabulary} tokens, got {ngram.vocabulary}")
        self.config, self.parameters, self.tokenizer = config, parameters, tokenizer
        self._weights, self.ngram = weights, ngram
        self._beside = ngram.reader() if ngram is not None else None
        self.form, self._unknown, self.writes_unknown = form, tokenizers.unknown_ids(tokenizer), False
        dtype = parameters["embedding"].dtype
        try:
            self._steppers: list[Any] = [
                engine.compile(layer, str(dtype), lookup=not i).stepper(
                    tuple(parameters[f"layers.{i}.{name}"] for name in layer.trace.parameters),
                    weights=weights,
                )
                for i, layer in enumerate(config.layers)
            ]
        except ValueError as error:  # what only the engine can see, of a step that was put together by hand
            raise UserError(f"language model: the engine cannot run its layers: {error}") from None
        lowest, table = self._steppers[0], np.ascontiguousarray(parameters["embedding"])
        self._first, self._above = lowest.step_token, [stepper.step for stepper in self._steppers[1:]]
        if config.vocabulary <= _TABLE and config.vocabulary * _width(config.layers[0]) <= _TABLE_VALUES:
            lowest.set_table(table)
        else:
            self._first = lambda token: lowest.step(table[token])
        weight = parameters["embedding"] if config.tied else parameters["output.W_hy"]
        if "output.W_hp" in parameters:
            weight = weight @ parameters["output.W_hp"]
        self._weight, self._bias = np.ascontiguousarray(weight), parameters["output.b_y"]
        self._dtype, self._lock, self.feeding = dtype, Lock(), RLock()
        self._turn = Turn(None, True, np.empty(0, dtype))  # of nobody; the lock is for whoever replaces it

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy begins anew, with nothing read."""
        return TextModel, (self.config, dict(self.parameters), self.tokenizer, self._weights, self.form, self.ngram)

    @property
    def state(self) -> State:
        """Of each layer, of each of its states, a copy: (1, S); with an n-gram model, last the tokens it looks back to:
        (1, K - 1). May be set; None is the state before any text."""
        with self._lock:
            self._check_thread()
            return self._states()

    @state.setter
    def state(self, value: Sequence[Sequence[np.ndarray]] | None) -> None:
        self._begin(value, writes=False)

    def reset(self) -> None:
        """Forget everything read."""
        self.state = None

    def take_over(self) -> None:
        """The calling thread goes on from the state as it is, where another one has used the model and is done."""
        with self._lock:
            self._turn = self._new_turn(writes=False)

    def step(self, token: int) -> np.ndarray:
        """Read one token; the logits (V,) of the next one."""
        if not 0 <= token < self.config.vocabulary:
            raise UserError(f"token: expected 0 to {self.config.vocabulary - 1}, got {token}")
        turn = self._turn
        if turn.writes:
            turn = self._read_on()
        try:
            return self._step(token, turn).copy()
        except ValueError:
            with self._lock:
                self._check_thread()
            raise

    def read(self, text: str) -> np.ndarray:
        """Read on; the logits (V,) of what comes next. UserError names characters that are not in the vocabulary."""
        tokens = self.tokenizer.encode(self._composed(text)).tolist() if text else []
        if not tokens:
            raise UserError("text: expected at least one character to read, got none")
        turn = self._read_on()
        try:
            for token in tokens[:-1]:
                self._advance(token)
            return self._step(tokens[-1], turn).copy()
        except ValueError:
            with self._lock:
                self._check_thread()
            raise

    def stream(self) -> TextStream:
        """A text as it arrives, and what comes next; many may go on side by side."""
        return TextStream(self)

    def write(
        self,
        prompt: str = "",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: str | None = None,
        greedy: bool = False,
        samples: int = 1,
    ) -> Iterator[Piece]:
        """Continue the prompt; yields text as it is produced, each piece with its `.sample` (0, 1, ...).

        length: tokens to write, in each of `samples` continuations, which come one after the other. stop: ends a
        sample where this text appears; the text itself is not yielded. The rest as for Sampler. Starts from the
        prompt alone, whatever was read before. The prompt is checked at once: UserError names unknown characters.
        """
        for name, value, least in (("length", length, 0), ("samples", samples, 1)):
            if type(value) is not int or not least <= value <= _MOST:
                raise UserError(f"write: expected {name} as an integer from {least} to {_MOST:,}, got {value!r}")
        if stop == "":
            raise UserError("stop: expected a text of at least one character, got an empty one")
        if seed is not None and type(seed) is not int:
            raise UserError(f"seed: expected an integer from 0 up, got {seed!r}")
        tokens = self._prompt(prompt)

        def sampler(number: int) -> Sampler:
            seeds = None if seed is None else (seed, number)
            return Sampler(self.config.vocabulary, temperature, top_k, top_p, seeds, greedy)

        sampler(0)  # refuses wrong values now, not when the first piece is asked for
        hidden = [] if self.writes_unknown else self._unknown
        return self._write(tokens or [self.config.start], length, map(sampler, range(samples)), stop, hidden)

    def known(self, prompt: str) -> str:
        """A prompt without the characters that the model does not know."""
        return tokenizers.known_part(self.tokenizer, self._composed(prompt))

    def _composed(self, text: str) -> str:
        return normalize("NFC", text) if self.form and not text.isascii() else text

    def _prompt(self, prompt: str) -> list[int]:
        """The tokens of a prompt."""
        try:
            tokens: list[int] = self.tokenizer.encode(self._composed(prompt)).tolist() if prompt else []
        except UserError as error:
            raise UserError(f"{error}; or leave them out with --ignore-unknown, model.known(prompt)") from None
        return tokens

    def _write(
        self, tokens: list[int], length: int, samplers: Iterable[Sampler], stop: str | None, hidden: Sequence[int]
    ) -> Iterator[Piece]:
        turn = self._begin(None, writes=True)
        try:
            for token in tokens[:-1]:
                self._advance(token)
            first, after = self._step(tokens[-1], turn).copy(), self._states()
        except ValueError:
            with self._lock:
                self._check_turn(turn)
            raise
        for sample, sampler in enumerate(samplers):
            if sample:
                turn = self._begin(after, writes=True, instead=turn)
            pieces = self._sample(first.copy(), length, sampler, turn, hidden)
            for text in until(pieces, stop) if stop else pieces:
                piece = Piece(text)
                piece.sample = sample
                yield piece

    def _sample(
        self, logits: np.ndarray, length: int, sampler: Sampler, turn: Turn, hidden: Sequence[int]
    ) -> Iterator[str]:
        decoder = self.tokenizer.decoder()
        draw, step, push = sampler.draw, self._step, decoder.push
        for i in range(length):
            for one in hidden:
                logits[one] = -np.inf
            token = draw(logits)
            if text := push(token):
                yield text
            if i + 1 < length:
                if self._turn is not turn:
                    self._check_turn(turn)
                try:
                    logits = step(token, turn)
                except ValueError as error:
                    logits = self._write_on(token, turn, error)
        if rest := decoder.flush():
            yield rest

    def _states(self) -> State:
        layers = tuple(tuple(stepper.state) for stepper in self._steppers)
        return layers if self._beside is None else (*layers, (self._beside.state,))

    def _new_turn(self, writes: bool) -> Turn:
        """For the calling thread, which has the steppers before anybody sees the turn."""
        for stepper in self._steppers:
            stepper.take_over()
        return Turn(get_ident(), writes, np.empty(self.config.vocabulary, self._dtype))

    def _begin(self, value: Sequence[Sequence[np.ndarray]] | None, writes: bool, instead: Turn | None = None) -> Turn:
        """The calling thread has the model from here on, in this state. instead: only if it is this one's turn."""
        with self._lock:
            if instead is not None:
                self._check_turn(instead)
            turn = self._new_turn(writes)
            for i, stepper in enumerate(self._steppers):
                stepper.set_state(tuple(value[i]) if value is not None else None)
            if self._beside is not None:
                self._beside.state = value[-1][0] if value is not None else None
            self._turn = turn
            return turn

    def _read_on(self) -> Turn:
        """The calling thread reads on from the state as it is; a text that was being written ends."""
        with self._lock:
            self._check_thread()
            if self._turn.writes:
                self._turn = self._new_turn(writes=False)
            return self._turn

    def _write_on(self, token: int, turn: Turn, error: ValueError) -> np.ndarray:
        """A step that the steppers have refused: done in the calling thread, if it is only another one than before."""
        while True:
            with self._lock:
                self._check_turn(turn)
                if turn.thread == get_ident():
                    raise error
                for stepper in self._steppers:
                    stepper.take_over()
                turn.thread = get_ident()
            try:
                return self._step(token, turn)
            except ValueError as again:
                error = again

    def _check_thread(self) -> None:
        if self._turn.thread not in (None, get_ident()):
            raise UserError(
                "language model: another thread uses this model; load one for each, or call take_over() when it is done"
            )

    def _check_turn(self, turn: Turn) -> None:
        if self._turn is not turn:
            raise UserError(
                "language model: it was used for something else while it wrote this text; load one for each text"
            )

    def _advance(self, token: int) -> np.ndarray:
        """One token through the recurrences; the topmost output, overwritten by the next step.

        The steppers serve one thread at a time: ValueError in any other one, and nothing that this one got changes.
        """
        x: np.ndarray = self._first(token)
        for step in self._above:
            x = step(x)
        if self._beside is not None:
            self._beside.read(token)
        return x

    @_QUIET
    def _step(self, token: int, turn: Turn) -> np.ndarray:
        logits = turn.logits
        np.dot(self._weight, self._advance(token), logits)
        logits += self._bias
        if self._beside is not None:
            logits[:] = self._beside.mix(logits)
        return logits


SCHEMA = Schema("text", LanguageConfig, TextOptions, TextData, TextDecided, upgrade)
"""What config.json says of a language model."""


def load(folder: Path, weights: str | None = None) -> TextModel:
    """The model in a folder. weights: see TextModel. UserError says what is damaged."""
    record = SCHEMA.read(folder)
    config = record.model
    saved = read_json(folder / TOKENIZER)
    try:
        tokenizer = tokenizers.from_json(saved)
    except UserError as error:
        raise UserError(f"{folder / TOKENIZER}: {error}") from None
    parameters = read_weights(folder / WEIGHTS)
    try:
        check_parameters(config, parameters)
        check_finite(parameters)
        ngram = None
        if record.decided.ngram:
            ngram = NGram.from_arrays(read_weights(folder / NGRAM), config.vocabulary)
        return TextModel(config, parameters, tokenizer, weights, record.data.form, ngram)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None


def _width(layer: Recurrence) -> int:
    """Values of the products of a layer with its input."""
    graph, taken = layer.trace.graph, layer.trace.input
    return sum(layer.sizes[n.size] for n in graph.nodes if n.op == "matmul" and n.args[1] == taken)
