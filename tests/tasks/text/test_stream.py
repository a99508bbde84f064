"""A language model as a stream: its steps equal the whole pass, and it writes what it should."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import throughtime
from tests.tasks.text.small import FOX as TEXT
from tests.tasks.text.small import AddsItsInput, make
from tests.tolerances import OUTPUT
from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps
from throughtime.runtime.sampling import until as _until
from throughtime.storage import folder
from throughtime.storage.record import ModelRecord, Nothing
from throughtime.tasks.text import model as language
from throughtime.tasks.text import stream as runtime_text
from throughtime.tasks.text.data import TextData
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.stream import TextModel

STACKS: list[tuple[list[Any], bool]] = [(["lstm"], False), (["gru", "lstm"], True), (["rnn", "gru_reset_after"], False)]


@pytest.mark.parametrize(("names", "tied"), [*STACKS, ([AddsItsInput], False)])
def test_steps_equal_the_whole_pass(names: list[Any], tied: bool) -> None:
    model = make(names, tied, scale=1.0)
    tokens = model.tokenizer.encode(TEXT)
    wanted, after = language.forward(NumpyOps(), model.config, model.parameters, tokens[:, None])
    got = [model.step(int(token)) for token in tokens]
    np.testing.assert_allclose(got, wanted[:, 0], atol=OUTPUT["float32"])
    for mine, theirs in zip(model.state, after, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=OUTPUT["float32"])
    model.reset()
    np.testing.assert_array_equal(model.read(TEXT), got[-1])


def test_a_large_vocabulary_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = "".join(make(["lstm", "gru"]).write("the ", length=50, seed=1))
    monkeypatch.setattr(runtime_text, "_TABLE", 3)
    assert "".join(make(["lstm", "gru"]).write("the ", length=50, seed=1)) == wanted


def test_the_state_can_be_taken_and_put_back() -> None:
    model = make(["lstm", "gru"])
    model.read("the ")
    state = model.state
    one = model.read("quick")
    assert not np.array_equal(model.read("quick"), one)
    model.state = state
    np.testing.assert_array_equal(model.read("quick"), one)


def test_greedy_follows_the_largest_logit() -> None:
    model = make(["rnn"])
    written = "".join(model.write("the ", length=8, greedy=True))
    model.reset()
    logits, wanted = model.read("the "), ""
    for _ in range(8):
        wanted += model.tokenizer.decode([int(logits.argmax())])
        logits = model.read(wanted[-1])
    assert written == wanted
    assert len(set(written)) > 1


def test_writing_depends_on_the_seed_alone() -> None:
    model = make(["gru"])

    def write(**options: Any) -> str:
        return "".join(model.write("the ", length=40, **options))

    first = write(seed=4)
    model.read("something else")
    assert write(seed=4) == first
    assert write(seed=5) != first
    assert len(first) == 40
    assert "".join(model.write("the ", length=0)) == ""


def test_samples_follow_each_other_from_the_same_prompt() -> None:
    model = make(["gru"])
    pieces = list(model.write("the ", length=30, seed=4, samples=3))
    assert [piece.sample for piece in pieces] == sorted(piece.sample for piece in pieces)
    texts = ["".join(p for p in pieces if p.sample == i) for i in range(3)]
    assert len(set(texts)) == 3
    assert texts[0] == "".join(model.write("the ", length=30, seed=4))
    assert texts[2] == "".join(list(model.write("the ", length=30, seed=4, samples=5))[60:90])
    same = list(model.write("the ", length=30, greedy=True, samples=2))
    assert same[:30] == same[30:]


def test_an_empty_prompt_starts_from_the_start_token() -> None:
    model = make(["gru"])
    start = int(model.tokenizer.encode("q")[0])
    model = TextModel(replace(model.config, start=start), model.parameters, model.tokenizer)
    assert "".join(model.write("", length=20, seed=0)) == "".join(model.write("q", length=20, seed=0))


def test_stop_ends_a_sample_and_is_not_written() -> None:
    model = make(["gru"])
    whole = "".join(model.write("the ", length=200, seed=1))
    stop = whole[50:53]
    assert "".join(model.write("the ", length=200, seed=1, stop=stop)) == whole[: whole.index(stop)]
    assert "".join(model.write("the ", length=200, seed=1, stop="never here")) == whole


@pytest.mark.parametrize("stop", ["ab", "aab", "aaab", "c", "abcabd", "zz"])
@pytest.mark.parametrize("text", ["aaaab", "abcabcabd", "xaab", "z", ""])
def test_stop_across_pieces(text: str, stop: str) -> None:
    for size in (1, 2, 5):
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        assert "".join(_until(iter(pieces), stop)) == text.partition(stop)[0]


def test_text_is_not_held_back_without_need() -> None:
    seen: list[str] = []

    def pieces() -> Iterator[str]:
        for piece in "abxab":
            yield piece
            seen.append(piece)

    out = _until(pieces(), "xyz")
    assert [next(out), next(out)] == ["a", "b"]
    assert seen == ["a"]


def test_bytes_wait_for_the_whole_character() -> None:
    model = make(["gru"], kind="bytes", scale=0.0)
    first, second = "é".encode()
    model._bias = np.full(256, -1e4, np.float32)
    model._bias[[first, second]] = 0
    pieces = list(model.write("x", length=300, seed=0))
    assert "é" in pieces
    assert "".join(pieces).count("é") > 20
    assert all(pieces)  # nothing is yielded while a character is unfinished


def test_unknown_characters_and_bad_numbers_are_refused_at_once() -> None:
    model = make(["gru"])
    with pytest.raises(UserError, match="'€'"):
        model.write("5 €")
    with pytest.raises(UserError, match="length"):
        model.write("the", length=-1)
    with pytest.raises(UserError, match="stop"):
        model.write("the", stop="")
    with pytest.raises(UserError, match="temperature"):
        model.write("the", temperature=-1)
    with pytest.raises(UserError, match="token: expected 0 to"):
        model.step(model.config.vocabulary)
    with pytest.raises(UserError, match="at least one character"):
        model.read("")


def test_tokenizer_and_model_must_fit() -> None:
    model = make(["gru"])
    with pytest.raises(UserError, match="the model's vocabulary, got 256"):
        TextModel(model.config, model.parameters, tokenizers.fit("bytes", "x"))


def test_a_folder_loads_and_writes_without_torch_and_without_the_cells_source(tmp_path: Path) -> None:
    model = make([AddsItsInput])
    folder.write_json(tmp_path / "tokenizer.json", model.tokenizer.to_json())
    folder.write_weights(tmp_path / "model.safetensors", model.parameters)
    config = replace(model.config, start=3)
    ModelRecord("text", config, TextOptions(), TextData(), Nothing(), config.count).write(tmp_path)
    wanted = "".join(model.write("the ", length=50, seed=2))
    assert "".join(throughtime.load(tmp_path).write("the ", length=50, seed=2)) == wanted
    script = (
        "import sys; sys.modules.update(torch=None, matplotlib=None, tokenizers=None, rich=None)\n"
        "import throughtime\n"
        "model = throughtime.load(sys.argv[1])\n"
        "sys.stdout.buffer.write(''.join(model.write('the ', length=50, seed=2)).encode())"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == wanted
    assert throughtime.load(tmp_path).config.start == 3


def test_damaged_folders_say_so(tmp_path: Path) -> None:
    folder.write_json(tmp_path / "config.json", {"format_version": 2, "task": "text"})
    with pytest.raises(UserError, match=r"config\.json: model, options, data, decided missing; the file is damaged"):
        throughtime.load(tmp_path)


@pytest.mark.parametrize(("form", "limit"), [("bfloat16", 0.02), ("int8", 0.05)])
@pytest.mark.parametrize(("names", "tied"), STACKS)
def test_narrow_weights_stay_near_the_model(names: list[Any], tied: bool, form: str, limit: float) -> None:
    model = make(names, tied, scale=1.0)
    narrow = TextModel(model.config, model.parameters, model.tokenizer, weights=form)
    tokens = model.tokenizer.encode(TEXT)
    wanted = np.array([model.step(int(token)) for token in tokens])
    got = np.array([narrow.step(int(token)) for token in tokens])
    assert 0 < np.abs(got - wanted).max() < limit * np.abs(wanted).max()


def test_unknown_weights_are_refused() -> None:
    model = make(["lstm"])
    with pytest.raises(UserError, match="weights: expected float32, bfloat16, int8, got 'int3'"):
        TextModel(model.config, model.parameters, model.tokenizer, weights="int3")


WRITTEN = "It's  the 1859 fox, isn't it?\n\ncafé 月亮很 'quoted' over\t" * 3


READERS = {kind: make(["lstm", "gru"], kind=kind, text=WRITTEN) for kind in tokenizers.KINDS}


@pytest.mark.parametrize("kind", tokenizers.KINDS)
@given(st.lists(st.integers(0, len(WRITTEN)), max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_stream_reads_the_same_in_any_chunks(kind: str, cuts: list[int]) -> None:
    model = READERS[kind]
    whole = model.stream().feed(WRITTEN)
    chunked, waiting = model.stream(), model.tokenizer.settled(WRITTEN)
    places, found = sorted({0, len(WRITTEN), *cuts}), chunked.feed("")
    for first, end in itertools.pairwise(places):
        saved = chunked.save()
        chunked = model.stream()
        chunked.restore(saved)
        np.testing.assert_array_equal(chunked.feed(""), found)
        found = chunked.feed(WRITTEN[first:end])
    np.testing.assert_array_equal(found, whole)
    assert chunked.state()[1] == {"waiting": WRITTEN[waiting:]}
    model.reset()
    model.step(model.config.start)
    np.testing.assert_array_equal(model.read(WRITTEN[:waiting]), whole)
    np.testing.assert_array_equal(chunked.feed(""), whole)


def test_what_a_stream_cannot_read_changes_nothing() -> None:
    stream = make(["gru"]).stream()
    before = stream.feed("the ")
    with pytest.raises(UserError, match="'€'"):
        stream.feed("quick €")
    np.testing.assert_array_equal(stream.feed(""), before)
