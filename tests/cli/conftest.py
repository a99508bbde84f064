"""A trained model whose folder a test may damage."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.misuse import Outcome, check_refusal, make_model, snapshot
from throughtime import cli


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("made"))


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent, tmp_path / "tree")
    return tmp_path / "tree" / "m"


@pytest.fixture
def refuse(model: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command beside the folder m; it must be refused with the words, and change nothing."""

    def run(arguments: list[str], *words: str) -> None:
        monkeypatch.chdir(model.parent)
        before = snapshot(model.parent)
        capfd.readouterr()
        check_refusal(Outcome(cli.invoke(arguments), *capfd.readouterr()), words)
        assert snapshot(model.parent) == before

    return run
