"""Texts of many kinds and sizes, from the standard library, from installed packages and from THROUGHTIME_DATA."""

from __future__ import annotations

import gzip
import os
import random
import re
import sysconfig
from collections.abc import Callable
from pathlib import Path

DATA = Path(os.environ.get("THROUGHTIME_DATA", Path(__file__).parents[2] / "shared" / "data"))


def shakespeare() -> Path:
    """The file of tinyshakespeare; the benchmark stops with the reason where it is absent."""
    folder = DATA / "tinyshakespeare"
    files = [f for f in sorted(folder.glob("*.txt")) if f.name != "SOURCE.txt"] if folder.is_dir() else []
    if not files:
        raise SystemExit(f"benchmarks: no tinyshakespeare in {DATA}; set THROUGHTIME_DATA")
    return files[0]


def _shared(name: str) -> str:
    path = DATA / name
    if not path.is_file():
        raise SystemExit(f"benchmarks: no {name} in {DATA}; set THROUGHTIME_DATA")
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")


def _column(name: str, column: int) -> str:
    lines = _shared(name).splitlines()
    return "\n".join(line.split("\t")[column] for line in lines if line.count("\t") >= column)


def _python() -> str:
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def _names() -> str:
    names = sorted(set(re.findall(r"[A-Za-z_][A-Za-z_0-9]{3,}", _python())))
    random.Random(0).shuffle(names)
    return "\n".join(names)[:150_000]


def _topics() -> str:
    from throughtime.tasks.text import demo

    return demo.text()


def _headers() -> str:
    import torch

    files = sorted((Path(torch.__file__).parent / "include").rglob("*.h"))
    return "\n".join(file.read_text("utf-8", "replace") for file in files)[:50_000_000]


TEXTS: dict[str, Callable[[], str]] = {
    "help": lambda: _topics()[:20_000],  # English prose and code, 20 kB
    "names": _names,  # a shuffled list of Python's identifiers, 150 kB
    "sentences": lambda: _column("tatoeba-cmn-eng/cmn.txt", 1),  # Chinese, short sentences
    "dialogue": lambda: _shared("xdailydialog/dialogues_text_En.txt"),
    "topics": _topics,  # the demonstration's
    "table": lambda: "\n".join(_shared("etth/ETTh1.csv").splitlines()[:4000]),  # numbers in rows
    "reviews": lambda: _column("ChnSentiCorp-split/train.tsv", 0),  # Chinese
    "shakespeare": lambda: shakespeare().read_text("utf-8"),
    "songci": lambda: _shared("songci-zh/songci.txt.gz"),  # classical Chinese, 6,100 characters
    "german": lambda: _shared("multi30k/train.de.gz"),
    "python": _python,  # 5 MB of code
    "debian": lambda: _shared("debian-descriptions/en.long2short.tsv.gz"),  # 26 MB of English
    "headers": _headers,  # 37 MB of C++
}
"""By name, the short ones first."""


def text(name: str) -> str:
    """A text; the benchmark stops where there is none of that name, or where its file is absent."""
    if name not in TEXTS:
        raise SystemExit(f"benchmarks: no text {name!r}; there are {', '.join(TEXTS)}")
    return TEXTS[name]()
