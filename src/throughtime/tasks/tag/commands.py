"""What the verbs do for a tagger."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import shell

DATA = "One token a line (CoNLL), a folder of seq.in, seq.out, label, or JSONL."
TRAIN = "Learn to tag tokens and to tell intents, score texts it never saw beside the baselines, write a report."


def run(
    directory: shell.Directory,
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
    for tagging in model.tag(texts, scope=sure):
        if json:
            print_json(tagging.to_json())
            continue
        if tagging.intent is not None:
            print(f"{tagging.intent}  {max(tagging.intents.values()):.1%}")
        rows = [[span["kind"], span["text"]] for span in tagging.spans]
        width = max([len(kind) for kind, _ in rows], default=0)
        for kind, part in rows:
            print(f"  {kind:<{width}}  {part}")
        if not rows and tagging.intent is None:
            print("nothing marked")


def evaluate(
    directory: shell.Directory,
    data: Annotated[str, Argument(help="Tagged texts; of those of training only the ones kept apart are scored.")],
    encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
    seconds: Annotated[
        float | None, Option(help="How long the linear-chain CRF beside it may take, 60 if not given; 0 leaves it out.")
    ] = None,
    json: shell.Json = False,
) -> None:
    """Score a model on tagged texts beside the baselines; sentences say whether it is better."""
    from throughtime.tasks.tag.score import evaluate_folder

    result = evaluate_folder(directory, data, encoding, seconds, (lambda line: None) if json else say)
    if json:
        print_json(result)
    else:
        show(result)


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn what a home assistant is told, from a package that carries such sentences, and understand a few."""
    from throughtime.tasks.tag import demo as task
    from throughtime.tasks.tag.report import write_report

    summary = task.run(out or Path("runs/demo-tag"), minutes, seed, threads, quiet=json)
    shell.show(summary, json, write_report, show)
    if not json:
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r}")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation: a table, and what it comes to."""
    if evaluation.get("headline"):
        print(evaluation["headline"])
    rows = [["", "slot F1 %", "intents %", "tokens %"]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        keys = ("slot_f1", "intent_accuracy", "token_accuracy")
        rows.append([name, *(f"{100 * entry[key]:.2f}" if key in entry else "-" for key in keys)])
    print(table(rows))
    print(f"{evaluation['texts']:,} texts; all of a text right in {evaluation['sentence_accuracy']:.1%}")
    for entry in ((evaluation.get("recurrence") or {}).get("adds"), evaluation.get("shuffled")):
        if entry:
            print(entry["sentence"])
    sys.stdout.flush()
