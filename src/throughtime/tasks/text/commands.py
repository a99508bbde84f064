"""What the verbs do for a text model: train text, run, evaluate, report."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Exit, Option

from throughtime.errors import UserError
from throughtime.report.console import print_json, say, scores
from throughtime.tasks import options as shared


def train(
    context: Context,
    file: Annotated[str, Argument(help="The text to learn; - reads standard input.")],
    out: Annotated[Path, Option(help="The folder for the model, its history and report.")],
    cell: Annotated[
        str, Option(help="A cell of the catalogue, rnn:relu, or file.py:ClassName; several, with commas, stack.")
    ] = "lstm",
    hidden: Annotated[int, Option(help="H, the size of the hidden state.")] = 256,
    layers: Annotated[int, Option(help="How many layers of the cell.")] = 1,
    embedding: Annotated[int, Option(help="Values per token.")] = 64,
    size: Annotated[list[str] | None, Option(help="A further size of a cell of your own: M=32.")] = None,
    dropout: Annotated[float, Option(help="Share of values dropped between layers and before the output.")] = 0.0,
    weight_dropout: Annotated[float, Option(help="Share of the recurrent weights dropped.")] = 0.0,
    memory: Annotated[
        float | None, Option(help="The longest memory, in steps, that units of gated cells start with.")
    ] = None,
    tied: Annotated[bool, Option("--tied", help="Let the output layer use the embedding.")] = False,
    tokens: Annotated[str, Option(help="characters, bytes, words or bpe.")] = "characters",
    vocabulary: Annotated[int | None, Option(help="The most tokens there may be.")] = None,
    batch: Annotated[int, Option(help="B, parallel streams of text.")] = 32,
    window: Annotated[int, Option(help="T, steps the gradient goes back.")] = 64,
    minutes: Annotated[float | None, Option(help="How long to train; 3 where nothing is said.")] = None,
    epochs: Annotated[int | None, Option(help="How often to go over the text, instead of minutes.")] = None,
    steps: Annotated[int | None, Option(help="How many steps to train, instead of minutes.")] = None,
    learning_rate: Annotated[float | None, Option(help="The highest learning rate.")] = None,
    average: Annotated[float | None, Option(help="Decay of the moving average of the weights; 0 for none.")] = None,
    clip: Annotated[float | None, Option(help="The largest gradient norm; 0 for no limit.")] = None,
    patience: Annotated[int | None, Option(help="Stop after so many validations without a better one.")] = None,
    validation: Annotated[float, Option(help="Share of the learning part kept for validation.")] = 0.05,
    holdout: Annotated[float, Option(help="Share of the text, at its end, kept for the final score.")] = 0.1,
    seed: Annotated[int, Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    encoding: Annotated[str, Option(help="Of the file.")] = "utf-8",
    resume: Annotated[
        bool, Option("--resume", help="Go on with the run in --out; a budget, rate, clip or patience may change.")
    ] = False,
    force: Annotated[bool, Option("--force", help="Replace the model in --out.")] = False,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Learn a text character by character (or in bytes, words, pieces), score its last tenth, write a report."""
    from throughtime.models.stack import Dropout
    from throughtime.tasks.text import train as task

    if resume:
        shared.refuse_fixed(context, ("file", "out", "resume", "json", "encoding"))
    settings: dict[str, Any] = {"learning_rate": learning_rate, "average": average, "clip": clip, "patience": patience}
    settings = {name: value for name, value in settings.items() if value is not None}
    if clip == 0:
        settings["clip"] = None
    summary = task.train(
        file,
        out,
        cell=cell.split(",") if "," in cell else cell,
        hidden=hidden,
        layers=layers,
        embedding=embedding,
        sizes=_sizes(size or []),
        dropout=Dropout(between=dropout, output=dropout, weight=weight_dropout),
        tied=tied,
        memory=memory,
        tokens=tokens,
        vocabulary=vocabulary,
        batch=batch,
        window=window,
        minutes=minutes,
        epochs=epochs,
        steps=steps,
        validation=validation,
        holdout=holdout,
        seed=seed,
        threads=threads,
        encoding=encoding,
        resume=resume,
        force=force,
        **settings,
    )
    report_of(summary)
    if json:
        print_json(summary)
    else:
        show(summary)
    if summary["ended"] == "interrupted":
        raise Exit(128 + summary["signal"])


def run(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    prompt: Annotated[str, Argument(help="What to continue; - reads standard input.")] = "",
    option: Annotated[str | None, Option("--prompt", help="The same, for a prompt that starts with a dash.")] = None,
    length: Annotated[int, Option(help="Tokens to write.")] = 500,
    temperature: Annotated[float, Option(help="Below 1 plays safe, above 1 takes risks.")] = 1.0,
    top_k: Annotated[int | None, Option(help="Draw from the K likeliest tokens only.")] = None,
    top_p: Annotated[float | None, Option(help="Draw from the likeliest tokens that make up this share.")] = None,
    greedy: Annotated[bool, Option("--greedy", help="Always take the likeliest token.")] = False,
    seed: Annotated[int | None, Option(help="The same seed writes the same text.")] = None,
    stop: Annotated[str | None, Option(help="End where this text appears.")] = None,
    samples: Annotated[int, Option(help="How many continuations.")] = 1,
    weights: Annotated[str | None, Option(help="float32, bfloat16 or int8: smaller ones are faster.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Continue a prompt; the text is printed as it is produced."""
    from throughtime.tasks.load import load

    if prompt and option is not None:
        raise UserError("prompt: given twice, after DIR and as --prompt; leave one out")
    start = prompt if option is None else option
    if start == "-" and option is None:
        from throughtime.data.text import read_text

        start = read_text("-")
    pieces = load(directory, weights).write(
        start,
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        stop=stop,
        greedy=greedy,
        samples=samples,
    )
    began = time.perf_counter()
    if json:
        parts: dict[int, list[str]] = {}
        for piece in pieces:
            parts.setdefault(piece.sample, []).append(piece)
        written = ["".join(parts.get(sample, [])) for sample in range(samples)]
        seconds = time.perf_counter() - began
        speed = round(sum(map(len, written)) / max(seconds, 1e-9), 1)
        result = {"directory": str(directory), "prompt": start, "samples": written, "seed": seed}
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


def evaluate(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    file: Annotated[str, Argument(help="The text to predict; - reads standard input.")],
    part: Annotated[
        str | None, Option(help="Of the text the model learned from: test (if not given), validation, train or all.")
    ] = None,
    encoding: Annotated[str, Option(help="Of the file.")] = "utf-8",
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Score a model on a text: the part it never saw of its own text, or all of another one."""
    from throughtime.tasks.text import train as task

    result = task.evaluate(directory, file, part, encoding)
    if json:
        print_json(result)
        return
    print(scores(result))
    size, perplexity = f"{result['characters']:,} characters", f"{result['perplexity']:.3f}"
    print(f"{result['part']} part of {file}: {size}, perplexity {perplexity}")


def report(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Write DIR/report.html: curves beside the baselines, samples, gradients, speed, environment; print its path."""
    shared.print_path(write_report(directory), json)


def write_report(directory: Path) -> Path:
    """Write DIR/report.html; its path."""
    from throughtime.tasks.text.report import write_report

    return write_report(directory)


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn the Python language reference that every installation carries, write from it, and score the rest of it."""
    minutes, out = 1.9 if minutes is None else minutes, out or Path("runs/demo")
    from throughtime.tasks.load import load
    from throughtime.tasks.text import demo as task
    from throughtime.tasks.text.train import LanguageModel
    from throughtime.training.settings import Settings

    LanguageModel(seed=seed, threads=threads)  # these two refuse wrong numbers before anything is said or written
    Settings(budget=minutes, unit="minutes")
    reference = task.text()
    say(
        f"the language reference in pydoc_data.topics: {len(reference):,} characters, the last tenth kept for the score"
    )
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads)
    peer = task.plain_torch(reference)
    if "evaluation" in summary and peer:
        summary["evaluation"]["baselines"]["plain torch LSTM"] = peer
    report_of(summary)
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
        print(scores(summary["evaluation"]))
        if peer:
            print(f"plain torch LSTM: {peer['minutes']:g} minutes, recorded on {peer['machine']}: {peer['command']}")
    print(f"model   {summary['directory']}")
    if "report" in summary:
        print(f"report  {Path(summary['report']).resolve()}")
    print(f"more    throughtime run {out} 'PROMPT'")


def show(summary: dict[str, Any]) -> None:
    """Print the scores and where everything is."""
    if "evaluation" in summary:
        print(scores(summary["evaluation"]))
    print(f"model   {summary['directory']}")
    if "report" in summary:
        print(f"report  {summary['report']}")


def report_of(summary: dict[str, Any]) -> None:
    """Write the report of a trained model and add its path to the summary."""
    shared.add_report(summary, write_report)


def _sizes(given: list[str]) -> dict[str, int]:
    sizes = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not equals or not name.strip() or not value.strip().isdecimal():
            raise ValueError(f"--size {entry}: expected a name and a number such as M=32")
        sizes[name.strip()] = int(value)
    return sizes
