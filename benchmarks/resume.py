"""A training killed with SIGKILL at random moments, gone on with, and compared bit for bit with one left alone.

    python -m benchmarks.resume [KILLS] [--seed N] [--steps N] [--threads N] [--json]

Each trial starts the same training in a process of its own, kills it at a moment drawn evenly over the time the whole
training takes, goes on with `resume`, and compares with the run that was left alone: every line of the history but its
times, the kept model, and every tensor of the last checkpoint. Exit status 1 if one trial differs. Then the share of
a training's time that checkpoints take with the settings a user has.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = {"hidden": 48, "embedding": 16, "batch": 8, "window": 32, "steps": 300, "threads": 2}
_TIMES = ("elapsed", "tokens_per_second")


def child(work: Callable[[], None]) -> int:
    """Start a function in a forked process; its process number."""
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        work()
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def finished(work: Callable[[], None]) -> None:
    """Run a function in a forked process to its end."""
    _, status = os.waitpid(child(work), 0)
    if status:
        raise SystemExit(f"a training ended with status {status}")


def train(file: Path, folder: Path, options: dict[str, Any], resume: bool = False) -> None:
    """The training of every trial: a checkpoint after each step."""
    from throughtime.tasks.train import train

    settings = {"checkpoint_seconds": 0.0, "log_every": 7, "validations": 12, "average": 0.99}
    if resume:
        train("text", str(file), folder, quiet=True, resume=True, evaluate=False)
    else:
        train("text", str(file), folder, quiet=True, force=True, evaluate=False, **options, **settings)


def outcome(folder: Path) -> dict[str, Any]:
    """What two runs must agree on: history without times, model and checkpoint bytes by name."""
    from safetensors.numpy import load_file

    from throughtime.storage.folder import CHECKPOINT, HISTORY, WEIGHTS
    from throughtime.training.history import read

    lines = [{k: v for k, v in line.items() if k not in _TIMES} for line in read(folder / HISTORY)]
    found: dict[str, Any] = {"history": lines}
    for name in (WEIGHTS, CHECKPOINT):
        found[str(name)] = {key: value.tobytes() for key, value in load_file(folder / name).items()}
    return found


def trials(kills: int, seed: int, options: dict[str, Any], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Run the trials; of each the moment, the step gone on from, and whether it came out equal."""
    from throughtime.storage.folder import CHECKPOINT
    from throughtime.tasks.text.demo import text
    from throughtime.training import checkpoint

    chance, results = random.Random(seed), []
    with tempfile.TemporaryDirectory() as place:
        file, whole = Path(place) / "text.txt", Path(place) / "whole"
        file.write_text(text()[:60_000], "utf-8")
        # once here on one thread, which starts no other, so that no forked training waits for imports
        train(file, Path(place) / "warm", {**options, "steps": 2, "threads": 1})
        seconds = 1e9
        for _ in range(2):
            began = time.perf_counter()
            finished(lambda: train(file, whole, options))
            seconds = min(seconds, time.perf_counter() - began)
        expected = outcome(whole)
        trial = late = 0
        while len(results) < kills:
            trial += 1
            folder = Path(place) / f"trial{trial}"
            number = child(lambda folder=folder: train(file, folder, options))
            moment = chance.uniform(0.0, seconds)
            time.sleep(moment)
            os.kill(number, signal.SIGKILL)
            _, status = os.waitpid(number, 0)
            if not os.WIFSIGNALED(status):  # it was quicker than that: not a kill
                late += 1
                seconds *= 0.8
                if late > 5 * kills:
                    raise SystemExit("the trainings end before they are killed; try more --steps")
                continue
            there = (folder / CHECKPOINT).is_file()
            step = checkpoint.load(folder / CHECKPOINT)[1]["step"] if there else None
            finished(lambda folder=folder, there=there: train(file, folder, options, resume=there))
            found = outcome(folder)
            differs = [name for name in expected if found[name] != expected[name]]
            stale = [str(path) for path in folder.rglob("*.writing")]
            results.append(
                {
                    "seconds": round(moment, 3),
                    "killed": os.WIFSIGNALED(status),
                    "step": step,
                    "differs": differs + stale,
                }
            )
            say(f"trial {len(results)}: killed after {moment:.2f} s, on from step {step}: {differs + stale or 'equal'}")
    return results


def share(minutes: float) -> dict[str, Any]:
    """The share of a training's time that its checkpoints take, with the settings a user has."""
    from throughtime.tasks.text.demo import text
    from throughtime.tasks.train import train

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "text.txt"
        file.write_text(text(), "utf-8")
        summary = train("text", str(file), Path(place) / "m", quiet=True, evaluate=False, minutes=minutes)
    return {
        "seconds": summary["seconds"],
        "checkpointing": summary["checkpointing"],
        "share": summary["checkpointing"] / summary["seconds"],
        "parameters": summary["parameters"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", nargs="?", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=OPTIONS["steps"])
    parser.add_argument("--threads", type=int, default=OPTIONS["threads"])
    parser.add_argument("--minutes", type=float, default=1.0, help="of the training whose checkpoints are timed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    options = {**OPTIONS, "steps": given.steps, "threads": given.threads, "dropout": 0.2, "weight_dropout": 0.1}
    results = trials(given.kills, given.seed, options, say)
    equal = sum(not result["differs"] for result in results)
    found: dict[str, Any] = {"trials": results, "equal": equal, "of": len(results)}
    if given.minutes:
        found["checkpoints"] = share(given.minutes)
    if given.json:
        print(json.dumps(found))
    else:
        print(f"{equal} of {len(results)} runs killed and gone on with equal the one left alone")
        if given.minutes:
            part = found["checkpoints"]
            spent = f"{part['checkpointing']:.2f} s of {part['seconds']:.1f} s, {part['share']:.2%}"
            print(f"checkpoints: {spent} of a training of {part['parameters']:,} parameters")
    sys.exit(0 if equal == len(results) else 1)


if __name__ == "__main__":
    main()
