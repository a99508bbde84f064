"""throughtime verify DIR FILE: the parity report of a model and the file it came from, or went into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app, print_json

app = new_app("Hold a model against the file it came from, or went into.")


@app.command()
def verify(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    file: Annotated[Path, Argument(metavar="FILE", help="The file it came from, or went into.")],
    config: Annotated[Path | None, Option(help="The model as JSON, where FILE holds weights only.")] = None,
    layers: Annotated[
        str | None,
        Option(help="A state_dict's modules as they run: 'embed=embedding, rnn=lstm, last, fc=linear, softmax'."),
    ] = None,
    inputs: Annotated[
        Path | None, Option(help=".npz: inputs x0, ... and the outputs y0, ... FILE's model gave.")
    ] = None,
    json: Annotated[bool, Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Largest error of each layer, and the first layer that deviates; exit status 2 where one does."""
    from throughtime.interop import folder
    from throughtime.interop.convert import convert, read_stored
    from throughtime.interop.report import write_report

    model = folder.load(directory)
    stored = read_stored(inputs) if inputs is not None else []
    if file.suffix.lower() == ".onnx" and config is None and layers is None:
        from throughtime.interop.onnx.importing.proof import verify as proof_of

        proof = proof_of(model, file, stored)
    else:
        proof = convert(file, config, layers).proof(model, stored, whole=True)
    write_report(directory, proof, str(file))
    if json:
        print_json(proof.to_json())
    else:
        print(proof)
    if not proof.good:
        raise UserError(f"{directory}: {proof.verdict}")
