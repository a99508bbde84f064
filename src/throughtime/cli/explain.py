"""throughtime explain DIR INPUT: what the model looked at, and what its gates did."""

from __future__ import annotations

import sys
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from throughtime.cli.diagnose import insight
from throughtime.errors import UserError, needed
from throughtime.options import Options, option
from throughtime.report.console import new_app, print_coloured, print_json, say
from throughtime.tasks.load import task_of
from throughtime.tasks.shell import Directory, with_options

app = new_app("Explain a model's answer.")

PAGE = "explanation.html"


_MOST = 100_000

_BOTH = "both"


@dataclass(frozen=True)
class ExplainOptions(Options):
    """What is asked of an explanation, and what is shown of it. gate: its name; unit: of that gate."""

    who = "explain"

    method: str = option(
        _BOTH,
        choices=("occlusion", "integrated_gradients", _BOTH),
        help="occlusion, integrated_gradients or both; the deletion check says which to trust.",
    )
    target: str | None = option(
        None,
        help="What is asked about: the next token, a class or intent, the token whose tag; the likeliest if not given.",
    )
    corpus: str | None = option(None, help="Text: a file in which units that follow quotes or brackets are looked for.")
    series: str | None = option(None, help="Forecast: which series; the first if not given.")
    step: int | None = option(
        None, at_least=1, at_most=_MOST, help="Forecast: the step ahead that is asked about; all if not given."
    )
    layer: int | None = option(
        None, at_least=0, at_most=_MOST, help="Whose gates are drawn, from 0 up; the last if not given."
    )
    gate: str | None = option(None, help="The gate or state that is drawn; the first gate if not given.")
    unit: int | None = option(None, at_least=0, at_most=_MOST, help="Show this unit of the gate over the input.")
    out: str | None = option(None, help="Where the page goes; DIR/explanation.html if not given.")
    threads: int | None = option(None, at_least=1, at_most=_MOST, help="Threads to use; all cores where not given.")


def _explain(chosen: ExplainOptions, directory: Path, data: str, json: bool) -> None:
    from throughtime.training.run import need_torch

    task = task_of(directory)
    need_torch()
    import torch

    from throughtime.insight.attribution import METHODS

    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    module = insight("explain", task, "explained")
    options: dict[str, Any] = {name: getattr(chosen, name) for name in ("target", "corpus", "series", "step")}
    options["methods"] = METHODS if chosen.method == _BOTH else (chosen.method,)
    layer, gate, unit = chosen.layer, chosen.gate, chosen.unit
    found = module.explained(directory, data, options)
    shown = None
    if found.seen:
        own = found.layer(layer)
        gate = gate or next(iter(own.gates), next(iter(own.states)))
        own.pick(gate)
        if unit is not None:
            shown = found.unit(layer, gate, unit)
    elif gate is not None or unit is not None or layer is not None:
        found.layer(layer)
    where, asked = directory / PAGE if chosen.out is None else Path(chosen.out), chosen.out is not None
    name = directory.resolve().name
    if json:
        page = _page(found, where, asked, name, (layer, gate, unit))
        values = found.to_json()
        if shown is not None:
            values["unit"] = {"gate": gate, "unit": unit, "values": shown.tolist()}
        print_json({**values, "page": page})
        return
    if found.kind == "text":
        print_coloured(found.parts, found.weights())
        print()
    print(found)
    if shown is not None:
        print(f"\nunit {unit} of {gate}:")
        if found.kind == "text":
            print_coloured(found.parts, shown / max(1e-9, float(abs(shown).max())))
        else:
            print(" ".join(f"{value:.2f}" for value in shown))
    sys.stdout.flush()  # what was found is there, whatever becomes of the page
    if page := _page(found, where, asked, name, (layer, gate, unit)):
        print(f"\npage  {page}")


def _page(found: Any, out: Path, asked: bool, name: str, part: tuple[Any, Any, Any]) -> str | None:
    """Where the page was written; None, which is said, where it was not asked for and cannot be."""
    try:
        from throughtime.report.explanation import write_page

        return str(write_page(out, name, found, *part))
    except ImportError as error:
        say(f"throughtime: no page, {error.name} is missing: {needed('train')}")
    except UserError as error:
        if asked:
            raise
        say(f"throughtime: no page: {error}; --out names another place")
    return None


_INPUT = Annotated[str, Argument(metavar="INPUT", help="A text, or - for standard input; a table for a forecaster.")]

app.command()(
    with_options(
        ExplainOptions,
        {"directory": (Directory, MISSING), "data": (_INPUT, MISSING)},
        _explain,
        "Show what an answer rests on, part by part, with a check of each method, and what gates and units did.",
    )
)
