"""A text in a file, and the folder of a model that learned it, with what the training returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tasks.text.small import FIT, SMALL, TEXT
from throughtime.tasks.train import train


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "topics.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def trained(file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("runs") / "small"
    return folder, train("text", str(file), folder, **SMALL, **FIT)
