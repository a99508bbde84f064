"""What every misuse of the commands must look like: one line, status 2, nothing changed on disk."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.tasks.reading.texts import easy, flights, write_table, write_tagged
from throughtime import cli
from throughtime.tasks.train import train

TEXT = ("the cat sat on the mat, the dog ate the cat; " * 20 + "\n") * 3
TINY = ["--hidden", "8", "--embedding", "4", "--batch", "4", "--window", "8", "--threads", "1"]
SMALL_READER = ["--hidden", "8", "--embedding", "8", "--threads", "1"]
NOBODY = 65534


class Outcome:
    """What a command left: its exit status and what it printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


def made(task: str, file: Path, folder: Path, **options: Any) -> Path:
    """What a command leaves, but for the report, which takes longer than the training."""
    assert train(task, str(file), folder, quiet=True, threads=1, **options)["ended"] == "budget"
    return folder


def make_model(folder: Path) -> Path:
    """A trained model in folder/m, of the text in folder/text.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "text.txt").write_text(TEXT, "utf-8")
    size = {"hidden": 8, "embedding": 4, "batch": 4, "window": 8}
    return made("text", folder / "text.txt", folder / "m", steps=12, **size)


def make_forecaster(folder: Path) -> Path:
    """A trained forecaster in folder/f, of the table in folder/series.csv."""
    lines = ["ds,y", *(f"2024-01-{1 + n // 24:02} {n % 24:02}:00,{10 + n % 24 + n % 7}" for n in range(240))]
    (folder / "series.csv").write_text("\n".join(lines) + "\n", "utf-8")
    size = {"hidden": 8, "lookback": 24, "segment": 6, "horizon": 6}
    return made("forecast", folder / "series.csv", folder / "f", steps=4, seconds=0, **size)


def make_classifier(folder: Path) -> Path:
    """A trained classifier in folder/c, of the table in folder/texts.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "texts.csv", easy(90))
    size = {"hidden": 8, "embedding": 8, "average": 0.0, "learning_rate": 0.03}
    return made("classify", folder / "texts.csv", folder / "c", steps=12, **size)


def make_tagger(folder: Path) -> Path:
    """A trained tagger in folder/t, of the texts in folder/slots.conll."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tagged(folder / "slots.conll", flights(60))
    size = {"hidden": 8, "embedding": 8, "average": 0.0}
    return made("tag", folder / "slots.conll", folder / "t", steps=4, seconds=0, **size)


def snapshot(tree: Path) -> dict[str, Any]:
    """Every file and folder below a folder: kind and rights, content, time of the last change."""
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(tree):
        for path in [Path(folder), *(Path(folder) / name for name in [*folders, *files])]:
            about = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(about.st_mode) and os.access(path, os.R_OK) else b""
            found[str(path)] = (about.st_mode, about.st_mtime_ns, content)
    return found


def check_refusal(outcome: Outcome, words: Sequence[str]) -> None:
    """One line on standard error, nothing on standard output, status 2, with the words in it."""
    assert outcome.status == 2, (outcome.status, outcome.out, outcome.err)
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert outcome.err.startswith("throughtime: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert len(outcome.err) < 1100
    for word in words:
        assert word in outcome.err, f"{word!r} is not in {outcome.err!r}"


def as_nobody(model: Path, commands: Sequence[Sequence[str]]) -> list[Outcome]:
    """Run commands in a process without the rights of root, which no file can refuse. model: any sound one."""
    text = str(model.parent / "text.txt")
    with tempfile.TemporaryDirectory() as place:
        for arguments in (  # imports what cannot be read without root's rights, where it lies in root's home
            ["train", "text", text, "--out", f"{place}/new", "--steps", "2", *TINY],
            ["run", str(model), "the", "--length", "2"],
            ["evaluate", str(model), text],
            ["report", f"{place}/new"],
        ):
            assert invoked(arguments).status in (0, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
            child = os.fork()
        if not child:
            try:
                file = open(f"{place}/outcomes.json", "w")  # noqa: SIM115 - before the rights are gone
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                json.dump([vars(invoked(list(map(str, arguments)))) for arguments in commands], file)
                file.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return [Outcome(**found) for found in json.loads(Path(place, "outcomes.json").read_text("utf-8"))]


def invoked(arguments: list[str]) -> Outcome:
    """Run a command here."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.invoke(arguments)
    return Outcome(status, out.getvalue(), err.getvalue())


def only_json(answer: Outcome) -> Any:
    """What a command printed, which is one JSON object."""
    assert answer.status == 0, answer.err
    assert answer.out.count("\n") == 1
    found = json.loads(answer.out)
    assert isinstance(found, dict)
    return found
