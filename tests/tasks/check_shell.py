"""What every task promises of its options and commands."""

from __future__ import annotations

import functools
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main
from safetensors.numpy import load_file

from tests.cli.misuse import Outcome, check_refusal, snapshot
from tests.tasks.case import Page, contents, one_line, same
from tests.tasks.checked import Checked
from throughtime.cli import task
from throughtime.errors import UserError
from throughtime.options import Declared
from throughtime.storage.folder import CONFIG, HISTORY, WEIGHTS
from throughtime.tasks import part
from throughtime.tasks.train import train
from throughtime.training import loop
from throughtime.training.lock import locked

ABSURD = (str(10**12), str(2**200))
NEVER = ("", "abc", "nan", "inf", "-inf", "1e400", "-1", "0x10")
"""No option that is a number takes these, ABSURD aside, which some lower to what there is."""


class CheckShell(Checked):
    """Options, the shell."""

    def test_options_that_cannot_be_are_refused(self) -> None:
        case = self.case
        for one in case.options_class.declared():
            for value in self.wrong(one):
                with pytest.raises(UserError, match=one.name) as caught:
                    case.learner(**{one.name: value})
                one_line(caught.value)
        with pytest.raises(UserError, match=r"unknown option 'hiden', perhaps (.*, )?hidden"):
            case.learner(hiden=3)
        with pytest.raises(UserError, match="unknown option 'pace'"):
            case.learner().fit(case.data, quiet=True, pace=3)
        for cell in ("ltsm", "", 3, None, object(), [], ["lstm", None], "gone.py:Cell"):
            with pytest.raises(UserError, match=r"cell|layer") as caught:
                case.learner(**{**case.options, "cell": cell}).fit(case.data, quiet=True)
            one_line(caught.value)

    @staticmethod
    def wrong(one: Declared) -> list[Any]:
        """Values that an option cannot have, by what it declares."""
        if one.rule.check is not None or one.kind is Any:
            return []
        values: list[Any] = [] if one.optional else [None]
        if one.kind in (int, float):
            values += ["3", True, math.nan, math.inf, -math.inf, 1j, [], {}, object()]
            rule = one.rule
            values += [] if rule.at_least is None else [rule.at_least - 1]
            values += [] if rule.at_most is None else [rule.at_most + 1]
            values += [bound for bound in (rule.above, rule.below) if bound is not None]
            values += [1.5] if one.kind is int else []
        elif one.kind is bool:
            values += [0, 1, "yes", [], object()]
        elif one.kind is str:
            values += [3, True, [], object(), *(["no such choice"] if one.rule.choices else [])]
        else:
            values += [3, 1.5, True, object(), *([["no such choice"]] if one.rule.choices else [])]
        return values

    @pytest.mark.parametrize("verb", ["train", "run", "evaluate", "report"])
    def test_numbers_that_commands_cannot_take(
        self, made: tuple[Path, Path, Any, str], verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Accepted(BaseException):
            """Training would begin."""

        def accept(*_: Any, **__: Any) -> None:
            raise Accepted

        monkeypatch.setattr(loop, "train", accept)
        for module, name in ((task, "command"), (typer.main, "get_command")):  # made once for hundreds of calls
            monkeypatch.setattr(module, name, functools.cache(getattr(module, name)))
        case, (file, folder, _, _) = self.case, made
        calls = {
            "train": ["train", case.task, str(file), "--out", str(tmp_path / "new"), *case.typed],
            "run": ["run", str(folder), *case.run],
            "evaluate": ["evaluate", str(folder), str(file), *case.evaluate],
            "report": ["report", str(folder)],
        }
        before = snapshot(file.parent)
        for flag, name in self.numeric(verb):
            for value in (*NEVER, "0", *ABSURD):
                if (value == "0" and name in case.zero) or (value in ABSURD and name in case.unlimited):
                    continue
                out, err = self.captured([*calls[verb], flag, value], status=2)
                check_refusal(Outcome(2, out, err), [])
        assert snapshot(file.parent) == before
        assert not (tmp_path / "new").exists()

    def test_what_train_prints(self, made: tuple[Path, Path, dict[str, Any], str]) -> None:
        _, folder, summary, said = made
        assert summary["directory"] == str(folder)
        assert (summary["ended"], summary["steps"]) == ("budget", self.case.options["steps"])
        assert summary["parameters"] == sum(array.size for array in load_file(folder / WEIGHTS).values())
        assert Path(summary["report"]) == folder / "report.html"
        assert "Traceback" not in said
        assert f"{self.case.options['steps']} steps on 1 threads" in said
        last = json.loads((folder / HISTORY).read_text("utf-8").splitlines()[-1])
        if summary.get("evaluation"):
            assert last["evaluation"] == summary["evaluation"]
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        assert (config["task"], config["parameters"]) == (self.case.task, summary["parameters"])
        assert config["environment"]["threads"] == 1

    def test_the_commands_use_it(self, made: tuple[Path, Path, dict[str, Any], str], tmp_path: Path) -> None:
        file, folder, case = made[0], tmp_path / "m", self.case
        shutil.copytree(made[1], folder)  # what a command leaves in a folder is no part of the training's
        out, _ = self.captured(["run", str(folder), *case.run])
        assert out.strip()
        scored = ["evaluate", str(folder), str(file), *case.evaluate]
        assert self.captured(scored)[0].strip()
        values = json.loads(self.captured([*scored, "--json"])[0])
        assert values
        for verb in ("train", "run", "evaluate", "report"):
            arguments = [verb, case.task if verb == "train" else str(folder), "--help"]
            assert "--json" in self.captured(arguments)[0]

    def test_the_report_is_one_file(
        self, made: tuple[Path, Path, dict[str, Any], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = made[1]
        out, _ = self.captured(["report", str(folder), "--json"])
        path = Path(json.loads(out)["report"])
        html = path.read_text("utf-8")
        page = Page()
        page.feed(html)
        assert page.loaded
        assert all(address.startswith("data:") for address in page.loaded)
        for word in ("http://", "https://", "@import", "url(", "<script"):
            assert word not in html
        assert html.rstrip().endswith("</html>")
        monkeypatch.setattr(part(self.case.task, "report"), "write_report", {folder: path}.__getitem__)
        assert self.captured(["report", str(folder)])[0] == f"{path}\n"

    def test_python_and_the_shell_train_the_same_model(
        self, made: tuple[Path, Path, dict[str, Any], str], tmp_path: Path
    ) -> None:
        file, folder, summary, _ = made
        options = {n: v for n, v in self.case.options.items() if self.case.options_class.option(n).rule.shell}
        again = train(self.case.task, str(file), tmp_path / "m", quiet=True, **options)
        same(contents(tmp_path / "m"), contents(folder))
        assert again["validation_loss"] == summary["validation_loss"]

    def test_another_training_in_the_folder_is_refused(self, tmp_path: Path) -> None:
        with locked(tmp_path / "m"), pytest.raises(UserError, match="another training is at work"):
            self.case.fit(out=tmp_path / "m")
