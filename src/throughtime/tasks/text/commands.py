"""What the verbs do for a text model."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.options import Json, Options, option
from throughtime.report.console import print_json, say, scores
from throughtime.tasks import shell

DATA = "The text to learn: a file, several, or a folder of them; - reads standard input."
SEVERAL = True
TRAIN = "Learn a text character by character (or in bytes, words, pieces), score its last tenth, write a report."


@dataclass(frozen=True)
class WriteOptions(Options):
    """How a text is written; see TextModel.write, which knows their ranges."""

    who = "run"

    length: int = option(500, help="Tokens to write.")
    temperature: float = option(1.0, help="Below 1 plays safe, above 1 takes risks.")
    top_k: int | None = option(None, help="Draw from the K likeliest tokens only.")
    top_p: float | None = option(None, help="Draw from the likeliest tokens that make up this share.")
    greedy: bool = option(False, help="Always take the likeliest token.")
    seed: int | None = option(None, help="The same seed writes the same text.")
    stop: str | None = option(None, help="End where this text appears.")
    samples: int = option(1, help="How many continuations.")
    unknown: bool = option(False, help="Let <unk> be written, for what is outside a limited vocabulary.")
    ignore_unknown: bool = option(False, help="Leave out what of the prompt is not in the vocabulary.")
    weights: str | None = option(None, help="float32, bfloat16 or int8: smaller ones are faster.")


def _run(chosen: WriteOptions, directory: Path, prompt: str, option: str | None, json: bool) -> None:
    from throughtime.tasks.load import load

    if prompt and option is not None:
        raise UserError("prompt: given twice, after DIR and as --prompt; leave one out")
    start = prompt if option is None else option
    if start == "-" and option is None:
        from throughtime.data.text import read_text

        start = read_text("-")
    beside = ("weights", "unknown", "ignore_unknown")
    how = {one.name: getattr(chosen, one.name) for one in chosen.declared() if one.name not in beside}
    model = load(directory, chosen.weights)
    model.writes_unknown = chosen.unknown
    start = model.known(start) if chosen.ignore_unknown else start
    pieces = model.write(start, **how)
    samples = chosen.samples
    began = time.perf_counter()
    if json:
        parts: dict[int, list[str]] = {}
        for piece in pieces:
            parts.setdefault(piece.sample, []).append(piece)
        written = ["".join(parts.get(sample, [])) for sample in range(samples)]
        seconds = time.perf_counter() - began
        speed = round(sum(map(len, written)) / max(seconds, 1e-9), 1)
        result = {"directory": str(directory), "prompt": start, "samples": written, "seed": chosen.seed}
        print_json({**result, "seconds": round(seconds, 4), "characters_per_second": speed})
        return
    flush, write, current = sys.stdout.isatty(), sys.stdout.write, -1
    for piece in pieces:
        if piece.sample != current:
            if current >= 0:
                write("\n")
            current = piece.sample
            write(f"--- sample {current + 1} of {samples}\n" if samples > 1 else "")
            write(start)
        write(piece)
        if flush:
            sys.stdout.flush()
    write("\n" if current >= 0 else f"{start}\n")
    sys.stdout.flush()


run = shell.with_options(
    WriteOptions,
    {
        "directory": (shell.Directory, MISSING),
        "prompt": (Annotated[str, Argument(help="What to continue; - reads standard input.")], ""),
        "option": (
            Annotated[str | None, Option("--prompt", help="The same, for a prompt that starts with a dash.")],
            None,
        ),
    },
    _run,
    "Continue a prompt; the text is printed as it is produced.",
)


def evaluate(
    directory: shell.Directory,
    file: Annotated[list[str], Argument(help="The text to predict, as train takes it; - reads standard input.")],
    part: Annotated[
        str | None, Option(help="Of the text the model learned from: test (if not given), validation, train or all.")
    ] = None,
    encoding: Annotated[str, Option(help="Of the file.")] = "utf-8",
    ignore_unknown: Annotated[
        bool, Option("--ignore-unknown", help="Leave out characters that the model does not know; says how many.")
    ] = False,
    json: shell.Json = False,
) -> None:
    """Score a model on a text: the part it never saw of its own text, or all of another one."""
    from throughtime.tasks.text.score import evaluate_folder

    result = evaluate_folder(directory, file, part, encoding, ignore_unknown)
    if json:
        print_json(result)
        return
    show(result)
    size, perplexity = f"{result['characters']:,} characters", f"{result['perplexity']:.3f}"
    print(f"{result['part']} part of {result['file']}: {size}, perplexity {perplexity}")


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn the Python language reference that every installation carries, write from it, and score the rest of it."""
    minutes, out = 1.9 if minutes is None else minutes, out or Path("runs/demo")
    from throughtime.tasks.load import load
    from throughtime.tasks.text import demo as task
    from throughtime.tasks.text.options import TextOptions
    from throughtime.tasks.text.report import write_report

    TextOptions(seed=seed, threads=threads, minutes=minutes)  # refuses wrong numbers before anything is written
    reference = task.text()
    say(
        f"the language reference in pydoc_data.topics: {len(reference):,} characters, the last tenth kept for the score"
    )
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads)
    peer = task.plain_torch(reference)
    if "evaluation" in summary and peer:
        summary["evaluation"]["baselines"]["plain torch LSTM"] = peer
    shell.add_report(summary, write_report)
    pieces = load(out).write(task.PROMPT, length=400, temperature=0.7, seed=seed)
    if json:
        print_json({**summary, "prompt": task.PROMPT, "sample": "".join(pieces)})
        return
    print(f"\nwritten by the model, from the prompt {task.PROMPT!r}:\n")
    sys.stdout.write(task.PROMPT)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    print("\n")
    if "evaluation" in summary:
        show(summary["evaluation"])
        if peer:
            print(f"plain torch LSTM: {peer['minutes']:g} minutes, recorded on {peer['machine']}: {peer['command']}")
    print(f"model   {summary['directory']}")
    if "report" in summary:
        print(f"report  {Path(summary['report']).resolve()}")
    print(f"more    throughtime run {out} 'PROMPT'")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation: a table, and what it comes to."""
    from throughtime.tasks.text.report import verdict_of

    print(verdict_of(evaluation))
    print(scores(evaluation))
