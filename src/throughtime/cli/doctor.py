"""throughtime doctor: what is installed, whether the engine computes right here, and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Option

from throughtime.options import Json
from throughtime.report.console import new_app, print_json, table

if TYPE_CHECKING:
    from throughtime.runtime.selfcheck import Finding

app = new_app("What is installed, whether the engine computes right on this machine, and how fast it is.")


@app.command()
def doctor(json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False) -> int:
    """Versions and machine, a self-check of the engine against NumPy, and its speed beside torch.nn.LSTM.

    Takes about two seconds. Exit status 1 if the self-check fails.
    """
    broken = _broken_engine()
    if broken is not None:
        print_json({"good": False, "engine": broken}) if json else print(f"FAILED: {broken}")
        return 1
    from throughtime.cli.doctor_speed import measure, torch_state
    from throughtime.runtime.selfcheck import check
    from throughtime.storage.environment import cores, environment

    state, threads = torch_state()
    found = environment(threads or cores())
    found["torch"] = state
    findings = check()
    good = all(finding.good for finding in findings)
    # nothing wrong is worth timing
    speed = measure(found["threads"], beside_torch=threads is not None) if good else None
    if json:
        cells = {f.cell: {**asdict(f), "good": f.good} for f in findings}
        print_json({"good": good, "environment": found, "check": cells, "speed": speed})
    else:
        print("\n\n".join([_machine(found), _checks(findings), *([_speeds(speed, found["cores"])] if speed else [])]))
    return 0 if good else 1


def _broken_engine() -> str | None:
    """Why the engine cannot be loaded; None where it can."""
    try:
        import throughtime.engine  # noqa: F401
    except ImportError as error:
        return f"the engine cannot be loaded ({error}); install throughtime again: pip install --force-reinstall"
    return None


def _machine(found: Mapping[str, Json]) -> str:
    rows = [[key.replace("_", " ").replace(" gb", ", GB"), str(value)] for key, value in found.items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _checks(findings: Sequence[Finding]) -> str:
    rows = [["self-check", "output", "gradients", "slope", "bits", ""]]
    for f in findings:
        errors = [f"{error:.0e}" for error in (f.output, f.gradient, f.slope)]
        rows.append([f.cell, *errors, "exact" if f.exact else "DIFFER", "good" if f.good else "FAILED"])
    bad = [f.cell for f in findings if not f.good]
    if not bad:
        return (
            f"{table(rows)}\nThe engine agrees with NumPy; rows, chunks, threads and single steps give the same bits."
        )
    return (
        f"{table(rows)}\nFAILED: {', '.join(bad)} came out wrong on this machine: do not trust results. "
        "THROUGHTIME_ISA=base may help; please report this output."
    )


def _speeds(speed: Mapping[str, Json], cores: int) -> str:
    rows = [
        [speed["what"], "ms", "GFLOP/s"],
        ["throughtime", f"{speed['milliseconds']:.1f}", f"{speed['gflops']:.0f}"],
    ]
    lines = []
    if "torch_milliseconds" in speed:
        rows.append(["torch.nn.LSTM", f"{speed['torch_milliseconds']:.1f}", f"{speed['torch_gflops']:.0f}"])
        lines.append(f"{speed['times_faster']:.2f} times torch's speed, the median of {speed['rounds']} rounds.")
    if (speed["load"] or 0) > cores / 2:
        lines.append(f"Rough figures: other programs are running (load average {speed['load']:.1f}).")
    return "\n".join([table(rows), *lines])
