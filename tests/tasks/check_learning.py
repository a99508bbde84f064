"""What every task promises of a training: that it repeats, goes on, and may start from a model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import throughtime
from tests.cli.misuse import snapshot
from tests.tasks.case import contents, one_line, same
from tests.tasks.checked import Checked, at_step, interrupt, renames
from throughtime.errors import UserError
from throughtime.storage.folder import CHECKPOINT, CONFIG, HISTORY, WEIGHTS
from throughtime.tasks import TASKS


class CheckLearning(Checked):
    """Learning, going on, starting from a model."""

    def test_the_same_seed_gives_the_same_model(self, fitted: Any, capfd: pytest.CaptureFixture[str]) -> None:
        case = self.case
        again = case.learner().fit(case.data, quiet=True, **case.options)  # options may be given to either
        assert capfd.readouterr() == ("", "")
        same(dict(again.fitted().parameters), dict(fitted.fitted().parameters))
        same(case.answer(again.fitted()), case.answer(fitted.fitted()))
        other = case.fit(seed=123)
        assert any(not np.array_equal(a, fitted.fitted().parameters[n]) for n, a in other.fitted().parameters.items())

    def test_progress_is_shown_unless_nobody_wants_it(self, capfd: pytest.CaptureFixture[str]) -> None:
        case = self.case
        case.learner(**case.options).fit(case.data)
        out, err = capfd.readouterr()
        assert out == ""
        assert f"{case.options['steps']} steps on 1 threads" in err
        assert "step " in err

    def test_it_says_what_it_is(self, fitted: Any) -> None:
        case = self.case
        name = TASKS[case.task].estimator
        assert repr(case.learner()) == f"<{name}(): not fitted>"
        said = repr(fitted)
        assert said.startswith(f"<{name}(")
        assert f"steps={case.options['steps']}" in said
        assert f"{fitted.record.parameters:,} parameters" in said
        assert "\n" not in said

    def test_before_it_has_learned_it_says_so(self) -> None:
        with pytest.raises(UserError, match="call fit first"):
            self.case.learner().fitted()
        with pytest.raises(UserError, match="call fit first"):
            self.case.learner().save("nowhere")
        assert not Path("nowhere").exists()

    def test_the_threads_of_torch_are_put_back(self) -> None:
        before = torch.get_num_threads()
        self.case.fit(threads=before + 1, steps=1)
        assert torch.get_num_threads() == before

    def test_as_scikit_learn_asks(self) -> None:
        case = self.case
        model = case.learner(**case.options)
        assert case.learner(**model.get_params()).options == model.options
        assert model.set_params(seed=5).get_params()["seed"] == 5
        with pytest.raises(UserError, match="unknown option 'hiden'"):
            model.set_params(hiden=3)

    def test_a_run_that_goes_on_equals_one_that_was_not_stopped(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        case, folder = self.case, tmp_path / "m"
        with at_step(case.options["steps"] // 2, interrupt):
            stopped = case.fit(out=folder, checkpoint_seconds=0.0)
        assert stopped.outcome.ended == "interrupted"
        assert stopped.outcome.steps < case.options["steps"]
        assert (folder / WEIGHTS).is_file()
        case.answer(throughtime.load(folder))
        case.learner().fit(case.data, out=folder, resume=True, quiet=True)
        same(contents(folder), contents(whole[0]))

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_run_that_was_killed_goes_on(self, whole: tuple[Path, int], tmp_path: Path, share: float) -> None:
        case, folder = self.case, tmp_path / "m"
        moment = max(1, round(share * whole[1]))

        def kill(number: int) -> None:
            if number == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
            child = os.fork()
        if not child:
            try:
                with renames(kill):
                    case.fit(out=folder, checkpoint_seconds=0.0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        there = (folder / CHECKPOINT).is_file()
        if there:
            case.learner().fit(case.data, out=folder, resume=True, quiet=True)
        else:
            case.learner(**case.options, checkpoint_seconds=0.0).fit(case.data, out=folder, force=True, quiet=True)
        assert there or share < 0.5
        same(contents(folder), contents(whole[0]))

    def test_a_larger_budget_goes_on(self, tmp_path: Path) -> None:
        case, steps = self.case, self.case.options["steps"]
        case.fit(out=tmp_path)
        more = case.learner().fit(case.data, out=tmp_path, resume=True, quiet=True, steps=steps + 3)
        assert more.outcome.steps == steps + 3
        assert json.loads((tmp_path / CONFIG).read_text("utf-8"))["options"]["steps"] == steps + 3

    def test_what_cannot_be_gone_on_with(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        case, folder = self.case, whole[0]
        before = snapshot(folder)
        for arguments, says in (
            ({"out": tmp_path / "none"}, "no run to go on with"),
            ({"out": None}, "the folder of the run"),
            ({"out": folder, "seed": case.options.get("seed", 0) + 1}, "keeps its seed"),
        ):
            with pytest.raises(UserError, match=says) as caught:
                case.learner().fit(case.data, resume=True, quiet=True, **arguments)
            one_line(caught.value)
        with pytest.raises(UserError, match=r"learns|learned") as caught:
            case.learner().fit(case.another, out=folder, resume=True, quiet=True)
        one_line(caught.value)
        assert snapshot(folder) == before
        assert not (tmp_path / "none").exists()

    def test_a_model_is_not_overwritten_unasked(self, tmp_path: Path) -> None:
        case = self.case
        case.fit(out=tmp_path)
        before = snapshot(tmp_path)
        with pytest.raises(UserError, match="--resume or overwrite it with --force"):
            case.fit(out=tmp_path)
        assert snapshot(tmp_path) == before
        case.learner(**{**case.options, "steps": 3}).fit(case.data, out=tmp_path, force=True, quiet=True)
        lines = [json.loads(line) for line in (tmp_path / HISTORY).read_text("utf-8").splitlines()]
        assert max(line["step"] for line in lines) == 3

    def test_a_training_starts_from_a_model(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        """What was learned is there at the start: with a rate of about nothing it answers as before; and the folder it
        starts from is as it was."""
        case, old = self.case, whole[0]
        before = contents(old)
        same_budget = {"steps": 1, "learning_rate": 1e-12, "threads": 1}
        model = case.learner().fit(case.data, out=tmp_path / "m", start=old, quiet=True, **same_budget)
        same(contents(old), before)
        one, two = dict(throughtime.load(old).parameters), dict(model.fitted().parameters)
        same(two, one, 1e-6)
        same(case.answer(throughtime.load(tmp_path / "m")), case.answer(model.fitted()))
        assert model.record.start.folder == str(old)
        assert json.loads((tmp_path / "m" / CONFIG).read_text("utf-8"))["start"]["sha256"] == model.record.start.sha256
        assert model.record.options.start == str(old)

    def test_a_start_is_told_and_goes_on(self, made: tuple[Path, Path, dict[str, Any], str], tmp_path: Path) -> None:
        file, old, _, _ = made
        calls = ["train", self.case.task, str(file), "--from", str(old), "--steps", "4", "--threads", "1"]
        with at_step(2, interrupt):
            _, said = self.captured([*calls, "--out", str(tmp_path / "m")], status=130)
        assert f"started from {old}" in said
        self.captured([*calls, "--out", str(tmp_path / "m"), "--resume"])
        out, _ = self.captured([*calls, "--out", str(tmp_path / "n"), "--json"])
        assert f"started from {old}" in json.loads(out)["start"]["sentence"]
        same(dict(throughtime.load(tmp_path / "m").parameters), dict(throughtime.load(tmp_path / "n").parameters))
        assert "What it started from" in (tmp_path / "n" / "report.html").read_text("utf-8")

    def test_a_start_that_cannot_be(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        case, old = self.case, whole[0]
        few = {"steps": 1, "threads": 1, "quiet": True}
        for out in (old, old / "next"):
            with pytest.raises(UserError, match="never written"):
                case.learner().fit(case.data, out=out, start=old, force=True, **few)
        with pytest.raises(UserError, match=r"has cell .* and what starts"):
            case.learner(cell="min_lstm").fit(case.data, start=old, **few)
        shutil.copytree(old, tmp_path / "other")
        config = json.loads((tmp_path / "other" / CONFIG).read_text("utf-8"))
        other = next(task for task in reversed(TASKS) if task not in (case.task, *case.learner.starts))
        (tmp_path / "other" / CONFIG).write_text(json.dumps({**config, "task": other}), "utf-8")
        with pytest.raises(UserError, match=f"expected a model of the task {case.task}.*its task is {other}"):
            case.learner().fit(case.data, start=tmp_path / "other", **few)
        with pytest.raises(UserError, match="expected a model folder"):
            case.learner().fit(case.data, start=tmp_path / "gone", **few)
