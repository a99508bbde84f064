"""throughtime import OLD --out DIR: a model of another framework, converted and proven."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app, print_json

app = new_app("Bring a model of another framework here, with the proof that it is the same.")


@app.command(name="import")
def import_(
    old: Annotated[
        Path, Argument(metavar="OLD", help=".h5, .hdf5, .keras, .pt, .pth, .safetensors, or a SavedModel's folder.")
    ],
    out: Annotated[Path, Option(metavar="DIR", help="The folder to write.")],
    config: Annotated[Path | None, Option(help="The model as JSON, where OLD holds weights only.")] = None,
    layers: Annotated[
        str | None,
        Option(help="A state_dict's modules as they run: 'embed=embedding, rnn=lstm, last, fc=linear, softmax'."),
    ] = None,
    inputs: Annotated[
        Path | None, Option(help=".npz: inputs x0, ... and the outputs y0, ... the old model gave.")
    ] = None,
    force: Annotated[bool, Option("--force", help="Replace a model that is in DIR.")] = False,
    json: Annotated[bool, Option("--json", help="Print the proof as one JSON object.")] = False,
) -> None:
    """Convert a model; nothing is written unless it agrees with the old one, layer by layer."""
    from throughtime.interop.convert import convert, proven, read_stored
    from throughtime.interop.folder import save
    from throughtime.interop.report import write_report
    from throughtime.storage.folder import CONFIG, check_no_link

    check_no_link(out)
    if (out / CONFIG).exists() and not force:
        raise UserError(f"{out}: there is a model already; choose another folder, or replace it with --force")
    stored = read_stored(inputs) if inputs is not None else []
    conversion = convert(old, config, layers)
    proof = proven(conversion, old, stored)
    save(conversion.model, out)
    write_report(out, proof, str(old))
    if json:
        print_json({"out": str(out), **proof.to_json()})
    else:
        print(f"{proof}\n\nmodel   {out}\nreport  {out / 'report.html'}")
