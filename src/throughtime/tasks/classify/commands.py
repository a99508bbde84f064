"""What the verbs do for a classifier."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.data.labelled import FORMATS
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import shell
from throughtime.tasks.classify.labelling import Shown, Source, label_all, likeliest, shares_of

DATA = "CSV, TSV, JSON, Parquet, lines of label and text, several files, or a folder of them; - is standard input."
SEVERAL = True
TRAIN = "Learn to tell texts apart, score texts it never saw beside the baselines, write a report."

Encoding = Annotated[str, Option(help="Of the file.")]


def run(
    directory: shell.Directory,
    text: Annotated[str | None, Argument(help="The text; - reads texts from standard input, one a line.")] = None,
    file: Annotated[Path | None, Option(help="A table or lines of texts to label, instead of one text.")] = None,
    column: Annotated[
        str | None, Option(help="The column of the texts in --file; the one that training read if not given.")
    ] = None,
    out: Annotated[
        Path | None, Option(help="Where the labels of --file go, as CSV; standard output otherwise.")
    ] = None,
    top: Annotated[
        int | None, Option(min=1, help="How many classes to show of each text, the likeliest first.")
    ] = None,
    probabilities: Annotated[
        bool, Option("--probabilities", help="Of many texts: a column of CSV for the probability of every class.")
    ] = False,
    format: Annotated[str, Option(help="Of many texts: auto, table, lines or json.")] = "auto",
    sure: Annotated[bool, Option("--sure", help="Say 'out of scope' where the model is not sure enough.")] = False,
    follow: Annotated[
        bool, Option("--follow", help="Show the probabilities word by word (models --no-bidirectional).")
    ] = False,
    encoding: Encoding = "utf-8",
    raw: shell.Raw = False,
    json: Annotated[bool, Option("--json", help="Print a JSON object, of many texts one a line.")] = False,
) -> None:
    """Say what a text is about: label and probabilities; of a file, a line for each text."""
    from throughtime.tasks.load import load

    if (text is None) == (file is None):
        raise UserError("run: give one text, - for standard input, or --file; not both, not none")
    many = file is not None or text == "-"
    if format not in FORMATS:
        raise UserError(f"run: --format {format}: choose from {', '.join(FORMATS)}")
    if follow and (many or json or sure or top):
        raise UserError("run: --follow shows one text, word by word; leave --file, -, --json and --sure out, and --top")
    if (column is not None and not many) or (out is not None and not many):
        raise UserError("run: --column is of --file, and --out for the labels of many texts; leave them out")
    if probabilities and (not many or top or json):
        raise UserError("run: --probabilities is CSV of many texts; --json has all of them anyway")
    model = load(directory)
    if many:
        source = Source(model, column, format, encoding)
        texts = source.standard_input() if file is None else source.file(file)
        label_all(model, texts, Shown(sure, top, probabilities, json, raw, live=file is None), out)
        return
    assert text is not None
    if follow:
        _follow(model, text)
        return
    label, shares = next(model.label([text], sure))
    if json:
        if model.several:
            several = dict(likeliest(model, shares, top)) if top else shares_of(model, shares)
            print_json({"directory": str(directory), "text": text, "labels": label, "probabilities": several})
            return
        certain = None if model.threshold is None else float(shares.max()) >= model.threshold
        values = {"directory": str(directory), "text": text, "label": label}
        values["probabilities"] = dict(likeliest(model, shares, top)) if top else shares_of(model, shares)
        print_json({**values, "threshold": model.threshold, "sure": certain})
        return
    print(", ".join(label) or "no label" if model.several else label)
    for name, share in likeliest(model, shares, top or 10):
        print(f"  {share:6.1%}  {name}")


def evaluate(
    directory: shell.Directory,
    data: Annotated[
        list[str], Argument(help="Labelled texts; of those of training only the ones kept apart are scored.")
    ],
    text: Annotated[str | None, Option(help="The column of the texts; as in training if not given.")] = None,
    label: Annotated[str | None, Option(help="The column of the labels; as in training if not given.")] = None,
    encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
    json: shell.Json = False,
) -> None:
    """Score a model on labelled texts beside the baselines; sentences say whether it is better, and what it adds."""
    from throughtime.tasks.classify.score import evaluate_folder

    result = evaluate_folder(directory, shell.one_or_several(data), text, label, encoding)
    if json:
        print_json(result)
        return
    for note in result["notes"]:
        say(f"data: {note}")
    show(result)


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn what a home assistant is asked for, in Chinese, from a package that carries such sentences."""
    from throughtime.tasks.classify import demo as task
    from throughtime.tasks.classify.report import write_report

    summary = task.run(out or Path("runs/demo-classify"), minutes, seed, threads, quiet=json)
    shell.show(summary, json, write_report, show)
    if not json:
        if "evaluation" in summary:
            found = summary["evaluation"]["phrasings"]
            beside = f" Template by template: {found['verdict']['sentence']}" if found["verdict"] else ""
            print(f"why     {found['sentence']}{beside}")
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r}")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation: a table, and what it comes to."""
    if evaluation.get("verdict"):
        print(evaluation["verdict"]["sentence"])
    measures = {"accuracy": "accuracy %", "macro_f1": "macro F1 %"}
    if "micro_f1" in evaluation:
        measures = {"micro_f1": "micro F1 %", "macro_f1": "macro F1 %", "subset_accuracy": "all labels right %"}
    rows = [["", *measures.values()]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        rows.append([name, *(f"{100 * entry[key]:.2f}" for key in measures)])
    print(table(rows))
    print(f"{evaluation['texts']:,} texts; calibration error {evaluation['calibration_error']:.1%}")
    unseen = evaluation.get("unseen") or {}
    if unseen.get("texts") and unseen["texts"] < evaluation["texts"]:
        print(
            f"of the {unseen['texts']:,} that are not among the texts learned from: "
            + (f"micro F1 {unseen['micro_f1']:.2%}" if "micro_f1" in unseen else f"accuracy {unseen['accuracy']:.2%}")
        )
    if "sure" in evaluation and evaluation["sure"]["accuracy"] is not None:
        entry = evaluation["sure"]
        print(f"sure of {entry['share']:.0%} of them, and then right in {entry['accuracy']:.1%}")
    for entry in (evaluation["recurrence"].get("adds"), evaluation.get("missed"), evaluation.get("shuffled")):
        if entry and entry["sentence"]:
            print(entry["sentence"])
    sys.stdout.flush()


def _follow(model: Any, text: str) -> None:
    stream, text = model.stream(), model.composed(text)
    pieces = model.readers.readers[0].splitter.pieces(text)
    ends = [start for _, start, _ in pieces[1:]] + [len(text)]
    at = 0
    for number, ((piece, _, _), end) in enumerate(zip(pieces, ends, strict=True), 1):
        probabilities = stream.feed(text[at:end])  # with the white space behind it
        at = end
        if number == len(pieces):
            probabilities = stream.close()
        best = int(probabilities.argmax())
        print(f"{probabilities[best]:6.1%}  {model.classes[best]:<20}  {piece}")
