"""A task, and what the tests of its promises share: models that are made once, and ways to disturb a training."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

import pytest
import torch

from tests.tasks.case import Case, as_typed
from throughtime import cli
from throughtime.cli import task


@contextlib.contextmanager
def at_step(number: int, act: Callable[[], None]) -> Iterator[None]:
    """Inside, something happens in the middle of a training step, counted from 1, of several members the first's."""
    step, count, first = torch.optim.AdamW.step, 0, None

    def counted(self: Any, *arguments: Any) -> Any:
        nonlocal count, first
        first = first or self
        count += self is first
        if count == number and self is first:
            act()
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", counted)
        yield


@contextlib.contextmanager
def renames(act: Callable[[int], None]) -> Iterator[None]:
    """Inside, something happens before a written file takes its place; it is told the number, from 1."""
    replace, count = os.replace, 0

    def counted(*arguments: Any, **named: Any) -> None:
        nonlocal count
        count += 1
        act(count)
        replace(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", counted)
        yield


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Checked:
    """What is made once for all of them; a subclass says of what task."""

    case: ClassVar[Case]

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> Any:
        """A model that learned in memory."""
        return cls.case.fit()

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
        """The folder of a training that nothing disturbed, with a checkpoint after every step; and how often a file was
        renamed for it."""
        folder, seen = tmp_path_factory.mktemp("whole") / "m", [0]
        with renames(lambda number: seen.append(number)):
            cls.case.fit(out=folder, checkpoint_seconds=0.0)
        return folder, seen[-1]

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any], str]:
        """What `throughtime train` made: the data's file, the model's folder, what was printed, and what was said."""
        place = tmp_path_factory.mktemp("made")
        file, folder = cls.case.write(cls.case.data, place), place / "m"
        out, err = cls.captured(["train", cls.case.task, str(file), "--out", str(folder), *cls.case.typed, "--json"])
        assert out.count("\n") == 1
        return file, folder, json.loads(out), err

    @staticmethod
    def captured(arguments: list[str], status: int = 0) -> tuple[str, str]:
        """What a command prints and says."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            found = cli.invoke(arguments)
        assert found == status, err.getvalue()
        return out.getvalue(), err.getvalue()

    def numeric(self, verb: str) -> list[tuple[str, str]]:
        """Options of a command that take a number: as typed, and in Python."""
        found = []
        for each in task.command(self.case.task, verb).registered_commands:
            for name, hint in get_type_hints(each.callback, include_extras=True).items():
                kind = get_args(hint)[0] if get_args(hint) else None
                if {int, float} & {kind, *get_args(kind)}:
                    declared = getattr(hint.__metadata__[0], "param_decls", None)
                    found.append(((declared or [f"--{name.replace('_', '-')}"])[0], name))
        if verb == "train":  # one or several: a text for the shell
            texts = [one for one in self.case.options_class.declared() if one.rule.shell and one.rule.parse is not None]
            for one in texts:
                usual = one.command_default
                first = usual[0] if isinstance(usual, tuple) and usual else usual
                if type(first) in (int, float):
                    found.append((as_typed(one, 0)[0], one.name))
        return found
