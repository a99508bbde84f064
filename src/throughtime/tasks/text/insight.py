"""Looking inside a language model: what it is diagnosed on, and short runs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.diagnosis import Diagnosis, examine
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.gates import GateOps, Seen
from throughtime.insight.patients import Trained, refreshed
from throughtime.insight.remedies import Change
from throughtime.insight.symptoms import Course
from throughtime.insight.units import followers, text_labels
from throughtime.models.resolve import declared, trace_of
from throughtime.recurrence import Trace
from throughtime.storage.folder import HISTORY, TOKENIZER, WEIGHTS, read_json, read_weights
from throughtime.tasks.text import model as language
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.stream import SCHEMA
from throughtime.training.history import read
from throughtime.training.settings import Settings

STEPS, ROWS = 200, 32
"""Of the batch that is looked at, where nothing is said."""

_VALIDATION = 20_000
"""Tokens by which short runs are judged."""


@dataclass
class TextPatient(Trained):
    """A language model with a text. ids: (N,) tokens to learn from; held: to judge by. batch: streams of a run."""

    config: LanguageConfig
    parameters: Mapping[str, np.ndarray]
    ids: np.ndarray
    held: np.ndarray
    settings: Settings
    course: Course
    batch: int = 32
    seed: int = 0

    def layers(self) -> Sequence[tuple[str, Trace, Mapping[str, int]]]:
        return [(f"layers.{i}.", layer.trace, layer.sizes) for i, layer in enumerate(self.config.layers)]

    def with_cell(self, cell: str | None) -> LanguageConfig | None:
        """The same model, of this or another cell, whose initial values are known; None where they are not."""
        traces = [trace_of(cell) if cell else declared(layer.trace) for layer in self.config.layers]
        known = [trace for trace in traces if trace is not None]
        if len(known) < len(traces):
            return None
        hidden = [layer.output_size if cell else layer.sizes.get("H", 0) for layer in self.config.layers]
        sizes = {k: v for layer in self.config.layers for k, v in layer.sizes.items() if k not in ("I", "H")}
        own = self.config
        return LanguageConfig.stack(
            own.vocabulary, own.embedding, known, hidden, None if cell else sizes, own.dropout, own.tied
        )

    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        config = self.with_cell(cell)
        if config is None:
            return None
        values = language.initial_parameters(config, np.random.default_rng(self.seed))
        counts = np.bincount(self.ids, minlength=config.vocabulary)
        values["output.b_y"] = np.log((counts + 1) / (len(self.ids) + config.vocabulary)).astype(np.float32)
        return values

    @property
    def training(self) -> Settings:
        return self.settings

    def job(self, change: Change, keep: Callable[[Any, Any], None] = lambda *_: None) -> Any:
        """The training of this model with a change, for the loop. keep: see the loop's Job."""
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.text.job import Course, TextJob
        from throughtime.training.streams import Streams

        config, values = self.start(self.config, change)
        streams = Streams(self.ids, self.batch, change.window or self.course.window or 64, self.seed + change.order)
        held = self.held[: _VALIDATION + 1]
        model = TorchModel(language, config, dict(values), self.seed)
        return TextJob(model, Course(streams, held), keep, lambda *_: None)

    def losses(self, steps: int, rows: int) -> Callable[[Any], Any]:
        """Runs the model over so many steps of so many places of the text that was kept apart, evenly spread."""
        import torch

        source = self.held if len(self.held) >= max(3, steps + 1) else np.concatenate([self.ids, self.held])
        steps = min(steps, len(source) - 1)
        if steps < 2:
            raise UserError(f"diagnose: expected a text of at least 3 tokens, got {len(source)}; give a longer one")
        starts = np.linspace(0, len(source) - steps - 1, min(rows, len(source) - steps)).astype(int)
        tokens = torch.from_numpy(source[starts + np.arange(steps + 1)[:, None]].astype(np.int64))
        values = {name: torch.tensor(value).requires_grad_() for name, value in self.parameters.items()}

        def run(ops: Any) -> Any:
            logits, _ = language.forward(ops, self.config, values, tokens[:-1])
            flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[1:].flatten(), reduction="none")
            return flat.reshape(steps, -1)

        return run


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> TextPatient:
    """The model in a folder with the text it learned, or another. fresh: with newly drawn parameters."""
    folder = Path(directory)
    record = SCHEMA.read(folder)
    options = record.options
    known = record.data.source
    there = known if isinstance(known, list) else [] if known is None else [known]
    if data is None and not (there and all(one.exists() for one in there)):
        place = ", ".join(str(one) for one in there if not one.exists())
        raise UserError(
            f"{folder}: the text it learned is not at {place or 'any known place'}; "
            "give one: throughtime diagnose DIR FILE"
        )
    text = Text.by(known if data is None else data if data == "-" else Path(data), options, record.data)
    tokenizer = tokenizers.from_json(read_json(folder / TOKENIZER))
    found = _patient(record.model, read_weights(folder / WEIGHTS), tokenizer, text, options, _lines(folder))
    return refreshed(found) if fresh else found


def _lines(folder: Path) -> list[dict[str, Any]]:
    return read(folder / HISTORY) if (folder / HISTORY).is_file() else []


def _patient(
    config: LanguageConfig,
    parameters: Mapping[str, np.ndarray],
    tokenizer: Any,
    text: Text,
    options: TextOptions,
    history: Sequence[Mapping[str, Any]],
) -> TextPatient:
    held = text.ids("validation", tokenizer)
    ids = text.ids("train", tokenizer)
    return TextPatient(
        config,
        parameters,
        ids,
        held,
        options.part(Settings),
        Course.of(history, options.part(Settings), options.window),
        options.batch,
        options.seed,
    )


def of_model(model: Any, text: Any = None) -> TextPatient:
    """A fitted LanguageModel as a patient, on the text it was fitted on or another."""
    source = model.examples if text is None else Text.of(text)
    if text is not None and source is not model.examples and len(source.text) < 10_000:
        source = replace(source, validation=0.0, holdout=0.0)
    history = model.outcome.history if model.outcome else []
    return _patient(
        model.model.config, model.model.parameters, model.model.tokenizer, source, model.record.options, history
    )


def diagnose(
    found: TextPatient,
    steps: int | None = None,
    rows: int | None = None,
    attempt: int = 0,
    note: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """See `LanguageModel.diagnose`."""
    chosen = steps or max(STEPS, 2 * (found.course.window or 0))
    return examine(found, found.losses(min(chosen, 2000), rows or ROWS), attempt, note)


LONGEST = 400
"""Tokens of an input that an answer is attributed to; of a longer one the last so many."""

_CORPUS = 20_000
"""Characters in which units that follow labels are looked for."""


def explain(
    model: Any,
    prompt: str,
    target: str | None = None,
    methods: Sequence[str] = METHODS,
    corpus: str | None = None,
) -> Explanation:
    """Why a language model expects what it expects after a prompt, and what its gates did on the way.

    model: a TextModel, or a fitted LanguageModel. target: the next token that is asked about, the likeliest one where
    it is not given. methods: of attribution, the first is shown first. corpus: a longer text in which to look for units
    that follow quotes, brackets and the like; the prompt where it is not given. Returns an Explanation: prints as text,
    `.to_json()`, gates as arrays in `.seen`. Raises UserError for a prompt of fewer than two tokens, unknown characters
    or an unknown target. Needs torch and captum.
    """
    import torch

    from throughtime.insight.given import GivenOps

    model = getattr(model, "model", model)
    config, tokenizer = model.config, model.tokenizer
    ids = tokenizer.encode(prompt)[-LONGEST:] if prompt else np.zeros(0, np.int32)
    if len(ids) < 2:
        raise UserError(f"explain: expected a text of at least two tokens, got {len(ids)}")
    values = {name: torch.tensor(value) for name, value in model.parameters.items()}
    table = values["embedding"]
    tokens = torch.from_numpy(ids.astype(np.int64))

    def logarithms(x: Any) -> Any:
        """(N, P, E) to the log probabilities (N, V) of the next token."""
        logits, _ = language.forward(GivenOps(x.transpose(0, 1)), config, values, tokens[:, None])
        return torch.log_softmax(logits[-1], -1)

    with torch.no_grad():
        likely = logarithms(table[tokens][None])[0]
    wanted = int(likely.argmax()) if target is None else _token(tokenizer, target)
    # in place of a token that is not there: what is to be expected before anything was read
    neutral = (torch.softmax(values["output.b_y"], 0) @ table).expand(len(ids), -1)
    question = Question(lambda x: logarithms(x)[:, wanted : wanted + 1], table[tokens], neutral, signed=True)
    parts = [tokenizer.decode([int(i)]) for i in ids]
    share = float(likely[wanted].exp())
    rank = int((likely > likely[wanted]).sum()) + 1
    place = "the likeliest" if rank == 1 else f"number {rank} of {config.vocabulary}"
    answer = f"After this text {tokenizer.decode([wanted])!r} has a probability of {share:.1%}, {place}."
    found = explain_question("text", question, parts, answer, see(model, ids), methods)
    longer = (corpus if corpus is not None else prompt)[:_CORPUS]
    seen = see(model, tokenizer.encode(longer)) if corpus is not None and len(longer) > 1 else found.seen
    labels = _labels(tokenizer, longer if corpus is not None else None, ids, parts)
    over = f"over {len(next(iter(labels.values()))):,} tokens" + ("" if corpus is None else " of the corpus")
    return replace(
        found, followers=followers(seen, labels), statistics=[layer.statistics() for layer in seen], over=over
    )


def _labels(tokenizer: Any, corpus: str | None, ids: np.ndarray, parts: Sequence[str]) -> dict[str, np.ndarray]:
    """What a reader sees at the last character of each token."""
    if corpus is not None:
        parts = [tokenizer.decode([int(i)]) for i in tokenizer.encode(corpus)]
    ends = np.cumsum([max(1, len(part)) for part in parts]) - 1
    text = "".join(part or "?" for part in parts)
    return {name: values[ends] for name, values in text_labels(text).items()}


def _token(tokenizer: Any, target: str) -> int:
    ids = tokenizer.encode(target) if target else []
    if len(ids) != 1:
        raise UserError(f"explain: --target must be one token of the model, {target!r} is {len(ids)}")
    return int(ids[0])


def see(model: Any, ids: np.ndarray) -> list[Seen]:
    """What a TextModel's recurrences do over tokens (T,): states and gates as arrays (T, 1, N), a Seen a layer."""
    ops = GateOps()
    language.forward(ops, model.config, model.parameters, np.asarray(ids, np.int64)[:, None])
    return ops.seen


def explained(directory: Path, data: str, options: Mapping[str, Any]) -> Explanation:
    """What `throughtime explain` does for a model's folder. data: the text, - for standard input."""
    from throughtime.data.text import read_text
    from throughtime.tasks.load import load

    prompt = read_text("-") if data == "-" else data
    if (series := options.get("series")) is not None:
        raise UserError(f"explain: --series {series} is for forecasters, this is a model of text")
    if options.get("step") is not None:
        raise UserError("explain: --step is for forecasters, this is a model of text")
    corpus = options.get("corpus")
    text = read_text(corpus) if corpus else None
    if text is None:
        record = SCHEMA.read(directory)
        learned = record.data.still(record.options)
        text = learned.part("validation") if learned is not None else None
    return explain(load(directory), prompt, options.get("target"), options["methods"], text or None)


UNIT, METRIC = "characters", "nats per character"
"""What a learning curve of texts is over, and of."""


def amount(data: Path | list[Path], share: float, seed: int, options: Mapping[str, Any]) -> tuple[float, float]:
    """Learn from the last `share` of a text's learning part, and score its test part: characters, nats for each."""
    from throughtime.storage.environment import cores
    from throughtime.tasks.text.estimator import LanguageModel
    from throughtime.tasks.text.score import nats_of

    if options.get("horizon") is not None:
        raise UserError("learning-curve: --horizon is for forecasts, this is text")
    text = Text.of(data)
    first, end = text.stretches("train")[0]
    count = max(1, round(share * (end - first)))
    kept, test = text.text[end - count :], len(text.part("test"))
    if count < 200 or test < 100:
        where = data if isinstance(data, Path) else data[0]
        raise UserError(f"learning-curve: {where} is too short, {share:.3g} of it are {count} characters; give more")
    fit = {name: options[name] for name in ("minutes", "steps") if options.get(name) is not None}
    own = {name: options[name] for name in ("cell", "hidden", "layers", "threads") if options.get(name) is not None}
    held = len(text.part("validation")) / (len(kept) - test)
    model = LanguageModel(seed=seed, **own).fit(kept, holdout=test / len(kept), validation=held, **fit).model
    assert model is not None
    ids = model.tokenizer.encode(text.part("test"))
    return float(count), nats_of(model, ids, own.get("threads") or cores())[0] / (len(ids) - 1)
