"""Damaged folders of every kind of model, and what the commands make of them: one line, or an answer.

    python -m tests.fuzz.mutate [KIND ...] [--count 300] [--first 0] [--verbs]

Every damage follows from its number, so that it can be had again: `--first NUMBER --count 1`. A process of its own
asks for some hundreds of them, each with 30 s, all with a gigabyte more than that process had; what seems wrong is
asked again in a fresh one. --verbs: one other verb each, too (training goes on, a report is drawn ...), which takes
much longer. What is wrong is printed; exit status 1 where anything is.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import throughtime
from tests.fuzz.damages import damage
from tests.fuzz.folders import KINDS, Call
from throughtime import cli
from throughtime.errors import UserError

SECONDS, PATIENCE, MORE = 30, 300, 1 << 30
"""Seconds of computing and of waiting that one damage is given, and bytes that all of a process are."""

SEVERAL, DRAWN = 250, 8
"""How many damages a process asks for; of how many one forecast is drawn, which takes longer than all else."""

NO_NUMBER = re.compile(r"(?<![\w])(nan|inf|NaN|Infinity)(?![\w])")


def sound(kind: str, place: Path) -> Path:
    """The folder that holds a kind's sound model, m, and its data."""
    folder = place / kind
    if not (folder / "m").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        KINDS[kind].make(folder)
    return folder


class Asker:
    """A process of its own that asks what is in damaged folders of one kind, one after the other.

    It starts with the first, asks for what is in a sound folder first, so that all is loaded, and is another one after
    SEVERAL of them, or after one that it did not survive.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self._folder = kind, folder
        self._child, self._asked = 0, 0

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> int:
        """End the process, if there is one; its status."""
        if not self._child:
            return 0
        for one in (self._to, self._back):
            os.close(one)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        self._child = self._asked = 0
        return status

    def wrong(self, number: int, verbs: bool = False) -> tuple[str, str | None]:
        """What a damage does to a copy of the folder, and what is wrong with what is then said, or None."""
        others = self._asked % SEVERAL
        done, found = self._asked_of(number, verbs)
        if found is None:
            return done, None
        self.end()
        again = self._asked_of(number, verbs)[1]
        return done, again or f"only after {others} others: {found}"

    def _asked_of(self, number: int, verbs: bool) -> tuple[str, str | None]:
        one = KINDS[self._kind]
        if self._asked >= SEVERAL:
            self.end()
        if not self._child:
            self._start()
        self._asked += 1
        with tempfile.TemporaryDirectory() as there:
            shutil.copytree(self._folder, there, dirs_exist_ok=True)
            done = damage(Path(there, "m"), number, [*one.files] or None)
            calls = [*one.asked, *([random.Random(number).choice([*one.also])] if verbs and one.also else [])]
            os.write(self._to, (json.dumps([there, calls, number % DRAWN == 0]) + "\n").encode())
            found = self._answer()
        if found is None:
            status = self.end()
            hung = status in (-signal.SIGPROF, -signal.SIGKILL)
            return done, f"it hangs: {calls}" if hung else f"the process ended: {status}"
        return done, found or None

    def _answer(self) -> str | None:
        """What the process says, None where it ends or waits without a word."""
        said, end = b"", time.monotonic() + PATIENCE
        while not said.endswith(b"\0"):
            if not select.select([self._back], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            if not (more := os.read(self._back, 1 << 16)):
                os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOWAIT)
                return None
            said += more
        return said[:-1].decode("utf-8", "replace")

    def _start(self) -> None:
        heard, self._to = os.pipe()
        self._back, said = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
            self._child = os.fork()
        if not self._child:
            try:
                os.close(self._to)
                os.close(self._back)
                self._work(heard, said)
            finally:
                os._exit(1)
        os.close(heard)
        os.close(said)

    def _work(self, heard: int, said: int) -> None:
        """What the process does: a line comes, an answer goes."""
        with tempfile.TemporaryDirectory() as there:
            shutil.copytree(self._folder, there, dirs_exist_ok=True)
            os.chdir(there)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            with contextlib.suppress(Exception):
                for call in KINDS[self._kind].asked:
                    asked(call)
            os.chdir("/")
        plots: Any = sys.modules.get("throughtime.tasks.forecast.plots")
        draw = getattr(plots, "forecast_file", None)
        _limit()
        for line in open(heard, encoding="utf-8"):  # noqa: SIM115 - the process ends with it
            there, calls, drawn = json.loads(line)
            os.chdir(there)
            if plots:
                plots.forecast_file = draw if drawn else _not_drawn
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                found = next((found for call in calls if (found := asked(call))), "")
            except BaseException:
                found = traceback.format_exc()
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.chdir("/")
            os.write(said, found.replace("\0", " ").encode("utf-8", "replace") + b"\0")


def _not_drawn(*_: object) -> str:
    """In the place of a forecast's picture: no letter is missing in it."""
    return ""


def _limit() -> None:
    """At most a gigabyte more than the process has."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MORE
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def asked(call: Call) -> str | None:
    """What is wrong with what a command says, None where nothing is; `predict` and `choose` are of Python."""
    if call[0] in ("predict", "choose"):
        return _python(call[0])
    out, err, errors = io.StringIO(), io.StringIO(), []
    complain = cli._complain

    def told(message: str, status: int) -> int:
        errors.append(sys.exception())
        return complain(message, status)

    cli._complain = told
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.invoke([*call])
    finally:
        cli._complain = complain
    said = f"{' '.join(call)}: {status} {err.getvalue()[-600:]}"
    if status not in (0, 2) or "Traceback" in err.getvalue() or "a fault of ours" in err.getvalue():
        where = "".join(traceback.format_exception(errors[-1])[-4:]) if errors and errors[-1] else ""
        return f"{said}\n{where}"
    if status == 0 and NO_NUMBER.search(out.getvalue()) and "--json" in call:
        return f"{said} no number: {out.getvalue()[:300]}"
    known = (UserError, OSError, MemoryError)
    if status == 2 and errors[-1] is not None and not (isinstance(errors[-1], known) or _shell(errors[-1])):
        return f"{said}\n{''.join(traceback.format_exception(errors[-1])[-4:])}"
    return None


def _shell(error: BaseException) -> bool:
    return hasattr(error, "format_message")


def _python(what: str) -> str | None:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            numbers = _predict() if what == "predict" else _choose()
    except UserError as error:
        return f"{error}" if "\n" in str(error) else None
    except Exception:
        return traceback.format_exc(limit=-5)
    return None if all(np.isfinite(one).all() for one in numbers) else "no numbers"


def _predict() -> list[np.ndarray]:
    model: Any = throughtime.load("m")
    inputs = []
    rng = np.random.default_rng(0)
    for node in model.graph.inputs:
        layer = model.graph.layers[model.graph.nodes[node].layer]
        shape = [2, *(4 if size is None else min(size, 64) for size in layer.shape)]
        inputs.append(rng.integers(0, 3, shape) if layer.tokens else rng.standard_normal(shape))
    found = model.predict(*inputs)
    with contextlib.suppress(UserError):
        stream = model.stream()
        stream.feed(inputs[0][0])
        stream.restore(stream.save())
    return found if isinstance(found, list) else [found]


def _choose() -> list[np.ndarray]:
    from throughtime.storage.folder import read_json, read_weights
    from throughtime.tasks.choosing.chooser import FILE, WEIGHTS, Chooser

    chooser = Chooser.of_files(read_json(Path("m", FILE)), read_weights(Path("m", WEIGHTS)))
    found = [chooser.choose(context) for context in (["Where do I find bread?"], ["", "x"], ["a", "May I order tea?"])]
    return [np.array([one.confidence for one in found])]


def main() -> int:
    parser = argparse.ArgumentParser(description="Damage folders and ask what is in them.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all if none")
    parser.add_argument("--count", type=int, default=300, help="damages of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first damage")
    parser.add_argument("--verbs", action="store_true", help="ask another verb of each, too")
    given = parser.parse_args()
    if unknown := set(given.kinds) - KINDS.keys():
        parser.error(f"no such kind {sorted(unknown)[0]!r}: choose from {', '.join(KINDS)}")
    if given.verbs:
        import torch  # noqa: F401 - once, not in every process

    bad = 0
    with tempfile.TemporaryDirectory() as place:
        for kind in given.kinds or KINDS:
            folder, own = sound(kind, Path(place)), 0
            with Asker(kind, folder) as asker:
                for number in range(given.first, given.first + given.count):
                    done, found = asker.wrong(number, given.verbs)
                    if found:
                        own += 1
                        print(json.dumps([kind, number, done]), found, sep="\n", flush=True)
            print(f"{kind}: {own} of {given.count} are wrong", flush=True)
            bad += own
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
