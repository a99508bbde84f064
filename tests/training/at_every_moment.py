"""End a tiny command at each of its moments, and look at what it leaves and says.

    python -m tests.training.at_every_moment [TASK ...] [--how full SIGTERM ...] [--first 0 --every 7] [--report]
    python -m tests.training.at_every_moment --verbs ...

A moment is a file operation (a file opened to be written, synchronized, renamed, removed; a folder made), or the first
time that a function of the task, of its data or of the loop is called: reading, set-up, steps, baselines, score,
report. Each is met in a process of its own, which has loaded everything before: from there on the disk is full (full),
only that one operation fails (once), or a signal comes. Then: one line that says what there is, no traceback, no file
half written, no process; the same command with --resume goes on, to the same weights bit for bit. --verbs: commands
that use a model, which it must leave as it was. Prints what is wrong; exit status 1 where anything is.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.folders import KINDS
from throughtime import cli

TASKS: dict[str, list[str]] = {
    "text": ["text.txt", "--hidden", "8", "--embedding", "4", "--batch", "4", "--window", "8"],
    "classify": ["texts.csv", "--hidden", "8", "--embedding", "8"],
    "tag": ["slots.conll", "--hidden", "8", "--embedding", "8"],
    "forecast": ["series.csv", "--hidden", "8", "--lookback", "24", "--horizon", "6", "--seconds", "0"],
    "translate": ["pairs.tsv", "--hidden", "6", "--embedding", "8", "--vocabulary", "300", "--beam", "2"],
    "summarize": ["pairs.tsv", "--hidden", "6", "--embedding", "8", "--vocabulary", "300", "--beam", "2"],
    "chat": ["said.jsonl", "--hidden", "6", "--embedding", "8", "--vocabulary", "300", "--beam", "2"],
}
FILES = ("full", "once")
HOW = (*FILES, "SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")
SECONDS = 120

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PHASES = ("/tasks/", "/training/loop", "/training/run", "/report/", "/baselines/", "/linear/", "/data/")


class Moments:
    """Counts the moments of this process, and does at one of them what is asked. kinds: of those that were met."""

    def __init__(self, tree: Path, how: str, at: int | None) -> None:
        self._tree, self._how, self._at = str(tree), how, at
        self._seen: set[Any] = set()
        self.kinds: list[str] = []

    def start(self) -> None:
        """From now on."""
        fsync = os.fsync

        def synchronized(number: int) -> None:
            self._meet("synchronize", True)
            fsync(number)

        os.fsync = synchronized
        sys.addaudithook(self._audit)
        if self._how.startswith("SIG"):
            sys.setprofile(self._call)

    def stop(self) -> None:
        """No further ones."""
        sys.setprofile(None)
        self._at, self._how = None, ""

    def _audit(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, flags = given[0], given[2]
            if isinstance(flags, int) and flags & _WRITES and self._own(path):
                self._meet(f"open {Path(os.fsdecode(path)).suffix}", True)
        elif event in ("os.rename", "os.remove") and self._own(given[0]):
            self._meet(event, False)
        elif event == "os.mkdir" and self._own(given[0]):
            self._meet(event, True)

    def _own(self, path: Any) -> bool:
        """Whether a path is one of the command's, not one of a library's."""
        if isinstance(path, int):
            return False
        name = os.fsdecode(path)
        return not name.startswith("/") or name.startswith(self._tree)

    def _call(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and (code := frame.f_code) not in self._seen:
            self._seen.add(code)
            if any(part in code.co_filename for part in _PHASES) and "throughtime" in code.co_filename:
                self._meet(code.co_qualname, None)

    def _meet(self, kind: str, room: bool | None) -> None:
        """room: whether a file operation needs room on the disk; None for none."""
        number = len(self.kinds)
        self.kinds.append(kind)
        if self._at is None or number < self._at:
            return
        if self._how == "full" and room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if number == self._at and self._how == "once":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if number == self._at and self._how.startswith("SIG"):
            sys.setprofile(None)  # which takes longer than all else
            os.kill(os.getpid(), getattr(signal, self._how))


class Ended:
    """What became of a command. status: of its process, below 0 where a signal ended it."""

    def __init__(self, status: int, said: str, kinds: list[str], alive: bool) -> None:
        self.status, self.said, self.kinds, self.alive = status, said, kinds, alive


def called(tree: Path, call: Sequence[str], how: str = "", at: int | None = None, drawn: bool = False) -> Ended:
    """A command in a process of its own, in a folder; at its moment of that number something happens to it."""
    said, met = tree / ".said", tree / ".met"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
        child = os.fork()
    if not child:
        status = 99
        try:
            os.setsid()
            os.chdir(tree)
            out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if not drawn:
                _leave_out_the_report(call)
            status = _invoke(tree, call, Moments(tree, how, at), met)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end, status = time.monotonic() + SECONDS, None
    while status is None:
        found, code = os.waitpid(child, os.WNOHANG)
        if found:
            status = os.waitstatus_to_exitcode(code)
        elif time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Ended(98, "it hangs", [], False)
        else:
            time.sleep(0.005)
    alive = _left(child)
    kinds = met.read_text().split("\n") if met.exists() else []
    text = said.read_text(errors="replace")
    for one in (said, met):
        one.unlink(missing_ok=True)
    return Ended(status, text, kinds, alive)


def _leave_out_the_report(call: Sequence[str]) -> None:
    """A training's report is a file without pictures, which take longer than all else."""
    if call[0] != "train":
        return
    from throughtime.storage.folder import write_atomically
    from throughtime.tasks import part

    def written(folder: Path) -> Path:
        write_atomically(folder / "report.html", b"a report")
        return folder / "report.html"

    part(call[1], "report").write_report = written


def _invoke(tree: Path, call: Sequence[str], moments: Moments, met: Path) -> int:
    import io

    from throughtime.training.saving import Saver

    Saver.due = lambda self: self.path is not None  # type: ignore[method-assign]
    os.environ["TMPDIR"] = tempfile.tempdir = str(tree / "tmp")
    sys.stdout = io.TextIOWrapper(open(1, "wb", 0, closefd=False), write_through=True)  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", 0, closefd=False), write_through=True)  # noqa: SIM115
    moments.start()
    status = cli.invoke([*call])
    moments.stop()
    met.write_text("\n".join(moments.kinds))
    return status


def _left(group: int) -> bool:
    """Whether a process of a group is there a second later; it is ended then."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.01)
    os.killpg(group, signal.SIGKILL)
    return True


def weights(folder: Path) -> dict[str, str]:
    """Of each file of numbers its hash."""
    files = sorted(folder.glob("*.safetensors"))
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def halves(tree: Path) -> list[str]:
    """Files that are half written."""
    return [str(one.relative_to(tree)) for one in tree.rglob("*") if one.name.endswith((".writing", ".tmp"))] + [
        str(one.relative_to(tree)) for one in (tree / "tmp").iterdir()
    ]


def wrong(ended: Ended, how: str) -> str | None:
    """What is wrong with how a command ended and what it said; None where nothing is."""
    number = getattr(signal, how) if how.startswith("SIG") else 0
    right = {0, -number} if how == "SIGKILL" else {0, 128 + number} if number else {0, 2}
    if ended.status not in right:
        return f"status {ended.status}"
    if "Traceback" in ended.said or "a fault of ours" in ended.said:
        return "a traceback or a fault"
    last = ended.said.rstrip().rpartition("\n")[2]
    if ended.status > 0 and not ("throughtime: " in last or (number and "stopped" in ended.said)):
        return f"nothing said: {last!r}"
    return "a process is left" if ended.alive else None


def trained(
    task: str, data: Path, how: str, at: int, whole: dict[str, str], drawn: bool = False
) -> tuple[str, str | None]:
    """Which moment a training was ended at, and what is wrong with what is left. whole: hashes of what it makes."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        shutil.copytree(data, tree, dirs_exist_ok=True)
        (tree / "tmp").mkdir()
        call = training(task)
        ended = called(tree, call, how, at, drawn)
        found = wrong(ended, how)
        if found and how.startswith("SIG") and ended.status == -getattr(signal, how) and not (tree / "m").exists():
            return ended.said, None  # before anything was begun the system ends it
        if found is None and how != "SIGKILL" and (left := halves(tree)):
            found = f"left half written: {left}"
        if found is None:
            on = called(tree, [*call, "--resume"])
            if on.status != 0:
                found = f"it does not go on: {on.said[-300:]}"
            elif left := [one for one in halves(tree) if not one.startswith("tmp/")]:
                found = f"left half written once it has gone on: {left}"
            elif weights(tree / "m") != whole:
                found = "other weights once it has gone on"
        return ended.said, found


def training(task: str) -> list[str]:
    """The command of a tiny training."""
    return ["train", task, *TASKS[task], "--steps", "3", "--threads", "1", "--out", "m"]


def used(data: Path, call: Sequence[str], how: str, at: int) -> tuple[str, str | None]:
    """The same of a command that uses a model, which is as it was afterwards."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        shutil.copytree(data, tree, dirs_exist_ok=True)
        (tree / "tmp").mkdir(exist_ok=True)
        before = {one.name: one.read_bytes() for one in (tree / "m").iterdir() if one.is_file()}
        ended = called(tree, call, how, at)
        found = wrong(ended, how)
        for name, content in before.items():
            if (
                name not in ("report.html", "forecast.csv", "forecast.png")
                and (tree / "m" / name).read_bytes() != content
            ):
                found = found or f"{name} is another one"
        if found is None and how != "SIGKILL" and (left := halves(tree)):
            found = f"left half written: {left}"
        return ended.said, found


def tell(what: str, how: str, at: int, kind: str, said: str, found: str) -> None:
    """Print one thing that is wrong."""
    print(f"{what} {how} {at} ({kind}): {found}\n    " + said[-500:].strip().replace("\n", "\n    "), flush=True)


def tried(task: str, hows: Sequence[str], first: int, every: int, verbs: bool, drawn: bool) -> int:
    """How often something is wrong with a task."""
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        data = Path(place)
        KINDS[task].make(data)
        calls = [call for call in [*KINDS[task].asked, *KINDS[task].also] if call[0] != "train"] if verbs else []
        if not verbs:
            shutil.rmtree(data / "m")
        for call in calls or [training(task)]:
            met: dict[bool, tuple[list[str], dict[str, str]]] = {}
            for how in hows:
                if (files := how in FILES) not in met:
                    met[files] = _met(data, call, how, drawn)
                kinds, whole = met[files]
                own, numbers = 0, range(first, len(kinds), every)
                for at in numbers:
                    said, found = used(data, call, how, at) if verbs else trained(task, data, how, at, whole, drawn)
                    if found:
                        own += 1
                        tell(" ".join(call[:2]), how, at, kinds[at], said, found)
                print(f"{task} {call[0]} {how}: {own} of {len(numbers)} moments are wrong", flush=True)
                bad += own
    return bad


def _met(data: Path, call: Sequence[str], how: str, drawn: bool) -> tuple[list[str], dict[str, str]]:
    """The moments of a command that nothing happens to, and hashes of what it makes."""
    with tempfile.TemporaryDirectory() as other:
        shutil.copytree(data, other, dirs_exist_ok=True)
        Path(other, "tmp").mkdir(exist_ok=True)
        ended = called(Path(other), call, how, None, drawn)
        assert ended.status == 0, ended.said
        return ended.kinds, weights(Path(other, "m"))


def main() -> int:
    parser = argparse.ArgumentParser(description="End commands at each of their moments.")
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}; all if none")
    parser.add_argument("--how", nargs="+", choices=HOW, default=HOW)
    parser.add_argument("--every", type=int, default=1, help="of the moments, only each Nth")
    parser.add_argument("--first", type=int, default=0, help="number of the first moment")
    parser.add_argument("--report", action="store_true", help="draw the report of a training, too")
    parser.add_argument("--verbs", action="store_true", help="commands that use a model instead of those that train it")
    given = parser.parse_args()
    if unknown := set(given.tasks) - TASKS.keys():
        parser.error(f"no such task {sorted(unknown)[0]!r}: choose from {', '.join(TASKS)}")
    import torch

    torch.set_num_threads(1)
    options = (given.how, given.first, given.every, given.verbs, given.report)
    return 1 if sum([tried(task, *options) for task in given.tasks or TASKS]) else 0


if __name__ == "__main__":
    sys.exit(main())
