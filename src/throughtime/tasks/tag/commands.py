"""What the verbs do for a tagger."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import shell

DATA = "One token a line (CoNLL, CoNLL-U, CSV), JSON with tokens or spans, Parquet; several files, or a folder."
SEVERAL = True
TRAIN = "Learn to tag tokens and to tell intents, score texts it never saw beside the baselines, write a report."


def run(
    directory: shell.Directory,
    text: Annotated[str, Argument(help="The text; - reads texts from standard input, one a line.")],
    sure: Annotated[
        bool, Option("--sure", help="Say 'out of scope' where the model is not sure of the intent.")
    ] = False,
    tokens: Annotated[
        bool, Option("--tokens", help="Each text is cut already: a JSON list of tokens, or tokens between spaces.")
    ] = False,
    encoding: Annotated[str, Option(help="Of standard input.")] = "utf-8",
    json: Annotated[bool, Option("--json", help="Print a JSON object, for each text one a line.")] = False,
) -> None:
    """Say what a text wants and which of its parts are what: intent, spans, tags."""
    from throughtime.tasks.load import load
    from throughtime.tasks.reading.lines import answered, standard_input

    model = load(directory)
    rows = standard_input(encoding) if text == "-" else iter([text])
    texts = (_tokens(row, number) for number, row in enumerate(rows, 1)) if tokens else rows
    for tagging in answered(texts, lambda some: model.tag(some, scope=sure)):
        if json:
            print_json(tagging.to_json())
            continue
        if model.plain:
            print(" ".join(f"{token}/{tag}" for token, tag in zip(tagging.tokens, tagging.tags, strict=True)))
            continue
        if tagging.intent is not None:
            print(f"{tagging.intent}  {max(tagging.intents.values()):.1%}")
        parts = [(span["kind"], span["text"]) for span in tagging.spans]
        width = max([len(kind) for kind, _ in parts], default=0)
        for kind, part in parts:
            print(f"  {kind:<{width}}  {part}")
        if not parts and tagging.intent is None:
            print("nothing marked")


def _tokens(line: str, row: int) -> list[str]:
    """The tokens of a text that is cut already."""
    import json

    if not line.lstrip().startswith(("[", "{")):
        return line.split()
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return line.split()
    if isinstance(found, dict):
        found = found.get("tokens", found.get("words"))
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UserError(f"run: row {row}: expected a list of tokens, each a text, got {line.strip()[:40]!r}")
    return found


def evaluate(
    directory: shell.Directory,
    data: Annotated[
        list[str], Argument(help="Tagged texts; of those of training only the ones kept apart are scored.")
    ],
    encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
    seconds: Annotated[
        float | None, Option(help="How long the linear-chain CRF beside it may take, 60 if not given; 0 leaves it out.")
    ] = None,
    json: shell.Json = False,
) -> None:
    """Score a model on tagged texts beside the baselines; sentences say whether it is better."""
    from throughtime.tasks.tag.score import evaluate_folder

    result = evaluate_folder(
        directory, shell.one_or_several(data), encoding, seconds, (lambda line: None) if json else say
    )
    if json:
        print_json(result)
        return
    for note in result["notes"]:
        say(f"data: {note}")
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
    shown = {"slot_f1": "slot F1 %", "intent_accuracy": "intents %", "token_accuracy": "tokens %"}
    entries = [*evaluation["baselines"].items(), ("this model", evaluation)]
    keys = [key for key in shown if any(key in entry for _, entry in entries)]
    rows = [["", *(shown[key] for key in keys)]]
    for name, entry in entries:
        rows.append([name, *(f"{100 * entry[key]:.2f}" if key in entry else "-" for key in keys)])
    print(table(rows))
    print(f"{evaluation['texts']:,} texts; all of a text right in {evaluation['sentence_accuracy']:.1%}")
    from_text = evaluation.get("from_text") or {}
    cut = from_text if from_text.get("given_back", 1.0) < 1 else None
    for entry in ((evaluation.get("recurrence") or {}).get("adds"), evaluation.get("shuffled"), cut):
        if entry:
            print(entry["sentence"])
    sys.stdout.flush()
