"""throughtime run DIR [PROMPT]: write with a trained model."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.cli.output import new_app, print_json
from throughtime.errors import UserError

app = new_app("Use a trained model.")


@app.command()
def run(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    prompt: Annotated[str, Argument(help="What to continue; - reads standard input.")] = "",
    option: Annotated[str | None, Option("--prompt", help="The same, for a prompt that starts with a dash.")] = None,
    length: Annotated[int, Option(help="Tokens to write.")] = 500,
    temperature: Annotated[float, Option(help="Below 1 plays safe, above 1 takes risks.")] = 1.0,
    top_k: Annotated[int | None, Option(help="Draw from the K likeliest tokens only.")] = None,
    top_p: Annotated[float | None, Option(help="Draw from the likeliest tokens that make up this share.")] = None,
    greedy: Annotated[bool, Option("--greedy", help="Always take the likeliest token.")] = False,
    seed: Annotated[int | None, Option(help="The same seed writes the same text.")] = None,
    stop: Annotated[str | None, Option(help="End where this text appears.")] = None,
    samples: Annotated[int, Option(help="How many continuations.")] = 1,
    weights: Annotated[str | None, Option(help="float32, bfloat16 or int8: smaller ones are faster.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Continue a prompt; the text is printed as it is produced."""
    from throughtime.runtime.load import load

    if prompt and option is not None:
        raise UserError("prompt: given twice, after DIR and as --prompt; leave one out")
    start = prompt if option is None else option
    if start == "-" and option is None:
        from throughtime.data.text import read_text

        start = read_text("-")
    pieces = load(directory, weights).write(
        start,
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        stop=stop,
        greedy=greedy,
        samples=samples,
    )
    began = time.perf_counter()
    if json:
        parts: dict[int, list[str]] = {}
        for piece in pieces:
            parts.setdefault(piece.sample, []).append(piece)
        written = ["".join(parts.get(sample, [])) for sample in range(samples)]
        seconds = time.perf_counter() - began
        speed = round(sum(map(len, written)) / max(seconds, 1e-9), 1)
        result = {"directory": str(directory), "prompt": start, "samples": written, "seed": seed}
        print_json({**result, "seconds": round(seconds, 4), "characters_per_second": speed})
        return
    flush, write, current = sys.stdout.isatty(), sys.stdout.write, -1
    for piece in pieces:
        if piece.sample != current:
            if current >= 0:
                write("\n")
            current = piece.sample
            write(f"--- sample {current + 1} of {samples}\n" if samples > 1 else "")
            write(start)
        write(piece)
        if flush:
            sys.stdout.flush()
    write("\n" if current >= 0 else f"{start}\n")
    sys.stdout.flush()
