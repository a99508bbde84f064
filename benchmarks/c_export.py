"""Models as C99: error, warnings and size of LSTM and GRU; what eight bits cost a text; the same on a Cortex-M4.

python -m benchmarks.c_export [SECONDS]      trains a language model of 64 and of 256 units so long each (default 60)

The texts are Python's own language reference and, where THROUGHTIME_DATA has it, tinyshakespeare. Their ends are not
learned; they are scored by the compiled C itself.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import throughtime
from benchmarks import c_export_arm, corpora, timing
from throughtime.cells import CATALOGUE, make
from throughtime.interop.c import check
from throughtime.interop.c.build import Built, build
from throughtime.interop.c.files import code, header
from throughtime.interop.model import ImportedModel
from throughtime.interop.trained import graph_of, stack_model
from throughtime.models.stack import Stack
from throughtime.tasks.text import demo
from throughtime.tasks.train import train

UNITS, INPUTS, SCORED = 64, 16, 20_000


def cell(name: str) -> ImportedModel:
    """One layer with the parameters that the cell declares."""
    stack = Stack.of([make(name).trace()], INPUTS, INPUTS if "H" not in make(name).trace().symbols else UNITS,
                     sizes={"P": 32} if "P" in make(name).trace().symbols else None)  # fmt: skip
    return stack_model(stack, stack.draw(np.random.default_rng(1)))


def code_bytes(built: Built, compiler: list[str]) -> int:
    """Of the object file with -Os, beside the weights."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "model.h").write_text(header(built, "model", []), encoding="utf-8")
        (folder / "model.c").write_text(code(built, "model", "model.h"), encoding="utf-8")
        subprocess.run([*compiler, "-std=c99", "-Os", "-c", "model.c"], cwd=folder, check=True)
        told = subprocess.run(["size", "model.o"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return int(told.splitlines()[1].split()[0]) - built.source.weight_bytes


def cells(compiler: list[str]) -> list[dict[str, Any]]:
    """Every cell of the catalogue with one input: its error here, its code, and both on a Cortex-M4."""
    rows = []
    for name in (one for one in CATALOGUE if not CATALOGUE[one].inputs):
        model = cell(name)
        for int8 in (False, True):
            built = build(model, name, int8)
            streams = check.trials(built, model)
            mine, warnings = check.run(compiler, built, "model", "model.h", streams)
            reference = check.quantized(model) if int8 else model
            error, steps = check.compare(reference, built, streams, mine, name)
            row: dict[str, Any] = {"cell": name, "int8": int8, "error": error, "steps": steps, "warnings": warnings}
            row |= {"code": code_bytes(built, compiler) if shutil.which("size") else None}
            row |= {"weights": built.source.weight_bytes}
            if c_export_arm.there():
                answers, size, more = c_export_arm.run(built, streams[0])
                error, steps = check.compare(reference, built, streams[:1], [answers], name)
                row |= {"m4 error": error, "m4 steps": steps, "m4 code": size, "m4 warnings": more}
                row |= {"m4 same bits": answers.tobytes() == mine[0].tobytes()}
            rows.append(row)
    return rows


def bits(built: Built, compiler: list[str], tokens: np.ndarray) -> float:
    """Bits per character of a text by the compiled code."""
    (logits,), _ = check.run(compiler, built, "model", "model.h", [tokens[:-1]])
    shifted = logits - logits.max(1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(-log[np.arange(len(log)), tokens[1:]].mean() / np.log(2))


def texts() -> dict[str, str]:
    """Name -> text."""
    found = {"reference": demo.text()}
    try:
        found["shakespeare"] = corpora.shakespeare().read_text(encoding="utf-8")
    except SystemExit as absent:
        print(absent)
    return found


def quality(compiler: list[str], seconds: float) -> list[dict[str, Any]]:
    """What eight bits cost trained language models on text that they have not seen."""
    rows = []
    for name, text in texts().items():
        for hidden in (64, 256):
            with tempfile.TemporaryDirectory() as scratch:
                file, out = Path(scratch) / "text.txt", Path(scratch) / "run"
                file.write_text(text[:-SCORED], encoding="utf-8")
                options: dict[str, Any] = {"hidden": hidden, "layers": 1, "ngram": False, "minutes": seconds / 60}
                train("text", str(file), out, evaluate=False, quiet=True, **options)
                model = throughtime.load(out)
            unseen = model.known(text[-SCORED:])
            tokens = model.tokenizer.encode(unseen)
            graph = graph_of(model, name)
            whole, short = build(graph, name), build(graph, name, True)
            float32, int8 = bits(whole, compiler, tokens), bits(short, compiler, tokens)
            row = {"text": name, "hidden": hidden, "float32": round(float32, 5), "int8": round(int8, 5)}
            row |= {"loss in percent": round(100 * (int8 / float32 - 1), 4)}
            row |= {"float32 bytes": whole.source.weight_bytes, "int8 bytes": short.source.weight_bytes}
            rows.append(row)
    return rows


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    compiler = check.find_compiler()
    if compiler is None:
        print("c_export: no C compiler; skipped")
        return
    if not c_export_arm.there():
        print("c_export: no arm-none-eabi-gcc or qemu-system-arm; the Cortex-M4 is left out")
    timing.report("c_export", cells(compiler), units=UNITS, inputs=INPUTS, steps=check.STEPS)
    timing.report("c_export_int8", quality(compiler, seconds), seconds=seconds, scored=SCORED)


if __name__ == "__main__":
    main()
