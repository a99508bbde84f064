"""Looking into an encoder-decoder: its gradients, what an answer rests on, what more pairs bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.pairs import Pairs, read_pairs
from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.diagnosis import Diagnosis, examine
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.gates import GateOps, Seen
from throughtime.insight.patients import Trained, redeclared
from throughtime.insight.remedies import Change
from throughtime.insight.symptoms import Course
from throughtime.models import encoder_decoder
from throughtime.models.encoder_decoder import EncoderDecoderConfig, Memory, Pieces
from throughtime.options import Json
from throughtime.recurrence import Trace
from throughtime.storage.folder import HISTORY
from throughtime.storage.record import Schema
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.sequence.data import Coded, parts
from throughtime.tasks.sequence.stream import SequenceModel
from throughtime.training.history import read
from throughtime.training.settings import Settings

STEPS, ROWS = 200, 32
"""Of the batch that is looked at, at most, where nothing is said."""

LONGEST = 400
"""Pieces of a text that an answer is attributed to; of a longer one the first so many."""

_HELD = 500
"""Pairs by which short runs are judged."""


@dataclass
class SequencePatient(Trained):
    """An encoder-decoder with pairs to learn from and to judge by."""

    config: EncoderDecoderConfig
    parameters: Mapping[str, np.ndarray]
    learned: Coded
    held: Coded
    options: Any
    course: Course

    def layers(self) -> Sequence[tuple[str, Trace, Mapping[str, int]]]:
        return [(start, one.trace, one.sizes) for stack in self.config.stacks for start, one in stack.named]

    def with_cell(self, cell: str | None) -> EncoderDecoderConfig | None:
        """The same model, of this or another cell, whose initial values are known; None where they are not."""
        stacks = [redeclared(stack, cell) for stack in self.config.stacks]
        known = [stack for stack in stacks if stack is not None]
        if len(known) < len(stacks):
            return None
        return replace(self.config, encoder=known[0], lower=known[1], upper=known[2])

    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        config = self.with_cell(cell)
        return None if config is None else encoder_decoder.draw(config, np.random.default_rng(self.options.seed))

    @property
    def training(self) -> Settings:
        found: Settings = self.options.part(Settings)
        return found

    def job(self, change: Change, keep: Callable[[Any, Any], None] = lambda *_: None) -> Any:
        """The training of this model with a change, for the loop. keep: see the loop's Job."""
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.sequence.job import SequenceJob

        config, values = self.start(self.config, change)
        options = self.options.replaced(seed=self.options.seed + change.order)
        model = TorchModel(encoder_decoder, replace(config, dropout=options.drops()), dict(values), options.seed)
        held = self.held.take(np.arange(min(_HELD, len(self.held))))
        return SequenceJob(model, self.learned, held, options, keep)

    def losses(self, steps: int, rows: int) -> Callable[[Any], Any]:
        """Runs the model over the beginnings of some of the longest pairs, all of one length; the losses (U, B)."""
        import torch

        coded = self.held if len(self.held) else self.learned
        lengths = np.minimum(coded.sources.lengths, coded.targets.lengths)
        order = np.argsort(-lengths, kind="stable")[:rows]
        order = order[lengths[order] >= 2]
        if not len(order):
            raise UserError("diagnose: expected pairs of at least two pieces each; give longer ones")
        length = min(steps, int(lengths[order[-1]]))
        cut = [np.stack([side[int(row)][:length] for row in order], 1) for side in (coded.sources, coded.targets)]
        source, target = (torch.from_numpy(one.astype(np.int64)) for one in cut)
        edge, whole = torch.full((1, len(order)), self.config.edge), torch.full((len(order),), length)
        values = {name: torch.tensor(value).requires_grad_() for name, value in self.parameters.items()}

        def run(ops: Any) -> Any:
            given = Pieces(torch.cat([edge, target[:-1]]), None)
            said = encoder_decoder.forward(ops, self.config, values, Pieces(source, whole), given)
            logits = ops.linear(said.readout, values["embedding"], values["output.b_y"])
            flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
            return flat.reshape(length, -1)

        return run


Cut = Callable[[Parts[Pairs], Any], Parts[Pairs]]
"""What a model reads of pairs, by its options."""


def patient(
    schema: Schema[Any, Any, Any, Any],
    load: Callable[[Path], SequenceModel],
    directory: str | Path,
    data: str | None,
    read_: Callable[[Any, Any], Pairs] | None = None,
    cut: Cut = lambda pairs, options: pairs,
) -> SequencePatient:
    """The model in a folder with the pairs it learned, or others. read_: pairs by file and options; read_pairs where
    not given. cut: what of them the model reads."""
    folder = Path(directory)
    record = schema.read(folder)
    own, options = record.data.file, record.options.replaced(test=None)
    if data is None and (own is None or own == "-" or not Path(own).parent.exists()):
        raise UserError(
            f"{folder}: the pairs it learned are not at {own or 'any known place'}; "
            "give some: throughtime diagnose DIR FILE"
        )
    source = Path(own if data is None else data) if data != "-" else "-"
    known = (record.data.source, record.data.target)
    if read_ is None:
        given = read_pairs(source, options.source, options.target, options.encoding, known=known)
    else:
        given = read_(source, options)
    usual = type(options).option("validation").default
    if data is not None or options.validation is None:
        options = options.replaced(validation=usual)
    history = read(folder / HISTORY) if (folder / HISTORY).is_file() else []
    return _patient(load(folder), cut(parts(None, given, None, options), options), record.options, history)


def of_model(
    model: Any,
    data: Any = None,
    running: SequenceModel | None = None,
    cut: Cut = lambda pairs, options: pairs,
) -> SequencePatient:
    """A fitted model as a patient, on the pairs it was fitted on or on others, as `fit` takes them. running: what of it
    is looked at, where that is not all of it. cut: as for `patient`."""
    options, pairs = model.record.options, model.examples
    if data is not None:
        usual = options.replaced(test=None, validation=0.1, holdout=0.0)
        given = model._pairs(data, None, options)
        pairs = parts(None, given, None, usual)
    return _patient(running or model.fitted(), cut(pairs, options), options, model.outcome.history)


def _patient(model: SequenceModel, pairs: Any, options: Any, history: Sequence[Mapping[str, Json]]) -> SequencePatient:
    coded = []
    for some in (pairs.learned, pairs.held):
        coded.append(Coded.of(some, model.pieces).within(options.longest, model.reads).pairs)
    course = Course.of(history, options.part(Settings), None)
    return SequencePatient(model.config, model.parameters, coded[0], coded[1], options, course)


def diagnose(
    found: SequencePatient,
    steps: int | None = None,
    rows: int | None = None,
    attempt: int = 0,
    note: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """See `Estimator.diagnose`."""
    return examine(found, found.losses(steps or STEPS, rows or ROWS), attempt, note)


def explain(model: Any, text: str, target: str | None = None, methods: Sequence[str] = METHODS) -> Explanation:
    """Why a model answers a text as it does, and what the encoder's gates did on the way.

    model: a running one, or a fitted one. target: a word of the answer that is asked about, its first piece; the whole
    answer where it is not given. methods: of attribution, the first is shown first. Raises UserError for a text of
    fewer than two pieces or an unknown target. Needs torch and captum.
    """
    import torch

    from throughtime.models.ops_torch import TorchOps
    from throughtime.runtime.beam import Asked

    model = getattr(model, "model", model)
    ids = model.pieces.encode(text)[:LONGEST]
    if len(ids) < 2:
        raise UserError(f"explain: expected a text of at least two pieces, got {len(ids)}")
    (answer, *_), *_ = model.search([Asked(ids, model.data.most(len(ids)))], model.beam)
    words = [model.pieces.decode([i]) for i in answer.ids]
    said, config, ops = model.pieces.decode(answer.ids), model.config, TorchOps()
    values = {name: torch.tensor(value) for name, value in model.parameters.items()}
    if target is not None and target not in words:
        raise UserError(f"explain: --target must be a piece of the answer, {' '.join(words)[:200]!r}, got {target!r}")
    places = range(len(answer.ids)) if target is None else [words.index(target)]
    wanted = torch.tensor([answer.ids[place] for place in places])
    given = torch.tensor([[config.edge], *([i] for i in answer.ids[:-1])])
    tokens = torch.from_numpy(ids.astype(np.int64))

    def logarithm(x: Any) -> Any:
        count = len(x)
        lengths = torch.full((count,), x.shape[1])
        memory: Memory = encoder_decoder.memorize(ops, config, values, x.transpose(0, 1), lengths)
        states = encoder_decoder.begin(ops, config, values, memory)
        read_ = encoder_decoder.embed(ops, config, values, given.expand(-1, count))
        seen = encoder_decoder.decode(ops, config, values, memory, states, read_)
        logits = ops.linear(seen.readout[list(places)], values["embedding"], values["output.b_y"])
        own = torch.log_softmax(logits, -1).gather(2, wanted[:, None, None].expand(-1, count, 1))[..., 0]
        return own.sum(0)[:, None]

    with torch.no_grad():
        x = encoder_decoder.embed(ops, config, values, tokens)
        likely = float(logarithm(x[None])[0, 0].exp())
    neutral = x.mean(0, keepdim=True).expand(len(ids), -1)
    about = repr(said) if target is None else f"{target!r} in {said!r}"
    shown = [model.pieces.pieces[int(i)].decode("utf-8", "replace") for i in ids]
    question = Question(logarithm, x, neutral, signed=True)
    told = f"{about} has a probability of {likely:.1%} in the decoder's own words, without what it copies."
    found = explain_question("text", question, shown, told, see(model, ids), methods)
    statistics = [layer.statistics() for layer in found.seen]
    return replace(found, statistics=statistics, over=f"over {len(ids)} pieces")


def see(model: SequenceModel, ids: np.ndarray) -> list[Seen]:
    """What the encoder's recurrences do over pieces (T,): states and gates as arrays (T, 1, N), by direction."""
    ops = GateOps()
    lengths = np.array([len(ids)])
    encoder_decoder.encode(ops, model.config, model.parameters, np.asarray(ids, np.int64)[:, None], lengths)
    return ops.seen


def explained(
    model: Any, data: str, options: Mapping[str, Json], by: Callable[..., Explanation] | None = None
) -> Explanation:
    """What `throughtime explain` does. data: the text, - for standard input. by: what explains, `explain` where not
    given."""
    from throughtime.data.text import read_text

    for name in ("series", "step", "corpus"):
        if options.get(name) is not None:
            raise UserError(f"explain: --{name} is for other models, this one makes a text of a text; leave it out")
    text = read_text("-").strip() if data == "-" else data
    return (by or explain)(model, text, options.get("target"), options["methods"])


UNIT, METRIC = "pairs", "1 - chrF"
"""What a learning curve of pairs is over, and of."""


def amount(
    learner: type[Any],
    data: Path | list[Path],
    share: float,
    seed: int,
    options: Mapping[str, Json],
    read_: Callable[[Path], Pairs] = read_pairs,
) -> tuple[float, float]:
    """Learn from a share of the pairs that are learned from, and score those kept apart: pairs, 1 - chrF."""
    from throughtime.tasks.sequence.quality import overlap

    if options.get("horizon") is not None:
        raise UserError("learning-curve: --horizon is for forecasts, these are pairs of texts")
    assert isinstance(data, Path)  # the commands take one file
    learned, test = read_(data).split(0.2, 1)
    count = round(share * len(learned))
    if count < 50 or len(test) < 20:
        raise UserError(
            f"learning-curve: {data}: {share:.3g} of it are {count} pairs; give at least 50, and more points"
        )
    rows = np.sort(np.random.default_rng(seed).permutation(len(learned))[:count])
    names = ("minutes", "steps", "cell", "hidden", "layers", "threads")
    chosen = {name: options[name] for name in names if options.get(name) is not None}
    model = learner(seed=seed).fit(learned.take(rows), quiet=True, **chosen)
    answers = model.predict(test.sources)
    return float(count), 1 - float(np.mean([overlap(*pair) for pair in zip(answers, test.targets, strict=True)]))
