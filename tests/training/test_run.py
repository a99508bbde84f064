"""A run of training in a model's folder: begun, gone on with, summed up."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from throughtime.errors import UserError
from throughtime.storage.folder import CHECKPOINT, CONFIG, HISTORY, WEIGHTS, read_json, write_atomically
from throughtime.storage.record import ModelRecord, Nothing, Schema
from throughtime.training import checkpoint, run
from throughtime.training.settings import Settings

RECORD = ModelRecord("toy", Nothing(), Settings(steps=3), Nothing(), Nothing(), 7)
SCHEMA = Schema("toy", Nothing, Settings, Nothing, Nothing)


def begin(folder: Path | None, resume: bool = False, force: bool = False) -> ModelRecord:  # type: ignore[type-arg]
    with run.at_work(folder, RECORD, {"tokenizer.json": {"a": 1}}, ("tokenizer.json",), 3, resume, force) as record:
        return record


def test_a_new_run_leaves_its_record_and_files_alone(tmp_path: Path) -> None:
    for name in (
        CHECKPOINT,
        WEIGHTS,
        HISTORY,
        ".model.safetensors.0123456789abcdef.writing",
        "tokenizer.json",
        "mine.txt",
    ):
        write_atomically(tmp_path / name, b"old")
    record = begin(tmp_path)
    assert record.environment["threads"] == 3
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left - {"checkpoints/.lock"} == {CONFIG, "tokenizer.json", "mine.txt"}
    assert read_json(tmp_path / "tokenizer.json") == {"a": 1}
    assert SCHEMA.read(tmp_path).options == RECORD.options


def test_a_run_that_goes_on_keeps_what_is_there(tmp_path: Path) -> None:
    begin(tmp_path)
    before = SCHEMA.read(tmp_path)
    for name in (CHECKPOINT, WEIGHTS, HISTORY):
        write_atomically(tmp_path / name, b"kept")
    write_atomically(tmp_path / ".config.json.fedcba9876543210.writing", b"left by one that was killed")
    with run.at_work(tmp_path, before, {}, ("tokenizer.json",), 9, True, False) as record:
        assert record.environment == before.environment  # of the run's beginning
    assert all((tmp_path / name).read_bytes() == b"kept" for name in (CHECKPOINT, WEIGHTS, HISTORY))
    assert (tmp_path / "tokenizer.json").is_file()
    assert not (tmp_path / ".config.json.fedcba9876543210.writing").exists()


def test_whoever_was_quicker_keeps_the_folder(tmp_path: Path) -> None:
    """Two runs may both have found no model there; the second to get the lock finds that of the first."""
    run.refuse_existing(tmp_path, force=False)
    begin(tmp_path)
    before = (tmp_path / CONFIG).read_bytes()
    with pytest.raises(UserError, match="there is a model already"):
        begin(tmp_path)
    assert (tmp_path / CONFIG).read_bytes() == before
    begin(tmp_path, force=True)


def test_in_memory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert begin(None).parameters == 7
    assert list(tmp_path.iterdir()) == []


def test_what_there_is_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="resume needs the folder"):
        run.stored(SCHEMA, None)
    with pytest.raises(UserError, match="there is no run to go on with; start one without --resume"):
        run.stored(SCHEMA, tmp_path)
    begin(tmp_path)
    with pytest.raises(UserError, match="there is no checkpoint to go on from; start again with --force"):
        run.stored(SCHEMA, tmp_path)
    write_atomically(tmp_path / CHECKPOINT, b"")
    with pytest.raises(UserError, match="expected a checkpoint"):
        run.stored(SCHEMA, tmp_path)
    checkpoint.save(tmp_path / CHECKPOINT, {"parameters.w": torch.zeros(2)}, {"step": 1})
    assert run.stored(SCHEMA, tmp_path).options == RECORD.options
    with pytest.raises(UserError, match="expected a model of the task other, its task is toy"):
        run.stored(Schema("other", Nothing, Settings, Nothing, Nothing), tmp_path)


def test_what_was_there_is_forgotten_with_its_record_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    remove = run.remove

    def watched(path: Path) -> None:
        gone.append(path.name)
        remove(path)

    monkeypatch.setattr(run, "remove", watched)
    begin(tmp_path)
    gone.clear()
    run.forget(tmp_path, ("tokenizer.json",))
    assert gone[0] == CONFIG
    assert "tokenizer.json" in gone
