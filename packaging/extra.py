"""Prints what an extra of pyproject.toml asks for, one requirement a line, without installing the project again.

python packaging/extra.py dev
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def main(extra: str) -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    if extra not in extras:
        raise SystemExit(f"extra {extra!r}: choose from {', '.join(extras)}")
    print(*extras[extra], sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
