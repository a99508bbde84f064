"""Files as people have them are read right, or refused in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.text_files import LABELLED, TAGGED, Labelled, TaggedFile
from throughtime.data.labelled import read_texts
from throughtime.errors import UserError
from throughtime.tasks.tag.data import read_tagged
from throughtime.tasks.tag.found import Choices


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_table_is_long() -> None:
    assert len(LABELLED) + len(TAGGED) >= 80
    assert len({one.name for one in [*LABELLED, *TAGGED]}) == len(LABELLED) + len(TAGGED)


@pytest.mark.parametrize("one", LABELLED, ids=lambda one: one.name)
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


@pytest.mark.parametrize("one", TAGGED, ids=lambda one: one.name)
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
