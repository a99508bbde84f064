"""Standard streams that are closed, full, or that nobody reads: a status, at most a line, and never a traceback."""

from __future__ import annotations

import errno
import io
import subprocess
import sys

import pytest

from throughtime import cli

FULL = "throughtime: standard output: cannot be written (No space left on device)\n"
FIRST_FILE = "import sys, os, throughtime.cli as c; s = c.invoke(['--version']); sys.exit(s or os.open('/', 0) < 3)"

needs_full = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a full device is Linux's")


def shell(call: str) -> tuple[int, str, str]:
    """Status, output and errors of a shell's line; $P is Python."""
    line = call.replace("$P", f"'{sys.executable}'")
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@needs_full
@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("$P -m throughtime --help >/dev/full", (2, "", FULL)),
        ("$P -u -m throughtime --help >/dev/full", (2, "", FULL)),
        ("$P -m throughtime nothing 2>/dev/full", (2, "", "")),
        ("$P -m throughtime nothing 2>&-", (2, "", "")),
        ("$P -m throughtime --version >&-", (0, "", "")),
        (f'$P -c "{FIRST_FILE}" <&- >&- 2>&-', (0, "", "")),
    ],
)
def test_a_stream_that_takes_nothing(call: str, wanted: tuple[int, str, str]) -> None:
    assert shell(call) == wanted


class Torn(io.StringIO):
    """Nobody reads it any more, or it has no room."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, "torn")

    def flush(self) -> None:
        raise OSError(self.number, "torn")


@pytest.mark.parametrize(("number", "status"), [(errno.EPIPE, 0), (errno.ENOSPC, 2)])
def test_a_verb_whose_output_nobody_takes(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Torn(number))
    assert cli.invoke(["cells", "gru"]) == status
    said = capsys.readouterr().err
    assert said == ("throughtime: standard output: cannot be written (torn)\n" if status else "")
