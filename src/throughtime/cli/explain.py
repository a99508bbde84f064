"""throughtime explain DIR INPUT: what the model looked at, and what its gates did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.cli.diagnose import insight
from throughtime.errors import UserError, needed
from throughtime.report.console import coloured, new_app, print_json, say
from throughtime.tasks.load import task_of

app = new_app("Explain a model's answer.")

PAGE = "explanation.html"


@app.command()
def explain(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    data: Annotated[str, Argument(metavar="INPUT", help="A text, or - for standard input; a table for a forecaster.")],
    method: Annotated[
        str, Option(help="occlusion, integrated_gradients or both; the deletion check says which to trust.")
    ] = "both",
    target: Annotated[
        str | None, Option(help="What is asked about: the next token, or the class; the likeliest if not given.")
    ] = None,
    corpus: Annotated[
        str | None, Option(help="Text: a file in which units that follow quotes or brackets are looked for.")
    ] = None,
    series: Annotated[str | None, Option(help="Forecast: which series; the first if not given.")] = None,
    step: Annotated[int | None, Option(help="Forecast: the step ahead that is asked about; all if not given.")] = None,
    layer: Annotated[int | None, Option(help="Whose gates are drawn, from 0 up; the last if not given.")] = None,
    gate: Annotated[str | None, Option(help="The gate or state that is drawn; the first gate if not given.")] = None,
    unit: Annotated[int | None, Option(help="Show this unit of the gate over the input.")] = None,
    out: Annotated[Path | None, Option(help="Where the page goes; DIR/explanation.html if not given.")] = None,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Show what an answer rests on, part by part, with a check of each method, and what gates and units did."""
    from throughtime.training.run import need_torch

    for name, value, least in (("threads", threads, 1), ("layer", layer, 0), ("unit", unit, 0), ("step", step, 1)):
        if value is not None and not least <= value <= _MOST:
            raise UserError(f"explain: --{name} must be from {least} to {_MOST:,}, got {value}")
    task = task_of(directory)
    need_torch()
    import torch

    from throughtime.insight.attribution import METHODS

    if method not in (*METHODS, "both"):
        raise UserError(f"explain: --method must be {', '.join(METHODS)} or both, got {method!r}")
    if threads is not None:
        torch.set_num_threads(threads)
    module = insight("explain", task, "explained")
    options: dict[str, Any] = {"target": target, "corpus": corpus, "series": series, "step": step}
    options["methods"] = METHODS if method == "both" else (method,)
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
    page = _page(found, directory, out, layer, gate, unit)
    if json:
        values = found.to_json()
        if shown is not None:
            values["unit"] = {"gate": gate, "unit": unit, "values": shown.tolist()}
        print_json({**values, "page": page})
        return
    if found.kind == "text":
        print(coloured(found.parts, found.weights()))
        print()
    print(found)
    if shown is not None:
        print(f"\nunit {unit} of {gate}:")
        if found.kind == "text":
            print(coloured(found.parts, shown / max(1e-9, float(abs(shown).max()))))
        else:
            print(" ".join(f"{value:.2f}" for value in shown))
    if page:
        print(f"\npage  {page}")


_MOST = 100_000


def _page(
    found: Any, directory: Path, out: Path | None, layer: int | None, gate: str | None, unit: int | None
) -> str | None:
    try:
        from throughtime.report.explanation import write_page

        return str(write_page(out or directory / PAGE, directory.resolve().name, found, layer, gate, unit))
    except ImportError as error:
        say(f"throughtime: no page, {error.name} is missing: {needed('train')}")
        return None
