"""Files as people have them are read right, or refused in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.label_files import LABELLED
from tests.data.odd_files import MARKED, SPANS
from tests.data.stranger_files import OTHER_LABELS, OTHER_TAGS
from tests.data.tag_files import TAGGED
from tests.data.text_files import Labelled, TaggedFile
from throughtime.data.labelled import read_texts
from throughtime.errors import UserError
from throughtime.tasks.tag.data import read_tagged
from throughtime.tasks.tag.found import Choices

LABELS, TAGS = [*LABELLED, *MARKED, *OTHER_LABELS], [*TAGGED, *SPANS, *OTHER_TAGS]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_table_is_long() -> None:
    assert len(LABELS) + len(TAGS) >= 200
    assert len({one.name for one in LABELS}) + len({one.name for one in TAGS}) == len(LABELS) + len(TAGS)


@pytest.mark.parametrize("one", LABELS, ids=lambda one: one.name)
def test_labelled_texts(tmp_path: Path, one: Labelled) -> None:
    path = write(tmp_path, one.name, one.content)
    if one.error:
        with pytest.raises(UserError, match=one.error) as caught:
            read_texts(path, **one.options)
        assert "\n" not in str(caught.value)
        return
    found = read_texts(path, **one.options)
    assert (found.texts, found.labels, found.kind) == (one.texts, one.labels, one.kind)
    assert any(one.note in note for note in ["", *found.notes])


@pytest.mark.parametrize("one", TAGS, ids=lambda one: one.name)
def test_tagged_texts(tmp_path: Path, one: TaggedFile) -> None:
    path = write(tmp_path, one.name, one.content)
    choices = Choices(**one.options)
    if one.error:
        with pytest.raises(UserError, match=one.error) as caught:
            read_tagged(path, choices=choices)
        assert "\n" not in str(caught.value)
        return
    found = read_tagged(path, choices=choices)
    assert [" ".join(tokens) for tokens in found.tokens] == one.tokens
    assert [" ".join(tags) for tags in found.tags] == one.tags
    assert (found.scheme, found.intents) == (one.scheme, one.intents)
    assert one.texts is None or found.texts == one.texts
    assert any(one.note in note for note in ["", *found.notes])


def test_a_folder_of_folders_and_several_files(tmp_path: Path) -> None:
    for label, text in (("pos", "so good"), ("neg", "so bad")):
        (tmp_path / "reviews" / label).mkdir(parents=True)
        (tmp_path / "reviews" / label / "1.txt").write_text(text)
    found = read_texts(tmp_path / "reviews")
    assert (found.texts, found.labels) == (["so bad", "so good"], ["neg", "pos"])
    first = write(tmp_path, "a.csv", "text,label\nso good,pos\n")
    second = write(tmp_path, "b.jsonl", '{"text": "so bad", "label": "neg"}\n')
    both = read_texts([first, second])
    assert (both.texts, both.labels) == (["so good", "so bad"], ["pos", "neg"])
    assert both.where == f"{first} and 1 more"


def test_brat_has_a_text_beside(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.ann", "T1\tPER 0 7\tAnn Lee\nT2\tLOC 11 15\tRome\nR1\tin Arg1:T1 Arg2:T2\nT3\tX 20 21;22 23\tb d\n"
    )
    with pytest.raises(UserError, match=r"expected the text of its spans in .*a\.txt"):
        read_tagged(path)
    write(tmp_path, "a.txt", "Ann Lee in Rome\n\na b c d\nshe left\n")
    for source in (path, tmp_path):
        found = read_tagged(source)
        assert found.texts == ["Ann Lee in Rome", "she left"]
        assert found.tags == [["B-PER", "I-PER", "O", "B-LOC"], ["O", "O"]]
        assert any("1 span in several pieces" in note for note in found.notes)
    write(tmp_path, "a.ann", "T1\tPER 1 8\tAnn Lee\n")
    with pytest.raises(UserError, match="the span PER is 'Ann Lee'"):
        read_tagged(path)


def test_several_tagged_files_go_together(tmp_path: Path) -> None:
    one = write(tmp_path, "a.conll", "Ann B-PER\nLee I-PER\n")
    two = write(tmp_path, "b.jsonl", '{"tokens": ["in", "Rome"], "tags": ["O", "B-LOC"]}\n')
    for source in ([one, two], tmp_path):
        found = read_tagged(source)
        assert (found.tokens, found.scheme) == ([["Ann", "Lee"], ["in", "Rome"]], "BIO")
        assert found.notes[0] == f"2 files, from {one} to {two}"
    write(tmp_path, "b.jsonl", '{"tokens": ["in", "Rome"], "tags": ["O", "S-LOC"]}\n')
    with pytest.raises(UserError, match=r"b.jsonl: the tags are of the scheme BIOES, those of .*a.conll of BIO"):
        read_tagged([one, two])
    write(tmp_path, "b.jsonl", '{"tokens": ["in"], "tags": ["O"], "intent": "go"}\n')
    with pytest.raises(UserError, match=r"b.jsonl: the texts have intents, those of .*a.conll none"):
        read_tagged([one, two])


@pytest.mark.parametrize("read", [read_texts, read_tagged])
def test_parts_in_a_folder_are_not_mixed(tmp_path: Path, read: Any) -> None:
    for name in ("train.csv", "my_test.csv", "README.md"):
        write(tmp_path, name, "text,label\nso good,pos\nso bad,neg\n")
    with pytest.raises(UserError, match=r"the parts my_test.csv, train.csv; give .*train.csv, and others with --v"):
        read(tmp_path)


def test_notes_of_several_files_name_them(tmp_path: Path) -> None:
    one = write(tmp_path, "a.csv", "text,label\nso good,pos\n,neg\n")
    two = write(tmp_path, "b.csv", "text,label\nso bad,neg\nso good,pos\n")
    notes = read_texts([one, two]).notes
    assert notes[0] == f"2 files, from {one} to {two}"
    assert f"{one}: 1 text without a word, the first in row 3: left out" in notes
    assert f"1 text repeats an earlier one, the first: row 3 of {two} is row 2 of {one}" in notes


def test_files_whose_names_are_classes_are_refused(tmp_path: Path) -> None:
    for name in ("rt-polarity.pos", "rt-polarity.neg"):
        write(tmp_path, name, "so good\nso fine\nwell bad\nwell poor\n")
    with pytest.raises(UserError, match=r"the names of the files are classes.*a folder of texts for each class"):
        read_texts(tmp_path)
    files = [write(tmp_path, name, "so good\nwell bad\n") for name in ("pos.txt", "pos2.txt")]
    assert read_texts(files).labels == ["so", "well"] * 2


def test_a_text_beside_no_span_has_none(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "in Rome\n")
    write(tmp_path, "a.ann", "T1\tLOC 3 7\tRome\n")
    write(tmp_path, "b.txt", "we left\n")
    write(tmp_path, "b.ann", "")
    found = read_tagged(tmp_path, choices=Choices())
    assert (found.tokens, found.tags) == ([["in", "Rome"], ["we", "left"]], [["O", "B-LOC"], ["O", "O"]])
