"""Several files, a folder, texts and lines: what parts keep whole, and what is remembered of it."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import throughtime
from tests.tasks.text.small import TEXT
from throughtime import LanguageModel, cli
from throughtime.errors import UserError
from throughtime.tasks.text import insight
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.score import evaluate_folder
from throughtime.tasks.text.stream import SCHEMA
from throughtime.tasks.text.units import edges

SIZE: dict[str, Any] = {"hidden": 8, "embedding": 4, "steps": 3, "batch": 4, "window": 16, "threads": 1, "ngram": False}
PIECES = [f"text {i} {TEXT[97 * i : 97 * i + 40 + i].replace(chr(10), ' ')} end {i}\n" for i in range(60)]


def write(folder: Path, pieces: list[str] = PIECES) -> list[Path]:
    """A file for each, whose names are in the order of the pieces."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:03}.txt" for i in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_text(piece, encoding="utf-8")
    return paths


def parts(text: Text) -> list[str]:
    return [text.part(name) for name in ("train", "validation", "test")]


def test_files_a_folder_and_a_list_are_the_same_corpus_in_the_order_of_names(tmp_path: Path) -> None:
    paths = write(tmp_path / "corpus")
    made = [Text.of(source, unit=None) for source in (tmp_path / "corpus", paths, paths[::-1], PIECES)]
    assert {one.sha256 for one in made} == {Text.of("".join(PIECES)).sha256}
    assert {one.edges for one in made} == {made[0].edges}
    assert made[0].unit == "text"
    assert made[0].notes == (
        f"60 files in the order of their names, from {paths[0]} to {paths[-1]}",
    )  # fmt: skip
    assert made[1].files == tuple(map(str, paths))
    deep = tmp_path / "deep"
    write(deep / "a", PIECES[:30])
    write(deep / "b", PIECES[30:])
    (deep / ".hidden").write_text("no text")
    assert Text.of(deep).text == made[0].text


def test_no_part_tears_a_text(tmp_path: Path) -> None:
    text = Text.of(PIECES, validation=None, blocks=None, unit="text")
    assert (text.blocks or 0) > 0
    for part in parts(text):
        assert part
    for piece in PIECES:
        assert sum(piece in part for part in parts(text)) == 1
    assert sum(map(len, parts(text))) == len(text.text)
    torn = Text.of(PIECES, validation=None, blocks=None, unit="characters")
    assert any(not any(piece in part for part in parts(torn)) for piece in PIECES)


def test_no_part_tears_a_line() -> None:
    lines = "".join(f"{i} {'x' * (i % 17)}\n" for i in range(300))
    text = Text.of(lines, validation=0.1, blocks=4, unit="line")
    found = [part.splitlines() for part in parts(text)]
    assert sorted(sum(found, []), key=lambda line: int(line.split()[0])) == lines.splitlines()  # noqa: RUF017
    assert found[2] == lines.splitlines()[-len(found[2]) :]
    for part, share in zip(parts(text), (0.81, 0.09, 0.1), strict=True):
        assert len(part) / len(lines) == pytest.approx(share, abs=0.02)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=3, max_size=40),
    st.floats(0, 0.9),
    st.floats(0, 0.9),
    st.integers(1, 20),
)
def test_parts_are_whole_units_and_none_is_empty(
    sizes: list[int], validation: float, holdout: float, blocks: int
) -> None:
    starts = np.cumsum([0, *sizes])
    found = edges(starts[:-1], int(starts[-1]), (validation, holdout), blocks)
    text = Text("x" * int(starts[-1]), validation=validation, holdout=holdout, blocks=blocks, edges=found)
    assert len(found) % 2 == 1
    assert list(found) == sorted(found)
    assert set(found) <= set(starts.tolist())
    assert sum(map(len, parts(text))) == starts[-1]
    train, held, test = parts(text)
    assert train
    assert bool(held) == bool(validation)
    assert bool(test) == bool(holdout)


def test_which_unit_where_nobody_says(tmp_path: Path) -> None:
    assert Text.of("".join(PIECES), unit=None).unit == "characters"
    assert Text.of(PIECES[:19], unit=None).unit == "characters"
    assert Text.of(PIECES, unit=None).unit == "text"
    assert Text.of([*PIECES, "long " * 2000], unit=None).unit == "characters"
    with pytest.raises(UserError, match="expected at least 3 pieces that the parts keep whole, got 2"):
        Text.of(PIECES[:2], unit="text")


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    paths = write(tmp_path / "c")
    (tmp_path / "c" / "bad.txt").write_bytes(b"caf\xe9\n")
    for source in (tmp_path / "c", [*paths, tmp_path / "c" / "bad.txt"]):
        with pytest.raises(UserError, match=r"c/bad\.txt: expected utf-8 text, got byte 0xe9 at offset 3"):
            Text.of(source)
    with pytest.raises(UserError, match=r"missing\.txt: no such file"):
        Text.of([paths[0], tmp_path / "missing.txt"])
    with pytest.raises(UserError, match=r"missing\.txt: no such file; check the path"):
        Text.of(["missing.txt", "other.txt"])
    with pytest.raises(UserError, match="row 1: expected texts, or Paths, got int"):
        Text.of(["a text\n", 3])
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="got a folder without one"):
        Text.of(tmp_path / "none")


def test_texts_are_composed_before_they_are_cut() -> None:
    pieces = [unicodedata.normalize("NFD", f"{i} é à ü {'é' * i}\n") for i in range(30)]
    text = Text.of(pieces, unit="text", validation=0.2)
    assert text.text == unicodedata.normalize("NFC", "".join(pieces))
    assert all(sum(unicodedata.normalize("NFC", piece) in part for part in parts(text)) == 1 for piece in pieces)


def test_by_shell_and_remembered(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = write(tmp_path / "corpus")
    typed = ["--steps", "3", "--hidden", "8", "--embedding", "4", "--threads", "1", "--no-ngram", "--batch", "4"]
    for name, source in (("a", paths[::-1]), ("b", [tmp_path / "corpus"])):
        command = ["train", "text", *map(str, source), "--out", str(tmp_path / name), *typed]
        assert cli.invoke(command) == 0
        out, _ = capfd.readouterr()
        assert "data    60 files in the order of their names, from" in out
        assert cli.invoke([*command, "--resume"]) == 0
        capfd.readouterr()
    made, folder = (SCHEMA.read(tmp_path / name) for name in "ab")
    assert made.data.edges == folder.data.edges != ()
    assert (made.data.files, folder.data.file) == (tuple(map(str, paths)), str(tmp_path / "corpus"))
    assert made.options.text_unit == "text"
    wanted = Text.of(PIECES, validation=made.options.validation, blocks=made.options.validation_blocks, unit="text")
    for name in "ab":
        record = SCHEMA.read(tmp_path / name)
        still = record.data.still(record.options)
        assert still is not None
        assert parts(still) == parts(wanted)
        patient = insight.patient(tmp_path / name)
        assert len(patient.held) == len(wanted.part("validation"))
    assert cli.invoke(["evaluate", str(tmp_path / "a"), *map(str, paths), "--json"]) == 0
    first = json.loads(capfd.readouterr()[0])
    assert first["part"] == "test"
    assert first["characters"] == len(wanted.part("test"))
    assert evaluate_folder(tmp_path / "b", tmp_path / "corpus")["nats_per_character"] == pytest.approx(
        first["nats_per_character"], abs=1e-6
    )
    joined = tmp_path / "joined.txt"  # the same text in one file is cut where it was, so that nothing learned is scored
    joined.write_text("".join(PIECES), encoding="utf-8")
    assert evaluate_folder(tmp_path / "a", joined)["characters"] == first["characters"]
    assert cli.invoke(["train", "text", str(joined), "--out", str(tmp_path / "a"), *typed, "--resume"]) == 0
    assert SCHEMA.read(tmp_path / "a").data == made.data
    other = ["train", "text", str(paths[0]), "--out", str(tmp_path / "a"), *typed, "--resume"]
    assert cli.invoke(other) == 2
    assert "learns another text" in capfd.readouterr()[1]
    assert cli.invoke(["train", "text", str(joined), "-", "--out", str(tmp_path / "c")]) == 2
    assert "standard input: expected it alone" in capfd.readouterr()[1]
    assert throughtime.load(tmp_path / "a") is not None


def test_lines_by_shell_and_class(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "lines.txt"
    place.write_text("".join(PIECES), encoding="utf-8")
    typed = ["--steps", "2", "--hidden", "8", "--threads", "1", "--no-ngram", "--unit", "line"]
    assert cli.invoke(["train", "text", str(place), "--out", str(tmp_path / "m"), *typed]) == 0
    capfd.readouterr()
    model = LanguageModel(**SIZE, text_unit="line").fit(place, quiet=True)
    assert model.record is not None
    assert SCHEMA.read(tmp_path / "m").data.edges == model.record.data.edges != ()
    assert model.evaluate()["characters"] in np.cumsum([len(one) for one in PIECES[::-1]])


def test_a_list_of_texts_by_class_and_in_cross_validation() -> None:
    model = LanguageModel(**SIZE).fit(PIECES, quiet=True)
    assert model.record is not None
    assert model.record.options.text_unit == "text"
    assert model.notes() == []
    selection = pytest.importorskip("sklearn.model_selection")
    found = selection.cross_val_score(LanguageModel(**SIZE), PIECES, cv=2)
    assert found.shape == (2,)
    assert (found < 0).all()


def test_edges_of_a_damaged_folder_are_refused(tmp_path: Path) -> None:
    model = LanguageModel(**SIZE).fit(PIECES, quiet=True).save(tmp_path / "m")
    assert model.record is not None
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    for wrong in ([1, 2], [5, 4, 6], [10**9]):
        config["data"]["edges"] = wrong
        (tmp_path / "m" / "config.json").write_text(json.dumps(config))
        with pytest.raises(UserError, match="expected edges of parts in their order"):
            throughtime.load(tmp_path / "m")
