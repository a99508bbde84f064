"""Every numeric option of every verb with numbers it cannot take. The options are read from the commands.

Those of the verbs that depend on a model's task are tried where its contract is (tests/tasks/check_task.py).
"""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from tests.cli.misuse import (
    SMALL_READER,
    TEXT,
    TINY,
    Outcome,
    check_refusal,
    make_classifier,
    make_forecaster,
    make_model,
    make_tagger,
    snapshot,
)
from throughtime import cli
from throughtime.cli import BY_TASK, VERBS
from throughtime.cli.task import command as command_of
from throughtime.tasks import TASKS
from throughtime.tasks.text import demo

ABSURD = (str(10**12), str(2**200))
NEVER = ("", "abc", "nan", "inf", "-inf", "1e400", "-1", "0x10")
"""No option takes these."""

ZERO = {"average", "clip", "dropout", "weight_dropout", "validation", "holdout", "seed", "temperature", "length"} | {
    "profile", "seconds", "layer", "unit", "embedding_dropout", "word_dropout", "rare_dropout", "label_smoothing"
} | {
    "sure", "swap", "weight_decay", "layer_dropout"
}  # fmt: skip
"""The options that take 0."""

ANY_SIZE = {"clip", "seed", "vocabulary", "patience", "batch", "window", "minutes", "epochs", "steps", "top_k"} | {
    "learning_rate", "temperature", "stride", "weight_decay"
}  # fmt: skip
"""The options for which a very large number means "no limit", is lowered to what there is, or costs nothing."""

BASE = {
    "train text": ["train", "text", "text.txt", "--out", "new", *TINY],
    "train forecast": ["train", "forecast", "series.csv", "--out", "new", "--hidden", "8", "--threads", "1"],
    "train classify": ["train", "classify", "texts.csv", "--out", "new", *SMALL_READER],
    "train tag": ["train", "tag", "slots.conll", "--out", "new", *SMALL_READER],
    "run text": ["run", "m", "the", "--length", "3"],
    "run forecast": ["run", "f"],
    "run classify": ["run", "c", "we saw isx"],
    "run tag": ["run", "t", "leave the rome"],
    "evaluate text": ["evaluate", "m", "text.txt"],
    "evaluate forecast": ["evaluate", "f", "series.csv", "--seconds", "0"],
    "evaluate classify": ["evaluate", "c", "texts.csv"],
    "evaluate tag": ["evaluate", "t", "slots.conll", "--seconds", "0"],
    "report text": ["report", "m"],
    "report forecast": ["report", "f"],
    "report classify": ["report", "c"],
    "report tag": ["report", "t"],
    "diagnose": ["diagnose", "m", "text.txt"],
    "explain": ["explain", "m", "the cat"],
    "learning-curve": ["learning-curve", "text", "text.txt", "--out", "new", "--points", "3"],
    "cells": ["cells", "lstm"],
    "demo": ["demo", "--out", "new"],
    "doctor": ["doctor"],
}
"""A call of each command that it takes, to which the option is added."""


CONTRACTS = {path.parent.name for path in (Path(__file__).parents[1] / "tasks").glob("*/test_contract.py")}
"""Tasks whose own tests try the options of their verbs."""


def options() -> list[tuple[str, str, str]]:
    """(command, option, its name in Python) of every option that takes a number, as the commands declare them."""
    found = []
    calls = [
        (verb, task)
        for verb in VERBS
        for task in ([one for one in TASKS if one not in CONTRACTS] if verb in BY_TASK else [""])
    ]
    for verb, task in calls:
        app = command_of(task, verb) if task else import_module(f"throughtime.cli.{verb.replace('-', '_')}").app
        for command in app.registered_commands:
            name = f"{verb} {task}".strip()
            for parameter, hint in get_type_hints(command.callback, include_extras=True).items():
                taken = {int, float} & {*get_args(get_args(hint)[0]), get_args(hint)[0]} if get_args(hint) else set()
                if taken:
                    declared = getattr(hint.__metadata__[0], "param_decls", None)
                    found.append((name, (declared or ["--" + parameter.replace("_", "-")])[0], parameter))
    return found


def test_there_are_options() -> None:
    assert len(options()) > 15
    assert CONTRACTS
    assert {name for name, _, _ in options()} <= set(BASE), "a new command needs its row in BASE"


class Accepted(BaseException):
    """Training would begin."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for task, make in (("forecast", make_forecaster), ("classify", make_classifier), ("tag", make_tagger)):
        if task not in CONTRACTS:
            make(folder)
    return make_model(folder)


@pytest.fixture
def refuse(made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in a folder with a text and a model: None where it is accepted, else its refusal is checked."""
    from throughtime.training import loop

    def accept(*_: Any, **__: Any) -> None:
        raise Accepted

    tree = Path(shutil.copytree(made.parent, tmp_path / "tree"))
    monkeypatch.chdir(tree)
    monkeypatch.setattr(loop, "train", accept)
    monkeypatch.setattr(demo, "text", lambda: TEXT)

    def run(arguments: list[str]) -> bool:
        before = snapshot(tree)
        capfd.readouterr()
        try:
            status = cli.invoke(arguments)
        except Accepted:
            return False
        outcome = Outcome(status, *capfd.readouterr())
        if outcome.status == 0:
            return False
        check_refusal(outcome, [])
        assert snapshot(tree) == before
        return True

    return run


def rows() -> list[Any]:
    found = []
    for command, option, name in options():
        for value in (*NEVER, "0", *ABSURD):
            if value == "0" and (name in ZERO or (command, name) == ("demo", "seed")):
                continue
            found.append(pytest.param(command, option, name, value, id=f"{command} {option} {value[:13]}"))
    return found


@pytest.mark.parametrize(("command", "option", "name", "value"), rows())
def test_a_number_that_an_option_cannot_take(refuse: Any, command: str, option: str, name: str, value: str) -> None:
    refused = refuse([*BASE[command], option, value])
    assert refused or (value in ABSURD and name in ANY_SIZE)
