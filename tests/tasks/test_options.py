"""The options of the tasks: described, shown once, stored and read back, kept by a run that goes on."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime import cli
from throughtime.options import Declared, Options
from throughtime.tasks import TASKS, part
from throughtime.tasks.options import DropoutOptions, StackOptions, TaskOptions
from throughtime.training.settings import Settings

CONVERTED = [task for task in TASKS if find_spec(f"throughtime.tasks.{task}.options") is not None]
SHARED = (Settings, TaskOptions, StackOptions, DropoutOptions)


def of(task: str) -> type[Options]:
    found: type[Options] = part(task, "options").OPTIONS
    return found


def flag(one: Declared) -> str:
    return one.rule.flag or f"--{one.name.replace('_', '-')}"


@pytest.mark.parametrize("task", CONVERTED)
def test_every_option_of_a_task_is_described(task: str) -> None:
    for one in of(task).declared():
        assert one.rule.help, one.name
        assert one.rule.help.endswith("."), one.name
        one.checked("", one.default)
        one.checked("", one.command_default)


@pytest.mark.parametrize("task", CONVERTED)
def test_every_option_of_a_task_is_in_its_help_once(
    task: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERMINAL_WIDTH", "300")
    assert cli.invoke(["train", task, "--help"]) == 0
    shown = capfd.readouterr().out
    for one in of(task).declared():
        count = len(re.findall(rf"^  {flag(one)}(?![\w-])", shown, re.MULTILINE))
        assert count == (1 if one.rule.shell else 0), one.name
        assert (f"--no-{flag(one)[2:]}" in shown) == (one.kind is bool and one.command_default is not False), one.name
        if one.rule.shell:
            assert " ".join(one.rule.help.split()) in " ".join(shown.split())
    for other in ("--out", "--resume", "--force", "--json"):
        assert len(re.findall(rf"^  {other}(?![\w-])", shown, re.MULTILINE)) == 1


@pytest.mark.parametrize("task", CONVERTED)
def test_the_class_takes_its_options_as_they_are_declared(task: str) -> None:
    learner = getattr(part(task, "estimator"), TASKS[task].estimator)
    shown = learner.__signature__.parameters
    assert list(shown) == [*shown]
    assert set(shown) == {one.name for one in of(task).declared()}
    for one in of(task).declared():
        assert shown[one.name].default == one.default, one.name
    assert learner().options == of(task)()


VALID: dict[str, Any] = {"cell": "gru", "validation": 0.25}
"""A value other than the default where the declaration does not tell one."""


def other(one: Declared) -> Any:
    """A value that is not the default, by what is declared; None where that does not tell."""
    rule = one.rule
    if one.name in VALID:
        return VALID[one.name]
    if rule.check is not None or one.kind is Any:
        return None
    if one.kind is bool:
        return not one.default
    if one.kind is str:
        return next((choice for choice in rule.choices or ("other",) if choice != one.default), None)
    if one.kind in (int, float):
        low = rule.at_least if rule.at_least is not None else (rule.above or 0)
        high = rule.at_most if rule.at_most is not None else rule.below
        value = low + 1 if high is None or high > low + 1 else (low + high) / 2
        value = one.kind(value)
        if value == one.default:
            value = value + 1 if high is None or value + 1 < high else value / 2
        return value
    return None


@pytest.mark.parametrize("task", CONVERTED)
def test_what_a_task_stores_comes_back(task: str) -> None:
    options = of(task)
    values = {one.name: value for one in options.declared() if one.rule.stored and (value := other(one)) is not None}
    assert len(values) > 20
    for name, value in values.items():
        chosen = options(**{name: value})
        assert getattr(chosen, name) == value
        assert chosen != options()
        assert options.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen


@pytest.mark.parametrize("base", SHARED)
def test_what_tasks_share_is_checked_alone(base: type[Options]) -> None:
    assert base().to_json()
    assert base.from_json(json.loads(json.dumps(base().to_json()))) == base()


TEXT = "the cat sat on the mat, the dog ate the cat; " * 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("run")
    (place / "text.txt").write_text(TEXT, "utf-8")
    start = ["train", "text", str(place / "text.txt"), "--out", str(place / "m"), "--steps", "4", *TYPED]
    assert cli.invoke(start) == 0
    return place / "text.txt", place / "m"


TYPED = ["--hidden", "8,6", "--layers", "2", "--embedding", "4", "--batch", "4", "--window", "8", "--threads", "1"]
TYPED += ["--cell", "projected_lstm,gru", "--size", "P=3", "--dropout", "0.1", "--variational", "--seed", "3"]
TYPED += ["--clip", "0", "--holdout", "0.2"]


def test_a_run_goes_on_with_the_options_it_was_started_with(run: tuple[Path, Path]) -> None:
    file, folder = run
    before = json.loads((folder / "config.json").read_text())["options"]
    assert cli.invoke(["train", "text", str(file), "--out", str(folder), "--resume", "--steps", "4", *TYPED]) == 0
    assert json.loads((folder / "config.json").read_text())["options"] == before
    assert before["sizes"] == {"P": 3}
    assert before["clip"] is None
    assert before["cell"] == ["projected_lstm", "gru"]


@pytest.mark.parametrize(
    "option",
    [
        *(["--hidden", "8"], ["--cell", "gru"], ["--size", "P=4"], ["--seed", "0"], ["--dropout", "0.2"], ["--tied"]),
        *(["--holdout", "0.1"], ["--batch", "5"], ["--tokens", "bytes"]),
    ],
)
def test_a_run_goes_on_with_no_others(
    run: tuple[Path, Path], option: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    file, folder = run
    before = (folder / "config.json").read_bytes()
    capfd.readouterr()
    assert cli.invoke(["train", "text", str(file), "--out", str(folder), "--resume", *option]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    name = "sizes" if option[0] == "--size" else option[0][2:]
    assert f"a run that goes on keeps its {name}; leave it out, or start anew" in said.err
    assert (folder / "config.json").read_bytes() == before


def test_what_may_change_does(run: tuple[Path, Path]) -> None:
    file, folder = run
    changes = {"steps": 6, "learning_rate": 0.01, "patience": 9, "average": 0.5, "clip": 2.0, "weight_decay": 0.0}
    typed = [word for name, value in changes.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert cli.invoke(["train", "text", str(file), "--out", str(folder), "--resume", *typed]) == 0
    now = json.loads((folder / "config.json").read_text())["options"]
    assert {name: now[name] for name in changes} == changes
    assert now["seed"] == 3


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=12), st.text(max_size=8))
def test_any_text_as_cell_or_size_is_no_fault_of_ours(cell: str, size: str) -> None:
    from throughtime.tasks.text.options import TextOptions

    try:
        TextOptions(cell=cell).traces()
        parse = TextOptions.option("sizes").rule.parse
        assert parse is not None
        TextOptions(sizes=parse([size]))
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 - it may raise, or not
