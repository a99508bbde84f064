"""Beam search over an encoder-decoder, many sources at once; no torch.

    score(y) = log p(y) / lp(y) + beta sum over i of log min(1, sum over t of a_ti)       lp(y) = ((5 + |y|) / 6)^alpha

Source: Wu et al. 2016, arXiv:1609.08144, section 7, equation 14. A search ends where no live answer can win any more:
log p only falls, so that an answer that goes on reaches at best log p / lp(longest). A beam of one follows the
likeliest piece and nothing else. Terms are kept by dynamic beam allocation, Post and Vilar 2018, arXiv:1804.06609,
section 3: places of the beam are shared out among answers that have said as many pieces of the terms.

What is found for a source depends on that source alone, bit for bit: its rows are computed in an order of their own
(models/exact.py), and its answers are ranked among themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import NamedTuple

import numpy as np

from throughtime.models.encoder_decoder import EncoderDecoderConfig, Memory, begin, decode, embed, encode
from throughtime.models.ops import Ops, Params
from throughtime.models.ops_numpy import NumpyOps
from throughtime.models.stack import States
from throughtime.runtime.likeliest import Candidate, Continuations, continuations
from throughtime.runtime.ragged import batches

ROWS, CELLS = 64, 16_384
"""Sources searched at once, and pieces of them, what lies behind ends included."""

_LEAST = 0.01
"""Attention that a place has at least in the penalty."""


@dataclass(frozen=True)
class Penalties:
    """length: alpha. coverage: beta."""

    length: float = 1.0
    coverage: float = 0.0

    def score(self, logarithm: float, pieces: int, covered: np.ndarray | None) -> float:
        """Of an answer of so many pieces, the edge included. covered: (T,) what each place of the source was given;
        None: all of it, the best that can be."""
        found = logarithm / math.pow((5.0 + pieces) / 6.0, self.length)
        if self.coverage and covered is not None:
            found += self.coverage * float(np.log(np.clip(covered, _LEAST, 1.0)).sum())
        return found


@dataclass(frozen=True)
class Asked:
    """A source in pieces, and what is asked of its answer. most: pieces that it has at most, the edge aside. prefix:
    pieces that it begins with. terms: of each the pieces in which it may be said; every one is said."""

    source: np.ndarray
    most: int
    prefix: Sequence[int] = ()
    terms: tuple[tuple[tuple[int, ...], ...], ...] = ()


@dataclass(frozen=True)
class Answer:
    """ids: pieces, the edge aside. logarithm: log p of them and the edge. score: with the penalties. shares: (U, T),
    the attention of each piece and of the edge. copied: (U,), how much of each was copied."""

    ids: list[int]
    logarithm: float
    score: float
    shares: np.ndarray
    copied: np.ndarray

    @property
    def covered(self) -> np.ndarray:
        """(T,) what each place of the source was given."""
        found: np.ndarray = self.shares.sum(0)
        return found


class Terms(NamedTuple):
    """How far an answer is with its terms. met: which are said. going: the term and the way of saying it that is at
    work, and how many of its pieces are said."""

    met: frozenset[int] = frozenset()
    going: tuple[int, int, int] | None = None


@dataclass(slots=True)
class _Live:
    """An answer that is not ended. row: its place among the rows of the last step. shares: the attention of those rows.
    copied: how much of its last piece is. before: what it goes on with, None at the start."""

    ids: list[int]
    logarithm: float
    row: int
    terms: Terms
    shares: np.ndarray | None = None
    copied: float = 0.0
    before: _Live | None = None

    def ended(self, places: int, logarithm: float, shares: np.ndarray, copied: float, penalties: Penalties) -> Answer:
        """The answer that ends behind it. places: of the source. logarithm: log p with the edge. shares: (T,) and
        copied: of the edge."""
        each, own = [shares], [copied]
        at: _Live | None = self
        while at is not None and at.shares is not None:
            each.append(at.shares[at.row, :places])
            own.append(at.copied)
            at = at.before
        whole = np.array(each[::-1])
        covered = whole.sum(0) if penalties.coverage else None
        score = penalties.score(logarithm, len(self.ids) + 1, covered)
        return Answer(self.ids, logarithm, score, whole, np.array(own[::-1]))


Refuse = Callable[[int, Sequence[int], int], bool]
"""Whether a piece may not come next: of which source, after which pieces, the piece. The edge may be asked for too."""


Entry = tuple[float, int, int]
"""A continuation: log p with it, which live answer's it is, and its piece."""


def _line(logarithm: float, which: int, tokens: Sequence[int], likely: Sequence[float]) -> Iterator[Entry]:
    for token, share in zip(tokens, likely, strict=True):
        yield logarithm + math.log(max(share, 1e-30)), which, token


def _order(entry: Entry) -> tuple[float, int, int]:
    return -entry[0], entry[1], entry[2]


class _Turn:
    """One source's search."""

    def __init__(self, number: int, asked: Asked, beam: int, wanted: int, penalties: Penalties) -> None:
        self.number, self.asked, self.beam, self.wanted, self.penalties = number, asked, beam, wanted, penalties
        if asked.terms:
            self.beam = max(beam, 2 + sum(max(map(len, ways)) for ways in asked.terms))
        self.live = [_Live([], 0.0, 0, Terms())]
        self.ended: list[Answer] = []

    def over(self) -> bool:
        """Whether no live answer can be among those wanted any more."""
        if not self.live:
            return True
        if len(self.ended) < self.wanted:
            return False
        ranked = sorted((one.score for one in self.ended), reverse=True)
        pieces = len(self.live[0].ids) + 1
        likeliest = max(one.logarithm for one in self.live)
        each = (self.penalties.score(likeliest, n, None) for n in (pieces, max(self.asked.most + 1, pieces)))
        return max(each) <= ranked[self.wanted - 1]

    def free(self) -> bool:
        """Whether anything may come next: nothing is forced, and no terms are to be said."""
        return not self.asked.terms and len(self.asked.prefix) <= len(self.live[0].ids) < self.asked.most

    def chosen(self, likeliest: Iterable[Candidate], edge: int, refuse: Refuse) -> list[Entry] | None:
        """What `choose` says, of candidates that are ranked already; None where these are too few."""
        found: list[Entry] = []
        alive = 0
        for which, token, share in likeliest:
            one = self.live[which]
            if refuse(self.number, one.ids, token):
                continue
            if token == edge and len(found) >= self.beam:
                continue
            found.append((one.logarithm + math.log(max(share, 1e-30)), which, token))
            alive += token != edge
            if alive == self.beam or (token == edge and self.beam == 1):
                return found
        return None

    def choose(self, said: Continuations, rows: Sequence[int], edge: int, refuse: Refuse) -> list[Entry]:
        """What comes next. rows: of the live answers."""
        chosen = self._chosen(self._entries(said, rows, edge), edge, refuse)
        if not chosen and not self.ended:
            every = list(self._entries(said, rows, edge))
            chosen = [entry for entry in every if entry[2] == edge][:1] or every[:1]
        return chosen

    def take(
        self, chosen: Sequence[Entry], copied: Sequence[float], said: Continuations, rows: Sequence[int], edge: int
    ) -> None:
        """Go on with what was chosen. copied: how much of each piece is."""
        after: list[_Live] = []
        places = len(self.asked.source)
        for (logarithm, which, token), own in zip(chosen, copied, strict=True):
            one, row = self.live[which], rows[which]
            if token == edge:
                self.ended.append(one.ended(places, logarithm, said.shares[row, :places], own, self.penalties))
            else:
                terms = self._said(one.terms, token) if self.asked.terms else one.terms
                after.append(_Live([*one.ids, token], logarithm, row, terms, said.shares, own, one))
        self.live = after

    def _entries(self, said: Continuations, rows: Sequence[int], edge: int) -> Iterator[Entry]:
        """What may come next, best first, of equals what stands first; made as far as somebody looks."""
        place = len(self.live[0].ids)
        lines: list[Iterator[Entry]] = []
        for which, (one, row) in enumerate(zip(self.live, rows, strict=True)):
            if place < len(self.asked.prefix) or place >= self.asked.most:
                token = int(self.asked.prefix[place]) if place < len(self.asked.prefix) else edge
                lines.append(_line(one.logarithm, which, [token], [said.share(row, token)]))
                continue
            tokens, likely = said.best(row, 2 * self.beam + 2)
            lines.append(_line(one.logarithm, which, tokens, likely))
            more = {edge} if not self.asked.terms else {edge} | self._forced(one.terms)
            for token in more.difference(tokens):
                lines.append(_line(one.logarithm, which, [token], [said.share(row, token)]))
        return lines[0] if len(lines) == 1 else merge(*lines, key=_order)

    def _chosen(self, entries: Iterator[Entry], edge: int, refuse: Refuse) -> list[Entry]:
        """The continuations to go on with, at most a beam of them, and ends among the best."""
        if self.asked.terms:
            return self._shared_out(entries, edge, refuse)
        found: list[Entry] = []
        alive = 0
        for entry in entries:
            _, which, token = entry
            forced = len(self.live[which].ids) < len(self.asked.prefix) or len(self.live[which].ids) >= self.asked.most
            if not forced and refuse(self.number, self.live[which].ids, token):
                continue
            if token == edge:
                if len(found) < self.beam:
                    found.append(entry)
                    if self.beam == 1:
                        return found
                continue
            found.append(entry)
            alive += 1
            if alive == self.beam:
                break
        return found

    def _shared_out(self, entries: Iterator[Entry], edge: int, refuse: Refuse) -> list[Entry]:
        """The same where terms are to be said: places shared out by how much of them is."""
        banks: dict[int, list[Entry]] = {}
        ends = []
        for entry in entries:
            _, which, token = entry
            one = self.live[which]
            if token == edge:
                if len(one.terms.met) == len(self.asked.terms):
                    ends.append(entry)
                continue
            forced = len(one.ids) < len(self.asked.prefix) or token in self._forced(one.terms)
            if not forced and refuse(self.number, one.ids, token):
                continue
            banks.setdefault(self._progress(self._said(one.terms, token)), []).append(entry)
        found = ends[: self.beam]
        order = sorted(banks, reverse=True)
        places = 0
        while places < self.beam and any(banks[bank] for bank in order):
            for bank in order:
                if banks[bank] and places < self.beam:
                    found.append(banks[bank].pop(0))
                    places += 1
        return found

    def _forced(self, terms: Terms) -> set[int]:
        """Pieces that go on with a term, or begin one that is not said yet."""
        if terms.going is not None:
            term, way, said = terms.going
            return {self.asked.terms[term][way][said]}
        return {way[0] for t, ways in enumerate(self.asked.terms) if t not in terms.met for way in ways}

    def _said(self, terms: Terms, token: int) -> Terms:
        """How far it is with its terms after a piece."""
        met, going = terms
        if going is not None:
            term, number, said = going
            pieces = self.asked.terms[term][number]
            if pieces[said] == token:
                return Terms(met | {term}) if said + 1 == len(pieces) else Terms(met, (term, number, said + 1))
        for t, ways in enumerate(self.asked.terms):
            for w, way in enumerate(ways):
                if t not in met and way[0] == token:
                    return Terms(met | {t}) if len(way) == 1 else Terms(met, (t, w, 1))
        return Terms(met)

    def _progress(self, terms: Terms) -> int:
        whole = sum(max(map(len, self.asked.terms[t])) for t in terms.met)
        return whole + (0 if terms.going is None else terms.going[2])

    def answers(self) -> list[Answer]:
        """What ended, best first; of equals what ended first."""
        return sorted(self.ended, key=lambda one: -one.score)


def search(
    ops: NumpyOps,
    config: EncoderDecoderConfig,
    parameters: Params,
    asked: Sequence[Asked],
    beam: int,
    penalties: Penalties,
    refuse: Refuse = lambda number, ids, token: False,
    wanted: int = 1,
) -> list[list[Answer]]:
    """The answers to each source, best first: at least one, and as many as ended before no other could be among the
    `wanted` best. refuse: what may not be said, by number of the source; asked from several threads."""
    found: list[list[Answer]] = [[] for _ in asked]
    lengths = np.array([len(one.source) for one in asked], np.int64)

    def searched(rows: np.ndarray, own: NumpyOps) -> None:
        turns = [_Turn(int(row), asked[row], beam, wanted, penalties) for row in rows]
        _together(own, config, parameters, turns, refuse)
        for turn in turns:
            found[turn.number] = turn.answers()

    lots = list(batches(lengths, CELLS, ROWS))
    if ops.threads < 2 or len(lots) < 2:
        for rows in lots:
            searched(rows, ops)
        return found
    # each lot in one thread: what is ranked in Python then happens while another lot is multiplied
    with ThreadPoolExecutor(ops.threads) as pool:
        for _ in pool.map(lambda rows: searched(rows, type(ops)(1)), reversed(lots)):
            pass
    return found


def _together(
    ops: Ops, config: EncoderDecoderConfig, parameters: Params, turns: Sequence[_Turn], refuse: Refuse
) -> None:
    """The searches of a batch of sources, step by step."""
    lengths = np.array([len(turn.asked.source) for turn in turns])
    tokens = np.zeros((int(lengths.max()), len(turns)), np.int64)
    for b, turn in enumerate(turns):
        tokens[: lengths[b], b] = turn.asked.source
    memory = encode(ops, config, parameters, tokens, lengths)
    states = begin(ops, config, parameters, memory)
    before = len(turns)
    going = [*turns]
    last = np.full((1, before), config.edge)
    while going:
        x = embed(ops, config, parameters, last.reshape(1, -1))
        said = decode(ops, config, parameters, memory, states, x)
        likely = continuations(ops, config, parameters, said, tokens, len(going))
        count = len(going)
        places = [range(b, b + count * len(turn.live), count) for b, turn in enumerate(going)]
        chosen = _chosen(going, likely, places, config.edge, refuse)
        each = [(own[which], token) for some, own in zip(chosen, places, strict=True) for _, which, token in some]
        copied = iter(likely.copied([row for row, _ in each], [token for _, token in each]).tolist())
        for turn, some, own in zip(going, chosen, places, strict=True):
            turn.take(some, list(islice(copied, len(some))), likely, own, config.edge)
        left = [b for b, turn in enumerate(going) if not turn.over()]
        going = [going[b] for b in left]
        if not going:
            return
        if len(left) < count:
            longest = int(max(memory.lengths[left]))
            tokens = tokens[:longest, left]
            keys, values = memory.keys[:longest, left], memory.values[:longest, left]
            memory = Memory(keys, values, memory.lengths[left], memory.mean[left])
        most = max(len(turn.live) for turn in going)
        # an answer that a source has too few of is its first one again, and nobody asks what it says
        every = [[turn.live[j if j < len(turn.live) else 0] for turn in going] for j in range(most)]
        rows = np.array([[one.row for one in line] for line in every]).reshape(-1)
        last = np.array([[one.ids[-1] for one in line] for line in every])
        states = _rows(said.lower, rows), _rows(said.upper, rows)


def _chosen(
    going: Sequence[_Turn], said: Continuations, places: Sequence[Sequence[int]], edge: int, refuse: Refuse
) -> list[list[Entry]]:
    """How each search goes on. places: of each the rows of its live answers."""
    free = [turn.free() for turn in going]
    ranked: list[list[Candidate]] = []
    if any(free):
        before = np.full((max(len(turn.live) for turn in going), len(going)), -np.inf)
        for b, turn in enumerate(going):
            before[: len(turn.live), b] = [one.logarithm for one in turn.live]
        ranked = said.candidates(before, min(turn.beam for turn in going), edge)
    found = []
    for b, (turn, rows) in enumerate(zip(going, places, strict=True)):
        own = turn.chosen(ranked[b], edge, refuse) if free[b] else None
        found.append(turn.choose(said, rows, edge, refuse) if own is None else own)
    return found


def _rows(states: States, rows: np.ndarray) -> States:
    return tuple(tuple(tuple(one[rows] for one in own) for own in layer) for layer in states)
