"""What the verbs do for a tagger: train tag, run, evaluate, report, demo."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Exit, Option

from throughtime.report.console import print_json, table
from throughtime.tasks import options as shared


def train(
    context: Context,
    data: Annotated[str, Argument(help="One token a line (CoNLL), a folder of seq.in, seq.out, label, or JSONL.")],
    out: shared.Out,
    test: Annotated[str | None, Option(help="What to score; without it a share of the texts is kept.")] = None,
    validation: Annotated[str, Option(help="Share of the texts to choose by, or a file or folder of them.")] = "0.1",
    holdout: Annotated[float, Option(help="Share of the texts kept for the score where there is no --test.")] = 0.1,
    encoding: shared.Encoding = "utf-8",
    cell: shared.Cell = "lstm",
    hidden: shared.Hidden = 150,
    layers: shared.Layers = 1,
    embedding: Annotated[int, Option(help="Values a token becomes.")] = 100,
    columns: Annotated[
        str | None, Option(help="What is seen of a token: word, token, shape, pair_before, pair_after, place ...")
    ] = None,
    members: shared.Members = 1,
    forward: shared.Forward = False,
    crf: Annotated[bool, Option(help="Tags depend on their neighbours.")] = True,
    stacked: Annotated[bool, Option("--stacked", help="Tags see the intent.")] = False,
    wide: Annotated[bool, Option(help="Let linear models over n-grams have a say in the intent.")] = True,
    swap: Annotated[float, Option(help="How often a span becomes another of its kind in training.")] = 0.0,
    sure: Annotated[float, Option(help="How often intents that are sure should be right.")] = 0.98,
    dropout: Annotated[float, Option(help="Share dropped of the embeddings and before the output.")] = 0.4,
    rare_dropout: Annotated[float, Option(help="Share forgotten of tokens that stand once.")] = 0.5,
    memory: shared.Memory = None,
    batch: shared.Batch = 48,
    minutes: shared.Minutes = None,
    epochs: shared.Epochs = None,
    steps: shared.Steps = None,
    learning_rate: shared.LearningRate = None,
    average: shared.Average = None,
    clip: shared.Clip = None,
    patience: shared.Patience = None,
    seconds: Annotated[float, Option(help="How long the linear-chain CRF beside it may take; 0 leaves it out.")] = 60.0,
    seed: shared.Seed = 0,
    threads: shared.Threads = None,
    resume: shared.Resume = False,
    force: shared.Force = False,
    json: shared.Json = False,
) -> None:
    """Learn to tag tokens and to tell intents, score texts it never saw beside the baselines, write a report."""
    from throughtime.tasks.tag import train as task

    given = shared.given(
        minutes=minutes, epochs=epochs, steps=steps, learning_rate=learning_rate, average=average, clip=clip,
        patience=patience,
    )  # fmt: skip
    if resume:
        shared.refuse_fixed(context, ("data", "out", "test", "resume", "json", "seconds"))
        summary = task.train(data, out, test=test, seconds=seconds, resume=True, **given)
    else:
        summary = task.train(
            data,
            out,
            encoding=encoding,
            test=test,
            validation=shared.share_or_file(validation),
            holdout=holdout,
            cell=shared.cells(cell),
            hidden=hidden,
            layers=layers,
            embedding=embedding,
            columns=None if columns is None else shared.names(columns),
            members=members,
            both=not forward,
            crf=crf,
            stacked=stacked,
            wide=wide,
            swap=swap,
            sure=sure,
            dropout={"input": dropout, "between": dropout, "output": dropout, "variational": True},
            rare_dropout=rare_dropout,
            memory=memory,
            batch=batch,
            seconds=seconds,
            seed=seed,
            threads=threads,
            force=force,
            **given,
        )
    show(summary, json)
    if summary["ended"] == "interrupted":
        raise Exit(128 + summary["signal"])


def run(
    directory: shared.Directory,
    text: Annotated[str, Argument(help="The text; - reads texts from standard input, one a line.")],
    sure: Annotated[
        bool, Option("--sure", help="Say 'out of scope' where the model is not sure of the intent.")
    ] = False,
    json: Annotated[bool, Option("--json", help="Print a JSON object, for each text one a line.")] = False,
) -> None:
    """Say what a text wants and which of its parts are what: intent, spans, tags."""
    from throughtime.tasks.load import load

    model = load(directory)
    texts = (line.rstrip("\r\n") for line in sys.stdin) if text == "-" else iter([text])
    for found in model.tag(texts, scope=sure):
        if json:
            print_json(found.to_json())
            continue
        if found.intent is not None:
            print(f"{found.intent}  {max(found.intents.values()):.1%}")
        rows = [[span["kind"], span["text"]] for span in found.spans]
        width = max([len(kind) for kind, _ in rows], default=0)
        for kind, part in rows:
            print(f"  {kind:<{width}}  {part}")
        if not rows and found.intent is None:
            print("nothing marked")


def evaluate(
    directory: shared.Directory,
    data: Annotated[str, Argument(help="Tagged texts; of those of training only the ones kept apart are scored.")],
    encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
    seconds: Annotated[float, Option(help="How long the linear-chain CRF beside it may take; 0 leaves it out.")] = 60.0,
    json: shared.Json = False,
) -> None:
    """Score a model on tagged texts beside the baselines; sentences say whether it is better."""
    from throughtime.tasks.tag import train as task

    result = task.evaluate(directory, data, encoding, seconds, quiet=json)
    if json:
        print_json(result)
    else:
        _show(result)


def report(directory: shared.Directory, json: shared.Json = False) -> None:
    """Write DIR/report.html: verdict, scores by kind, mistakes to read, learning; print its path."""
    shared.print_path(write_report(directory), json)


def write_report(directory: Path) -> Path:
    """Write DIR/report.html; its path."""
    from throughtime.tasks.tag.report import write_report

    return write_report(directory)


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn what a home assistant is told, from a package that carries such sentences, and understand a few."""
    from throughtime.tasks.tag import demo as task

    summary = task.run(out or Path("runs/demo-tag"), minutes, seed, threads, quiet=json)
    show(summary, json)
    if not json:
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r}")


def show(summary: dict[str, Any], json: bool) -> None:
    """Write the report of a training and print what came of it."""
    shared.show(summary, json, write_report, _show)


def _show(evaluation: Mapping[str, Any] | None) -> None:
    if not evaluation:
        return
    rows = [["", "slot F1 %", "intents %", "tokens %"]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        keys = ("slot_f1", "intent_accuracy", "token_accuracy")
        rows.append([name, *(f"{100 * entry[key]:.2f}" if key in entry else "-" for key in keys)])
    print(table(rows))
    print(f"{evaluation['texts']:,} texts; all of a text right in {evaluation['sentence_accuracy']:.1%}")
    for entry in (evaluation.get("verdict"), evaluation.get("intent_verdict"), evaluation.get("shuffled")):
        if entry:
            print(entry["sentence"])
    sys.stdout.flush()
