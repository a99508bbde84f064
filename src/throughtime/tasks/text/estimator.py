"""The language model of a text, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout
from throughtime.storage.folder import CONFIG, FORMAT_VERSION, TOKENIZER, WEIGHTS, read_json, write_json, write_weights
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.model import LanguageConfig, initial_parameters
from throughtime.tasks.text.score import evaluate
from throughtime.tasks.text.stream import Piece, TextModel
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.insight.diagnosis import Diagnosis
    from throughtime.training.loop import Outcome
    from throughtime.training.settings import Settings

MINUTES = 3.0
"""How long training takes where nothing is said."""


class LanguageModel:
    """A model of text: which token comes next, learned from examples.

    cell: a name ("lstm", "rnn:relu"), a Cell, "file.py:ClassName", or a list with one for each layer. hidden: H, or
    one for each layer. embedding: values per token. layers: how many of the same cell. dropout: a share, applied
    between layers and before the output, or a Dropout. tied: the output layer uses the embedding.
    tokens: "characters", "bytes", "words" or "bpe"; vocabulary: their number, None for the kind's own choice.
    memory: the longest time scale, in steps, that the units of gated cells start with, None for the cells' own start
    (insight/carry.py). sizes: further symbolic sizes of the cell. seed: of everything random. threads: None for all
    that torch takes.

    Example (not run):
        model = throughtime.LanguageModel(hidden=128).fit("shakespeare.txt", minutes=1)
        print(model.evaluate()["bits_per_character"], "".join(model.write("ROMEO:", length=300)))
        model.save("runs/shakespeare")
    """

    def __init__(
        self,
        cell: Any = "lstm",
        hidden: int | Sequence[int] = 256,
        embedding: int = 64,
        layers: int = 1,
        dropout: float | Dropout = 0.0,
        tied: bool = False,
        tokens: str = "characters",
        vocabulary: int | None = None,
        sizes: Mapping[str, int] | None = None,
        seed: int = 0,
        threads: int | None = None,
        memory: float | None = None,
    ) -> None:
        if type(layers) is not int or not 1 <= layers <= 100:
            raise UserError(f"language model: layers must be a positive integer up to 100, got {layers!r}")
        if type(seed) is not int or not 0 <= seed < 1 << 63:
            raise UserError(f"language model: seed must be an integer from 0 up, below 2**63, got {seed!r}")
        if threads is not None and (type(threads) is not int or not 1 <= threads <= 1024):
            raise UserError(f"language model: threads must be a positive integer up to 1024, got {threads!r}")
        cells = list(cell) if isinstance(cell, list | tuple) else [cell] * layers
        self._traces = [trace_of(one) for one in cells]
        self.hidden, self.embedding, self.tied, self.sizes = hidden, embedding, tied, sizes
        self.dropout = dropout if isinstance(dropout, Dropout) else Dropout(between=dropout, output=dropout)
        self.memory = memory
        self.tokens, self.vocabulary, self.seed, self.threads = tokens, vocabulary, seed, threads
        self.model: TextModel | None = None
        self.text: Text | None = None
        self.outcome: Outcome | None = None
        self.config: dict[str, Any] = {}

    def fit(
        self,
        text: str | Path,
        out: str | Path | None = None,
        *,
        minutes: float | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        batch: int = 32,
        window: int = 64,
        validation: float = 0.05,
        holdout: float = 0.1,
        encoding: str = "utf-8",
        resume: bool = False,
        force: bool = False,
        quiet: bool = True,
        **settings: Any,
    ) -> LanguageModel:
        """Learn a text.

        text: a file (a Path, or a string that names one), or the text itself. out: a folder for the model, its
        history and checkpoints; None keeps all in memory. Budget: one of minutes, epochs or steps. batch, window:
        parallel streams and steps per chunk. validation, holdout: the shares of the text kept apart. resume: go on
        with what is in `out`, with its own model and settings, whatever this one was made with; a budget or settings
        given here replace the stored ones. force: overwrite what is in `out`. quiet: no progress. settings: further
        fields of training.settings.Settings. Returns itself. Raises UserError where something does not fit, or where
        another training is at work in `out`.
        """
        folder = Path(out) if out is not None else None
        budget = runs.budget(minutes, epochs, steps)
        runs.need_torch()  # without it nothing in the folder may change
        if resume:
            return self._resume(runs.stored(folder), Text.of(text, encoding), budget, settings, quiet)
        runs.refuse_existing(folder, force)
        from throughtime.insight.start import with_memory
        from throughtime.training.streams import Streams

        chosen = runs.settings_of(budget or (MINUTES, "minutes"), settings)
        source = Text.of(text, encoding, validation, holdout)
        if not source.part("train"):
            raise UserError(f"text: of {len(source.text)} characters none is left to learn from; use a longer text")
        # Every character of the file is in the alphabet, so that the held-out parts can be scored.
        base = source.text if self.tokens == "characters" else source.part("train")
        tokenizer = tokenizers.fit(self.tokens, base, size=self.vocabulary)
        config = LanguageConfig.stack(
            tokenizer.size, self.embedding, self._traces, self.hidden, self.sizes, self.dropout, self.tied
        )
        ids = source.ids("train", tokenizer)
        Streams(ids, batch, window, self.seed)  # refuses what cannot be cut into streams, before anything is written
        run = {**chosen.to_json(), "batch": batch, "window": window, "seed": self.seed, "threads": self.threads}
        run["memory"] = self.memory
        parameters = initial_parameters(config, np.random.default_rng(self.seed))
        parameters = with_memory(config.layers, parameters, self.memory, self.seed)
        counts = np.bincount(ids, minlength=tokenizer.size)
        parameters["output.b_y"] = np.log((counts + 1) / (len(ids) + tokenizer.size)).astype(np.float32)
        self.config = {
            "format_version": FORMAT_VERSION,
            "task": "text",
            "model": config.to_json(),
            "parameters": sum(value.size for value in parameters.values()),
            "tokens": {"kind": tokenizer.kind, "size": tokenizer.size},
            "start": _start(tokenizer, counts),
            "training": run,
            "data": {**source.to_json(), "encoding": encoding},
        }
        with runs.begun(folder, force, self.config, {TOKENIZER: tokenizer.to_json()}, self._threads()):
            return self._train(source, tokenizer, parameters, chosen, folder, False, quiet)

    def _resume(
        self, run: runs.Stored, text: Text, budget: runs.Budget | None, changes: Mapping[str, Any], quiet: bool
    ) -> LanguageModel:
        folder = run.folder
        try:
            source = replace(text, validation=run.data["validation"], holdout=run.data["holdout"])
            same = text.sha256 == run.data["sha256"]
            self.seed, self.threads = run.own["seed"], run.own["threads"]
        except KeyError as error:
            raise UserError(f"{folder / CONFIG}: expected the settings of a training, {error} is missing") from None
        if not same:
            raise UserError(
                f"{text.file or 'text'}: the run in {folder} learns another text; give that one, or a new --out"
            )
        tokenizer = tokenizers.from_json(read_json(folder / TOKENIZER))
        shapes = LanguageConfig.from_json(run.config["model"]).shapes
        parameters = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}  # the checkpoint fills them
        with run.gone_on(budget, changes) as (self.config, settings):
            return self._train(source, tokenizer, parameters, settings, folder, True, quiet)

    def _threads(self) -> int:
        import torch

        return self.threads or torch.get_num_threads()

    def _train(
        self,
        source: Text,
        tokenizer: Any,
        parameters: dict[str, np.ndarray],
        settings: Settings,
        folder: Path | None,
        resume: bool,
        quiet: bool,
    ) -> LanguageModel:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.text import model as language
        from throughtime.tasks.text.job import TextJob
        from throughtime.training.best import Best
        from throughtime.training.progress import choose
        from throughtime.training.streams import Streams

        config = LanguageConfig.from_json(self.config["model"])
        run, start, threads = self.config["training"], self.config["start"], self._threads()
        ids = source.ids("train", tokenizer)
        progress = choose(quiet)
        best = Best(folder / WEIGHTS if folder else None, progress.note)

        def sample(arrays: dict[str, np.ndarray], step: int) -> str | None:
            try:
                with np.errstate(all="ignore"):
                    writer = TextModel(config, arrays, tokenizer, start)
                    return "".join(writer.write(length=200, temperature=0.8, seed=self.seed + step))
            except UserError:  # weights so large that the output overflows: no end of a training
                return None

        held = np.concatenate([source.before("validation", tokenizer), source.ids("validation", tokenizer)])
        streams = Streams(ids, run["batch"], run["window"], self.seed)
        job = TextJob(TorchModel(language, config, parameters, self.seed), streams, held, best.keep, sample)
        cells = ", ".join(f"{layer.name} {layer.output_size}" for layer in config.layers)
        progress.note(
            f"{cells}; {self.config['parameters']:,} parameters; {len(ids):,} {tokenizer.kind} to learn from, "
            f"vocabulary {tokenizer.size:,}; {settings.budget:g} {settings.unit} on {threads} threads"
        )
        self.outcome = runs.learn(job, settings, folder, resume, progress, threads, best)
        self.model, self.text = TextModel(config, best.parameters(), tokenizer, start), source
        return self

    def write(self, prompt: str = "", length: int = 500, **options: Any) -> Iterator[Piece]:
        """Continue the prompt; yields text as it is produced. Options: see TextModel.write."""
        return self._fitted().write(prompt, length, **options)

    def evaluate(
        self, text: str | Path | None = None, part: str | None = None, encoding: str = "utf-8"
    ) -> dict[str, Any]:
        """How well a text is predicted, next to the simple baselines; see throughtime.tasks.text.score.evaluate.

        text: a file or the text itself; None is the text it was fitted on. part: "train", "validation", "test" (the
        default for the text it was fitted on) or "all" (the default, and the only one, for another).
        """
        model = self._fitted()
        assert self.text is not None
        scored = self.text if text is None else Text.of(text, encoding)
        return evaluate(model, scored, part, self.text, self.config["training"]["threads"])

    def diagnose(
        self,
        text: str | Path | None = None,
        steps: int | None = None,
        rows: int | None = None,
        attempt: int = 0,
        quiet: bool = True,
    ) -> Diagnosis:
        """Whether the gradient vanishes or explodes, how long the memory is, what gates do, and what helps.

        text: what to look at, None for the validation part of the text it was fitted on. steps, rows: T and B of the
        batch, 200 (or two training windows) and 32 where not given. attempt: steps of the short runs in which remedies
        are tried, 0 for none. Returns a Diagnosis: prints as text, `.to_json()`. Needs torch.
        """
        from throughtime.tasks.text import insight as text_insight
        from throughtime.training.progress import choose

        self._fitted()
        patient = text_insight.of_model(self, text)
        return text_insight.diagnose(patient, steps, rows, attempt, choose(quiet).note)

    def save(self, directory: str | Path) -> None:
        """Write the model's folder; throughtime.load reads it, without torch."""
        model, folder = self._fitted(), Path(directory)
        write_json(folder / TOKENIZER, model.tokenizer.to_json())
        write_weights(folder / WEIGHTS, model.parameters)
        write_json(folder / CONFIG, self.config)

    def _fitted(self) -> TextModel:
        if self.model is None:
            raise UserError("language model: expected a fitted model; call fit first, or throughtime.load a saved one")
        return self.model


def _start(tokenizer: Any, counts: np.ndarray) -> int:
    """The token that stands before an empty prompt: a line end if the text has any, else the most frequent token."""
    try:
        ids = tokenizer.encode("\n")
    except UserError:
        ids = []
    return int(ids[0]) if len(ids) == 1 and counts[ids[0]] > 0 else int(counts.argmax())
