"""The search: against every answer there is, beam 1 against greedy, alone and in company, prefix and terms."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from throughtime.models import encoder_decoder as ed
from throughtime.models.encoder_decoder import EncoderDecoderConfig, Pieces
from throughtime.models.exact import ExactOps
from throughtime.models.resolve import trace_of
from throughtime.runtime import beam as beam_module
from throughtime.runtime import likeliest
from throughtime.runtime.beam import Answer, Asked, Penalties, search
from throughtime.runtime.likeliest import Continuations, continuations
from throughtime.runtime.step_ops import StepOps

SIZE = 6
CONFIG = EncoderDecoderConfig.stack(SIZE, 6, [trace_of("gru")], 8)
PARAMETERS = {name: value * 3 for name, value in ed.draw(CONFIG, np.random.default_rng(3)).items()}
PARAMETERS["output.b_y"][CONFIG.edge] = 2.5  # some answers end before they must
SOURCES = [np.array(ids) for ids in ([1, 2, 3], [4], [0, 0, 1, 2, 3, 4, 2])]


def found(asked: list[Asked], beam: int, penalties: Penalties | None = None, wanted: int = 1) -> list[list[Answer]]:
    return search(ExactOps(), CONFIG, PARAMETERS, asked, beam, penalties or Penalties(), wanted=wanted)


def logarithm(source: np.ndarray, ids: list[int]) -> float:
    """log p of an answer and the edge, by the definition."""
    edge = CONFIG.edge
    target = Pieces(np.array([edge, *ids])[:, None], None)
    said = ed.forward(ExactOps(), CONFIG, PARAMETERS, Pieces(source[:, None], np.array([len(source)])), target)
    logits = said.readout[:, 0].astype(np.float64) @ PARAMETERS["embedding"].T + PARAMETERS["output.b_y"]
    own = np.exp(logits - logits.max(1, keepdims=True))
    own /= own.sum(1, keepdims=True)
    assert said.gate is not None
    gate = 1 / (1 + np.exp(-said.gate[:, 0].astype(np.float64)))
    p = gate * own
    for t, token in enumerate(source):
        p[:, token] += (1 - gate[:, 0]) * said.shares[:, 0, t]
    return float(sum(np.log(p[u, token]) for u, token in enumerate([*ids, edge])))


@pytest.mark.parametrize("penalties", [Penalties(0.0), Penalties(1.0), Penalties(0.7, 0.2)])
def test_a_wide_beam_finds_the_best_of_all(penalties: Penalties) -> None:
    for source in SOURCES:
        every = [list(ids) for n in range(4) for ids in product(range(SIZE - 1), repeat=n)]
        if not penalties.coverage:
            scores = {tuple(ids): penalties.score(logarithm(source, ids), len(ids) + 1, None) for ids in every}
            best = max(scores, key=lambda ids: scores[ids])
            (answers,) = found([Asked(source, 3)], 150, penalties)
            assert tuple(answers[0].ids) == best
            assert answers[0].score == pytest.approx(scores[best], abs=1e-4)
        (answers,) = found([Asked(source, 3)], 150, penalties, wanted=4)
        assert [one.score for one in answers] == sorted((one.score for one in answers), reverse=True)
        for one in answers[:4]:
            assert one.logarithm == pytest.approx(logarithm(source, one.ids), abs=1e-4)
            assert one.score == pytest.approx(penalties.score(one.logarithm, len(one.ids) + 1, one.covered))
            assert one.shares.shape == (len(one.ids) + 1, len(source))
            np.testing.assert_allclose(one.shares.sum(1), 1, atol=1e-5)


def test_the_best_does_not_depend_on_how_many_are_wanted() -> None:
    for beam in (2, 5):
        for source in SOURCES:
            firsts = [found([Asked(source, 12)], beam, Penalties(1.0), wanted)[0][0] for wanted in (1, 2, beam)]
            assert len({(tuple(one.ids), one.score) for one in firsts}) == 1


def test_a_beam_of_one_is_greedy() -> None:
    for source in SOURCES:
        ids: list[int] = []
        while len(ids) < 12:
            target = Pieces(np.array([CONFIG.edge, *ids])[:, None], None)
            lengths = np.array([len(source)])
            said = ed.forward(ExactOps(), CONFIG, PARAMETERS, Pieces(source[:, None], lengths), target)
            assert said.gate is not None
            last = said._replace(readout=said.readout[-1:], shares=said.shares[-1:], gate=said.gate[-1:])
            p = continuations(ExactOps(), CONFIG, PARAMETERS, last, source[:, None], 1).probabilities[0]
            token = int(p.argmax())
            if token == CONFIG.edge:
                break
            ids.append(token)
        for length in (0.0, 20.0):  # also where longer answers would win
            (answers,) = found([Asked(source, 12)], 1, Penalties(length))
            assert len(answers) == 1
            assert answers[0].ids == ids


@pytest.mark.parametrize("beam", [1, 4])
def test_neighbours_have_no_say(beam: int) -> None:
    asked = [Asked(source, most) for source in SOURCES for most in (3, 9)] * 2
    together = found(asked, beam, Penalties(1.0, 0.1), wanted=beam)
    for one, own in zip(asked, together, strict=True):
        (alone,) = found([one], beam, Penalties(1.0, 0.1), wanted=beam)
        assert [(a.ids, a.score, a.logarithm) for a in alone] == [(a.ids, a.score, a.logarithm) for a in own]
        for a, b in zip(alone, own, strict=True):
            np.testing.assert_array_equal(a.shares, b.shares)


def test_lots_in_several_threads_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Asked(source, 9) for source in SOURCES] * 6
    monkeypatch.setattr(beam_module, "ROWS", 4)
    one, two = (
        search(StepOps(threads), CONFIG, PARAMETERS, asked, 3, Penalties(1.0, 0.1), wanted=3) for threads in (1, 2)
    )
    assert [[(a.ids, a.score, a.copied.tolist()) for a in own] for own in one] == [
        [(a.ids, a.score, a.copied.tolist()) for a in own] for own in two
    ]
    assert all(two)


def test_a_prefix_is_kept_and_no_answer_is_too_long() -> None:
    for beam in (1, 3):
        for source in SOURCES:
            (answers,) = found([Asked(source, 5, [2, 2, 3])], beam)
            assert answers
            for one in answers:
                assert one.ids[:3] == [2, 2, 3]
                assert len(one.ids) <= 5
                assert one.logarithm == pytest.approx(logarithm(source, one.ids), abs=1e-4)


@pytest.mark.parametrize("beam", [1, 5])
def test_terms_are_said(beam: int) -> None:
    for source in SOURCES:
        for terms in ((((4, 0, 4),),), (((1, 1),), ((3,), (2, 0))), (((0,),), ((4, 4),), ((2, 3),))):
            (answers,) = found([Asked(source, 9, (), terms)], beam)
            text = ",".join(map(str, answers[0].ids))
            for ways in terms:
                assert any(",".join(map(str, way)) in text for way in ways), (text, ways)


def test_what_is_refused_is_not_said() -> None:
    def refuse(number: int, ids: object, token: int) -> bool:
        assert number in (0, 1, 2)
        return token in (1, 2) or (token == CONFIG.edge and len(ids) < 2)  # type: ignore[arg-type]

    asked = [Asked(source, 6) for source in SOURCES]
    for own in search(ExactOps(), CONFIG, PARAMETERS, asked, 3, Penalties(), refuse, 2):
        assert own
        assert all(len(one.ids) >= 2 and not {1, 2} & set(one.ids) for one in own)


def test_the_likeliest_of_a_row() -> None:
    rng = np.random.default_rng(0)
    for size in (3, 64, 130, 1000):
        p = rng.random((7, size)).astype(np.float32)
        p[3] = 0.5  # all alike: the first ones
        made = Continuations(p, np.ones((7, 1), np.float32), np.zeros((1, 7), np.int64), None)
        for row in range(7):
            wanted = np.argsort(-p[row], kind="stable")[:5].tolist()
            assert made.best(row, 5)[0] == wanted or (row == 3 and len(set(made.best(row, 5)[0])) == min(5, size))
            assert made.best(row, 5)[1] == p[row][wanted].tolist()
        assert made.best(0, 9)[0] == np.argsort(-p[0], kind="stable")[:9].tolist()  # more than was asked before


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_candidates_ranked_together_are_those_of_each_answer(beam: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Asked(source, 9, prefix) for source in SOURCES for prefix in ((), (2, 2))] * 3

    def refuse(number: int, ids: object, token: int) -> bool:
        return token == (number + len(ids)) % 4  # type: ignore[arg-type]

    def every() -> list[object]:
        answers = search(ExactOps(), CONFIG, PARAMETERS, asked, beam, Penalties(1.0, 0.1), refuse, beam)
        return [[(a.ids, a.score, a.shares.tolist(), a.copied.tolist()) for a in own] for own in answers]

    together = every()
    monkeypatch.setattr(beam_module._Turn, "free", lambda turn: False)
    assert every() == together


def test_rows_are_gone_through_in_any_number_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Asked(source, 9) for source in SOURCES]
    one = found(asked, 5)
    monkeypatch.setattr(likeliest, "_TOGETHER", 2)
    assert [[a.score for a in own] for own in found(asked, 5)] == [[a.score for a in own] for own in one]
