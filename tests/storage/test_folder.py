"""A model folder's files: written whole or not at all, read with a word about what is wrong."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors
from safetensors.numpy import save

import throughtime
from throughtime.errors import UserError
from throughtime.storage import folder
from throughtime.storage.ordered import in_order


def test_weights_and_json_come_back(tmp_path: Path) -> None:
    weights = {"a.b": np.arange(6.0).reshape(2, 3), "c": np.float32([1])}
    folder.write_weights(
        tmp_path / "new" / "m.safetensors", {**weights, "a.b": weights["a.b"].T.copy().T}, {"step": "3"}
    )
    back = folder.read_weights(tmp_path / "new" / "m.safetensors")
    assert back.keys() == weights.keys()
    for name in weights:
        np.testing.assert_array_equal(back[name], weights[name])
        assert back[name].dtype == weights[name].dtype
    folder.write_json(tmp_path / "x.json", {"ü": [1, None]})
    assert folder.read_json(tmp_path / "x.json") == {"ü": [1, None]}


@pytest.mark.parametrize("content", [b'{"a": "\\ud83d"}', b'["\\uD83Dx\\uDE00"]', b'{"\xed\xa0\xbd": 1}'])
def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path, content: bytes) -> None:
    """It could not be written again, nor shown."""
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.json: half of a surrogate pair"):
        folder.read_json(tmp_path / "x.json")
    (tmp_path / "x.json").write_bytes(b'"\\ud83d\\ude00"')
    assert folder.read_json(tmp_path / "x.json") == "\N{GRINNING FACE}"


def test_a_passing_folder_goes_even_where_its_removal_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    remove = shutil.rmtree

    def interrupted(path: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise KeyboardInterrupt
        remove(path, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), folder.passing_folder() as place:
        (place / "a").write_text("b")
    assert not place.exists()


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    weights, about = {"b": np.arange(5.0), "a": np.float32([[1]])}, {"step": "3", "loss": "\N{SNOWMAN}", "c": '"'}
    written = set()
    for _ in range(30):
        folder.write_weights(tmp_path / "m", weights, about)
        written.add((tmp_path / "m").read_bytes())
    assert len(written) == 1
    with safetensors.safe_open(tmp_path / "m", framework="numpy") as file:
        assert file.metadata() == about
    assert folder.read_weights(tmp_path / "m")["b"].tolist() == weights["b"].tolist()


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "mixed", "none"])
@pytest.mark.parametrize("about", [None, {"step": "3"}], ids=["plain", "with words"])
def test_what_is_written_is_what_the_library_writes(tmp_path: Path, kind: str, about: Any) -> None:
    """But for the order of the header, which the library leaves to chance."""
    kinds = {"mixed": ["<f4", "<i8"], "none": []}.get(kind, [kind, kind, kind])
    names = ["b", "a.é", "a"][: len(kinds)]
    weights = {n: np.arange(6).reshape(2, 3).astype(k) for n, k in zip(names, kinds, strict=True)}
    if len(kinds) == 3:
        weights |= {"empty": np.zeros((0, 2), kind), "one": np.array(1, kind)}
    folder.write_weights(tmp_path / "m", weights, about)
    native = {name: value.astype(value.dtype.newbyteorder("=")) for name, value in weights.items()}
    assert (tmp_path / "m").read_bytes() == in_order(save(native, metadata=about))


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: Any, broken: str) -> None:
    path = tmp_path / "x.json"
    folder.write_json(path, "old")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(UserError, match="No space left"):
        folder.write_json(path, "new")
    monkeypatch.undo()
    assert folder.read_json(path) == "old"
    assert os.listdir(tmp_path) == ["x.json"]


@pytest.mark.skipif(os.name != "posix", reason="a folder can be opened on POSIX alone")
def test_a_loss_of_power_leaves_the_old_file_or_the_new(tmp_path: Path, monkeypatch: Any) -> None:
    """The content is on the disk before the name is, and the name is when the call returns."""
    done: list[str] = []
    replace = os.replace

    def fsync(number: int) -> None:
        about = os.fstat(number)
        done.append("the folder" if stat.S_ISDIR(about.st_mode) else f"{about.st_size} bytes")

    def replaced(*names: Any, **folders: Any) -> None:
        done.append("the name")
        replace(*names, **folders)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replaced)
    folder.write_atomically(tmp_path / "x", b"12345")
    assert done == ["5 bytes", "the name", "the folder"]
    done.clear()
    folder.write_weights(tmp_path / "w", {"a": np.zeros(3, np.float32)})
    assert done[-2:] == ["the name", "the folder"]


def test_no_model_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no config.json"):
        throughtime.load(tmp_path)
    folder.write_json(tmp_path / "config.json", {"format_version": 99})
    with pytest.raises(UserError, match="expected format_version 2, got 99; update throughtime"):
        throughtime.load(tmp_path)
    folder.write_json(tmp_path / "config.json", {"format_version": 1, "task": "chess"})
    with pytest.raises(UserError, match="unknown task 'chess', this version knows text"):
        throughtime.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="the file is damaged"):
        throughtime.load(tmp_path)


def test_damaged_weights(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has not reached its first validation"):
        folder.read_weights(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="the file is damaged"):
        folder.read_weights(tmp_path / "model.safetensors")


def test_a_planted_link_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link of a file's name is replaced; one of the temporary file's, could anyone know it, is refused."""
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    (tmp_path / "m").mkdir()
    link = tmp_path / "m" / "report.html"
    link.symlink_to(other)
    folder.write_atomically(link, b"new")
    assert not link.is_symlink()
    monkeypatch.setattr(folder.os, "urandom", bytes)
    planted = tmp_path / "m" / f".report.html.{'0' * 16}.writing"
    planted.symlink_to(other)
    with pytest.raises(UserError, match="cannot be written"):
        folder.write_atomically(link, b"newer")
    assert other.read_bytes() == b"mine"


def test_a_link_in_the_place_of_the_checkpoints_is_refused(tmp_path: Path) -> None:
    other, model = tmp_path / "other", tmp_path / "m"
    other.mkdir()
    model.mkdir()
    left = f".last.safetensors.{'a' * 16}.writing"
    for name in ("last.safetensors", left):
        (other / name).write_bytes(b"mine")
    (model / "checkpoints").symlink_to(other)
    for act in (
        lambda: folder.write_atomically(model / folder.CHECKPOINT, b"x"),
        lambda: folder.remove(model / folder.CHECKPOINT),
    ):
        with pytest.raises(UserError, match="it is a link"):
            act()
    folder.remove_temporaries(model)
    assert {one.name: one.read_bytes() for one in other.iterdir()} == {"last.safetensors": b"mine", left: b"mine"}


@pytest.mark.parametrize("kind", ["pipe", "link to a device", "sparse"])
def test_only_regular_files_that_memory_can_hold_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        path.write_bytes(b"\0" * 4096)
        os.truncate(path, 5 * 10**9)
    else:
        path.symlink_to("/dev/zero")
    said = "5.0 GB of memory" if kind == "sparse" else "expected a file, got a"
    with pytest.raises(UserError, match=said):
        folder.read_weights(path)


@pytest.mark.parametrize(
    ("about", "taken"),
    [
        ({"st_size": 1 << 31, "st_blocks": 0}, 0),  # all of it is a hole
        ({"st_size": 1 << 31, "st_blocks": 8}, 4096),
        ({"st_size": 5000, "st_blocks": 16}, 5000),
        ({"st_size": 700, "st_blocks": 0}, 700),  # kept beside its name
        ({"st_size": 1 << 31}, 1 << 31),
    ],
)
def test_a_sparse_file_takes_what_its_blocks_do(about: dict[str, int], taken: int) -> None:
    assert folder.on_disk(SimpleNamespace(**about)) == taken  # type: ignore[arg-type]


def test_a_file_without_a_block_takes_nothing_on_the_disk(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse"
    sparse.write_bytes(b"")
    os.truncate(sparse, 1 << 40)
    assert folder.on_disk(sparse.stat()) == 0
    with pytest.raises(UserError, match="it takes 0 bytes on the disk"):
        folder.read_file(sparse)
    (tmp_path / "small").write_bytes(b"x" * 100)
    assert folder.on_disk((tmp_path / "small").stat()) == 100
