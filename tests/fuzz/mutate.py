"""Damaged folders of every kind of model, and what the commands make of them: one line, or an answer.

    python -m tests.fuzz.mutate [KIND ...] [--count 300] [--first 0] [--verbs]

Every damage follows from its number, so that it can be had again: `--first NUMBER --count 1`. Each is asked in a
process of its own, with a gigabyte more than that has already and 30 s. --verbs: one other verb each, too (training
goes on, a report is drawn ...), which takes much longer. What is wrong is printed; exit status 1 where anything is.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
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

SECONDS, MORE = 30, 1 << 30
NO_NUMBER = re.compile(r"(?<![\w])(nan|inf|NaN|Infinity)(?![\w])")


def sound(kind: str, place: Path) -> Path:
    """The folder that holds a kind's sound model, m, and its data."""
    folder = place / kind
    if not (folder / "m").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        KINDS[kind].make(folder)
    return folder


def wrong(kind: str, folder: Path, number: int, verbs: bool = False) -> tuple[str, str | None]:
    """What a damage does to a sound folder's copy, and what is wrong with what is then said; None where all is well."""
    one = KINDS[kind]
    with tempfile.TemporaryDirectory() as there:
        shutil.copytree(folder, there, dirs_exist_ok=True)
        done = damage(Path(there, "m"), number, [*one.files] or None)
        calls = [*one.asked, *([random.Random(number).choice([*one.also])] if verbs and one.also else [])]
        return done, _in_a_process(Path(there), calls)


def _in_a_process(there: Path, calls: list[Call]) -> str | None:
    """None, or what is wrong, of calls in a process of their own that ends in time."""
    with tempfile.NamedTemporaryFile() as answer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
            child = os.fork()
        if not child:
            try:
                os.chdir(there)
                _limit()
                Path(answer.name).write_text(next((found for call in calls if (found := asked(call))), "well"))
            except BaseException:
                Path(answer.name).write_text(traceback.format_exc())
            finally:
                os._exit(0)
        end = time.monotonic() + SECONDS
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return f"it hangs: {calls}"
            time.sleep(0.002)
        found = Path(answer.name).read_text(errors="replace")
        return None if found == "well" else found or "the process ended by itself"


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
            for number in range(given.first, given.first + given.count):
                done, found = wrong(kind, folder, number, given.verbs)
                if found:
                    own += 1
                    print(json.dumps([kind, number, done]), found, sep="\n", flush=True)
            print(f"{kind}: {own} of {given.count} are wrong", flush=True)
            bad += own
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
