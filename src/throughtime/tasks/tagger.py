"""The tagger of tokens, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from throughtime.data.splits import grouped_split
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.models import tagger
from throughtime.models.config import LARGEST, Dropout
from throughtime.models.examples import Examples
from throughtime.models.reader import ReaderConfig
from throughtime.models.resolve import trace_of
from throughtime.models.tagger import WHO, TaggerConfig
from throughtime.models.wide import Wide
from throughtime.runtime.classify import RECURRENCE, fuse, log_softmax
from throughtime.runtime.folder import CONFIG, FORMAT_VERSION, TOKENIZER, WEIGHTS, write_json, write_weights
from throughtime.runtime.readers import Reader, Readers, prefix, readers_of
from throughtime.runtime.tag import Tagging, TokenTagger, together
from throughtime.tasks import reading
from throughtime.tasks.classify_folder import forget, write_linear
from throughtime.tasks.classify_metrics import coverage_at
from throughtime.tasks.fusion import decide, told
from throughtime.tasks.tag_data import Tagged, read_tagged
from throughtime.tasks.tag_metrics import scheme_of, slot_f1
from throughtime.tasks.tag_swap import Swapper
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.training.loop import Outcome
    from throughtime.training.settings import Settings

EPOCHS = 12
"""How long training takes where nothing is said."""

DEFAULTS = {**reading.DEFAULTS, "clip": 5.0, "weight_decay": 0.0}
"""Settings of training where nothing is said."""

COLUMNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "words": (("word",), True),
    "characters": (("token", "pair_before", "pair_after"), False),
}
"""What is seen of tokens that are words, and that are single characters, and whether they are spelled out too."""


class Tagger:
    """A label for each token of a text, slots or entities, and an intent for the whole; learned from examples.

    cell, layers, hidden, both: of the recurrence, see Classifier. columns: what is seen of a token, names of
    data.columns.KINDS; spelling: its pieces too; None of both chooses by whether tokens are words or characters.
    embedding: values of the first column; the others have half, pieces two thirds. crf: tags depend on their
    neighbours. stacked: tags see the intent. members: models side by side whose mean is the answer. wide: linear models
    over n-grams have a say in the intent, as much as helps on the validation part; needs scikit-learn. swap: how often
    a marked span becomes another of its kind from the training part, anew in each epoch. sure: how often intents that
    are sure should be right; see `tag`. dropout, word_dropout, rare_dropout, label_smoothing (of the intents), memory,
    seed, threads: see Classifier.

    Example (not run):
        model = throughtime.Tagger().fit(tokens, tags, intents)
        model.predict([["turn", "on", "the", "lamp"]])
    """

    def __init__(
        self,
        cell: Any = "lstm",
        hidden: int = 150,
        layers: int = 1,
        embedding: int = 100,
        columns: Sequence[str] | None = None,
        spelling: bool | None = None,
        both: bool = True,
        crf: bool = True,
        stacked: bool = False,
        members: int = 1,
        wide: bool = True,
        swap: float = 0.0,
        sure: float = 0.98,
        dropout: Dropout | Mapping[str, Any] | None = None,
        word_dropout: float = 0.0,
        rare_dropout: float = 0.5,
        label_smoothing: float = 0.0,
        vocabulary: int = 200_000,
        memory: float | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        for name, value, least, most in (
            ("hidden", hidden, 1, LARGEST),
            ("layers", layers, 1, reading.MOST_LAYERS),
            ("embedding", embedding, 1, LARGEST),
            ("members", members, 1, reading.MOST_MEMBERS),
            ("vocabulary", vocabulary, 1, 10_000_000),
            ("seed", seed, 0, (1 << 63) - 1),
            *([("threads", threads, 1, 1024)] if threads is not None else []),
        ):
            reading.check_count(WHO, name, value, least, most)
        shares = {"word_dropout": word_dropout, "rare_dropout": rare_dropout, "label_smoothing": label_smoothing}
        for name, share in {**shares, "swap": swap, "sure": sure}.items():
            reading.check_share(WHO, name, share)
        cells = list(cell) if isinstance(cell, list | tuple) else [cell] * layers
        self._traces = [trace_of(one) for one in cells]
        self.hidden, self.embedding, self.both, self.crf = hidden, embedding, both, crf
        self.columns, self.spelling, self.stacked = None if columns is None else list(columns), spelling, stacked
        self.members, self.wide, self.swap, self.vocabulary = members, wide, swap, vocabulary
        usual = {"input": 0.4, "between": 0.4, "output": 0.4, "variational": True}
        self.dropout = reading.dropout_of(usual if dropout is None else dropout)
        self.word_dropout, self.rare_dropout, self.label_smoothing = word_dropout, rare_dropout, label_smoothing
        self.sure, self.memory, self.seed, self.threads = sure, memory, seed, threads
        self.model: TokenTagger | None = None
        self.outcome: Outcome | None = None
        self.config: dict[str, Any] = {}

    def fit(
        self,
        tokens: Any,
        tags: Sequence[Sequence[str]] | None = None,
        intents: Sequence[str] | None = None,
        out: str | Path | None = None,
        *,
        validation: float | Tagged = 0.1,
        about: Mapping[str, Any] | None = None,
        minutes: float | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        batch: int = 48,
        resume: bool = False,
        force: bool = False,
        quiet: bool = True,
        **settings: Any,
    ) -> Tagger:
        """Learn from tokens, their tags and, where there are some, the texts' intents.

        tokens, tags, intents: lists; or what read_tagged takes, without tags. The rest is as for Classifier.fit.
        """
        runs.need_torch()
        reading.check_count(WHO, "batch", batch, 1, LARGEST)
        folder = Path(out) if out is not None else None
        run = runs.stored(folder) if resume else None
        if not resume:
            runs.refuse_existing(folder, force)
        budget = runs.budget(minutes, epochs, steps)
        given = as_tagged(tokens, tags, intents)
        if run is not None:
            if run.data.get("sha256") != given.sha256:
                raise UserError(f"{WHO}: the run in {folder} learns other texts; give those, or a new --out")
            self._again(run)
            if not isinstance(validation, Tagged):
                validation = cast(float, run.data.get("validation"))
        learned, held = self._parts(given, validation)
        names = sorted({tag for text in learned.tags for tag in text}, key=lambda tag: (tag != "O", tag[2:], tag))
        known = sorted(set(learned.intents))
        if len(known) == 1:
            raise UserError(f"{given.where}: there is one intent, {known[0]!r}; nothing to tell apart, leave it out")
        if run is not None:
            return self._resume(run, learned, held, budget, settings, quiet)
        chosen = runs.settings_of(budget or reading.epochs(len(learned), batch, EPOCHS), {**DEFAULTS, **settings})
        part = self._part(learned, held, len(names), len(known))
        parameters = reading.drawn(tagger, [part.reader], self.members, self.seed, self.memory)
        model, words, count = reading.sizes([part.reader], self.members, tagger)
        own = {"batch": batch, "seed": self.seed, "threads": self.threads, "word_dropout": self.word_dropout}
        self.config = {
            "format_version": FORMAT_VERSION,
            "task": "tag",
            "model": model,
            "parameters": count,
            "tag": {"tags": names, "intents": known, "scheme": given.scheme, "options": self._options()},
            "training": {**chosen.to_json(), **own, "rare_dropout": self.rare_dropout},
            "data": {
                **(about or {}),
                "sha256": given.sha256,
                "texts": len(given),
                "validation": None if isinstance(validation, Tagged) else validation,
                "notes": list((about or {}).get("notes", given.notes)),
            },
        }
        with runs.begun(folder, force, self.config, {TOKENIZER: words}, self._threads()):
            return self._train(part, parameters, learned, held, chosen, folder, False, quiet)

    def _again(self, run: runs.Stored) -> None:
        """Become the tagger that began a run."""
        try:
            self.__init__(**run.config["tag"]["options"], seed=run.own["seed"])  # type: ignore[misc]
        except (KeyError, TypeError) as error:
            raise UserError(f"{run.folder}: expected the settings of a tagger, {error}; damaged") from None

    def _resume(
        self, run: runs.Stored, learned: Tagged, held: Tagged, budget: Any, settings: Any, quiet: bool
    ) -> Tagger:
        (reader,), _ = readers_of(WHO, TaggerConfig, run.folder, run.config)
        part = reading.Part.of(reader, learned.tokens, held.tokens)
        parameters = reading.zeros([reader], self.members)
        with run.gone_on(budget, settings) as (self.config, chosen):
            return self._train(part, parameters, learned, held, chosen, run.folder, True, quiet)

    def _options(self) -> dict[str, Any]:
        """What makes this tagger again, for a run that goes on; its cells are with its reader."""
        drop = self.dropout
        fields = {name: getattr(drop, name) for name in ("input", "between", "output", "weight", "variational")}
        found: dict[str, Any] = {name: getattr(self, name) for name in _OPTIONS}
        return {**found, "dropout": fields}

    def _parts(self, given: Tagged, validation: Any) -> tuple[Tagged, Tagged]:
        """What is learned from, and what is chosen by."""
        if isinstance(validation, Tagged):
            if given.intents and not validation.intents:
                raise UserError(f"{validation.where}: the texts to choose by have no intents, those to learn from have")
            return given, validation
        if isinstance(validation, bool) or not isinstance(validation, int | float) or not 0 < validation < 1:
            raise UserError(f"{WHO}: validation must be a share between 0 and 1, or tagged texts, got {validation!r}")
        keys = [tuple(text) for text in given.tokens]
        rows, kept = grouped_split(keys, given.intents or None, float(validation), self.seed)
        return given.take(rows), given.take(kept)

    def _part(self, learned: Tagged, held: Tagged, tags: int, intents: int) -> reading.Part:
        words = sum(len(token) > 1 for text in learned.tokens for token in text)
        unit = "words" if words > 0.5 * sum(map(len, learned.tokens)) else "characters"
        kinds, spelling = COLUMNS[unit]
        kinds = kinds if self.columns is None else tuple(self.columns)
        spelling = spelling if self.spelling is None else self.spelling
        columns = reading.seen(Splitter(unit), learned.tokens, kinds, spelling, self.vocabulary)
        widths = [self.embedding] + [max(1, self.embedding // 2)] * (len(kinds) - 1)
        config = ReaderConfig.stack(
            WHO,
            list(zip(columns.kinds, columns.sizes, widths, strict=True)),
            self._traces,
            self.hidden,
            self.both,
            pieces=(len(columns.pieces), max(1, 2 * self.embedding // 3)) if columns.pieces else (0, 0),
            dropout=self.dropout,
        )
        sizes = TaggerConfig(config, tags, intents, crf=self.crf, stacked=self.stacked and intents > 0)
        return reading.Part.of(Reader(Splitter(unit), columns, sizes), learned.tokens, held.tokens)

    def _threads(self) -> int:
        import torch

        return self.threads or torch.get_num_threads()

    def _train(
        self,
        part: reading.Part,
        parameters: Mapping[str, np.ndarray],
        learned: Tagged,
        held: Tagged,
        settings: Settings,
        folder: Path | None,
        resume: bool,
        quiet: bool,
    ) -> Tagger:
        from throughtime.tasks.tag_loss import Targets
        from throughtime.training.progress import choose

        own, reader = self.config["tag"], part.reader
        names, intents = own["tags"], own["intents"]
        if folder is not None and not resume:
            forget(folder)
        targets = Targets(names, intents, self.label_smoothing)
        targets.take(learned)
        swapper = Swapper(learned, self.swap) if self.swap else None

        def renew(number: int) -> list[Examples]:
            assert swapper is not None
            found = swapper.swapped(np.random.default_rng([self.seed, number]))
            targets.take(found)
            return [reader.of_tokens(found.tokens)] * self.members

        def judge(outputs: Sequence[Sequence[tuple[np.ndarray, Any]]], models: Any) -> float:
            members = Readers(WHO, tagger, [reader], len(models), _named(models))
            return _judged(TokenTagger(members, names, intents), outputs, held)

        def hello(progress: Any, sizes: str) -> None:
            for found in self.config["data"].get("notes", ()):
                progress.note(f"data: {found}")
            cells = ", ".join("+".join(layer.name for layer in both) for both in reader.config.reader.layers)
            times = f"{self.members} times " if self.members > 1 else ""
            progress.note(
                f"{times}{cells} over {reader.splitter.kind}; {len(learned):,} texts to learn from, {len(held):,} to "
                f"choose by, {len(names)} tags, {len(intents)} intents; {sizes}"
            )

        self.outcome, best = reading.learn(
            *(tagger, [part], self.members, parameters, targets.loss, judge, self.config, settings),
            *(folder, resume, quiet, self._threads(), hello),
            renew=None if swapper is None else renew,
        )
        members = Readers(WHO, tagger, [reader], self.members, best, self._threads())
        self.model = TokenTagger(members, names, intents)
        if self.outcome.ended != "interrupted" and intents:
            self._decide(self.model, learned, held, choose(quiet).note)
        if folder is not None and self.outcome.ended != "interrupted":
            write_linear(folder, self.model.linear)
            write_json(folder / CONFIG, self.config)
        return self

    def _decide(self, model: TokenTagger, learned: Tagged, held: Tagged, say: Any) -> None:
        """Fit the linear models of intents, and say on the validation part who has how much to say."""
        from throughtime.baselines.linear_text import fit_baselines

        texts = [together(one) for one in learned.tokens]
        kept = [together(one) for one in held.tokens]
        linear: dict[str, Wide] = fit_baselines(texts, learned.intents, kept, held.intents, model.intents, say)
        place = {name: i for i, name in enumerate(model.intents)}
        truth = np.array([place.get(name, -1) for name in held.intents])
        apart = {name: one.log_probabilities(kept).astype(np.float64) for name, one in linear.items()}
        own = np.zeros((len(held), len(place)))
        for rows, _, _, logits in model.scores(held.tokens):
            own[rows] = logits
        fusion, _ = decide(own, apart, truth, self.wide)
        model.linear, model.fusion = linear, fusion
        whole = np.exp(fuse({name: {RECURRENCE: own, **apart}[name] for name in fusion}, fusion))
        known = truth >= 0
        model.threshold = coverage_at(whole[known].max(1), whole[known].argmax(1) == truth[known], self.sure)
        self.config["tag"].update({"fusion": fusion, "threshold": model.threshold, "sure": self.sure})
        say(f"intents are decided by {told(fusion)}")

    def _fitted(self) -> TokenTagger:
        if self.model is None:
            raise UserError(f"{WHO}: expected a fitted model; call fit first, or throughtime.load a saved one")
        return self.model

    def predict(self, tokens: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[str]]:
        """The tags of each text's tokens, and the intents (an empty list where there are none)."""
        return self._fitted().predict(tokens)

    def tag(self, texts: Iterable[str | Sequence[str]], scope: bool = False) -> list[Tagging]:
        """Texts, or tokens, understood: tags with their probabilities, spans, intents.

        scope: "out of scope" in place of an intent whose probability is below the threshold from which those on the
        validation part were right as often as `sure` of the constructor says.
        """
        return list(self._fitted().tag(texts, scope=scope))

    def evaluate(
        self, tokens: Any, tags: Sequence[Sequence[str]] | None = None, intents: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Slot F1, intent accuracy and sentence accuracy beside the linear models of intents; see
        throughtime.tasks.tag.evaluate."""
        from throughtime.tasks.tag_score import score

        return score(self._fitted(), as_tagged(tokens, tags, intents), {})

    def save(self, directory: str | Path) -> None:
        """Write the model's folder; throughtime.load reads it, without torch."""
        model, folder = self._fitted(), Path(directory)
        write_weights(folder / WEIGHTS, model.readers.parameters)
        write_json(folder / TOKENIZER, model.readers.to_json()[1])
        write_linear(folder, model.linear)
        write_json(folder / CONFIG, self.config)


_OPTIONS = (
    *("hidden", "embedding", "columns", "spelling", "both", "crf", "stacked", "members", "wide", "swap", "sure"),
    *("word_dropout", "rare_dropout", "label_smoothing", "vocabulary", "memory", "threads"),
)


def as_tagged(tokens: Any, tags: Any = None, intents: Any = None) -> Tagged:
    """Tagged texts, from themselves, from lists, or from what read_tagged takes."""
    if isinstance(tokens, Tagged):
        return tokens
    if tags is None:
        return read_tagged(tokens)
    return read_tagged((tokens, tags) if intents is None else (tokens, tags, intents))


def _named(models: Sequence[Any]) -> dict[str, np.ndarray]:
    """The parameters of all members as they are now."""
    return {prefix(0, m) + name: value for m, model in enumerate(models) for name, value in model.arrays().items()}


def _judged(model: TokenTagger, outputs: Sequence[Sequence[tuple[np.ndarray, Any]]], held: Tagged) -> float:
    """1 - slot F1, and 1 - the intents' accuracy, added; of all members together."""
    tags: list[list[str]] = [[] for _ in range(len(held))]
    right = 0
    for batch in zip(*outputs, strict=True):
        rows = batch[0][0]
        lengths = np.array([len(held.tokens[row]) for row in rows])
        best = model.decode(np.mean([own[0].numpy() for _, own in batch], 0), lengths)
        for b, row in enumerate(rows):
            tags[row] = [model.tags[k] for k in best[: lengths[b], b]]
        if model.intents:
            total = np.sum([log_softmax(own[1].numpy().astype(np.float64)) for _, own in batch], 0)
            right += sum(model.intents[k] == held.intents[row] for k, row in zip(total.argmax(1), rows, strict=True))
    found = 1.0 - slot_f1(held.tags, tags, scheme_of([*held.tags, model.tags]))
    return found + (1.0 - right / max(1, len(held)) if model.intents else 0.0)
