"""Coverage-guided fuzzing of everything that is read from a model folder.

    python -m tests.fuzz.atheris_load [--seconds 600] [config] [safetensors] [characters] [bytes] [words] [bpe]
                                     [columns] [classify] [tag] [classify-folder] [tag-folder]

Each entrance gets its share of the time in a process of its own. What breaks one is left as crash-* in the folder
build/fuzz; `python -m tests.fuzz.atheris_load ENTRANCE --again FILE` runs it once more.
Needs atheris (https://github.com/google/atheris), on Linux: pip install '.[fuzz]'.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["throughtime"]):
    from tests.fuzz import entrances
    from throughtime.data import tokenizers
    from throughtime.storage.folder import WEIGHTS

FOUND = Path("build/fuzz")
MEGABYTES = 2048


def choices(data: Any) -> entrances.Pick:
    """The choices of a mutation, taken from the fuzzer's bytes."""
    return lambda n: data.ConsumeIntInRange(0, n - 1)


def config(data: Any) -> None:
    entrances.config_entrance(entrances.mutated(entrances.sound()[0], choices(data), 4))


def safetensors(data: Any) -> None:
    entrances.folder_entrance(WEIGHTS, damaged(entrances.raw(WEIGHTS), data))


def damaged(content: bytes, data: Any) -> bytes:
    """A safetensors file with bytes overwritten, or a header of the fuzzer's own before the sound values."""
    sound = bytearray(content)
    if data.ConsumeBool():
        header = data.ConsumeBytes(400)
        return len(header).to_bytes(8, "little") + header + bytes(sound[-64:])
    for _ in range(data.ConsumeIntInRange(1, 6)):
        sound[data.ConsumeIntInRange(0, len(sound) - 1)] = data.ConsumeIntInRange(0, 255)
    return bytes(sound)


def tokenizer(kind: str) -> Callable[[Any], None]:
    sound = tokenizers.fit(kind, entrances.TEXT, 262 if kind == "bpe" else None).to_json()

    def run(data: Any) -> None:
        text = data.ConsumeUnicode(20)
        entrances.tokenizer_entrance(entrances.mutated(sound, choices(data), 4), text)

    return run


def columns(data: Any) -> None:
    sound = entrances.sound_reader("classify")[1].columns.to_json()
    entrances.columns_entrance(entrances.mutated(sound, choices(data), 4))


def sizes(task: str) -> Callable[[Any], None]:
    """The sizes of a model that reads texts."""
    sound = entrances.sound_reader(task)[0]["model"]["readers"][0]
    return lambda data: entrances.reader_entrance(entrances.mutated(sound, choices(data), 4), task) and None


def folder(task: str) -> Callable[[Any], None]:
    """Any file of the folder of such a model."""

    def run(data: Any) -> None:
        names = (*entrances.JSON_FILES, *entrances.ARRAY_FILES)
        name = names[data.ConsumeIntInRange(0, len(names) - 1)]
        sound = entrances.raw(name, task)
        if name in entrances.ARRAY_FILES:
            content = damaged(sound, data)
        else:
            content = json.dumps(entrances.mutated(json.loads(sound), choices(data), 4)).encode()
        entrances.folder_entrance(name, content, task)

    return run


ENTRANCES: dict[str, Callable[[], Callable[[Any], None]]] = {
    "config": lambda: config,
    "safetensors": lambda: safetensors,
    "columns": lambda: columns,
    **{task: (lambda task=task: sizes(task)) for task in entrances.READERS},  # type: ignore[misc]
    **{f"{task}-folder": (lambda task=task: folder(task)) for task in entrances.READERS},  # type: ignore[misc]
    **{kind: (lambda kind=kind: tokenizer(kind)) for kind in tokenizers.KINDS},  # type: ignore[misc]
}


def fuzz(name: str, options: list[str]) -> None:
    """Fuzz one entrance in this process; libFuzzer ends it."""
    warnings.simplefilter("ignore", RuntimeWarning)
    entrance = ENTRANCES[name]()
    atheris.Setup([sys.argv[0], *options], lambda raw: entrance(atheris.FuzzedDataProvider(raw)))
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz what is read from a model folder.")
    parser.add_argument("entrances", nargs="*", metavar="ENTRANCE", help=f"of {', '.join(ENTRANCES)}; all if none")
    parser.add_argument("--seconds", type=int, default=600, help="in all, shared evenly")
    parser.add_argument("--again", type=Path, help="run an entrance on a file that broke it")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    names = given.entrances or list(ENTRANCES)
    if unknown := set(names) - ENTRANCES.keys():
        parser.error(f"no such entrance {sorted(unknown)[0]!r}: choose from {', '.join(ENTRANCES)}")
    limits = ["-timeout=30", f"-rss_limit_mb={MEGABYTES}", "-malloc_limit_mb=1024"]
    if given.again:
        fuzz(names[0], [*limits, str(given.again)])
    seconds = max(1, given.seconds // len(names))
    if given.alone:
        fuzz(names[0], [*limits, f"-max_total_time={seconds}", f"-artifact_prefix={FOUND}/crash-{names[0]}-"])
    FOUND.mkdir(parents=True, exist_ok=True)
    broken = []
    for name in names:
        print(f"{name}: {seconds} s", flush=True)
        call = [sys.executable, "-m", "tests.fuzz.atheris_load", name, "--alone", "--seconds", str(seconds)]
        done = subprocess.run(call, capture_output=True, text=True, errors="replace", check=False)
        print("\n".join(line for line in done.stderr.splitlines() if line.startswith(("Done", "stat::"))))
        if done.returncode:
            broken.append(name)
            print(json.dumps(name), "broke:", *done.stderr.splitlines()[-40:], sep="\n")
    print(f"broken: {', '.join(broken)}" if broken else f"nothing broke in {len(names)} entrances")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
