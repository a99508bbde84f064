"""throughtime demo: the main job on real text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from throughtime.report.console import new_app, print_json, say, scores

app = new_app("The main job on real text.")


@app.command()
def demo(
    minutes: Annotated[float, Option(help="How long to train.")] = 1.9,
    out: Annotated[Path, Option(help="The folder for the model and its report.")] = Path("runs/demo"),
    seed: Annotated[int, Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Learn the Python language reference that every installation carries, write from it, and score the rest of it."""
    from throughtime.runtime.load import load
    from throughtime.tasks import demo as task
    from throughtime.tasks.text import LanguageModel
    from throughtime.tasks.text_commands import report_of
    from throughtime.training.settings import Settings

    LanguageModel(seed=seed, threads=threads)  # these two refuse wrong numbers before anything is said or written
    Settings(budget=minutes, unit="minutes")
    text = task.text()
    say(f"the language reference in pydoc_data.topics: {len(text):,} characters, the last tenth is kept for the score")
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads)
    peer = task.plain_torch(text)
    if "evaluation" in summary and peer:
        summary["evaluation"]["baselines"]["plain torch LSTM"] = peer
    report_of(summary)
    pieces = load(out).write(task.PROMPT, length=400, temperature=0.7, seed=seed)
    if json:
        print_json({**summary, "prompt": task.PROMPT, "sample": "".join(pieces)})
        return
    print(f"\nwritten by the model, from the prompt {task.PROMPT!r}:\n")
    sys.stdout.write(task.PROMPT)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    print("\n")
    if "evaluation" in summary:
        print(scores(summary["evaluation"]))
        if peer:
            print(f"plain torch LSTM: {peer['minutes']:g} minutes, recorded on {peer['machine']}: {peer['command']}")
    print(f"model   {summary['directory']}")
    if "report" in summary:
        print(f"report  {Path(summary['report']).resolve()}")
    print(f"more    throughtime run {out} 'PROMPT'")
