"""The files of a folder that hold examples, and no parts that are to be kept apart."""

from __future__ import annotations

import re
from pathlib import Path

from throughtime.errors import UserError

_PARTS = (("train", "training"), ("dev", "devel", "valid", "validation", "val"), ("test", "testing", "eval"))
"""Names of parts of a collection; those of one tuple are the same part."""

_WORDS = re.compile(r"[a-z]+")
_BESIDE = re.compile(r"(readme|licen[cs]e|changelog|copying|notice)\b.*", re.IGNORECASE)


def of_folder(folder: Path) -> list[Path]:
    """The files of a folder in the order of their names; hidden ones and those that are about it are none.

    Raises UserError where there are no files, and where their names say that they are parts, some to learn from and
    some to be scored on.
    """
    files = sorted(child for child in folder.iterdir() if child.is_file() and not child.name.startswith("."))
    files = [one for one in files if not _BESIDE.fullmatch(one.name)]
    if not files:
        raise UserError(f"{folder}: expected files of texts, the folder is empty")
    parts = [(part, one) for one in files if (part := _part(one)) is not None]
    if len({part for part, _ in parts}) > 1:
        names = ", ".join(one.name for _, one in parts[:4])
        first = next((one for part, one in parts if part == 0), parts[0][1])
        raise UserError(
            f"{folder}: holds the parts {names}; give the one to learn from, such as {first}, and others with "
            "--validation and --test"
        )
    return files


def _part(file: Path) -> int | None:
    """Which part a file's name says it is, None where it says nothing."""
    words = set(_WORDS.findall(file.stem.lower()))
    return next((number for number, names in enumerate(_PARTS) if words & set(names)), None)
