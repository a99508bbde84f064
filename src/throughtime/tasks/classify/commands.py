"""What the verbs do for a classifier."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import shell

DATA = "CSV, TSV, JSONL, Parquet, or lines of label and text; - is CSV from stdin."
TRAIN = "Learn to tell texts apart, score texts it never saw beside the baselines, write a report."

Encoding = Annotated[str, Option(help="Of the file.")]


def run(
    directory: shell.Directory,
    text: Annotated[str | None, Argument(help="The text; - reads texts from standard input, one a line.")] = None,
    file: Annotated[Path | None, Option(help="A table or lines of texts to label, instead of one text.")] = None,
    column: Annotated[str | None, Option(help="The column of the texts in --file.")] = None,
    out: Annotated[
        Path | None, Option(help="Where the labels of --file go, as CSV; standard output otherwise.")
    ] = None,
    sure: Annotated[bool, Option("--sure", help="Say 'out of scope' where the model is not sure enough.")] = False,
    follow: Annotated[
        bool, Option("--follow", help="Show the probabilities word by word (models --no-bidirectional).")
    ] = False,
    encoding: Encoding = "utf-8",
    json: shell.Json = False,
) -> None:
    """Say what a text is about: label and probabilities; of a file, a line for each text."""
    from throughtime.tasks.load import load

    if (text is None) == (file is None):
        raise UserError("run: give one text, - for standard input, or --file; not both, not none")
    many = file is not None or text == "-"
    if many and json:
        raise UserError("run: many texts give CSV, a line each; leave --json out")
    if follow and (many or json or sure):
        raise UserError("run: --follow shows one text, word by word; leave --file, -, --json and --sure out")
    if (column is not None and file is None) or (out is not None and not many):
        raise UserError("run: --column is of --file, and --out for the labels of many texts; leave them out")
    model = load(directory)
    if many:
        texts = _standard_input(encoding) if file is None else _texts(file, column, encoding)
        _label_all(model, texts, sure, out)
        return
    assert text is not None
    if follow:
        _follow(model, text)
        return
    label, probabilities = next(model.label([text], sure))
    shares = dict(zip(model.classes, map(float, probabilities), strict=True))
    if json:
        certain = None if model.threshold is None else max(shares.values()) >= model.threshold
        values = {"directory": str(directory), "text": text, "label": label, "probabilities": shares}
        print_json({**values, "threshold": model.threshold, "sure": certain})
        return
    print(label)
    for name, share in sorted(shares.items(), key=lambda item: -item[1])[:10]:
        print(f"  {share:6.1%}  {name}")


def evaluate(
    directory: shell.Directory,
    data: Annotated[str, Argument(help="Labelled texts; of those of training only the ones kept apart are scored.")],
    text: Annotated[str | None, Option(help="The column of the texts; as in training if not given.")] = None,
    label: Annotated[str | None, Option(help="The column of the labels; as in training if not given.")] = None,
    encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
    json: shell.Json = False,
) -> None:
    """Score a model on labelled texts beside the baselines; sentences say whether it is better, and what it adds."""
    from throughtime.tasks.classify.score import evaluate_folder

    result = evaluate_folder(directory, data, text, label, encoding)
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
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r}")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation: a table, and what it comes to."""
    rows = [["", "accuracy %", "macro F1 %"]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        rows.append([name, *(f"{100 * entry[key]:.2f}" for key in ("accuracy", "macro_f1"))])
    print(table(rows))
    print(f"{evaluation['texts']:,} texts; calibration error {evaluation['calibration_error']:.1%}")
    unseen = evaluation.get("unseen") or {}
    if unseen.get("texts") and unseen["texts"] < evaluation["texts"]:
        print(
            f"of the {unseen['texts']:,} that are not among the texts learned from: accuracy {unseen['accuracy']:.2%}"
        )
    if "sure" in evaluation and evaluation["sure"]["accuracy"] is not None:
        entry = evaluation["sure"]
        print(f"sure of {entry['share']:.0%} of them, and then right in {entry['accuracy']:.1%}")
    for entry in (evaluation.get("verdict"), evaluation["recurrence"].get("adds"), evaluation.get("shuffled")):
        if entry:
            print(entry["sentence"])
    sys.stdout.flush()


def _lines(stream: Iterable[str], where: str, encoding: str) -> Iterator[str]:
    from throughtime.data.labelled import check_text

    row = 0
    try:
        for row, line in enumerate(stream, 1):
            text = line.rstrip("\r\n")
            check_text(text, f"{where}: row {row}")
            yield text.removeprefix("\ufeff") if row == 1 else text
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: expected {encoding} text, got byte 0x{error.object[error.start]:02x} somewhere behind row {row} "
            f"({error.reason}); give --encoding"
        ) from None


def _standard_input(encoding: str) -> Iterator[str]:
    if hasattr(sys.stdin, "reconfigure"):
        try:
            sys.stdin.reconfigure(encoding=encoding, errors="strict")
        except LookupError:
            raise UserError(f"standard input: unknown encoding {encoding!r}") from None
    return _lines(sys.stdin, "standard input", encoding)


def _texts(file: Path, column: str | None, encoding: str) -> Iterator[str]:
    """The texts of a file; of plain lines as they are read, of a table all at once."""
    if file.suffix.lower() in (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".pq"):
        from throughtime.data.labelled import read_texts

        yield from read_texts(file, column, None, encoding, labelled=False, keep_empty=True).texts
        return
    if column is not None:
        raise UserError(f"{file}: --column is of a table, CSV, TSV, JSON lines or Parquet; these are lines")
    if not file.is_file():
        raise UserError(f"{file}: expected a file of texts, {'got a folder' if file.is_dir() else 'no such file'}")
    try:
        with open(file, encoding=encoding, newline="\n") as lines:
            yield from _lines(lines, str(file), encoding)
    except LookupError:
        raise UserError(f"{file}: unknown encoding {encoding!r}") from None


def _label_all(model: Any, texts: Iterable[str], sure: bool, out: Path | None) -> None:
    """A line of CSV for each text, as they come: label, its probability."""
    import csv
    import os

    if out is None:
        _write(csv.writer(sys.stdout, lineterminator="\n"), model, texts, sure)
        sys.stdout.flush()
        return
    temporary = out.with_name(f".{out.name}.writing")
    try:
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            count = _write(csv.writer(file), model, texts, sure)
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    print(f"labels  {out} ({count:,})")


def _write(writer: Any, model: Any, texts: Iterable[str], sure: bool) -> int:
    from itertools import chain, islice

    answers = model.label(texts, sure)
    first = list(islice(answers, 1))  # where the texts cannot be read, nothing is printed
    writer.writerow(["label", "probability"])
    count = 0
    for label, probabilities in chain(first, answers):
        writer.writerow([label, f"{probabilities.max():.4f}"])
        count += 1
    return count


def _follow(model: Any, text: str) -> None:
    stream = model.stream()
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
