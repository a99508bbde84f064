"""The verbs that work on every task: which one is meant, and what is said where that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from throughtime import cli
from throughtime.cli import task as verbs
from throughtime.tasks import TASKS


def shown(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    assert cli.invoke(arguments) == 0
    return capfd.readouterr().out


@pytest.mark.parametrize("verb", ["run", "evaluate"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_without_a_folder_is_about_every_task(verb: str, flag: str, capfd: pytest.CaptureFixture[str]) -> None:
    said = shown([verb, flag], capfd)
    lines = said.splitlines()
    for task in TASKS:
        (number,) = (n for n, line in enumerate(lines) if line.split()[:3] == [task, "throughtime", verb])
        assert lines[number].endswith(" [OPTIONS]")
        assert lines[number].split()[3] == "DIR"
        assert lines[number + 1].strip().endswith(".")
    assert f"throughtime {verb} DIR --help" in said
    assert "--json" in said
    assert shown([verb, "nowhere", flag], capfd) == said


def test_help_with_a_folder_is_about_its_model(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = shown(["run", str(made), "--help"], capfd)
    assert "Continue a prompt" in said
    assert "--temperature" in said
    assert "Forecast" not in said
    assert "--part" in shown(["evaluate", "--help", str(made)], capfd)


def test_usage_says_what_may_be_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    said = shown(["run", "--help"], capfd)
    assert "throughtime run DIR [PROMPT] [OPTIONS]" in said
    assert "throughtime evaluate DIR FILE [OPTIONS]" in shown(["evaluate", "--help"], capfd)


def test_a_folder_that_is_none_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["run", "nowhere", "the"]) == 2
    assert "nowhere: expected a model folder" in capfd.readouterr().err


def test_arguments_alone_need_no_parser(
    made: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = shown(["run", str(made), "the ", "--length", "500"], capfd)  # the length where nothing is said
    monkeypatch.setattr(cli, "_run", lambda *_: pytest.fail("Typer was asked"))
    plain = shown(["run", str(made), "the "], capfd)
    assert (plain[:4], len(plain)) == (parsed[:4], len(parsed))
    for arguments in (["the", "--length", "5"], ["the", "end"], ["--help"], [""]):
        assert verbs.plainly("run", [str(made), *arguments]) is None
    assert verbs.plainly("evaluate", [str(made)]) is None
    assert verbs.plainly("run", ["nowhere", "the"]) is verbs.plainly("run", []) is None
