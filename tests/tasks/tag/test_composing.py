"""A tagger of plain texts whose letters carry marks: the same answers however they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unicodedata import combining, normalize

import pytest

import throughtime
from throughtime import Tagger
from throughtime.data.tagged import Tagged
from throughtime.errors import UserError
from throughtime.tasks.tag.stream import TokenTagger

SIZE: dict[str, Any] = {"hidden": 8, "embedding": 8, "steps": 150, "batch": 8, "ensemble_size": 1, "threads": 1,
    "learning_rate": 0.03, "warm_up": 5, "dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}  # fmt: skip

# Names of three words each, and two words around them.
SCRIPTS: dict[str, tuple[list[str], tuple[str, str]]] = {
    "hindi": (["\u0958\u0932\u092e", "\u0926\u093f\u0932\u094d\u0932\u0940", "\u092e\u0941\u0902\u092c\u0908"],
              ("\u092f\u0939", "\u0939\u0948")),
    "burmese": (["\u1025\u102e\u1038",
                 "\u101b\u1014\u103a\u1000\u102f\u1014\u103a", "\u1019\u1014\u1039\u1010\u101c\u1031\u1038"],
                ("\u1012\u102e", "\u1010\u101a\u103a")),
    "thai": (["\u0e01\u0e33\u0e41\u0e1e\u0e07", "\u0e19\u0e49\u0e33", "\u0e40\u0e0a\u0e35\u0e22\u0e07"],
             ("\u0e19\u0e35\u0e48", "\u0e04\u0e37\u0e2d")),
    "arabic": (["\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f", "\u0645\u064e\u0643\u064e\u0651\u0629",
                "\u0622\u062f\u0645"],
               ("\u0647\u0630\u0627", "\u0647\u0648")),
    "french": (["Orl\u00e9ans", "N\u00eemes", "S\u00e8te"], ("voici", "l\u00e0")),
}  # fmt: skip


def made(script: str) -> tuple[list[list[str]], list[list[str]]]:
    names, (one, two) = SCRIPTS[script]
    tokens = [row for name in names for row in ([one, name, two], [name, two], [one, two, name], [one, two])] * 6
    return tokens, [["B-name" if token in names else "O" for token in row] for row in tokens]


@pytest.fixture(scope="module", params=SCRIPTS)
def learned(request: pytest.FixtureRequest) -> tuple[str, Tagger]:
    tokens, tags = made(request.param)
    model = Tagger(**SIZE).fit([[normalize("NFD", one) for one in row] for row in tokens], tags, quiet=True)
    return request.param, model


def test_plain_texts_have_the_tags_of_their_tokens(learned: tuple[str, Tagger]) -> None:
    script, model = learned
    tokens, tags = made(script)
    texts = [" ".join(row) for row in tokens]
    wanted, _ = model.predict(tokens)
    assert wanted == tags  # so small a task is learned
    for form in ("NFC", "NFD", "NFKD"):
        if normalize("NFC", normalize(form, texts[0])) != normalize("NFC", texts[0]):
            continue  # another text
        assert model.predict([normalize(form, text) for text in texts])[0] == wanted
        assert model.predict([[normalize(form, one) for one in row] for row in tokens])[0] == wanted


def test_spans_stand_where_they_were_written(learned: tuple[str, Tagger], tmp_path: Path) -> None:
    script, model = learned
    names, (one, two) = SCRIPTS[script]
    loaded: TokenTagger = throughtime.load(model.save(tmp_path / "m").folder or tmp_path / "m")
    for form in ("NFC", "NFD"):
        for name in names:
            text = normalize(form, f"{one} {name} {two}")
            for running in (model.fitted(), loaded):
                (found,) = running.tag([text])
                assert found.text == text
                assert [text[a:b] for a, b in found.places] == found.tokens == text.split()
                assert not any(combining(token[0]) for token in found.tokens)
                (span,) = found.spans
                assert text[span["start_char"] : span["end_char"]] == span["text"] == normalize(form, name)


def test_what_is_compared_is_composed(learned: tuple[str, Tagger]) -> None:
    script, model = learned
    tokens, tags = made(script)
    shapes = [[[normalize(form, one) for one in row] for row in tokens] for form in ("NFC", "NFD")]
    assert model.score(shapes[0], tags) == model.score(shapes[1], tags) == 1
    from throughtime.tasks.tag.data import read_tagged

    one, other = (read_tagged((shape, tags)) for shape in shapes)
    assert isinstance(one, Tagged)
    assert one.sha256 == other.sha256


def test_what_is_no_list_of_texts_is_refused(learned: tuple[str, Tagger]) -> None:
    pandas = pytest.importorskip("pandas")
    _, model = learned
    for wrong in ({"tokens": [["a"]]}, pandas.DataFrame({"text": ["a"]}), Path("texts.conll"), "a text"):
        with pytest.raises(UserError, match=r"expected a list of texts|expected several texts"):
            model.predict(wrong)  # type: ignore[arg-type]
    assert model.predict(pandas.Series(["a", "b"]))[0]  # type: ignore[arg-type]
