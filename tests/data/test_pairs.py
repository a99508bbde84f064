"""Pairs of texts: every way in gives the same, and what is wrong in them is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.data.alignment import first_break
from throughtime.data.pairs import Pairs, read_pairs
from throughtime.errors import UserError

DE = ["Ein Hund rennt.", 'Er sagt: "Halt!"', "Größe, bitte", "Übel", '"Nein"']
EN = ["A dog runs.", 'He says: "Stop!"', "Size,\tplease", "Bad", '"No"']
PLAIN = [text.replace("\t", " ") for text in EN]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(texts: list[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def rows(separator: str, head: str) -> str:
    cells = [['"{}"'.format(text.replace('"', '""')) for text in pair] for pair in zip(DE, EN, strict=True)]
    return lines([head.replace(",", separator), *(separator.join(pair) for pair in cells)])


KINDS = ["csv", "semicolons", "jsonl", "nested", "array", "parquet", "pandas", "polars", "mapping", "lists", "rows"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_gives_the_same(tmp_path: Path, kind: str) -> None:
    columns = {"id": list(range(5)), "de": DE, "en": EN}
    source: Any = columns
    objects = [{"id": i, "de": a, "en": b} for i, (a, b) in enumerate(zip(DE, EN, strict=True))]
    if kind == "csv":
        source = write(tmp_path / "a.csv", "\ufeff" + rows(",", "de,en").replace("\n", "\r\n"))
    elif kind == "semicolons":
        source = write(tmp_path / "a.csv", rows(";", "de,en"))
    elif kind == "jsonl":
        source = write(tmp_path / "a.jsonl", lines([json.dumps(one) for one in objects]))
    elif kind == "nested":
        inner = [{"id": one["id"], "translation": {"de": one["de"], "en": one["en"]}} for one in objects]
        source = write(tmp_path / "a.json", lines([json.dumps(one, ensure_ascii=False) for one in inner]))
    elif kind == "array":
        source = write(tmp_path / "a.json", json.dumps(objects))
    elif kind in ("pandas", "polars"):
        source = pytest.importorskip(kind).DataFrame(columns)
    elif kind == "parquet":
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        inner = [{"de": a, "en": b} for a, b in zip(DE, EN, strict=True)]
        parquet.write_table(arrow.table({"translation": inner}), tmp_path / "a.parquet")
        source = tmp_path / "a.parquet"
    elif kind == "lists":
        source = (DE, EN)
    elif kind == "rows":
        source = list(zip(DE, EN, strict=True))
    names = (None, None) if kind in ("lists", "rows") else ("de", "en")
    for said in {(None, None), names}:
        found = read_pairs(source, *said)
        assert found.sources == DE
        assert found.targets == EN
    if kind not in ("lists", "rows"):
        assert read_pairs(source, "en", "de").sources == EN
        assert found.columns == ("de", "en")


@pytest.mark.parametrize("way", ["list", "beginning", "folder", "ending", "name", "packed"])
def test_two_files_of_one_text_a_line(tmp_path: Path, way: str) -> None:
    one, other = lines(DE).replace("\n", "\r\n"), lines(PLAIN)
    if way == "packed":
        write(tmp_path / "train.de.gz", gzip.compress(one.encode()))
        write(tmp_path / "train.en.gz", gzip.compress(other.encode()))
    else:
        write(tmp_path / "train.de", one)
        write(tmp_path / "train.en", other)
        write(tmp_path / "val.de", "x\n")
        write(tmp_path / "val.en", "y\n")
    data: Any = {
        "list": [tmp_path / "train.de", tmp_path / "train.en"],
        "folder": str(tmp_path),
        "ending": str(tmp_path / "train.de"),
        "name": tmp_path / "train.de",
    }.get(way, str(tmp_path / "train"))
    target = {"list": None, "name": str(tmp_path / "train.en")}.get(way, "en")
    found = read_pairs(data, None if way in ("list", "name", "ending") else "de", target)
    assert (found.sources, found.targets) == (DE, PLAIN)
    assert found.rows == [1, 2, 3, 4, 5]


def test_tab_separated_lines(tmp_path: Path) -> None:
    found = read_pairs(write(tmp_path / "a.txt", lines([f"{a}\t{b}" for a, b in zip(DE, PLAIN, strict=True)])))
    assert (found.sources, found.targets) == (DE, PLAIN)
    assert found.columns == ("0", "1")
    assert any("no header line" in note for note in found.notes)
    quoted = [f'"{a}"\t"{b}"' for a, b in zip(["x", 'a ""b""'], ["y", "z"], strict=True)]
    assert read_pairs(write(tmp_path / "b.tsv", lines(quoted))).sources == ["x", 'a "b"']
    three = write(tmp_path / "c.tsv", "a\tb\tby me\nc\td\tby you\n")
    with pytest.raises(UserError, match="which of the 3 columns"):
        read_pairs(three)
    assert read_pairs(three, "1", "0").sources == ["b", "d"]


def test_texts_without_targets(tmp_path: Path) -> None:
    found = read_pairs(write(tmp_path / "a.txt", "one\n\ntwo\n"), paired=False)
    assert (found.sources, found.targets) == (["one", "", "two"], [])
    assert read_pairs(["a", "b"], paired=False).sources == ["a", "b"]
    table = write(tmp_path / "b.csv", "id,de\n1,x\n")
    assert read_pairs(table, paired=False, known=("de", "en")).sources == ["x"]


def test_what_looks_like_the_end_of_a_line_is_said(tmp_path: Path) -> None:
    one = write(tmp_path / "t.de", "a\nb\u2028c\nd\n")
    other = write(tmp_path / "t.en", "1\n2\n3\n")
    found = read_pairs([one, other])
    assert found.sources == ["a", "b c", "d"]
    assert f"{one}: line 2, character 2: U+2028 (line separator) inside a line: read as a space" in found.notes
    write(other, "1\n2\n2\n3\n")
    with pytest.raises(UserError, match=r"has 3 lines, .* 4: .*; .*t.de: line 2, character 2: U\+2028"):
        read_pairs([one, other])


def test_signs_inside_the_lines_of_a_csv_file_are_said(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "de,en\r\nein\x0cHund,a dog\r\n" + '"eine\r\nKatze",a\u2028cat\r\n')
    found = read_pairs(file)
    assert (found.sources, found.targets) == (["ein Hund", "eine Katze"], ["a dog", "a cat"])
    assert f"{file}: line 2, character 4: a form feed inside a line and 1 more of such: read as a space" in found.notes


def test_of_unequal_files_the_signs_of_the_shorter_one_count(tmp_path: Path) -> None:
    files = [write(tmp_path / "t.de", "a\x0cb\nc\nd\n"), write(tmp_path / "t.en", "1\u20282\n3\n")]
    with pytest.raises(UserError, match=r"has 3 lines, .* 2: .*; .*t.en: line 1, character 2: U\+2028"):
        read_pairs(files)
    write(files[1], "1\n2\n")
    with pytest.raises(UserError, match=r"each line needs the same line of the other$"):
        read_pairs(files)


def test_empty_sides_are_left_out(tmp_path: Path) -> None:
    found = read_pairs((["a", "", "c", " "], ["1", "2", None, ""]))
    assert (found.sources, found.targets, found.rows) == (["a"], ["1"], [0])
    assert found.notes == ["3 pairs have an empty side (rows 1, 2, 3): left out"]
    with pytest.raises(UserError, match="there are no pairs of texts"):
        read_pairs(([""], ["x"]))


@pytest.mark.parametrize(
    ("data", "names", "said"),
    [
        ((["a"], ["b", "c"]), (None, None), "1 sources and 2 targets"),
        (["a", "b", "c"], (None, None), "expected sources and targets as a pair"),
        ("no/such.tsv", (None, None), "no such file"),
        ({"x": ["a"], "y": ["b"]}, (None, None), "which columns are source and target"),
        ({"x": ["a"], "y": ["b"]}, ("x", "z"), "no column 'z' for the target; there are x, y"),
        ({"x": ["a"], "y": ["b"]}, ("x", "x"), "cannot be source and target"),
        ({"source": [["a"]], "target": ["b"]}, (None, None), "row 0: expected a text, got list"),
        ({"source": ["a\0"], "target": ["b"]}, (None, None), "row 0: a NUL"),
    ],
)
def test_what_cannot_be_is_one_line(data: Any, names: tuple[str | None, str | None], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        read_pairs(data, *names)
    assert "\n" not in str(error.value)


def test_lines_without_tabs_and_uneven_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lines without a tab; give two files"):
        read_pairs(write(tmp_path / "a.txt", "one\ntwo\n"))
    with pytest.raises(UserError, match="row 2 has 3 values, the first row 2"):
        read_pairs(write(tmp_path / "a.tsv", "a\tb\nc\td\te\n"))
    with pytest.raises(UserError, match=r"expected files that end in \.de and \.en"):
        read_pairs(tmp_path, "de", "en")


def test_parts_and_what_belongs_together() -> None:
    sources = [f"s{i // 2}" for i in range(40)]
    targets = [f"t{(i + 1) // 2}" for i in range(40)]
    chain = Pairs(sources, targets)
    assert len(set(chain.near().groups)) == 1
    pairs = Pairs(sources, [f"u{i}" for i in range(40)])
    train, test = pairs.split(0.3, 0)
    assert len(train) + len(test) == 40
    assert not set(train.sources) & set(test.sources)
    assert "40 of 40 pairs" in test.notes[0]
    assert pairs.take(np.array([3])).rows == [3]
    assert pairs.sha256 != chain.sha256


def test_conversations_stay_whole() -> None:
    talk = Pairs(["a", "b", "c", "d"], ["b", "x", "y", "z"], before=[(), ("a",), (), ()], groups=[0, 0, 1, 2])
    assert talk.context(1) == ("a", "b")
    groups = talk.near().groups
    assert groups[0] == groups[1] != groups[2] != groups[3]
    both = talk.joined(talk.take([2]))
    assert both.groups == [0, 0, 1, 2, 4]
    assert both.before[1] == ("a",)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\tb\nc\td\n")))
    assert read_pairs("-").targets == ["b", "d"]


def test_numbers_are_the_same_numbers_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    dates = [(int(y), int(m), int(d)) for y, m, d in rng.integers((1950, 1, 1), (2060, 13, 29), (3000, 3))]
    names = ["Ada", "Bob Miller", "Christopher Jones"]
    sources = [f"{names[i % 3]} calls us on the {d}th of month {m} of {y}" for i, (y, m, d) in enumerate(dates)]
    targets = [f"{y}-{m:02}-{d:02} call: {names[i % 3]}" for i, (y, m, d) in enumerate(dates)]
    assert first_break(sources, targets) is None
    found = first_break(sources[:1500] + sources[1503:], targets)
    assert found is not None
    assert found.shift == 3
    assert abs(found.at - 1500) < 40


def test_pairs_that_all_hang_together_are_split_by_those_that_are_the_same() -> None:
    said = [[f"turn {i % 7} of a talk that all the others share too", f"answer {i % 5}"] for i in range(200)]
    pairs = Pairs([s for s, _ in said], [t for _, t in said], "made")
    learned, held = pairs.split(0.2, 0)
    assert len(learned) + len(held) == 200
    assert held.notes == [note for note in held.notes if "hang together" in note]
    both = [{(s, t) for s, t in zip(part.sources, part.targets, strict=True)} for part in (learned, held)]
    assert len(both[1]) > 1
    assert not both[0] & both[1]
