"""What the verbs do for a text model, besides what they do for every task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.text.small import TEXT
from throughtime import cli
from throughtime.report.console import scores
from throughtime.tasks.text.commands import show
from throughtime.tasks.text.report import verdict_of

SMALL = ["--hidden", "8", "--embedding", "4", "--threads", "1", "--batch", "4", "--window", "16", "--steps", "20"]


def evaluation(ours: float) -> dict[str, Any]:
    peers = {"uniform": {"nats_per_character": 3.4}, "ngram": {"nats_per_character": 2.1, "order": 5}}
    return {"part": "test", "nats_per_character": ours, "baselines": peers}


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (1.8, "the model needs 1.800 nats per character, 14.3% fewer than the best simple baseline, the 5-gram model"),
        (2.2, "the best simple baseline, the 5-gram model, needs 4.5% fewer (2.100)"),
    ],
)
def test_an_evaluation_ends_with_what_it_comes_to(
    capsys: pytest.CaptureFixture[str], ours: float, verdict: str
) -> None:
    show(evaluation(ours))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == verdict_of(evaluation(ours))
    assert "\n".join(lines[1:]) == scores(evaluation(ours))
    assert verdict in lines[0]


def test_a_verdict_with_an_interval_comes_first_and_no_better_baseline_is_passed_over() -> None:
    told = {"baseline": "the 5-gram model", "sentence": "No proven skill: so it is."}
    assert verdict_of({**evaluation(2.2), "verdict": told}) == (
        "No proven skill: so it is. On the part of the text it never saw the model needs 2.200 nats per character, "
        "the 5-gram model 2.100."
    )
    better = evaluation(2.2)
    better["baselines"]["plain torch LSTM"] = {"nats_per_character": 2.0}
    assert "the plain torch LSTM model, needs 9.1% fewer" in verdict_of({**better, "verdict": told})


def test_a_training_prints_the_verdict_of_its_report(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text(TEXT[:4000], "utf-8")
    assert cli.invoke(["train", "text", str(tmp_path / "text.txt"), "--out", str(tmp_path / "m"), *SMALL]) == 0
    out = capfd.readouterr().out
    last = json.loads((tmp_path / "m" / "history.jsonl").read_text("utf-8").splitlines()[-1])
    verdict = verdict_of(last["evaluation"])
    assert verdict in out.splitlines()
    assert verdict.replace("'", "&#39;") in (tmp_path / "m" / "report.html").read_text("utf-8")
    assert out.splitlines()[-2:] == [f"model   {tmp_path / 'm'}", f"report  {tmp_path / 'm' / 'report.html'}"]


def test_a_prompt_is_given_once(trained: tuple[Path, Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["run", str(trained[0]), "the", "--prompt", "cat"]) == 2
    assert "given twice" in capfd.readouterr().err
    assert cli.invoke(["run", str(trained[0]), "--prompt", "-", "--length", "1"]) == 0
    assert capfd.readouterr().out.startswith("-")  # as a prompt, not standard input
    assert cli.invoke(["run", str(trained[0]), "--prompt", "the", "--length", "4", "--greedy"]) == 0
    out = capfd.readouterr().out
    assert cli.invoke(["run", str(trained[0]), "the", "--length", "4", "--top-k", "1"]) == 0
    assert capfd.readouterr().out == out
    assert len(out) == 8
