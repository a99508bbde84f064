"""The tagger of tokens, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from throughtime.data.splits import grouped_split
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE, decide, fuse, log_softmax, told
from throughtime.linear.folder import forget, write_linear
from throughtime.linear.metrics import coverage_at
from throughtime.linear.model import Wide
from throughtime.models.examples import Examples
from throughtime.models.reader import ReaderConfig
from throughtime.models.stack import Dropout
from throughtime.runtime.readers import Reader, Readers, prefix, readers_of
from throughtime.storage.folder import CONFIG, TOKENIZER, write_json
from throughtime.tasks.reading import members as reading
from throughtime.tasks.reading.estimator import Learner, validated
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.data import Tagged, read_tagged
from throughtime.tasks.tag.metrics import scheme_of, slot_f1
from throughtime.tasks.tag.model import WHO, TaggerConfig
from throughtime.tasks.tag.swap import Swapper
from throughtime.tasks.tag.token_tagger import Tagging, TokenTagger, together
from throughtime.training import run as runs

if TYPE_CHECKING:
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


class Tagger(Learner[TokenTagger]):
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

    who, task = WHO, "tag"
    kept = ("columns", "spelling", "crf", "stacked", "swap")

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
        reading.check_share(WHO, "swap", swap)
        usual = {"input": 0.4, "between": 0.4, "output": 0.4, "variational": True}
        self.take(
            cell,
            layers,
            usual if dropout is None else dropout,
            hidden=hidden,
            embedding=embedding,
            both=both,
            members=members,
            wide=wide,
            word_dropout=word_dropout,
            rare_dropout=rare_dropout,
            label_smoothing=label_smoothing,
            sure=sure,
            vocabulary=vocabulary,
            memory=memory,
            seed=seed,
            threads=threads,
        )
        self.columns, self.spelling = None if columns is None else list(columns), spelling
        self.crf, self.stacked, self.swap = crf, stacked, swap

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
        folder, run = self.begin(out, batch, resume, force)
        budget = runs.budget(minutes, epochs, steps)
        given = as_tagged(tokens, tags, intents)
        if run is not None:
            self.again(run, given.sha256)
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
        data = {
            **(about or {}),
            "sha256": given.sha256,
            "texts": len(given),
            "validation": None if isinstance(validation, Tagged) else validation,
            "notes": list((about or {}).get("notes", given.notes)),
        }
        section = {"tags": names, "intents": known, "scheme": given.scheme}
        words = self.settle([part.reader], tagger, chosen, batch, section, data)
        with runs.begun(folder, force, self.config, {TOKENIZER: words}, self.torch_threads()):
            return self._train(part, parameters, learned, held, chosen, folder, False, quiet)

    def _resume(
        self, run: runs.Stored, learned: Tagged, held: Tagged, budget: Any, settings: Any, quiet: bool
    ) -> Tagger:
        (reader,), _ = readers_of(WHO, TaggerConfig, run.folder, run.config)
        part = reading.Part.of(reader, learned.tokens, held.tokens)
        parameters = reading.zeros([reader], self.members)
        with run.gone_on(budget, settings) as (self.config, chosen):
            return self._train(part, parameters, learned, held, chosen, run.folder, True, quiet)

    def _parts(self, given: Tagged, validation: Any) -> tuple[Tagged, Tagged]:
        """What is learned from, and what is chosen by."""
        if isinstance(validation, Tagged):
            if given.intents and not validation.intents:
                raise UserError(f"{validation.where}: the texts to choose by have no intents, those to learn from have")
            return given, validation
        share = validated(WHO, validation, least=False)
        keys = [tuple(text) for text in given.tokens]
        rows, kept = grouped_split(keys, given.intents or None, share, self.seed)
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
            self.traces,
            self.hidden,
            self.both,
            pieces=(len(columns.pieces), max(1, 2 * self.embedding // 3)) if columns.pieces else (0, 0),
            dropout=self.dropout,
        )
        sizes = TaggerConfig(config, tags, intents, crf=self.crf, stacked=self.stacked and intents > 0)
        return reading.Part.of(Reader(Splitter(unit), columns, sizes), learned.tokens, held.tokens)

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
        from throughtime.tasks.tag.loss import Targets
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
            *(folder, resume, quiet, self.torch_threads(), hello),
            renew=None if swapper is None else renew,
        )
        members = Readers(WHO, tagger, [reader], self.members, best, self.torch_threads())
        self.model = TokenTagger(members, names, intents)
        if self.outcome.ended != "interrupted" and intents:
            self._decide(self.model, learned, held, choose(quiet).note)
        if folder is not None and self.outcome.ended != "interrupted":
            write_linear(folder, self.model.linear)
            write_json(folder / CONFIG, self.config)
        return self

    def _decide(self, model: TokenTagger, learned: Tagged, held: Tagged, say: Any) -> None:
        """Fit the linear models of intents, and say on the validation part who has how much to say."""
        from throughtime.linear.fit import fit_baselines

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

    def predict(self, tokens: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[str]]:
        """The tags of each text's tokens, and the intents (an empty list where there are none)."""
        return self.fitted().predict(tokens)

    def tag(self, texts: Iterable[str | Sequence[str]], scope: bool = False) -> list[Tagging]:
        """Texts, or tokens, understood: tags with their probabilities, spans, intents.

        scope: "out of scope" in place of an intent whose probability is below the threshold from which those on the
        validation part were right as often as `sure` of the constructor says.
        """
        return list(self.fitted().tag(texts, scope=scope))

    def evaluate(
        self, tokens: Any, tags: Sequence[Sequence[str]] | None = None, intents: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Slot F1, intent accuracy and sentence accuracy beside the linear models of intents; see
        throughtime.tasks.tag.train.evaluate."""
        from throughtime.tasks.tag.score import score

        return score(self.fitted(), as_tagged(tokens, tags, intents), {})


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
