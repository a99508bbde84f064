"""The parity report as a page."""

from __future__ import annotations

from pathlib import Path

from throughtime.errors import needed
from throughtime.interop.parity import Parity
from throughtime.report.console import say
from throughtime.report.page import Page, Prose, Section, Table, render
from throughtime.storage.folder import write_atomically

REPORT = "report.html"


def page(proof: Parity, source: str) -> Page:
    """The page of a proof. source: what the model was held against."""
    rows = [
        (one.name, one.kind, f"{one.error:.1e}", f"{one.single:.1e}", "yes" if one.good else "NO")
        for one in proof.layers
    ]
    wrong = next((n for n, one in enumerate(proof.layers) if not one.good), -1)
    layers = Table(("layer", "kind", "float64", "float32", "agrees"), rows, (2, 3), wrong)
    tried = [Prose(f"Tried: {', '.join(proof.trials)}, random values, every other time with states carried over.")]
    tried += [Prose(f"{note[0].upper()}{note[1:]}.") for note in proof.notes]
    if proof.given is not None:
        tried.append(Prose(f"Against stored outputs, in float32: {proof.given:.2g}."))
    left = ", ".join(proof.left) or "everything travelled"
    return Page(
        "Parity report",
        f"{proof.verdict[0].upper()}{proof.verdict[1:]}.",
        (
            Section("Largest error of each layer", (layers, Prose("Relative to the largest value where above 1."))),
            Section("What was tried", tuple(tried)),
            Section("What did not travel", (Prose(left),)),
        ),
        footer=f"Held against {source}.",
    )


def write_report(folder: Path, proof: Parity, source: str) -> Path | None:
    """Write the page into a folder; None where what draws it is not installed, which is said."""
    try:
        html = render(page(proof, source))
    except ImportError as error:
        say(f"throughtime: no report, {error.name} is missing: {needed('train')}")
        return None
    write_atomically(folder / REPORT, html.encode())
    return folder / REPORT
