"""What the verbs do for models that make one text of another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.data.terms import Glossary
from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import part, shell
from throughtime.tasks.sequence.stream import Answered, Wishes

Beam = Annotated[
    int | None, Option(help="Answers that the search goes on with at once; that of training if not given.")
]
Nbest = Annotated[int, Option(help="How many different answers, best first.")]
Prefix = Annotated[str, Option(help="What the answer begins with.")]
Terms = Annotated[Path | None, Option(help="A file of lines: words, a tab, how they are said.")]
AtLeast = Annotated[float | None, Option(help="Leave out answers that are less sure than this, from 0 to 1.")]
Attention = Annotated[bool, Option("--show-attention", help="Show which words rest on which.")]
Encoding = Annotated[str, Option(help="Of standard input.")]
JsonLines = Annotated[bool, Option("--json", help="Print a JSON object, for each text one a line.")]


def run(
    directory: shell.Directory,
    text: Annotated[str, Argument(help="The text; - (or nothing) reads texts from standard input, one a line.")] = "-",
    beam: Beam = None,
    nbest: Nbest = 1,
    show_attention: Attention = False,
    prefix: Prefix = "",
    terms: Terms = None,
    at_least: AtLeast = None,
    encoding: Encoding = "utf-8",
    json: JsonLines = False,
) -> None:
    """Say what the model makes of a text; lines in, lines out, in order."""
    from throughtime.tasks.load import load
    from throughtime.tasks.reading.lines import answered, standard_input

    glossary = Glossary.read(terms) if terms is not None else Glossary()
    wishes = Wishes(beam, nbest, prefix, glossary, at_least, show_attention)
    model = load(directory)
    lines = standard_input(encoding) if text == "-" else iter([text])
    number = unsure = 0
    used: set[str] = set()
    for number, one in enumerate(answered(lines, lambda some: model.answer(some, wishes)), 1):
        unsure += bool(one.why)
        used |= {*glossary.inside(one.source)} if glossary.terms else set()
        if json:
            print_json(one.to_json())
        else:
            _print(one, wishes, number)
        sys.stdout.flush()
    if unsure:
        say(f"throughtime: {unsure:,} of {number:,} left out: the model is less sure than {at_least:g}")
    if missing := [words for words in glossary.terms if words not in used]:
        more = f" and {len(missing) - 3:,} more" if len(missing) > 3 else ""
        say(f"throughtime: {terms}: {', '.join(map(repr, missing[:3]))}{more} stand in no text")


def _print(one: Answered, wishes: Wishes, number: int) -> None:
    """An answer for people: one line, or as many as are asked for."""
    if one.left_out:
        say(f"throughtime: text {number}: its last {one.left_out:,} pieces were not read, it is too long")
    if one.parts > 1:
        say(f"throughtime: text {number}: it is long, and was read in {one.parts:,} parts")
    if wishes.nbest == 1 and not wishes.attention:
        print(one.text)
        return
    for output in one.outputs:
        sure = "" if output.sure is None else f"  {output.sure:.0%}"
        print(f"{output.score:8.3f}{sure}  {output.text}" if wishes.nbest > 1 else output.text)
        for link in output.links:
            said, read = output.text[slice(*link.target)], one.source.strip()[slice(*link.source)]
            print(f"    {said}  <-  {read}  {link.share:.0%}")


def show(evaluation: Mapping[str, Json], measures: Mapping[str, str]) -> None:
    """Print an evaluation: a table, and what it comes to. measures: name -> heading."""
    if evaluation.get("verdict"):
        print(evaluation["verdict"]["sentence"])
    entries: list[tuple[str, Any]] = [*evaluation["baselines"].items(), ("this model", evaluation)]
    keys = [key for key in measures if any(key in entry for _, entry in entries)]
    rows = [["", *(measures[key] for key in keys)]]
    for name, entry in entries:
        rows.append([name, *(f"{entry[key]:.2f}" if key in entry else "-" for key in keys)])
    print(table(rows))
    print(f"{evaluation['texts']:,} texts; {evaluation['distinct']:.1%} of the answers are different ones")
    for told in evaluation.get("sentences", []):
        print(told)
    if evaluation.get("exchanged"):
        print(evaluation["exchanged"]["sentence"])
    if evaluation.get("signature"):
        print(evaluation["signature"])
    sys.stdout.flush()


def evaluating(task: str, show: Callable[[Mapping[str, Json]], None]) -> Callable[..., None]:
    """The command that scores a task's model. show: prints an evaluation."""

    def evaluate(
        directory: shell.Directory,
        data: Annotated[str, Argument(help="Pairs of texts; of those of training the ones kept apart are scored.")],
        encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
        json: shell.Json = False,
    ) -> None:
        """Score a model on pairs of texts beside the baselines; sentences say whether it is better."""
        result = part(task, "score").evaluate_folder(directory, data, encoding)
        if json:
            print_json(result)
        else:
            show(result)

    return evaluate
