"""A translator that has learned something: what it says, and what can be asked of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.cli.misuse import Outcome, check_refusal
from tests.tasks.check_task import CheckTask
from tests.tasks.sequence.pairs_made import WORDS, made
from throughtime.data.terms import Glossary
from throughtime.errors import UserError
from throughtime.runtime.beam import Answer
from throughtime.tasks.sequence.stream import Wishes
from throughtime.tasks.translate.stream import TextTranslator

OPTIONS = {"hidden": 32, "embedding": 32, "vocabulary": 330, "batch": 400, "steps": 260, "threads": 1, "dropout": 0.1}
OPTIONS |= {"learning_rate": 0.01, "warm_up": 20, "average": 0.9, "validations": 2, "beam": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("translator") / "m"
    throughtime.Translator(**OPTIONS, validation=0.15).fit(*made(800), out=place, quiet=True)
    return place


@pytest.fixture(scope="module")
def model(folder: Path) -> TextTranslator:
    return throughtime.load(folder)


def run(folder: Path, *arguments: str, status: int = 0) -> tuple[str, str]:
    return CheckTask.captured(["run", str(folder), *arguments], status)


def test_it_translates_what_it_never_saw_and_copies_numbers(model: TextTranslator) -> None:
    sources, targets = made(60, 9)
    said = model.translate(sources)
    assert sum(a == b for a, b in zip(said, targets, strict=True)) > 40
    assert sum(a.split()[0] == b.split()[0] for a, b in zip(said, targets, strict=True)) > 55
    assert model.decided.sure


def test_alone_and_in_any_company_it_says_the_same(model: TextTranslator, folder: Path) -> None:
    sources = [*made(20, 4)[0], "eins", "", "rot " * 30]
    wishes = Wishes(nbest=3, attention=True)
    together = [one.to_json() for one in model.answer(sources, wishes)]
    other = throughtime.load(folder)
    other.ops.threads = 2
    assert [next(other.answer([text], wishes)).to_json() for text in sources] == together
    assert [one["text"] for one in together] == model.translate(sources)


def test_the_best_answers_differ_and_fall(model: TextTranslator) -> None:
    for one in model.answer(made(20, 5)[0], Wishes(beam=6, nbest=6, attention=True)):
        texts, scores = [out.text for out in one.outputs], [out.score for out in one.outputs]
        assert len({*texts}) == len(texts) > 1
        assert scores == sorted(scores, reverse=True)
        assert texts[0] == model.translate([one.source], beam=6)[0]
        for out in one.outputs:
            assert " ".join(out.text[slice(*link.target)] for link in out.links) == out.text
            assert all(one.source[slice(*link.source)] in one.source.split() for link in out.links)
            assert 0 <= (out.sure or 0) <= 1


def test_one_text_in_two_ways_is_one_answer(model: TextTranslator) -> None:
    whole, pieces = model.pieces.encode("dog").tolist(), model.pieces.pieces
    ways = [whole, [pieces.index(bytes([byte])) for byte in b" dog"], model.pieces.encode("red").tolist()]
    answers = [
        Answer(ids, -1.0 - i, -1.0 - i, np.ones((len(ids) + 1, 1)), np.zeros(len(ids) + 1))
        for i, ids in enumerate(ways)
    ]
    assert ways[0] != ways[1]
    found = model._outputs("x", model.pieces.encode("x"), answers, Wishes(nbest=3))
    assert [(one.text, one.score) for one in found] == [("dog", -1.0), ("red", -3.0)]


def test_terms_and_a_prefix(model: TextTranslator) -> None:
    terms = Glossary({"Hund": "wolf", "Haus": "tiny castle"})
    for source in ("eins Hund 17", "Haus Hund 22", "rot 31"):
        (one,) = model.answer([source], Wishes(terms=terms))
        assert ("wolf" in one.text.split()) == ("Hund" in source)
        assert ("tiny castle" in one.text) == ("Haus" in source)
    assert model.translate(["Hund 17"], prefix="99 big")[0].startswith("99 big")
    assert model.translate(["Hund 17"], beam=1, terms=terms)[0]


def test_odd_texts_are_answered_and_end(model: TextTranslator) -> None:
    for text in ("eins " * 500, "!!! ... ???", "Ωμέγα 漢字 עברית", "x" * 3000, "\u200b", "a\tb", "\U0001f600"):
        (one,) = model.answer([text])
        assert one.text
        assert len(one.text) < 40 * len(text) + 400
    (long,) = model.answer(["eins zwei. " * 200])
    assert long.parts > 1


def test_an_answer_that_is_not_sure_is_left_out(model: TextTranslator, folder: Path) -> None:
    sure, unsure = "rot Hund 17", "Ωμέγα 漢字 qqq xyz"
    levels = [next(model.answer([text])).outputs[0].sure for text in (sure, unsure)]
    assert levels[0] is not None
    assert levels[1] is not None
    assert levels[0] > levels[1]
    between = (levels[0] + levels[1]) / 2
    found = list(model.answer([sure, unsure], Wishes(at_least=between)))
    assert [bool(one.text) for one in found] == [True, False]
    out, err = run(folder, unsure, "--at-least", str(between))
    assert out == "\n"
    assert "1 of 1 left out" in err


def test_the_command(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "terms.tsv").write_text("Hund\twolf\nnirgends\tnowhere\n", "utf-8")
    out, err = run(folder, "Hund 17", "--terms", str(tmp_path / "terms.tsv"), "--nbest", "2", "--show-attention")
    assert "wolf" in out
    assert "<-" in out
    assert "'nirgends' stand in no text" in err
    found: Any = json.loads(run(folder, "Hund 17", "--json", "--beam", "4", "--nbest", "4")[0])
    assert found["answers"][0]["text"] == found["text"]
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("Hund 17\n\nHaus 20\n"))
    lines = run(folder, "-")[0].split("\n")
    assert [bool(line) for line in lines] == [True, False, True, False]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--beam", "2", "--nbest", "3"], "at most as many answers as the beam"),
        (["--beam", "101"], "beam"),
        (["--at-least", "1.5"], "at_least"),
        (["--terms", "gone.tsv"], "gone.tsv"),
    ],
)
def test_what_cannot_be_is_told(folder: Path, arguments: list[str], says: str) -> None:
    out, err = run(folder, "Hund", *arguments, status=2)
    check_refusal(Outcome(2, out, err), [says])


def test_texts_are_asked_for(model: TextTranslator) -> None:
    with pytest.raises(UserError, match="give a list"):
        list(model.answer("Hund"))
    with pytest.raises(UserError, match="expected texts, got int"):
        list(model.answer([3]))  # type: ignore[list-item]
    for text, what in (("Hund\0", "a NUL"), ("Hund \ud800", "half of a surrogate pair")):
        with pytest.raises(UserError, match=f"run: the text holds {what}"):
            list(model.answer([text]))
    assert {*WORDS.values()} & {*model.translate(["rot Haus 20"])[0].split()}
