"""A trained encoder-decoder: texts in, texts out, with what each word rests on and how sure it is; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from throughtime.data.shared_bpe import SharedBPE
from throughtime.data.terms import Glossary
from throughtime.errors import UserError, located
from throughtime.models.encoder_decoder import WHO, EncoderDecoderConfig
from throughtime.runtime.beam import Answer, Asked, Penalties, search
from throughtime.runtime.ragged import chunks
from throughtime.runtime.step_ops import StepOps
from throughtime.runtime.stream import Stateless
from throughtime.storage.environment import cores
from throughtime.storage.folder import CONFIG, TOKENIZER, WEIGHTS, read_json, read_weights
from throughtime.storage.parameters import check_finite, check_parameters
from throughtime.storage.record import ModelRecord, Schema
from throughtime.tasks.sequence.confidence import confidence, features
from throughtime.tasks.sequence.cutting import ALL, END, Cut, cut
from throughtime.tasks.sequence.data import SequenceData, SequenceDecided
from throughtime.tasks.sequence.options import MOST_BEAM
from throughtime.tasks.sequence.repeats import Repeats

if TYPE_CHECKING:
    from throughtime.tasks.sequence.alignment import Link
    from throughtime.tasks.sequence.grounds import Grounds, Looks

_TEXTS = 1024
"""Texts in memory at once."""

UNSURE = "unsure"
"""What stands in an answer's `why` where it was left out because the model was not sure enough."""


@dataclass(frozen=True)
class Output:
    """An answer. text: what was made. score: what answers are ranked by; logarithm: log p of its pieces. sure: how good
    such answers were on the validation part, from 0 to 1, None where nobody asked. links: which words rest on which."""

    text: str
    score: float
    logarithm: float
    sure: float | None = None
    links: list[Link] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        found: dict[str, Any] = {"text": self.text, "score": self.score, "log_probability": self.logarithm}
        if self.sure is not None:
            found["confidence"] = self.sure
        return found | ({"attention": [link._asdict() for link in self.links]} if self.links else {})


@dataclass(frozen=True)
class Answered:
    """A text with what was made of it: the best answers, different texts with falling scores; none of a blank one.

    parts: in how many pieces it was read. left_out: pieces of its end that were not read. why: "unsure" where there is
    no answer because the model is not sure enough of any.
    """

    source: str
    outputs: list[Output]
    parts: int = 1
    left_out: int = 0
    why: str = ""

    @property
    def text(self) -> str:
        """The best answer, "" where there is none."""
        return self.outputs[0].text if self.outputs and not self.why else ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        found: dict[str, Any] = {"source": self.source, "text": self.text}
        found["answers"] = [one.to_json() for one in self.outputs]
        found |= {"parts": self.parts} if self.parts > 1 else {}
        found |= {"left_out": self.left_out} if self.left_out else {}
        return found | ({"why": self.why} if self.why else {})


@dataclass(frozen=True)
class Wishes:
    """What is asked of answers. beam: None for that of training. nbest: how many. prefix: what they begin with. terms:
    how words are to be said. at_least: how sure. attention: whether links are asked for. never: a text that is not
    said, such as the reply before."""

    beam: int | None = None
    nbest: int = 1
    prefix: str = ""
    terms: Glossary = field(default_factory=Glossary)
    at_least: float | None = None
    attention: bool = False
    never: str | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("beam", self.beam, MOST_BEAM), ("nbest", self.nbest, MOST_BEAM)):
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise UserError(f"run: {name} must be an integer from 1 to {most}, got {value!r}")
        sure = self.at_least
        if sure is not None and (isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 1):
            raise UserError(f"run: at_least must be a share from 0 to 1, got {sure!r}")


class SequenceModel:
    """An encoder-decoder that runs without torch.

    pieces: how texts are cut. data: how long answers may be. decided: penalties and confidence. beam: of a search where
    nothing is said. reads: what of a source that is too long to be read at once. grounded: whether answers keep to the
    names and numbers of their sources, where those of training do. Raises UserError where these do not fit.
    """

    reads = ALL
    grounded = False

    def __init__(
        self,
        config: EncoderDecoderConfig,
        parameters: Mapping[str, np.ndarray],
        pieces: SharedBPE,
        data: SequenceData,
        decided: SequenceDecided | None = None,
        beam: int = 5,
        threads: int = 1,
    ) -> None:
        if pieces.size != config.vocabulary:
            raise UserError(
                f"{WHO}: expected {config.vocabulary:,} pieces, got {pieces.size:,}; tokenizer.json is damaged"
            )
        check_parameters(WHO, config.shapes, parameters)
        check_finite(WHO, parameters)
        self.config, self.pieces, self.data, self.beam = config, pieces, data, beam
        self.decided = decided or SequenceDecided()
        self.parameters = {name: np.ascontiguousarray(value) for name, value in parameters.items()}
        self.ops = StepOps(threads)
        self._looks: Looks | None = None
        self._visible, self._folded = pieces.visible(), pieces.folded()

    def answer(self, texts: Iterable[str], wishes: Wishes | None = None) -> Iterator[Answered]:
        """Texts as they come, in order, each with its answers; only some are in memory."""
        wishes = wishes or Wishes()
        beam = wishes.beam or self.beam
        if wishes.nbest > beam:
            raise UserError(f"run: expected at most as many answers as the beam has, {beam}, got nbest {wishes.nbest}")
        if wishes.at_least is not None and not self.decided.sure:
            raise UserError("run: this model has no confidence, its validation part was too small; leave at_least out")
        if isinstance(texts, str):
            raise UserError("run: expected several texts, got one; give a list, [text]")
        for some in chunks(texts, _TEXTS):
            yield from self._answer([_text(one) for one in some], wishes, beam)

    def texts(self, texts: Iterable[str], **wishes: Any) -> list[str]:
        """The best answer to each text. wishes: see Wishes."""
        return [one.text for one in self.answer(texts, Wishes(**wishes))]

    def stream(self) -> Any:
        """Text after text, each by itself."""
        return Stateless(type(self).__name__, lambda text: next(self.answer([text])))

    def _answer(self, texts: Sequence[str], wishes: Wishes, beam: int) -> Iterator[Answered]:
        cuts = [self.cut(text) for text in texts]
        prefix = self.pieces.encode(wishes.prefix).tolist()
        asked: list[Asked] = []
        for one in cuts:
            for number, (part, ids) in enumerate(one.parts):
                own = prefix if number == 0 else []
                terms = wishes.terms.within(part, self.pieces.encode)
                more = len(own) + sum(max(map(len, ways)) for ways in terms)
                asked.append(Asked(ids, self.data.most(len(ids)) + more, own, terms))
        found = self.search(asked, beam, wishes.nbest, wishes.never)
        place = 0
        for text, one in zip(texts, cuts, strict=True):
            own_answers = [
                self._outputs(part, ids, answers, wishes)
                for (part, ids), answers in zip(one.parts, found[place : place + len(one.parts)], strict=True)
            ]
            place += len(one.parts)
            yield self._whole(text, own_answers, one.left_out, wishes)

    def cut(self, text: str) -> Cut:
        """A text in the parts in which it is read."""
        return cut(text, self.pieces.encode, self.most, self.reads)

    @property
    def most(self) -> int:
        """Pieces of a source that are read at once."""
        return self.data.read or 2 * self.data.longest[0] + 20

    def asked(self, text: str) -> Asked:
        """A text as a search takes it, of a long one what is read first."""
        ids = self.pieces.encode(text)
        ids = ids[-self.most :] if self.reads == END else ids[: self.most]
        return Asked(ids, self.data.most(len(ids)))

    def search(
        self, asked: Sequence[Asked], beam: int, wanted: int = 1, never: str | None = None
    ) -> list[list[Answer]]:
        """The answers to sources in pieces, best first. never: a text that none of them is."""
        edge, decode = self.config.edge, self.pieces.decode
        penalties = Penalties(self.decided.length, self.decided.coverage)
        repeats = Repeats([one.source for one in asked], self._folded, self._visible, self.config.edge)
        grounds = self._grounds(asked)

        def refused(number: int, ids: Sequence[int], token: int) -> bool:
            if repeats.refused(number, ids, token) or (grounds is not None and grounds.refused(number, ids, token)):
                return True
            return never is not None and token == edge and decode(ids) == never

        return search(self.ops, self.config, self.parameters, asked, beam, penalties, refused, wanted)

    def _grounds(self, asked: Sequence[Asked]) -> Grounds | None:
        """What answers have to keep to, where they do."""
        if not self.data.grounded:
            return None
        from throughtime.tasks.sequence.grounds import Grounds, Looks

        self._looks = self._looks or Looks(self.pieces)
        return Grounds(asked, self.pieces, self._looks)

    def _outputs(self, text: str, ids: np.ndarray, answers: Sequence[Answer], wishes: Wishes) -> list[Output]:
        """Different texts with falling scores."""
        found: dict[str, Output] = {}
        for one in answers:
            said = self.pieces.decode(one.ids)
            if said in found or len(found) == wishes.nbest:
                continue
            sure = confidence(self.decided.sure, features(one, text)) if self.decided.sure else None
            linked = []
            if wishes.attention:
                from throughtime.tasks.sequence.alignment import links, word_spans

                spans = word_spans(text, ids, self.pieces), word_spans(said, one.ids, self.pieces)
                linked = links(*spans, one.shares[: len(one.ids)])
            found[said] = Output(said, one.score, one.logarithm, sure, linked)
        return list(found.values())

    def _whole(self, text: str, parts: list[list[Output]], left_out: int, wishes: Wishes) -> Answered:
        if not parts:
            return Answered(text, [])
        outputs = parts[0]
        if len(parts) > 1:
            count = min(wishes.nbest, min(map(len, parts)))
            outputs = [_together([part[i] for part in parts], self._space(text)) for i in range(count)]
        unsure = wishes.at_least is not None and (outputs[0].sure or 0.0) < wishes.at_least
        return Answered(text, outputs, len(parts), left_out, UNSURE if unsure else "")

    def _space(self, text: str) -> str:
        return "\n" if "\n" in text else " "

    @classmethod
    def of_folder(cls, folder: Path, schema: Schema[Any, Any, Any, Any], weights: str | None) -> Self:
        """From a model's folder. UserError says what is damaged."""
        as_they_are(WHO, weights)
        record = schema.read(folder)
        pieces = pieces_of(folder, record)
        parameters = read_weights(folder / WEIGHTS)
        try:
            return cls(record.model, parameters, pieces, record.data, record.decided, record.options.beam, cores())
        except UserError as error:
            raise UserError(f"{folder}: {error}") from None


def as_they_are(who: str, weights: str | None) -> None:
    """UserError where other weights than those in the file are asked for. who: is asked."""
    if weights not in (None, "float32"):
        raise UserError(f"{who}: expected weights as they are, float32, got {weights!r}")


def pieces_of(folder: Path, record: ModelRecord[Any, Any, Any, Any]) -> SharedBPE:
    """The pieces of the model in a folder. UserError says which file is damaged."""
    try:
        record.data.check(record.options)
    except UserError as error:
        raise UserError(located(str(error), folder, folder / CONFIG)) from None
    try:
        return SharedBPE.from_json(read_json(folder / TOKENIZER))
    except UserError as error:
        raise UserError(located(str(error), folder, folder / TOKENIZER)) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"run: expected texts, got {type(value).__name__}")
    return value


def _together(parts: Sequence[Output], space: str) -> Output:
    """The answers to the parts of a source, as one."""
    text = space.join(part.text for part in parts)
    each = [part.sure for part in parts if part.sure is not None]
    sums = (sum(part.score for part in parts), sum(part.logarithm for part in parts))
    return replace(parts[0], text=text, score=sums[0], logarithm=sums[1], sure=min(each) if each else None, links=[])
